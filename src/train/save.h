// Checkpoints of a run: RUN/step-N is a Hugging Face folder (or a PEFT folder) that other programs load, with
// all that is needed to go on in RUN/step-N/trainer. A folder of that name is always complete: it is written
// as step-N.tmp, flushed to the disk, then renamed. RUN/last and RUN/best are links.
#ifndef GLOBE_TRAIN_SAVE_H
#define GLOBE_TRAIN_SAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "train/optimizer.h"
#include "train/parallel.h"
#include "train/state.h"

struct save {
    const char *folder; // RUN, which exists
    const struct parallel *parallel;
    size_t keep_last;
    bool keep_best;
    // Writes the model into a folder that exists; called by rank 0.
    int (*write_model)(void *context, const char *folder, struct error *error);
    void *context;
    const char *recipe; // text of recipe.yaml beside the model; NULL: none
};

// All ranks together. On failure the older checkpoints stay as they were. A checkpoint of the same step is
// replaced. Then all but the newest keep_last and the best one are removed.
int save_checkpoint(const struct save *save, const struct train_state *state,
                    const struct optimizer *optimizer, struct error *error);

// The newest complete one of a run; *step is 0 when there is none (also when the folder does not exist).
int save_find_newest(const char *folder, uint64_t *step, struct error *error);
// Reads RUN/step-N/trainer.
int save_load(const char *folder, uint64_t step, struct train_state *state, struct optimizer *optimizer,
              struct error *error);
// Removes what an interrupted save left behind.
int save_clean(const char *folder, struct error *error);

#endif
