// The learning rate over a run, as a factor of its peak (grpo.md section 7).
#ifndef GLOBE_TRAIN_SCHEDULE_H
#define GLOBE_TRAIN_SCHEDULE_H

#include <stdint.h>

enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_LINEAR, SCHEDULE_COSINE };

struct schedule {
    enum schedule_kind kind;
    uint64_t total;  // optimiser steps of the whole run
    uint64_t warmup; // of these, rising from 0 to 1
};

// warmup_steps = ceil(total * ratio), as the reference rounds it.
uint64_t schedule_warmup_steps(uint64_t total, double ratio);
// For the step that follows `step` finished ones: step / max(1, warmup) while warming up, then 1, a straight
// line to 0, or half a cosine to 0. Never negative, also beyond the total.
double schedule_factor(const struct schedule *schedule, uint64_t step);

#endif
