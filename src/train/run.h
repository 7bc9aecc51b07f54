// A training run as a recipe says (docs/training.md), whatever its objective.
#ifndef GLOBE_TRAIN_RUN_H
#define GLOBE_TRAIN_RUN_H

#include <stdbool.h>

#include "base/error.h"
#include "train/objective.h"
#include "train/parallel.h"
#include "train/recipe.h"

struct run_options {
    const struct objective *objective;
    const struct recipe *recipe;
    const char *recipe_text; // the complete recipe, saved with the run
    bool resume;             // go on from the newest checkpoint; without any, start
    bool check;              // stop before the first step: data, model and memory are fine
};

// Called by all ranks. ERROR_INTERRUPTED after a signal: the step was finished and saved. A loss that is not
// a number ends the run with ERROR_INPUT naming the rows, after the last good state was saved.
int run_train(const struct run_options *options, const struct parallel *parallel, struct error *error);

#endif
