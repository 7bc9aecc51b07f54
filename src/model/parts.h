// Every tensor of a model beside the place where the model reads it, so that training and LoRA can exchange
// or adapt weights by their published names.
#ifndef GLOBE_MODEL_PARTS_H
#define GLOBE_MODEL_PARTS_H

#include "model/decoder_parts.h"
#include "model/vision_parts.h"

struct part {
    char name[96]; // "model.layers.0.mlp.up_proj.weight"
    struct matrix *matrix;
    struct linear *linear; // the layer whose weight this is; NULL for all else
};

// In the order of qwen_tensors_visit; a tied lm_head is left out. free() it.
struct part *parts_list(struct decoder *decoder, struct vision *vision, size_t *count, struct error *error);

// Copies with the same layers, but no data in any matrix: room for gradients.
struct decoder *decoder_new_empty(const struct decoder *decoder, struct error *error);
struct vision *vision_new_empty(const struct vision *vision, struct error *error);

#endif
