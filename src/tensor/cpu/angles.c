// What is computed around attention, value by value: the angles of rotary embeddings, and how much queries
// looked at some keys.
#include <math.h>

#include "tensor/cpu/cpu_internal.h"

enum { PARALLEL_VALUES = 1 << 11 }; // below, a parallel region costs more than it saves

static float *row_of(struct matrix m, size_t row) {
    return (float *)m.data + row * m.stride;
}

void cpu_rotary(struct device *device, struct matrix cosine, struct matrix sine,
                const struct rotary *rotary) {
#pragma omp parallel for num_threads(device->threads) \
    schedule(static) if (cosine.rows * cosine.columns > PARALLEL_VALUES)
    for (size_t r = 0; r < cosine.rows; r++)
        for (size_t f = 0; f < cosine.columns; f++) {
            int32_t position = rotary->positions[rotary->axes[f] * rotary->position_stride + r];
            float angle = (float)position * rotary->frequencies[f];
            row_of(cosine, r)[f] = cosf(angle);
            row_of(sine, r)[f] = sinf(angle);
        }
}

void cpu_attention_shares(struct device *device, const struct attention_shares *shares) {
#pragma omp parallel for num_threads(device->threads) schedule(static)
    for (size_t r = 0; r < shares->sums.rows; r++) {
        size_t seen = shares->seen + r;
        float *scores = row_of(shares->scores, r), *sums = row_of(shares->sums, r), top = -INFINITY;
        double total = 0;
        for (size_t k = 0; k < seen; k++) {
            scores[k] *= shares->scale;
            top = scores[k] > top ? scores[k] : top;
        }
        for (size_t k = 0; k < seen; k++) {
            scores[k] = expf(scores[k] - top);
            total += (double)scores[k];
        }
        float scale = (float)(1 / total);
        for (size_t k = 0; k < shares->sums.columns; k++) sums[k] += scores[shares->first + k] * scale;
    }
}
