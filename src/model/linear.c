#include "model/linear.h"

#include <stdio.h>

struct matrix linear_adopt(struct device *device, const struct tensor *tensor, struct error *error) {
    struct matrix matrix = matrix_of_tensor(tensor);
    matrix.data = device_adopt(device, tensor->data, tensor_bytes(tensor), error);
    return matrix;
}

int linear_open(struct linear *linear, const struct checkpoint *checkpoint, struct device *device,
                const char *name, int out, int in, enum linear_bias bias, struct error *error) {
    char full[160];
    snprintf(full, sizeof full, "%s.weight", name);
    const struct tensor *weight = checkpoint_matrix(checkpoint, full, out, in, error), *vector = NULL;
    if (!weight) return -1;
    if (bias == LINEAR_BIASED) {
        snprintf(full, sizeof full, "%s.bias", name);
        vector = checkpoint_vector(checkpoint, full, out, error);
        if (!vector) return -1;
    }
    *linear = (struct linear){.weight = weight_of(linear_adopt(device, weight, error))};
    if (vector) linear->bias = linear_adopt(device, vector, error);
    return linear->weight.values.data && (!vector || linear->bias.data) ? 0 : -1;
}

void linear_run(const struct linear *linear, struct device *device, struct matrix y, struct matrix x,
                unsigned flags) {
    device_linear(device, y, x, &linear->weight, linear->bias, flags);
    if (linear->adapter.a.data) device_low_rank(device, y, x, &linear->adapter);
}

void linear_backward(const struct linear *linear, const struct linear *gradient, struct device *device,
                     struct matrix dx, struct matrix dy, struct matrix x, unsigned flags) {
    device_linear_backward(device, dx, gradient->weight.values, gradient->bias, dy, x, &linear->weight,
                           flags);
    if (linear->adapter.a.data)
        device_low_rank_backward(device, dx, gradient->adapter.a, gradient->adapter.b, dy, x,
                                 &linear->adapter);
}
