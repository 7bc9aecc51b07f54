#include "model/facts.h"

#include <stdlib.h>
#include <string.h>

#include "model/model_internal.h"
#include "model/parts.h"

// All of the language model but the embedding table, of which only rows are read.
static size_t step_bytes(const struct model *model, const struct part *parts, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        if (parts[i].group == PART_TEXT &&
            (parts[i].role != PART_EMBEDDING || model->config->text.tie_embeddings))
            bytes += part_values(&parts[i]) * dtype_size(parts[i].matrix->dtype);
    return bytes;
}

void model_gather_facts(struct model *model, const struct part *parts, size_t count) {
    const struct model_config *c = model->config;
    const struct photo_preprocessor *p = &model->preprocessor;
    const char *folder = checkpoint_folder(model->checkpoint), *slash = strrchr(folder, '/');
    model->facts = (struct model_facts){
        .folder = folder,
        .cache_bytes = 2 * (size_t)model->config->text.layers * (size_t)model->config->text.kv_heads *
                       (size_t)model->config->text.head_dim * dtype_size(model->type),
        .short_name = slash && slash[1] ? slash + 1 : folder,
        .hidden = (size_t)c->text.hidden,
        .layers = (size_t)c->text.layers,
        .vocab = (size_t)c->text.vocab,
        .context = (size_t)c->text.max_positions,
        .tied = c->text.tie_embeddings,
        .token_side = (size_t)(c->vision.patch * c->vision.merge),
        .patches_per_token = (size_t)(c->vision.merge * c->vision.merge),
        .min_pixels = p->min_pixels,
        .max_pixels = p->max_pixels,
        .image_id = c->image_id,
        .video_id = c->video_id,
        .stops = model->stops,
        .stop_count = model->stop_count,
        .generation = checkpoint_generation(model->checkpoint),
        .weight_bytes = safetensors_bytes(checkpoint_weights(model->checkpoint)),
        .step_bytes = step_bytes(model, parts, count),
        .dtype = c->dtype,
        .type = model->type,
        .threads = model->device->threads,
        .device = model->device->description,
        .exact = model->device->exact,
        .warnings = &model->warnings};
}

const struct model_facts *model_facts(const struct model *model) {
    return &model->facts;
}

const struct tokenizer *model_tokenizer(const struct model *model) {
    return model->tokenizer;
}

const struct photo_preprocessor *model_preprocessor(const struct model *model) {
    return &model->preprocessor;
}

struct device *model_device(const struct model *model) {
    return model->device;
}

static uint64_t hash(uint64_t seed, const void *data, size_t length) { // FNV-1a
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++) seed = (seed ^ bytes[i]) * UINT64_C(0x100000001b3);
    return seed;
}

uint64_t model_identity(const struct model *model) {
    enum { LOOK = 256 };
    const struct safetensors *weights = checkpoint_weights(model->checkpoint);
    uint64_t all = 0; // a sum: shards may come in any order
    for (size_t i = 0; i < safetensors_count(weights); i++) {
        const struct tensor *tensor = safetensors_at(weights, i);
        const char *name = safetensors_name(weights, i), *data = tensor->data;
        size_t bytes = tensor_bytes(tensor), look = bytes < LOOK ? bytes : LOOK;
        uint64_t one = hash(UINT64_C(0xcbf29ce484222325), name, strlen(name));
        one = hash(one, tensor->shape, (size_t)tensor->dims * sizeof *tensor->shape);
        one = hash(one, data, look);
        one = hash(one, data + (bytes - look) / 2, look);
        all += hash(one, data + bytes - look, look);
    }
    return all;
}

// The product joins those of its shape, or is a new one.
static size_t add_product(struct model_product *products, size_t count, struct model_product product) {
    for (size_t i = 0; i < count; i++)
        if (products[i].rows == product.rows && products[i].out == product.out &&
            products[i].in == product.in) {
            products[i].times++;
            return count;
        }
    if (count < MODEL_MAX_PRODUCTS) products[count++] = product;
    return count;
}

static size_t list_products(const struct model *model, bool text, size_t rows,
                            struct model_product products[MODEL_MAX_PRODUCTS], struct error *error) {
    size_t count, found = 0, unit = model->facts.patches_per_token;
    struct part *parts = parts_list(model->config, model->decoder, model->vision, &count, error);
    for (size_t i = 0; parts && i < count; i++) {
        const struct part *part = &parts[i];
        if ((part->role != PART_WEIGHT && part->role != PART_OUT) || text != (part->group == PART_TEXT))
            continue;
        const struct model_product product = {.rows = part->group == PART_JOIN ? rows / unit : rows,
                                              .out = part->shape[0],
                                              .in = part_values(part) / part->shape[0],
                                              .times = 1};
        found = add_product(products, found, product);
    }
    free(parts);
    return found;
}

size_t model_vision_products(const struct model *model, size_t patches,
                             struct model_product products[MODEL_MAX_PRODUCTS], struct error *error) {
    return list_products(model, false, patches, products, error);
}

size_t model_text_products(const struct model *model, size_t tokens,
                           struct model_product products[MODEL_MAX_PRODUCTS], struct error *error) {
    return list_products(model, true, tokens, products, error);
}
