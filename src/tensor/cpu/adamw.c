// The optimiser's operations, on plain runs of F32.
#include <math.h>

#include "tensor/cpu/cpu_internal.h"

enum { PIECE = 16384 }; // values that a thread takes at a time

// A matrix without gaps is one long row.
static struct matrix flattened(struct matrix m) {
    return m.stride == m.columns ? matrix_of(m.data, m.dtype, 1, m.rows * m.columns) : m;
}

static void update_piece(const struct adamw_factors f, float *restrict value, const float *restrict gradient,
                         float *restrict m, float *restrict v, size_t count) {
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i] * f.scale;
        m[i] = f.beta1 * m[i] + f.rest1 * g;
        v[i] = f.beta2 * v[i] + f.rest2 * g * g;
        value[i] = value[i] * f.keep - f.rate * m[i] / (sqrtf(v[i]) / f.root + f.epsilon);
    }
}

void cpu_adamw(struct device *device, const struct adamw_factors *factors, struct matrix value,
               struct matrix gradient, struct matrix m, struct matrix v) {
    bool flat = value.stride == value.columns && gradient.stride == value.columns &&
                m.stride == value.columns && v.stride == value.columns;
    size_t rows = flat ? 1 : value.rows, count = flat ? value.rows * value.columns : value.columns;
    for (size_t r = 0; r < rows; r++) {
        float *values = (float *)value.data + r * value.stride, *first = (float *)m.data + r * m.stride,
              *second = (float *)v.data + r * v.stride;
        const float *gradients = (const float *)gradient.data + r * gradient.stride;
        size_t pieces = (count + PIECE - 1) / PIECE;
#pragma omp parallel for num_threads(device->threads) schedule(static) if (pieces > 4)
        for (size_t p = 0; p < pieces; p++) {
            size_t at = p * PIECE, rest = count - at;
            update_piece(*factors, values + at, gradients + at, first + at, second + at,
                         rest < PIECE ? rest : PIECE);
        }
    }
}

// Eight running sums, so that the compiler may use vectors without changing the order.
static double square_sum_piece(const float *values, size_t count) {
    double sums[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (size_t j = 0; j < 8; j++) sums[j] += (double)values[i + j] * (double)values[i + j];
    for (size_t j = 0; i < count; i++, j++) sums[j] += (double)values[i] * (double)values[i];
    double sum = 0;
    for (size_t j = 0; j < 8; j++) sum += sums[j];
    return sum;
}

static double square_sum_row(const float *values, size_t count, int threads) {
    enum { PIECES = 256 };
    double sum = 0, parts[PIECES] = {0};
    while (count > 0) {
        size_t part = count < (size_t)PIECE * PIECES ? count : (size_t)PIECE * PIECES;
        size_t pieces = (part + PIECE - 1) / PIECE;
#pragma omp parallel for num_threads(threads) schedule(static) if (pieces > 4)
        for (size_t p = 0; p < pieces; p++) {
            size_t first = p * PIECE, rest = part - first;
            parts[p] = square_sum_piece(values + first, rest < PIECE ? rest : PIECE);
        }
        for (size_t p = 0; p < pieces; p++) sum += parts[p];
        values += part;
        count -= part;
    }
    return sum;
}

void cpu_square_sum(struct device *device, struct matrix sum, struct matrix values) {
    values = flattened(values);
    for (size_t r = 0; r < values.rows; r++)
        *(double *)sum.data +=
            square_sum_row((const float *)values.data + r * values.stride, values.columns, device->threads);
}
