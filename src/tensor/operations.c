// The front of the device table: every operation asks here whether the device has failed and whether its
// operands fit, so that no device has to, and runs between the device's begin and end.
#include "tensor/device_internal.h"
#include "tensor/measure.h"

// Runs a statement between begin and end, unless the device has failed or `idle` says that there is nothing
// to do.
#define AROUND(device, idle, statement)                                       \
    do {                                                                      \
        if ((device)->error.code || (idle)) break;                            \
        if ((device)->operations->begin) (device)->operations->begin(device); \
        statement;                                                            \
        if ((device)->operations->end) (device)->operations->end(device);     \
    } while (0)
#define RUN(device, idle, call) AROUND(device, idle, (device)->operations->call)
#define RUN_FOR(device, idle, result, call) AROUND(device, idle, (result) = (device)->operations->call)

// ---- what fits

static bool is_empty(struct matrix m) {
    return m.rows == 0 || m.columns == 0;
}

// There is memory behind it. Empty matrices always pass.
static bool is_there(struct matrix m) {
    return is_empty(m) || (m.data && (m.stride >= m.columns || m.rows == 1));
}

static bool is_shape(struct matrix m, size_t rows, size_t columns) {
    return m.rows == rows && m.columns == columns && is_there(m);
}

static bool same_shape(struct matrix a, struct matrix b) {
    return is_shape(a, b.rows, b.columns) && is_there(b);
}

static bool is_computed(enum dtype type) {
    return type == DTYPE_F32 || type == DTYPE_BF16;
}

static bool is_stored(enum dtype type) {
    return is_computed(type) || type == DTYPE_F16;
}

// F32 of this shape, or not wanted.
static bool is_gradient(struct matrix m, size_t rows, size_t columns) {
    return !m.data || (m.dtype == DTYPE_F32 && is_shape(m, rows, columns));
}

static bool is_vector(struct matrix m, size_t count) {
    return m.rows * m.columns == count && (m.rows <= 1 || m.columns == 1) && is_there(m) &&
           (m.rows <= 1 || m.stride == 1);
}

static bool is_plain(const struct weight *w) {
    return w->format == WEIGHT_PLAIN && is_stored(w->values.dtype) && is_there(w->values);
}

// false, and the device fails, unless `fits`.
static bool demand(struct device *device, bool fits, const char *operation, struct matrix a,
                   struct matrix b) {
    if (!fits)
        device_fail(device, ERROR_INTERNAL, "%s: operands do not fit: %s [%zu, %zu] and %s [%zu, %zu]",
                    operation, dtype_name(a.dtype), a.rows, a.columns, dtype_name(b.dtype), b.rows,
                    b.columns);
    return fits;
}

static bool check_ids(struct device *device, const int32_t *ids, size_t count, size_t limit, bool negative,
                      const char *operation, const char *what) {
    for (size_t i = 0; i < count; i++) {
        if (ids[i] < 0 ? negative : (size_t)ids[i] < limit) continue;
        device_fail(device, ERROR_INTERNAL, "%s %d is outside the %s of %zu", operation, ids[i], what, limit);
        return false;
    }
    return true;
}

static bool check_index(struct device *device, const size_t *index, size_t count, size_t limit,
                        const char *operation) {
    for (size_t i = 0; i < count; i++) {
        if (index[i] < limit) continue;
        device_fail(device, ERROR_INTERNAL, "%s: row %zu is outside a matrix of %zu", operation, index[i],
                    limit);
        return false;
    }
    return true;
}

// ---- memory

void device_upload(struct device *device, struct matrix to, const void *from) {
    if (device->error.code || !demand(device, is_there(to), "upload", to, to)) return;
    RUN(device, is_empty(to), upload(device, to, from));
}

void device_download(struct device *device, void *to, struct matrix from) {
    if (device->error.code || !demand(device, is_there(from), "download", from, from)) return;
    RUN(device, is_empty(from), download(device, to, from));
}

void device_copy_all(struct device *device, const struct device_copy *copies, size_t count) {
    if (device->error.code) return;
    for (size_t i = 0; i < count; i++)
        if (!demand(device,
                    copies[i].to.dtype == copies[i].from.dtype && same_shape(copies[i].to, copies[i].from),
                    "copy", copies[i].to, copies[i].from))
            return;
    RUN(device, count == 0, copy_all(device, copies, count));
}

void device_copy(struct device *device, struct matrix to, struct matrix from) {
    const struct device_copy copy = {to, from};
    device_copy_all(device, &copy, 1);
}

void device_clear(struct device *device, struct matrix matrix) {
    if (device->error.code || !demand(device, is_there(matrix), "clear", matrix, matrix)) return;
    RUN(device, is_empty(matrix), clear(device, matrix));
}

void device_finish(struct device *device) {
    RUN(device, !device->operations->finish, finish(device));
}

// ---- forward

void device_linear(struct device *device, struct matrix y, struct matrix x, const struct weight *w,
                   struct matrix bias, unsigned flags) {
    if (device->error.code) return;
    const struct matrix v = w->values;
    bool fits = x.columns == v.columns && is_shape(y, x.rows, v.rows) && is_there(x) && is_plain(w) &&
                is_computed(x.dtype) && (y.dtype == DTYPE_F32 || y.dtype == x.dtype) &&
                (!bias.data || (is_stored(bias.dtype) && is_vector(bias, v.rows))) && flags <= LINEAR_ADD;
    if (!fits) {
        device_fail(device, ERROR_INTERNAL, "linear: %s [%zu, %zu] = %s [%zu, %zu] by %s [%zu, %zu]",
                    dtype_name(y.dtype), y.rows, y.columns, dtype_name(x.dtype), x.rows, x.columns,
                    dtype_name(v.dtype), v.rows, v.columns);
        return;
    }
    RUN(device, is_empty(y), linear(device, y, x, w, bias, flags));
}

void device_rms_norm(struct device *device, struct matrix y, struct matrix x, struct matrix weight,
                     float eps) {
    if (device->error.code) return;
    bool fits = same_shape(y, x) && is_vector(weight, x.columns) && is_computed(y.dtype) &&
                is_computed(x.dtype) && is_stored(weight.dtype);
    if (demand(device, fits, "rms_norm", y, x)) RUN(device, is_empty(y), rms_norm(device, y, x, weight, eps));
}

void device_rotary(struct device *device, struct matrix cosine, struct matrix sine,
                   const struct rotary *rotary) {
    if (device->error.code) return;
    bool fits = same_shape(cosine, sine) && cosine.dtype == DTYPE_F32 && sine.dtype == DTYPE_F32 &&
                rotary->position_stride >= cosine.rows;
    if (demand(device, fits, "rotary", cosine, sine))
        RUN(device, is_empty(cosine), rotary(device, cosine, sine, rotary));
}

void device_rope(struct device *device, struct matrix x, size_t head_dim, struct matrix cosine,
                 struct matrix sine, bool inverse) {
    if (device->error.code) return;
    bool fits = is_there(x) && is_computed(x.dtype) && head_dim && head_dim % 2 == 0 &&
                x.columns % head_dim == 0 && cosine.dtype == DTYPE_F32 && sine.dtype == DTYPE_F32 &&
                is_shape(cosine, x.rows, head_dim / 2) && is_shape(sine, x.rows, head_dim / 2);
    if (demand(device, fits, "rope", x, cosine))
        RUN(device, is_empty(x), rope(device, x, head_dim, cosine, sine, inverse));
}

static bool is_span(const struct attention_span *span, size_t width) {
    return span->rows == 0 || (span->keys && span->values && span->stride >= width);
}

static bool is_attention(const struct attention *a) {
    if (!a->heads || !a->kv_heads || a->heads % a->kv_heads || !a->head_dim ||
        !is_computed(a->queries.dtype) || a->out.dtype != a->queries.dtype || !is_computed(a->span_type) ||
        !same_shape(a->out, a->queries) || a->queries.columns != a->heads * a->head_dim)
        return false;
    for (size_t i = 0; i < a->segment_count; i++) {
        const struct attention_segment *s = &a->segments[i];
        if (s->first_query > a->queries.rows || s->queries > a->queries.rows - s->first_query ||
            !is_span(&s->own, a->kv_heads * a->head_dim) || !is_span(&s->prefix, a->kv_heads * a->head_dim) ||
            (s->causal && s->own.rows < s->queries) || s->own.rows > INT32_MAX || s->prefix.rows > INT32_MAX)
            return false;
    }
    return true;
}

void device_attention(struct device *device, const struct attention *attention) {
    if (device->error.code) return;
    if (demand(device, is_attention(attention), "attention", attention->out, attention->queries))
        RUN(device, attention->segment_count == 0 || is_empty(attention->out), attention(device, attention));
}

void device_attention_shares(struct device *device, const struct attention_shares *shares) {
    if (device->error.code) return;
    struct matrix sums = shares->sums, scores = shares->scores;
    bool fits = sums.dtype == DTYPE_F32 && scores.dtype == DTYPE_F32 && sums.rows == scores.rows &&
                is_there(sums) && is_there(scores) && shares->seen && shares->first <= shares->seen &&
                sums.columns <= shares->seen - shares->first &&
                (!sums.rows || shares->seen + sums.rows - 1 <= scores.columns);
    if (demand(device, fits, "attention_shares", sums, scores))
        RUN(device, is_empty(sums), attention_shares(device, shares));
}

void device_swiglu(struct device *device, struct matrix y, struct matrix gate, struct matrix up) {
    if (device->error.code) return;
    bool fits = same_shape(y, gate) && same_shape(y, up) && is_computed(y.dtype) && y.dtype == gate.dtype &&
                y.dtype == up.dtype;
    if (demand(device, fits, "swiglu", y, gate)) RUN(device, is_empty(y), swiglu(device, y, gate, up));
}

void device_gelu(struct device *device, struct matrix y, struct matrix x) {
    if (device->error.code) return;
    bool fits = same_shape(y, x) && is_computed(y.dtype) && y.dtype == x.dtype;
    if (demand(device, fits, "gelu", y, x)) RUN(device, is_empty(y), gelu(device, y, x));
}

static bool converts(struct matrix y, struct matrix x) {
    return y.columns == x.columns && is_there(y) && is_there(x) &&
           (y.dtype == x.dtype || (is_computed(y.dtype) && is_stored(x.dtype)));
}

void device_embed(struct device *device, struct matrix y, struct matrix table, const int32_t *ids) {
    if (device->error.code || !demand(device, converts(y, table), "embed", y, table) ||
        !check_ids(device, ids, y.rows, table.rows, false, "embed: token id", "vocabulary"))
        return;
    RUN(device, is_empty(y), embed(device, y, table, ids));
}

void device_gather(struct device *device, struct matrix y, struct matrix x, const size_t *index) {
    if (device->error.code ||
        !demand(device, converts(y, x) && (index || y.rows <= x.rows), "gather", y, x) ||
        (index && !check_index(device, index, y.rows, x.rows, "gather")))
        return;
    RUN(device, is_empty(y), gather(device, y, x, index));
}

void device_scatter(struct device *device, struct matrix y, struct matrix x, const size_t *index) {
    if (device->error.code || !demand(device, converts(y, x), "scatter", y, x) ||
        !check_index(device, index, x.rows, y.rows, "scatter"))
        return;
    RUN(device, is_empty(x), scatter(device, y, x, index));
}

void device_log_probs(struct device *device, float *out, float *log_sums, float *entropies, struct matrix x,
                      const struct weight *w, const int32_t *targets, float temperature) {
    if (device->error.code) return;
    bool fits = is_plain(w) && x.columns == w->values.columns && is_there(x) && is_computed(x.dtype) &&
                (out || !x.rows) && temperature > 0;
    if (demand(device, fits, "log_probs", x, w->values) &&
        check_ids(device, targets, x.rows, w->values.rows, false, "log_probs: token id", "vocabulary"))
        RUN(device, x.rows == 0, log_probs(device, out, log_sums, entropies, x, w, targets, temperature));
}

void device_log_softmax(struct device *device, float *out, struct matrix logits, const int32_t *targets,
                        const float *temperatures) {
    if (device->error.code) return;
    bool fits = logits.dtype == DTYPE_F32 && is_there(logits) && (out || !logits.rows);
    for (size_t i = 0; fits && i < logits.rows; i++) fits = temperatures[i] > 0;
    if (demand(device, fits, "log_softmax", logits, logits) &&
        check_ids(device, targets, logits.rows, logits.columns, false, "log_softmax: token id", "vocabulary"))
        RUN(device, is_empty(logits), log_softmax(device, out, logits, targets, temperatures));
}

static bool is_step_linear(const struct step_linear *linear, size_t out, size_t in) {
    const struct matrix v = linear->weight->values;
    return is_plain(linear->weight) && is_shape(v, out, in) &&
           (!linear->bias.data || (is_stored(linear->bias.dtype) && is_vector(linear->bias, out)));
}

static bool is_step_layer(const struct decode_step *step, const struct step_layer *layer) {
    size_t hidden = step->x.columns, heads = step->heads * step->head_dim,
           kv = step->kv_heads * step->head_dim, inner = layer->gate.weight->values.rows;
    return is_vector(layer->input_norm, hidden) && is_vector(layer->post_norm, hidden) &&
           is_step_linear(&layer->q, heads, hidden) && is_step_linear(&layer->k, kv, hidden) &&
           is_step_linear(&layer->v, kv, hidden) && is_step_linear(&layer->o, hidden, heads) &&
           is_step_linear(&layer->gate, inner, hidden) && is_step_linear(&layer->up, inner, hidden) &&
           is_step_linear(&layer->down, hidden, inner);
}

static bool is_step(const struct decode_step *step) {
    struct matrix x = step->x, logits = step->logits;
    size_t half = step->head_dim / 2, rows = 0;
    bool fits =
        x.dtype == DTYPE_F32 && is_there(x) && x.stride == x.columns && is_computed(step->type) &&
        step->kv_heads && step->heads % step->kv_heads == 0 && step->head_dim && step->head_dim % 2 == 0 &&
        step->cosine.dtype == DTYPE_F32 && step->sine.dtype == DTYPE_F32 &&
        is_shape(step->cosine, x.rows, half) && is_shape(step->sine, x.rows, half) &&
        (!logits.data || (logits.dtype == DTYPE_F32 && is_plain(step->head) &&
                          is_shape(logits, x.rows, step->head->values.rows) &&
                          step->head->values.columns == x.columns && is_vector(step->final_norm, x.columns)));
    for (size_t i = 0; fits && i < step->layer_count; i++) fits = is_step_layer(step, &step->layers[i]);
    for (size_t i = 0; fits && i < x.rows; i++) {
        const struct step_sequence *s = &step->sequences[i];
        fits = s->own.data && s->own.rows < INT32_MAX && s->prefix.rows < INT32_MAX &&
               (s->prefix.data || !s->prefix.rows);
    }
    for (size_t i = 0; i < step->span_count; i++) rows += step->spans[i].rows;
    return fits && rows <= x.rows;
}

bool device_can_decode(const struct device *device) {
    return device->operations->decode && !device->composed;
}

void device_decode(struct device *device, const struct decode_step *step) {
    if (device->error.code) return;
    if (demand(device, device_can_decode(device) && is_step(step), "decode", step->x, step->logits))
        RUN(device, is_empty(step->x), decode(device, step));
}

static bool is_low_rank(const struct low_rank *adapter, struct matrix y, struct matrix x) {
    return (adapter->a.dtype == x.dtype || adapter->a.dtype == DTYPE_F32) &&
           adapter->b.dtype == adapter->a.dtype && x.rows == y.rows &&
           is_shape(adapter->a, adapter->b.columns, x.columns) &&
           is_shape(adapter->b, y.columns, adapter->a.rows) && adapter->dropout.rate >= 0 &&
           adapter->dropout.rate < 1;
}

void device_low_rank(struct device *device, struct matrix y, struct matrix x,
                     const struct low_rank *adapter) {
    if (device->error.code) return;
    bool fits = is_low_rank(adapter, y, x) && is_there(x) && is_there(y) && is_computed(x.dtype) &&
                (y.dtype == DTYPE_F32 || y.dtype == x.dtype);
    if (demand(device, fits, "low_rank", y, x)) RUN(device, is_empty(y), low_rank(device, y, x, adapter));
}

// ---- training

// Operations of training may be missing from the table.
static bool trains(struct device *device, const char *operation) {
    if (device->error.code) return false;
    if (!device_can_train(device))
        device_fail(device, ERROR_USAGE, "%s: this device cannot train", operation);
    return !device->error.code;
}

void device_linear_backward(struct device *device, struct matrix dx, struct matrix dw, struct matrix dbias,
                            struct matrix dy, struct matrix x, const struct weight *w, unsigned flags) {
    if (!trains(device, "linear_backward")) return;
    const struct matrix v = w->values;
    bool fits =
        is_plain(w) && dy.columns == v.rows && is_there(dy) && is_computed(x.dtype) &&
        (dy.dtype == DTYPE_F32 || dy.dtype == x.dtype) &&
        (!dx.data || (is_shape(dx, dy.rows, v.columns) && (dx.dtype == DTYPE_F32 || dx.dtype == x.dtype))) &&
        (!dw.data || (is_there(x) && x.rows == dy.rows)) && is_gradient(dw, v.rows, x.columns) &&
        (!dbias.data || (dbias.dtype == DTYPE_F32 && is_vector(dbias, v.rows))) && flags <= LINEAR_ADD;
    if (demand(device, fits, "linear_backward", dy, v))
        RUN(device, is_empty(dy), linear_backward(device, dx, dw, dbias, dy, x, w, flags));
}

void device_rms_norm_backward(struct device *device, struct matrix dx, struct matrix dweight,
                              struct matrix dy, struct matrix x, struct matrix weight, float eps) {
    if (!trains(device, "rms_norm_backward")) return;
    bool fits = dx.dtype == DTYPE_F32 && same_shape(dx, x) && same_shape(dy, x) && is_computed(dy.dtype) &&
                is_computed(x.dtype) && is_stored(weight.dtype) && is_vector(weight, x.columns) &&
                (!dweight.data || (dweight.dtype == DTYPE_F32 && is_vector(dweight, x.columns)));
    if (demand(device, fits, "rms_norm_backward", dx, x))
        RUN(device, is_empty(dx), rms_norm_backward(device, dx, dweight, dy, x, weight, eps));
}

// The span is whole rows of these matrices.
static bool lies_in(const struct attention_span *span, struct matrix keys, struct matrix values) {
    size_t step = keys.stride * dtype_size(keys.dtype);
    if (span->rows == 0) return true;
    uintptr_t key = (uintptr_t)span->keys - (uintptr_t)keys.data,
              value = (uintptr_t)span->values - (uintptr_t)values.data;
    return (uintptr_t)span->keys >= (uintptr_t)keys.data && key % step == 0 && value == key &&
           span->stride == keys.stride && key / step <= keys.rows && span->rows <= keys.rows - key / step;
}

static bool is_attention_gradient(const struct attention_gradient *g) {
    const struct attention *a = g->forward;
    enum dtype type = a->queries.dtype;
    size_t width = a->kv_heads * a->head_dim;
    if (!is_attention(a) || !a->log_sums || a->span_type != type || g->dout.dtype != type ||
        !same_shape(g->dout, a->out) || !same_shape(g->dqueries, a->queries) ||
        (g->dqueries.dtype != DTYPE_F32 && g->dqueries.dtype != type) || g->keys.dtype != type ||
        g->values.dtype != type || g->keys.columns != width || !same_shape(g->values, g->keys) ||
        g->values.stride != g->keys.stride || g->dkeys.dtype != DTYPE_F32 || g->dvalues.dtype != DTYPE_F32 ||
        !same_shape(g->dkeys, g->keys) || !same_shape(g->dvalues, g->keys))
        return false;
    for (size_t i = 0; i < a->segment_count; i++)
        if (!lies_in(&a->segments[i].own, g->keys, g->values) ||
            !lies_in(&a->segments[i].prefix, g->keys, g->values))
            return false;
    return true;
}

void device_attention_backward(struct device *device, const struct attention_gradient *gradient) {
    if (!trains(device, "attention_backward")) return;
    if (demand(device, is_attention_gradient(gradient), "attention_backward", gradient->dout, gradient->keys))
        RUN(device, is_empty(gradient->keys), attention_backward(device, gradient));
}

void device_swiglu_backward(struct device *device, struct matrix dgate, struct matrix dup, struct matrix dy,
                            struct matrix gate, struct matrix up) {
    if (!trains(device, "swiglu_backward")) return;
    enum dtype type = dy.dtype;
    bool fits = is_computed(type) && dgate.dtype == type && dup.dtype == type && gate.dtype == type &&
                up.dtype == type && same_shape(dgate, dy) && same_shape(dup, dy) && same_shape(gate, dy) &&
                same_shape(up, dy);
    if (demand(device, fits, "swiglu_backward", dy, gate))
        RUN(device, is_empty(dy), swiglu_backward(device, dgate, dup, dy, gate, up));
}

void device_gelu_backward(struct device *device, struct matrix dx, struct matrix dy, struct matrix x) {
    if (!trains(device, "gelu_backward")) return;
    bool fits = is_computed(dy.dtype) && dx.dtype == dy.dtype && x.dtype == dy.dtype && same_shape(dx, dy) &&
                same_shape(x, dy);
    if (demand(device, fits, "gelu_backward", dx, dy))
        RUN(device, is_empty(dy), gelu_backward(device, dx, dy, x));
}

void device_embed_backward(struct device *device, struct matrix dtable, struct matrix dy,
                           const int32_t *ids) {
    if (!trains(device, "embed_backward")) return;
    bool fits = dtable.dtype == DTYPE_F32 && dy.dtype == DTYPE_F32 && dtable.columns == dy.columns &&
                is_there(dtable) && is_there(dy);
    if (demand(device, fits, "embed_backward", dtable, dy) &&
        check_ids(device, ids, dy.rows, dtable.rows, true, "embed_backward: row", "table"))
        RUN(device, is_empty(dy), embed_backward(device, dtable, dy, ids));
}

void device_log_probs_backward(struct device *device, struct matrix dx, struct matrix dw,
                               const struct log_prob_gradients *gradients, struct matrix x,
                               const struct weight *w, const int32_t *targets, float temperature) {
    if (!trains(device, "log_probs_backward")) return;
    bool fits = is_plain(w) && x.columns == w->values.columns && is_there(x) && is_computed(x.dtype) &&
                dx.dtype == DTYPE_F32 && same_shape(dx, x) && is_gradient(dw, w->values.rows, x.columns) &&
                ((gradients->by_log_prob && gradients->log_sums) || !x.rows) &&
                !gradients->by_entropy == !gradients->entropies && temperature > 0;
    if (demand(device, fits, "log_probs_backward", x, w->values) &&
        check_ids(device, targets, x.rows, w->values.rows, false, "log_probs_backward: token id",
                  "vocabulary"))
        RUN(device, is_empty(x), log_probs_backward(device, dx, dw, gradients, x, w, targets, temperature));
}

void device_low_rank_backward(struct device *device, struct matrix dx, struct matrix da, struct matrix db,
                              struct matrix dy, struct matrix x, const struct low_rank *adapter) {
    if (!trains(device, "low_rank_backward")) return;
    bool fits = is_low_rank(adapter, dy, x) && is_there(x) && is_there(dy) && is_computed(x.dtype) &&
                (dy.dtype == DTYPE_F32 || dy.dtype == x.dtype) &&
                (!dx.data || (same_shape(dx, x) && (dx.dtype == DTYPE_F32 || dx.dtype == x.dtype))) &&
                is_gradient(da, adapter->a.rows, adapter->a.columns) &&
                is_gradient(db, adapter->b.rows, adapter->b.columns);
    if (demand(device, fits, "low_rank_backward", dy, x))
        RUN(device, is_empty(dy), low_rank_backward(device, dx, da, db, dy, x, adapter));
}

void device_adamw(struct device *device, const struct adamw_factors *factors, struct matrix value,
                  struct matrix gradient, struct matrix m, struct matrix v) {
    if (!trains(device, "adamw")) return;
    bool fits = value.dtype == DTYPE_F32 && gradient.dtype == DTYPE_F32 && m.dtype == DTYPE_F32 &&
                v.dtype == DTYPE_F32 && same_shape(gradient, value) && same_shape(m, value) &&
                same_shape(v, value);
    if (demand(device, fits, "adamw", value, gradient))
        RUN(device, is_empty(value), adamw(device, factors, value, gradient, m, v));
}

void device_square_sum(struct device *device, struct matrix sum, struct matrix values) {
    if (!trains(device, "square_sum")) return;
    bool fits =
        sum.dtype == DTYPE_F64 && is_shape(sum, 1, 1) && values.dtype == DTYPE_F32 && is_there(values);
    if (demand(device, fits, "square_sum", sum, values))
        RUN(device, is_empty(values), square_sum(device, sum, values));
}

// ---- the machine

double measure_read_bandwidth(struct device *device, struct error *error) {
    double rate = -1;
    RUN_FOR(device, false, rate, read_bandwidth(device));
    return device_check(device, error) ? -1 : rate;
}

double measure_matmul(struct device *device, size_t m, size_t n, size_t k, enum dtype type, int repeats,
                      struct error *error) {
    double seconds = -1;
    bool fits = m && n && k && is_computed(type) && repeats > 0;
    if (demand(device, fits, "measure_matmul", matrix_of(NULL, type, m, k), matrix_of(NULL, type, n, k)))
        RUN_FOR(device, false, seconds, matmul_seconds(device, m, n, k, type, repeats));
    return device_check(device, error) ? -1 : seconds;
}
