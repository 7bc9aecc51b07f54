// What this machine can do at best, measured here and now: the denominators of every claim in docs/SPEED.md.
#ifndef GLOBE_TENSOR_MEASURE_H
#define GLOBE_TENSOR_MEASURE_H

#include "tensor/device.h"

// Bytes per second that all threads together read from memory that no cache holds. -1 on failure.
double measure_read_bandwidth(struct device *device, struct error *error);

// Seconds for y[m, n] = x[m, k] w[n, k]^T by the library that the device multiplies with (oneDNN), w in its
// checkpoint layout, x, w and y of `type`: the best of `repeats` runs. -1 on failure.
double measure_matmul(struct device *device, size_t m, size_t n, size_t k, enum dtype type, int repeats,
                      struct error *error);

#endif
