// Every operation of the CPU device against a plain reference, at every instruction-set level this machine
// has.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "tensor/device.h"

static const char *const levels[] = {"portable", "avx2", "avx512", "amx"};

static float *numbers(size_t count, uint64_t seed, float deviation) {
    float *values = malloc(count * sizeof *values);
    struct random random;
    random_start(&random, seed, 1);
    for (size_t i = 0; i < count; i++) values[i] = (float)random_normal(&random) * deviation;
    return values;
}

// A matrix of the given type from F32 numbers, which are rounded to what the type holds.
static struct matrix make(float *values, size_t rows, size_t columns, size_t stride, enum dtype type) {
    struct matrix m = matrix_of(calloc(rows * stride, dtype_size(type)), type, rows, columns);
    m.stride = stride;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) {
            float *v = &values[r * columns + c];
            if (type == DTYPE_BF16) {
                ((uint16_t *)m.data)[r * stride + c] = f32_to_bf16(*v);
                *v = bf16_to_f32(f32_to_bf16(*v));
            } else {
                ((float *)m.data)[r * stride + c] = *v;
            }
        }
    return m;
}

static float get(struct matrix m, size_t r, size_t c) {
    size_t i = r * m.stride + c;
    return m.dtype == DTYPE_BF16 ? bf16_to_f32(((uint16_t *)m.data)[i]) : ((float *)m.data)[i];
}

static void expect(float got, double want, double tolerance, const char *what) {
    if (!(fabs((double)got - want) <= tolerance * (1 + fabs(want))))
        fail_msg("%s: %.9g, expected %.9g", what, (double)got, want);
}

static struct device *open_level(const char *level, int threads) {
    struct error error = {0};
    struct device *device = device_open_cpu(threads, level, &error);
    if (!device) assert_non_null(strstr(error.message, "this processor has no"));
    return device;
}

static void check_linear(struct device *device, size_t m, size_t n, size_t k, enum dtype x_type,
                         enum dtype w_type, enum dtype y_type, bool with_bias, bool add) {
    float *xv = numbers(m * k, 1, 1), *wv = numbers(n * k, 2, 0.1f), *bv = numbers(n, 3, 1),
          *yv = numbers(m * n, 4, 1);
    struct matrix x = make(xv, m, k, k + 3, x_type), w = make(wv, n, k, k, w_type),
                  y = make(yv, m, n, n + 5, y_type);
    struct matrix bias = make(bv, 1, n, n, w_type), none = {0};
    const struct weight weight = weight_of(w);
    device_linear(device, y, x, &weight, with_bias ? bias : none, add ? LINEAR_ADD : 0);
    struct error error = {0};
    assert_ok(device_check(device, &error), error);
    double tolerance = y_type == DTYPE_BF16 ? 8e-3 : x_type == DTYPE_BF16 ? 1e-4 : 2e-5;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double want = (with_bias ? (double)bv[j] : 0) + (add ? (double)yv[i * n + j] : 0);
            for (size_t d = 0; d < k; d++) want += (double)xv[i * k + d] * (double)wv[j * k + d];
            expect(get(y, i, j), want, tolerance * (k > 500 ? 3 : 1), "linear");
        }
    free(xv), free(wv), free(bv), free(yv), free(x.data), free(w.data), free(y.data), free(bias.data);
}

static void test_linear(void **state) {
    (void)state;
    static const size_t shapes[][3] = {{1, 1, 1},     {1, 3, 7},     {1, 130, 64},  {2, 33, 96},
                                       {3, 64, 100},  {5, 96, 64},   {16, 70, 33},  {17, 40, 50},
                                       {16, 128, 64}, {40, 100, 70}, {7, 600, 1000}};
    for (size_t l = 0; l < 4; l++) {
        struct device *device = open_level(levels[l], 2);
        if (!device) continue;
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            size_t m = shapes[s][0], n = shapes[s][1], k = shapes[s][2];
            check_linear(device, m, n, k, DTYPE_F32, DTYPE_F32, DTYPE_F32, s % 2, false);
            check_linear(device, m, n, k, DTYPE_F32, DTYPE_BF16, DTYPE_F32, true, s % 2);
            check_linear(device, m, n, k, DTYPE_BF16, DTYPE_BF16, DTYPE_F32, s % 2, true);
            check_linear(device, m, n, k, DTYPE_BF16, DTYPE_BF16, DTYPE_BF16, true, false);
            check_linear(device, m, n, k, DTYPE_BF16, DTYPE_F32, DTYPE_BF16, false, false);
        }
        device_close(device);
    }
}

// An exact device gives a row the same bits alone and among others, and they are right.
static void test_exact_linear(void **state) {
    (void)state;
    enum { ROWS = 29, OUT = 38 };
    struct error error = {0};
    static const size_t lengths[] = {20, 192, 1300};
    for (size_t l = 0; l < 4; l++) {
        struct device *device = open_level(levels[l], 2);
        if (!device) continue;
        assert_ok(device_set_exact(device, true, &error), error);
        for (size_t s = 0; s < 6; s++) {
            enum dtype type = s % 2 ? DTYPE_BF16 : DTYPE_F32;
            size_t k = lengths[s / 2];
            check_linear(device, 7, 33, k, type, DTYPE_BF16, DTYPE_F32, true, true);
            float *xv = numbers(ROWS * k, 21, 1), *wv = numbers(OUT * k, 22, 1);
            struct matrix x = make(xv, ROWS, k, k, type), w = make(wv, OUT, k, k, DTYPE_BF16),
                          all = matrix_of(calloc(ROWS * OUT, 4), DTYPE_F32, ROWS, OUT),
                          some = matrix_of(calloc(ROWS * OUT, 4), DTYPE_F32, ROWS, OUT);
            const struct weight weight = weight_of(w);
            device_linear(device, all, x, &weight, (struct matrix){0}, 0);
            for (size_t r = 0, count = 1; r < ROWS; r += count, count = ROWS - r < 4 ? ROWS - r : r % 4 + 1)
                device_linear(device, matrix_rows(some, r, count), matrix_rows(x, r, count), &weight,
                              (struct matrix){0}, 0);
            assert_ok(device_check(device, &error), error);
            for (size_t i = 0; i < ROWS * OUT; i++)
                assert_true(((float *)all.data)[i] == ((float *)some.data)[i]);
            free(xv), free(wv), free(x.data), free(w.data), free(all.data), free(some.data);
        }
        device_close(device);
    }
}

// The definition, one query and head at a time.
static void plain_attention(float *out, const struct attention *a, size_t segment_index) {
    const struct attention_segment *segment = &a->segments[segment_index];
    size_t share = a->heads / a->kv_heads, width = a->heads * a->head_dim;
    for (size_t q = 0; q < segment->queries; q++)
        for (size_t h = 0; h < a->heads; h++) {
            size_t own = segment->own.rows - (segment->causal ? segment->queries - 1 - q : 0);
            size_t total = segment->prefix.rows + own, kv = h / share;
            double *scores = malloc(total * sizeof *scores), top = -INFINITY, sum = 0;
            for (size_t pass = 0; pass < 2; pass++)
                for (size_t i = 0; i < total; i++) {
                    bool prefix = i < segment->prefix.rows;
                    const struct attention_span *span = prefix ? &segment->prefix : &segment->own;
                    struct matrix keys = matrix_of((void *)(uintptr_t)(pass ? span->values : span->keys),
                                                   a->span_type, span->rows, a->kv_heads * a->head_dim);
                    keys.stride = span->stride;
                    size_t row = prefix ? i : i - segment->prefix.rows;
                    if (pass == 0) {
                        double dot = 0;
                        for (size_t d = 0; d < a->head_dim; d++)
                            dot += (double)get(a->queries, segment->first_query + q, h * a->head_dim + d) *
                                   (double)get(keys, row, kv * a->head_dim + d);
                        scores[i] = dot * (double)a->scale;
                        top = fmax(top, scores[i]);
                    } else {
                        double weight = exp(scores[i] - top);
                        sum += weight;
                        for (size_t d = 0; d < a->head_dim; d++) {
                            float *o = &out[(segment->first_query + q) * width + h * a->head_dim + d];
                            *o += (float)(weight * (double)get(keys, row, kv * a->head_dim + d));
                        }
                    }
                }
            for (size_t d = 0; d < a->head_dim; d++)
                out[(segment->first_query + q) * width + h * a->head_dim + d] /= (float)sum;
            free(scores);
        }
}

struct attention_case {
    size_t heads, kv_heads, head_dim, prefix, segments, queries, own;
    bool causal;
    int prefixes; // distinct prefixes the segments are dealt out over
};

static void check_attention(struct device *device, const struct attention_case *c, enum dtype type) {
    size_t rows = c->segments * c->queries, width = c->heads * c->head_dim,
           kv_width = c->kv_heads * c->head_dim;
    size_t own_rows = c->segments * c->own, prefix_rows = c->prefix * (size_t)(c->prefixes ? c->prefixes : 1);
    float *qv = numbers(rows * width, 5, 1), *kv = numbers(own_rows * kv_width, 6, 1),
          *vv = numbers(own_rows * kv_width, 7, 1);
    float *pk = numbers(prefix_rows * kv_width + 1, 8, 1), *pv = numbers(prefix_rows * kv_width + 1, 9, 1);
    size_t stride = kv_width + 4;
    struct matrix q = make(qv, rows, width, width + 2, type), k = make(kv, own_rows, kv_width, stride, type),
                  v = make(vv, own_rows, kv_width, stride, type),
                  p = make(pk, prefix_rows, kv_width, stride, type),
                  w = make(pv, prefix_rows, kv_width, stride, type);
    struct matrix out = matrix_of(calloc(rows * width, dtype_size(type)), type, rows, width);
    struct attention_segment *segments = calloc(c->segments, sizeof *segments);
    for (size_t s = 0; s < c->segments; s++) {
        size_t which = c->prefixes ? s % (size_t)c->prefixes : 0;
        segments[s] = (struct attention_segment){
            .first_query = s * c->queries,
            .queries = c->queries,
            .prefix = {matrix_rows(p, which * c->prefix, c->prefix).data,
                       matrix_rows(w, which * c->prefix, c->prefix).data, c->prefix, stride},
            .own = {matrix_rows(k, s * c->own, c->own).data, matrix_rows(v, s * c->own, c->own).data, c->own,
                    stride},
            .causal = c->causal};
    }
    struct attention a = {.out = out,
                          .queries = q,
                          .span_type = type,
                          .heads = c->heads,
                          .kv_heads = c->kv_heads,
                          .head_dim = c->head_dim,
                          .scale = 1 / sqrtf((float)c->head_dim),
                          .segments = segments,
                          .segment_count = c->segments};
    device_attention(device, &a);
    struct error error = {0};
    assert_ok(device_check(device, &error), error);
    float *want = calloc(rows * width, sizeof *want);
    for (size_t s = 0; s < c->segments; s++) plain_attention(want, &a, s);
    for (size_t r = 0; r < rows; r++)
        for (size_t col = 0; col < width; col++)
            expect(get(out, r, col), (double)want[r * width + col], type == DTYPE_BF16 ? 1.2e-2 : 1e-5,
                   "attention");
    free(qv), free(kv), free(vv), free(pk), free(pv), free(q.data), free(k.data), free(v.data), free(p.data),
        free(w.data);
    free(out.data), free(segments), free(want);
}

static void test_attention(void **state) {
    (void)state;
    static const struct attention_case cases[] = {
        {4, 2, 16, 0, 1, 1, 1, true, 0},      {4, 2, 16, 0, 1, 37, 37, true, 0},
        {2, 2, 80, 0, 3, 64, 64, false, 0},   {16, 16, 80, 0, 2, 12, 12, false, 0},
        {4, 4, 8, 0, 1, 216, 216, false, 0},  {28, 4, 128, 0, 1, 150, 150, true, 0},
        {28, 4, 128, 100, 1, 1, 5, true, 0},  {14, 2, 64, 77, 5, 1, 9, true, 1},
        {28, 4, 128, 200, 16, 1, 3, true, 1}, {4, 2, 32, 33, 6, 4, 7, true, 2},
        {16, 2, 128, 0, 4, 1, 300, true, 0},  {8, 2, 16, 130, 3, 40, 40, true, 3},
    };
    for (size_t l = 0; l < 4; l++)
        for (int threads = 1; threads <= 3; threads += 2) {
            struct device *device = open_level(levels[l], threads);
            if (!device) continue;
            for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                check_attention(device, &cases[i], DTYPE_F32);
                check_attention(device, &cases[i], DTYPE_BF16);
            }
            device_close(device);
        }
}

static void check_rows(struct device *device, enum dtype type, size_t rows, size_t columns) {
    double tolerance = type == DTYPE_BF16 ? 8e-3 : 2e-6;
    float *av = numbers(rows * columns, 11, 2), *bv = numbers(rows * columns, 12, 2),
          *wv = numbers(columns, 13, 1);
    struct matrix a = make(av, rows, columns, columns + 1, type), b = make(bv, rows, columns, columns, type),
                  w = make(wv, 1, columns, columns, DTYPE_BF16);
    struct matrix y = matrix_of(calloc(rows * columns, 4), type, rows, columns);
    device_rms_norm(device, y, a, w, 1e-6f);
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        for (size_t c = 0; c < columns; c++) sum += (double)av[r * columns + c] * (double)av[r * columns + c];
        double scale = 1 / sqrt(sum / (double)columns + 1e-6);
        for (size_t c = 0; c < columns; c++)
            expect(get(y, r, c), (double)av[r * columns + c] * scale * (double)wv[c], tolerance, "rms_norm");
    }
    device_swiglu(device, y, a, b);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) {
            double g = (double)av[r * columns + c];
            expect(get(y, r, c), g / (1 + exp(-g)) * (double)bv[r * columns + c], tolerance, "swiglu");
        }
    device_gelu(device, y, a);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) {
            double g = (double)av[r * columns + c];
            expect(get(y, r, c), 0.5 * g * (1 + erf(g / sqrt(2))), tolerance, "gelu");
        }
    free(av), free(bv), free(wv), free(a.data), free(b.data), free(w.data), free(y.data);
}

static void check_rope(struct device *device, enum dtype type, size_t rows, size_t heads, size_t head_dim) {
    size_t half = head_dim / 2, columns = heads * head_dim;
    float *xv = numbers(rows * columns, 21, 1), *angle = numbers(rows * half, 22, 3);
    float *cv = malloc(rows * half * 4), *sv = malloc(rows * half * 4);
    for (size_t i = 0; i < rows * half; i++) cv[i] = cosf(angle[i]), sv[i] = sinf(angle[i]);
    struct matrix x = make(xv, rows, columns, columns, type), c = matrix_of(cv, DTYPE_F32, rows, half),
                  s = matrix_of(sv, DTYPE_F32, rows, half);
    double tolerance = type == DTYPE_BF16 ? 8e-3 : 2e-6;
    device_rope(device, x, head_dim, c, s, false);
    for (size_t r = 0; r < rows; r++)
        for (size_t h = 0; h < heads; h++)
            for (size_t i = 0; i < half; i++) {
                double u = (double)xv[r * columns + h * head_dim + i],
                       v = (double)xv[r * columns + h * head_dim + half + i];
                double cosine = (double)cv[r * half + i], sine = (double)sv[r * half + i];
                expect(get(x, r, h * head_dim + i), u * cosine - v * sine, tolerance, "rope");
                expect(get(x, r, h * head_dim + half + i), v * cosine + u * sine, tolerance, "rope");
            }
    device_rope(device, x, head_dim, c, s, true);
    for (size_t i = 0; i < rows * columns; i++)
        expect(get(x, i / columns, i % columns), (double)xv[i], 3 * tolerance, "rope back");
    free(xv), free(angle), free(cv), free(sv), free(x.data);
}

static void test_rows(void **state) {
    (void)state;
    for (size_t l = 0; l < 4; l++) {
        struct device *device = open_level(levels[l], 2);
        if (!device) continue;
        for (int t = 0; t < 2; t++) {
            enum dtype type = t ? DTYPE_BF16 : DTYPE_F32;
            check_rows(device, type, 3, 5);
            check_rows(device, type, 7, 1280);
            check_rows(device, type, 40, 513);
            check_rope(device, type, 5, 3, 16);
            check_rope(device, type, 33, 4, 80);
            check_rope(device, type, 9, 2, 128);
        }
        device_close(device);
    }
}

static void test_log_probs(void **state) {
    (void)state;
    enum { ROWS = 300, WIDTH = 24, VOCABULARY = 9001 };
    float *xv = numbers(ROWS * WIDTH, 31, 1), *wv = numbers((size_t)VOCABULARY * WIDTH, 32, 1), out[ROWS];
    int32_t targets[ROWS];
    struct matrix x = make(xv, ROWS, WIDTH, WIDTH, DTYPE_F32),
                  w = make(wv, VOCABULARY, WIDTH, WIDTH, DTYPE_BF16);
    for (int i = 0; i < ROWS; i++) targets[i] = i * 30;
    for (size_t l = 0; l < 4; l++) {
        struct device *device = open_level(levels[l], 2);
        if (!device) continue;
        const struct weight weight = weight_of(w);
        device_log_probs(device, out, NULL, NULL, x, &weight, targets, 1.5f);
        for (size_t i = 0; i < ROWS; i += 13) {
            double sum = 0, target = 0;
            for (size_t v = 0; v < VOCABULARY; v++) {
                double logit = 0;
                for (size_t d = 0; d < WIDTH; d++)
                    logit += (double)xv[i * WIDTH + d] * (double)wv[v * WIDTH + d];
                logit /= 1.5;
                sum += exp(logit);
                if (v == (size_t)targets[i]) target = logit;
            }
            expect(out[i], target - log(sum), 1e-5, "log_probs");
        }
        device_close(device);
    }
    free(xv), free(wv), free(x.data), free(w.data);
}

static void test_gather_embed(void **state) {
    (void)state;
    struct device *device = open_level(NULL, 2);
    float values[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    struct matrix table = make(values, 4, 3, 3, DTYPE_BF16);
    float out[9];
    struct matrix y = matrix_of(out, DTYPE_F32, 3, 3);
    device_embed(device, y, table, (int32_t[]){3, 0, 3});
    assert_memory_equal(out, ((float[]){9, 10, 11, 0, 1, 2, 9, 10, 11}), sizeof out);
    device_gather(device, y, table, (size_t[]){2, 1, 0});
    assert_memory_equal(out, ((float[]){6, 7, 8, 3, 4, 5, 0, 1, 2}), sizeof out);
    float back[12] = {0};
    device_scatter(device, matrix_of(back, DTYPE_F32, 4, 3), y, (size_t[]){2, 1, 0});
    assert_memory_equal(back, values, 9 * sizeof *back);
    device_embed(device, y, table, (int32_t[]){0, 4, 0});
    struct error error = {0};
    assert_error(device_check(device, &error), error, ERROR_INTERNAL,
                 "token id 4 is outside the vocabulary of 4");
    assert_ok(device_check(device, &error), error); // asked once, forgotten
    free(table.data);
    device_close(device);
    assert_null(device_open_cpu(1, "mmx", &error));
    assert_int_equal(error.code, ERROR_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),    cmocka_unit_test(test_exact_linear),
        cmocka_unit_test(test_attention), cmocka_unit_test(test_rows),
        cmocka_unit_test(test_log_probs), cmocka_unit_test(test_gather_embed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
