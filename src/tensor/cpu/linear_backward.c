// Gradients of products: of a linear layer and of log-probs over the vocabulary. All multiplying is oneDNN's.
#include <string.h>

#include "base/memory.h"
#include "tensor/cpu/cpu_internal.h"

enum { PANEL_VALUES = 1 << 20 }; // of w converted at a time where it is not of the compute type

static void *element(struct matrix m, size_t row, size_t column) {
    return (char *)m.data + (row * m.stride + column) * dtype_size(m.dtype);
}

struct matrix cpu_converted(struct cpu_device *cpu, struct matrix m, enum dtype type) {
    if (m.dtype == type) return m;
    struct matrix copy = cpu_temporary(cpu, type, m.rows, m.columns);
    if (copy.data) cpu_gather(&cpu->base, copy, m, NULL);
    return copy;
}

static void multiply_widened(struct cpu_device *cpu, struct matrix y, struct matrix a, bool a_transposed,
                             struct matrix b, bool b_transposed, bool add) {
    size_t mark = arena_mark(cpu->backward);
    struct matrix wide_a = cpu_converted(cpu, a, DTYPE_F32), wide_b = cpu_converted(cpu, b, DTYPE_F32);
    struct matrix wide_y = add                    ? cpu_converted(cpu, y, DTYPE_F32)
                           : y.dtype == DTYPE_F32 ? y
                                                  : cpu_temporary(cpu, DTYPE_F32, y.rows, y.columns);
    if (wide_a.data && wide_b.data && wide_y.data)
        cpu_multiply(cpu, wide_y, wide_a, a_transposed, wide_b, b_transposed, add);
    if (wide_y.data && wide_y.data != y.data && !cpu->base.error.code)
        cpu_gather(&cpu->base, y, wide_y, NULL);
    arena_rewind(cpu->backward, mark);
}

void cpu_multiply(struct cpu_device *cpu, struct matrix y, struct matrix a, bool a_transposed,
                  struct matrix b, bool b_transposed, bool add) {
    if (cpu->base.error.code || !y.rows || !y.columns) return;
    if (a.dtype == DTYPE_BF16 && cpu->widen_bf16) {
        multiply_widened(cpu, y, a, a_transposed, b, b_transposed, add);
        return;
    }
    if (cpu_matmul_multiply(cpu->matmul, y, a, a_transposed, b, b_transposed, add))
        device_fail(&cpu->base, ERROR_INTERNAL, "oneDNN refused a product of [%zu, %zu] by [%zu, %zu] in %s",
                    a.rows, a.columns, b.rows, b.columns, dtype_name(a.dtype));
}

// Threads share the columns: no two of them add to the same sum.
static void add_column_sums(struct cpu_device *cpu, float *sums, struct matrix dy) {
    enum { COLUMNS = 128 };
#pragma omp parallel for num_threads(cpu->base.threads) schedule(static) if (dy.rows * dy.columns > 1 << 14)
    for (size_t first = 0; first < dy.columns; first += COLUMNS) {
        size_t count = dy.columns - first < COLUMNS ? dy.columns - first : COLUMNS;
        float row[COLUMNS], total[COLUMNS] = {0};
        for (size_t r = 0; r < dy.rows; r++) {
            cpu->kernels->to_f32(row, element(dy, r, first), dy.dtype, count);
            for (size_t c = 0; c < count; c++) total[c] += row[c];
        }
        for (size_t c = 0; c < count; c++) sums[first + c] += total[c];
    }
}

// dx (+)= dy w with w converted panel by panel. A dx that is not F32 would be rounded once per panel: it gets
// one.
static void input_gradient_panels(struct cpu_device *cpu, struct matrix dx, struct matrix dy, struct matrix w,
                                  bool add) {
    size_t step = dx.dtype == DTYPE_F32 ? PANEL_VALUES / w.columns : w.rows;
    if (step < 64) step = 64;
    for (size_t first = 0; first < w.rows && !cpu->base.error.code; first += step) {
        size_t count = w.rows - first < step ? w.rows - first : step, mark = arena_mark(cpu->backward);
        struct matrix panel = cpu_temporary(cpu, dy.dtype, count, w.columns);
        if (!panel.data) return;
        if (w.dtype == DTYPE_F32 || dy.dtype == DTYPE_F32) {
            cpu_gather(&cpu->base, panel, matrix_rows(w, first, count), NULL);
        } else { // F16 to BF16, by way of F32
            struct matrix wide = cpu_converted(cpu, matrix_rows(w, first, count), DTYPE_F32);
            if (wide.data) cpu_gather(&cpu->base, panel, wide, NULL);
        }
        cpu_multiply(cpu, dx, matrix_columns(dy, first, count), false, panel, false, add || first);
        arena_rewind(cpu->backward, mark);
    }
}

void cpu_linear_backward(struct device *device, struct matrix dx, struct matrix dw, struct matrix dbias,
                         struct matrix dy, struct matrix x, struct matrix w, unsigned flags) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    if (device->error.code) return; // a part of another operation that has failed
    size_t mark = arena_mark(cpu->backward);
    if (dbias.data) add_column_sums(cpu, dbias.data, dy);
    dy = cpu_converted(cpu, dy, x.dtype);
    if (dw.data) cpu_multiply(cpu, dw, dy, true, x, false, true);
    if (dx.data && w.dtype == dy.dtype)
        cpu_multiply(cpu, dx, dy, false, w, false, flags & LINEAR_ADD);
    else if (dx.data && !device->error.code)
        input_gradient_panels(cpu, dx, dy, w, flags & LINEAR_ADD);
    arena_rewind(cpu->backward, mark);
}

// -p_v (by_log_prob + by_entropy (log p_v + H)) / temperature
static void shares_with_entropy(struct cpu_device *cpu, void *out, enum dtype type, const float *logits,
                                size_t n, const struct log_prob_gradients *g, size_t i, float temperature) {
    float *shares = cpu->scratch[cpu_thread()], scale = 1 / temperature, log_sum = g->log_sums[i];
    float by_log_prob = g->by_log_prob[i] * scale, by_entropy = g->by_entropy[i] * scale;
    float offset = g->entropies[i] - log_sum;
    cpu->kernels->softmax(shares, DTYPE_F32, logits, n, scale, log_sum, 1);
    for (size_t c = 0; c < n; c++) shares[c] *= -(by_log_prob + by_entropy * (logits[c] * scale + offset));
    if (type == DTYPE_F32)
        memcpy(out, shares, n * sizeof *shares);
    else
        cpu->kernels->from_f32(out, type, shares, n);
}

// d log_prob / d logit_v = (1[v = target] - p_v) / temperature, d entropy / d logit_v = -p_v (log p_v + H) / temperature,
// for the rows from `row` on, with logits in place or in BF16.
static void logit_gradients(struct cpu_device *cpu, struct matrix out, struct matrix logits,
                            const struct log_prob_gradients *g, size_t row, const int32_t *targets,
                            size_t first, float temperature) {
#pragma omp parallel for num_threads(cpu->base.threads) schedule(static)
    for (size_t i = 0; i < logits.rows; i++) {
        float factor = g->by_log_prob[row + i] / temperature;
        if (g->by_entropy && g->by_entropy[row + i] != 0)
            shares_with_entropy(cpu, element(out, i, 0), out.dtype, element(logits, i, 0), logits.columns, g,
                                row + i, temperature);
        else
            cpu->kernels->softmax(element(out, i, 0), out.dtype, element(logits, i, 0), logits.columns,
                                  1 / temperature, g->log_sums[row + i], -factor);
        size_t target = (size_t)targets[row + i] - first;
        if (target >= logits.columns) continue;
        float *wide = element(out, i, target);
        uint16_t *half = element(out, i, target);
        if (out.dtype == DTYPE_F32)
            *wide += factor;
        else
            *half = f32_to_bf16(bf16_to_f32(*half) + factor);
    }
}

// Vocabulary outermost: each part of w and dw passes through the caches once.
void cpu_log_probs_backward(struct device *device, struct matrix dx, struct matrix dw,
                            const struct log_prob_gradients *gradients, struct matrix x, struct matrix w,
                            const int32_t *targets, float temperature) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    enum { ROWS = 1024, VOCABULARY = 4096 };
    size_t mark = arena_mark(cpu->backward);
    size_t rows = x.rows < ROWS ? x.rows : ROWS, width = w.rows < VOCABULARY ? w.rows : VOCABULARY;
    float *logits = cpu_temporary(cpu, DTYPE_F32, rows, width).data;
    for (int t = 0; gradients->by_entropy && t < device->threads; t++) cpu_scratch(cpu, t, VOCABULARY);
    for (size_t v = 0; v < w.rows && !device->error.code; v += VOCABULARY) {
        size_t part = w.rows - v < VOCABULARY ? w.rows - v : VOCABULARY;
        for (size_t first = 0; first < x.rows && !device->error.code; first += ROWS) {
            size_t count = x.rows - first < ROWS ? x.rows - first : ROWS;
            struct matrix chunk = matrix_of(logits, DTYPE_F32, count, part), change = chunk,
                          some = matrix_rows(x, first, count), weights = matrix_rows(w, v, part);
            cpu_linear(device, chunk, some, weights, (struct matrix){0}, 0);
            if (x.dtype != DTYPE_F32) { // over the logits, row by row: half as long, the same distance
                change.dtype = x.dtype;
                change.stride = 2 * part;
            }
            if (device->error.code) break;
            logit_gradients(cpu, change, chunk, gradients, first, targets, v, temperature);
            cpu_linear_backward(device, matrix_rows(dx, first, count),
                                dw.data ? matrix_rows(dw, v, part) : dw, (struct matrix){0}, change, some,
                                weights, v ? LINEAR_ADD : 0);
        }
    }
    arena_rewind(cpu->backward, mark);
}
