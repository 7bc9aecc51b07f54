#include "model/decoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/decoder_internal.h"
#include "model/mrope.h"
#include "tensor/workspace.h"

struct decoder *decoder_new(const struct decoder_config *config, struct error *error) {
    struct decoder *decoder = memory_new(1, sizeof *decoder, "language model", error);
    if (!decoder) return NULL;
    decoder->config = *config;
    decoder->layers = memory_new((size_t)config->layers, sizeof *decoder->layers, "language model", error);
    if (decoder->layers) return decoder;
    decoder_free(decoder);
    return NULL;
}

void decoder_free(struct decoder *decoder) {
    if (!decoder) return;
    free(decoder->layers);
    free(decoder);
}

// The sequences of a pass and the matrices that every layer writes anew.
struct batch {
    struct decoder_pass pass;
    const struct decoder_sequence *sequences;
    struct device_copy *appended; // new keys and values on their way into the caches, two of each sequence
};

static int prepare(struct decoder_pass *pass, enum dtype type, const int32_t *positions,
                   struct workspace *workspace, struct error *error) {
    const struct decoder_config *c = &pass->decoder->config;
    size_t rows = pass->x.rows, heads = (size_t)(c->heads * c->head_dim),
           kv = (size_t)(c->kv_heads * c->head_dim);
    pass->cosine = workspace_matrix(workspace, DTYPE_F32, rows, (size_t)c->head_dim / 2, error);
    pass->sine = workspace_matrix(workspace, DTYPE_F32, rows, (size_t)c->head_dim / 2, error);
    pass->normed = workspace_matrix(workspace, type, rows, (size_t)c->hidden, error);
    pass->q = workspace_matrix(workspace, type, rows, heads, error);
    pass->k = workspace_matrix(workspace, type, rows, kv, error);
    pass->v = workspace_matrix(workspace, type, rows, kv, error);
    pass->attended = workspace_matrix(workspace, type, rows, heads, error);
    pass->gate = workspace_matrix(workspace, type, rows, (size_t)c->intermediate, error);
    pass->up = workspace_matrix(workspace, type, rows, (size_t)c->intermediate, error);
    pass->activated = pass->gate;
    if (!error->code)
        pass->segments = workspace_host(workspace, pass->segment_count, sizeof *pass->segments, error);
    if (error->code) return -1;
    return mrope_angles(c, pass->device, positions, rows, pass->cosine, pass->sine, workspace, error);
}

static struct device_copy append(struct matrix plane, size_t at, struct matrix rows) {
    return (struct device_copy){.to = matrix_rows(plane, at, rows.rows), .from = rows};
}

// New keys and values go behind those in the caches; each sequence then is one causal segment.
static void fill_caches(const struct batch *batch, size_t layer) {
    const struct decoder_pass *pass = &batch->pass;
    size_t row = 0;
    for (size_t i = 0; i < pass->segment_count; i++) {
        const struct decoder_sequence *s = &batch->sequences[i];
        struct matrix keys = kv_cache_keys(s->own, layer), values = kv_cache_values(s->own, layer);
        batch->appended[2 * i] = append(keys, s->own->rows, matrix_rows(pass->k, row, s->tokens));
        batch->appended[2 * i + 1] = append(values, s->own->rows, matrix_rows(pass->v, row, s->tokens));
        pass->segments[i] =
            (struct attention_segment){.first_query = row,
                                       .queries = s->tokens,
                                       .own = {keys.data, values.data, s->own->rows + s->tokens, keys.stride},
                                       .causal = true};
        if (s->prefix && s->prefix->rows) {
            keys = kv_cache_keys(s->prefix, layer);
            values = kv_cache_values(s->prefix, layer);
            pass->segments[i].prefix =
                (struct attention_span){keys.data, values.data, s->prefix->rows, keys.stride};
        }
        row += s->tokens;
    }
    device_copy_all(pass->device, batch->appended, 2 * pass->segment_count);
}

void decoder_project(const struct decoder_pass *pass, const struct decoder_layer *layer) {
    struct device *device = pass->device;
    size_t head_dim = (size_t)pass->decoder->config.head_dim;
    device_rms_norm(device, pass->normed, pass->x, layer->input_norm, pass->decoder->config.rms_eps);
    linear_run(&layer->q, &pass->additions, device, pass->q, pass->normed, 0);
    linear_run(&layer->k, &pass->additions, device, pass->k, pass->normed, 0);
    linear_run(&layer->v, &pass->additions, device, pass->v, pass->normed, 0);
    device_rope(device, pass->q, head_dim, pass->cosine, pass->sine, false);
    device_rope(device, pass->k, head_dim, pass->cosine, pass->sine, false);
}

struct attention decoder_attention(const struct decoder_pass *pass) {
    const struct decoder_config *c = &pass->decoder->config;
    return (struct attention){.out = pass->attended,
                              .queries = pass->q,
                              .span_type = pass->k.dtype,
                              .heads = (size_t)c->heads,
                              .kv_heads = (size_t)c->kv_heads,
                              .head_dim = (size_t)c->head_dim,
                              .scale = 1.0f / sqrtf((float)c->head_dim),
                              .segments = pass->segments,
                              .segment_count = pass->segment_count,
                              .log_sums = pass->log_sums};
}

void decoder_attend(const struct decoder_pass *pass, const struct decoder_layer *layer) {
    struct attention attention = decoder_attention(pass);
    device_attention(pass->device, &attention);
    linear_run(&layer->o, &pass->additions, pass->device, pass->x, pass->attended, LINEAR_ADD);
}

void decoder_expand(const struct decoder_pass *pass, const struct decoder_layer *layer) {
    device_rms_norm(pass->device, pass->normed, pass->x, layer->post_norm, pass->decoder->config.rms_eps);
    linear_run(&layer->gate, &pass->additions, pass->device, pass->gate, pass->normed, 0);
    linear_run(&layer->up, &pass->additions, pass->device, pass->up, pass->normed, 0);
}

void decoder_contract(const struct decoder_pass *pass, const struct decoder_layer *layer) {
    device_swiglu(pass->device, pass->activated, pass->gate, pass->up);
    linear_run(&layer->down, &pass->additions, pass->device, pass->x, pass->activated, LINEAR_ADD);
}

static void run_layer(const struct batch *batch, size_t index, const struct trace *trace) {
    const struct decoder_pass *pass = &batch->pass;
    const struct decoder_layer *layer = &pass->decoder->layers[index];
    decoder_project(pass, layer);
    fill_caches(batch, index);
    if (trace && trace->queries) trace_record(trace, "queries", (int)index, pass->q);
    decoder_attend(pass, layer);
    decoder_expand(pass, layer);
    decoder_contract(pass, layer);
}

int decoder_run(const struct decoder *decoder, const struct linear_additions *additions,
                struct device *device, enum dtype type, struct matrix x, const int32_t *positions,
                const struct decoder_sequence *sequences, size_t count, struct workspace *workspace,
                const struct trace *trace, struct error *error) {
    struct batch batch = {.pass = {.decoder = decoder,
                                   .device = device,
                                   .additions = *additions,
                                   .x = x,
                                   .segment_count = count},
                          .sequences = sequences};
    for (size_t i = 0; i < count; i++)
        if (sequences[i].own->rows + sequences[i].tokens > sequences[i].own->capacity)
            return error_set(error, ERROR_LIMIT, "the sequence is longer than its cache of %zu tokens",
                             sequences[i].own->capacity);
    struct workspace_mark mark = workspace_mark(workspace);
    *error = (struct error){0};
    int result = prepare(&batch.pass, type, positions, workspace, error);
    if (result == 0) batch.appended = workspace_host(workspace, 2 * count, sizeof *batch.appended, error);
    if (!batch.appended) result = -1;
    if (result == 0) {
        for (size_t i = 0; i < (size_t)decoder->config.layers; i++) {
            run_layer(&batch, i, trace);
            trace_record(trace, "hidden", (int)i, x);
        }
        result = device_check(device, error);
    }
    workspace_rewind(workspace, mark);
    if (result == 0)
        for (size_t i = 0; i < count; i++) sequences[i].own->rows += sequences[i].tokens;
    return result;
}

void decoder_embed(const struct decoder *decoder, struct device *device, struct matrix x,
                   const int32_t *ids) {
    device_embed(device, x, decoder->embedding, ids);
}

void decoder_norm(const struct decoder *decoder, struct device *device, struct matrix y, struct matrix x) {
    device_rms_norm(device, y, x, decoder->final_norm, decoder->config.rms_eps);
}

void decoder_logits(const struct decoder *decoder, struct device *device, struct matrix logits,
                    struct matrix normed) {
    device_linear(device, logits, normed, &decoder->head, (struct matrix){0}, 0);
}

void decoder_log_probs(const struct decoder *decoder, struct device *device, float *out, struct matrix normed,
                       const int32_t *targets, float temperature) {
    device_log_probs(device, out, NULL, NULL, normed, &decoder->head, targets, temperature);
}
