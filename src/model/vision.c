#include "model/vision.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/vision_internal.h"
#include "tensor/workspace.h"

struct vision *vision_new(const struct vision_config *config, struct error *error) {
    struct vision *vision = memory_new(1, sizeof *vision, "vision tower", error);
    if (!vision) return NULL;
    vision->config = *config;
    vision->blocks = memory_new((size_t)config->depth, sizeof *vision->blocks, "vision tower", error);
    if (!vision->blocks) {
        vision_free(vision);
        return NULL;
    }
    for (int i = 0; i < config->depth; i++) vision->blocks[i].full = vision_is_full(config, i);
    return vision;
}

void vision_free(struct vision *vision) {
    if (!vision) return;
    free(vision->blocks);
    free(vision);
}

size_t vision_window_order(const struct vision_config *c, const struct image_grid *grids, size_t grid_count,
                           size_t *group_index, size_t *windows) {
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

// Rows and columns in the picture of the patches in window order: positions [2, patches].
static void fill_positions(const struct vision_pass *pass, const struct image_grid *grids, size_t grid_count,
                           int32_t *order, int32_t *positions) {
    const struct vision_config *c = &pass->vision->config;
    size_t merge = (size_t)c->merge, i = 0, patches = pass->patches;
    for (size_t g = 0; g < grid_count; g++)
        for (size_t group = 0; group < grids[g].frames * grids[g].height * grids[g].width / (merge * merge);
             group++) {
            size_t columns = grids[g].width / merge, rows = grids[g].height / merge;
            size_t y = group / columns % rows, x = group % columns;
            for (size_t d = 0; d < merge * merge; d++, i++) {
                order[i] = (int32_t)(y * merge + d / merge);
                order[patches + i] = (int32_t)(x * merge + d % merge);
            }
        }
    for (size_t axis = 0; axis < 2; axis++)
        for (size_t row = 0; row < patches; row++)
            positions[axis * patches + row] = order[axis * patches + pass->patch_index[row]];
}

// Half of the pairs turn with the row, half with the column.
static int fill_angles(const struct vision_pass *pass, const struct image_grid *grids, size_t grid_count,
                       struct workspace *workspace, struct error *error) {
    const struct vision_config *c = &pass->vision->config;
    size_t quarter = (size_t)(c->hidden / c->heads) / 4;
    int32_t *order = workspace_host(workspace, 2 * pass->patches, sizeof *order, error);
    int32_t *positions = workspace_host(workspace, 2 * pass->patches, sizeof *positions, error);
    float *frequencies = workspace_host(workspace, 2 * quarter, sizeof *frequencies, error);
    uint8_t *axes = workspace_host(workspace, 2 * quarter, sizeof *axes, error);
    if (!order || !positions || !frequencies || !axes) return -1;
    fill_positions(pass, grids, grid_count, order, positions);
    for (size_t k = 0; quarter && k < 2 * quarter; k++) {
        frequencies[k] = 1.0f / powf(10000.0f, (float)(2 * (k % quarter)) / (float)(2 * quarter));
        axes[k] = k >= quarter;
    }
    const struct rotary rotary = {frequencies, axes, positions, pass->patches};
    device_rotary(pass->device, pass->cosine, pass->sine, &rotary);
    return 0;
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
                   size_t grid_count, struct workspace *workspace, struct error *error) {
    const struct vision_config *c = &pass->vision->config;
    size_t unit = (size_t)(c->merge * c->merge), groups = pass->patches / unit, hidden = (size_t)c->hidden,
           frames = 0;
    for (size_t g = 0; g < grid_count; g++) frames += grids[g].frames;
    pass->patch_index = workspace_host(workspace, pass->patches, sizeof(size_t), error);
    pass->group_index = workspace_host(workspace, groups, sizeof(size_t), error);
    size_t *lengths = workspace_host(workspace, groups > frames ? groups : frames, sizeof *lengths, error);
    pass->windows = workspace_host(workspace, groups, sizeof *pass->windows, error);
    pass->images = workspace_host(workspace, frames, sizeof *pass->images, error);
    if (error->code) return -1;
    size_t half = hidden / (size_t)c->heads / 2, intermediate = (size_t)c->intermediate;
    pass->cosine = workspace_matrix(workspace, DTYPE_F32, pass->patches, half, error);
    pass->sine = workspace_matrix(workspace, DTYPE_F32, pass->patches, half, error);
    pass->x = workspace_matrix(workspace, DTYPE_F32, pass->patches, hidden, error);
    pass->normed = workspace_matrix(workspace, type, pass->patches, hidden, error);
    pass->qkv = workspace_matrix(workspace, type, pass->patches, 3 * hidden, error);
    pass->attended = workspace_matrix(workspace, type, pass->patches, hidden, error);
    pass->gate = workspace_matrix(workspace, type, pass->patches, intermediate, error);
    pass->up = workspace_matrix(workspace, type, pass->patches, intermediate, error);
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
    return fill_angles(pass, grids, grid_count, workspace, error);
}

struct linear_additions vision_group_additions(const struct vision_pass *pass) {
    struct linear_additions additions = pass->additions;
    additions.unit = (size_t)(pass->vision->config.merge * pass->vision->config.merge);
    return additions;
}

void vision_project(const struct vision_pass *pass, const struct vision_block *block) {
    const struct vision_config *c = &pass->vision->config;
    device_rms_norm(pass->device, pass->normed, pass->x, block->norm1, VISION_NORM_EPS);
    linear_run(&block->qkv, &pass->additions, pass->device, pass->qkv, pass->normed, 0);
    device_rope(pass->device, matrix_columns(pass->qkv, 0, 2 * (size_t)c->hidden), // q and k
                (size_t)(c->hidden / c->heads), pass->cosine, pass->sine, false);
}

struct attention vision_attention(const struct vision_pass *pass, const struct vision_block *block) {
    const struct vision_config *c = &pass->vision->config;
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
    device_attention(pass->device, &attention);
    linear_run(&block->proj, &pass->additions, pass->device, pass->x, pass->attended, LINEAR_ADD);
}

void vision_expand(const struct vision_pass *pass, const struct vision_block *block) {
    device_rms_norm(pass->device, pass->normed, pass->x, block->norm2, VISION_NORM_EPS);
    linear_run(&block->gate, &pass->additions, pass->device, pass->gate, pass->normed, 0);
    linear_run(&block->up, &pass->additions, pass->device, pass->up, pass->normed, 0);
}

void vision_contract(const struct vision_pass *pass, const struct vision_block *block) {
    device_swiglu(pass->device, pass->activated, pass->gate, pass->up);
    linear_run(&block->down, &pass->additions, pass->device, pass->x, pass->activated, LINEAR_ADD);
}

static void run_block(const struct vision_pass *pass, const struct vision_block *block) {
    vision_project(pass, block);
    vision_attend(pass, block);
    vision_expand(pass, block);
    vision_contract(pass, block);
}

static void merge_patches(const struct vision_pass *pass, enum dtype type, struct matrix embeds,
                          struct workspace *workspace, const struct trace *trace, struct error *error) {
    const struct vision *vision = pass->vision;
    size_t unit = (size_t)(vision->config.merge * vision->config.merge), groups = pass->patches / unit;
    device_rms_norm(pass->device, pass->normed, pass->x, vision->merger_norm, VISION_NORM_EPS);
    struct matrix merged = matrix_of(pass->normed.data, type, groups, pass->normed.columns * unit);
    struct matrix inner = workspace_matrix(workspace, type, groups, merged.columns, error);
    struct matrix out = workspace_matrix(workspace, DTYPE_F32, groups, embeds.columns, error);
    if (error->code) return;
    const struct linear_additions additions = vision_group_additions(pass);
    linear_run(&vision->merger_in, &additions, pass->device, inner, merged, 0);
    device_gelu(pass->device, inner, inner);
    linear_run(&vision->merger_out, &additions, pass->device, out, inner, 0);
    trace_record(trace, "vision.merger", -1, out);
    device_scatter(pass->device, embeds, out, pass->group_index);
    trace_record(trace, "vision.embeds", -1, embeds);
}

int vision_encode(const struct vision *vision, const struct linear_additions *additions,
                  struct device *device, enum dtype type, struct matrix patches,
                  const struct image_grid *grids, size_t grid_count, struct matrix embeds,
                  struct workspace *workspace, const struct trace *trace, struct error *error) {
    struct vision_pass pass = {
        .vision = vision, .device = device, .additions = *additions, .patches = patches.rows};
    struct workspace_mark mark = workspace_mark(workspace);
    *error = (struct error){0};
    struct matrix pixels = {0}, first = {0};
    if (vision_prepare(&pass, type, grids, grid_count, workspace, error) == 0) {
        struct matrix uploaded = workspace_matrix(workspace, DTYPE_F32, patches.rows, patches.columns, error);
        pixels = uploaded;
        if (type != DTYPE_F32)
            pixels = workspace_matrix(workspace, type, patches.rows, patches.columns, error);
        if (!error->code) {
            device_upload(device, uploaded, patches.data);
            if (type != DTYPE_F32) device_gather(device, pixels, uploaded, NULL);
        }
        first = workspace_matrix(workspace, DTYPE_F32, patches.rows, (size_t)vision->config.hidden, error);
    }
    if (!error->code) {
        linear_run(&vision->patch_embed, NULL, device, first, pixels, 0);
        trace_record(trace, "vision.patch_embed", -1, first);
        device_gather(device, pass.x, first, pass.patch_index);
        for (int i = 0; i < vision->config.depth; i++) {
            run_block(&pass, &vision->blocks[i]);
            trace_record(trace, "vision.block", i, pass.x);
        }
        merge_patches(&pass, type, embeds, workspace, trace, error);
    }
    workspace_rewind(workspace, mark);
    if (error->code) return -1;
    return device_check(device, error);
}
