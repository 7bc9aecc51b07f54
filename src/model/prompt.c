// From a chat and its pictures to what the model reads: sizes, patches, ids, positions.
#include <stdlib.h>

#include "model/model_internal.h"
#include "photo/resize.h"

// The size that the model sees a picture in. A message's own wishes come first, as in qwen_vl_utils' fetch_image: a
// size is rounded within the published limits, limits stand in the place of the model's.
static int choose_size(const struct model *model, const struct chat_size *wish, const struct image *image,
                       size_t *height, size_t *width, struct error *error) {
    const struct photo_preprocessor *p = &model->preprocessor, published = photo_preprocessor_default();
    size_t factor = p->patch_size * p->merge_size;
    if (wish->resized_height)
        return photo_smart_resize(wish->resized_height, wish->resized_width, factor, published.min_pixels,
                                  published.max_pixels, height, width, error);
    size_t least = wish->min_pixels ? wish->min_pixels : p->min_pixels;
    size_t most = wish->max_pixels ? wish->max_pixels : p->max_pixels;
    if (least > most)
        return error_set(error, ERROR_INPUT, "%s_pixels %zu of the message is %s than the model's %zu",
                         wish->max_pixels ? "max" : "min", wish->max_pixels ? most : least,
                         wish->max_pixels ? "less" : "more", wish->max_pixels ? least : most);
    return photo_smart_resize(image->height, image->width, factor, least, most, height, width, error);
}

// Picture i as the model sees it, and its grid.
static int resize_picture(struct prompt *prompt, const struct model *model, const struct chat_part *part,
                          const struct image *image, size_t i, struct error *error) {
    const struct photo_preprocessor *p = &model->preprocessor;
    size_t height, width;
    if (choose_size(model, &part->size, image, &height, &width, error) ||
        image_resize(&prompt->resized[i], image, width, height, error))
        return prompt->grid_count == 1 ? error_prefix(error, "%.240s", part->text)
                                       : error_prefix(error, "picture %zu (%.240s)", i + 1, part->text);
    prompt->grids[i] = (struct image_grid){1, height / p->patch_size, width / p->patch_size};
    return 0;
}

static int resize_pictures(struct prompt *prompt, const struct model *model, const struct chat *chat,
                           const struct image *images, struct error *error) {
    size_t next = 0;
    for (size_t m = 0; m < chat->count; m++)
        for (size_t k = 0; k < chat->messages[m].part_count; k++) {
            const struct chat_part *part = &chat->messages[m].parts[k];
            if (part->kind != CHAT_IMAGE) continue;
            if (resize_picture(prompt, model, part, &images[next], next, error)) return -1;
            next++;
        }
    return 0;
}

static int cut_patches(struct prompt *prompt, const struct model *model, struct error *error) {
    const struct photo_preprocessor *p = &model->preprocessor;
    size_t rows = 0, columns = 3 * p->temporal_patch_size * p->patch_size * p->patch_size;
    for (size_t i = 0; i < prompt->grid_count; i++) rows += prompt->grids[i].height * prompt->grids[i].width;
    float *patches = memory_new_aligned(rows, columns * sizeof *patches, "image patches", error);
    if (!patches) return -1;
    prompt->patches = matrix_of(patches, DTYPE_F32, rows, columns);
    for (size_t i = 0; i < prompt->grid_count; i++) {
        photo_patchify(&prompt->resized[i], p, patches);
        patches += prompt->grids[i].height * prompt->grids[i].width * columns;
    }
    return 0;
}

static int encode(struct prompt *prompt, const struct model *model, const struct chat *chat,
                  struct error *error) {
    size_t unit = model->preprocessor.merge_size * model->preprocessor.merge_size;
    size_t *tokens = memory_new(prompt->grid_count + 1, sizeof *tokens, "prompt", error);
    if (!tokens) return -1;
    for (size_t i = 0; i < prompt->grid_count; i++)
        tokens[i] = prompt->grids[i].height * prompt->grids[i].width / unit;
    int result = chat_encode(chat, model->tokenizer, tokens, true, false, &prompt->ids, error);
    free(tokens);
    if (result) return -1;
    size_t count = prompt->ids.count, limit = (size_t)model->config->text.max_positions;
    if (count >= limit)
        return error_set(error, ERROR_LIMIT,
                         "the prompt has %zu tokens, the model's context is %zu (smaller "
                         "--max-pixels makes fewer)",
                         count, limit);
    prompt->positions = memory_new(count, 3 * sizeof *prompt->positions, "prompt", error);
    if (!prompt->positions) return -1;
    return mrope_positions(model->config, prompt->ids.data, count, prompt->grids, prompt->grid_count,
                           prompt->positions, &prompt->next_position, error);
}

int prompt_build(struct prompt *prompt, const struct model *model, const struct chat *chat,
                 const struct image *images, size_t image_count, struct error *error) {
    *prompt = (struct prompt){0};
    if (chat_image_count(chat) != image_count)
        return error_set(error, ERROR_INTERNAL, "the chat names %zu images, %zu are given",
                         chat_image_count(chat), image_count);
    prompt->grids = memory_new(image_count + 1, sizeof *prompt->grids, "prompt", error);
    prompt->resized = memory_new(image_count + 1, sizeof *prompt->resized, "prompt", error);
    int result = prompt->grids && prompt->resized ? 0 : -1;
    prompt->grid_count = image_count;
    if (result == 0) result = resize_pictures(prompt, model, chat, images, error);
    if (result == 0 && image_count) result = cut_patches(prompt, model, error);
    if (result == 0) result = encode(prompt, model, chat, error);
    if (result) prompt_free(prompt);
    return result;
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
