// A new model: a Hugging Face folder with freshly initialised weights, ready to be trained.
//
// Matrices are normal(0, initializer_range). Those that write into the residual stream (o_proj and down_proj,
// in the vision tower attn.proj and mlp.down_proj) are divided by sqrt(2 * layers), as in GPT-2, so that the
// stream's variance does not grow with depth. Embeddings are normal(0, 0.02), norms 1, biases 0.
//
// Number i of a tensor is a function of the seed, the tensor's published name and i alone (Philox): a change
// of one size leaves the other tensors as they are, and the type and the shards change nothing but rounding.
#ifndef GLOBE_MODEL_INITIALISE_H
#define GLOBE_MODEL_INITIALISE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "tensor/tensor.h"

enum initialise_type { INITIALISE_AS_CONFIGURED, INITIALISE_BF16, INITIALISE_F32 };

struct initialise_options {
    const char *config;    // path of a config.json of Qwen2.5-VL, in any of its spellings. Token ids and
                           // vocab_size need not be there: they are filled in from the tokenizer, vocab_size
                           // rounded up to a multiple of 8. The other keys are written as they are.
    const char *tokenizer; // folder; its files are copied
    const char *folder;    // must not exist or be empty
    uint64_t seed;
    enum initialise_type type;
    int64_t min_pixels, max_pixels; // for preprocessor_config.json; 0: as published
    size_t shard_bytes;             // largest file; 0: 5 GB
};

struct initialise_report {
    size_t parameters, bytes; // of the weights
    int tokens, vocab;        // the tokenizer's, and with padding
};

// Writes config.json, generation_config.json, preprocessor_config.json, chat_template.json, the tokenizer and
// the weights. ERROR_MODEL for what is wrong with the configuration or the tokenizer, ERROR_USAGE for a
// folder that is not empty and for bad options; on any failure what was written is removed.
int initialise_checkpoint(const struct initialise_options *options, struct initialise_report *report,
                          struct error *error);

#endif
