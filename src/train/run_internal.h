// Private to run*.c: a run with all its parts, from the recipe to the first step.
#ifndef GLOBE_TRAIN_RUN_INTERNAL_H
#define GLOBE_TRAIN_RUN_INTERNAL_H

#include "train/lines.h"
#include "train/metrics.h"
#include "train/optimizer.h"
#include "train/order.h"
#include "train/run.h"
#include "train/save.h"
#include "train/schedule.h"

struct progress;

struct run {
    const struct objective *objective;
    void *self; // of the objective
    const struct recipe *recipe;
    const struct parallel *parallel;
    struct model *model;
    struct training *training;
    size_t adapter_values; // of lora.folder
    struct parameter **parameters;
    struct optimizer optimizer;

    size_t *train_rows, train_count;         // rows to train
    size_t *lengths;                         // [train_count] in tokens
    bool held_out;                           // evaluation is over rows that are not trained
    size_t *eval_rows, eval_own, eval_count; // this rank's share, and over all ranks
    size_t *sequence, *own;                  // [train_count]: an epoch, and this rank's share of it
    struct order order;
    uint64_t epoch_steps, epoch; // epoch: that is being run through, UINT64_MAX: none
    uint64_t epoch_batches;      // different ones; cycles go through them several times
    size_t cycle_steps, cycle_times;

    struct schedule schedule;
    struct train_state state;
    struct save save;
    uint64_t saved, evaluated; // steps
    double eval_value;         // of the objective's report
    int skipped;
    bool save_waits;         // for the end of a cycle
    struct metrics *metrics; // rank 0
    struct lines *told;      // rank 0: completions.jsonl; NULL: the objective tells nothing
    int lock;                // of the run's folder, -1: none
    struct progress *progress;
};

int run_open(struct run *run, const struct run_options *options, const struct parallel *parallel,
             struct error *error);
void run_close(struct run *run); // also after run_open failed

// run_start.c. The newest checkpoint, and whether the folder can be written to: before anything is loaded.
int run_find_start(struct run *run, const struct run_options *options, uint64_t *newest, struct error *error);
// The state of a run at its start, with all that decides which rows are trained.
void run_start_state(struct run *run);
// Goes on from a checkpoint of the same rows in the same order; ERROR_INPUT names what is not the same.
int run_resume(struct run *run, uint64_t step, struct error *error);
// Rank 0: makes the folder and starts its files.
int run_open_folder(struct run *run, const struct run_options *options, uint64_t newest, struct error *error);

struct objective_step run_step_of(const struct run *run, uint64_t step);
// No cycle is under way after so many steps.
bool run_is_settled(const struct run *run, uint64_t steps);
// Makes the objective get the rows from run->state.step on.
int run_open_epoch(struct run *run, struct error *error);

#endif
