#include "model/vision.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/vision_parts.h"
#include "model/workspace.h"

static int open_norm(struct matrix *norm, const struct checkpoint *checkpoint, const char *name, int size,
                     struct error *error) {
    const struct tensor *tensor = checkpoint_vector(checkpoint, name, size, error);
    if (!tensor) return -1;
    *norm = matrix_of_tensor(tensor);
    return 0;
}

static int open_block(struct vision_block *block, const struct checkpoint *checkpoint,
                      const struct qwen_vision_config *c, int index, struct error *error) {
    char name[96];
    int n = snprintf(name, sizeof name, "visual.blocks.%d.", index);
    char *end = name + n;
    size_t left = sizeof name - (size_t)n;
    struct {
        const char *name;
        struct linear *linear;
        int out, in;
    } layers[] = {{"attn.qkv", &block->qkv, 3 * c->hidden, c->hidden},
                  {"attn.proj", &block->proj, c->hidden, c->hidden},
                  {"mlp.gate_proj", &block->gate, c->intermediate, c->hidden},
                  {"mlp.up_proj", &block->up, c->intermediate, c->hidden},
                  {"mlp.down_proj", &block->down, c->hidden, c->intermediate}};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        snprintf(end, left, "%s", layers[i].name);
        if (linear_open(layers[i].linear, checkpoint, name, layers[i].out, layers[i].in, LINEAR_BIASED,
                        error))
            return -1;
    }
    block->full = qwen_vision_is_full(c, index);
    snprintf(end, left, "norm1.weight");
    if (open_norm(&block->norm1, checkpoint, name, c->hidden, error)) return -1;
    snprintf(end, left, "norm2.weight");
    return open_norm(&block->norm2, checkpoint, name, c->hidden, error);
}

static int open_tensors(struct vision *vision, const struct checkpoint *checkpoint, struct error *error) {
    const struct qwen_vision_config *c = &vision->config;
    size_t patch[] = {(size_t)c->hidden, (size_t)c->in_channels, (size_t)c->temporal_patch, (size_t)c->patch,
                      (size_t)c->patch};
    const struct tensor *conv =
        checkpoint_tensor(checkpoint, "visual.patch_embed.proj.weight", 5, patch, error);
    if (!conv) return -1;
    // The convolution has no overlap: flattened, it is a linear layer over the values of a patch.
    vision->patch_embed.weight =
        matrix_of(conv->data, conv->dtype, patch[0], patch[1] * patch[2] * patch[3] * patch[4]);
    for (int i = 0; i < c->depth; i++)
        if (open_block(&vision->blocks[i], checkpoint, c, i, error)) return -1;
    int merged = c->hidden * c->merge * c->merge;
    if (open_norm(&vision->merger_norm, checkpoint, "visual.merger.ln_q.weight", c->hidden, error) ||
        linear_open(&vision->merger_in, checkpoint, "visual.merger.mlp.0", merged, merged, LINEAR_BIASED,
                    error))
        return -1;
    return linear_open(&vision->merger_out, checkpoint, "visual.merger.mlp.2", c->out_hidden, merged,
                       LINEAR_BIASED, error);
}

struct vision *vision_open(const struct checkpoint *checkpoint, struct error *error) {
    struct vision *vision = memory_new(1, sizeof *vision, "vision tower", error);
    if (!vision) return NULL;
    vision->config = checkpoint_config(checkpoint)->vision;
    vision->blocks = memory_new((size_t)vision->config.depth, sizeof *vision->blocks, "vision tower", error);
    if (!vision->blocks || open_tensors(vision, checkpoint, error)) {
        vision_free(vision);
        return NULL;
    }
    return vision;
}

void vision_free(struct vision *vision) {
    if (!vision) return;
    free(vision->blocks);
    free(vision);
}

size_t vision_window_order(const struct qwen_vision_config *c, const struct image_grid *grids,
                           size_t grid_count, size_t *group_index, size_t *windows) {
    size_t merge = (size_t)c->merge, side = (size_t)(c->window / c->merge / c->patch), base = 0, next = 0,
           count = 0;
    for (size_t g = 0; g < grid_count; g++) {
        size_t rows = grids[g].height / merge, columns = grids[g].width / merge;
        for (size_t frame = 0; frame < grids[g].frames; frame++, base += rows * columns)
            for (size_t top = 0; top < rows; top += side)
                for (size_t left = 0; left < columns; left += side) {
                    size_t before = next;
                    for (size_t y = top; y < top + side && y < rows; y++)
                        for (size_t x = left; x < left + side && x < columns; x++)
                            group_index[next++] = base + y * columns + x;
                    windows[count++] = (next - before) * merge * merge;
                }
    }
    return count;
}

static void fill_angles(const struct vision_pass *pass, const struct image_grid *grids, size_t grid_count,
                        size_t *patch_row, size_t *patch_column) {
    const struct qwen_vision_config *c = &pass->vision->config;
    size_t merge = (size_t)c->merge, i = 0, quarter = (size_t)(c->hidden / c->heads) / 4;
    for (size_t g = 0; g < grid_count; g++)
        for (size_t group = 0; group < grids[g].frames * grids[g].height * grids[g].width / (merge * merge);
             group++) {
            size_t columns = grids[g].width / merge, rows = grids[g].height / merge;
            size_t y = group / columns % rows, x = group % columns;
            for (size_t d = 0; d < merge * merge; d++, i++) {
                patch_row[i] = y * merge + d / merge;
                patch_column[i] = x * merge + d % merge;
            }
        }
    for (size_t k = 0; k < quarter; k++) {
        float frequency = 1.0f / powf(10000.0f, (float)(2 * k) / (float)(2 * quarter));
        for (size_t row = 0; row < pass->patches; row++) {
            size_t patch = pass->patch_index[row];
            float vertical = (float)patch_row[patch] * frequency,
                  horizontal = (float)patch_column[patch] * frequency;
            float *cosine = (float *)pass->cosine.data + row * pass->cosine.stride;
            float *sine = (float *)pass->sine.data + row * pass->sine.stride;
            cosine[k] = cosf(vertical);
            sine[k] = sinf(vertical);
            cosine[quarter + k] = cosf(horizontal);
            sine[quarter + k] = sinf(horizontal);
        }
    }
}

// Segments of consecutive rows of the window-ordered stream, keys and values in the qkv matrix.
static void fill_segments(const struct vision_pass *pass, struct attention_segment *segments,
                          const size_t *lengths, size_t count) {
    size_t row = 0, hidden = (size_t)pass->vision->config.hidden;
    for (size_t i = 0; i < count; i++) {
        struct matrix rows = matrix_rows(pass->qkv, row, lengths[i]);
        segments[i] = (struct attention_segment){
            .first_query = row,
            .queries = lengths[i],
            .own = {.keys = matrix_columns(rows, hidden, hidden).data,
                    .values = matrix_columns(rows, 2 * hidden, hidden).data,
                    .rows = lengths[i],
                    .stride = rows.stride},
        };
        row += lengths[i];
    }
}

int vision_prepare(struct vision_pass *pass, enum dtype type, const struct image_grid *grids,
                   size_t grid_count, struct arena *arena, struct error *error) {
    const struct qwen_vision_config *c = &pass->vision->config;
    size_t unit = (size_t)(c->merge * c->merge), groups = pass->patches / unit, hidden = (size_t)c->hidden,
           frames = 0;
    for (size_t g = 0; g < grid_count; g++) frames += grids[g].frames;
    pass->patch_index = arena_get(arena, pass->patches, sizeof(size_t), error);
    pass->group_index = arena_get(arena, groups, sizeof(size_t), error);
    size_t *lengths = arena_get(arena, groups > frames ? groups : frames, sizeof *lengths, error);
    size_t *patch_row = arena_get(arena, 2 * pass->patches, sizeof *patch_row, error);
    pass->windows = arena_get(arena, groups, sizeof *pass->windows, error);
    pass->images = arena_get(arena, frames, sizeof *pass->images, error);
    if (error->code) return -1;
    size_t half = hidden / (size_t)c->heads / 2, intermediate = (size_t)c->intermediate;
    pass->cosine = workspace_matrix(arena, DTYPE_F32, pass->patches, half, error);
    pass->sine = workspace_matrix(arena, DTYPE_F32, pass->patches, half, error);
    pass->x = workspace_matrix(arena, DTYPE_F32, pass->patches, hidden, error);
    pass->normed = workspace_matrix(arena, type, pass->patches, hidden, error);
    pass->qkv = workspace_matrix(arena, type, pass->patches, 3 * hidden, error);
    pass->attended = workspace_matrix(arena, type, pass->patches, hidden, error);
    pass->gate = workspace_matrix(arena, type, pass->patches, intermediate, error);
    pass->up = workspace_matrix(arena, type, pass->patches, intermediate, error);
    pass->activated = pass->gate;
    if (error->code) return -1;
    pass->window_count = vision_window_order(c, grids, grid_count, pass->group_index, lengths);
    fill_segments(pass, pass->windows, lengths, pass->window_count);
    for (size_t i = 0; i < pass->patches; i++)
        pass->patch_index[i] = pass->group_index[i / unit] * unit + i % unit;
    for (size_t g = 0; g < grid_count; g++)
        for (size_t f = 0; f < grids[g].frames; f++)
            lengths[pass->image_count++] = grids[g].height * grids[g].width;
    fill_segments(pass, pass->images, lengths, pass->image_count);
    fill_angles(pass, grids, grid_count, patch_row, patch_row + pass->patches);
    return 0;
}

void vision_project(const struct vision_pass *pass, const struct vision_block *block) {
    const struct qwen_vision_config *c = &pass->vision->config;
    const struct device_operations *run = pass->device->operations;
    run->rms_norm(pass->device, pass->normed, pass->x, block->norm1, VISION_NORM_EPS);
    linear_run(&block->qkv, pass->device, pass->qkv, pass->normed, 0);
    run->rope(pass->device, matrix_columns(pass->qkv, 0, 2 * (size_t)c->hidden), // q and k
              (size_t)(c->hidden / c->heads), pass->cosine, pass->sine, false);
}

struct attention vision_attention(const struct vision_pass *pass, const struct vision_block *block) {
    const struct qwen_vision_config *c = &pass->vision->config;
    size_t head_dim = (size_t)(c->hidden / c->heads);
    return (struct attention){.out = pass->attended,
                              .queries = matrix_columns(pass->qkv, 0, (size_t)c->hidden),
                              .span_type = pass->qkv.dtype,
                              .heads = (size_t)c->heads,
                              .kv_heads = (size_t)c->heads,
                              .head_dim = head_dim,
                              .scale = 1.0f / sqrtf((float)head_dim),
                              .segments = block->full ? pass->images : pass->windows,
                              .segment_count = block->full ? pass->image_count : pass->window_count,
                              .log_sums = pass->log_sums};
}

void vision_attend(const struct vision_pass *pass, const struct vision_block *block) {
    struct attention attention = vision_attention(pass, block);
    pass->device->operations->attention(pass->device, &attention);
    linear_run(&block->proj, pass->device, pass->x, pass->attended, LINEAR_ADD);
}

void vision_expand(const struct vision_pass *pass, const struct vision_block *block) {
    pass->device->operations->rms_norm(pass->device, pass->normed, pass->x, block->norm2, VISION_NORM_EPS);
    linear_run(&block->gate, pass->device, pass->gate, pass->normed, 0);
    linear_run(&block->up, pass->device, pass->up, pass->normed, 0);
}

void vision_contract(const struct vision_pass *pass, const struct vision_block *block) {
    pass->device->operations->swiglu(pass->device, pass->activated, pass->gate, pass->up);
    linear_run(&block->down, pass->device, pass->x, pass->activated, LINEAR_ADD);
}

static void run_block(const struct vision_pass *pass, const struct vision_block *block) {
    vision_project(pass, block);
    vision_attend(pass, block);
    vision_expand(pass, block);
    vision_contract(pass, block);
}

static void merge_patches(const struct vision_pass *pass, enum dtype type, struct matrix embeds,
                          struct arena *arena, const struct trace *trace, struct error *error) {
    const struct vision *vision = pass->vision;
    const struct device_operations *run = pass->device->operations;
    size_t unit = (size_t)(vision->config.merge * vision->config.merge), groups = pass->patches / unit;
    run->rms_norm(pass->device, pass->normed, pass->x, vision->merger_norm, VISION_NORM_EPS);
    struct matrix merged = matrix_of(pass->normed.data, type, groups, pass->normed.columns * unit);
    struct matrix inner = workspace_matrix(arena, type, groups, merged.columns, error);
    struct matrix out = workspace_matrix(arena, DTYPE_F32, groups, embeds.columns, error);
    if (error->code) return;
    linear_run(&vision->merger_in, pass->device, inner, merged, 0);
    run->gelu(pass->device, inner, inner);
    linear_run(&vision->merger_out, pass->device, out, inner, 0);
    trace_record(trace, "vision.merger", -1, out);
    run->scatter(pass->device, embeds, out, pass->group_index);
    trace_record(trace, "vision.embeds", -1, embeds);
}

int vision_encode(const struct vision *vision, struct device *device, enum dtype type, struct matrix patches,
                  const struct image_grid *grids, size_t grid_count, struct matrix embeds,
                  struct arena *arena, const struct trace *trace, struct error *error) {
    struct vision_pass pass = {.vision = vision, .device = device, .patches = patches.rows};
    size_t mark = arena_mark(arena);
    *error = (struct error){0};
    struct matrix pixels = patches, first = {0};
    if (vision_prepare(&pass, type, grids, grid_count, arena, error) == 0) {
        if (type != DTYPE_F32) {
            pixels = workspace_matrix(arena, type, patches.rows, patches.columns, error);
            if (!error->code) device->operations->gather(device, pixels, patches, NULL);
        }
        first = workspace_matrix(arena, DTYPE_F32, patches.rows, (size_t)vision->config.hidden, error);
    }
    if (!error->code) {
        linear_run(&vision->patch_embed, device, first, pixels, 0);
        trace_record(trace, "vision.patch_embed", -1, first);
        device->operations->gather(device, pass.x, first, pass.patch_index);
        for (int i = 0; i < vision->config.depth; i++) {
            run_block(&pass, &vision->blocks[i]);
            trace_record(trace, "vision.block", i, pass.x);
        }
        merge_patches(&pass, type, embeds, arena, trace, error);
    }
    arena_rewind(arena, mark);
    if (error->code) return -1;
    return device_check(device, error);
}
