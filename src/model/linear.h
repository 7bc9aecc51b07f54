// A linear layer of a checkpoint: the weight as the device adopted it from the file, and an optional bias.
#ifndef GLOBE_MODEL_LINEAR_H
#define GLOBE_MODEL_LINEAR_H

#include "model/checkpoint.h"
#include "tensor/device.h"

struct linear {
    struct weight weight;    // [out, in]
    struct matrix bias;      // [1, out], data NULL when the layer has none
    struct low_rank adapter; // LoRA that is switched on, or a.data NULL (model/lora.h)
};

// y [rows, out] = x [rows, in]; flags as in tensor/device.h.
void linear_run(const struct linear *linear, struct device *device, struct matrix y, struct matrix x,
                unsigned flags);

// Gradients, shaped like the layer: what has data there is added to, the rest is frozen. dx [rows, in] is
// written, or added to with LINEAR_ADD, unless its data is NULL. x is what the layer read.
void linear_backward(const struct linear *linear, const struct linear *gradient, struct device *device,
                     struct matrix dx, struct matrix dy, struct matrix x, unsigned flags);

#endif
