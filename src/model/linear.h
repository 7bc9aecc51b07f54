// A linear layer of a checkpoint: the weight where the file has it, and an optional bias.
#ifndef GLOBE_MODEL_LINEAR_H
#define GLOBE_MODEL_LINEAR_H

#include "model/checkpoint.h"
#include "tensor/device.h"

struct linear {
    struct matrix weight; // [out, in]
    struct matrix bias;   // [1, out], data NULL when the layer has none
};

enum linear_bias { LINEAR_PLAIN, LINEAR_BIASED };

// "NAME.weight" [out, in], and "NAME.bias" [out] with LINEAR_BIASED.
int linear_open(struct linear *linear, const struct checkpoint *checkpoint, const char *name, int out, int in,
                enum linear_bias bias, struct error *error);
// y [rows, out] = x [rows, in]; flags as in tensor/device.h.
void linear_run(const struct linear *linear, struct device *device, struct matrix y, struct matrix x,
                unsigned flags);

#endif
