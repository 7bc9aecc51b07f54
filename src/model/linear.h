// A linear layer of a checkpoint: the weight as the device adopted it from the file, and an optional bias.
// Low-rank additions (LoRA) are no part of the layer: a pass brings them along, for each of its rows.
#ifndef GLOBE_MODEL_LINEAR_H
#define GLOBE_MODEL_LINEAR_H

#include "model/checkpoint.h"
#include "tensor/device.h"

struct linear {
    struct weight weight; // [out, in]
    struct matrix bias;   // [1, out], data NULL when the layer has none
    size_t number;        // of its weight in the model's list of tensors (model/parts.h)
};

// The additions to consecutive rows of a pass. Tables are indexed by a layer's number.
struct linear_span {
    size_t rows;
    const struct low_rank *layers; // a.data NULL: none to this layer; NULL: none at all
    const struct low_rank
        *gradients; // a and b take what is added to their gradients; data NULL, NULL: frozen
};

// Of a whole pass, in the order of its rows; rows behind the last span have none.
struct linear_additions {
    struct linear_span *spans;
    size_t count;
    size_t unit; // rows of a span that are one row here: patches of a merge group; 0 means 1
};

// y [rows, out] = x [rows, in]: one product over all rows, then the additions, which may be NULL. flags as in
// tensor/device.h.
void linear_run(const struct linear *linear, const struct linear_additions *additions, struct device *device,
                struct matrix y, struct matrix x, unsigned flags);

// Gradients, shaped like the layer: what has data there is added to, the rest is frozen; those of the additions
// lie in their spans. dx [rows, in] is written, or added to with LINEAR_ADD, unless its data is NULL. x is what
// the layer read.
void linear_backward(const struct linear *linear, const struct linear *gradient,
                     const struct linear_additions *additions, struct device *device, struct matrix dx,
                     struct matrix dy, struct matrix x, unsigned flags);

#endif
