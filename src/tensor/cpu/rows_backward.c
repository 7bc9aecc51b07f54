// Gradients of the operations that work row by row.
#include <string.h>

#include "base/memory.h"
#include "tensor/cpu/cpu_internal.h"

enum { PARALLEL_VALUES = 1 << 11 }; // below, a parallel region costs more than it saves

static void *row_of(struct matrix m, size_t row) {
    return (char *)m.data + row * m.stride * dtype_size(m.dtype);
}

struct matrix cpu_temporary(struct cpu_device *cpu, enum dtype type, size_t rows, size_t columns) {
    struct matrix matrix = matrix_of(NULL, type, rows, columns);
    struct error error = {0};
    size_t count;
    if (cpu->base.error.code) return matrix;
    if (!memory_multiply(rows, columns, &count))
        device_fail(&cpu->base, ERROR_MEMORY, "a matrix of %zu by %zu is too large", rows, columns);
    else if (!(matrix.data = arena_get(cpu->backward, count, dtype_size(type), &error)))
        device_fail(&cpu->base, error.code, "%s", error.message);
    return matrix;
}

// Each thread sums the weight's gradient over its rows; the sums are added up in the order of the threads.
void cpu_rms_norm_backward(struct device *device, struct matrix dx, struct matrix dweight, struct matrix dy,
                           struct matrix x, struct matrix weight, float eps) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    size_t mark = arena_mark(cpu->backward), n = x.columns, threads = (size_t)device->threads;
    float *w = cpu_temporary(cpu, DTYPE_F32, 1, n).data, *sums = NULL;
    if (dweight.data) sums = cpu_temporary(cpu, DTYPE_F32, threads, n).data;
    if (device->error.code) return;
    cpu->kernels->to_f32(w, weight.data, weight.dtype, n);
    if (sums) memset(sums, 0, threads * n * sizeof *sums);
#pragma omp parallel for num_threads(device->threads) schedule(static) if (x.rows * n > PARALLEL_VALUES)
    for (size_t r = 0; r < x.rows; r++)
        cpu->kernels->rms_norm_backward(row_of(dx, r), sums ? sums + (size_t)cpu_thread() * n : NULL,
                                        row_of(dy, r), dy.dtype, row_of(x, r), x.dtype, w, n, eps);
    for (size_t t = 0; sums && t < threads; t++)
        for (size_t i = 0; i < n; i++) ((float *)dweight.data)[i] += sums[t * n + i];
    arena_rewind(cpu->backward, mark);
}

void cpu_swiglu_backward(struct device *device, struct matrix dgate, struct matrix dup, struct matrix dy,
                         struct matrix gate, struct matrix up) {
    struct cpu_device *cpu = (struct cpu_device *)device;
#pragma omp parallel for num_threads(device->threads) \
    schedule(static) if (dy.rows * dy.columns > PARALLEL_VALUES)
    for (size_t r = 0; r < dy.rows; r++)
        cpu->kernels->swiglu_backward(row_of(dgate, r), row_of(dup, r), row_of(dy, r), row_of(gate, r),
                                      row_of(up, r), dy.dtype, dy.columns);
}

void cpu_gelu_backward(struct device *device, struct matrix dx, struct matrix dy, struct matrix x) {
    struct cpu_device *cpu = (struct cpu_device *)device;
#pragma omp parallel for num_threads(device->threads) \
    schedule(static) if (dy.rows * dy.columns > PARALLEL_VALUES)
    for (size_t r = 0; r < dy.rows; r++)
        cpu->kernels->gelu_backward(row_of(dx, r), row_of(dy, r), row_of(x, r), dy.dtype, dy.columns);
}

// Threads share the columns, so that rows with the same id are added in order by one thread.
void cpu_embed_backward(struct device *device, struct matrix dtable, struct matrix dy, const int32_t *ids) {
    enum { COLUMNS = 64 };
#pragma omp parallel for num_threads(device->threads) \
    schedule(static) if (dy.rows * dy.columns > PARALLEL_VALUES)
    for (size_t first = 0; first < dy.columns; first += COLUMNS) {
        size_t end = first + COLUMNS < dy.columns ? first + COLUMNS : dy.columns;
        for (size_t r = 0; r < dy.rows; r++) {
            if (ids[r] < 0) continue;
            float *sum = row_of(dtable, (size_t)ids[r]);
            const float *add = row_of(dy, r);
            for (size_t c = first; c < end; c++) sum[c] += add[c];
        }
    }
}
