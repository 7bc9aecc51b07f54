#include "model/parts.h"

#include <stdio.h>

#include "base/memory.h"

struct list {
    struct part *parts; // NULL: only count
    size_t count;
    char prefix[40];
};

static void add(struct list *list, const char *name, const char *suffix, struct matrix *matrix,
                struct linear *linear) {
    struct part *part = list->parts ? &list->parts[list->count] : NULL;
    list->count++;
    if (!part) return;
    *part = (struct part){.matrix = matrix, .linear = linear};
    snprintf(part->name, sizeof part->name, "%s%s%s", list->prefix, name, suffix);
}

static void add_linear(struct list *list, const char *name, struct linear *linear, enum linear_bias bias) {
    add(list, name, ".weight", &linear->weight.values, linear);
    if (bias == LINEAR_BIASED) add(list, name, ".bias", &linear->bias, NULL);
}

static void add_text(struct list *list, struct decoder *decoder) {
    list->prefix[0] = 0;
    add(list, "model.embed_tokens.weight", "", &decoder->embedding, NULL);
    for (int i = 0; i < decoder->config.layers; i++) {
        struct decoder_layer *layer = &decoder->layers[i];
        snprintf(list->prefix, sizeof list->prefix, "model.layers.%d.", i);
        add(list, "input_layernorm.weight", "", &layer->input_norm, NULL);
        add_linear(list, "self_attn.q_proj", &layer->q, LINEAR_BIASED);
        add_linear(list, "self_attn.k_proj", &layer->k, LINEAR_BIASED);
        add_linear(list, "self_attn.v_proj", &layer->v, LINEAR_BIASED);
        add_linear(list, "self_attn.o_proj", &layer->o, LINEAR_PLAIN);
        add(list, "post_attention_layernorm.weight", "", &layer->post_norm, NULL);
        add_linear(list, "mlp.gate_proj", &layer->gate, LINEAR_PLAIN);
        add_linear(list, "mlp.up_proj", &layer->up, LINEAR_PLAIN);
        add_linear(list, "mlp.down_proj", &layer->down, LINEAR_PLAIN);
    }
    list->prefix[0] = 0;
    add(list, "model.norm.weight", "", &decoder->final_norm, NULL);
    if (!decoder->config.tie_embeddings) add(list, "lm_head.weight", "", &decoder->head.values, NULL);
}

static void add_vision(struct list *list, struct vision *vision) {
    list->prefix[0] = 0;
    add(list, "visual.patch_embed.proj.weight", "", &vision->patch_embed.weight.values,
        NULL); // a convolution
    for (int i = 0; i < vision->config.depth; i++) {
        struct vision_block *block = &vision->blocks[i];
        snprintf(list->prefix, sizeof list->prefix, "visual.blocks.%d.", i);
        add(list, "norm1.weight", "", &block->norm1, NULL);
        add_linear(list, "attn.qkv", &block->qkv, LINEAR_BIASED);
        add_linear(list, "attn.proj", &block->proj, LINEAR_BIASED);
        add(list, "norm2.weight", "", &block->norm2, NULL);
        add_linear(list, "mlp.gate_proj", &block->gate, LINEAR_BIASED);
        add_linear(list, "mlp.up_proj", &block->up, LINEAR_BIASED);
        add_linear(list, "mlp.down_proj", &block->down, LINEAR_BIASED);
    }
    list->prefix[0] = 0;
    add(list, "visual.merger.ln_q.weight", "", &vision->merger_norm, NULL);
    add_linear(list, "visual.merger.mlp.0", &vision->merger_in, LINEAR_BIASED);
    add_linear(list, "visual.merger.mlp.2", &vision->merger_out, LINEAR_BIASED);
}

struct part *parts_list(struct decoder *decoder, struct vision *vision, size_t *count, struct error *error) {
    struct list list = {0};
    add_text(&list, decoder);
    add_vision(&list, vision);
    *count = list.count;
    struct part *parts = memory_new(list.count, sizeof *parts, "list of tensors", error);
    if (!parts) return NULL;
    list = (struct list){.parts = parts};
    add_text(&list, decoder);
    add_vision(&list, vision);
    return parts;
}

struct decoder *decoder_new_empty(const struct decoder *decoder, struct error *error) {
    struct decoder *empty = memory_new(1, sizeof *empty, "gradients", error);
    if (!empty) return NULL;
    empty->config = decoder->config;
    empty->layers = memory_new((size_t)decoder->config.layers, sizeof *empty->layers, "gradients", error);
    if (empty->layers) return empty;
    decoder_free(empty);
    return NULL;
}

struct vision *vision_new_empty(const struct vision *vision, struct error *error) {
    struct vision *empty = memory_new(1, sizeof *empty, "gradients", error);
    if (!empty) return NULL;
    empty->config = vision->config;
    empty->blocks = memory_new((size_t)vision->config.depth, sizeof *empty->blocks, "gradients", error);
    if (empty->blocks) return empty;
    vision_free(empty);
    return NULL;
}
