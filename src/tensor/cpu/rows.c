// Operations that work row by row: norms, rotations, activations, gathering.
#include <string.h>

#include "tensor/cpu/cpu_internal.h"

// Below this many values a parallel region costs more than it saves.
enum { PARALLEL_VALUES = 1 << 14 };

static void *row_of(struct matrix m, size_t row) {
    return (char *)m.data + row * m.stride * dtype_size(m.dtype);
}

void cpu_rms_norm(struct device *device, struct matrix y, struct matrix x, struct matrix weight, float eps) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    float *w = cpu_scratch(cpu, cpu->base.threads, x.columns);
    if (!w) return;
    cpu->kernels->to_f32(w, weight.data, weight.dtype, x.columns);
#pragma omp parallel for num_threads(device->threads) \
    schedule(static) if (x.rows * x.columns > PARALLEL_VALUES)
    for (size_t r = 0; r < x.rows; r++)
        cpu->kernels->rms_norm(row_of(y, r), y.dtype, row_of(x, r), x.dtype, w, x.columns, eps);
}

void cpu_rope(struct device *device, struct matrix x, size_t head_dim, struct matrix cosine,
              struct matrix sine, bool inverse) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    if (head_dim > ROPE_LONGEST) {
        device_fail(device, ERROR_INTERNAL, "heads of %zu dimensions are too long", head_dim);
        return;
    }
#pragma omp parallel for num_threads(device->threads) \
    schedule(static) if (x.rows * x.columns > PARALLEL_VALUES)
    for (size_t r = 0; r < x.rows; r++)
        cpu->kernels->rope(row_of(x, r), x.dtype, row_of(cosine, r), row_of(sine, r), x.columns / head_dim,
                           head_dim, inverse ? -1.0f : 1.0f);
}

void cpu_swiglu(struct device *device, struct matrix y, struct matrix gate, struct matrix up) {
    struct cpu_device *cpu = (struct cpu_device *)device;
#pragma omp parallel for num_threads(device->threads) \
    schedule(static) if (y.rows * y.columns > PARALLEL_VALUES)
    for (size_t r = 0; r < y.rows; r++)
        cpu->kernels->swiglu(row_of(y, r), row_of(gate, r), row_of(up, r), y.dtype, y.columns);
}

void cpu_gelu(struct device *device, struct matrix y, struct matrix x) {
    struct cpu_device *cpu = (struct cpu_device *)device;
#pragma omp parallel for num_threads(device->threads) \
    schedule(static) if (y.rows * y.columns > PARALLEL_VALUES)
    for (size_t r = 0; r < y.rows; r++) cpu->kernels->gelu(row_of(y, r), row_of(x, r), y.dtype, y.columns);
}

// One row from one type to another; either may be F32, and equal types are a copy.
static void convert_row(struct cpu_device *cpu, void *out, enum dtype out_type, const void *in,
                        enum dtype in_type, size_t n) {
    if (out_type == in_type) {
        memcpy(out, in, n * dtype_size(in_type));
    } else if (out_type == DTYPE_F32) {
        cpu->kernels->to_f32(out, in, in_type, n);
    } else {
        float chunk[512];
        for (size_t i = 0; i < n; i += 512) {
            size_t count = n - i < 512 ? n - i : 512;
            cpu->kernels->to_f32(chunk, (const char *)in + i * dtype_size(in_type), in_type, count);
            cpu->kernels->from_f32((char *)out + i * dtype_size(out_type), out_type, chunk, count);
        }
    }
}

void cpu_embed(struct device *device, struct matrix y, struct matrix table, const int32_t *ids) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    for (size_t r = 0; r < y.rows; r++)
        convert_row(cpu, row_of(y, r), y.dtype, row_of(table, (size_t)ids[r]), table.dtype, y.columns);
}

void cpu_gather(struct device *device, struct matrix y, struct matrix x, const size_t *index) {
    struct cpu_device *cpu = (struct cpu_device *)device;
#pragma omp parallel for num_threads(device->threads) \
    schedule(static) if (y.rows * y.columns > PARALLEL_VALUES)
    for (size_t r = 0; r < y.rows; r++)
        convert_row(cpu, row_of(y, r), y.dtype, row_of(x, index ? index[r] : r), x.dtype, y.columns);
}

void cpu_scatter(struct device *device, struct matrix y, struct matrix x, const size_t *index) {
    struct cpu_device *cpu = (struct cpu_device *)device;
#pragma omp parallel for num_threads(device->threads) \
    schedule(static) if (x.rows * x.columns > PARALLEL_VALUES)
    for (size_t r = 0; r < x.rows; r++)
        convert_row(cpu, row_of(y, index[r]), y.dtype, row_of(x, r), x.dtype, x.columns);
}
