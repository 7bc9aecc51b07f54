// From rewards to advantages, relative to the group of completions of one prompt (grpo.md sections 3 and 9).
#ifndef GLOBE_TRAIN_ADVANTAGE_H
#define GLOBE_TRAIN_ADVANTAGE_H

#include <stddef.h>

enum advantage_scale { // TRL's scale_rewards
    ADVANTAGE_SCALE_GROUP,
    ADVANTAGE_SCALE_BATCH, // the spread is that of all completions; the mean stays the group's
    ADVANTAGE_SCALE_NONE
};

enum advantage_aggregation { // TRL's multi_objective_aggregation
    ADVANTAGE_SUM_THEN_NORMALIZE,
    ADVANTAGE_NORMALIZE_THEN_SUM // GDPO: each reward is normalised in its group first; scale has no effect
};

struct advantage_options {
    size_t group; // completions of a prompt; `count` is a multiple
    enum advantage_scale scale;
    enum advantage_aggregation aggregation;
    const double *weights; // [functions]
    size_t functions;
};

// rewards [count, functions]: NaN does not apply, and is left out of sums, means and spreads. A completion to
// which nothing applies has the total NaN and the advantage 0. Spreads are sample deviations (n - 1), and
// 1e-4 is added to them. totals and advantages [count] are written.
void advantage_compute(const double *rewards, size_t count, const struct advantage_options *options,
                       double *totals, double *advantages);

// Mean and sample deviation of the numbers among values[i * stride]: NaN without one, and without two.
void advantage_moments(const double *values, size_t count, size_t stride, double *mean, double *deviation);

#endif
