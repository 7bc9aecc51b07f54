// Positions of tokens in three axes (time, height, width) and the rotation angles they give (qwen2_5_vl.md
// section 6).
#ifndef GLOBE_MODEL_MROPE_H
#define GLOBE_MODEL_MROPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/config.h"
#include "photo/patches.h"
#include "tensor/workspace.h"

// Fills positions [3, count] (t, h, w) for a prompt whose image placeholders stand for `grids` in order.
// *next is the position after the last token, on all three axes. ERROR_INPUT when placeholders and grids
// disagree.
int mrope_positions(const struct model_config *config, const int32_t *ids, size_t count,
                    const struct image_grid *grids, size_t grid_count, int32_t *positions, int32_t *next,
                    struct error *error);

// Cosine and sine [count, head_dim / 2] F32 on the device, for positions [3, count].
int mrope_angles(const struct decoder_config *config, struct device *device, const int32_t *positions,
                 size_t count, struct matrix cosine, struct matrix sine, struct workspace *workspace,
                 struct error *error);

#endif
