// From pixels to the rows that the vision tower reads (qwen2_5_vl.md sections 3.4, 3.5).
#ifndef GLOBE_PHOTO_PATCHES_H
#define GLOBE_PHOTO_PATCHES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/warnings.h"
#include "photo/image.h"

// preprocessor_config.json or processor_config.json
struct photo_preprocessor {
    size_t patch_size;          // 14
    size_t merge_size;          // 2
    size_t temporal_patch_size; // 2
    size_t min_pixels;          // 3136
    size_t max_pixels;          // the file's, 12845056 in the published ones
    float mean[3], std[3];
};

// Qwen2.5-VL's published values.
struct photo_preprocessor photo_preprocessor_default(void);
// FOLDER/preprocessor_config.json, or the "image_processor" of FOLDER/processor_config.json (transformers 5), which
// counts where there are both; what they do not state, and all when they are missing, is the default. ERROR_MODEL for
// a broken file or one that asks for another preprocessing (no resize, a crop, another resampling or rescale_factor).
// `warnings` (may be NULL) gets disagreements and unknown keys.
int photo_preprocessor_read(struct photo_preprocessor *preprocessor, const char *folder,
                            struct warnings *warnings, struct error *error);

// The patch grid of one image: image_grid_thw.
struct image_grid {
    size_t frames; // 1 for a photograph
    size_t height; // patches; a multiple of merge
    size_t width;
};

// Rows [grid_h * grid_w, 3 * temporal * patch * patch] of an image whose sides are multiples of patch *
// merge: merge groups in raster order, inside a group dy, dx; in a row channel, temporal copy, py, px. value
// = (pixel / 255 - mean) / std. `rows` has room for them all.
void photo_patchify(const struct image *image, const struct photo_preprocessor *preprocessor, float *rows);

#endif
