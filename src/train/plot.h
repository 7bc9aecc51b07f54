// Curves of training runs: loss with its running mean and evaluations, learning rate, gradient norm.
#ifndef GLOBE_TRAIN_PLOT_H
#define GLOBE_TRAIN_PLOT_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/output.h"

// Each path is a folder with metrics.jsonl, or such a file. `smooth` in [0, 1): how much of the running mean
// is kept from step to step. ERROR_INPUT for a run without any step.
int plot_runs(struct buffer *svg, char *const *paths, size_t count, double smooth, struct error *error);

// Writes PATH, SVG or (when it ends in .png) PNG.
extern const struct output_kind plot_kind; // what may be replaced
int plot_save(const struct buffer *svg, const char *path, struct error *error);

#endif
