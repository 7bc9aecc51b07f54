// In which order rows are trained: a function of seed and epoch alone, so a run can be continued anywhere.
#ifndef GLOBE_TRAIN_ORDER_H
#define GLOBE_TRAIN_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct order {
    size_t rows;
    size_t batch;        // rows of a step; the last step of an epoch may have fewer
    size_t bucket_steps; // rows are sorted by length within so many steps; 0: not at all
    bool shuffle;
    uint64_t seed;
};

size_t order_steps(const struct order *order); // of an epoch

// `sequence` [rows] receives the rows of one epoch; step k has [k * batch, (k + 1) * batch), sorted by length
// when there are buckets. lengths [rows] may be NULL without them.
int order_epoch(const struct order *order, uint64_t epoch, const size_t *lengths, size_t *sequence,
                struct error *error);

// Splits rows 0 .. count - 1 by chance: the `held` rows held out come last, each part in ascending order.
int order_split(size_t count, size_t held, uint64_t seed, size_t *sequence, struct error *error);

#endif
