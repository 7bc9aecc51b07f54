// The tensors of a model: one list, in which each stands once with its published name, shape and part, and the
// place where the model reads it. Loading, checking, new checkpoints, training, LoRA and saving all walk it.
#ifndef GLOBE_MODEL_PARTS_H
#define GLOBE_MODEL_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/config.h"
#include "model/linear.h"

struct decoder;
struct vision;

enum part_group {
    PART_TEXT,  // the language model
    PART_TOWER, // the vision tower
    PART_JOIN   // what joins the two: Qwen's merger
};

enum part_role {
    PART_EMBEDDING, // [vocab, hidden]; the head too when they are tied
    PART_HEAD,      // [vocab, hidden]
    PART_NORM,
    PART_BIAS,
    PART_WEIGHT, // of a linear layer
    PART_OUT     // the same, of a layer that adds to the residual stream
};

enum { PART_MAX_DIMS = 5 };

struct part {
    char name[96]; // published: "model.layers.0.mlp.up_proj.weight"
    int dims;
    size_t shape[PART_MAX_DIMS];
    enum part_group group;
    enum part_role role;
    bool repeated; // in a layer of the language model or a block of the tower
    // NULL in a list without a model:
    struct matrix *matrix; // [first dimension, the others], or [1, n] of a vector
    struct linear
        *linear; // the layer whose weight this is; NULL for all else, and for what LoRA cannot adapt
};

// The tensors of a configuration, language model first; a tied head is left out. With decoder and vision, both
// or neither NULL, each has its place, and the linear layers of both get their numbers: their weights' indices in
// the list. free() it.
struct part *parts_list(const struct model_config *config, struct decoder *decoder, struct vision *vision,
                        size_t *count, struct error *error);

size_t part_values(const struct part *part); // how many numbers it holds
// Whether LoRA adapts it when no targets are given: the linear layers of the language model's layers.
bool part_is_adapted(const struct part *part);

// Puts the checkpoint's tensors, as the device adopts them, into their places.
int parts_load(const struct part *parts, size_t count, const struct checkpoint *checkpoint,
               struct device *device, struct error *error);

#endif
