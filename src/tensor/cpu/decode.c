// A step of decoding: each thread takes a block of sequences through all layers, without waiting for the others. The
// kernels are those of kernels_rows_body.h, so that a sequence's numbers do not depend on the block it is in.
//
// Values between the operations are F32 in the thread's own scratch, rounded where the operations one by one would
// store BF16: the results are theirs to the bit when device->exact is set.
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "tensor/cpu/cpu_internal.h"

enum { COLUMNS = 48 }; // of attention that look at a shared prefix together

// One thread's rows and its scratch, row-major and contiguous.
struct block {
    const struct decode_step *step;
    const struct cpu_kernels *kernels;
    size_t first, rows;
    size_t hidden, heads, kv, inner, widest, rank;    // widths in values
    float *x;                                         // [rows, hidden] of the step
    float *normed, *q, *k, *v, *attended, *gate, *up; // [rows, ...]
    float *sums;                                      // [rows, widest]
    float *low;                                       // [rows, rank]
    float *panel, *vector;                            // converted weights; a norm or a bias
    float *columns;                                   // of attention
};

static float *row_of(struct matrix m, size_t row) {
    return (float *)m.data + row * m.stride;
}

// Rounds to the type of the computing.
static void round_values(const struct block *b, float *values, size_t count) {
    if (b->step->type == DTYPE_F32) return;
    for (size_t i = 0; i < count; i++) values[i] = bf16_to_f32(f32_to_bf16(values[i]));
}

static void norm(const struct block *b, struct matrix weight) {
    b->kernels->to_f32(b->vector, weight.data, weight.dtype, b->hidden);
    for (size_t r = 0; r < b->rows; r++)
        b->kernels->rms_norm(b->normed + r * b->hidden, DTYPE_F32, b->x + r * b->hidden, DTYPE_F32, b->vector,
                             b->hidden, b->step->eps);
    round_values(b, b->normed, b->rows * b->hidden);
}

static void multiply(const struct block *b, float *y, size_t y_stride, const float *x, size_t rows,
                     struct matrix w) {
    b->kernels->row_linear(y, y_stride, x, w.columns, rows, w.data, w.dtype, w.stride, w.rows, w.columns,
                           b->panel);
}

// y += scale (x a^T) b^T, for some rows of the block.
static void add_low_rank(const struct block *b, float *y, const float *x, size_t rows,
                         const struct low_rank *adapter) {
    size_t rank = adapter->a.rows, n = adapter->b.rows;
    multiply(b, b->low, rank, x, rows, adapter->a);
    for (size_t i = 0; i < rows * rank; i++) b->low[i] *= adapter->scale;
    if (adapter->a.dtype != DTYPE_F32) round_values(b, b->low, rows * rank);
    multiply(b, b->sums, n, b->low, rows, adapter->b);
    for (size_t i = 0; i < rows * n; i++) y[i] += b->sums[i];
}

// The additions of the spans, as far as they lie in the block.
static void add_spans(const struct block *b, const struct step_linear *linear, float *y, const float *x,
                      bool round) {
    size_t row = 0, n = linear->weight->values.rows, k = linear->weight->values.columns;
    for (size_t s = 0; s < b->step->span_count; s++) {
        const struct step_span *span = &b->step->spans[s];
        size_t from = row > b->first ? row : b->first, end = row + span->rows, last = b->first + b->rows;
        if (end > last) end = last;
        row += span->rows;
        if (!span->table || !span->table[linear->number].a.data || from >= end) continue;
        size_t at = from - b->first, rows = end - from;
        add_low_rank(b, y + at * n, x + at * k, rows, &span->table[linear->number]);
        if (round) round_values(b, y + at * n, rows * n);
    }
}

static void add_bias(const struct block *b, float *y, struct matrix bias, size_t n) {
    if (!bias.data) return;
    b->kernels->to_f32(b->vector, bias.data, bias.dtype, n);
    for (size_t r = 0; r < b->rows; r++)
        for (size_t c = 0; c < n; c++) y[r * n + c] += b->vector[c];
}

static void run_linear(const struct block *b, const struct step_linear *linear, float *y, const float *x) {
    size_t n = linear->weight->values.rows;
    multiply(b, y, n, x, b->rows, linear->weight->values);
    add_bias(b, y, linear->bias, n);
    round_values(b, y, b->rows * n);
    add_spans(b, linear, y, x, true);
}

// Into the residual stream.
static void add_linear(const struct block *b, const struct step_linear *linear, const float *x) {
    multiply(b, b->sums, b->hidden, x, b->rows, linear->weight->values);
    add_bias(b, b->sums, linear->bias, b->hidden);
    for (size_t i = 0; i < b->rows * b->hidden; i++) b->x[i] += b->sums[i];
    add_spans(b, linear, b->x, x, false);
}

static void rotate(const struct block *b, float *values, size_t width) {
    size_t dim = b->step->head_dim;
    for (size_t r = 0; r < b->rows; r++)
        b->kernels->rope(values + r * width, DTYPE_F32, row_of(b->step->cosine, b->first + r),
                         row_of(b->step->sine, b->first + r), width / dim, dim, 1);
    round_values(b, values, b->rows * width);
}

static char *plane(const struct step_cache *cache, size_t layer, size_t which) {
    return (char *)cache->data + (2 * layer + which) * cache->plane;
}

static void append(const struct block *b, size_t layer) {
    enum dtype type = b->step->type;
    for (size_t r = 0; r < b->rows; r++) {
        const struct step_cache *own = &b->step->sequences[b->first + r].own;
        size_t offset = own->rows * b->kv * dtype_size(type);
        b->kernels->from_f32(plane(own, layer, 0) + offset, type, b->k + r * b->kv, b->kv);
        b->kernels->from_f32(plane(own, layer, 1) + offset, type, b->v + r * b->kv, b->kv);
    }
}

static void visit(const struct block *b, struct row_block *columns, const struct step_cache *cache,
                  size_t layer, size_t kv_head, size_t rows) {
    const struct decode_step *step = b->step;
    size_t offset = kv_head * step->head_dim * dtype_size(step->type);
    b->kernels->row_attend(columns, plane(cache, layer, 0) + offset, plane(cache, layer, 1) + offset,
                           step->type, b->kv, rows, step->head_dim, NULL, step->scale);
}

// The columns [first, first + count) of all.
static struct row_block some_columns(const struct row_block *all, size_t first, size_t count, size_t dim) {
    struct row_block some = *all;
    some.columns = count;
    some.shared = false;
    some.queries += first * dim;
    some.values += first * dim;
    some.maximum += first;
    some.sum += first;
    return some;
}

// Query heads of one kv head, of rows [row, row + count) of the block: one, or several that share their prefix.
static void attend_rows(const struct block *b, size_t row, size_t count, size_t layer, size_t kv_head) {
    size_t share = b->step->heads / b->step->kv_heads, dim = b->step->head_dim, total = count * share;
    const struct step_sequence *sequences = &b->step->sequences[b->first + row];
    float *queries = b->columns;
    struct row_block all = {.columns = total, .queries = queries, .values = queries + total * dim};
    all.maximum = all.values + total * dim;
    all.sum = all.maximum + total;
    all.scores = all.sum + total;
    all.rows = all.scores + total * ROW_KEYS;
    for (size_t r = 0; r < count; r++)
        memcpy(queries + r * share * dim, b->q + (row + r) * b->heads + kv_head * share * dim,
               share * dim * sizeof *queries);
    memset(all.values, 0, total * dim * sizeof *all.values);
    for (size_t c = 0; c < total; c++) {
        all.maximum[c] = -INFINITY;
        all.sum[c] = 0;
    }
    all.shared = true;
    if (sequences->prefix.rows) visit(b, &all, &sequences->prefix, layer, kv_head, sequences->prefix.rows);
    for (size_t r = 0; r < count; r++) {
        struct row_block one = some_columns(&all, r * share, share, dim);
        visit(b, &one, &sequences[r].own, layer, kv_head, sequences[r].own.rows + 1);
        float *out = b->attended + (row + r) * b->heads + kv_head * share * dim;
        for (size_t c = 0; c < share; c++) {
            float factor = one.sum[c] > 0 ? 1.0f / one.sum[c] : 0;
            for (size_t d = 0; d < dim; d++) out[c * dim + d] = one.values[c * dim + d] * factor;
        }
    }
}

static size_t columns_rows(const struct decode_step *step) {
    size_t share = step->heads / step->kv_heads;
    return share < COLUMNS ? COLUMNS / share : 1;
}

static void attend(const struct block *b, size_t layer) {
    const struct step_sequence *sequences = &b->step->sequences[b->first];
    for (size_t row = 0, count; row < b->rows; row += count) {
        const struct step_cache *prefix = &sequences[row].prefix;
        count = 1;
        while (row + count < b->rows && count < columns_rows(b->step) && prefix->rows &&
               sequences[row + count].prefix.data == prefix->data &&
               sequences[row + count].prefix.rows == prefix->rows)
            count++;
        for (size_t head = 0; head < b->step->kv_heads; head++) attend_rows(b, row, count, layer, head);
    }
    round_values(b, b->attended, b->rows * b->heads);
}

static void run_layer(const struct block *b, size_t index) {
    const struct step_layer *layer = &b->step->layers[index];
    norm(b, layer->input_norm);
    run_linear(b, &layer->q, b->q, b->normed);
    run_linear(b, &layer->k, b->k, b->normed);
    run_linear(b, &layer->v, b->v, b->normed);
    rotate(b, b->q, b->heads);
    rotate(b, b->k, b->kv);
    append(b, index);
    attend(b, index);
    add_linear(b, &layer->o, b->attended);
    norm(b, layer->post_norm);
    run_linear(b, &layer->gate, b->gate, b->normed);
    run_linear(b, &layer->up, b->up, b->normed);
    for (size_t r = 0; r < b->rows; r++)
        b->kernels->swiglu(b->gate + r * b->inner, b->gate + r * b->inner, b->up + r * b->inner, DTYPE_F32,
                           b->inner);
    round_values(b, b->gate, b->rows * b->inner);
    add_linear(b, &layer->down, b->gate);
}

static void run_block(const struct block *b) {
    for (size_t i = 0; i < b->step->layer_count; i++) run_layer(b, i);
    if (!b->step->logits.data) return;
    norm(b, b->step->final_norm);
    multiply(b, row_of(b->step->logits, b->first), b->step->logits.stride, b->normed, b->rows,
             b->step->head->values);
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

// Memory that is handed out piece by piece; from NULL it is only counted.
struct room {
    float *data;
    size_t used;
};

static float *take(struct room *room, size_t count) {
    float *taken = room->data ? room->data + room->used : NULL;
    room->used += (count + 15) / 16 * 16;
    return taken;
}

static void lay_out(struct block *b, size_t rows, struct room *room) {
    const struct decode_step *step = b->step;
    size_t columns = columns_rows(step) * (step->heads / step->kv_heads);
    b->normed = take(room, rows * b->hidden);
    b->q = take(room, rows * b->heads);
    b->k = take(room, rows * b->kv);
    b->v = take(room, rows * b->kv);
    b->attended = take(room, rows * b->heads);
    b->gate = take(room, rows * b->inner);
    b->up = take(room, rows * b->inner);
    b->sums = take(room, rows * b->widest);
    b->low = take(room, rows * b->rank);
    b->panel = take(room, ROW_PANEL + 4 * larger(b->widest, b->rank));
    b->vector = take(room, b->widest);
    b->columns = take(room, columns * (2 * step->head_dim + 2 + ROW_KEYS) + 2 * ROW_KEYS * step->head_dim);
}

static struct block measure(const struct decode_step *step, const struct cpu_kernels *kernels) {
    struct block b = {.step = step,
                      .kernels = kernels,
                      .hidden = step->x.columns,
                      .heads = step->heads * step->head_dim,
                      .kv = step->kv_heads * step->head_dim,
                      .inner = step->layer_count ? step->layers[0].gate.weight->values.rows : 0};
    b.widest = larger(larger(b.hidden, b.heads), larger(b.kv, b.inner));
    return b;
}

static size_t largest_rank(const struct decode_step *step) {
    size_t rank = 0;
    for (size_t s = 0; s < step->span_count; s++)
        for (size_t l = 0; step->spans[s].table && l < step->layer_count; l++) {
            const struct step_layer *layer = &step->layers[l];
            const struct step_linear *all[] = {&layer->q,    &layer->k,  &layer->v,   &layer->o,
                                               &layer->gate, &layer->up, &layer->down};
            for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
                const struct low_rank *adapter = &step->spans[s].table[all[i]->number];
                if (adapter->a.data) rank = larger(rank, adapter->a.rows);
            }
        }
    return rank;
}

void cpu_decode(struct device *device, const struct decode_step *step) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    size_t rows = step->x.rows, threads = (size_t)device->threads;
    size_t most = (rows + threads - 1) / threads;
    struct block shape = measure(step, cpu->kernels);
    shape.rank = largest_rank(step);
    struct room counted = {0};
    lay_out(&shape, most, &counted);
    for (int t = 0; t < device->threads; t++)
        if (!cpu_scratch(cpu, t, counted.used)) return;
#pragma omp parallel for num_threads(device->threads) schedule(static, 1) if (rows > 1)
    for (size_t t = 0; t < threads; t++) {
        struct block b = shape;
        struct room room = {.data = cpu->scratch[t]};
        lay_out(&b, most, &room);
        b.first = t * most;
        if (b.first >= rows) continue;
        b.rows = rows - b.first < most ? rows - b.first : most;
        b.x = row_of(step->x, b.first);
        run_block(&b);
    }
}
