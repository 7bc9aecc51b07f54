// BF16 products through the AMX tile registers (Intel, from Sapphire Rapids on).
//
// Everything is arranged so that what is large stays as it lies in memory: a weight matrix [out, in] and a
// block of keys [rows, head_dim] are the left operand of the tile product, 16 rows by 32 columns at a time,
// straight from memory; the few activations are the right operand, packed in pairs. So the results come out
// transposed: outputs or keys down, activations or queries across, and the softmax over keys runs down whole
// vectors of queries.
#include "tensor/cpu/cpu_internal.h"

#if defined(__x86_64__) && (defined(__AMX_BF16__) || defined(__AMXBF16__)) // gcc and newer clang; clang 14

#include <immintrin.h>
#include <math.h>

#include "tensor/cpu/vector.h"

const bool cpu_amx_compiled = true;

enum { TILE_ROWS = 16, TILE_DEPTH = 32, PAIR = 2 };

// All eight tiles are 16 rows of 64 bytes: BF16 [16, 32] left operands, pairs [16, 16, 2] right ones, F32
// [16, 16] sums.
static void start_tiles(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t columns_bytes[16];
        uint8_t rows[16];
    } __attribute__((packed)) config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.columns_bytes[i] = 64;
        config.rows[i] = 16;
    }
    _tile_loadconfig(&config);
}

void cpu_amx_end(void) {
    _tile_release();
}

static size_t round_up(size_t n, size_t unit) {
    return (n + unit - 1) / unit * unit;
}

size_t cpu_amx_padded_rows(size_t rows) {
    return round_up(rows, TILE_DEPTH);
}
size_t cpu_amx_padded_dim(size_t head_dim) {
    return round_up(head_dim, TILE_DEPTH);
}
size_t cpu_amx_padded_value_dim(size_t head_dim) {
    return round_up(head_dim, 2 * TILE_ROWS);
}

// x [m <= 16, k] becomes pairs [k / 2, 16, 2], zero beyond m and k (k padded to 32).
void cpu_amx_pack_x(uint16_t *packed, struct matrix x) {
    size_t padded = round_up(x.columns, TILE_DEPTH);
    memset(packed, 0, padded * TILE_ROWS * sizeof *packed);
    for (size_t m = 0; m < x.rows; m++) {
        const uint16_t *row = (const uint16_t *)x.data + m * x.stride;
        uint16_t *out = packed + m * PAIR;
        size_t i = 0;
        for (; i + 1 < x.columns; i += 2) memcpy(out + i / 2 * TILE_ROWS * PAIR, row + i, PAIR * sizeof *row);
        if (i < x.columns) out[i / 2 * TILE_ROWS * PAIR] = row[i];
    }
}

static void store_sums(float *y, size_t y_stride, const float sums[TILE_ROWS][LANES], size_t m, size_t rows) {
    for (size_t c = 0; c < m; c++)
        for (size_t r = 0; r < rows; r++) y[c * y_stride + r] = sums[r][c];
}

void cpu_amx_linear(float *y, size_t y_stride, const uint16_t *packed, size_t m, const uint16_t *w,
                    size_t w_stride, size_t n, size_t k) {
    start_tiles();
    size_t bytes = w_stride * sizeof *w, whole = k / TILE_DEPTH * TILE_DEPTH;
    size_t n_tiled = n / (2 * TILE_ROWS) * (2 * TILE_ROWS);
    float sums[2][TILE_ROWS][LANES];
    for (size_t row = 0; row < n_tiled; row += 2 * TILE_ROWS) {
        const uint16_t *w0 = w + row * w_stride, *w1 = w0 + TILE_ROWS * w_stride;
        _tile_zero(0);
        _tile_zero(1);
        for (size_t i = 0; i < whole; i += TILE_DEPTH) {
            _tile_loadd(4, packed + i * TILE_ROWS, 64);
            _tile_loadd(2, w0 + i, bytes);
            _tile_loadd(3, w1 + i, bytes);
            _tile_dpbf16ps(0, 2, 4);
            _tile_dpbf16ps(1, 3, 4);
        }
        _tile_stored(0, sums[0], 64);
        _tile_stored(1, sums[1], 64);
        for (int half = 0; half < 2; half++) {
            for (size_t i = whole; i < k; i++) // the rest of a depth that is no multiple of 32
                for (size_t r = 0; r < TILE_ROWS; r++)
                    for (size_t c = 0; c < m; c++)
                        sums[half][r][c] += bf16_to_f32(w0[(half * TILE_ROWS + r) * w_stride + i]) *
                                            bf16_to_f32(packed[(i / 2 * TILE_ROWS + c) * PAIR + i % 2]);
            store_sums(y + row + half * TILE_ROWS, y_stride, (const float(*)[LANES])sums[half], m, TILE_ROWS);
        }
    }
    for (size_t row = n_tiled; row < n; row++)
        for (size_t c = 0; c < m; c++) {
            float total = 0;
            for (size_t i = 0; i < k; i++)
                total += bf16_to_f32(w[row * w_stride + i]) *
                         bf16_to_f32(packed[(i / 2 * TILE_ROWS + c) * PAIR + i % 2]);
            y[c * y_stride + row] = total;
        }
    cpu_amx_end();
}

// 16 x 16 double words, rows to columns.
static inline void transpose(__m512i r[16]) {
    __m512i t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; j++) {
            r[i + 2 * j] = _mm512_unpacklo_epi64(t[i + j], t[i + j + 2]);
            r[i + 2 * j + 1] = _mm512_unpackhi_epi64(t[i + j], t[i + j + 2]);
        }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xDD);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xDD);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xDD);
        r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xDD);
    }
}

// The first `count` of 32 BF16 values at p, the rest zero; nothing beyond them is read.
static inline __m512i load_part(const uint16_t *p, size_t count) {
    __mmask32 mask = count >= 32 ? 0xFFFFFFFFu : (1u << count) - 1;
    return _mm512_maskz_loadu_epi16(mask, p);
}

// Columns (queries of one head) become pairs [dim / 2, ATTENTION_COLUMNS, 2].
void cpu_amx_pack_queries(uint16_t *packed, const uint16_t *const *columns, size_t count, size_t head_dim) {
    for (size_t first = 0; first < ATTENTION_COLUMNS; first += 16)
        for (size_t d = 0; d < head_dim; d += TILE_DEPTH) {
            __m512i block[16];
            for (size_t c = 0; c < 16; c++)
                block[c] = first + c < count ? load_part(columns[first + c] + d, head_dim - d)
                                             : _mm512_setzero_si512();
            transpose(block);
            for (size_t pair = 0; pair < 16; pair++)
                _mm512_storeu_si512(packed + ((d / 2 + pair) * ATTENTION_COLUMNS + first) * PAIR,
                                    block[pair]);
        }
}

void cpu_amx_pack_keys(uint16_t *packed, const uint16_t *keys, size_t rows, size_t stride, size_t head_dim) {
    size_t padded_rows = cpu_amx_padded_rows(rows), dim = cpu_amx_padded_dim(head_dim);
    for (size_t r = 0; r < rows; r++) {
        memcpy(packed + r * dim, keys + r * stride, head_dim * sizeof *packed);
        memset(packed + r * dim + head_dim, 0, (dim - head_dim) * sizeof *packed);
    }
    memset(packed + rows * dim, 0, (padded_rows - rows) * dim * sizeof *packed);
}

// Values [rows, head_dim] become [head_dim, rows], so that they are a left operand, too: pairs of rows are
// interleaved, then pairs and dimensions change places as double words.
void cpu_amx_pack_values(uint16_t *packed, const uint16_t *values, size_t rows, size_t stride,
                         size_t head_dim) {
    size_t padded_rows = cpu_amx_padded_rows(rows), dim = cpu_amx_padded_value_dim(head_dim);
    for (size_t first = 0; first < padded_rows; first += 32)
        for (size_t d = 0; d < dim; d += 16) {
            __m512i block[16];
            size_t left = d < head_dim ? (head_dim - d < 16 ? head_dim - d : 16) : 0;
            for (size_t pair = 0; pair < 16; pair++) {
                size_t row = first + 2 * pair;
                size_t even = row < rows ? left : 0, odd = row + 1 < rows ? left : 0;
                __m512i low = load_part(values + (even ? row * stride + d : 0), even);
                __m512i high = load_part(values + (odd ? (row + 1) * stride + d : 0), odd);
                low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(low));
                high = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(high));
                block[pair] = _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
            }
            transpose(block);
            for (size_t j = 0; j < 16; j++)
                _mm512_storeu_si512(packed + (d + j) * padded_rows + first, block[j]);
        }
}

// out[c][d] = values[d, c] * factors[c], for the columns of a block.
void cpu_amx_store_columns(uint16_t *const *out, const float *values, const float *factors, size_t count,
                           size_t head_dim) {
    for (size_t first = 0; first < count; first += 16)
        for (size_t d = 0; d < head_dim; d += 16) {
            __m512i block[16];
            __m512 factor = _mm512_loadu_ps(factors + first);
            size_t rows = head_dim - d < 16 ? head_dim - d : 16;
            for (size_t j = 0; j < 16; j++) {
                size_t row = j < rows ? d + j : d;
                block[j] = (__m512i)(_mm512_loadu_ps(values + row * ATTENTION_COLUMNS + first) * factor);
            }
            transpose(block);
            for (size_t c = 0; c < 16 && first + c < count; c++)
                _mm256_mask_storeu_epi16(out[first + c] + d, (__mmask16)((1u << rows) - 1),
                                         (__m256i)_mm512_cvtneps_pbh((__m512)block[c]));
        }
}

// scores[key, column] for 32 keys by 32 columns.
static void score_tile(float *scores, const uint16_t *keys, const uint16_t *queries, size_t dim,
                       size_t columns) {
    size_t key_bytes = dim * sizeof *keys;
    const int query_bytes = ATTENTION_COLUMNS * PAIR * (int)sizeof *queries;
    _tile_zero(0);
    _tile_zero(2);
    if (columns > TILE_ROWS) {
        _tile_zero(1);
        _tile_zero(3);
        for (size_t d = 0; d < dim; d += TILE_DEPTH) {
            const uint16_t *q = queries + d / 2 * ATTENTION_COLUMNS * PAIR;
            _tile_loadd(4, keys + d, key_bytes);
            _tile_loadd(5, keys + TILE_ROWS * dim + d, key_bytes);
            _tile_loadd(6, q, query_bytes);
            _tile_loadd(7, q + TILE_ROWS * PAIR, query_bytes);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
        _tile_stored(1, scores + LANES, ATTENTION_COLUMNS * 4);
        _tile_stored(3, scores + TILE_ROWS * ATTENTION_COLUMNS + LANES, ATTENTION_COLUMNS * 4);
    } else {
        for (size_t d = 0; d < dim; d += TILE_DEPTH) {
            _tile_loadd(4, keys + d, key_bytes);
            _tile_loadd(5, keys + TILE_ROWS * dim + d, key_bytes);
            _tile_loadd(6, queries + d / 2 * ATTENTION_COLUMNS * PAIR, query_bytes);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(2, 5, 6);
        }
    }
    _tile_stored(0, scores, ATTENTION_COLUMNS * 4);
    _tile_stored(2, scores + TILE_ROWS * ATTENTION_COLUMNS, ATTENTION_COLUMNS * 4);
}

// values[d, column] += sum over `count` keys of value[d, key] * weight[key, column].
static void add_values(float *sums, const uint16_t *values, size_t value_stride, const uint16_t *weights,
                       size_t count, size_t head_dim, size_t columns) {
    size_t value_bytes = value_stride * sizeof *values;
    const int pair_bytes = ATTENTION_COLUMNS * PAIR * (int)sizeof *weights, sum_bytes = ATTENTION_COLUMNS * 4;
    size_t dim = cpu_amx_padded_value_dim(head_dim);
    for (size_t d = 0; d < dim; d += 2 * TILE_ROWS) {
        float *top = sums + d * ATTENTION_COLUMNS, *bottom = top + TILE_ROWS * ATTENTION_COLUMNS;
        _tile_loadd(0, top, sum_bytes);
        _tile_loadd(2, bottom, sum_bytes);
        if (columns > TILE_ROWS) {
            _tile_loadd(1, top + LANES, sum_bytes);
            _tile_loadd(3, bottom + LANES, sum_bytes);
            for (size_t key = 0; key < count; key += TILE_DEPTH) {
                const uint16_t *w = weights + key * ATTENTION_COLUMNS;
                _tile_loadd(4, values + d * value_stride + key, value_bytes);
                _tile_loadd(5, values + (d + TILE_ROWS) * value_stride + key, value_bytes);
                _tile_loadd(6, w, pair_bytes);
                _tile_loadd(7, w + TILE_ROWS * PAIR, pair_bytes);
                _tile_dpbf16ps(0, 4, 6);
                _tile_dpbf16ps(1, 4, 7);
                _tile_dpbf16ps(2, 5, 6);
                _tile_dpbf16ps(3, 5, 7);
            }
            _tile_stored(1, top + LANES, sum_bytes);
            _tile_stored(3, bottom + LANES, sum_bytes);
        } else {
            for (size_t key = 0; key < count; key += TILE_DEPTH) {
                _tile_loadd(4, values + d * value_stride + key, value_bytes);
                _tile_loadd(5, values + (d + TILE_ROWS) * value_stride + key, value_bytes);
                _tile_loadd(6, weights + key * ATTENTION_COLUMNS, pair_bytes);
                _tile_dpbf16ps(0, 4, 6);
                _tile_dpbf16ps(2, 5, 6);
            }
        }
        _tile_stored(0, top, sum_bytes);
        _tile_stored(2, bottom, sum_bytes);
    }
}

// 2^x for x <= 0, to about 1e-4: the result is rounded to BF16 (4e-3) anyway.
static inline vf rough_exp2(vf x) {
    __m512 whole = _mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    vf f = x - (vf)whole;
    vf p = f * 5.58382829e-02f + 2.42639479e-01f;
    p = p * f + 6.93136734e-01f;
    p = p * f + 9.99924557e-01f;
    return (vf)_mm512_scalef_ps((__m512)p, whole);
}

// Two rows of weights (not negative, no NaN) as pairs of BF16, rounded half up.
static inline __m512i pair_weights(vf even, vf odd) {
    const __m512i half = _mm512_set1_epi32(0x8000);
    __m512i low = _mm512_srli_epi32(_mm512_add_epi32((__m512i)even, half), 16);
    __m512i high = _mm512_add_epi32((__m512i)odd, half);
    return _mm512_ternarylogic_epi32(low, high, _mm512_set1_epi32((int)0xFFFF0000),
                                     0xF8); // low | (high & mask)
}

// 16 columns of scores become weights, in pairs of keys for the next product; the running sums follow.
static void weigh(struct attention_block *block, size_t half, size_t first_key, size_t count, size_t head_dim,
                  const int32_t *limits, float scale) {
    float *scores = block->scores + half;
    vi limit;
    memcpy(&limit, limits + half, sizeof limit);
    int32_t lowest = limits[half];
    for (int i = 1; i < LANES; i++) lowest = limits[half + i] < lowest ? limits[half + i] : lowest;
    if (lowest < (int32_t)(first_key + count)) {
        size_t from = lowest > (int32_t)first_key ? (size_t)lowest - first_key : 0;
        for (size_t key = from; key < count; key++) {
            float *row = scores + key * ATTENTION_COLUMNS;
            vf_store(row, vf_choose(limit > (int32_t)(first_key + key), vf_load(row), vf_all(-INFINITY)));
        }
    }
    vf top0 = vf_all(-INFINITY), top1 = top0;
    for (size_t key = 0; key < count; key += 2) {
        top0 = (vf)_mm512_max_ps((__m512)top0, (__m512)vf_load(scores + key * ATTENTION_COLUMNS));
        top1 = (vf)_mm512_max_ps((__m512)top1, (__m512)vf_load(scores + (key + 1) * ATTENTION_COLUMNS));
    }
    vf old = vf_load(block->maximum + half);
    vf top = vf_max(vf_max(top0, top1) * scale, old);
    vf finite = vf_choose(top == -INFINITY, vf_all(0.0f), top);
    vf correction = vf_exp2(old - finite), sum = vf_load(block->sum + half) * correction;
    uint32_t *pairs = (uint32_t *)block->weights + half;
    for (size_t key = 0; key < count; key += 2) {
        vf even = rough_exp2(vf_load(scores + key * ATTENTION_COLUMNS) * scale - finite);
        vf odd = rough_exp2(vf_load(scores + (key + 1) * ATTENTION_COLUMNS) * scale - finite);
        sum += even + odd;
        _mm512_storeu_si512(pairs + key / 2 * ATTENTION_COLUMNS, pair_weights(even, odd));
    }
    vf_store(block->sum + half, sum);
    vf_store(block->maximum + half, top);
    if (_mm512_cmp_ps_mask((__m512)correction, _mm512_set1_ps(1.0f), _CMP_NEQ_UQ) == 0) return;
    for (size_t d = 0; d < head_dim; d++) {
        float *value = block->values + d * ATTENTION_COLUMNS + half;
        vf_store(value, vf_load(value) * correction);
    }
}

void cpu_amx_attend(struct attention_block *block, size_t columns, const uint16_t *keys,
                    const uint16_t *values, size_t rows, size_t head_dim, const int32_t *limits,
                    float scale) {
    size_t dim = cpu_amx_padded_dim(head_dim), value_stride = cpu_amx_padded_rows(rows);
    int32_t most = 0;
    for (size_t c = 0; c < columns; c++) most = limits[c] > most ? limits[c] : most;
    if ((size_t)most < rows) rows = (size_t)most;
    start_tiles();
    for (size_t first = 0; first < rows; first += ATTENTION_KEYS) {
        size_t count = rows - first < ATTENTION_KEYS ? round_up(rows - first, TILE_DEPTH) : ATTENTION_KEYS;
        for (size_t key = 0; key < count; key += TILE_DEPTH)
            score_tile(block->scores + key * ATTENTION_COLUMNS, keys + (first + key) * dim, block->queries,
                       dim, columns);
        for (size_t half = 0; half < columns; half += LANES)
            weigh(block, half, first, count, head_dim, limits, scale * 1.44269504088896341f);
        add_values(block->values, values + first, value_stride, block->weights, count, head_dim, columns);
    }
    cpu_amx_end();
}

#else // other processors: never called

const bool cpu_amx_compiled = false;

void cpu_amx_end(void) {
}
size_t cpu_amx_padded_rows(size_t rows) {
    return rows;
}
size_t cpu_amx_padded_dim(size_t head_dim) {
    return head_dim;
}
size_t cpu_amx_padded_value_dim(size_t head_dim) {
    return head_dim;
}
void cpu_amx_pack_x(uint16_t *packed, struct matrix x) {
    (void)packed, (void)x;
}
void cpu_amx_linear(float *y, size_t y_stride, const uint16_t *packed, size_t m, const uint16_t *w,
                    size_t w_stride, size_t n, size_t k) {
    (void)y, (void)y_stride, (void)packed, (void)m, (void)w, (void)w_stride, (void)n, (void)k;
}
void cpu_amx_pack_queries(uint16_t *packed, const uint16_t *const *columns, size_t count, size_t head_dim) {
    (void)packed, (void)columns, (void)count, (void)head_dim;
}
void cpu_amx_pack_keys(uint16_t *packed, const uint16_t *keys, size_t rows, size_t stride, size_t head_dim) {
    (void)packed, (void)keys, (void)rows, (void)stride, (void)head_dim;
}
void cpu_amx_pack_values(uint16_t *packed, const uint16_t *values, size_t rows, size_t stride,
                         size_t head_dim) {
    (void)packed, (void)values, (void)rows, (void)stride, (void)head_dim;
}
void cpu_amx_store_columns(uint16_t *const *out, const float *values, const float *factors, size_t count,
                           size_t head_dim) {
    (void)out, (void)values, (void)factors, (void)count, (void)head_dim;
}
void cpu_amx_attend(struct attention_block *block, size_t columns, const uint16_t *keys,
                    const uint16_t *values, size_t rows, size_t head_dim, const int32_t *limits,
                    float scale) {
    (void)block, (void)columns, (void)keys, (void)values, (void)rows, (void)head_dim;
    (void)limits, (void)scale;
}

#endif
