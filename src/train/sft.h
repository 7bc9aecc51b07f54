// Supervised fine-tuning as a recipe says: docs/training.md.
#ifndef GLOBE_TRAIN_SFT_H
#define GLOBE_TRAIN_SFT_H

#include <stdbool.h>

#include "base/error.h"
#include "train/parallel.h"
#include "train/recipe.h"

struct sft_options {
    const struct recipe *recipe;
    const char *recipe_text; // the complete recipe, saved with the run
    bool resume;             // go on from the newest checkpoint; without any, start
    bool check;              // stop before the first step: data, model and memory are fine
};

// Called by all ranks. ERROR_INTERRUPTED after a signal: the step was finished and saved. A loss that is not
// a number ends the run with ERROR_INPUT naming the rows, after the last good state was saved.
int sft_run(const struct sft_options *options, const struct parallel *parallel, struct error *error);

#endif
