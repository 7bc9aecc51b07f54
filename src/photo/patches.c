#include "photo/patches.h"

// The value of every pixel level of a channel, rounded where the reference rounds: the product with 1/255 in
// float64, then float32.
static void fill_levels(float levels[3][256], const struct photo_preprocessor *preprocessor) {
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < 256; i++) {
            float unit = (float)((double)i * (1.0 / 255));
            levels[c][i] = (unit - preprocessor->mean[c]) / preprocessor->std[c];
        }
}

// One row: channel, temporal copy, py, px. The copies of a still picture are equal.
static void write_row(float *row, const uint8_t *corner, size_t stride, size_t patch, size_t copies,
                      const float levels[3][256]) {
    for (size_t c = 0; c < 3; c++)
        for (size_t t = 0; t < copies; t++)
            for (size_t y = 0; y < patch; y++)
                for (size_t x = 0; x < patch; x++) *row++ = levels[c][corner[y * stride + x * 3 + c]];
}

void photo_patchify(const struct image *image, const struct photo_preprocessor *preprocessor, float *rows) {
    float levels[3][256];
    fill_levels(levels, preprocessor);
    size_t patch = preprocessor->patch_size, merge = preprocessor->merge_size;
    size_t copies = preprocessor->temporal_patch_size, stride = image->width * 3;
    size_t row_length = 3 * copies * patch * patch, group = patch * merge;
    for (size_t top = 0; top < image->height; top += group)
        for (size_t left = 0; left < image->width; left += group)
            for (size_t dy = 0; dy < merge; dy++)
                for (size_t dx = 0; dx < merge; dx++) {
                    const uint8_t *corner =
                        image->rgb + (top + dy * patch) * stride + (left + dx * patch) * 3;
                    write_row(rows, corner, stride, patch, copies, (const float(*)[256])levels);
                    rows += row_length;
                }
}
