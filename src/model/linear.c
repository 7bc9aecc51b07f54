#include "model/linear.h"

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
