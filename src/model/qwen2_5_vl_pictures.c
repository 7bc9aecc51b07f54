// How Qwen2.5-VL sizes pictures and cuts them into patches (qwen2_5_vl.md section 3).
#include "model/model_internal.h"
#include "model/qwen2_5_vl_internal.h"
#include "photo/resize.h"

// The size that the model sees a picture in. A message's own wishes come first, as in qwen_vl_utils' fetch_image: a
// size is rounded within the published limits, limits stand in the place of the model's.
static int choose_size(const struct model *model, const struct chat_size *wish, size_t picture_width,
                       size_t picture_height, size_t *height, size_t *width, struct error *error) {
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
    return photo_smart_resize(picture_height, picture_width, factor, least, most, height, width, error);
}

int qwen2_5_vl_measure(const struct model *model, const struct chat_size *wish, size_t width, size_t height,
                       struct picture_size *size, struct error *error) {
    const struct photo_preprocessor *p = &model->preprocessor;
    if (choose_size(model, wish, width, height, &size->height, &size->width, error)) return -1;
    size->patches = size->height / p->patch_size * (size->width / p->patch_size);
    size->tokens = size->patches / (p->merge_size * p->merge_size);
    return 0;
}

int qwen2_5_vl_cut(struct prompt *prompt, const struct model *model, struct error *error) {
    const struct photo_preprocessor *p = &model->preprocessor;
    size_t rows = 0, columns = 3 * p->temporal_patch_size * p->patch_size * p->patch_size;
    for (size_t i = 0; i < prompt->grid_count; i++)
        prompt->grids[i] = (struct image_grid){1, prompt->resized[i].height / p->patch_size,
                                               prompt->resized[i].width / p->patch_size};
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
