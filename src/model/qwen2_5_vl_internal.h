// Private to the files of the family Qwen2.5-VL.
#ifndef GLOBE_MODEL_QWEN2_5_VL_INTERNAL_H
#define GLOBE_MODEL_QWEN2_5_VL_INTERNAL_H

#include "model/family.h"

extern const char *const qwen2_5_vl_text_keys[], *const qwen2_5_vl_vision_keys[];
int qwen2_5_vl_read_config(struct model_config *config, const struct config_file *file, struct error *error);
int qwen2_5_vl_measure(const struct model *model, const struct chat_size *wish, size_t width, size_t height,
                       struct picture_size *size, struct error *error);
int qwen2_5_vl_cut(struct prompt *prompt, const struct model *model, struct error *error);

#endif
