// Private to sft*.c: a run with all its parts, from the recipe to the first step.
#ifndef GLOBE_TRAIN_SFT_SETUP_H
#define GLOBE_TRAIN_SFT_SETUP_H

#include "train/feed.h"
#include "train/metrics.h"
#include "train/optimizer.h"
#include "train/order.h"
#include "train/save.h"
#include "train/schedule.h"
#include "train/sft.h"
#include "train/sft_pass.h"

struct progress;

struct sft {
    const struct recipe *recipe;
    const struct parallel *parallel;
    struct model *model;
    struct training *training;
    size_t adapter_values; // of lora.folder
    struct parameter **parameters;
    struct optimizer optimizer;

    struct dataset *train_data, *eval_data;  // the second is NULL when rows of the first are held out
    size_t *train_rows, train_count;         // rows of train_data
    size_t *lengths;                         // [train_count] in tokens
    size_t *eval_rows, eval_own, eval_count; // this rank's share, and over all ranks
    size_t *sequence, *own;                  // [train_count]: an epoch, and this rank's share of it
    struct order order;
    uint64_t epoch_steps, epoch; // epoch: that `train` runs through, UINT64_MAX: none
    struct features *features, *eval_features;
    struct feed train, eval;
    struct sft_row *batch; // [batch.micro_rows]
    struct feed_row *loaded;

    struct schedule schedule;
    struct train_state state;
    struct save save;
    uint64_t saved, evaluated; // steps
    double eval_loss;
    int skipped;
    struct metrics *metrics; // rank 0
    int lock;                // of the run's folder, -1: none
    struct progress *progress;
};

int sft_open(struct sft *sft, const struct sft_options *options, const struct parallel *parallel,
             struct error *error);
void sft_close(struct sft *sft); // also after sft_open failed

// sft_folder.c. The newest checkpoint, and whether the folder can be written to: before anything is loaded.
int sft_find_start(struct sft *sft, const struct sft_options *options, uint64_t *newest, struct error *error);
// The state of a run at its start, with all that decides which rows are trained.
void sft_start_state(struct sft *sft);
// Goes on from a checkpoint of the same rows in the same order; ERROR_INPUT names what is not the same.
int sft_resume(struct sft *sft, uint64_t step, struct error *error);
// Rank 0: makes the folder and starts its files.
int sft_open_folder(struct sft *sft, const struct sft_options *options, uint64_t newest, struct error *error);

// Rows of this rank in a step.
size_t sft_step_rows(const struct sft *sft, uint64_t step);
// Makes sft->train deliver the rows from sft->state.step on.
int sft_open_epoch(struct sft *sft, struct error *error);

#endif
