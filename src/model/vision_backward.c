#include "model/vision_backward.h"

#include "tensor/workspace.h"

// Of one block. With TAPE_INPUTS all blocks share everything but x_in.
struct kept {
    struct matrix x_in, x_middle; // the residual stream before the block, and before its second half
    struct matrix qkv, attended, gate, up;
    float *log_sums;
};

struct vision_tape {
    struct vision_pass pass;
    enum dtype type;
    enum tape_keep keep;
    struct kept *blocks;
    struct matrix pixels; // patches in the compute type
    struct matrix last;   // the residual stream after the last block
    struct matrix merged; // [groups, merge^2 * hidden]: merger_in's output, before the activation
    struct workspace *workspace;
};

// Gradients that every block writes anew.
struct scratch {
    struct matrix dx;
    struct matrix dnormed, dqkv;         // F32
    struct matrix dattended, dactivated; // compute type
};

static int keep_block(struct vision_tape *tape, struct kept *kept, struct error *error) {
    const struct vision_config *c = &tape->pass.vision->config;
    size_t rows = tape->pass.patches, hidden = (size_t)c->hidden;
    kept->x_middle = workspace_matrix(tape->workspace, DTYPE_F32, rows, hidden, error);
    kept->qkv = workspace_matrix(tape->workspace, tape->type, rows, 3 * hidden, error);
    kept->attended = workspace_matrix(tape->workspace, tape->type, rows, hidden, error);
    kept->gate = workspace_matrix(tape->workspace, tape->type, rows, (size_t)c->intermediate, error);
    kept->up = workspace_matrix(tape->workspace, tape->type, rows, (size_t)c->intermediate, error);
    if (!error->code)
        kept->log_sums = workspace_matrix(tape->workspace, DTYPE_F32, rows, (size_t)c->heads, error).data;
    return error->code ? -1 : 0;
}

static int keep_blocks(struct vision_tape *tape, struct error *error) {
    const struct vision_config *c = &tape->pass.vision->config;
    size_t rows = tape->pass.patches, unit = (size_t)c->merge * (size_t)c->merge, hidden = (size_t)c->hidden;
    tape->blocks = workspace_host(tape->workspace, (size_t)c->depth, sizeof *tape->blocks, error);
    if (!tape->blocks) return -1;
    for (int i = 0; i < c->depth; i++) {
        if (i && tape->keep != TAPE_ALL)
            tape->blocks[i] = tape->blocks[0];
        else if (keep_block(tape, &tape->blocks[i], error))
            return -1;
        tape->blocks[i].x_in = workspace_matrix(tape->workspace, DTYPE_F32, rows, hidden, error);
        if (error->code) return -1;
    }
    tape->pass.activated =
        workspace_matrix(tape->workspace, tape->type, rows, (size_t)c->intermediate, error);
    tape->merged = workspace_matrix(tape->workspace, tape->type, rows / unit, hidden * unit, error);
    return error->code ? -1 : 0;
}

static void point_segments(const struct vision_pass *pass, struct attention_segment *segments, size_t count) {
    size_t hidden = (size_t)pass->vision->config.hidden;
    for (size_t i = 0; i < count; i++) {
        struct matrix rows = matrix_rows(pass->qkv, segments[i].first_query, segments[i].queries);
        segments[i].own.keys = matrix_columns(rows, hidden, hidden).data;
        segments[i].own.values = matrix_columns(rows, 2 * hidden, hidden).data;
    }
}

// The pass works in this block's matrices.
static void enter(struct vision_tape *tape, const struct kept *kept) {
    struct vision_pass *pass = &tape->pass;
    pass->qkv = kept->qkv;
    pass->attended = kept->attended;
    pass->gate = kept->gate;
    pass->up = kept->up;
    pass->log_sums = kept->log_sums;
    point_segments(pass, pass->windows, pass->window_count);
    point_segments(pass, pass->images, pass->image_count);
}

static void run_block(struct vision_tape *tape, size_t index) {
    const struct vision_block *block = &tape->pass.vision->blocks[index];
    const struct kept *kept = &tape->blocks[index];
    enter(tape, kept);
    device_copy(tape->pass.device, kept->x_in, tape->pass.x);
    vision_project(&tape->pass, block);
    vision_attend(&tape->pass, block);
    if (tape->keep == TAPE_ALL) device_copy(tape->pass.device, kept->x_middle, tape->pass.x);
    vision_expand(&tape->pass, block);
    vision_contract(&tape->pass, block);
}

// Rows of `normed` seen as merge groups.
static struct matrix as_groups(const struct vision_tape *tape, struct matrix normed) {
    return matrix_of(normed.data, normed.dtype, tape->merged.rows, tape->merged.columns);
}

static void run_merger(struct vision_tape *tape, struct matrix embeds, struct error *error) {
    const struct vision *vision = tape->pass.vision;
    struct device *device = tape->pass.device;
    struct workspace_mark mark = workspace_mark(tape->workspace);
    struct matrix inner =
        workspace_matrix(tape->workspace, tape->type, tape->merged.rows, tape->merged.columns, error);
    struct matrix out = workspace_matrix(tape->workspace, DTYPE_F32, embeds.rows, embeds.columns, error);
    if (error->code) return;
    const struct linear_additions additions = vision_group_additions(&tape->pass);
    device_rms_norm(device, tape->pass.normed, tape->pass.x, vision->merger_norm, VISION_NORM_EPS);
    linear_run(&vision->merger_in, &additions, device, tape->merged, as_groups(tape, tape->pass.normed), 0);
    device_gelu(device, inner, tape->merged);
    linear_run(&vision->merger_out, &additions, device, out, inner, 0);
    device_scatter(device, embeds, out, tape->pass.group_index);
    workspace_rewind(tape->workspace, mark);
}

struct vision_tape *vision_tape_run(const struct vision *vision, const struct linear_additions *additions,
                                    struct device *device, enum dtype type, struct matrix patches,
                                    const struct image_grid *grids, size_t grid_count, struct matrix embeds,
                                    enum tape_keep keep, struct workspace *workspace, struct error *error) {
    struct vision_tape *tape = workspace_host(workspace, 1, sizeof *tape, error);
    if (!tape) return NULL;
    *tape = (struct vision_tape){
        .pass = {.vision = vision, .device = device, .additions = *additions, .patches = patches.rows},
        .type = type,
        .keep = keep == TAPE_NOTHING ? TAPE_INPUTS : keep,
        .pixels = patches,
        .workspace = workspace};
    if (vision_prepare(&tape->pass, type, grids, grid_count, workspace, error) || keep_blocks(tape, error))
        return NULL;
    if (type != DTYPE_F32)
        tape->pixels = workspace_matrix(workspace, type, patches.rows, patches.columns, error);
    struct matrix first = workspace_matrix(workspace, DTYPE_F32, patches.rows, tape->pass.x.columns, error);
    if (error->code) return NULL;
    if (type != DTYPE_F32) device_gather(device, tape->pixels, patches, NULL);
    linear_run(&vision->patch_embed, NULL, device, first, tape->pixels, 0);
    device_gather(device, tape->pass.x, first, tape->pass.patch_index);
    for (int i = 0; i < vision->config.depth; i++) run_block(tape, (size_t)i);
    tape->last = tape->pass.x;
    run_merger(tape, embeds, error);
    return error->code || device_check(device, error) ? NULL : tape;
}

// Everything the backward pass of this block reads, made again from x_in.
static void compute_again(struct vision_tape *tape, const struct vision_block *block,
                          const struct kept *kept) {
    device_copy(tape->pass.device, kept->x_middle, kept->x_in);
    tape->pass.x = kept->x_in;
    vision_project(&tape->pass, block);
    tape->pass.x = kept->x_middle;
    vision_attend(&tape->pass, block);
    vision_expand(&tape->pass, block);
}

static void second_half_backward(const struct vision_tape *tape, const struct vision_block *block,
                                 const struct vision_block *gradient, const struct kept *kept,
                                 const struct scratch *s) {
    const struct vision_pass *pass = &tape->pass;
    struct device *device = pass->device;
    device_swiglu(device, pass->activated, pass->gate, pass->up);
    linear_backward(&block->down, &gradient->down, &pass->additions, device, s->dactivated, s->dx,
                    pass->activated, 0);
    device_swiglu_backward(device, pass->gate, pass->up, s->dactivated, pass->gate, pass->up);
    if (tape->keep == TAPE_ALL)
        device_rms_norm(device, pass->normed, kept->x_middle, block->norm2, VISION_NORM_EPS);
    linear_backward(&block->gate, &gradient->gate, &pass->additions, device, s->dnormed, pass->gate,
                    pass->normed, 0);
    linear_backward(&block->up, &gradient->up, &pass->additions, device, s->dnormed, pass->up, pass->normed,
                    LINEAR_ADD);
    device_rms_norm_backward(device, s->dx, gradient->norm2, s->dnormed, kept->x_middle, block->norm2,
                             VISION_NORM_EPS);
}

static void first_half_backward(const struct vision_tape *tape, const struct vision_block *block,
                                const struct vision_block *gradient, const struct kept *kept,
                                const struct scratch *s) {
    const struct vision_pass *pass = &tape->pass;
    struct device *device = pass->device;
    size_t hidden = (size_t)pass->vision->config.hidden;
    linear_backward(&block->proj, &gradient->proj, &pass->additions, device, s->dattended, s->dx,
                    pass->attended, 0);
    const struct attention forward = vision_attention(pass, block);
    const struct attention_gradient attention = {.forward = &forward,
                                                 .keys = matrix_columns(pass->qkv, hidden, hidden),
                                                 .values = matrix_columns(pass->qkv, 2 * hidden, hidden),
                                                 .dout = s->dattended,
                                                 .dqueries = matrix_columns(s->dqkv, 0, hidden),
                                                 .dkeys = matrix_columns(s->dqkv, hidden, hidden),
                                                 .dvalues = matrix_columns(s->dqkv, 2 * hidden, hidden)};
    device_attention_backward(device, &attention);
    device_rope(device, matrix_columns(s->dqkv, 0, 2 * hidden), forward.head_dim, pass->cosine, pass->sine,
                true);
    device_rms_norm(device, pass->normed, kept->x_in, block->norm1, VISION_NORM_EPS);
    linear_backward(&block->qkv, &gradient->qkv, &pass->additions, device, s->dnormed, s->dqkv, pass->normed,
                    0);
    device_rms_norm_backward(device, s->dx, gradient->norm1, s->dnormed, kept->x_in, block->norm1,
                             VISION_NORM_EPS);
}

static int take_scratch(const struct vision_tape *tape, struct scratch *s, struct error *error) {
    const struct vision_config *c = &tape->pass.vision->config;
    size_t rows = tape->pass.patches, hidden = (size_t)c->hidden;
    s->dx = workspace_matrix(tape->workspace, DTYPE_F32, rows, hidden, error);
    s->dnormed = workspace_matrix(tape->workspace, DTYPE_F32, rows, hidden, error);
    s->dqkv = workspace_matrix(tape->workspace, DTYPE_F32, rows, 3 * hidden, error);
    s->dattended = workspace_matrix(tape->workspace, tape->type, rows, hidden, error);
    s->dactivated = workspace_matrix(tape->workspace, tape->type, rows, (size_t)c->intermediate, error);
    if (error->code) return -1;
    device_clear(tape->pass.device, s->dx);
    return 0;
}

// dx of the last block's output.
static void merger_backward(const struct vision_tape *tape, const struct vision *gradients,
                            struct matrix dembeds, const struct scratch *s, struct error *error) {
    const struct vision *vision = tape->pass.vision;
    struct device *device = tape->pass.device;
    struct workspace_mark mark = workspace_mark(tape->workspace);
    struct matrix dout = workspace_matrix(tape->workspace, DTYPE_F32, dembeds.rows, dembeds.columns, error);
    struct matrix inner =
        workspace_matrix(tape->workspace, tape->type, tape->merged.rows, tape->merged.columns, error);
    struct matrix dinner =
        workspace_matrix(tape->workspace, tape->type, tape->merged.rows, tape->merged.columns, error);
    if (error->code) return;
    const struct linear_additions additions = vision_group_additions(&tape->pass);
    device_gather(device, dout, dembeds, tape->pass.group_index);
    device_gelu(device, inner, tape->merged);
    linear_backward(&vision->merger_out, &gradients->merger_out, &additions, device, dinner, dout, inner, 0);
    device_gelu_backward(device, dinner, dinner, tape->merged);
    device_rms_norm(device, tape->pass.normed, tape->last, vision->merger_norm, VISION_NORM_EPS);
    linear_backward(&vision->merger_in, &gradients->merger_in, &additions, device,
                    as_groups(tape, s->dnormed), dinner, as_groups(tape, tape->pass.normed), 0);
    device_rms_norm_backward(device, s->dx, gradients->merger_norm, s->dnormed, tape->last,
                             vision->merger_norm, VISION_NORM_EPS);
    workspace_rewind(tape->workspace, mark);
}

static void blocks_backward(struct vision_tape *tape, const struct vision *gradients,
                            const struct scratch *s) {
    struct device *device = tape->pass.device;
    for (size_t i = (size_t)tape->pass.vision->config.depth; i-- > 0 && !device->error.code;) {
        const struct vision_block *block = &tape->pass.vision->blocks[i];
        const struct kept *kept = &tape->blocks[i];
        enter(tape, kept);
        if (tape->keep == TAPE_INPUTS) compute_again(tape, block, kept);
        second_half_backward(tape, block, &gradients->blocks[i], kept, s);
        first_half_backward(tape, block, &gradients->blocks[i], kept, s);
    }
    // Back from window order to patch order; nothing lies below the patches.
    device_scatter(device, s->dnormed, s->dx, tape->pass.patch_index);
    linear_backward(&tape->pass.vision->patch_embed, &gradients->patch_embed, NULL, device,
                    (struct matrix){0}, s->dnormed, tape->pixels, 0);
}

int vision_tape_backward(struct vision_tape *tape, const struct vision *gradients, struct matrix dembeds,
                         bool blocks_wanted, struct error *error) {
    struct scratch scratch;
    struct workspace_mark mark = workspace_mark(tape->workspace);
    if (take_scratch(tape, &scratch, error) == 0) merger_backward(tape, gradients, dembeds, &scratch, error);
    if (!error->code && blocks_wanted) blocks_backward(tape, gradients, &scratch);
    workspace_rewind(tape->workspace, mark);
    if (error->code) return -1;
    return device_check(tape->pass.device, error);
}
