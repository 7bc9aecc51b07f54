#include "model/group_pass_internal.h"

#include <math.h>
#include <string.h>

#include "model/lora_spans.h"
#include "model/model_internal.h"
#include "tensor/workspace.h"

static int add_span(struct linear_additions *additions, const struct group_pass *pass,
                    const struct prompt_group *group, size_t rows, struct error *error) {
    const struct lora *adapter = group && group->adapter ? group->adapter : pass->adapter;
    if (lora_spans_add(additions, pass->model, adapter, rows, error)) return -1;
    if (adapter == pass->adapter) additions->spans[additions->count - 1].gradients = pass->gradients;
    return 0;
}

// Of the groups' patches.
static int tower_additions(struct linear_additions *additions, const struct group_pass *pass,
                           const struct prompt_group *groups, size_t count, struct error *error) {
    if (lora_spans_open(additions, count, pass->workspace, error)) return -1;
    for (size_t g = 0; g < count; g++)
        if (add_span(additions, pass, &groups[g], groups[g].prompt->patches.rows, error)) return -1;
    return 0;
}

// Of all rows; those of padding go with the last group.
static int row_additions(struct linear_additions *additions, const struct group_pass *pass,
                         const struct prompt_group *groups, size_t count, struct error *error) {
    size_t left = pass->rows.rows;
    if (lora_spans_open(additions, count, pass->workspace, error)) return -1;
    for (size_t g = 0; g < count; g++) {
        size_t rows = groups[g].prompt->ids.count;
        for (size_t k = 0; k < groups[g].completion_count; k++)
            rows += group_rows_of(&groups[g].completions[k], pass->targets);
        if (g + 1 == count) rows = left;
        if (add_span(additions, pass, &groups[g], rows, error)) return -1;
        left -= rows;
    }
    return 0;
}

// All groups' pictures through the tower together, with a tape.
static int run_tower(struct group_pass *pass, const struct prompt_group *groups, size_t count,
                     struct error *error) {
    struct workspace *workspace = pass->workspace;
    struct model *model = pass->model;
    size_t rows = 0, grids = 0, columns = 0, row = 0, grid = 0;
    for (size_t g = 0; g < count; g++) {
        rows += groups[g].prompt->patches.rows;
        grids += groups[g].prompt->grid_count;
        if (groups[g].prompt->patches.rows) columns = groups[g].prompt->patches.columns;
    }
    struct matrix patches = workspace_matrix(workspace, DTYPE_F32, rows, columns, error);
    if (error->code) return -1;
    struct image_grid *all = workspace_host(workspace, grids, sizeof *all, error);
    if (!all) return -1;
    for (size_t g = 0; g < count; g++) {
        const struct prompt *prompt = groups[g].prompt;
        if (!prompt->patches.rows) continue;
        device_upload(pass->model->device, matrix_rows(patches, row, prompt->patches.rows),
                      prompt->patches.data);
        memcpy(all + grid, prompt->grids, prompt->grid_count * sizeof *all);
        row += prompt->patches.rows;
        grid += prompt->grid_count;
    }
    struct linear_additions additions;
    if (tower_additions(&additions, pass, groups, count, error)) return -1;
    pass->vision = vision_tape_run(model->vision, &additions, model->device, model->type, patches, all, grids,
                                   pass->embeds, pass->keep, workspace, error);
    return pass->vision ? 0 : -1;
}

static int encode_group(struct group_pass *pass, const struct prompt_group *group, struct matrix embeds,
                        struct error *error) {
    struct model *model = pass->model;
    const struct prompt *prompt = group->prompt;
    struct linear_additions additions;
    struct workspace_mark mark = workspace_mark(pass->workspace);
    int result = lora_spans_open(&additions, 1, pass->workspace, error) ||
                         add_span(&additions, pass, group, prompt->patches.rows, error)
                     ? -1
                     : vision_encode(model->vision, &additions, model->device, model->type, prompt->patches,
                                     prompt->grids, prompt->grid_count, embeds, pass->workspace, NULL, error);
    workspace_rewind(pass->workspace, mark);
    return result;
}

// A frozen tower: cached embeddings, or one group after the other through inference.
static int encode_images(struct group_pass *pass, const struct prompt_group *groups, size_t count,
                         struct error *error) {
    struct model *model = pass->model;
    size_t row = 0, unit = (size_t)model->config->vision.merge * (size_t)model->config->vision.merge;
    for (size_t g = 0; g < count; g++) {
        const struct prompt *prompt = groups[g].prompt;
        size_t rows = prompt->patches.rows / unit;
        struct matrix cached = groups[g].image_embeds;
        if (!rows) continue;
        struct matrix embeds = matrix_rows(pass->embeds, row, rows);
        row += rows;
        if (cached.data && (cached.rows != rows || cached.columns != embeds.columns))
            return error_set(error, ERROR_INTERNAL, "cached image embeddings have %zu rows, expected %zu",
                             cached.rows, rows);
        if (cached.data)
            device_upload(model->device, embeds, cached.data);
        else if (encode_group(pass, &groups[g], embeds, error))
            return -1;
    }
    return 0;
}

static int embed(struct group_pass *pass, const struct prompt_group *groups, size_t count,
                 struct error *error) {
    struct model *model = pass->model;
    decoder_embed(model->decoder, pass->model->device, pass->x, pass->rows.ids);
    if (pass->rows.image_count == 0) return 0;
    struct workspace *workspace = pass->workspace;
    pass->embeds = workspace_matrix(workspace, DTYPE_F32, pass->rows.image_count, pass->x.columns, error);
    if (error->code) return -1;
    if (pass->keep_tower ? run_tower(pass, groups, count, error) : encode_images(pass, groups, count, error))
        return -1;
    struct matrix embeds = pass->embeds;
    if (model->type == DTYPE_BF16) { // as in inference: the reference casts to the embedding's type
        embeds = workspace_matrix(workspace, DTYPE_BF16, embeds.rows, embeds.columns, error);
        if (error->code) return -1;
        device_gather(pass->model->device, embeds, pass->embeds, NULL);
    }
    device_scatter(pass->model->device, pass->x, embeds, pass->rows.images);
    return 0;
}

int group_pass_run(struct group_pass *pass, const struct prompt_group *groups, size_t count,
                   float temperature, struct error *error) {
    if (!(temperature > 0 && isfinite(temperature)))
        return error_set(error, ERROR_USAGE, "temperature %g: log-probs need one above 0",
                         (double)temperature);
    struct model *model = pass->model;
    struct workspace *workspace = pass->workspace;
    size_t hidden = (size_t)model->config->text.hidden;
    const struct group_rows *rows = &pass->rows;
    if (group_rows_build(&pass->rows, model, groups, count, pass->targets, workspace, error)) return -1;
    pass->x = workspace_matrix(workspace, DTYPE_F32, rows->rows, hidden, error);
    pass->last = workspace_matrix(workspace, DTYPE_F32, rows->tokens, hidden, error);
    pass->normed = workspace_matrix(workspace, model->type, rows->tokens, hidden, error);
    if (error->code) return -1;
    if (pass->targets == TARGETS_NEXT) {
        size_t vocab = (size_t)model->config->text.vocab;
        pass->logits = workspace_matrix(workspace, DTYPE_F32, rows->tokens, vocab, error);
    } else {
        pass->log_probs = workspace_matrix(workspace, DTYPE_F32, 1, rows->tokens, error).data;
        pass->log_sums = workspace_matrix(workspace, DTYPE_F32, 1, rows->tokens, error).data;
        if (pass->entropic)
            pass->entropies = workspace_matrix(workspace, DTYPE_F32, 1, rows->tokens, error).data;
    }
    if (error->code || embed(pass, groups, count, error)) return -1;
    struct linear_additions additions;
    if (row_additions(&additions, pass, groups, count, error)) return -1;
    pass->text =
        decoder_tape_run(model->decoder, &additions, model->device, model->type, pass->x, rows->positions,
                         rows->spans, rows->span_count, pass->keep, workspace, error);
    if (!pass->text) return -1;
    device_gather(pass->model->device, pass->last, pass->x, rows->sources);
    decoder_norm(model->decoder, pass->model->device, pass->normed, pass->last);
    if (pass->targets == TARGETS_NEXT)
        decoder_logits(model->decoder, model->device, pass->logits, pass->normed);
    else
        device_log_probs(pass->model->device, pass->log_probs, pass->log_sums, pass->entropies, pass->normed,
                         &model->decoder->head, rows->targets, temperature);
    return device_check(pass->model->device, error);
}

int group_pass_score(struct group_pass *pass, const struct prompt_group *groups, size_t count,
                     float temperature, float *results, struct error *error) {
    workspace_reset(pass->workspace);
    *error = (struct error){0};
    int result = group_pass_run(pass, groups, count, temperature, error);
    if (result == 0) {
        device_download(pass->model->device, results,
                        pass->targets == TARGETS_NEXT
                            ? matrix_rows(pass->logits, 0, pass->rows.completed)
                            : matrix_of(pass->log_probs, DTYPE_F32, 1, pass->rows.completed));
        result = device_check(pass->model->device, error);
    }
    workspace_reset(pass->workspace);
    return result;
}
