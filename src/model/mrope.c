#include "model/mrope.h"

#include <math.h>

int mrope_positions(const struct model_config *config, const int32_t *ids, size_t count,
                    const struct image_grid *grids, size_t grid_count, int32_t *positions, int32_t *next,
                    struct error *error) {
    int32_t *t = positions, *h = positions + count, *w = positions + 2 * count, start = 0;
    size_t image = 0, merge = (size_t)config->vision.merge;
    for (size_t i = 0; i < count;) {
        if (ids[i] != config->image_id) {
            t[i] = h[i] = w[i] = start++;
            i++;
            continue;
        }
        if (image == grid_count)
            return error_set(error, ERROR_INPUT, "the prompt has more image placeholders than images (%zu)",
                             grid_count);
        const struct image_grid *grid = &grids[image++];
        size_t rows = grid->height / merge, columns = grid->width / merge;
        for (size_t frame = 0; frame < grid->frames; frame++)
            for (size_t y = 0; y < rows; y++)
                for (size_t x = 0; x < columns; x++, i++) {
                    if (i == count || ids[i] != config->image_id)
                        return error_set(error, ERROR_INPUT, "image %zu needs %zu placeholders in the prompt",
                                         image, grid->frames * rows * columns);
                    t[i] = start; // a still image has no duration
                    h[i] = start + (int32_t)y;
                    w[i] = start + (int32_t)x;
                }
        start += (int32_t)(rows > columns ? rows : columns);
    }
    if (image != grid_count)
        return error_set(error, ERROR_INPUT, "%zu images, but placeholders for %zu", grid_count, image);
    *next = start;
    return 0;
}

int mrope_angles(const struct decoder_config *config, struct device *device, const int32_t *positions,
                 size_t count, struct matrix cosine, struct matrix sine, struct workspace *workspace,
                 struct error *error) {
    size_t half = (size_t)config->head_dim / 2;
    float *frequencies = workspace_host(workspace, half, sizeof *frequencies, error);
    uint8_t *axes = workspace_host(workspace, half, sizeof *axes, error);
    if (!frequencies || !axes) return -1;
    for (size_t f = 0; f < half; f++) {
        axes[f] = f < (size_t)config->mrope_section[0]                                ? 0
                  : f < (size_t)(config->mrope_section[0] + config->mrope_section[1]) ? 1
                                                                                      : 2;
        // In F32, as the reference computes it: the angles of far positions differ visibly otherwise.
        frequencies[f] = (float)(1.0 / pow(config->rope_theta, (double)(2 * f) / (double)config->head_dim));
    }
    const struct rotary rotary = {frequencies, axes, positions, count};
    device_rotary(device, cosine, sine, &rotary);
    return 0;
}
