// The tensors of Qwen2.5-VL (qwen2_5_vl.md section 2.1).
#include "model/parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "model/decoder_internal.h"
#include "model/vision_internal.h"

const char part_embedding[] = "model.embed_tokens.weight", part_head[] = "lm_head.weight";

struct list {
    struct part *parts;  // NULL: only count
    struct part counted; // takes what is only counted
    size_t count;
    char prefix[40]; // "visual.blocks.3."
    enum part_group group;
    bool repeated;
};

static struct part *add(struct list *list, const char *name, const char *suffix, enum part_role role,
                        struct matrix *matrix) {
    struct part *part = list->parts ? &list->parts[list->count] : &list->counted;
    list->count++;
    *part = (struct part){.group = list->group, .role = role, .repeated = list->repeated, .matrix = matrix};
    snprintf(part->name, sizeof part->name, "%s%s%s", list->prefix, name, suffix);
    return part;
}

static void add_vector(struct list *list, const char *name, const char *suffix, enum part_role role, int size,
                       struct matrix *matrix) {
    struct part *part = add(list, name, suffix, role, matrix);
    part->dims = 1;
    part->shape[0] = (size_t)size;
}

static struct part *add_matrix(struct list *list, const char *name, const char *suffix, enum part_role role,
                               int rows, int columns, struct matrix *matrix) {
    struct part *part = add(list, name, suffix, role, matrix);
    part->dims = 2;
    part->shape[0] = (size_t)rows;
    part->shape[1] = (size_t)columns;
    return part;
}

// NAME.weight [out, in], and NAME.bias [out] of a layer that has one. `linear` is the layer's place, or NULL.
static void add_linear(struct list *list, const char *name, enum part_role role, bool biased, int out, int in,
                       struct linear *linear) {
    struct part *part =
        add_matrix(list, name, ".weight", role, out, in, linear ? &linear->weight.values : NULL);
    part->linear = linear;
    if (linear) linear->number = list->count - 1;
    if (biased) add_vector(list, name, ".bias", PART_BIAS, out, linear ? &linear->bias : NULL);
}

// What follows is in layer `index` of `layers`, or with NULL in none.
static void start(struct list *list, const char *layers, int index) {
    list->repeated = layers != NULL;
    list->prefix[0] = 0;
    if (layers) snprintf(list->prefix, sizeof list->prefix, "%s.%d.", layers, index);
}

#define PLACE(owner, member) ((owner) ? &(owner)->member : NULL)

static void add_layer(struct list *list, const struct decoder_config *text, struct decoder_layer *layer) {
    int queries = text->heads * text->head_dim, keys = text->kv_heads * text->head_dim;
    int hidden = text->hidden, inner = text->intermediate;
    add_vector(list, "input_layernorm.weight", "", PART_NORM, hidden, PLACE(layer, input_norm));
    add_linear(list, "self_attn.q_proj", PART_WEIGHT, true, queries, hidden, PLACE(layer, q));
    add_linear(list, "self_attn.k_proj", PART_WEIGHT, true, keys, hidden, PLACE(layer, k));
    add_linear(list, "self_attn.v_proj", PART_WEIGHT, true, keys, hidden, PLACE(layer, v));
    add_linear(list, "self_attn.o_proj", PART_OUT, false, hidden, queries, PLACE(layer, o));
    add_vector(list, "post_attention_layernorm.weight", "", PART_NORM, hidden, PLACE(layer, post_norm));
    add_linear(list, "mlp.gate_proj", PART_WEIGHT, false, inner, hidden, PLACE(layer, gate));
    add_linear(list, "mlp.up_proj", PART_WEIGHT, false, inner, hidden, PLACE(layer, up));
    add_linear(list, "mlp.down_proj", PART_OUT, false, hidden, inner, PLACE(layer, down));
}

static void add_text(struct list *list, const struct decoder_config *text, struct decoder *decoder) {
    list->group = PART_TEXT;
    start(list, NULL, 0);
    add_matrix(list, part_embedding, "", PART_EMBEDDING, text->vocab, text->hidden,
               PLACE(decoder, embedding));
    for (int i = 0; i < text->layers; i++) {
        start(list, "model.layers", i);
        add_layer(list, text, decoder ? &decoder->layers[i] : NULL);
    }
    start(list, NULL, 0);
    add_vector(list, "model.norm.weight", "", PART_NORM, text->hidden, PLACE(decoder, final_norm));
    if (!text->tie_embeddings)
        add_matrix(list, part_head, "", PART_HEAD, text->vocab, text->hidden, PLACE(decoder, head.values));
}

static void add_block(struct list *list, const struct vision_config *vision, struct vision_block *block) {
    int hidden = vision->hidden, inner = vision->intermediate;
    add_vector(list, "norm1.weight", "", PART_NORM, hidden, PLACE(block, norm1));
    add_linear(list, "attn.qkv", PART_WEIGHT, true, 3 * hidden, hidden, PLACE(block, qkv));
    add_linear(list, "attn.proj", PART_OUT, true, hidden, hidden, PLACE(block, proj));
    add_vector(list, "norm2.weight", "", PART_NORM, hidden, PLACE(block, norm2));
    add_linear(list, "mlp.gate_proj", PART_WEIGHT, true, inner, hidden, PLACE(block, gate));
    add_linear(list, "mlp.up_proj", PART_WEIGHT, true, inner, hidden, PLACE(block, up));
    add_linear(list, "mlp.down_proj", PART_OUT, true, hidden, inner, PLACE(block, down));
}

// A convolution without overlap: flattened, it is a linear layer over the values of a patch.
static void add_patch_embedding(struct list *list, const struct vision_config *vision, struct vision *tower) {
    struct part *part =
        add(list, "visual.patch_embed.proj.weight", "", PART_WEIGHT, PLACE(tower, patch_embed.weight.values));
    const size_t shape[] = {(size_t)vision->hidden, (size_t)vision->in_channels,
                            (size_t)vision->temporal_patch, (size_t)vision->patch, (size_t)vision->patch};
    part->dims = PART_MAX_DIMS;
    for (int i = 0; i < PART_MAX_DIMS; i++) part->shape[i] = shape[i];
}

static void add_vision(struct list *list, const struct vision_config *vision, struct vision *tower) {
    int merged = vision->hidden * vision->merge * vision->merge;
    list->group = PART_TOWER;
    start(list, NULL, 0);
    add_patch_embedding(list, vision, tower);
    for (int i = 0; i < vision->depth; i++) {
        start(list, "visual.blocks", i);
        add_block(list, vision, tower ? &tower->blocks[i] : NULL);
    }
    list->group = PART_JOIN;
    start(list, NULL, 0);
    add_vector(list, "visual.merger.ln_q.weight", "", PART_NORM, vision->hidden, PLACE(tower, merger_norm));
    add_linear(list, "visual.merger.mlp.0", PART_WEIGHT, true, merged, merged, PLACE(tower, merger_in));
    add_linear(list, "visual.merger.mlp.2", PART_WEIGHT, true, vision->out_hidden, merged,
               PLACE(tower, merger_out));
}

struct part *parts_list(const struct model_config *config, struct decoder *decoder, struct vision *vision,
                        size_t *count, struct error *error) {
    struct list list = {0};
    add_text(&list, &config->text, decoder);
    add_vision(&list, &config->vision, vision);
    *count = list.count;
    struct part *parts = memory_new(list.count, sizeof *parts, "list of tensors", error);
    if (!parts) return NULL;
    list = (struct list){.parts = parts};
    add_text(&list, &config->text, decoder);
    add_vision(&list, &config->vision, vision);
    return parts;
}

size_t part_values(const struct part *part) {
    size_t values = 1;
    for (int i = 0; i < part->dims; i++) values *= part->shape[i];
    return values;
}

bool part_is_adapted(const struct part *part) {
    return part->group == PART_TEXT && part->repeated &&
           (part->role == PART_WEIGHT || part->role == PART_OUT);
}

int parts_load(const struct part *parts, size_t count, const struct checkpoint *checkpoint,
               struct device *device, struct error *error) {
    for (size_t i = 0; i < count; i++) {
        const struct part *part = &parts[i];
        const struct tensor *tensor =
            checkpoint_tensor(checkpoint, part->name, part->dims, part->shape, error);
        if (!tensor) return -1;
        void *data = device_adopt(device, tensor->data, tensor_bytes(tensor), error);
        if (!data) return -1;
        size_t rows = part->dims > 1 ? part->shape[0] : 1;
        *part->matrix = matrix_of(data, tensor->dtype, rows, part_values(part) / rows);
    }
    return 0;
}
