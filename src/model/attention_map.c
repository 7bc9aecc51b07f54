#include "model/attention_map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_internal.h"
#include "tensor/workspace.h"

// What the trace of a forward pass over the completion collects.
struct collector {
    struct attention_map *map;
    struct model *model;
    const struct kv_cache *prefix, *own;
    size_t first_key, keys_of_image; // where the image stands in the prompt
    struct matrix scores;            // [rows, prefix + own]
    struct matrix sums;              // [rows, image]: over heads and layers, query by query
    size_t rows;
};

// One layer: its queries are given, its keys lie in the caches already.
static void add_layer(void *context, const char *name, int layer, struct matrix queries) {
    struct collector *c = context;
    if (strcmp(name, "queries") != 0) return;
    const struct decoder_config *config = &c->model->config->text;
    struct device *device = c->model->device;
    size_t head_dim = (size_t)config->head_dim, share = (size_t)(config->heads / config->kv_heads);
    struct matrix before = matrix_rows(kv_cache_keys(c->prefix, (size_t)layer), 0, c->prefix->rows);
    struct matrix own = matrix_rows(kv_cache_keys(c->own, (size_t)layer), 0, c->rows);
    const struct attention_shares shares = {.sums = c->sums,
                                            .scores = c->scores,
                                            .scale = 1.0f / sqrtf((float)head_dim),
                                            .seen = c->prefix->rows + 1,
                                            .first = c->first_key};
    for (size_t head = 0; head < (size_t)config->heads; head++) {
        struct matrix q = matrix_columns(queries, head * head_dim, head_dim);
        size_t kv = head / share * head_dim;
        struct weight to_prefix = weight_of(matrix_columns(before, kv, head_dim)),
                      to_own = weight_of(matrix_columns(own, kv, head_dim));
        device_linear(device, matrix_columns(c->scores, 0, c->prefix->rows), q, &to_prefix,
                      (struct matrix){0}, 0);
        device_linear(device, matrix_columns(c->scores, c->prefix->rows, c->rows), q, &to_own,
                      (struct matrix){0}, 0);
        device_attention_shares(device, &shares);
    }
}

// Token t was predicted by row t - 1.
static int fill_map(const struct collector *c, struct error *error) {
    const struct decoder_config *config = &c->model->config->text;
    float scale = 1.0f / (float)(config->heads * config->layers);
    float *all = workspace_host(c->model->workspace, c->rows * c->keys_of_image, sizeof *all, error);
    if (!all) return -1;
    device_download(c->model->device, all, c->sums);
    if (device_check(c->model->device, error)) return -1;
    for (size_t t = 0; t < c->map->tokens; t++) {
        const float *sums = all + (t ? t - 1 : 0) * c->keys_of_image;
        for (size_t k = 0; k < c->keys_of_image; k++)
            c->map->weights[t * c->keys_of_image + k] = sums[k] * scale;
    }
    return 0;
}

static int forward(struct collector *c, const struct prompt *prompt, struct kv_cache *own, const int32_t *ids,
                   struct error *error) {
    struct model *model = c->model;
    size_t rows = c->rows, keys = c->prefix->rows + rows;
    workspace_reset(model->workspace);
    *error = (struct error){0};
    struct matrix x =
        workspace_matrix(model->workspace, DTYPE_F32, rows, (size_t)model->config->text.hidden, error);
    int32_t *positions = workspace_host(model->workspace, 3 * rows, sizeof *positions, error);
    c->scores = workspace_matrix(model->workspace, DTYPE_F32, rows, keys, error);
    c->sums = workspace_matrix(model->workspace, DTYPE_F32, rows, c->keys_of_image, error);
    if (error->code) return -1;
    device_clear(model->device, c->sums);
    for (size_t i = 0; i < 3 * rows; i++) positions[i] = prompt->next_position + (int32_t)(i % rows);
    decoder_embed(model->decoder, model->device, x, ids);
    const struct decoder_sequence sequence = {.prefix = c->prefix, .own = own, .tokens = rows};
    const struct trace trace = {.record = add_layer, .context = c, .queries = true};
    if (model_run(model, x, positions, &sequence, 1, &trace, error)) return -1;
    return fill_map(c, error);
}

int attention_map_compute(struct attention_map *map, struct model *model, const struct prompt *prompt,
                          const struct kv_cache *prefix, const int32_t *ids, size_t count,
                          struct error *error) {
    *map = (struct attention_map){0};
    if (prompt->grid_count == 0 || count == 0)
        return error_set(error, ERROR_INPUT, "there is no image, or no answer, to explain");
    size_t merge = (size_t)model->config->vision.merge, first = 0;
    while (prompt->ids.data[first] != model->config->image_id) first++;
    map->rows = prompt->grids[0].height / merge;
    map->columns = prompt->grids[0].width / merge;
    map->tokens = count;
    struct kv_cache own;
    struct collector collector = {.map = map,
                                  .model = model,
                                  .prefix = prefix,
                                  .own = &own,
                                  .first_key = first,
                                  .keys_of_image = map->rows * map->columns,
                                  .rows = count};
    map->weights = memory_new(count * map->rows, map->columns * sizeof *map->weights, "attention map", error);
    if (!map->weights || model_cache_open(model, &own, count, error)) {
        attention_map_free(map);
        return -1;
    }
    own.adapter = prefix->adapter;
    int result = forward(&collector, prompt, &own, ids, error);
    kv_cache_close(&own);
    workspace_reset(model->workspace);
    if (result) attention_map_free(map);
    return result;
}

void attention_map_free(struct attention_map *map) {
    free(map->weights);
    *map = (struct attention_map){0};
}
