// y = x w^T + b.
//
// Few rows of x (decoding): bound by reading w, so own kernels read it once, straight from the checkpoint.
//
// Many rows, w of the compute type: oneDNN on the checkpoint's own memory.
//
// Many rows, w of another type: panels of w are converted into scratch; there is never a second copy of the
// weights.
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "tensor/cpu/cpu_internal.h"

enum {
    AMX_COLUMNS = 16,          // activations in a tile
    SMALL_M = 16,              // rows of x up to which w is read by our own kernels,
    SMALL_M_AMX = 48,          // and with AMX
    BLOCK_ROWS = 256,          // of x that oneDNN gets at a time
    CHUNK_BYTES = 1 << 19,     // of w that one thread takes at a time: long runs for the prefetchers,
    CHUNK_BYTES_AMX = 1 << 17, // or less, where tiles read many rows at once anyway
    PANEL_VALUES = 1 << 20     // of w converted at a time
};

static size_t round_up(size_t n, size_t unit) {
    return (n + unit - 1) / unit * unit;
}

static void *element(struct matrix m, size_t row, size_t column) {
    return (char *)m.data + (row * m.stride + column) * dtype_size(m.dtype);
}

void cpu_finish_sums(const struct cpu_kernels *kernels, struct matrix y, size_t first, size_t count,
                     float *sums, const float *bias, bool add) {
    for (size_t i = 0; i < y.rows; i++) {
        float *row = sums + i * count;
        if (bias)
            for (size_t c = 0; c < count; c++) row[c] += bias[first + c];
        if (add && y.dtype == DTYPE_F32) {
            float *out = element(y, i, first);
            for (size_t c = 0; c < count; c++) out[c] += row[c];
        } else if (add) {
            uint16_t *out = element(y, i, first);
            for (size_t c = 0; c < count; c++) out[c] = f32_to_bf16(bf16_to_f32(out[c]) + row[c]);
        } else {
            kernels->from_f32(element(y, i, first), y.dtype, row, count);
        }
    }
}

// Work that the threads share: rows of w in chunks.
struct small {
    struct cpu_device *cpu;
    struct matrix y, x, w;
    const float *bias;
    bool add, amx;
    size_t padded, chunk;
    float *shared; // x as F32 [m, k], or packed in groups of 16 columns
};

static void pack_operand(const struct small *s) {
    size_t m = s->x.rows, k = s->x.columns;
    if (!s->amx) {
#pragma omp for schedule(static)
        for (size_t i = 0; i < m; i++)
            s->cpu->kernels->to_f32(s->shared + i * k, element(s->x, i, 0), s->x.dtype, k);
        return;
    }
    enum { BLOCK = 512 };
#pragma omp for schedule(static) collapse(2)
    for (size_t group = 0; group < m; group += AMX_COLUMNS)
        for (size_t first = 0; first < k; first += BLOCK)
            cpu_amx_pack_x(
                (uint16_t *)s->shared + group * s->padded + first * AMX_COLUMNS,
                matrix_columns(matrix_rows(s->x, group, m - group < AMX_COLUMNS ? m - group : AMX_COLUMNS),
                               first, k - first < BLOCK ? k - first : BLOCK));
}

// With more than 16 columns a chunk of w is read from memory once, and from the cache for the other groups.
static void run_chunk(const struct small *s, size_t first) {
    size_t m = s->x.rows, k = s->w.columns,
           count = s->w.rows - first < s->chunk ? s->w.rows - first : s->chunk;
    float *sums = s->cpu->scratch[cpu_thread()];
    const void *rows = element(s->w, first, 0);
    if (s->amx)
        for (size_t group = 0; group < m; group += AMX_COLUMNS)
            cpu_amx_linear(sums + group * count, count, (const uint16_t *)s->shared + group * s->padded,
                           m - group < AMX_COLUMNS ? m - group : AMX_COLUMNS, rows, s->w.stride, count, k);
    else
        s->cpu->kernels->small_linear(sums, count, s->shared, k, m, rows, s->w.dtype, s->w.stride, count, k);
    cpu_finish_sums(s->cpu->kernels, s->y, first, count, sums, s->bias, s->add);
}

static void linear_small(struct cpu_device *cpu, struct matrix y, struct matrix x, struct matrix w,
                         const float *bias, bool add, bool amx) {
    size_t m = x.rows, n = w.rows, k = w.columns, threads = (size_t)cpu->base.threads;
    struct small s = {.cpu = cpu, .y = y, .x = x, .w = w, .bias = bias, .add = add, .amx = amx};
    s.padded = round_up(k, 32);
    size_t unit = amx ? 32 : 8; // rows of a tile
    s.chunk = (amx ? CHUNK_BYTES_AMX : CHUNK_BYTES) / (k * dtype_size(w.dtype)) / unit * unit;
    size_t even = round_up((n + threads - 1) / threads, unit);
    if (s.chunk < unit) s.chunk = unit;
    if (s.chunk > even) s.chunk = even;
    s.shared = cpu_scratch(cpu, cpu->base.threads, amx ? s.padded * round_up(m, AMX_COLUMNS) / 2 : m * k);
    for (int t = 0; t < cpu->base.threads; t++)
        if (!cpu_scratch(cpu, t, m * s.chunk)) return;
    if (!s.shared) return;
    bool parallel = n * k > 1 << 14;
#pragma omp parallel num_threads(cpu->base.threads) if (parallel)
    {
        pack_operand(&s);
#pragma omp for schedule(dynamic, 1)
        for (size_t first = 0; first < n; first += s.chunk) run_chunk(&s, first);
    }
}

static void multiply(struct cpu_device *cpu, struct matrix y, struct matrix x, struct matrix w,
                     const float *bias, bool add) {
    if (cpu_matmul_run(cpu->matmul, y, x, w, bias, DTYPE_F32, add))
        device_fail(&cpu->base, ERROR_INTERNAL, "oneDNN refused a product of [%zu, %zu] by [%zu, %zu] in %s",
                    x.rows, x.columns, w.rows, w.columns, dtype_name(x.dtype));
}

static void linear_panels(struct cpu_device *cpu, struct matrix y, struct matrix x, struct matrix w,
                          const float *bias, bool add) {
    size_t k = w.columns, step = PANEL_VALUES / k;
    if (step < 64) step = 64;
    if (step > w.rows) step = w.rows;
    float *panel = cpu_scratch(cpu, cpu->base.threads, step * k);
    if (!panel) return;
    for (size_t first = 0; first < w.rows && !cpu->base.error.code; first += step) {
        size_t count = w.rows - first < step ? w.rows - first : step;
#pragma omp parallel for num_threads(cpu->base.threads) schedule(static)
        for (size_t r = 0; r < count; r++) {
            if (x.dtype == DTYPE_F32) {
                cpu->kernels->to_f32(panel + r * k, element(w, first + r, 0), w.dtype, k);
            } else {
                float *row = cpu_scratch(cpu, cpu_thread(), k);
                if (!row) continue;
                cpu->kernels->to_f32(row, element(w, first + r, 0), w.dtype, k);
                cpu->kernels->from_f32((uint16_t *)panel + r * k, x.dtype, row, k);
            }
        }
        multiply(cpu, matrix_columns(y, first, count), x, matrix_of(panel, x.dtype, count, k),
                 bias ? bias + first : NULL, add);
    }
}

// BF16 where oneDNN takes none: x as F32 by panels of w as F32.
static void linear_widened(struct cpu_device *cpu, struct matrix y, struct matrix x, struct matrix w,
                           const float *bias, bool add) {
    size_t mark = arena_mark(cpu->backward);
    struct matrix wide_x = cpu_converted(cpu, x, DTYPE_F32);
    struct matrix wide_y = add                    ? cpu_converted(cpu, y, DTYPE_F32)
                           : y.dtype == DTYPE_F32 ? y
                                                  : cpu_temporary(cpu, DTYPE_F32, y.rows, y.columns);
    if (wide_x.data && wide_y.data) linear_panels(cpu, wide_y, wide_x, w, bias, add);
    if (wide_y.data && wide_y.data != y.data && !cpu->base.error.code)
        cpu_gather(&cpu->base, y, wide_y, NULL);
    arena_rewind(cpu->backward, mark);
}

void cpu_linear(struct device *device, struct matrix y, struct matrix x, struct matrix w, struct matrix bias,
                unsigned flags) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    bool add = flags & LINEAR_ADD;
    if (device->error.code || !y.rows || !w.rows) return; // a part of another operation that has failed
    float *bias_f32 = NULL;
    if (bias.data) {
        bias_f32 = cpu_scratch(cpu, cpu->base.threads + 1, w.rows);
        if (!bias_f32) return;
        cpu->kernels->to_f32(bias_f32, bias.data, bias.dtype, w.rows);
    }
    bool same = w.dtype == x.dtype, amx = cpu->amx && same && w.dtype == DTYPE_BF16 && w.columns >= 32;
    size_t small = amx ? SMALL_M_AMX : SMALL_M;
    // Without AVX-512 the row kernels are the faster ones for few rows, too.
    bool alone = device->exact ? !(amx && w.columns >= DEVICE_LONG_SUM)
                               : cpu->kernels->row_lanes < 16 && x.rows <= small;
    if (alone) {
        cpu_linear_exact(cpu, y, x, w, bias_f32, add);
        return;
    }
    if (x.dtype == DTYPE_BF16 && cpu->widen_bf16 && x.rows > small) {
        linear_widened(cpu, y, x, w, bias_f32, add);
        return;
    }
    if (!same && x.rows > small) {
        linear_panels(cpu, y, x, w, bias_f32, add);
        return;
    }
    // In blocks of the number of rows at which oneDNN is fastest (docs/SPEED.md); a last short one is like
    // decoding.
    size_t block = device->exact ? SMALL_M_AMX : BLOCK_ROWS; // a column of a tile depends on no other one
    for (size_t first = 0; first < x.rows && !device->error.code; first += block) {
        size_t count = x.rows - first < block ? x.rows - first : block;
        struct matrix y_block = matrix_rows(y, first, count), x_block = matrix_rows(x, first, count);
        if (count <= small)
            linear_small(cpu, y_block, x_block, w, bias_f32, add, amx && (count > 1 || device->exact));
        else
            multiply(cpu, y_block, x_block, w, bias_f32, add);
    }
}

// The vocabulary passes in chunks of so many logits, here and in cpu_log_softmax.
enum { VOCABULARY = 8192 };

struct running {
    double sum;      // of exp(logit - top)
    double weighted; // of exp(logit - top) * logit, where entropies are wanted
    float top, target;
};

static const struct running nothing_yet = {.top = -INFINITY, .target = NAN};

// The mean of the logits under their own softmax.
static double expected_logit(const struct cpu_kernels *kernels, const float *logits, size_t count,
                             double log_sum, float *shares) {
    double lanes[8] = {0}, sum = 0;
    kernels->softmax(shares, DTYPE_F32, logits, count, 1, (float)log_sum, 1);
    for (size_t c = 0; c < count; c++) lanes[c % 8] += (double)shares[c] * (double)logits[c];
    for (size_t k = 0; k < 8; k++) sum += lanes[k];
    return sum;
}

// logits [count] of tokens from `first` on; overwritten. shares [count] is room for entropies; NULL: none are wanted.
static void add_chunk(const struct cpu_kernels *kernels, struct running *state, float *logits, size_t first,
                      size_t count, size_t target, float temperature, float *shares) {
    float top;
    double sum;
    for (size_t c = 0; c < count; c++) logits[c] /= temperature;
    kernels->sum_exp(logits, count, &top, &sum);
    float highest = top > state->top ? top : state->top;
    double before = exp((double)(state->top - highest)), here = sum * exp((double)(top - highest));
    state->sum = state->sum * before + here;
    if (shares)
        state->weighted = state->weighted * before +
                          here * expected_logit(kernels, logits, count, (double)top + log(sum), shares);
    state->top = highest;
    if (target >= first && target < first + count) state->target = logits[target - first];
}

static float log_prob(const struct running *state, float *log_sum) {
    double sum = (double)state->top + log(state->sum);
    if (log_sum) *log_sum = (float)sum;
    return (float)((double)state->target - sum);
}

static float entropy(const struct running *state) {
    return (float)((double)state->top + log(state->sum) - state->weighted / state->sum);
}

void cpu_log_probs(struct device *device, float *out, float *log_sums, float *entropies, struct matrix x,
                   struct matrix w, const int32_t *targets, float temperature) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    enum { ROWS = 256 };
    size_t rows = x.rows < ROWS ? x.rows : ROWS, width = w.rows < VOCABULARY ? w.rows : VOCABULARY;
    float *logits = cpu_scratch(cpu, cpu->base.threads + 2, rows * width);
    for (int t = 0; entropies && t < device->threads; t++)
        if (!cpu_scratch(cpu, t, VOCABULARY)) return;
    if (!logits || device->error.code) return;
    for (size_t first = 0; first < x.rows; first += ROWS) {
        size_t count = x.rows - first < ROWS ? x.rows - first : ROWS;
        struct running state[ROWS];
        for (size_t i = 0; i < count; i++) state[i] = nothing_yet;
        for (size_t v = 0; v < w.rows; v += VOCABULARY) {
            size_t part = w.rows - v < VOCABULARY ? w.rows - v : VOCABULARY;
            struct matrix chunk = matrix_of(logits, DTYPE_F32, count, part);
            cpu_linear(device, chunk, matrix_rows(x, first, count), matrix_rows(w, v, part),
                       (struct matrix){0}, 0);
            if (device->error.code) return;
#pragma omp parallel for num_threads(cpu->base.threads) schedule(static)
            for (size_t i = 0; i < count; i++)
                add_chunk(cpu->kernels, &state[i], logits + i * part, v, part, (size_t)targets[first + i],
                          temperature, entropies ? cpu->scratch[cpu_thread()] : NULL);
        }
        for (size_t i = 0; i < count; i++) {
            out[first + i] = log_prob(&state[i], log_sums ? &log_sums[first + i] : NULL);
            if (entropies) entropies[first + i] = entropy(&state[i]);
        }
    }
}

void cpu_log_softmax(struct device *device, float *out, struct matrix logits, const int32_t *targets,
                     const float *temperatures) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    for (int t = 0; t < device->threads; t++)
        if (!cpu_scratch(cpu, t, VOCABULARY)) return;
#pragma omp parallel for num_threads(device->threads) schedule(static)
    for (size_t i = 0; i < logits.rows; i++) {
        float *part = cpu->scratch[cpu_thread()];
        struct running state = nothing_yet;
        for (size_t v = 0; v < logits.columns; v += VOCABULARY) {
            size_t count = logits.columns - v < VOCABULARY ? logits.columns - v : VOCABULARY;
            memcpy(part, element(logits, i, v), count * sizeof *part);
            add_chunk(cpu->kernels, &state, part, v, count, (size_t)targets[i], temperatures[i], NULL);
        }
        out[i] = log_prob(&state, NULL);
    }
}
