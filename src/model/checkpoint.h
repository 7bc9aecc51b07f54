// A checkpoint in a Hugging Face folder: configuration and weights under one set of names,
// whichever version of transformers wrote them (qwen2_5_vl.md section 2).
#ifndef GLOBE_MODEL_CHECKPOINT_H
#define GLOBE_MODEL_CHECKPOINT_H

#include <stddef.h>

#include "base/error.h"
#include "base/warnings.h"
#include "model/config.h"
#include "model/safetensors.h"
#include "tensor/tensor.h"

struct checkpoint;

// FOLDER with config.json, the weights, and perhaps generation_config.json. Reads headers only: weights are
// mapped.
struct checkpoint *checkpoint_open(const char *folder, struct error *error);
void checkpoint_free(struct checkpoint *checkpoint); // its tensors are gone then

const char *checkpoint_folder(const struct checkpoint *checkpoint);
const struct model_config *checkpoint_config(const struct checkpoint *checkpoint);
// eos_count is 0 only when neither generation_config.json nor config.json names an end token.
const struct generation_defaults *checkpoint_generation(const struct checkpoint *checkpoint);
const struct safetensors *
checkpoint_weights(const struct checkpoint *checkpoint); // under the file's own names

// The tensor of a published name ("model.layers.0.self_attn.q_proj.weight",
// "visual.patch_embed.proj.weight"), with this shape and of type F32, BF16 or F16. "lm_head.weight" is the
// embedding when the two are tied. The tensor belongs to the checkpoint. NULL with ERROR_MODEL naming folder,
// tensor, found and expected shape.
const struct tensor *checkpoint_tensor(const struct checkpoint *checkpoint, const char *name, int dims,
                                       const size_t *shape, struct error *error);

// Holds the weights against the configuration: ERROR_MODEL if any tensor is missing ("12 tensors are missing,
// first:
// ...") or has the wrong shape or type. `warnings` (may be NULL) gets a line about tensors that nothing uses, and
// what the configurations say that is not honoured.
int checkpoint_check(const struct checkpoint *checkpoint, struct warnings *warnings, struct error *error);

#endif
