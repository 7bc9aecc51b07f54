// LoRA: y += scale * (dropout(x) a^T) b^T, and its gradients. The inner product is made again in the backward
// pass: it costs rank / out of the layer, keeping it would cost memory.
#include "base/memory.h"
#include "tensor/cpu/cpu_internal.h"

static void *element(struct matrix m, size_t row, size_t column) {
    return (char *)m.data + (row * m.stride + column) * dtype_size(m.dtype);
}

// out = x with the mask applied; with `add` that is added to out.
static void apply_dropout(struct cpu_device *cpu, struct matrix out, struct matrix x,
                          const struct dropout *dropout, bool add) {
    enum { CHUNK = 4 * DROPOUT_UNIT, BLOCKS = 16 };
    uint32_t limit = (uint32_t)(dropout->rate * 65536.0f);
    float keep = 1.0f / (1.0f - dropout->rate);
    uint64_t units = (x.columns + DROPOUT_UNIT - 1) / DROPOUT_UNIT;
#pragma omp parallel for num_threads(cpu->base.threads) schedule(static)
    for (size_t r = 0; r < x.rows; r++)
        for (size_t first = 0; first < x.columns; first += CHUNK) {
            size_t count = x.columns - first < CHUNK ? x.columns - first : CHUNK;
            uint64_t counter = (r * units + first / DROPOUT_UNIT) * BLOCKS;
            float values[CHUNK], sums[CHUNK];
            cpu->kernels->to_f32(values, element(x, r, first), x.dtype, count);
            cpu->kernels->dropout(values, count, dropout, counter, limit, keep);
            if (add) {
                cpu->kernels->to_f32(sums, element(out, r, first), out.dtype, count);
                for (size_t c = 0; c < count; c++) values[c] += sums[c];
            }
            cpu->kernels->from_f32(element(out, r, first), out.dtype, values, count);
        }
}

static struct matrix dropped(struct cpu_device *cpu, struct matrix x, const struct dropout *dropout) {
    if (dropout->rate <= 0) return x;
    struct matrix out = cpu_temporary(cpu, x.dtype, x.rows, x.columns);
    if (out.data) apply_dropout(cpu, out, x, dropout, false);
    return out;
}

// scale * m in `type`.
static struct matrix scaled(struct cpu_device *cpu, struct matrix m, float scale, enum dtype type) {
    struct matrix out = cpu_temporary(cpu, type, m.rows, m.columns);
    float *values = m.data;
    if (!out.data) return out;
    for (size_t i = 0; i < m.rows * m.columns; i++) values[i] *= scale;
    cpu->kernels->from_f32(out.data, type, values, m.rows * m.columns);
    return out;
}

// scale * x a^T, in x's type.
static struct matrix inner_product(struct cpu_device *cpu, struct matrix x, const struct low_rank *adapter) {
    struct matrix inner = cpu_temporary(cpu, DTYPE_F32, x.rows, adapter->a.rows);
    if (!inner.data) return inner;
    cpu_linear(&cpu->base, inner, x, adapter->a, (struct matrix){0}, 0);
    return scaled(cpu, inner, adapter->scale, x.dtype);
}

// Adapters in F32 compute in F32, whatever the layer reads.
static struct matrix widened(struct cpu_device *cpu, struct matrix x, const struct low_rank *adapter) {
    return adapter->a.dtype == DTYPE_F32 && x.dtype != DTYPE_F32 ? cpu_converted(cpu, x, DTYPE_F32) : x;
}

void cpu_low_rank(struct device *device, struct matrix y, struct matrix x, const struct low_rank *adapter) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    size_t mark = arena_mark(cpu->backward);
    x = widened(cpu, x, adapter);
    if (x.data) x = dropped(cpu, x, &adapter->dropout);
    struct matrix sum = x.data && x.dtype == DTYPE_F32 ? cpu_converted(cpu, y, DTYPE_F32) : y;
    if (x.data && sum.data) {
        struct matrix inner = inner_product(cpu, x, adapter);
        if (inner.data) cpu_linear(device, sum, inner, adapter->b, (struct matrix){0}, LINEAR_ADD);
        if (sum.data != y.data && !device->error.code) cpu_gather(device, y, sum, NULL);
    }
    arena_rewind(cpu->backward, mark);
}

// dx += mask * (dinner a)
static void add_input_gradient(struct cpu_device *cpu, struct matrix dx, struct matrix dinner,
                               const struct low_rank *adapter) {
    if (adapter->dropout.rate <= 0) {
        struct matrix sum = dinner.dtype == DTYPE_F32 ? cpu_converted(cpu, dx, DTYPE_F32) : dx;
        if (!sum.data) return;
        cpu_multiply(cpu, sum, dinner, false, adapter->a, false, true);
        if (sum.data != dx.data && !cpu->base.error.code) cpu_gather(&cpu->base, dx, sum, NULL);
        return;
    }
    struct matrix change = cpu_temporary(cpu, DTYPE_F32, dx.rows, dx.columns);
    if (!change.data) return;
    cpu_multiply(cpu, change, dinner, false, adapter->a, false, false);
    apply_dropout(cpu, dx, change, &adapter->dropout, true);
}

void cpu_low_rank_backward(struct device *device, struct matrix dx, struct matrix da, struct matrix db,
                           struct matrix dy, struct matrix x, const struct low_rank *adapter) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    size_t mark = arena_mark(cpu->backward);
    x = widened(cpu, x, adapter);
    if (x.data && dy.dtype != x.dtype) {
        struct matrix copy = cpu_temporary(cpu, x.dtype, dy.rows, dy.columns);
        if (copy.data) cpu_gather(device, copy, dy, NULL);
        dy = copy;
    }
    if (!device->error.code) x = dropped(cpu, x, &adapter->dropout);
    struct matrix dinner = cpu_temporary(cpu, DTYPE_F32, dy.rows, adapter->a.rows);
    if (!device->error.code && db.data) {
        struct matrix inner = inner_product(cpu, x, adapter);
        cpu_multiply(cpu, db, dy, true, inner, false, true);
    }
    cpu_multiply(cpu, dinner, dy, false, adapter->b, false, false);
    if (!device->error.code) dinner = scaled(cpu, dinner, adapter->scale, x.dtype);
    if (da.data) cpu_multiply(cpu, da, dinner, true, x, false, true);
    if (dx.data && !device->error.code) add_input_gradient(cpu, dx, dinner, adapter);
    arena_rewind(cpu->backward, mark);
}
