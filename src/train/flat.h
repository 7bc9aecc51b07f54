// All trainable values seen as one long vector, in the order of the parameters, so that ranks can share it
// out evenly and a saved piece means the same whatever the number of ranks.
#ifndef GLOBE_TRAIN_FLAT_H
#define GLOBE_TRAIN_FLAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/training.h"

struct flat {
    struct device *device;               // where values and gradients lie
    struct parameter *const *parameters; // the caller's
    size_t *starts;                      // [count + 1], of each parameter in the vector
    size_t count;
    size_t total;      // values
    uint64_t identity; // of names and sizes: two vectors with the same one hold the same parameters
};

int flat_open(struct flat *flat, struct device *device, struct parameter *const *parameters, size_t count,
              struct error *error);
void flat_close(struct flat *flat);

// A piece of one parameter.
struct flat_segment {
    struct parameter *parameter;
    size_t offset; // in the parameter
    size_t count;
};
// The first segment at `position` of the vector, no longer than `limit`; position < total.
struct flat_segment flat_segment_at(const struct flat *flat, size_t position, size_t limit);

enum flat_array { FLAT_VALUE, FLAT_GRADIENT };
// The values of a segment on the device, as one row.
struct matrix flat_matrix(struct flat_segment segment, enum flat_array array);
// [start, start + count) of the vector to or from contiguous host memory; what lies beyond its end is 0 or
// left.
void flat_read(const struct flat *flat, enum flat_array array, size_t start, size_t count, float *to);
void flat_write(const struct flat *flat, enum flat_array array, size_t start, size_t count,
                const float *from);

#endif
