#include "model/decoder_step.h"

#include <math.h>

#include "model/decoder_internal.h"
#include "model/mrope.h"

enum { CACHED_BYTES = 32 << 20 }; // of weights, as they are stored

bool decoder_steps(const struct decoder *decoder, const struct device *device) {
    const struct decoder_config *c = &decoder->config;
    size_t hidden = (size_t)c->hidden, inner = (size_t)c->intermediate,
           heads = (size_t)(c->heads * c->head_dim), kv = (size_t)(c->kv_heads * c->head_dim),
           vocab = (size_t)c->vocab;
    size_t values = (size_t)c->layers * hidden * (2 * heads + 2 * kv + 3 * inner) + vocab * hidden;
    return device_can_decode(device) && hidden < DEVICE_LONG_SUM && inner < DEVICE_LONG_SUM &&
           heads < DEVICE_LONG_SUM && values * dtype_size(decoder->embedding.dtype) <= CACHED_BYTES;
}

static struct step_linear linear_of(const struct linear *linear) {
    return (struct step_linear){.weight = &linear->weight, .bias = linear->bias, .number = linear->number};
}

static struct step_layer *list_layers(const struct decoder *decoder, struct workspace *workspace,
                                      struct error *error) {
    size_t count = (size_t)decoder->config.layers;
    struct step_layer *layers = workspace_host(workspace, count, sizeof *layers, error);
    for (size_t i = 0; layers && i < count; i++) {
        const struct decoder_layer *layer = &decoder->layers[i];
        layers[i] = (struct step_layer){.input_norm = layer->input_norm,
                                        .post_norm = layer->post_norm,
                                        .q = linear_of(&layer->q),
                                        .k = linear_of(&layer->k),
                                        .v = linear_of(&layer->v),
                                        .o = linear_of(&layer->o),
                                        .gate = linear_of(&layer->gate),
                                        .up = linear_of(&layer->up),
                                        .down = linear_of(&layer->down)};
    }
    return layers;
}

static struct step_cache cache_of(const struct kv_cache *cache) {
    return (struct step_cache){.data = cache->data,
                               .plane = cache->capacity * cache->width * dtype_size(cache->dtype),
                               .rows = cache->rows};
}

static struct step_sequence *list_sequences(const struct decoder_sequence *sequences, size_t count,
                                            struct workspace *workspace, struct error *error) {
    struct step_sequence *list = workspace_host(workspace, count, sizeof *list, error);
    for (size_t i = 0; list && i < count; i++) {
        const struct decoder_sequence *s = &sequences[i];
        if (s->own->rows + 1 > s->own->capacity) {
            error_set(error, ERROR_LIMIT, "the sequence is longer than its cache of %zu tokens",
                      s->own->capacity);
            return NULL;
        }
        list[i] = (struct step_sequence){.own = cache_of(s->own)};
        if (s->prefix) list[i].prefix = cache_of(s->prefix);
    }
    return list;
}

static struct step_span *list_spans(const struct linear_additions *additions, struct workspace *workspace,
                                    struct error *error) {
    struct step_span *spans = workspace_host(workspace, additions->count, sizeof *spans, error);
    for (size_t i = 0; spans && i < additions->count; i++)
        spans[i] = (struct step_span){.rows = additions->spans[i].rows, .table = additions->spans[i].layers};
    return spans;
}

int decoder_step(const struct decoder *decoder, const struct linear_additions *additions,
                 struct device *device, enum dtype type, struct matrix x, const int32_t *positions,
                 const struct decoder_sequence *sequences, size_t count, struct matrix logits,
                 struct workspace *workspace, struct error *error) {
    const struct decoder_config *c = &decoder->config;
    size_t half = (size_t)c->head_dim / 2;
    *error = (struct error){0};
    struct decode_step step = {.x = x,
                               .type = type,
                               .layers = list_layers(decoder, workspace, error),
                               .layer_count = (size_t)c->layers,
                               .heads = (size_t)c->heads,
                               .kv_heads = (size_t)c->kv_heads,
                               .head_dim = (size_t)c->head_dim,
                               .eps = c->rms_eps,
                               .scale = 1.0f / sqrtf((float)c->head_dim),
                               .cosine = workspace_matrix(workspace, DTYPE_F32, count, half, error),
                               .sine = workspace_matrix(workspace, DTYPE_F32, count, half, error),
                               .sequences = list_sequences(sequences, count, workspace, error),
                               .spans = list_spans(additions, workspace, error),
                               .span_count = additions->count,
                               .final_norm = decoder->final_norm,
                               .head = &decoder->head,
                               .logits = logits};
    if (error->code || mrope_angles(c, device, positions, count, step.cosine, step.sine, workspace, error))
        return -1;
    device_decode(device, &step);
    if (device_check(device, error)) return -1;
    for (size_t i = 0; i < count; i++) sequences[i].own->rows++;
    return 0;
}
