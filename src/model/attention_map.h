// Where the model looked: how much attention each token of a completion paid to each part of the picture.
//
// What is computed: for token t of the completion, the attention of the position that predicted it (token t -
// 1; for the first one itself) to every merged patch of the first image, softmax over all that the position
// sees, averaged over all heads of all layers. Values of a row sum to the share of attention that went to the
// picture. It is what the weights did, not proof of what the answer rests on.
#ifndef GLOBE_MODEL_ATTENTION_MAP_H
#define GLOBE_MODEL_ATTENTION_MAP_H

#include "model/model.h"

struct attention_map {
    float *weights; // [tokens, rows * columns]
    size_t tokens;
    size_t rows, columns; // of merged patches: 28 x 28 pixels of the resized picture each
};

// ids follow the prompt whose cache is `prefix`. ERROR_INPUT when the prompt has no image.
int attention_map_compute(struct attention_map *map, struct model *model, const struct prompt *prompt,
                          const struct kv_cache *prefix, const int32_t *ids, size_t count,
                          struct error *error);
void attention_map_free(struct attention_map *map);

#endif
