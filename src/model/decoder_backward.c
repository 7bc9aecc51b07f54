// One layer forward is x += o(attention(q, k, v)), x += down(silu(gate) * up); backward goes the same way
// back, the gradient of the residual stream in dx all the while.
#include "model/decoder_backward.h"

#include <string.h>

#include "model/mrope.h"
#include "tensor/workspace.h"

// Of one layer. With TAPE_INPUTS all layers share everything but x_in.
struct kept {
    struct matrix x_in, x_middle; // the residual stream before the layer, and before its second half
    struct matrix q, k, v, attended, gate, up;
    float *log_sums;
};

struct decoder_tape {
    struct decoder_pass pass;
    enum dtype type;
    enum tape_keep keep;
    const struct decoder_span *spans;
    struct kept *layers;
    struct workspace *workspace;
};

// Gradients that every layer writes anew.
struct scratch {
    struct matrix dx;
    struct matrix dnormed, dk, dv;       // F32
    struct matrix dattended, dactivated; // compute type
};

static int keep_layer(struct decoder_tape *tape, struct kept *kept, struct error *error) {
    const struct decoder_config *c = &tape->pass.decoder->config;
    size_t rows = tape->pass.x.rows, heads = (size_t)c->heads * (size_t)c->head_dim,
           kv = (size_t)c->kv_heads * (size_t)c->head_dim, intermediate = (size_t)c->intermediate;
    struct workspace *workspace = tape->workspace;
    kept->q = workspace_matrix(workspace, tape->type, rows, heads, error);
    kept->k = workspace_matrix(workspace, tape->type, rows, kv, error);
    kept->v = workspace_matrix(workspace, tape->type, rows, kv, error);
    kept->attended = workspace_matrix(workspace, tape->type, rows, heads, error);
    kept->gate = workspace_matrix(workspace, tape->type, rows, intermediate, error);
    kept->up = workspace_matrix(workspace, tape->type, rows, intermediate, error);
    if (tape->keep == TAPE_NOTHING) return error->code ? -1 : 0;
    kept->x_middle = workspace_matrix(workspace, DTYPE_F32, rows, (size_t)c->hidden, error);
    if (!error->code)
        kept->log_sums = workspace_matrix(workspace, DTYPE_F32, rows, (size_t)c->heads, error).data;
    return error->code ? -1 : 0;
}

static int keep_layers(struct decoder_tape *tape, struct error *error) {
    size_t count = (size_t)tape->pass.decoder->config.layers;
    tape->layers = workspace_host(tape->workspace, count, sizeof *tape->layers, error);
    if (!tape->layers) return -1;
    memset(tape->layers, 0, count * sizeof *tape->layers);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || tape->keep == TAPE_ALL) {
            if (keep_layer(tape, &tape->layers[i], error)) return -1;
        } else {
            tape->layers[i] = tape->layers[0];
        }
        if (tape->keep != TAPE_NOTHING)
            tape->layers[i].x_in =
                workspace_matrix(tape->workspace, DTYPE_F32, tape->pass.x.rows, tape->pass.x.columns, error);
        if (error->code) return -1;
    }
    return 0;
}

static int prepare(struct decoder_tape *tape, const int32_t *positions, struct error *error) {
    struct decoder_pass *pass = &tape->pass;
    const struct decoder_config *c = &pass->decoder->config;
    size_t rows = pass->x.rows;
    pass->cosine = workspace_matrix(tape->workspace, DTYPE_F32, rows, (size_t)c->head_dim / 2, error);
    pass->sine = workspace_matrix(tape->workspace, DTYPE_F32, rows, (size_t)c->head_dim / 2, error);
    pass->normed = workspace_matrix(tape->workspace, tape->type, rows, (size_t)c->hidden, error);
    if (tape->keep != TAPE_NOTHING)
        pass->activated = workspace_matrix(tape->workspace, tape->type, rows, (size_t)c->intermediate, error);
    if (!error->code)
        pass->segments = workspace_host(tape->workspace, pass->segment_count, sizeof *pass->segments, error);
    if (error->code || keep_layers(tape, error)) return -1;
    return mrope_angles(c, pass->device, positions, rows, pass->cosine, pass->sine, tape->workspace, error);
}

// The pass works in this layer's matrices.
static void enter(struct decoder_tape *tape, const struct kept *kept) {
    struct decoder_pass *pass = &tape->pass;
    pass->q = kept->q;
    pass->k = kept->k;
    pass->v = kept->v;
    pass->attended = kept->attended;
    pass->gate = kept->gate;
    pass->up = kept->up;
    pass->log_sums = kept->log_sums;
    if (tape->keep == TAPE_NOTHING) pass->activated = kept->gate;
    for (size_t i = 0; i < pass->segment_count; i++) {
        const struct decoder_span *s = &tape->spans[i];
        pass->segments[i] = (struct attention_segment){.first_query = s->first,
                                                       .queries = s->rows,
                                                       .own = {matrix_rows(pass->k, s->first, s->rows).data,
                                                               matrix_rows(pass->v, s->first, s->rows).data,
                                                               s->rows, pass->k.stride},
                                                       .causal = true};
        if (s->prefix_rows)
            pass->segments[i].prefix = (struct attention_span){
                matrix_rows(pass->k, s->prefix_first, s->prefix_rows).data,
                matrix_rows(pass->v, s->prefix_first, s->prefix_rows).data, s->prefix_rows, pass->k.stride};
    }
}

static void run_layer(struct decoder_tape *tape, size_t index) {
    const struct decoder_layer *layer = &tape->pass.decoder->layers[index];
    const struct kept *kept = &tape->layers[index];
    enter(tape, kept);
    if (tape->keep != TAPE_NOTHING) device_copy(tape->pass.device, kept->x_in, tape->pass.x);
    decoder_project(&tape->pass, layer);
    decoder_attend(&tape->pass, layer);
    if (tape->keep == TAPE_ALL) device_copy(tape->pass.device, kept->x_middle, tape->pass.x);
    decoder_expand(&tape->pass, layer);
    decoder_contract(&tape->pass, layer);
}

struct decoder_tape *decoder_tape_run(const struct decoder *decoder, const struct linear_additions *additions,
                                      struct device *device, enum dtype type, struct matrix x,
                                      const int32_t *positions, const struct decoder_span *spans,
                                      size_t span_count, enum tape_keep keep, struct workspace *workspace,
                                      struct error *error) {
    struct decoder_tape *tape = workspace_host(workspace, 1, sizeof *tape, error);
    if (!tape) return NULL;
    *tape = (struct decoder_tape){.pass = {.decoder = decoder,
                                           .device = device,
                                           .additions = *additions,
                                           .x = x,
                                           .segment_count = span_count},
                                  .type = type,
                                  .keep = keep,
                                  .spans = spans,
                                  .workspace = workspace};
    if (prepare(tape, positions, error)) return NULL;
    for (size_t i = 0; i < (size_t)decoder->config.layers && !device->error.code; i++) run_layer(tape, i);
    return device_check(device, error) ? NULL : tape;
}

// Everything the backward pass of this layer reads, made again from x_in.
static void compute_again(struct decoder_tape *tape, const struct decoder_layer *layer,
                          const struct kept *kept) {
    device_copy(tape->pass.device, kept->x_middle, kept->x_in);
    tape->pass.x = kept->x_in;
    decoder_project(&tape->pass, layer);
    tape->pass.x = kept->x_middle;
    decoder_attend(&tape->pass, layer);
    decoder_expand(&tape->pass, layer);
}

static void second_half_backward(const struct decoder_tape *tape, const struct decoder_layer *layer,
                                 const struct decoder_layer *gradient, const struct kept *kept,
                                 const struct scratch *s) {
    const struct decoder_pass *pass = &tape->pass;
    struct device *device = pass->device;
    float eps = pass->decoder->config.rms_eps;
    device_swiglu(device, pass->activated, pass->gate, pass->up);
    linear_backward(&layer->down, &gradient->down, &pass->additions, device, s->dactivated, s->dx,
                    pass->activated, 0);
    device_swiglu_backward(device, pass->gate, pass->up, s->dactivated, pass->gate, pass->up);
    if (tape->keep == TAPE_ALL) device_rms_norm(device, pass->normed, kept->x_middle, layer->post_norm, eps);
    linear_backward(&layer->gate, &gradient->gate, &pass->additions, device, s->dnormed, pass->gate,
                    pass->normed, 0);
    linear_backward(&layer->up, &gradient->up, &pass->additions, device, s->dnormed, pass->up, pass->normed,
                    LINEAR_ADD);
    device_rms_norm_backward(device, s->dx, gradient->post_norm, s->dnormed, kept->x_middle, layer->post_norm,
                             eps);
}

static void first_half_backward(const struct decoder_tape *tape, const struct decoder_layer *layer,
                                const struct decoder_layer *gradient, const struct kept *kept,
                                const struct scratch *s, bool input_wanted) {
    const struct decoder_pass *pass = &tape->pass;
    struct device *device = pass->device;
    const struct decoder_config *c = &pass->decoder->config;
    linear_backward(&layer->o, &gradient->o, &pass->additions, device, s->dattended, s->dx, pass->attended,
                    0);
    const struct attention forward = decoder_attention(pass);
    const struct attention_gradient attention = {.forward = &forward,
                                                 .keys = pass->k,
                                                 .values = pass->v,
                                                 .dout = s->dattended,
                                                 .dqueries = pass->q,
                                                 .dkeys = s->dk,
                                                 .dvalues = s->dv};
    device_attention_backward(device, &attention);
    device_rope(device, pass->q, (size_t)c->head_dim, pass->cosine, pass->sine, true);
    device_rope(device, s->dk, (size_t)c->head_dim, pass->cosine, pass->sine, true);
    device_rms_norm(device, pass->normed, kept->x_in, layer->input_norm, c->rms_eps);
    bool wanted = input_wanted || gradient->input_norm.data;
    struct matrix dnormed = s->dnormed;
    if (!wanted) dnormed.data = NULL;
    linear_backward(&layer->q, &gradient->q, &pass->additions, device, dnormed, pass->q, pass->normed, 0);
    linear_backward(&layer->k, &gradient->k, &pass->additions, device, dnormed, s->dk, pass->normed,
                    LINEAR_ADD);
    linear_backward(&layer->v, &gradient->v, &pass->additions, device, dnormed, s->dv, pass->normed,
                    LINEAR_ADD);
    if (wanted)
        device_rms_norm_backward(device, s->dx, gradient->input_norm, dnormed, kept->x_in, layer->input_norm,
                                 c->rms_eps);
}

static int take_scratch(const struct decoder_tape *tape, struct scratch *s, struct error *error) {
    const struct decoder_config *c = &tape->pass.decoder->config;
    size_t rows = s->dx.rows, heads = (size_t)c->heads * (size_t)c->head_dim,
           kv = (size_t)c->kv_heads * (size_t)c->head_dim;
    s->dnormed = workspace_matrix(tape->workspace, DTYPE_F32, rows, (size_t)c->hidden, error);
    s->dk = workspace_matrix(tape->workspace, DTYPE_F32, rows, kv, error);
    s->dv = workspace_matrix(tape->workspace, DTYPE_F32, rows, kv, error);
    s->dattended = workspace_matrix(tape->workspace, tape->type, rows, heads, error);
    s->dactivated = workspace_matrix(tape->workspace, tape->type, rows, (size_t)c->intermediate, error);
    return error->code ? -1 : 0;
}

int decoder_tape_backward(struct decoder_tape *tape, const struct decoder *gradients, struct matrix dx,
                          bool input_wanted, struct error *error) {
    struct device *device = tape->pass.device;
    struct workspace_mark mark = workspace_mark(tape->workspace);
    struct scratch scratch = {.dx = dx};
    if (take_scratch(tape, &scratch, error) == 0)
        for (size_t i = (size_t)tape->pass.decoder->config.layers; i-- > 0 && !device->error.code;) {
            const struct decoder_layer *layer = &tape->pass.decoder->layers[i];
            const struct kept *kept = &tape->layers[i];
            enter(tape, kept);
            if (tape->keep == TAPE_INPUTS) compute_again(tape, layer, kept);
            second_half_backward(tape, layer, &gradients->layers[i], kept, &scratch);
            first_half_backward(tape, layer, &gradients->layers[i], kept, &scratch, input_wanted || i);
        }
    workspace_rewind(tape->workspace, mark);
    if (error->code) return -1;
    return device_check(device, error);
}
