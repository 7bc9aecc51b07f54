// Kernels whose results for a row do not depend on the rows beside it: every sum has one order, given by its length
// alone, whether one row is computed or a thousand. That makes decoding, prefill and training agree to the bit where
// they all compute this way (device.h, exact), and lets a thread take any block of rows for itself.
//
// Products are sums over lanes: lane j of a vector adds up every ROW_LANES-th term, then the lanes are added. Neither
// operand needs packing, and with several rows of both in a tile each vector that is loaded is used several times.

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// As many lanes as one register has, as many rows of x as the registers hold.
#if defined(__AVX512F__)
enum { ROW_LANES = 16, ROW_TILE = 6 };
#define ROW_EACH(a, b, c, d) \
    a, b, c, d, 4 + a, 4 + b, 4 + c, 4 + d, 8 + a, 8 + b, 8 + c, 8 + d, 12 + a, 12 + b, 12 + c, 12 + d
#define ROW_OTHER 16
#elif defined(__AVX2__)
enum { ROW_LANES = 8, ROW_TILE = 3 };
#define ROW_EACH(a, b, c, d) a, b, c, d, (a) + 4, (b) + 4, (c) + 4, (d) + 4
#define ROW_OTHER 8
#else
enum { ROW_LANES = 4, ROW_TILE = 3 };
#define ROW_EACH(a, b, c, d) a, b, c, d
#define ROW_OTHER 4
#endif
typedef float rv __attribute__((vector_size(ROW_LANES * 4)));
typedef float rv4 __attribute__((vector_size(16)));
typedef int32_t rvi __attribute__((vector_size(ROW_LANES * 4)));
typedef uint32_t rvu __attribute__((vector_size(ROW_LANES * 4)));
typedef uint16_t rvh __attribute__((vector_size(ROW_LANES * 2)));

static inline rv rv_load(const float *p) {
    rv v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline rv rv_load_bf16(const uint16_t *p) {
    rvh h;
    memcpy(&h, p, sizeof h);
    return (rv)(__builtin_convertvector(h, rvu) << 16);
}

// sum + a b, rounded once where the processor can: said explicitly, as C17 lets no compiler do it by itself.
static inline rv rv_add_product(rv sum, rv a, rv b) {
#if defined(__AVX512F__)
    return (rv)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)sum);
#elif defined(__FMA__)
    return (rv)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)sum);
#elif defined(__aarch64__)
    return (rv)vfmaq_f32((float32x4_t)sum, (float32x4_t)a, (float32x4_t)b);
#else
    return sum + a * b;
#endif
}

static inline rv rv_all(float x) {
    return x - (rv){0};
}

// The sums of the lanes of four vectors.
static inline rv4 rv_sums(rv a, rv b, rv c, rv d) {
    rv ab = __builtin_shufflevector(a, b, ROW_EACH(0, ROW_OTHER, 2, ROW_OTHER + 2)) +
            __builtin_shufflevector(a, b, ROW_EACH(1, ROW_OTHER + 1, 3, ROW_OTHER + 3));
    rv cd = __builtin_shufflevector(c, d, ROW_EACH(0, ROW_OTHER, 2, ROW_OTHER + 2)) +
            __builtin_shufflevector(c, d, ROW_EACH(1, ROW_OTHER + 1, 3, ROW_OTHER + 3));
    rv all = __builtin_shufflevector(ab, cd, ROW_EACH(0, 1, ROW_OTHER, ROW_OTHER + 1)) +
             __builtin_shufflevector(ab, cd, ROW_EACH(2, 3, ROW_OTHER + 2, ROW_OTHER + 3));
    rv4 part, sum;
    memcpy(&sum, &all, sizeof sum);
    for (size_t i = 4; i < ROW_LANES; i += 4) {
        memcpy(&part, (const float *)&all + i, sizeof part);
        sum += part;
    }
    return sum;
}

// M rows of x by four rows of w, of which `count` are wanted (the others may be any).
#define ROW_TILE_OF(M, LOAD, TYPE)                                                                       \
    static inline void row_tile_##LOAD##_##M(float *y, size_t y_stride, bool add, size_t count,          \
                                             const float *x, size_t x_stride, const TYPE *const w[4],    \
                                             size_t k) {                                                 \
        rv sum[M][4];                                                                                    \
        for (int m = 0; m < M; m++)                                                                      \
            for (int r = 0; r < 4; r++) sum[m][r] = (rv){0};                                             \
        const TYPE *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];                                       \
        size_t i = 0;                                                                                    \
        for (; i + ROW_LANES <= k; i += ROW_LANES) { /* as many registers as there are with AVX2 */      \
            rv v[M], row;                                                                                \
            for (int m = 0; m < M; m++) v[m] = rv_load(x + m * x_stride + i);                            \
            row = LOAD(w0 + i);                                                                          \
            for (int m = 0; m < M; m++) sum[m][0] = rv_add_product(sum[m][0], row, v[m]);                \
            row = LOAD(w1 + i);                                                                          \
            for (int m = 0; m < M; m++) sum[m][1] = rv_add_product(sum[m][1], row, v[m]);                \
            row = LOAD(w2 + i);                                                                          \
            for (int m = 0; m < M; m++) sum[m][2] = rv_add_product(sum[m][2], row, v[m]);                \
            row = LOAD(w3 + i);                                                                          \
            for (int m = 0; m < M; m++) sum[m][3] = rv_add_product(sum[m][3], row, v[m]);                \
        }                                                                                                \
        float total[M][4];                                                                               \
        for (int m = 0; m < M; m++) {                                                                    \
            rv4 sums = rv_sums(sum[m][0], sum[m][1], sum[m][2], sum[m][3]);                              \
            memcpy(total[m], &sums, sizeof sums);                                                        \
        }                                                                                                \
        for (; i < k; i++)                                                                               \
            for (int m = 0; m < M; m++)                                                                  \
                for (int r = 0; r < 4; r++) total[m][r] += scalar_##LOAD(w[r][i]) * x[m * x_stride + i]; \
        if (add)                                                                                         \
            for (int m = 0; m < M; m++)                                                                  \
                for (size_t r = 0; r < count; r++) y[m * y_stride + r] += total[m][r];                   \
        else if (count == 4)                                                                             \
            for (int m = 0; m < M; m++) memcpy(y + m * y_stride, total[m], sizeof total[m]);             \
        else                                                                                             \
            for (int m = 0; m < M; m++)                                                                  \
                for (size_t r = 0; r < count; r++) y[m * y_stride + r] = total[m][r];                    \
    }

static inline float scalar_rv_load(float x) {
    return x;
}
static inline float scalar_rv_load_bf16(uint16_t x) {
    return bf16_to_f32(x);
}

ROW_TILE_OF(1, rv_load, float)
ROW_TILE_OF(2, rv_load, float)
ROW_TILE_OF(3, rv_load, float)
ROW_TILE_OF(1, rv_load_bf16, uint16_t)
ROW_TILE_OF(2, rv_load_bf16, uint16_t)
ROW_TILE_OF(3, rv_load_bf16, uint16_t)
#if defined(__AVX512F__)
ROW_TILE_OF(6, rv_load, float)
#endif

// Longer sums are made of the sums of so many terms, so that what is read stays in the first-level cache.
enum { ROW_TERMS = 512 };

// w [n, k] in F32, k at most ROW_TERMS. With `add` y += instead of y =.
static inline void row_panel(float *y, size_t y_stride, bool add, const float *x, size_t x_stride, size_t m,
                             const float *w, size_t w_stride, size_t n, size_t k) {
    for (size_t done = 0, step; done < m; done += step, x += step * x_stride, y += step * y_stride) {
        size_t left = m - done;
        step = left >= ROW_TILE ? ROW_TILE : left >= 3 ? 3 : left;
        for (size_t r = 0; r < n; r += 4) {
            size_t count = n - r < 4 ? n - r : 4;
            const float *rows[4];
            for (size_t j = 0; j < 4; j++) rows[j] = w + (j < count ? r + j : n - 1) * w_stride;
            if (step == 1)
                row_tile_rv_load_1(y + r, y_stride, add, count, x, x_stride, rows, k);
            else if (step == 2)
                row_tile_rv_load_2(y + r, y_stride, add, count, x, x_stride, rows, k);
            else if (step == 3)
                row_tile_rv_load_3(y + r, y_stride, add, count, x, x_stride, rows, k);
#if defined(__AVX512F__)
            else
                row_tile_rv_load_6(y + r, y_stride, add, count, x, x_stride, rows, k);
#endif
        }
    }
}

// A few rows of x: BF16 straight from memory.
static inline void row_few(float *y, size_t y_stride, const float *x, size_t x_stride, size_t m,
                           const uint16_t *w, size_t w_stride, size_t n, size_t k) {
    for (size_t r = 0; r < n; r += 4) {
        size_t count = n - r < 4 ? n - r : 4;
        for (size_t first = 0; first < k; first += ROW_TERMS) {
            size_t terms = k - first < ROW_TERMS ? k - first : ROW_TERMS;
            const uint16_t *rows[4];
            for (size_t j = 0; j < 4; j++) rows[j] = w + (j < count ? r + j : n - 1) * w_stride + first;
            if (m == 3)
                row_tile_rv_load_bf16_3(y + r, y_stride, first > 0, count, x + first, x_stride, rows, terms);
            else if (m == 2)
                row_tile_rv_load_bf16_2(y + r, y_stride, first > 0, count, x + first, x_stride, rows, terms);
            else
                row_tile_rv_load_bf16_1(y + r, y_stride, first > 0, count, x + first, x_stride, rows, terms);
        }
    }
}

// Panels of w that stay in the first-level cache while all rows of x pass by.
static void row_linear(float *y, size_t y_stride, const float *x, size_t x_stride, size_t m, const void *w,
                       enum dtype type, size_t w_stride, size_t n, size_t k, float *panel) {
    if (type == DTYPE_BF16 && m <= 3) {
        row_few(y, y_stride, x, x_stride, m, w, w_stride, n, k);
        return;
    }
    for (size_t first = 0; first < k; first += ROW_TERMS) {
        size_t terms = k - first < ROW_TERMS ? k - first : ROW_TERMS, step = ROW_PANEL / terms / 4 * 4;
        for (size_t r = 0; r < n; r += step) {
            size_t count = n - r < step ? n - r : step;
            const float *rows = (const float *)w + r * w_stride + first;
            if (type != DTYPE_F32)
                for (size_t j = 0; j < count; j++)
                    to_f32(panel + j * terms, at(w, type, (r + j) * w_stride + first), type, terms);
            row_panel(y + r, y_stride, first > 0, x + first, x_stride, m, type == DTYPE_F32 ? rows : panel,
                      type == DTYPE_F32 ? w_stride : terms, count, terms);
        }
    }
}

// ---- attention, a row of scores for each column

// keys [count, head_dim] become columns: out[d][key] of rows of ROW_KEYS, zero up to `padded` keys.
static inline void row_transpose(float *out, const float *keys, size_t stride, size_t count, size_t padded,
                                 size_t head_dim) {
    size_t key = 0;
    for (; key + 4 <= count; key += 4) {
        const float *row = keys + key * stride;
        size_t d = 0;
        for (; d + 4 <= head_dim; d += 4) {
            rv4 r[4];
            for (size_t j = 0; j < 4; j++) memcpy(&r[j], row + j * stride + d, sizeof r[j]);
            rv4 low01 = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5),
                high01 = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7),
                low23 = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5),
                high23 = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
            r[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
            r[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
            r[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
            r[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
            for (size_t j = 0; j < 4; j++) memcpy(out + (d + j) * ROW_KEYS + key, &r[j], sizeof r[j]);
        }
        for (; d < head_dim; d++)
            for (size_t j = 0; j < 4; j++) out[d * ROW_KEYS + key + j] = row[j * stride + d];
    }
    for (size_t d = 0; d < head_dim; d++)
        for (size_t j = key; j < padded; j++) out[d * ROW_KEYS + j] = j < count ? keys[j * stride + d] : 0;
}

// scores[c][key] of COLUMNS columns and VECTORS vectors of keys that were transposed.
#define ROW_SCORES_OF(COLUMNS, VECTORS)                                                                 \
    static inline void row_scores_##COLUMNS##_##VECTORS(float *scores, const float *queries,            \
                                                        const float *keys, size_t head_dim) {           \
        rv sum[COLUMNS][VECTORS];                                                                       \
        for (int c = 0; c < COLUMNS; c++)                                                               \
            for (int v = 0; v < VECTORS; v++) sum[c][v] = (rv){0};                                      \
        for (size_t d = 0; d < head_dim; d++) {                                                         \
            rv query[COLUMNS];                                                                          \
            for (int c = 0; c < COLUMNS; c++) query[c] = rv_all(queries[c * head_dim + d]);             \
            for (int v = 0; v < VECTORS; v++) {                                                         \
                rv row = rv_load(keys + d * ROW_KEYS + v * ROW_LANES);                                  \
                for (int c = 0; c < COLUMNS; c++) sum[c][v] = rv_add_product(sum[c][v], query[c], row); \
            }                                                                                           \
        }                                                                                               \
        for (int c = 0; c < COLUMNS; c++)                                                               \
            for (int v = 0; v < VECTORS; v++)                                                           \
                memcpy(scores + c * ROW_KEYS + v * ROW_LANES, &sum[c][v], sizeof sum[c][v]);            \
    }
ROW_SCORES_OF(1, 2)
ROW_SCORES_OF(3, 2)
ROW_SCORES_OF(3, 4)
#if defined(__AVX512F__)
ROW_SCORES_OF(6, 2)
ROW_SCORES_OF(6, 4)
#endif

// Scores of keys that many columns see: keys across the lanes, one dimension after the other.
static inline void row_scores(float *scores, const float *queries, size_t columns, const float *keys,
                              size_t padded, size_t head_dim) {
    for (size_t c = 0, step; c < columns; c += step, scores += step * ROW_KEYS, queries += step * head_dim) {
        size_t left = columns - c, key = 0;
        step = left >= 3 ? 3 : 1;
#if defined(__AVX512F__)
        if (left >= 6) step = 6;
        for (; step == 6 && key + 4 * ROW_LANES <= padded; key += 4 * ROW_LANES)
            row_scores_6_4(scores + key, queries, keys + key, head_dim);
        for (; step == 6 && key < padded; key += 2 * ROW_LANES)
            row_scores_6_2(scores + key, queries, keys + key, head_dim);
#endif
        for (; step == 3 && key + 4 * ROW_LANES <= padded; key += 4 * ROW_LANES)
            row_scores_3_4(scores + key, queries, keys + key, head_dim);
        for (; key < padded; key += 2 * ROW_LANES)
            if (step == 3)
                row_scores_3_2(scores + key, queries, keys + key, head_dim);
            else
                row_scores_1_2(scores + key, queries, keys + key, head_dim);
    }
}

// values[c][d] = values[c][d] * correction[c] + sum over keys of weights[c][key] * rows[key][d], of COLUMNS columns and
// VECTORS vectors of d.
#define ROW_VALUES_OF(COLUMNS, VECTORS)                                                                   \
    static inline void row_values_##COLUMNS##_##VECTORS(float *values, size_t head_dim,                   \
                                                        const float *weights, const float *correction,    \
                                                        const float *rows, size_t stride, size_t count) { \
        rv sum[COLUMNS][VECTORS];                                                                         \
        for (int c = 0; c < COLUMNS; c++)                                                                 \
            for (int v = 0; v < VECTORS; v++)                                                             \
                sum[c][v] = rv_load(values + (size_t)c * head_dim + v * ROW_LANES) * correction[c];       \
        for (size_t key = 0; key < count; key++) {                                                        \
            rv weight[COLUMNS];                                                                           \
            for (int c = 0; c < COLUMNS; c++) weight[c] = rv_all(weights[c * ROW_KEYS + key]);            \
            for (int v = 0; v < VECTORS; v++) {                                                           \
                rv row = rv_load(rows + key * stride + v * ROW_LANES);                                    \
                for (int c = 0; c < COLUMNS; c++) sum[c][v] = rv_add_product(sum[c][v], weight[c], row);  \
            }                                                                                             \
        }                                                                                                 \
        for (int c = 0; c < COLUMNS; c++)                                                                 \
            for (int v = 0; v < VECTORS; v++)                                                             \
                memcpy(values + (size_t)c * head_dim + v * ROW_LANES, &sum[c][v], sizeof sum[c][v]);      \
    }
ROW_VALUES_OF(1, 1)
ROW_VALUES_OF(3, 1)
ROW_VALUES_OF(1, 4)
ROW_VALUES_OF(3, 4)

static inline void row_values(float *values, size_t head_dim, const float *weights, const float *correction,
                              const float *rows, size_t stride, size_t count, size_t columns) {
    enum { WIDE = 4 * ROW_LANES };
    size_t d = 0;
    for (; d + WIDE <= head_dim; d += WIDE)
        if (columns == 3)
            row_values_3_4(values + d, head_dim, weights, correction, rows + d, stride, count);
        else
            for (size_t c = 0; c < columns; c++)
                row_values_1_4(values + c * head_dim + d, head_dim, weights + c * ROW_KEYS, correction + c,
                               rows + d, stride, count);
    for (; d + ROW_LANES <= head_dim; d += ROW_LANES)
        if (columns == 3)
            row_values_3_1(values + d, head_dim, weights, correction, rows + d, stride, count);
        else
            for (size_t c = 0; c < columns; c++)
                row_values_1_1(values + c * head_dim + d, head_dim, weights + c * ROW_KEYS, correction + c,
                               rows + d, stride, count);
    for (size_t c = 0; d < head_dim && c < columns; c++)
        for (size_t e = d; e < head_dim; e++) {
            float sum = values[c * head_dim + e] * correction[c];
            for (size_t key = 0; key < count; key++)
                sum += weights[c * ROW_KEYS + key] * rows[key * stride + e];
            values[c * head_dim + e] = sum;
        }
}

static inline rv rv_choose(rvi mask, rv a, rv b) { // mask lanes are all ones or all zeros
    return (rv)(((rvi)a & mask) | ((rvi)b & ~mask));
}

static inline rv rv_max(rv a, rv b) {
    return rv_choose(a > b, a, b);
}

// As vf_exp2: vectors wider than a register are taken apart value by value in comparisons.
static inline rv rv_exp2(rv x) {
    const float magic = 12582912.0f; // 1.5 * 2^23: adding it rounds to an integer in the low bits
    rvi tiny = x < -126.0f;
    x = rv_choose(tiny, rv_all(-126.0f), x);
    rv shifted = x + magic;
    rv f = x - (shifted - magic); // in [-0.5, 0.5]
    rv p = rv_all(1.5403530393381608e-4f);
    p = rv_add_product(rv_all(1.3333558146428443e-3f), p, f);
    p = rv_add_product(rv_all(9.618129107628477e-3f), p, f);
    p = rv_add_product(rv_all(5.5504108664821580e-2f), p, f);
    p = rv_add_product(rv_all(2.4022650695910071e-1f), p, f);
    p = rv_add_product(rv_all(6.9314718055994531e-1f), p, f);
    p = rv_add_product(rv_all(1.0f), p, f);
    rv scaled = (rv)((rvu)p + ((rvu)shifted << 23));
    return (rv)((rvi)scaled & ~tiny);
}

static inline float rv_sum(rv v) {
    float lanes[ROW_LANES];
    memcpy(lanes, &v, sizeof lanes);
    for (int half = ROW_LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
    return lanes[0];
}

static inline float rv_highest(rv v) {
    float lanes[ROW_LANES];
    memcpy(lanes, &v, sizeof lanes);
    for (int half = ROW_LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) lanes[i] = lanes[i] > lanes[i + half] ? lanes[i] : lanes[i + half];
    return lanes[0];
}

// The scores [ROW_KEYS] of a column, times scale, become weights exp2(score - maximum); returns what its sums so far
// are worth. Those from `visible` on are not seen.
static inline float row_weigh(float *scores, size_t visible, float scale, float *maximum, float *sum) {
    size_t end = (visible + ROW_LANES - 1) / ROW_LANES * ROW_LANES;
    for (size_t j = visible; j < end; j++) scores[j] = -INFINITY;
    rv high = rv_load(scores), total = {0};
    for (size_t j = ROW_LANES; j < end; j += ROW_LANES) high = rv_max(high, rv_load(scores + j));
    float top = rv_highest(high) * scale, old = *maximum;
    if (old > top) top = old;
    for (size_t j = 0; j < end; j += ROW_LANES) {
        rv weight = rv_exp2(rv_add_product(rv_all(-top), rv_load(scores + j), rv_all(scale)));
        memcpy(scores + j, &weight, sizeof weight);
        total += weight;
    }
    float correction = old == top ? 1.0f : rv_exp2(rv_all(old - top))[0];
    *sum = *sum * correction + rv_sum(total);
    *maximum = top;
    return correction;
}

static void row_attend(struct row_block *block, const void *keys, const void *values, enum dtype type,
                       size_t stride, size_t rows, size_t head_dim, const int32_t *limits, float scale) {
    int32_t most = 0;
    for (size_t c = 0; limits && c < block->columns; c++) most = limits[c] > most ? limits[c] : most;
    if (limits && (size_t)most < rows) rows = (size_t)most;
    for (size_t first = 0; first < rows; first += ROW_KEYS) {
        size_t count = rows - first < ROW_KEYS ? rows - first : ROW_KEYS;
        const float *converted = (const float *)keys + first * stride;
        size_t step = stride;
        if (type != DTYPE_F32) {
            for (size_t j = 0; j < count; j++)
                to_f32(block->rows + j * head_dim, at(keys, type, (first + j) * stride), type, head_dim);
            converted = block->rows;
            step = head_dim;
        }
        if (block->shared) {
            float *columns = block->rows + ROW_KEYS * head_dim;
            size_t padded = (count + 2 * ROW_LANES - 1) / (2 * ROW_LANES) * (2 * ROW_LANES);
            row_transpose(columns, converted, step, count, padded, head_dim);
            row_scores(block->scores, block->queries, block->columns, columns, padded, head_dim);
        } else {
            row_panel(block->scores, ROW_KEYS, false, block->queries, head_dim, block->columns, converted,
                      step, count, head_dim);
        }
        converted = (const float *)values + first * stride;
        if (type != DTYPE_F32) {
            for (size_t j = 0; j < count; j++)
                to_f32(block->rows + j * head_dim, at(values, type, (first + j) * stride), type, head_dim);
            converted = block->rows;
        }
        for (size_t c = 0, columns; c < block->columns; c += columns) {
            size_t seen = 0;
            float correction[3];
            columns = block->columns - c < 3 ? block->columns - c : 3;
            for (size_t i = c; i < c + columns; i++) {
                float *scores = block->scores + i * ROW_KEYS;
                size_t limit = limits ? (size_t)limits[i] : rows, left = limit > first ? limit - first : 0,
                       visible = left < count ? left : count;
                if (visible)
                    correction[i - c] = row_weigh(scores, visible, scale * 1.44269504088896341f,
                                                  &block->maximum[i], &block->sum[i]);
                else // as if it had not been here
                    correction[i - c] = 1;
                for (size_t j = visible; j < count; j++) scores[j] = 0;
                seen = visible > seen ? visible : seen;
            }
            if (seen)
                row_values(block->values + c * head_dim, head_dim, block->scores + c * ROW_KEYS, correction,
                           converted, step, seen, columns);
        }
    }
}
