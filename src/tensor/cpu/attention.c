// Attention over segments, tiled: scores exist for one block of 32 columns by 128 keys at a time. A column is
// one query of one head. Segments that share a prefix form a group; a block of a group's columns goes over
// the prefix together, then each segment's columns over that segment's own keys.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tensor/cpu/cpu_internal.h"

struct column {
    uint32_t segment;
    uint32_t row; // of queries and out
    uint32_t head;
    int32_t limit; // own keys that it sees
};

// Keys and values of one span and one kv head as the kernel wants them; with AMX packed copies.
struct prepared_span {
    const struct attention_span *span;
    uint16_t *keys, *values;       // AMX: for all kv heads, one after the other
    size_t head_keys, head_values; // values per kv head
};

struct group {
    size_t first_segment, segment_count; // in the sorted order
    size_t queries;
    size_t prefix; // index of its prefix among the prepared spans, or SIZE_MAX
};

struct plan {
    const struct attention *a;
    struct cpu_device *cpu;
    const struct attention_segment **order; // segments, those of one prefix together
    struct prepared_span *spans;
    size_t span_count;
    size_t *own; // span of each ordered segment
    struct group *groups;
    size_t group_count;
    bool amx;
    bool rows;           // each column alone
    size_t block_floats; // scratch of one block
};

static int by_prefix(const void *a, const void *b) {
    const struct attention_segment *x = *(const struct attention_segment *const *)a,
                                   *y = *(const struct attention_segment *const *)b;
    uintptr_t p = (uintptr_t)x->prefix.keys, q = (uintptr_t)y->prefix.keys;
    if (p != q) return p < q ? -1 : 1;
    return x->first_query < y->first_query ? -1 : x->first_query > y->first_query;
}

static size_t add_span(struct plan *plan, const struct attention_span *span) {
    plan->spans[plan->span_count] = (struct prepared_span){.span = span};
    return plan->span_count++;
}

// Segments sorted into groups; every span listed once.
static void make_groups(struct plan *plan) {
    const struct attention *a = plan->a;
    for (size_t i = 0; i < a->segment_count; i++) plan->order[i] = &a->segments[i];
    qsort(plan->order, a->segment_count, sizeof *plan->order, by_prefix);
    for (size_t i = 0; i < a->segment_count; i++) {
        const struct attention_segment *segment = plan->order[i];
        const void *prefix = segment->prefix.rows ? segment->prefix.keys : NULL;
        struct group *last = plan->group_count ? &plan->groups[plan->group_count - 1] : NULL;
        bool joins =
            last && prefix && last->prefix != SIZE_MAX && plan->spans[last->prefix].span->keys == prefix;
        if (!joins) {
            last = &plan->groups[plan->group_count++];
            *last = (struct group){.first_segment = i,
                                   .prefix = prefix ? add_span(plan, &segment->prefix) : SIZE_MAX};
        }
        last->segment_count++;
        last->queries += segment->queries;
        plan->own[i] = add_span(plan, &segment->own);
    }
}

// Tiles pay when a block has columns to fill them and the spans are worth packing.
static bool worth_tiles(const struct plan *plan) {
    const struct attention *a = plan->a;
    if (!plan->cpu->amx || a->span_type != DTYPE_BF16 || a->queries.dtype != DTYPE_BF16 || a->head_dim % 2)
        return false;
    size_t columns = 0; // on average: one small window among many changes nothing
    for (size_t g = 0; g < plan->group_count; g++)
        columns += plan->groups[g].queries * (a->heads / a->kv_heads);
    return columns >= 16 * plan->group_count;
}

// Single queries: few columns see the same keys.
static bool decodes(const struct attention *a) {
    for (size_t i = 0; i < a->segment_count; i++)
        if (a->segments[i].queries > 1) return false;
    return true;
}

static int pack_spans(struct plan *plan, struct arena *arena, struct error *error) {
    const struct attention *a = plan->a;
    for (size_t s = 0; s < plan->span_count; s++) {
        struct prepared_span *p = &plan->spans[s];
        size_t rows = cpu_amx_padded_rows(p->span->rows);
        p->head_keys = rows * cpu_amx_padded_dim(a->head_dim);
        p->head_values = rows * cpu_amx_padded_value_dim(a->head_dim);
        p->keys = arena_get(arena, p->head_keys * a->kv_heads, sizeof *p->keys, error);
        p->values = arena_get(arena, p->head_values * a->kv_heads, sizeof *p->values, error);
        if (!p->keys || !p->values) return -1;
    }
#pragma omp parallel for num_threads(plan->cpu->base.threads) schedule(dynamic, 4) collapse(2)
    for (size_t s = 0; s < plan->span_count; s++)
        for (size_t head = 0; head < a->kv_heads; head++) {
            struct prepared_span *p = &plan->spans[s];
            const struct attention_span *span = p->span;
            if (!span->rows) continue;
            cpu_amx_pack_keys(p->keys + head * p->head_keys,
                              (const uint16_t *)span->keys + head * a->head_dim, span->rows, span->stride,
                              a->head_dim);
            cpu_amx_pack_values(p->values + head * p->head_values,
                                (const uint16_t *)span->values + head * a->head_dim, span->rows, span->stride,
                                a->head_dim);
        }
    return 0;
}

// The columns [first, first + count) of a group for one kv head, query by query, heads of the group
// innermost.
static size_t fill_columns(const struct plan *plan, const struct group *group, size_t kv_head, size_t first,
                           struct column columns[ATTENTION_COLUMNS]) {
    const struct attention *a = plan->a;
    size_t share = a->heads / a->kv_heads, passed = 0, count = 0;
    for (size_t i = 0; i < group->segment_count && count < ATTENTION_COLUMNS; i++) {
        const struct attention_segment *segment = plan->order[group->first_segment + i];
        size_t total = segment->queries * share;
        for (size_t c = first + count > passed ? first + count - passed : 0;
             c < total && count < ATTENTION_COLUMNS; c++) {
            size_t query = c / share;
            size_t seen = segment->own.rows - (segment->causal ? segment->queries - 1 - query : 0);
            columns[count++] = (struct column){.segment = (uint32_t)(group->first_segment + i),
                                               .row = (uint32_t)(segment->first_query + query),
                                               .head = (uint32_t)(kv_head * share + c % share),
                                               .limit = (int32_t)seen};
        }
        passed += total;
    }
    return count;
}

static const void *head_of(const struct matrix *m, const struct column *column, size_t head_dim) {
    return (const char *)m->data + (column->row * m->stride + column->head * head_dim) * dtype_size(m->dtype);
}

static void load_queries(const struct plan *plan, struct attention_block *block, const struct column *columns,
                         size_t count) {
    const struct attention *a = plan->a;
    if (plan->amx) {
        const uint16_t *rows[ATTENTION_COLUMNS];
        for (size_t c = 0; c < count; c++) rows[c] = head_of(&a->queries, &columns[c], a->head_dim);
        cpu_amx_pack_queries(block->queries, rows, count, a->head_dim);
        return;
    }
    float *queries = block->queries, *row = block->scores;
    memset(queries, 0, a->head_dim * ATTENTION_COLUMNS * sizeof *queries);
    for (size_t c = 0; c < count; c++) {
        plan->cpu->kernels->to_f32(row, head_of(&a->queries, &columns[c], a->head_dim), a->queries.dtype,
                                   a->head_dim);
        for (size_t d = 0; d < a->head_dim; d++) queries[d * ATTENTION_COLUMNS + c] = row[d];
    }
}

static void visit_span(const struct plan *plan, struct attention_block *block, size_t count,
                       size_t span_index, size_t kv_head, const int32_t *limits) {
    const struct attention *a = plan->a;
    const struct prepared_span *p = &plan->spans[span_index];
    const struct attention_span *span = p->span;
    if (!span->rows) return;
    if (plan->amx) {
        cpu_amx_attend(block, count, p->keys + kv_head * p->head_keys, p->values + kv_head * p->head_values,
                       span->rows, a->head_dim, limits, a->scale);
    } else {
        size_t offset = kv_head * a->head_dim * dtype_size(a->span_type);
        plan->cpu->kernels->attend(block, count, (const char *)span->keys + offset,
                                   (const char *)span->values + offset, a->span_type, span->stride,
                                   span->rows, a->head_dim, limits, a->scale);
    }
}

static void store_columns(const struct plan *plan, const struct attention_block *block,
                          const struct column *columns, size_t count) {
    const struct attention *a = plan->a;
    for (size_t c = 0; a->log_sums && c < count; c++) // for the backward pass
        a->log_sums[columns[c].row * a->heads + columns[c].head] = block->maximum[c] + log2f(block->sum[c]);
    if (plan->amx && a->out.dtype == DTYPE_BF16) {
        uint16_t *out[ATTENTION_COLUMNS];
        float factors[ATTENTION_COLUMNS] = {0};
        for (size_t c = 0; c < count; c++) {
            out[c] = (uint16_t *)(uintptr_t)head_of(&a->out, &columns[c], a->head_dim);
            factors[c] = block->sum[c] > 0 ? 1.0f / block->sum[c] : 0;
        }
        cpu_amx_store_columns(out, block->values, factors, count, a->head_dim);
        return;
    }
    for (size_t c = 0; c < count; c++) {
        float row[512], factor = block->sum[c] > 0 ? 1.0f / block->sum[c] : 0;
        for (size_t first = 0; first < a->head_dim; first += 512) {
            size_t n = a->head_dim - first < 512 ? a->head_dim - first : 512;
            for (size_t d = 0; d < n; d++)
                row[d] = block->values[(first + d) * ATTENTION_COLUMNS + c] * factor;
            char *out = (char *)(uintptr_t)head_of(&a->out, &columns[c], a->head_dim);
            plan->cpu->kernels->from_f32(out + first * dtype_size(a->out.dtype), a->out.dtype, row, n);
        }
    }
}

// Each column alone (kernels_rows_body.h).
static void run_rows(const struct plan *plan, const struct group *group, size_t kv_head, size_t first,
                     float *scratch) {
    const struct attention *a = plan->a;
    const struct cpu_kernels *kernels = plan->cpu->kernels;
    struct column columns[ATTENTION_COLUMNS];
    size_t count = fill_columns(plan, group, kv_head, first, columns), dim = a->head_dim;
    size_t offset = kv_head * dim * dtype_size(a->span_type);
    float maximum[ATTENTION_COLUMNS], sum[ATTENTION_COLUMNS], *queries = scratch,
                                                              *values = queries + count * dim;
    int32_t limits[ATTENTION_COLUMNS];
    struct row_block block = {.scores = values + count * dim};
    block.rows = block.scores + count * ROW_KEYS;
    memset(values, 0, count * dim * sizeof *values);
    for (size_t c = 0; c < count; c++) {
        kernels->to_f32(queries + c * dim, head_of(&a->queries, &columns[c], dim), a->queries.dtype, dim);
        maximum[c] = -INFINITY;
        sum[c] = 0;
        limits[c] = columns[c].limit;
    }
    for (size_t c = 0, run; c < count; c += run) { // first all of them over the prefix, then each segment's
        const struct attention_span *own = plan->spans[plan->own[columns[c].segment]].span;
        for (run = 1; c + run < count && columns[c + run].segment == columns[c].segment;) run++;
        if (c == 0 && group->prefix != SIZE_MAX) {
            const struct attention_span *prefix = plan->spans[group->prefix].span;
            block.shared = true;
            block.columns = count, block.queries = queries, block.values = values, block.maximum = maximum,
            block.sum = sum;
            kernels->row_attend(&block, (const char *)prefix->keys + offset,
                                (const char *)prefix->values + offset, a->span_type, prefix->stride,
                                prefix->rows, dim, NULL, a->scale);
        }
        block.shared = !plan->order[columns[c].segment]->causal;
        block.columns = run, block.queries = queries + c * dim, block.values = values + c * dim,
        block.maximum = maximum + c, block.sum = sum + c;
        kernels->row_attend(&block, (const char *)own->keys + offset, (const char *)own->values + offset,
                            a->span_type, own->stride, own->rows, dim, limits + c, a->scale);
    }
    for (size_t c = 0; c < count; c++) {
        float factor = sum[c] > 0 ? 1.0f / sum[c] : 0, *row = values + c * dim;
        if (a->log_sums)
            a->log_sums[columns[c].row * a->heads + columns[c].head] = maximum[c] + log2f(sum[c]);
        for (size_t d = 0; d < dim; d++) row[d] *= factor;
        kernels->from_f32((void *)(uintptr_t)head_of(&a->out, &columns[c], dim), a->out.dtype, row, dim);
    }
}

static void run_block(const struct plan *plan, const struct group *group, size_t kv_head, size_t first,
                      float *scratch) {
    const struct attention *a = plan->a;
    struct column columns[ATTENTION_COLUMNS];
    size_t count = fill_columns(plan, group, kv_head, first, columns);
    size_t values = cpu_amx_padded_value_dim(a->head_dim) * ATTENTION_COLUMNS;
    size_t queries = cpu_amx_padded_dim(a->head_dim) * ATTENTION_COLUMNS;
    struct attention_block block = {.values = scratch, .maximum = scratch + values};
    block.sum = block.maximum + ATTENTION_COLUMNS;
    block.queries = block.sum + ATTENTION_COLUMNS;
    block.scores = (float *)block.queries + queries;
    block.weights = block.scores + ATTENTION_KEYS * ATTENTION_COLUMNS;
    block.keys = (float *)block.weights; // the generic kernel has no packed weights
    memset(block.values, 0, values * sizeof *block.values);
    for (size_t c = 0; c < ATTENTION_COLUMNS; c++) {
        block.maximum[c] = -INFINITY;
        block.sum[c] = 0;
    }
    load_queries(plan, &block, columns, count);
    int32_t limits[ATTENTION_COLUMNS];
    if (group->prefix != SIZE_MAX) {
        for (size_t c = 0; c < ATTENTION_COLUMNS; c++)
            limits[c] = c < count ? (int32_t)plan->spans[group->prefix].span->rows : 0;
        visit_span(plan, &block, count, group->prefix, kv_head, limits);
    }
    for (size_t c = 0;
         c < count;) { // each segment's columns are consecutive; the others see none of its keys
        uint32_t segment = columns[c].segment;
        for (size_t i = 0; i < ATTENTION_COLUMNS; i++)
            limits[i] = i < count && columns[i].segment == segment ? columns[i].limit : 0;
        visit_span(plan, &block, count, plan->own[segment], kv_head, limits);
        while (c < count && columns[c].segment == segment) c++;
    }
    store_columns(plan, &block, columns, count);
}

struct work {
    size_t group, kv_head, first;
};

static void run(struct plan *plan, struct arena *arena, struct error *error) {
    const struct attention *a = plan->a;
    size_t share = a->heads / a->kv_heads, total = 0;
    for (size_t g = 0; g < plan->group_count; g++)
        total += (plan->groups[g].queries * share + ATTENTION_COLUMNS - 1) / ATTENTION_COLUMNS * a->kv_heads;
    struct work *work = arena_get(arena, total, sizeof *work, error);
    if (!work) return;
    size_t n = 0;
    for (size_t g = 0; g < plan->group_count; g++)
        for (size_t head = 0; head < a->kv_heads; head++)
            // last blocks first: causal ones have the most keys to visit
            for (size_t c = (plan->groups[g].queries * share + ATTENTION_COLUMNS - 1) / ATTENTION_COLUMNS;
                 c-- > 0;)
                work[n++] = (struct work){g, head, c * ATTENTION_COLUMNS};
    for (int t = 0; t < plan->cpu->base.threads; t++)
        if (!cpu_scratch(plan->cpu, t, plan->block_floats)) return;
    bool parallel = a->queries.rows * a->heads > 64;
#pragma omp parallel for num_threads(plan->cpu->base.threads) schedule(dynamic, 1) if (parallel)
    for (size_t i = 0; i < total; i++)
        (plan->rows ? run_rows : run_block)(plan, &plan->groups[work[i].group], work[i].kv_head,
                                            work[i].first, plan->cpu->scratch[cpu_thread()]);
}

void cpu_attention(struct device *device, const struct attention *a) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    struct error error = {0};
    struct arena *arena = cpu->arena;
    arena_reset(arena);
    size_t n = a->segment_count;
    struct plan plan = {.a = a, .cpu = cpu};
    plan.order = arena_get(arena, n, sizeof *plan.order, &error);
    plan.spans = arena_get(arena, 2 * n, sizeof *plan.spans, &error);
    plan.own = arena_get(arena, n, sizeof *plan.own, &error);
    plan.groups = arena_get(arena, n, sizeof *plan.groups, &error);
    if (!error.code) {
        make_groups(&plan);
        plan.amx = !cpu->base.exact && worth_tiles(&plan);
        plan.rows = cpu->base.exact || (!plan.amx && (cpu->kernels->row_lanes < 16 || decodes(a)));
        size_t dim = (a->head_dim + 31) / 32 * 32;
        plan.block_floats = (3 * dim + 2 + 2 * ATTENTION_KEYS) * ATTENTION_COLUMNS + 2 * ROW_KEYS * dim;
        if (!plan.amx || pack_spans(&plan, arena, &error) == 0) run(&plan, arena, &error);
    }
    if (error.code) device_fail(device, error.code, "attention: %s", error.message);
}
