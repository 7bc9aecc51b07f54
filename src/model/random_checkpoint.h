// Checkpoints with random weights, for benchmarks and tests: a whole Hugging Face folder of a known size,
// without any download. Matrices are normal with deviation 0.02, norms 1. Nothing sensible comes out of such
// a model.
#ifndef GLOBE_MODEL_RANDOM_CHECKPOINT_H
#define GLOBE_MODEL_RANDOM_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/config.h"

struct random_checkpoint {
    const char *shape;  // "tiny", "3b", "7b", "72b" (qwen2_5_vl.md section 1.1)
    enum dtype dtype;   // DTYPE_BF16 or DTYPE_F32
    uint64_t seed;      // the same seed gives the same weights
    size_t shard_bytes; // largest file; 0: 5 GB
    int layers;         // of the language model, instead of the shape's; 0: as published
};

// Writes config.json, generation_config.json, preprocessor_config.json, tokenizer.json and the weights to
// FOLDER, which must not exist or be empty. The tokenizer knows single bytes and the added tokens at their
// real ids; the other ids are filler words. ERROR_USAGE for an unknown shape, ERROR_IO when the disk has not
// enough room, which is looked at first; on any failure what was written is removed.
int random_checkpoint_write(const struct random_checkpoint *options, const char *folder, struct error *error);
// The configuration of a named shape.
int random_checkpoint_config(const char *shape, struct model_config *config, struct error *error);

#endif
