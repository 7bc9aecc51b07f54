// Gradients of attention over segments. Scores are made again tile by tile, 1024 columns (queries of one
// head) by 1024 keys at most, and the five products of a tile are oneDNN's:
//   s = q k^T   w = softmax(s)   dw = do v^T   ds = w (dw - delta) scale   with delta = sum(do * o) per
//   column dv += w^T do   dk += ds^T q   dq += ds k
// Tiles follow one another, each on all threads, so sums need no locks and come out in a fixed order.
#include <string.h>

#include "base/memory.h"
#include "tensor/cpu/cpu_internal.h"

enum { COLUMNS = 1024, KEYS = 1024 };

struct column {
    size_t row, head; // of queries and out
    size_t seen;      // own keys that it sees
    const struct attention_segment *segment;
};

struct pass {
    struct cpu_device *cpu;
    const struct attention_gradient *g;
    const struct attention *a;
    enum dtype type;
    struct matrix queries, douts, dqueries; // [COLUMNS, head_dim] of the block
    float *scores, *dweights;               // [COLUMNS, KEYS]
    float *log_sums, *deltas;               // [COLUMNS]
    struct column *columns;                 // of all segments of the group, for one kv head
    bool *grouped;                          // segments that a group has taken already
};

static void *element(struct matrix m, size_t row, size_t column) {
    return (char *)m.data + (row * m.stride + column) * dtype_size(m.dtype);
}

// What the block's columns read: queries, output gradients, and delta = sum(dout * out).
static void load_block(const struct pass *pass, const struct column *columns, size_t count) {
    const struct attention *a = pass->a;
    size_t dim = a->head_dim, bytes = dim * dtype_size(pass->type);
#pragma omp parallel for num_threads(pass->cpu->base.threads) schedule(static)
    for (size_t c = 0; c < count; c++) {
        const struct column *column = &columns[c];
        const void *dout = element(pass->g->dout, column->row, column->head * dim);
        const void *out = element(a->out, column->row, column->head * dim);
        memcpy(element(pass->queries, c, 0), element(a->queries, column->row, column->head * dim), bytes);
        memcpy(element(pass->douts, c, 0), dout, bytes);
        pass->log_sums[c] = a->log_sums[column->row * a->heads + column->head];
        double delta = 0;
        for (size_t first = 0; first < dim; first += 128) {
            float x[128], y[128];
            size_t n = dim - first < 128 ? dim - first : 128, offset = first * dtype_size(pass->type);
            pass->cpu->kernels->to_f32(x, (const char *)dout + offset, pass->type, n);
            pass->cpu->kernels->to_f32(y, (const char *)out + offset, pass->type, n);
            for (size_t d = 0; d < n; d++) delta += (double)(x[d] * y[d]);
        }
        pass->deltas[c] = (float)delta;
        memset(element(pass->dqueries, c, 0), 0, dim * sizeof(float));
    }
}

static void store_block(const struct pass *pass, const struct column *columns, size_t count) {
    size_t dim = pass->a->head_dim;
#pragma omp parallel for num_threads(pass->cpu->base.threads) schedule(static)
    for (size_t c = 0; c < count; c++)
        pass->cpu->kernels->from_f32(element(pass->g->dqueries, columns[c].row, columns[c].head * dim),
                                     pass->g->dqueries.dtype, element(pass->dqueries, c, 0), dim);
}

// `count` columns of the block from `first` on, by `keys` keys of the matrices from row `key` on; seen[c] of
// them are seen by column c, or all where `own` is false.
static void run_tile(const struct pass *pass, const struct column *columns, size_t first, size_t count,
                     size_t kv_head, size_t key, size_t keys, size_t offset, bool own) {
    struct cpu_device *cpu = pass->cpu;
    size_t dim = pass->a->head_dim;
    struct matrix q = matrix_rows(pass->queries, first, count), d = matrix_rows(pass->douts, first, count),
                  dq = matrix_rows(pass->dqueries, first, count);
    struct matrix k = matrix_columns(matrix_rows(pass->g->keys, key, keys), kv_head * dim, dim);
    struct matrix v = matrix_columns(matrix_rows(pass->g->values, key, keys), kv_head * dim, dim);
    struct matrix dk = matrix_columns(matrix_rows(pass->g->dkeys, key, keys), kv_head * dim, dim);
    struct matrix dv = matrix_columns(matrix_rows(pass->g->dvalues, key, keys), kv_head * dim, dim);
    struct matrix scores = matrix_of(pass->scores, DTYPE_F32, count, keys), weights = scores;
    struct matrix dweights = matrix_of(pass->dweights, DTYPE_F32, count, keys), dscores = dweights;
    if (pass->type != DTYPE_F32) { // over the F32 rows: half as long, the same distance
        weights.dtype = dscores.dtype = pass->type;
        weights.stride = dscores.stride = 2 * keys;
    }
    cpu_multiply(cpu, scores, q, false, k, true, false);
    cpu_multiply(cpu, dweights, d, false, v, true, false);
    if (cpu->base.error.code) return;
#pragma omp parallel for num_threads(cpu->base.threads) schedule(static)
    for (size_t c = 0; c < count; c++) {
        size_t seen = keys;
        if (own) seen = columns[c].seen < offset ? 0 : columns[c].seen - offset;
        cpu->kernels->attention_backward(element(weights, c, 0), element(dscores, c, 0), pass->type,
                                         element(scores, c, 0), element(dweights, c, 0),
                                         seen < keys ? seen : keys, keys, pass->a->scale,
                                         pass->log_sums[first + c], pass->deltas[first + c]);
    }
    cpu_multiply(cpu, dv, weights, true, d, false, true);
    cpu_multiply(cpu, dk, dscores, true, q, false, true);
    cpu_multiply(cpu, dq, dscores, false, k, false, true);
}

// Row of the key matrix where a span begins.
static size_t span_row(const struct pass *pass, const struct attention_span *span) {
    const struct matrix *keys = &pass->g->keys;
    size_t bytes = (size_t)((const char *)span->keys - (const char *)keys->data);
    return bytes / (keys->stride * dtype_size(keys->dtype));
}

static void visit_span(const struct pass *pass, const struct column *columns, size_t first, size_t count,
                       size_t kv_head, const struct attention_span *span, bool own) {
    size_t rows = span->rows, row = span_row(pass, span);
    if (own && columns[count - 1].seen < rows) rows = columns[count - 1].seen; // the last sees the most
    for (size_t key = 0; key < rows; key += KEYS)
        run_tile(pass, columns, first, count, kv_head, row + key, rows - key < KEYS ? rows - key : KEYS, key,
                 own);
}

static void run_block(const struct pass *pass, const struct column *columns, size_t count, size_t kv_head) {
    load_block(pass, columns, count);
    if (columns->segment->prefix.rows)
        visit_span(pass, columns, 0, count, kv_head, &columns->segment->prefix, false);
    for (size_t first = 0, n; first < count; first += n) {
        for (n = 1; first + n < count && columns[first + n].segment == columns[first].segment;) n++;
        visit_span(pass, columns + first, first, n, kv_head, &columns[first].segment->own, true);
    }
    store_block(pass, columns, count);
}

// The columns of a segment for one kv head, query by query.
static size_t add_columns(const struct pass *pass, size_t at, const struct attention_segment *segment,
                          size_t kv_head) {
    size_t share = pass->a->heads / pass->a->kv_heads;
    for (size_t i = 0; i < segment->queries * share; i++) {
        size_t query = i / share, later = segment->causal ? segment->queries - 1 - query : 0;
        pass->columns[at++] = (struct column){.row = segment->first_query + query,
                                              .head = kv_head * share + i % share,
                                              .seen = segment->own.rows - later,
                                              .segment = segment};
    }
    return at;
}

// Segment `first` and all later ones that share its prefix.
static void run_group(const struct pass *pass, size_t first) {
    const struct attention_segment *segments = pass->a->segments;
    const struct attention_span *prefix = &segments[first].prefix;
    for (size_t kv_head = 0; kv_head < pass->a->kv_heads; kv_head++) {
        size_t count = add_columns(pass, 0, &segments[first], kv_head);
        for (size_t i = first + 1; prefix->rows && i < pass->a->segment_count; i++) {
            if (segments[i].prefix.rows == 0 || segments[i].prefix.keys != prefix->keys) continue;
            count = add_columns(pass, count, &segments[i], kv_head);
            pass->grouped[i] = true;
        }
        for (size_t c = 0; c < count; c += COLUMNS)
            run_block(pass, pass->columns + c, count - c < COLUMNS ? count - c : COLUMNS, kv_head);
    }
}

static void clear(struct matrix m) {
    for (size_t r = 0; r < m.rows; r++) memset(element(m, r, 0), 0, m.columns * dtype_size(m.dtype));
}

static bool prepare(struct pass *pass) {
    struct cpu_device *cpu = pass->cpu;
    const struct attention *a = pass->a;
    struct error error = {0};
    size_t most = 0, keys = 0;
    for (size_t i = 0; i < a->segment_count; i++) {
        const struct attention_segment *s = &a->segments[i];
        most += s->queries;
        if (s->own.rows > keys) keys = s->own.rows;
        if (s->prefix.rows > keys) keys = s->prefix.rows;
    }
    most *= a->heads / a->kv_heads;
    size_t block = most < COLUMNS ? most : COLUMNS;
    if (keys > KEYS) keys = KEYS;
    pass->queries = cpu_temporary(cpu, pass->type, block, a->head_dim);
    pass->douts = cpu_temporary(cpu, pass->type, block, a->head_dim);
    pass->dqueries = cpu_temporary(cpu, DTYPE_F32, block, a->head_dim);
    pass->scores = cpu_temporary(cpu, DTYPE_F32, block, keys).data;
    pass->dweights = cpu_temporary(cpu, DTYPE_F32, block, keys).data;
    pass->log_sums = cpu_temporary(cpu, DTYPE_F32, 2, block).data;
    if (cpu->base.error.code) return false;
    pass->deltas = pass->log_sums + block;
    pass->columns = arena_get(cpu->backward, most, sizeof *pass->columns, &error);
    pass->grouped = arena_get(cpu->backward, a->segment_count, sizeof *pass->grouped, &error);
    if (error.code) device_fail(&cpu->base, error.code, "attention_backward: %s", error.message);
    return !error.code;
}

void cpu_attention_backward(struct device *device, const struct attention_gradient *gradient) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    const struct attention *a = gradient->forward;
    struct pass pass = {.cpu = cpu, .g = gradient, .a = a, .type = a->queries.dtype};
    clear(gradient->dkeys);
    clear(gradient->dvalues);
    size_t mark = arena_mark(cpu->backward);
    if (a->segment_count && prepare(&pass)) {
        memset(pass.grouped, 0, a->segment_count * sizeof *pass.grouped);
        for (size_t i = 0; i < a->segment_count && !device->error.code; i++)
            if (!pass.grouped[i] && a->segments[i].queries) run_group(&pass, i);
    }
    arena_rewind(cpu->backward, mark);
}
