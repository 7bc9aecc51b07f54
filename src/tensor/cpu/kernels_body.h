// The kernels, written once. Included by kernels_*.c, each compiled with the flags of one instruction set and
// with KERNELS naming the table it defines.
#include <math.h>
#include <stdlib.h>

#include "tensor/cpu/cpu_internal.h"
#include "tensor/cpu/vector.h"

// Long rows are converted a chunk at a time, so that every kernel computes in F32 from the first-level cache.
enum { CHUNK = 512 };

static float f16_to_f32(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3FFu;
    union {
        uint32_t u;
        float f;
    } x;
    if (exponent == 0) {
        float value = (float)mantissa * 0x1p-24f;
        return sign ? -value : value;
    }
    x.u = sign | (exponent == 31 ? 0x7F800000u : (exponent + 112) << 23) | mantissa << 13;
    return x.f;
}

static void to_f32(float *out, const void *in, enum dtype type, size_t n) {
    size_t i = 0;
    if (type == DTYPE_F32) {
        if (out != in) memcpy(out, in, n * sizeof *out);
    } else if (type == DTYPE_BF16) {
        const uint16_t *p = in;
        for (; i + LANES <= n; i += LANES) vf_store(out + i, vf_load_bf16(p + i));
        for (; i < n; i++) out[i] = bf16_to_f32(p[i]);
    } else {
        const uint16_t *p = in;
        for (; i < n; i++) out[i] = f16_to_f32(p[i]);
    }
}

static void from_f32(void *out, enum dtype type, const float *in, size_t n) {
    if (type == DTYPE_F32) {
        if (out != in) memcpy(out, in, n * sizeof *in);
        return;
    }
    uint16_t *p = out;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) vf_store_bf16(p + i, vf_load(in + i));
    for (; i < n; i++) p[i] = f32_to_bf16(in[i]);
}

static const void *at(const void *data, enum dtype type, size_t i) {
    return (const char *)data + i * (type == DTYPE_F32 ? 4 : 2);
}

static void rms_norm(void *y, enum dtype y_type, const void *x, enum dtype x_type, const float *weight,
                     size_t n, float eps) {
    float chunk[CHUNK];
    double sum = 0;
    for (size_t first = 0; first < n; first += CHUNK) {
        size_t count = n - first < CHUNK ? n - first : CHUNK, i = 0;
        to_f32(chunk, at(x, x_type, first), x_type, count);
        vf squares = {0};
        float rest = 0;
        for (; i + LANES <= count; i += LANES) squares += vf_load(chunk + i) * vf_load(chunk + i);
        for (; i < count; i++) rest += chunk[i] * chunk[i];
        sum += (double)(vf_sum(squares) + rest);
    }
    float scale = (float)(1.0 / sqrt(sum / (double)n + (double)eps));
    for (size_t first = 0; first < n; first += CHUNK) {
        size_t count = n - first < CHUNK ? n - first : CHUNK;
        to_f32(chunk, at(x, x_type, first), x_type, count);
        for (size_t i = 0; i < count; i++) chunk[i] = chunk[i] * scale * weight[first + i];
        from_f32((void *)(uintptr_t)at(y, y_type, first), y_type, chunk, count);
    }
}

// As many heads at a time as fit a chunk, so that conversions run over long stretches.
static void rope(void *x, enum dtype type, const float *cosine, const float *sine, size_t heads,
                 size_t head_dim, float sign) {
    float values[ROPE_LONGEST];
    size_t half = head_dim / 2, step = ROPE_LONGEST / head_dim;
    for (size_t first = 0; first < heads; first += step) {
        size_t count = heads - first < step ? heads - first : step;
        void *rows = (void *)(uintptr_t)at(x, type, first * head_dim);
        to_f32(values, rows, type, count * head_dim);
        for (size_t head = 0; head < count; head++) {
            float *low = values + head * head_dim, *high = low + half;
            for (size_t i = 0; i < half; i++) {
                float c = cosine[i], s = sign * sine[i], u = low[i], v = high[i];
                low[i] = u * c - v * s;
                high[i] = v * c + u * s;
            }
        }
        from_f32(rows, type, values, count * head_dim);
    }
}

static void swiglu(void *y, const void *gate, const void *up, enum dtype type, size_t n) {
    float g[CHUNK], u[CHUNK];
    for (size_t first = 0; first < n; first += CHUNK) {
        size_t count = n - first < CHUNK ? n - first : CHUNK, i = 0;
        to_f32(g, at(gate, type, first), type, count);
        to_f32(u, at(up, type, first), type, count);
        for (; i + LANES <= count; i += LANES) {
            vf x = vf_load(g + i);
            vf_store(g + i, x / (1.0f + vf_exp(-x)) * vf_load(u + i));
        }
        for (; i < count; i++) g[i] = g[i] / (1.0f + expf(-g[i])) * u[i];
        from_f32((void *)(uintptr_t)at(y, type, first), type, g, count);
    }
}

static void gelu(void *y, const void *x, enum dtype type, size_t n) {
    float chunk[CHUNK];
    for (size_t first = 0; first < n; first += CHUNK) {
        size_t count = n - first < CHUNK ? n - first : CHUNK;
        to_f32(chunk, at(x, type, first), type, count);
        for (size_t i = 0; i < count; i++) chunk[i] *= 0.5f * (1.0f + erff(chunk[i] * 0.70710678118654752f));
        from_f32((void *)(uintptr_t)at(y, type, first), type, chunk, count);
    }
}

static void sum_exp(const float *x, size_t n, float *largest, double *sum) {
    float top = -INFINITY;
    size_t i = 0;
    if (n >= LANES) {
        vf high = vf_load(x);
        for (i = LANES; i + LANES <= n; i += LANES) high = vf_max(high, vf_load(x + i));
        top = vf_highest(high);
    }
    for (; i < n; i++) top = x[i] > top ? x[i] : top;
    double total = 0;
    vf lanes = {0};
    for (i = 0; i + LANES <= n; i += LANES) {
        lanes += vf_exp(vf_load(x + i) - top);
        if ((i & 1023) == 0) {
            total += (double)vf_sum(lanes);
            lanes = (vf){0};
        }
    }
    total += (double)vf_sum(lanes);
    for (; i < n; i++) total += exp((double)(x[i] - top));
    *largest = top;
    *sum = total;
}

enum { PREFETCH_BYTES = 2048 }; // ahead of what is read: the hardware stops at page ends

// A tile of ROWS weights by M activations: each weight vector is loaded once and used M times.
#define SMALL_TILE(M, ROWS, LOAD, TYPE)                                                              \
    static inline void tile_##LOAD##_##M(float *y, size_t y_stride, const float *x, size_t x_stride, \
                                         const TYPE *w, size_t w_stride, size_t k) {                 \
        vf sum[ROWS][M] = {{{0}}};                                                                   \
        size_t i = 0;                                                                                \
        for (; i + LANES <= k; i += LANES) {                                                         \
            vf v[M];                                                                                 \
            for (int m = 0; m < M; m++) v[m] = vf_load(x + m * x_stride + i);                        \
            size_t ahead = i + PREFETCH_BYTES / sizeof(TYPE);                                        \
            if (ahead >= k) ahead += ROWS * w_stride - k; /* the next tile's rows */                 \
            for (int r = 0; r < ROWS; r++) {                                                         \
                vf weights = LOAD(w + r * w_stride + i);                                             \
                __builtin_prefetch(w + r * w_stride + ahead);                                        \
                for (int m = 0; m < M; m++) sum[r][m] += weights * v[m];                             \
            }                                                                                        \
        }                                                                                            \
        for (int r = 0; r < ROWS; r++)                                                               \
            for (int m = 0; m < M; m++) {                                                            \
                float total = vf_sum(sum[r][m]);                                                     \
                for (size_t j = i; j < k; j++)                                                       \
                    total += scalar_##LOAD(w[r * w_stride + j]) * x[m * x_stride + j];               \
                y[m * y_stride + r] = total;                                                         \
            }                                                                                        \
    }

static inline float scalar_vf_load(float x) {
    return x;
}
static inline float scalar_vf_load_bf16(uint16_t x) {
    return bf16_to_f32(x);
}

SMALL_TILE(1, 4, vf_load, float)
SMALL_TILE(2, 4, vf_load, float)
SMALL_TILE(4, 4, vf_load, float)
SMALL_TILE(1, 8, vf_load_bf16, uint16_t)
SMALL_TILE(2, 4, vf_load_bf16, uint16_t)
SMALL_TILE(4, 4, vf_load_bf16, uint16_t)

#define SMALL_ROWS(M, ROWS, LOAD, TYPE)                                                                     \
    for (size_t r = 0; r < n; r += ROWS) {                                                                  \
        size_t from = r + ROWS <= n ? r : n - ROWS; /* the last tile overlaps: same values again */         \
        tile_##LOAD##_##M(y + from, y_stride, x, x_stride, (const TYPE *)w + from * w_stride, w_stride, k); \
    }

// Rows of w fewer than a tile.
static void small_linear_plain(float *y, size_t y_stride, const float *x, size_t x_stride, size_t m,
                               const void *w, enum dtype type, size_t w_stride, size_t n, size_t k) {
    for (size_t i = 0; i < m; i++)
        for (size_t r = 0; r < n; r++) {
            float total = 0;
            for (size_t j = 0; j < k; j++) {
                size_t e = r * w_stride + j;
                float value = type == DTYPE_F32    ? ((const float *)w)[e]
                              : type == DTYPE_BF16 ? bf16_to_f32(((const uint16_t *)w)[e])
                                                   : f16_to_f32(((const uint16_t *)w)[e]);
                total += value * x[i * x_stride + j];
            }
            y[i * y_stride + r] = total;
        }
}

static void small_linear(float *y, size_t y_stride, const float *x, size_t x_stride, size_t m, const void *w,
                         enum dtype type, size_t w_stride, size_t n, size_t k) {
    if (n < 8 || type == DTYPE_F16) {
        small_linear_plain(y, y_stride, x, x_stride, m, w, type, w_stride, n, k);
        return;
    }
    for (size_t done = 0; done < m;) {
        size_t left = m - done, step = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        if (type == DTYPE_F32) {
            if (step == 4)
                SMALL_ROWS(4, 4, vf_load, float)
            else if (step == 2)
                SMALL_ROWS(2, 4, vf_load, float)
            else
                SMALL_ROWS(1, 4, vf_load, float)
        } else {
            if (step == 4)
                SMALL_ROWS(4, 4, vf_load_bf16, uint16_t)
            else if (step == 2)
                SMALL_ROWS(2, 4, vf_load_bf16, uint16_t)
            else
                SMALL_ROWS(1, 8, vf_load_bf16, uint16_t)
        }
        done += step;
        x += step * x_stride;
        y += step * y_stride;
    }
}

// scores[key, column] of one half block (16 columns), eight keys at a time.
static inline void score_keys(float *scores, const float *queries, const float *keys, size_t count,
                              size_t head_dim) {
    for (size_t key = 0; key < count; key += 8) {
        vf sum[8] = {{0}};
        const float *row = keys + key * head_dim;
        for (size_t d = 0; d < head_dim; d++) {
            vf q = vf_load(queries + d * ATTENTION_COLUMNS);
            for (size_t j = 0; j < 8; j++) sum[j] += row[j * head_dim + d] * q;
        }
        for (size_t j = 0; j < 8; j++) vf_store(scores + (key + j) * ATTENTION_COLUMNS, sum[j]);
    }
}

static inline void add_values(float *values, const float *weights, const float *rows, size_t count,
                              size_t head_dim) {
    for (size_t d = 0; d < head_dim; d += 4) {
        vf sum[4];
        for (size_t j = 0; j < 4; j++) sum[j] = vf_load(values + (d + j) * ATTENTION_COLUMNS);
        for (size_t key = 0; key < count; key++) {
            vf weight = vf_load(weights + key * ATTENTION_COLUMNS);
            for (size_t j = 0; j < 4; j++) sum[j] += rows[key * head_dim + d + j] * weight;
        }
        for (size_t j = 0; j < 4; j++) vf_store(values + (d + j) * ATTENTION_COLUMNS, sum[j]);
    }
}

enum { GENERIC_KEYS = 32 };

// Scores become weights exp2(score - maximum); the running sums are rescaled when the maximum rises.
static inline void weigh(struct attention_block *block, size_t half, size_t first_key, size_t count,
                         size_t head_dim, const int32_t *limits, float scale) {
    float *scores = block->scores + half;
    vi limit;
    memcpy(&limit, limits + half, sizeof limit);
    vf old = vf_load(block->maximum + half), top = old;
    for (size_t key = 0; key < count; key++) {
        vf score = vf_load(scores + key * ATTENTION_COLUMNS) * scale;
        score = vf_choose(limit > (int32_t)(first_key + key), score, vf_all(-INFINITY));
        vf_store(scores + key * ATTENTION_COLUMNS, score);
        top = vf_max(score, top);
    }
    vf finite = vf_choose(top == -INFINITY, vf_all(0.0f), top); // a column that has seen nothing yet
    vf sum = vf_load(block->sum + half), correction = vf_exp2(old - finite);
    sum *= correction;
    for (size_t key = 0; key < count; key++) {
        vf weight = vf_exp2(vf_load(scores + key * ATTENTION_COLUMNS) - finite);
        vf_store(scores + key * ATTENTION_COLUMNS, weight);
        sum += weight;
    }
    vf_store(block->sum + half, sum);
    vf_store(block->maximum + half, top);
    for (size_t d = 0; d < head_dim; d++) {
        float *value = block->values + d * ATTENTION_COLUMNS + half;
        vf_store(value, vf_load(value) * correction);
    }
}

static void convert_rows(float *out, const void *rows, enum dtype type, size_t stride, size_t count,
                         size_t head_dim) {
    for (size_t i = 0; i < count; i++) to_f32(out + i * head_dim, at(rows, type, i * stride), type, head_dim);
    size_t padded = (count + 7) & ~(size_t)7;
    memset(out + count * head_dim, 0, (padded - count) * head_dim * sizeof *out);
}

static void attend(struct attention_block *block, size_t columns, const void *keys, const void *values,
                   enum dtype type, size_t stride, size_t rows, size_t head_dim, const int32_t *limits,
                   float scale) {
    int32_t most = 0;
    for (size_t c = 0; c < columns; c++) most = limits[c] > most ? limits[c] : most;
    if ((size_t)most < rows) rows = (size_t)most;
    float *converted = block->keys;
    const float *queries = block->queries;
    for (size_t first = 0; first < rows; first += GENERIC_KEYS) {
        size_t count = rows - first < GENERIC_KEYS ? rows - first : GENERIC_KEYS;
        convert_rows(converted, at(keys, type, first * stride), type, stride, count, head_dim);
        for (size_t half = 0; half < columns; half += LANES) {
            score_keys(block->scores + half, queries + half, converted, count, head_dim);
            weigh(block, half, first, count, head_dim, limits, scale * 1.44269504088896341f);
        }
        convert_rows(converted, at(values, type, first * stride), type, stride, count, head_dim);
        for (size_t half = 0; half < columns; half += LANES)
            add_values(block->values + half, block->scores + half, converted, count, head_dim);
    }
}

#include "tensor/cpu/kernels_backward_body.h"
#include "tensor/cpu/kernels_rows_body.h"

const struct cpu_kernels KERNELS = {
    .name = KERNELS_NAME,
    .row_lanes = ROW_LANES,
    .to_f32 = to_f32,
    .from_f32 = from_f32,
    .rms_norm = rms_norm,
    .rope = rope,
    .swiglu = swiglu,
    .gelu = gelu,
    .sum_exp = sum_exp,
    .small_linear = small_linear,
    .attend = attend,
    .row_linear = row_linear,
    .row_attend = row_attend,
    .rms_norm_backward = rms_norm_backward,
    .swiglu_backward = swiglu_backward,
    .gelu_backward = gelu_backward,
    .attention_backward = attention_backward,
    .dropout = dropout,
    .softmax = softmax,
};
