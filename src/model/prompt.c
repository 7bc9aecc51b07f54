// From a chat and its pictures to what the model reads: sizes, patches, ids, positions.
#include <stdlib.h>
#include <string.h>

#include "model/family.h"
#include "model/model_internal.h"
#include "photo/resize.h"

// Picture i as the model sees it.
static int resize_picture(struct prompt *prompt, const struct model *model, const struct chat_part *part,
                          const struct image *image, size_t i, size_t *tokens, struct error *error) {
    struct picture_size size;
    if (model->config->family->measure(model, &part->size, image->width, image->height, &size, error) ||
        image_resize(&prompt->resized[i], image, size.width, size.height, error))
        return prompt->grid_count == 1 ? error_prefix(error, "%.240s", part->text)
                                       : error_prefix(error, "picture %zu (%.240s)", i + 1, part->text);
    tokens[i] = size.tokens;
    return 0;
}

static int resize_pictures(struct prompt *prompt, const struct model *model, const struct chat *chat,
                           const struct image *images, size_t *tokens, struct error *error) {
    size_t next = 0;
    for (size_t m = 0; m < chat->count; m++)
        for (size_t k = 0; k < chat->messages[m].part_count; k++) {
            const struct chat_part *part = &chat->messages[m].parts[k];
            if (part->kind != CHAT_IMAGE) continue;
            if (resize_picture(prompt, model, part, &images[next], next, tokens, error)) return -1;
            next++;
        }
    return 0;
}

static int encode(struct prompt *prompt, const struct model *model, const struct chat *chat,
                  const size_t *tokens, struct error *error) {
    if (chat_encode(chat, model->tokenizer, tokens, true, false, &prompt->ids, error)) return -1;
    size_t count = prompt->ids.count, limit = (size_t)model->config->text.max_positions;
    if (count >= limit)
        return error_set(error, ERROR_LIMIT,
                         "the prompt has %zu tokens, the model's context is %zu (smaller "
                         "--max-pixels makes fewer)",
                         count, limit);
    prompt->positions = memory_new(count, 3 * sizeof *prompt->positions, "prompt", error);
    if (!prompt->positions) return -1;
    return model->config->family->place(model, prompt, error);
}

int prompt_build(struct prompt *prompt, const struct model *model, const struct chat *chat,
                 const struct image *images, size_t image_count, struct error *error) {
    *prompt = (struct prompt){0};
    if (chat_image_count(chat) != image_count)
        return error_set(error, ERROR_INTERNAL, "the chat names %zu images, %zu are given",
                         chat_image_count(chat), image_count);
    prompt->grids = memory_new(image_count + 1, sizeof *prompt->grids, "prompt", error);
    prompt->resized = memory_new(image_count + 1, sizeof *prompt->resized, "prompt", error);
    size_t *tokens = memory_new(image_count + 1, sizeof *tokens, "prompt", error);
    int result = prompt->grids && prompt->resized && tokens ? 0 : -1;
    prompt->grid_count = image_count;
    if (result == 0) result = resize_pictures(prompt, model, chat, images, tokens, error);
    if (result == 0 && image_count) result = model->config->family->cut(prompt, model, error);
    if (result == 0) result = encode(prompt, model, chat, tokens, error);
    free(tokens);
    if (result) prompt_free(prompt);
    return result;
}

// Pictures as another prompt has them.
static int take_pictures(struct prompt *prompt, const struct model *model, const struct prompt *shown,
                         size_t *tokens, struct error *error) {
    const struct matrix *from = &shown->patches;
    size_t unit = model_facts(model)->patches_per_token;
    for (size_t i = 0; i < shown->grid_count; i++) {
        const struct image_grid *grid = &shown->grids[i];
        prompt->grids[i] = *grid;
        tokens[i] = grid->frames * grid->height * grid->width / unit;
    }
    prompt->patches = matrix_of(NULL, DTYPE_F32, from->rows, from->columns);
    if (!from->data) return 0;
    prompt->patches.data =
        memory_new_aligned(from->rows, from->columns * sizeof(float), "image patches", error);
    if (!prompt->patches.data) return -1;
    memcpy(prompt->patches.data, from->data, from->rows * from->columns * sizeof(float));
    return 0;
}

int prompt_build_again(struct prompt *prompt, const struct model *model, const struct chat *chat,
                       const struct prompt *shown, struct error *error) {
    size_t count = shown->grid_count;
    *prompt = (struct prompt){0};
    if (chat_image_count(chat) != count)
        return error_set(error, ERROR_INTERNAL, "the chat names %zu images, the prompt shows %zu",
                         chat_image_count(chat), count);
    prompt->grids = memory_new(count + 1, sizeof *prompt->grids, "prompt", error);
    prompt->resized = memory_new(count + 1, sizeof *prompt->resized, "prompt", error);
    size_t *tokens = memory_new(count + 1, sizeof *tokens, "prompt", error);
    int result = prompt->grids && prompt->resized && tokens ? 0 : -1;
    prompt->grid_count = count;
    if (result == 0) result = take_pictures(prompt, model, shown, tokens, error);
    if (result == 0) result = encode(prompt, model, chat, tokens, error);
    free(tokens);
    if (result) prompt_free(prompt);
    return result;
}

int prompt_split(struct prompt *prompt, const struct model *model, struct ids *rest, struct error *error) {
    size_t end = prompt->ids.count;
    while (end && prompt->ids.data[end - 1] != model->config->image_id) end--;
    if (end == 0) return error_set(error, ERROR_INTERNAL, "a prompt without a picture cannot be split there");
    for (size_t i = end; i < prompt->ids.count; i++)
        if (ids_add(rest, prompt->ids.data[i], error)) return -1;
    prompt->ids.count = end;
    return model->config->family->place(model, prompt, error);
}

void prompt_free(struct prompt *prompt) {
    ids_free(&prompt->ids);
    free(prompt->positions);
    free(prompt->grids);
    for (size_t i = 0; prompt->resized && i < prompt->grid_count; i++) image_free(&prompt->resized[i]);
    free(prompt->resized);
    free(prompt->patches.data);
    *prompt = (struct prompt){0};
}

int prompt_measure(const struct model *model, const struct chat *chat, const size_t *widths,
                   const size_t *heights, struct picture_size *sizes, struct error *error) {
    size_t next = 0;
    for (size_t m = 0; m < chat->count; m++)
        for (size_t k = 0; k < chat->messages[m].part_count; k++) {
            const struct chat_part *part = &chat->messages[m].parts[k];
            if (part->kind != CHAT_IMAGE) continue;
            if (model->config->family->measure(model, &part->size, widths[next], heights[next], &sizes[next],
                                               error))
                return error_prefix(error, "%.240s", part->text);
            next++;
        }
    return 0;
}
