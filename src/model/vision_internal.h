// The inside of the vision tower, for the files that compute with it: inference (vision.c), training
// (vision_backward.c) and whoever exchanges its weights (parts.c).
#ifndef GLOBE_MODEL_VISION_INTERNAL_H
#define GLOBE_MODEL_VISION_INTERNAL_H

#include "model/linear.h"
#include "model/vision.h"

#define VISION_NORM_EPS 1e-6f // fixed in the reference, not in config.json

struct vision_block {
    struct matrix norm1, norm2; // [1, hidden]
    struct linear qkv, proj, gate, up, down;
    bool full; // attends to the whole image, not to its window
};

struct vision {
    struct vision_config config;
    struct linear patch_embed;
    struct vision_block *blocks;
    struct matrix merger_norm;
    struct linear merger_in, merger_out;
};

// Everything the blocks share in one pass.
struct vision_pass {
    const struct vision *vision;
    struct device *device;
    struct linear_additions additions; // to the rows of patches; window order keeps a picture's rows together
    size_t patches;
    size_t *patch_index;        // window order -> patch order
    size_t *group_index;        // the same for merge groups
    struct matrix cosine, sine; // of the patches in window order
    struct attention_segment *windows, *images;
    size_t window_count, image_count;
    struct matrix x; // the residual stream [patches, hidden], F32
    struct matrix normed, qkv, attended, gate, up;
    struct matrix activated; // silu(gate) * up; may be gate
    float *log_sums;         // NULL, or [patches, heads] on the device: kept for the backward pass
};

// Fills a pass that names vision, device and patches.
int vision_prepare(struct vision_pass *pass, enum dtype type, const struct image_grid *grids,
                   size_t grid_count, struct workspace *workspace, struct error *error);
// The steps of a block, in this order.
void vision_project(const struct vision_pass *pass, const struct vision_block *block);  // normed, qkv
void vision_attend(const struct vision_pass *pass, const struct vision_block *block);   // attended, x
void vision_expand(const struct vision_pass *pass, const struct vision_block *block);   // normed, gate, up
void vision_contract(const struct vision_pass *pass, const struct vision_block *block); // activated, x
// The same additions to the rows of merge groups.
struct linear_additions vision_group_additions(const struct vision_pass *pass);
// The attention of vision_attend.
struct attention vision_attention(const struct vision_pass *pass, const struct vision_block *block);

#endif
