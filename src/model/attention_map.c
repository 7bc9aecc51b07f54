#include "model/attention_map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/workspace.h"

// What the trace of a forward pass over the completion collects.
struct collector {
    struct attention_map *map;
    struct qwen *qwen;
    const struct kv_cache *prefix, *own;
    size_t first_key, keys_of_image; // where the image stands in the prompt
    float *scores;                   // [rows, prefix + own]
    float *sums;                     // [rows, image]: over heads and layers, query by query
    size_t rows;
};

// softmax over the keys that row `row` sees, added to its sums.
static void add_row(struct collector *c, size_t row, size_t keys) {
    size_t seen = c->prefix->rows + row + 1;
    float *scores = c->scores + row * keys, top = -INFINITY;
    double total = 0;
    for (size_t k = 0; k < seen; k++) top = scores[k] > top ? scores[k] : top;
    for (size_t k = 0; k < seen; k++) {
        scores[k] = expf(scores[k] - top);
        total += (double)scores[k];
    }
    float *sums = c->sums + row * c->keys_of_image, scale = (float)(1 / total);
    for (size_t k = 0; k < c->keys_of_image; k++) sums[k] += scores[c->first_key + k] * scale;
}

// One layer: its queries are given, its keys lie in the caches already.
static void add_layer(void *context, const char *name, int layer, struct matrix queries) {
    struct collector *c = context;
    if (strcmp(name, "queries") != 0) return;
    const struct qwen_text_config *config = &c->qwen->config->text;
    struct device *device = c->qwen->device;
    size_t head_dim = (size_t)config->head_dim, share = (size_t)(config->heads / config->kv_heads);
    size_t keys = c->prefix->rows + c->rows;
    struct matrix scores = matrix_of(c->scores, DTYPE_F32, c->rows, keys);
    struct matrix before = matrix_rows(kv_cache_keys(c->prefix, (size_t)layer), 0, c->prefix->rows);
    struct matrix own = matrix_rows(kv_cache_keys(c->own, (size_t)layer), 0, c->rows);
    float scale = 1.0f / sqrtf((float)head_dim);
    for (size_t head = 0; head < (size_t)config->heads; head++) {
        struct matrix q = matrix_columns(queries, head * head_dim, head_dim);
        size_t kv = head / share * head_dim;
        device->operations->linear(device, matrix_columns(scores, 0, c->prefix->rows), q,
                                   matrix_columns(before, kv, head_dim), (struct matrix){0}, 0);
        device->operations->linear(device, matrix_columns(scores, c->prefix->rows, c->rows), q,
                                   matrix_columns(own, kv, head_dim), (struct matrix){0}, 0);
#pragma omp parallel for num_threads(device->threads) schedule(static)
        for (size_t row = 0; row < c->rows; row++) {
            float *line = c->scores + row * keys;
            for (size_t k = 0; k < keys; k++) line[k] *= scale;
            add_row(c, row, keys);
        }
    }
}

// Token t was predicted by row t - 1.
static void fill_map(const struct collector *c) {
    const struct qwen_text_config *config = &c->qwen->config->text;
    float scale = 1.0f / (float)(config->heads * config->layers);
    for (size_t t = 0; t < c->map->tokens; t++) {
        const float *sums = c->sums + (t ? t - 1 : 0) * c->keys_of_image;
        for (size_t k = 0; k < c->keys_of_image; k++)
            c->map->weights[t * c->keys_of_image + k] = sums[k] * scale;
    }
}

static int forward(struct collector *c, const struct prompt *prompt, struct kv_cache *own, const int32_t *ids,
                   struct error *error) {
    struct qwen *qwen = c->qwen;
    size_t rows = c->rows, keys = c->prefix->rows + rows;
    arena_reset(qwen->arena);
    *error = (struct error){0};
    struct matrix x =
        workspace_matrix(qwen->arena, DTYPE_F32, rows, (size_t)qwen->config->text.hidden, error);
    int32_t *positions = arena_get(qwen->arena, 3 * rows, sizeof *positions, error);
    c->scores = arena_get(qwen->arena, rows * keys, sizeof *c->scores, error);
    c->sums = arena_get(qwen->arena, rows * c->keys_of_image, sizeof *c->sums, error);
    if (error->code) return -1;
    memset(c->sums, 0, rows * c->keys_of_image * sizeof *c->sums);
    for (size_t i = 0; i < 3 * rows; i++) positions[i] = prompt->next_position + (int32_t)(i % rows);
    decoder_embed(qwen->decoder, qwen->device, x, ids);
    const struct decoder_sequence sequence = {.prefix = c->prefix, .own = own, .tokens = rows};
    const struct trace trace = {.record = add_layer, .context = c, .queries = true};
    if (decoder_run(qwen->decoder, qwen->device, qwen->type, x, positions, &sequence, 1, qwen->arena, &trace,
                    error))
        return -1;
    fill_map(c);
    return 0;
}

int attention_map_compute(struct attention_map *map, struct qwen *qwen, const struct prompt *prompt,
                          const struct kv_cache *prefix, const int32_t *ids, size_t count,
                          struct error *error) {
    *map = (struct attention_map){0};
    if (prompt->grid_count == 0 || count == 0)
        return error_set(error, ERROR_INPUT, "there is no image, or no answer, to explain");
    size_t merge = (size_t)qwen->config->vision.merge, first = 0;
    while (prompt->ids.data[first] != qwen->config->image_id) first++;
    map->rows = prompt->grids[0].height / merge;
    map->columns = prompt->grids[0].width / merge;
    map->tokens = count;
    struct kv_cache own;
    struct collector collector = {.map = map,
                                  .qwen = qwen,
                                  .prefix = prefix,
                                  .own = &own,
                                  .first_key = first,
                                  .keys_of_image = map->rows * map->columns,
                                  .rows = count};
    map->weights = memory_new(count * map->rows, map->columns * sizeof *map->weights, "attention map", error);
    if (!map->weights || qwen_cache_open(qwen, &own, count, error)) {
        attention_map_free(map);
        return -1;
    }
    int result = forward(&collector, prompt, &own, ids, error);
    kv_cache_close(&own);
    arena_reset(qwen->arena);
    if (result) attention_map_free(map);
    return result;
}

void attention_map_free(struct attention_map *map) {
    free(map->weights);
    *map = (struct attention_map){0};
}
