#include "model/group_rows_internal.h"

#include "model/model_internal.h"

static int check_group(const struct model *model, const struct prompt_group *group, size_t index,
                       struct error *error) {
    const struct decoder_config *c = &model->config->text;
    size_t prompt = group->prompt->ids.count;
    if (prompt == 0) return error_set(error, ERROR_INPUT, "group %zu has an empty prompt", index);
    for (size_t k = 0; k < group->completion_count; k++) {
        const struct prompt_completion *completion = &group->completions[k];
        if (completion->count > (size_t)c->max_positions - prompt)
            return error_set(error, ERROR_LIMIT,
                             "group %zu: %zu tokens of prompt and %zu of completion %zu are more than the "
                             "model's context of %d",
                             index, prompt, completion->count, k, c->max_positions);
        for (size_t i = 0; i < completion->count; i++)
            if (completion->ids[i] < 0 || completion->ids[i] >= c->vocab)
                return error_set(error, ERROR_INPUT,
                                 "group %zu: token id %d of completion %zu is outside the vocabulary of %d",
                                 index, (int)completion->ids[i], k, c->vocab);
    }
    return 0;
}

// Rows of a model so small that padding pays.
static size_t padded(const struct model *model, size_t count) {
    enum { SMALL_HIDDEN = 1024, UNIT = 32 };
    return model->config->text.hidden > SMALL_HIDDEN ? count : (count + UNIT - 1) / UNIT * UNIT;
}

size_t group_rows_of(const struct prompt_completion *completion, enum group_targets targets) {
    return targets == TARGETS_NEXT || completion->count == 0 ? completion->count : completion->count - 1;
}

static int measure(struct group_rows *rows, const struct model *model, const struct prompt_group *groups,
                   size_t count, enum group_targets targets, struct error *error) {
    for (size_t g = 0; g < count; g++) {
        const struct ids *prompt = &groups[g].prompt->ids;
        if (check_group(model, &groups[g], g, error)) return -1;
        rows->rows += prompt->count;
        rows->span_count++;
        for (size_t i = 0; i < prompt->count; i++)
            rows->image_count += prompt->data[i] == model->config->image_id;
        for (size_t k = 0; k < groups[g].completion_count; k++) {
            const struct prompt_completion *completion = &groups[g].completions[k];
            size_t own = group_rows_of(completion, targets);
            rows->completed += targets == TARGETS_NEXT ? 1 : completion->count;
            rows->rows += own;
            rows->span_count += own > 0;
        }
    }
    size_t real = rows->rows;
    rows->rows = padded(model, real);
    rows->tokens = padded(model, rows->completed);
    rows->span_count += rows->rows > real;
    return rows->completed ? 0 : error_set(error, ERROR_INPUT, "there is no completion to learn from");
}

static int take(struct group_rows *rows, struct workspace *workspace, struct error *error) {
    rows->ids = workspace_host(workspace, rows->rows, sizeof *rows->ids, error);
    rows->positions = workspace_host(workspace, 3 * rows->rows, sizeof *rows->positions, error);
    rows->spans = workspace_host(workspace, rows->span_count, sizeof *rows->spans, error);
    rows->targets = workspace_host(workspace, rows->tokens, sizeof *rows->targets, error);
    rows->sources = workspace_host(workspace, rows->tokens, sizeof *rows->sources, error);
    rows->images = workspace_host(workspace, rows->image_count, sizeof *rows->images, error);
    return rows->ids && rows->positions && rows->spans && rows->targets && rows->sources && rows->images ? 0
                                                                                                         : -1;
}

// How far the arrays are filled.
struct cursor {
    size_t row, span, token, image;
};

static void add_row(struct group_rows *rows, struct cursor *at, int32_t id, int32_t t, int32_t h, int32_t w) {
    rows->ids[at->row] = id;
    rows->positions[at->row] = t;
    rows->positions[rows->rows + at->row] = h;
    rows->positions[2 * rows->rows + at->row++] = w;
}

static void add_prompt(struct group_rows *rows, struct cursor *at, const struct model *model,
                       const struct prompt *prompt) {
    size_t count = prompt->ids.count;
    rows->spans[at->span++] = (struct decoder_span){.first = at->row, .rows = count};
    for (size_t i = 0; i < count; i++) {
        if (prompt->ids.data[i] == model->config->image_id) rows->images[at->image++] = at->row;
        add_row(rows, at, prompt->ids.data[i], prompt->positions[i], prompt->positions[count + i],
                prompt->positions[2 * count + i]);
    }
}

static void add_target(struct group_rows *rows, struct cursor *at, int32_t id, size_t source) {
    rows->targets[at->token] = id;
    rows->sources[at->token++] = source;
}

static void add_completion(struct group_rows *rows, struct cursor *at, const struct prompt *prompt,
                           size_t prompt_row, const struct prompt_completion *completion,
                           enum group_targets targets) {
    size_t count = prompt->ids.count, own = group_rows_of(completion, targets);
    size_t source = prompt_row + count - 1; // the row that predicts the next token
    if (own)
        rows->spans[at->span++] = (struct decoder_span){
            .first = at->row, .rows = own, .prefix_first = prompt_row, .prefix_rows = count};
    for (size_t i = 0; i < completion->count; i++) {
        if (targets == TARGETS_COMPLETIONS) add_target(rows, at, completion->ids[i], source);
        if (i == own) break;
        int32_t position = prompt->next_position + (int32_t)i;
        source = at->row;
        add_row(rows, at, completion->ids[i], position, position, position);
    }
    if (targets == TARGETS_NEXT) add_target(rows, at, 0, source);
}

static void add_padding(struct group_rows *rows, struct cursor *at) {
    if (at->row < rows->rows)
        rows->spans[at->span++] = (struct decoder_span){.first = at->row, .rows = rows->rows - at->row};
    while (at->row < rows->rows) add_row(rows, at, 0, 0, 0, 0);
    for (; at->token < rows->tokens; at->token++) {
        rows->targets[at->token] = 0;
        rows->sources[at->token] = 0;
    }
}

int group_rows_build(struct group_rows *rows, const struct model *model, const struct prompt_group *groups,
                     size_t count, enum group_targets targets, struct workspace *workspace,
                     struct error *error) {
    *rows = (struct group_rows){0};
    if (measure(rows, model, groups, count, targets, error) || take(rows, workspace, error)) return -1;
    struct cursor at = {0};
    for (size_t g = 0; g < count; g++) {
        size_t prompt_row = at.row;
        add_prompt(rows, &at, model, groups[g].prompt);
        for (size_t k = 0; k < groups[g].completion_count; k++)
            add_completion(rows, &at, groups[g].prompt, prompt_row, &groups[g].completions[k], targets);
    }
    add_padding(rows, &at);
    return 0;
}
