#include "model/linear.h"

#include <stdio.h>

int linear_open(struct linear *linear, const struct checkpoint *checkpoint, const char *name, int out, int in,
                enum linear_bias bias, struct error *error) {
    char full[160];
    snprintf(full, sizeof full, "%s.weight", name);
    const struct tensor *weight = checkpoint_matrix(checkpoint, full, out, in, error), *vector = NULL;
    if (!weight) return -1;
    if (bias == LINEAR_BIASED) {
        snprintf(full, sizeof full, "%s.bias", name);
        vector = checkpoint_vector(checkpoint, full, out, error);
        if (!vector) return -1;
    }
    *linear = (struct linear){.weight = matrix_of_tensor(weight)};
    if (vector) linear->bias = matrix_of_tensor(vector);
    return 0;
}

void linear_run(const struct linear *linear, struct device *device, struct matrix y, struct matrix x,
                unsigned flags) {
    device->operations->linear(device, y, x, linear->weight, linear->bias, flags);
    if (linear->adapter.a.data) device->operations->low_rank(device, y, x, &linear->adapter);
}

void linear_backward(const struct linear *linear, const struct linear *gradient, struct device *device,
                     struct matrix dx, struct matrix dy, struct matrix x, unsigned flags) {
    const struct device_operations *run = device->operations;
    run->linear_backward(device, dx, gradient->weight, gradient->bias, dy, x, linear->weight, flags);
    if (linear->adapter.a.data)
        run->low_rank_backward(device, dx, gradient->adapter.a, gradient->adapter.b, dy, x, &linear->adapter);
}
