#include "model/linear.h"

// The addition of a span to this layer, or NULL.
static const struct low_rank *addition_of(const struct linear_span *span, const struct linear *linear) {
    const struct low_rank *addition = span->layers ? &span->layers[linear->number] : NULL;
    return addition && addition->a.data ? addition : NULL;
}

static size_t rows_of(const struct linear_additions *additions, size_t span) {
    return additions->spans[span].rows / (additions->unit ? additions->unit : 1);
}

void linear_run(const struct linear *linear, const struct linear_additions *additions, struct device *device,
                struct matrix y, struct matrix x, unsigned flags) {
    device_linear(device, y, x, &linear->weight, linear->bias, flags);
    for (size_t i = 0, row = 0; additions && i < additions->count; i++) {
        const struct low_rank *addition = addition_of(&additions->spans[i], linear);
        size_t rows = rows_of(additions, i);
        if (addition) device_low_rank(device, matrix_rows(y, row, rows), matrix_rows(x, row, rows), addition);
        row += rows;
    }
}

static struct matrix some_rows(struct matrix m, size_t first, size_t rows) {
    return m.data ? matrix_rows(m, first, rows) : m;
}

void linear_backward(const struct linear *linear, const struct linear *gradient,
                     const struct linear_additions *additions, struct device *device, struct matrix dx,
                     struct matrix dy, struct matrix x, unsigned flags) {
    static const struct low_rank frozen = {.scale = 0};
    device_linear_backward(device, dx, gradient->weight.values, gradient->bias, dy, x, &linear->weight,
                           flags);
    for (size_t i = 0, row = 0; additions && i < additions->count; i++) {
        const struct linear_span *span = &additions->spans[i];
        const struct low_rank *addition = addition_of(span, linear);
        const struct low_rank *into = span->gradients ? &span->gradients[linear->number] : &frozen;
        size_t rows = rows_of(additions, i);
        if (addition)
            device_low_rank_backward(device, some_rows(dx, row, rows), into->a, into->b,
                                     matrix_rows(dy, row, rows), matrix_rows(x, row, rows), addition);
        row += rows;
    }
}
