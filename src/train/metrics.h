// What a run measures: one JSON object per line in RUN/metrics.jsonl, and the same numbers for TensorBoard in
// RUN/tensorboard.
#ifndef GLOBE_TRAIN_METRICS_H
#define GLOBE_TRAIN_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct metric {
    const char *name; // "loss", "eval_loss"; "train/loss" and "eval/loss" in TensorBoard
    double value;     // not finite: null
};

struct metrics;

// Lines of an earlier attempt beyond `step` are dropped: a resumed run will write them again.
struct metrics *metrics_open(const char *folder, uint64_t step, bool tensorboard, struct error *error);
int metrics_add(struct metrics *metrics, uint64_t step, const struct metric *values, size_t count,
                struct error *error);
void metrics_close(struct metrics *metrics);

#endif
