// A run to look through: one HTML page, by itself, with curves and with what was sampled: pictures, answers, rewards.
#ifndef GLOBE_TRAIN_SHOW_H
#define GLOBE_TRAIN_SHOW_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/output.h"

// `folder`: of a run. Of its completions.jsonl the last `steps` steps (0: all) are shown, pictures at most `side` pixels
// wide and high; one that is not there any more is named instead. ERROR_INPUT for a folder without metrics.
int show_run(struct buffer *html, const char *folder, size_t steps, size_t side, struct error *error);

extern const struct output_kind show_kind; // what may be replaced

#endif
