// What a run needs to go on exactly where it was: moments, F32 values, step and position, in the files
//   state.json                            step, position, best evaluation, identities
//   optimizer-00001-of-00004.safetensors  m, v and value of one rank's part of the parameters
// Any number of ranks can read what another number wrote.
#ifndef GLOBE_TRAIN_STATE_H
#define GLOBE_TRAIN_STATE_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "train/optimizer.h"

// What decides which rows are trained, and in which order: a key of the recipe and what it came to.
struct train_fact {
    char key[32], value[64];
};

enum { TRAIN_MAX_FACTS = 64 };

struct train_state {
    uint64_t step;          // finished steps; with seed and data, this is the position in the data
    uint64_t seed;          // random numbers are functions of (seed, step)
    uint64_t data_identity; // of the training rows in order
    uint64_t rows_per_step;
    uint64_t best_step;     // 0: no evaluation yet
    double best_value;      // of the objective's report; finite
    uint64_t eval_identity; // of the rows that it was measured on
    struct train_fact facts[TRAIN_MAX_FACTS];
    size_t fact_count;
};

void state_add_fact(struct train_state *state, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Appends "KEY was A and is B now" for every fact that differs, with commas; nothing when all are the same.
void state_compare(const struct train_state *old, const struct train_state *now, struct buffer *text);

// This rank's file, and with rank 0 state.json; the folder exists.
int state_write(const struct train_state *state, const struct optimizer *optimizer, const char *folder,
                struct error *error);
// Fills the state, the optimiser's part of the moments, its step number, and all values. ERROR_MODEL for
// files that are missing, broken, or of other parameters.
int state_read(struct train_state *state, struct optimizer *optimizer, const char *folder,
               struct error *error);

#endif
