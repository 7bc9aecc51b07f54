// The optimiser step of a whole run: gradients summed over ranks, clipped by their global norm, AdamW, values
// back to all ranks. Each rank keeps the moments of its own part of the parameters only (ZeRO stage 1).
#ifndef GLOBE_TRAIN_OPTIMIZER_H
#define GLOBE_TRAIN_OPTIMIZER_H

#include "base/error.h"
#include "train/adamw.h"
#include "train/flat.h"
#include "train/parallel.h"

struct optimizer_settings {
    struct adamw adamw;
    enum adamw_decay decay;
    double max_grad_norm; // 0: no clipping
};

struct optimizer {
    struct optimizer_settings settings;
    const struct parallel *parallel;
    struct flat flat;
    size_t first, count; // this rank's part of the vector
    float *m, *v;        // [count], on the device
    uint64_t steps;      // that were taken
    double *norm;        // on the device: room for a sum of squares
    float *bucket;       // host memory, for exchanges between ranks; NULL with one rank
};

// Moments are 0. The parameters, which lie on the device, must outlive the optimiser. 8 bytes per value and
// rank.
int optimizer_open(struct optimizer *optimizer, struct device *device, struct parameter *const *parameters,
                   size_t count, const struct optimizer_settings *settings, const struct parallel *parallel,
                   struct error *error);
void optimizer_close(struct optimizer *optimizer); // before its device is closed
// Moments of [first, first + count) of this rank's part, as one row.
struct matrix optimizer_moments(const struct optimizer *optimizer, const float *moments, size_t first,
                                size_t count);

struct optimizer_report {
    double norm;  // of scale * gradients over all ranks, before clipping
    bool skipped; // the norm was not a number: nothing was changed
};

// Called by all ranks together. The caller zeroes gradients and refreshes the model.
int optimizer_step(struct optimizer *optimizer, double rate, double scale, struct optimizer_report *report,
                   struct error *error);

#endif
