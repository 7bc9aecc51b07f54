// Every gradient of the CPU device against central differences of its forward definition in double precision,
// at every instruction-set level this machine has. BF16 is held against the same numbers, more loosely.
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "tensor/device.h"

static const char *const levels[] = {"portable", "avx2", "avx512", "amx"};
enum { LEVELS = 4 };

// A matrix of the device beside its values in double precision, rounded to what the type holds.
struct operand {
    struct matrix m;
    double *values;
};

static struct operand operand_new(size_t rows, size_t columns, enum dtype type, uint64_t seed,
                                  double deviation) {
    struct operand o = {.m = matrix_of(NULL, type, rows, columns)};
    o.m.stride = columns + 8;
    o.m.data = calloc(rows * o.m.stride + 1, dtype_size(type));
    o.values = calloc(rows * columns + 1, sizeof *o.values);
    struct random random;
    random_start(&random, seed, 7);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) {
            float value = (float)(random_normal(&random) * deviation);
            if (type == DTYPE_BF16) value = bf16_to_f32(f32_to_bf16(value));
            if (type == DTYPE_BF16)
                ((uint16_t *)o.m.data)[r * o.m.stride + c] = f32_to_bf16(value);
            else
                ((float *)o.m.data)[r * o.m.stride + c] = value;
            o.values[r * columns + c] = (double)value;
        }
    return o;
}

static void operand_free(struct operand *o) {
    free(o->m.data);
    free(o->values);
}

static double get(struct matrix m, size_t i) {
    size_t at = i / m.columns * m.stride + i % m.columns;
    return m.dtype == DTYPE_BF16 ? (double)bf16_to_f32(((uint16_t *)m.data)[at])
                                 : (double)((float *)m.data)[at];
}

// What every definition below computes: sum(dy * f(operands)), of which the gradients are central
// differences.
typedef double definition(void *context);

static double central_difference(definition *f, void *context, double *value) {
    const double step = 1e-4, middle = *value;
    *value = middle + step;
    double above = f(context);
    *value = middle - step;
    double below = f(context);
    *value = middle;
    return (above - below) / (2 * step);
}

// The relative distance of a whole gradient, and what was there before (`old`, which gradients are added to).
static void check(const char *what, struct matrix got, const struct operand *old, definition *f,
                  void *context, double *values, double tolerance) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < got.rows * got.columns; i++) {
        double want = central_difference(f, context, &values[i]), have = get(got, i);
        if (old) have -= old->values[i];
        if (!isfinite(have)) fail_msg("%s[%zu] is not finite", what, i);
        difference += (have - want) * (have - want);
        size += want * want;
    }
    if (!(sqrt(difference) <= tolerance * sqrt(size) + 1e-6))
        fail_msg("%s: off by %.3g of %.3g", what, sqrt(difference), sqrt(size));
}

static void done(struct device *device) {
    struct error error = {0};
    assert_ok(device_check(device, &error), error);
}

static double tolerance_of(enum dtype type) {
    return type == DTYPE_BF16 ? 1e-2 : 2e-5;
}

// ---- linear

struct linear_case {
    size_t rows, out, in;
    struct operand x, w, dy;
    double *bias;
};

static double linear_definition(void *context) {
    const struct linear_case *l = context;
    double total = 0;
    for (size_t r = 0; r < l->rows; r++)
        for (size_t o = 0; o < l->out; o++) {
            double y = l->bias[o];
            for (size_t i = 0; i < l->in; i++) y += l->x.values[r * l->in + i] * l->w.values[o * l->in + i];
            total += y * l->dy.values[r * l->out + o];
        }
    return total;
}

static void check_linear(struct device *device, size_t rows, size_t out, size_t in, enum dtype type,
                         enum dtype w_type, enum dtype dx_type, bool add) {
    struct linear_case l = {rows,
                            out,
                            in,
                            operand_new(rows, in, type, 1, 1),
                            operand_new(out, in, w_type, 2, 1),
                            operand_new(rows, out, type, 3, 1),
                            calloc(out, sizeof(double))};
    struct operand dx = operand_new(rows, in, dx_type, 4, 1), dw = operand_new(out, in, DTYPE_F32, 5, 1),
                   db = operand_new(1, out, DTYPE_F32, 6, 1);
    const struct weight weight = weight_of(l.w.m);
    device_linear_backward(device, dx.m, dw.m, db.m, l.dy.m, l.x.m, &weight, add ? LINEAR_ADD : 0);
    done(device);
    double tolerance = dx_type == DTYPE_BF16 || w_type != type ? 1e-2 : 2e-5;
    check("linear dx", dx.m, add ? &dx : NULL, linear_definition, &l, l.x.values, tolerance);
    check("linear dw", dw.m, &dw, linear_definition, &l, l.w.values, 2e-5);
    check("linear dbias", db.m, &db, linear_definition, &l, l.bias, 2e-5);
    struct matrix none = {0};
    device_linear_backward(device, none, none, none, l.dy.m, l.x.m, &weight, 0);
    done(device);
    operand_free(&l.x), operand_free(&l.w), operand_free(&l.dy), operand_free(&dx), operand_free(&dw),
        operand_free(&db), free(l.bias);
}

static void test_linear(void **state) {
    (void)state;
    for (size_t level = 0; level < LEVELS; level++) {
        struct error error = {0};
        struct device *device = device_open_cpu(2, levels[level], &error);
        if (!device) continue;
        static const size_t shapes[][3] = {{1, 1, 1}, {3, 7, 5}, {20, 33, 17}, {40, 16, 24}};
        for (size_t s = 0; s < 4; s++) {
            const size_t *n = shapes[s];
            check_linear(device, n[0], n[1], n[2], DTYPE_F32, DTYPE_F32, DTYPE_F32, s % 2);
            check_linear(device, n[0], n[1], n[2], DTYPE_F32, DTYPE_BF16, DTYPE_F32, true);
            if (device->fast_type != DTYPE_BF16) continue;
            check_linear(device, n[0], n[1], n[2], DTYPE_BF16, DTYPE_BF16, DTYPE_F32, true);
            check_linear(device, n[0], n[1], n[2], DTYPE_BF16, DTYPE_BF16, DTYPE_BF16, false);
            check_linear(device, n[0], n[1], n[2], DTYPE_BF16, DTYPE_F32, DTYPE_BF16, false);
        }
        device_close(device);
    }
}

// ---- LoRA

struct low_rank_case {
    size_t rows, out, in, rank;
    struct operand x, a, b, dy;
    double scale;
    double *mask; // [rows, in]: 0, or 1 / (1 - rate)
};

static double low_rank_definition(void *context) {
    const struct low_rank_case *l = context;
    double total = 0;
    for (size_t r = 0; r < l->rows; r++)
        for (size_t k = 0; k < l->rank; k++) {
            double inner = 0, outer = 0;
            for (size_t i = 0; i < l->in; i++)
                inner += l->x.values[r * l->in + i] * l->mask[r * l->in + i] * l->a.values[k * l->in + i];
            for (size_t o = 0; o < l->out; o++)
                outer += l->b.values[o * l->rank + k] * l->dy.values[r * l->out + o];
            total += l->scale * inner * outer;
        }
    return total;
}

// The mask as the forward pass draws it: an identity in the place of a and b shows it.
static void see_mask(struct device *device, struct low_rank_case *l, const struct dropout *dropout) {
    struct operand x = operand_new(l->rows, l->in, DTYPE_F32, 1, 0),
                   a = operand_new(l->in, l->in, DTYPE_F32, 1, 0),
                   y = operand_new(l->rows, l->in, DTYPE_F32, 1, 0);
    for (size_t r = 0; r < l->rows; r++)
        for (size_t i = 0; i < l->in; i++) ((float *)x.m.data)[r * x.m.stride + i] = 1;
    for (size_t i = 0; i < l->in; i++) ((float *)a.m.data)[i * a.m.stride + i] = 1;
    struct low_rank show = {.a = a.m, .b = a.m, .scale = 1, .dropout = *dropout};
    device_low_rank(device, y.m, x.m, &show);
    done(device);
    size_t kept = 0, count = l->rows * l->in;
    for (size_t i = 0; i < count; i++) {
        l->mask[i] = get(y.m, i);
        kept += l->mask[i] > 0;
        // The bits that decide, by the generator that makes one block at a time.
        uint32_t block[4];
        size_t r = i / l->in, c = i % l->in, half = c % 128 / 16, units = (l->in + 127) / 128;
        random_block(dropout->seed, dropout->stream, (r * units + c / 128) * 16 + c % 16, block);
        uint32_t drawn = block[half / 2] >> half % 2 * 16 & 0xFFFF;
        assert_true((l->mask[i] > 0) == (drawn >= (uint32_t)(dropout->rate * 65536.0f)));
        assert_true(l->mask[i] == 0 || fabs(l->mask[i] * (1 - (double)dropout->rate) - 1) < 1e-6);
    }
    double spread = sqrt((double)count * (double)dropout->rate * (1 - (double)dropout->rate));
    assert_near((double)kept, (double)count * (1 - (double)dropout->rate), 4 * spread);
    operand_free(&x), operand_free(&a), operand_free(&y);
}

// x and dy of `type`, the adapter of `own`: in F32 the results are those of F32.
static void check_low_rank(struct device *device, enum dtype type, enum dtype own, float rate) {
    enum { ROWS = 9, OUT = 22, IN = 157, RANK = 4 };
    struct low_rank_case l = {ROWS,
                              OUT,
                              IN,
                              RANK,
                              operand_new(ROWS, IN, type, 1, 1),
                              operand_new(RANK, IN, own, 2, 1),
                              operand_new(OUT, RANK, own, 3, 1),
                              operand_new(ROWS, OUT, type, 4, 1),
                              1.75,
                              calloc(ROWS * IN, sizeof(double))};
    struct low_rank adapter = {
        .a = l.a.m, .b = l.b.m, .scale = 1.75f, .dropout = {.seed = 5, .stream = 9, .rate = rate}};
    see_mask(device, &l, &adapter.dropout);
    struct operand y = operand_new(ROWS, OUT, DTYPE_F32, 8, 0), dx = operand_new(ROWS, IN, DTYPE_F32, 5, 1),
                   da = operand_new(RANK, IN, DTYPE_F32, 6, 1), db = operand_new(OUT, RANK, DTYPE_F32, 7, 1);
    device_low_rank(device, y.m, l.x.m, &adapter);
    double total = 0, size = 0;
    for (size_t i = 0; i < ROWS * OUT; i++) {
        total += get(y.m, i) * l.dy.values[i];
        size += fabs(get(y.m, i) * l.dy.values[i]);
    }
    assert_near(total, low_rank_definition(&l), tolerance_of(own) * size);
    device_low_rank_backward(device, dx.m, da.m, db.m, l.dy.m, l.x.m, &adapter);
    done(device);
    check("lora dx", dx.m, &dx, low_rank_definition, &l, l.x.values, tolerance_of(own));
    check("lora da", da.m, &da, low_rank_definition, &l, l.a.values, tolerance_of(own));
    check("lora db", db.m, &db, low_rank_definition, &l, l.b.values, tolerance_of(own));
    operand_free(&l.x), operand_free(&l.a), operand_free(&l.b), operand_free(&l.dy), operand_free(&y),
        operand_free(&dx), operand_free(&da), operand_free(&db), free(l.mask);
}

static void test_low_rank(void **state) {
    (void)state;
    for (size_t level = 0; level < LEVELS; level++) {
        struct error error = {0};
        struct device *device = device_open_cpu(2, levels[level], &error);
        if (!device) continue;
        for (int rate = 0; rate < 2; rate++) {
            check_low_rank(device, DTYPE_F32, DTYPE_F32, 0.3f * (float)rate);
            check_low_rank(device, DTYPE_BF16, DTYPE_F32, 0.3f * (float)rate);
            if (device->fast_type == DTYPE_BF16)
                check_low_rank(device, DTYPE_BF16, DTYPE_BF16, 0.3f * (float)rate);
        }
        device_close(device);
    }
}

// ---- row by row: norm, swiglu, gelu, embed

struct rows_case {
    size_t rows, columns;
    struct operand x, up, w, dy;
};

static double rms_norm_definition(void *context) {
    const struct rows_case *c = context;
    double total = 0;
    for (size_t r = 0; r < c->rows; r++) {
        const double *x = c->x.values + r * c->columns, *dy = c->dy.values + r * c->columns;
        double squares = 0, sum = 0;
        for (size_t i = 0; i < c->columns; i++) squares += x[i] * x[i];
        for (size_t i = 0; i < c->columns; i++) sum += x[i] * c->w.values[i] * dy[i];
        total += sum / sqrt(squares / (double)c->columns + 1e-6);
    }
    return total;
}

static double swiglu_definition(void *context) {
    const struct rows_case *c = context;
    double total = 0;
    for (size_t i = 0; i < c->rows * c->columns; i++)
        total += c->x.values[i] / (1 + exp(-c->x.values[i])) * c->up.values[i] * c->dy.values[i];
    return total;
}

static double gelu_definition(void *context) {
    const struct rows_case *c = context;
    double total = 0;
    for (size_t i = 0; i < c->rows * c->columns; i++)
        total += 0.5 * c->x.values[i] * (1 + erf(c->x.values[i] / sqrt(2))) * c->dy.values[i];
    return total;
}

static void check_rows(struct device *device, size_t rows, size_t columns, enum dtype type,
                       enum dtype x_type) {
    struct rows_case c = {rows,
                          columns,
                          operand_new(rows, columns, x_type, 1, 2),
                          operand_new(rows, columns, type, 2, 1),
                          operand_new(1, columns, DTYPE_BF16, 3, 1),
                          operand_new(rows, columns, type, 4, 1)};
    struct operand dx = operand_new(rows, columns, DTYPE_F32, 5, 1),
                   dw = operand_new(1, columns, DTYPE_F32, 6, 1);
    device_rms_norm_backward(device, dx.m, dw.m, c.dy.m, c.x.m, c.w.m, 1e-6f);
    done(device);
    check("rms_norm dx", dx.m, &dx, rms_norm_definition, &c, c.x.values, 2e-5);
    check("rms_norm dw", dw.m, &dw, rms_norm_definition, &c, c.w.values, 2e-5);
    if (x_type == type) {
        struct operand dgate = operand_new(rows, columns, type, 7, 1),
                       dup = operand_new(rows, columns, type, 8, 1);
        device_gelu_backward(device, dgate.m, c.dy.m, c.x.m);
        check("gelu dx", dgate.m, NULL, gelu_definition, &c, c.x.values, tolerance_of(type));
        device_swiglu_backward(device, dgate.m, dup.m, c.dy.m, c.x.m, c.up.m);
        check("swiglu dgate", dgate.m, NULL, swiglu_definition, &c, c.x.values, tolerance_of(type));
        check("swiglu dup", dup.m, NULL, swiglu_definition, &c, c.up.values, tolerance_of(type));
        device_swiglu_backward(device, c.x.m, c.up.m, c.dy.m, c.x.m, c.up.m); // in place
        for (size_t i = 0; i < rows * columns; i++) {
            assert_true(get(c.x.m, i) == get(dgate.m, i));
            assert_true(get(c.up.m, i) == get(dup.m, i));
        }
        operand_free(&dgate), operand_free(&dup);
    }
    operand_free(&c.x), operand_free(&c.up), operand_free(&c.w), operand_free(&c.dy), operand_free(&dx),
        operand_free(&dw);
}

static void test_rows(void **state) {
    (void)state;
    for (size_t level = 0; level < LEVELS; level++)
        for (int threads = 1; threads <= 3; threads += 2) {
            struct error error = {0};
            struct device *device = device_open_cpu(threads, levels[level], &error);
            if (!device) continue;
            static const size_t shapes[][2] = {{1, 1}, {5, 33}, {70, 18}, {2, 560}};
            for (size_t s = 0; s < 4; s++) {
                check_rows(device, shapes[s][0], shapes[s][1], DTYPE_F32, DTYPE_F32);
                check_rows(device, shapes[s][0], shapes[s][1], DTYPE_BF16, DTYPE_BF16);
                check_rows(device, shapes[s][0], shapes[s][1], DTYPE_BF16, DTYPE_F32);
            }
            device_close(device);
        }
}

static void test_embed(void **state) {
    (void)state;
    struct error error = {0};
    struct device *device = device_open_cpu(3, NULL, &error);
    assert_got(device, error);
    enum { ROWS = 300, COLUMNS = 150, IDS = 7 };
    struct operand table = operand_new(IDS, COLUMNS, DTYPE_F32, 1, 1),
                   dy = operand_new(ROWS, COLUMNS, DTYPE_F32, 2, 1);
    double *want = malloc(IDS * COLUMNS * sizeof *want);
    int32_t ids[ROWS];
    memcpy(want, table.values, IDS * COLUMNS * sizeof *want);
    for (int r = 0; r < ROWS; r++) {
        ids[r] = r % (IDS + 1) - 1; // -1 among them
        for (int c = 0; c < COLUMNS && ids[r] >= 0; c++)
            want[ids[r] * COLUMNS + c] += dy.values[r * COLUMNS + c];
    }
    device_embed_backward(device, table.m, dy.m, ids);
    done(device);
    for (size_t i = 0; i < IDS * COLUMNS; i++) assert_near(get(table.m, i), want[i], 1e-4);
    ids[3] = IDS;
    device_embed_backward(device, table.m, dy.m, ids);
    assert_error(device_check(device, &error), error, ERROR_INTERNAL, "outside the table of 7");
    free(want), operand_free(&table), operand_free(&dy);
    device_close(device);
}

// ---- log-probs

struct log_probs_case {
    size_t rows, vocab, in;
    struct operand x, w;
    const float *derivatives, *by_entropy; // by_entropy NULL: of log-probs alone
    const int32_t *targets;
    double temperature;
};

static double log_probs_definition(void *context) {
    const struct log_probs_case *l = context;
    double total = 0;
    for (size_t r = 0; r < l->rows; r++) {
        double sum = 0, target = 0, weighted = 0;
        for (size_t v = 0; v < l->vocab; v++) {
            double logit = 0;
            for (size_t i = 0; i < l->in; i++)
                logit += l->x.values[r * l->in + i] * l->w.values[v * l->in + i];
            sum += exp(logit / l->temperature);
            weighted += exp(logit / l->temperature) * logit / l->temperature;
            if (v == (size_t)l->targets[r]) target = logit / l->temperature;
        }
        total += (double)l->derivatives[r] * (target - log(sum));
        if (l->by_entropy) total += (double)l->by_entropy[r] * (log(sum) - weighted / sum);
    }
    return total;
}

static void check_log_probs(struct device *device, size_t rows, size_t vocab, size_t in, enum dtype type,
                            bool entropic) {
    float derivatives[64], by_entropy[64], out[64], log_sums[64], entropies[64];
    int32_t targets[64];
    for (size_t r = 0; r < rows; r++) {
        derivatives[r] = (float)r * 0.25f - 1;
        by_entropy[r] = r % 3 == 1 ? 0 : 0.7f - (float)r * 0.125f;
        targets[r] = (int32_t)(r * 31 % vocab);
    }
    struct log_probs_case l = {rows,
                               vocab,
                               in,
                               operand_new(rows, in, type, 1, 1),
                               operand_new(vocab, in, type, 2, 1),
                               derivatives,
                               entropic ? by_entropy : NULL,
                               targets,
                               1.5};
    struct operand dx = operand_new(rows, in, DTYPE_F32, 3, 1), dw = operand_new(vocab, in, DTYPE_F32, 4, 1);
    const struct weight weight = weight_of(l.w.m);
    const struct log_prob_gradients gradients = {.by_log_prob = derivatives,
                                                 .log_sums = log_sums,
                                                 .by_entropy = l.by_entropy,
                                                 .entropies = entropic ? entropies : NULL};
    device_log_probs(device, out, log_sums, entropic ? entropies : NULL, l.x.m, &weight, targets, 1.5f);
    device_log_probs_backward(device, dx.m, dw.m, &gradients, l.x.m, &weight, targets, 1.5f);
    done(device);
    double sum = 0; // what was computed forward is what the definition says
    for (size_t r = 0; r < rows; r++)
        sum += (double)derivatives[r] * (double)out[r] +
               (entropic ? (double)by_entropy[r] * (double)entropies[r] : 0);
    assert_near(sum, log_probs_definition(&l), type == DTYPE_F32 ? 1e-4 : 0.5);
    check("log_probs dx", dx.m, NULL, log_probs_definition, &l, l.x.values, tolerance_of(type));
    if (vocab < 1000)
        check("log_probs dw", dw.m, &dw, log_probs_definition, &l, l.w.values, tolerance_of(type));
    operand_free(&l.x), operand_free(&l.w), operand_free(&dx), operand_free(&dw);
}

static void test_log_probs(void **state) {
    (void)state;
    for (size_t level = 0; level < LEVELS; level++) {
        struct error error = {0};
        struct device *device = device_open_cpu(2, levels[level], &error);
        if (!device) continue;
        for (int entropic = 0; entropic < 2; entropic++) {
            check_log_probs(device, 1, 2, 3, DTYPE_F32, entropic);
            check_log_probs(device, 40, 50, 9, DTYPE_F32, entropic);
            check_log_probs(device, 3, 4500, 4, DTYPE_F32, entropic); // two chunks of the vocabulary
            if (device->fast_type == DTYPE_BF16) check_log_probs(device, 40, 50, 9, DTYPE_BF16, entropic);
        }
        device_close(device);
    }
}

// ---- attention

struct attention_case {
    size_t heads, kv_heads, head_dim, prefix, segments, queries, own;
    bool causal;
    size_t prefixes; // distinct prefixes the segments are dealt out over
};

struct attention_data {
    const struct attention_case *c;
    struct operand q, k, v, dy; // prefixes first, then each segment's own rows
};

static double attention_definition(void *context) {
    const struct attention_data *data = context;
    const struct attention_case *c = data->c;
    size_t width = c->heads * c->head_dim, kv_width = c->kv_heads * c->head_dim;
    double total = 0;
    for (size_t s = 0; s < c->segments; s++)
        for (size_t q = 0; q < c->queries; q++)
            for (size_t h = 0; h < c->heads; h++) {
                size_t kv = h / (c->heads / c->kv_heads), row = s * c->queries + q;
                size_t own = c->own - (c->causal ? c->queries - 1 - q : 0);
                size_t prefix = c->prefixes ? s % c->prefixes * c->prefix : 0;
                size_t first_own = (c->prefixes ? c->prefixes : 1) * c->prefix + s * c->own;
                const double *query = data->q.values + row * width + h * c->head_dim,
                             *dy = data->dy.values + row * width + h * c->head_dim;
                double sum = 0, change = 0;
                for (size_t i = 0; i < c->prefix + own; i++) {
                    size_t key = i < c->prefix ? prefix + i : first_own + i - c->prefix;
                    const double *k = data->k.values + key * kv_width + kv * c->head_dim,
                                 *v = data->v.values + key * kv_width + kv * c->head_dim;
                    double dot = 0, value = 0;
                    for (size_t d = 0; d < c->head_dim; d++) dot += query[d] * k[d], value += v[d] * dy[d];
                    double weight = exp(dot / sqrt((double)c->head_dim));
                    sum += weight;
                    change += weight * value;
                }
                total += change / sum;
            }
    return total;
}

static void check_attention(struct device *device, const struct attention_case *c, enum dtype type) {
    size_t rows = c->segments * c->queries, width = c->heads * c->head_dim,
           kv_width = c->kv_heads * c->head_dim, shared = (c->prefixes ? c->prefixes : 1) * c->prefix,
           keys = shared + c->segments * c->own;
    struct attention_data data = {
        c, operand_new(rows, width, type, 1, 1), operand_new(keys, kv_width, type, 2, 1),
        operand_new(keys, kv_width, type, 3, 1), operand_new(rows, width, type, 4, 1)};
    struct operand out = operand_new(rows, width, type, 5, 1), dq = operand_new(rows, width, type, 6, 1),
                   dk = operand_new(keys, kv_width, DTYPE_F32, 7, 1),
                   dv = operand_new(keys, kv_width, DTYPE_F32, 8, 1);
    struct attention_segment *segments = calloc(c->segments, sizeof *segments);
    size_t stride = data.k.m.stride;
    for (size_t s = 0; s < c->segments; s++) {
        size_t first = c->prefixes ? s % c->prefixes * c->prefix : 0, own = shared + s * c->own;
        segments[s] = (struct attention_segment){
            .first_query = s * c->queries,
            .queries = c->queries,
            .prefix = {matrix_rows(data.k.m, first, c->prefix).data,
                       matrix_rows(data.v.m, first, c->prefix).data, c->prefix, stride},
            .own = {matrix_rows(data.k.m, own, c->own).data, matrix_rows(data.v.m, own, c->own).data, c->own,
                    stride},
            .causal = c->causal};
    }
    struct attention a = {.out = out.m,
                          .queries = data.q.m,
                          .span_type = type,
                          .heads = c->heads,
                          .kv_heads = c->kv_heads,
                          .head_dim = c->head_dim,
                          .scale = 1 / sqrtf((float)c->head_dim),
                          .segments = segments,
                          .segment_count = c->segments,
                          .log_sums = calloc(rows * c->heads, sizeof(float))};
    device_attention(device, &a);
    struct attention_gradient gradient = {.forward = &a,
                                          .keys = data.k.m,
                                          .values = data.v.m,
                                          .dout = data.dy.m,
                                          .dqueries = dq.m,
                                          .dkeys = dk.m,
                                          .dvalues = dv.m};
    device_attention_backward(device, &gradient);
    done(device);
    double tolerance = type == DTYPE_BF16 ? 2e-2 : 5e-5;
    check("attention dq", dq.m, NULL, attention_definition, &data, data.q.values, tolerance);
    check("attention dk", dk.m, NULL, attention_definition, &data, data.k.values, tolerance);
    check("attention dv", dv.m, NULL, attention_definition, &data, data.v.values, tolerance);
    operand_free(&data.q), operand_free(&data.k), operand_free(&data.v), operand_free(&data.dy),
        operand_free(&out), operand_free(&dq), operand_free(&dk), operand_free(&dv), free(segments),
        free(a.log_sums);
}

static void test_attention(void **state) {
    (void)state;
    static const struct attention_case cases[] = {
        {2, 1, 4, 0, 1, 1, 1, true, 0}, {4, 2, 8, 0, 1, 9, 9, true, 0}, {2, 2, 16, 0, 3, 4, 4, false, 0},
        {4, 2, 8, 5, 3, 2, 2, true, 1}, {4, 2, 8, 6, 4, 3, 5, true, 2}, {2, 1, 8, 3, 1, 2, 6, true, 1},
    };
    for (size_t level = 0; level < LEVELS; level++) {
        struct error error = {0};
        struct device *device = device_open_cpu(2, levels[level], &error);
        if (!device) continue;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            check_attention(device, &cases[i], DTYPE_F32);
            if (device->fast_type == DTYPE_BF16) check_attention(device, &cases[i], DTYPE_BF16);
        }
        device_close(device);
    }
}

// More columns and keys than a tile has (1024 each): compared with the same work in small pieces, where each
// query is a segment of its own.
static void test_attention_tiles(void **state) {
    (void)state;
    enum { HEADS = 4, DIM = 8, QUERIES = 1100, WIDTH = HEADS * DIM };
    struct error error = {0};
    struct device *device = device_open_cpu(2, NULL, &error);
    assert_got(device, error);
    struct operand q = operand_new(QUERIES, WIDTH, DTYPE_F32, 1, 1),
                   k = operand_new(QUERIES, DIM, DTYPE_F32, 2, 1),
                   v = operand_new(QUERIES, DIM, DTYPE_F32, 3, 1),
                   dy = operand_new(QUERIES, WIDTH, DTYPE_F32, 4, 1);
    struct operand out = operand_new(QUERIES, WIDTH, DTYPE_F32, 5, 0);
    struct operand dq[2], dk[2], dv[2];
    struct attention_segment *segments = calloc(QUERIES, sizeof *segments);
    float *log_sums = calloc(QUERIES * HEADS, sizeof *log_sums);
    for (size_t way = 0; way < 2; way++) {
        size_t each = way ? QUERIES : 1, count = QUERIES / each;
        dq[way] = operand_new(QUERIES, WIDTH, DTYPE_F32, 6, 1);
        dk[way] = operand_new(QUERIES, DIM, DTYPE_F32, 7, 1);
        dv[way] = operand_new(QUERIES, DIM, DTYPE_F32, 8, 1);
        for (size_t s = 0; s < count; s++)
            segments[s] = (struct attention_segment){.first_query = s * each,
                                                     .queries = each,
                                                     .own = {k.m.data, v.m.data, (s + 1) * each, k.m.stride},
                                                     .causal = true};
        struct attention a = {out.m, q.m, DTYPE_F32, HEADS, 1, DIM, 0.35f, segments, count, log_sums};
        device_attention(device, &a);
        struct attention_gradient gradient = {&a, k.m, v.m, dy.m, dq[way].m, dk[way].m, dv[way].m};
        device_attention_backward(device, &gradient);
        done(device);
    }
    for (size_t i = 0; i < QUERIES * WIDTH; i++) assert_near(get(dq[0].m, i), get(dq[1].m, i), 2e-5);
    for (size_t i = 0; i < QUERIES * DIM; i++) {
        assert_near(get(dk[0].m, i), get(dk[1].m, i), 1e-4 * (1 + fabs(get(dk[0].m, i))));
        assert_near(get(dv[0].m, i), get(dv[1].m, i), 1e-4 * (1 + fabs(get(dv[0].m, i))));
    }
    for (size_t way = 0; way < 2; way++)
        operand_free(&dq[way]), operand_free(&dk[way]), operand_free(&dv[way]);
    operand_free(&q), operand_free(&k), operand_free(&v), operand_free(&dy), operand_free(&out),
        free(segments), free(log_sums);
    device_close(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_low_rank),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_embed),
        cmocka_unit_test(test_log_probs),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_attention_tiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
