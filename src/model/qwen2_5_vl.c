// The family Qwen2.5-VL (qwen2_5_vl.md).
#include "model/decoder_internal.h"
#include "model/model_internal.h"
#include "model/parts_internal.h"
#include "model/qwen2_5_vl_internal.h"
#include "model/vision_internal.h"
#include "text/chat_template.h"

static const char embedding_name[] = "model.embed_tokens.weight", head_name[] = "lm_head.weight";

// ---- tensors (section 2.1)

static void add_layer(struct part_list *list, const struct decoder_config *text,
                      struct decoder_layer *layer) {
    int queries = text->heads * text->head_dim, keys = text->kv_heads * text->head_dim;
    int hidden = text->hidden, inner = text->intermediate;
    part_list_vector(list, "input_layernorm.weight", "", PART_NORM, hidden, PLACE(layer, input_norm));
    part_list_linear(list, "self_attn.q_proj", PART_WEIGHT, true, queries, hidden, PLACE(layer, q));
    part_list_linear(list, "self_attn.k_proj", PART_WEIGHT, true, keys, hidden, PLACE(layer, k));
    part_list_linear(list, "self_attn.v_proj", PART_WEIGHT, true, keys, hidden, PLACE(layer, v));
    part_list_linear(list, "self_attn.o_proj", PART_OUT, false, hidden, queries, PLACE(layer, o));
    part_list_vector(list, "post_attention_layernorm.weight", "", PART_NORM, hidden, PLACE(layer, post_norm));
    part_list_linear(list, "mlp.gate_proj", PART_WEIGHT, false, inner, hidden, PLACE(layer, gate));
    part_list_linear(list, "mlp.up_proj", PART_WEIGHT, false, inner, hidden, PLACE(layer, up));
    part_list_linear(list, "mlp.down_proj", PART_OUT, false, hidden, inner, PLACE(layer, down));
}

static void add_text(struct part_list *list, const struct decoder_config *text, struct decoder *decoder) {
    list->group = PART_TEXT;
    part_list_start(list, NULL, 0);
    part_list_matrix(list, embedding_name, "", PART_EMBEDDING, text->vocab, text->hidden,
                     PLACE(decoder, embedding));
    for (int i = 0; i < text->layers; i++) {
        part_list_start(list, "model.layers", i);
        add_layer(list, text, decoder ? &decoder->layers[i] : NULL);
    }
    part_list_start(list, NULL, 0);
    part_list_vector(list, "model.norm.weight", "", PART_NORM, text->hidden, PLACE(decoder, final_norm));
    if (!text->tie_embeddings)
        part_list_matrix(list, head_name, "", PART_HEAD, text->vocab, text->hidden,
                         PLACE(decoder, head.values));
}

static void add_block(struct part_list *list, const struct vision_config *vision,
                      struct vision_block *block) {
    int hidden = vision->hidden, inner = vision->intermediate;
    part_list_vector(list, "norm1.weight", "", PART_NORM, hidden, PLACE(block, norm1));
    part_list_linear(list, "attn.qkv", PART_WEIGHT, true, 3 * hidden, hidden, PLACE(block, qkv));
    part_list_linear(list, "attn.proj", PART_OUT, true, hidden, hidden, PLACE(block, proj));
    part_list_vector(list, "norm2.weight", "", PART_NORM, hidden, PLACE(block, norm2));
    part_list_linear(list, "mlp.gate_proj", PART_WEIGHT, true, inner, hidden, PLACE(block, gate));
    part_list_linear(list, "mlp.up_proj", PART_WEIGHT, true, inner, hidden, PLACE(block, up));
    part_list_linear(list, "mlp.down_proj", PART_OUT, true, hidden, inner, PLACE(block, down));
}

// A convolution without overlap: flattened, it is a linear layer over the values of a patch.
static void add_patch_embedding(struct part_list *list, const struct vision_config *vision,
                                struct vision *tower) {
    struct part *part = part_list_add(list, "visual.patch_embed.proj.weight", "", PART_WEIGHT,
                                      PLACE(tower, patch_embed.weight.values));
    const size_t shape[] = {(size_t)vision->hidden, (size_t)vision->in_channels,
                            (size_t)vision->temporal_patch, (size_t)vision->patch, (size_t)vision->patch};
    part->dims = PART_MAX_DIMS;
    for (int i = 0; i < PART_MAX_DIMS; i++) part->shape[i] = shape[i];
}

static void add_vision(struct part_list *list, const struct vision_config *vision, struct vision *tower) {
    int merged = vision->hidden * vision->merge * vision->merge;
    list->group = PART_TOWER;
    part_list_start(list, NULL, 0);
    add_patch_embedding(list, vision, tower);
    for (int i = 0; i < vision->depth; i++) {
        part_list_start(list, "visual.blocks", i);
        add_block(list, vision, tower ? &tower->blocks[i] : NULL);
    }
    list->group = PART_JOIN;
    part_list_start(list, NULL, 0);
    part_list_vector(list, "visual.merger.ln_q.weight", "", PART_NORM, vision->hidden,
                     PLACE(tower, merger_norm));
    part_list_linear(list, "visual.merger.mlp.0", PART_WEIGHT, true, merged, merged, PLACE(tower, merger_in));
    part_list_linear(list, "visual.merger.mlp.2", PART_WEIGHT, true, vision->out_hidden, merged,
                     PLACE(tower, merger_out));
}

static void list_tensors(struct part_list *list, const struct model_config *config, struct decoder *decoder,
                         struct vision *vision) {
    add_text(list, &config->text, decoder);
    add_vision(list, &config->vision, vision);
}

static const struct family_prefix published[] = {{"model.visual.", "visual."},
                                                 {"model.language_model.", "model."},
                                                 {"language_model.lm_head.", "lm_head."},
                                                 {"language_model.model.", "model."},
                                                 {"language_model.", "model."},
                                                 {NULL, NULL}};

static const struct family_prefix renamed[] = {
    {"visual.", "model.visual."}, {"model.", "model.language_model."}, {NULL, NULL}};

// ---- words and pictures

#define ID(member) offsetof(struct model_config, member)
static const struct family_token tokens[] = {
    {"<|image_pad|>", ID(image_id)},       {"<|vision_start|>", ID(vision_start_id)},
    {"<|vision_end|>", ID(vision_end_id)}, {"<|im_start|>", FAMILY_NO_ID},
    {"<|im_end|>", FAMILY_NO_ID},          {NULL, 0}};
#undef ID

static int place(const struct model *model, struct prompt *prompt, struct error *error) {
    return mrope_positions(model->config, prompt->ids.data, prompt->ids.count, prompt->grids,
                           prompt->grid_count, prompt->positions, &prompt->next_position, error);
}

static int see(struct model *model, const struct prompt *prompt, const struct linear_additions *additions,
               struct matrix embeds, const struct trace *trace, struct error *error) {
    return vision_encode(model->vision, additions, model->device, model->type, prompt->patches, prompt->grids,
                         prompt->grid_count, embeds, model->workspace, trace, error);
}

const struct model_family model_qwen2_5_vl = {.name = "qwen2_5_vl",
                                              .architecture = "Qwen2_5_VLForConditionalGeneration",
                                              .read_config = qwen2_5_vl_read_config,
                                              .text_keys = qwen2_5_vl_text_keys,
                                              .vision_keys = qwen2_5_vl_vision_keys,
                                              .published = published,
                                              .renamed = renamed,
                                              .tower = "visual.",
                                              .embedding = embedding_name,
                                              .head = head_name,
                                              .list_tensors = list_tensors,
                                              .tokens = tokens,
                                              .turn_end = "<|im_end|>",
                                              .check_template = chat_template_check,
                                              .measure = qwen2_5_vl_measure,
                                              .cut = qwen2_5_vl_cut,
                                              .place = place,
                                              .see = see};
