// What a training run minimises or maximises, apart from the run itself. train/run does epochs, ranks, saving,
// resuming, metrics and evaluation; an objective says which rows there are and what a pass over some of them means.
// Supervised fine-tuning is sft_objective (train/sft.h).
#ifndef GLOBE_TRAIN_OBJECTIVE_H
#define GLOBE_TRAIN_OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "model/training.h"
#include "train/metrics.h"
#include "train/parallel.h"
#include "train/recipe.h"

enum objective_set { OBJECTIVE_TRAIN, OBJECTIVE_EVAL };
enum { OBJECTIVE_SETS = 2, OBJECTIVE_MOST_SUMS = 96, OBJECTIVE_MOST_HIGHS = 8, OBJECTIVE_MOST_METRICS = 128 };

// What passes add up: over the micro-batches of a step (or an evaluation), then over all ranks.
struct objective_totals {
    double weight;                      // the sums of gradients are divided by it; 0: no row could be used
    double tokens;                      // that went through the model
    double sums[OBJECTIVE_MOST_SUMS];   // whatever the objective reports of
    double highs[OBJECTIVE_MOST_HIGHS]; // what the largest is wanted of; -infinity before
};

struct objective_parts {
    const struct recipe *recipe;
    const struct parallel *parallel;
    struct model *model;
    struct training *training; // NULL in `open`
};

// Of the longest pass over `rows` rows.
struct objective_need {
    size_t tokens, patches;
    size_t features; // bytes that are kept besides
    size_t caches;   // bytes of keys and values, where the objective generates
};

// A step, before its passes. Rows of several steps may be made ready together and be gone through several times: a cycle
// (see `cycle` below), which most objectives have one of for each step.
struct objective_step {
    uint64_t step;     // of the run, from 0
    size_t rows;       // of this rank
    size_t all_rows;   // of all ranks
    size_t first;      // of the rank's rows of the cycle, the first that is passed now
    bool starts_cycle; // `cycle_rows` rows are new
    size_t cycle_rows; // of this rank
};

struct objective {
    const char *name;   // "sft"
    const char *report; // the metric that is watched, and by which the best step is known: "loss"
    bool more_is_better;
    const char *seconds; // what metrics call the duration of a step; NULL: "seconds"

    // Reads the data. *self is passed to everything below, and closed also when this fails; NULL: nothing was made.
    int (*open)(void **self, const struct objective_parts *parts, struct error *error);
    void (*close)(void *self);

    // Rows of a set are numbered from 0. No rows for evaluation: some of the others are held out for it.
    size_t (*rows)(const void *self, enum objective_set set);
    size_t (*length)(const void *self, size_t row); // of a row to train; like ones meet in a step
    uint64_t (*identity)(const void *self, enum objective_set set); // of all rows in order; 0 without any
    struct objective_need (*need)(const void *self, size_t rows);

    // The model can be trained from now on.
    int (*ready)(void *self, struct training *training, struct error *error);
    // The rows that are trained, of all ranks; they stay where they are. NULL: of no account.
    void (*split)(void *self, const size_t *rows, size_t count);
    // The rows of so many steps are a cycle, which is gone through so many times before the next; the last one of an epoch
    // may be shorter. What is ready for a cycle is not saved: a run is saved, and goes on, between two of them. NULL: 1, 1.
    void (*cycle)(const void *self, size_t *steps, size_t *times);

    // From now on `pass` gets these rows of a set (copied), one after the other, those of a cycle once; with held-out rows,
    // the numbers are those of rows to train.
    int (*start)(void *self, enum objective_set set, const size_t *rows, size_t count, struct error *error);
    void (*stop)(void *self, enum objective_set set);
    // Before the passes of a step: what has to be done for all of its rows together, by all ranks. NULL: nothing. When it
    // fails on one rank it fails on all.
    int (*prepare)(void *self, const struct objective_step *step, struct error *error);
    // The next `count` rows of the set through the model. Adds to the totals, and with `learn` sums of gradients to the
    // parameters; rows that cannot be used are left out as the recipe says. ERROR_INPUT for a result that is not a
    // number, naming the rows.
    int (*pass)(void *self, enum objective_set set, size_t count, bool learn, struct objective_totals *totals,
                struct error *error);
    // Metrics from the totals of a step or an evaluation, `report` (or "eval_..." of it) first; at most
    // OBJECTIVE_MOST_METRICS. The names live as long as the objective.
    size_t (*metrics)(const void *self, enum objective_set set, const struct objective_totals *totals,
                      struct metric *metrics);
    // After step `step` on rank 0: appends lines for RUN/completions.jsonl, each an object with that "step". NULL: none.
    int (*tell)(void *self, uint64_t step, struct buffer *lines, struct error *error);
};

#endif
