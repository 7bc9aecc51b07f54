#include "model/qwen_tensors.h"

#include <stdio.h>

struct walk {
    int (*visit)(void *context, const char *name, int dims, const size_t *shape);
    void *context;
    char prefix[40]; // "visual.blocks.3."
    int result;      // the first that is not 0: nothing is visited from then on
};

static void visit(struct walk *walk, const char *name, int dims, const size_t *shape) {
    char full[128];
    if (walk->result) return;
    snprintf(full, sizeof full, "%s%s", walk->prefix, name);
    walk->result = walk->visit(walk->context, full, dims, shape);
}

static void visit_vector(struct walk *walk, const char *name, int size) {
    visit(walk, name, 1, (size_t[]){(size_t)size});
}

static void visit_matrix(struct walk *walk, const char *name, int rows, int columns) {
    visit(walk, name, 2, (size_t[]){(size_t)rows, (size_t)columns});
}

// A linear layer with bias: NAME.weight [rows, columns], NAME.bias [rows].
static void visit_linear(struct walk *walk, const char *name, int rows, int columns) {
    char part[64];
    snprintf(part, sizeof part, "%s.weight", name);
    visit_matrix(walk, part, rows, columns);
    snprintf(part, sizeof part, "%s.bias", name);
    visit_vector(walk, part, rows);
}

static void visit_text_layer(struct walk *walk, const struct qwen_text_config *text) {
    int queries = text->heads * text->head_dim, keys = text->kv_heads * text->head_dim;
    visit_vector(walk, "input_layernorm.weight", text->hidden);
    visit_linear(walk, "self_attn.q_proj", queries, text->hidden);
    visit_linear(walk, "self_attn.k_proj", keys, text->hidden);
    visit_linear(walk, "self_attn.v_proj", keys, text->hidden);
    visit_matrix(walk, "self_attn.o_proj.weight", text->hidden, queries);
    visit_vector(walk, "post_attention_layernorm.weight", text->hidden);
    visit_matrix(walk, "mlp.gate_proj.weight", text->intermediate, text->hidden);
    visit_matrix(walk, "mlp.up_proj.weight", text->intermediate, text->hidden);
    visit_matrix(walk, "mlp.down_proj.weight", text->hidden, text->intermediate);
}

static void visit_vision_block(struct walk *walk, const struct qwen_vision_config *vision) {
    visit_vector(walk, "norm1.weight", vision->hidden);
    visit_linear(walk, "attn.qkv", 3 * vision->hidden, vision->hidden);
    visit_linear(walk, "attn.proj", vision->hidden, vision->hidden);
    visit_vector(walk, "norm2.weight", vision->hidden);
    visit_linear(walk, "mlp.gate_proj", vision->intermediate, vision->hidden);
    visit_linear(walk, "mlp.up_proj", vision->intermediate, vision->hidden);
    visit_linear(walk, "mlp.down_proj", vision->hidden, vision->intermediate);
}

static void visit_text(struct walk *walk, const struct qwen_text_config *text) {
    walk->prefix[0] = 0;
    visit_matrix(walk, "model.embed_tokens.weight", text->vocab, text->hidden);
    for (int i = 0; i < text->layers; i++) {
        snprintf(walk->prefix, sizeof walk->prefix, "model.layers.%d.", i);
        visit_text_layer(walk, text);
    }
    walk->prefix[0] = 0;
    visit_vector(walk, "model.norm.weight", text->hidden);
    if (!text->tie_embeddings) visit_matrix(walk, "lm_head.weight", text->vocab, text->hidden);
}

static void visit_vision(struct walk *walk, const struct qwen_vision_config *vision) {
    size_t patch = (size_t)vision->patch;
    int merged = vision->hidden * vision->merge * vision->merge;
    walk->prefix[0] = 0;
    visit(walk, "visual.patch_embed.proj.weight", 5,
          (size_t[]){(size_t)vision->hidden, (size_t)vision->in_channels, (size_t)vision->temporal_patch,
                     patch, patch});
    for (int i = 0; i < vision->depth; i++) {
        snprintf(walk->prefix, sizeof walk->prefix, "visual.blocks.%d.", i);
        visit_vision_block(walk, vision);
    }
    walk->prefix[0] = 0;
    visit_vector(walk, "visual.merger.ln_q.weight", vision->hidden);
    visit_linear(walk, "visual.merger.mlp.0", merged, merged);
    visit_linear(walk, "visual.merger.mlp.2", vision->out_hidden, merged);
}

int qwen_tensors_visit(const struct qwen_config *config,
                       int (*visitor)(void *context, const char *name, int dims, const size_t *shape),
                       void *context) {
    struct walk walk = {.visit = visitor, .context = context};
    visit_text(&walk, &config->text);
    visit_vision(&walk, &config->vision);
    return walk.result;
}
