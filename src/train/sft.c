#include "train/sft.h"

#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/memory.h"
#include "train/objective_data.h"
#include "train/reward_pass.h"
#include "train/sft_pass.h"

enum { SUM_LOSS, SUM_LABELS, SUM_REWARD }; // from there on those of reward_pass
_Static_assert(SUM_REWARD + REWARD_SUMS <= OBJECTIVE_MOST_SUMS, "sums of a reward model");

struct sft {
    struct objective_parts parts;
    struct objective_data data;
    struct sft_row *batch; // [batch.micro_rows]
    struct feed_row *loaded;
    struct locatability_side sides[2]; // of a reward model
};

// ---- data -----------------------------------------------------------------------------------------------

static void sft_close(void *self) {
    struct sft *sft = self;
    if (!sft) return;
    objective_data_close(&sft->data);
    free(sft->batch);
    free(sft->loaded);
    free(sft);
}

static int sft_open(void **self, const struct objective_parts *parts, struct error *error) {
    size_t micro = parts->recipe->batch.micro_rows;
    struct sft *sft = memory_new(1, sizeof *sft, "training", error);
    *self = sft;
    if (!sft) return -1;
    sft->parts = *parts;
    sft->batch = memory_new(micro, sizeof *sft->batch, "batch", error);
    sft->loaded = memory_new(micro, sizeof *sft->loaded, "batch", error);
    if (!sft->batch || !sft->loaded) return -1;
    if (parts->recipe->use == RECIPE_REWARD && locatability_find_tokens(sft->sides, parts->model, error))
        return -1;
    return objective_data_open(&sft->data, &sft->parts, 0, error);
}

static size_t sft_rows(const void *self, enum objective_set set) {
    const struct sft *sft = self;
    return objective_data_rows(&sft->data, set);
}

static size_t sft_length(const void *self, size_t row) {
    const struct sft *sft = self;
    return dataset_tokens(sft->data.sets[OBJECTIVE_TRAIN], row);
}

static uint64_t sft_identity(const void *self, enum objective_set set) {
    const struct sft *sft = self;
    return objective_data_identity(&sft->data, set);
}

static struct objective_need sft_need(const void *self, size_t rows) {
    const struct sft *sft = self;
    return objective_data_need(&sft->data, rows);
}

static int sft_ready(void *self, struct training *training, struct error *error) {
    struct sft *sft = self;
    sft->parts.training = training;
    return objective_data_ready(&sft->data, training, error);
}

// ---- passes ---------------------------------------------------------------------------------------------

static int sft_start(void *self, enum objective_set set, const size_t *rows, size_t count,
                     struct error *error) {
    struct sft *sft = self;
    return feed_start(&sft->data.feeds[set], rows, count, error);
}

static void sft_stop(void *self, enum objective_set set) {
    struct sft *sft = self;
    feed_stop(&sft->data.feeds[set]);
}

// "a.jsonl:3, a.jsonl:7: " in front of the error of a pass.
static int name_rows(const struct feed *feed, const struct feed_row *rows, size_t count,
                     struct error *error) {
    struct buffer names = {0};
    for (size_t i = 0; i < count && i < 8; i++) {
        char place[256];
        dataset_describe(feed->dataset, rows[i].row, place, sizeof place);
        buffer_format(&names, "%s%s", i ? ", " : "", place);
    }
    error_prefix(error, "%s%s", names.data ? names.data : "", count > 8 ? ", ..." : "");
    buffer_free(&names);
    return -1;
}

static int run_batch(struct sft *sft, size_t count, bool learn, struct sft_totals *sums, double *reward,
                     struct error *error) {
    const struct recipe *recipe = sft->parts.recipe;
    enum reward_learn what = (enum reward_learn)recipe->judge.learn;
    bool judged = recipe->use == RECIPE_REWARD && (!learn || what == REWARD_LEARN_SCORE);
    return judged ? reward_pass(sft->parts.training, sft->batch, count, sft->sides, what, learn, sums, reward,
                                error)
                  : sft_pass(sft->parts.training, sft->batch, count, learn, sums, error);
}

static int sft_run_pass(void *self, enum objective_set set, size_t wanted, bool learn,
                        struct objective_totals *totals, struct error *error) {
    struct sft *sft = self;
    struct feed *feed = &sft->data.feeds[set];
    struct sft_totals sums = {0};
    size_t count = 0;
    int result = 0;
    for (size_t i = 0; i < wanted && result == 0; i++) {
        struct feed_row *row = &sft->loaded[count];
        result = feed_next(feed, row, error);
        if (result == 0) {
            sft->batch[count++] = (struct sft_row){row->sample, row->embeds};
        } else if (sft->parts.recipe->data.bad_rows == RECIPE_BAD_ROWS_SKIP && error->code == ERROR_INPUT) {
            log_warning("%s; the row is left out", error->message);
            *error = (struct error){0};
            result = 0;
        }
    }
    if (result == 0 && count && run_batch(sft, count, learn, &sums, totals->sums + SUM_REWARD, error))
        result = name_rows(feed, sft->loaded, count, error);
    for (size_t i = 0; i < count; i++) feed_release(&sft->loaded[i]);
    totals->sums[SUM_LOSS] += sums.loss;
    totals->sums[SUM_LABELS] += sums.labels;
    totals->weight += sums.labels;
    totals->tokens += sums.tokens;
    return result;
}

static size_t sft_metrics(const void *self, enum objective_set set, const struct objective_totals *totals,
                          struct metric *metrics) {
    double labels = totals->sums[SUM_LABELS], loss = labels > 0 ? totals->sums[SUM_LOSS] / labels : NAN;
    if (set == OBJECTIVE_EVAL) {
        metrics[0] = (struct metric){"eval_loss", loss};
        bool judged = ((const struct sft *)self)->parts.recipe->use == RECIPE_REWARD;
        return 1 + (judged ? reward_pass_metrics(totals->sums + SUM_REWARD, metrics + 1) : 0);
    }
    metrics[0] = (struct metric){"loss", loss};
    metrics[1] = (struct metric){"labels", labels};
    metrics[2] = (struct metric){"tokens", totals->tokens};
    return 3;
}

#define SUPERVISED                                                                                        \
    .report = "loss", .open = sft_open, .close = sft_close, .rows = sft_rows, .length = sft_length,       \
    .identity = sft_identity, .need = sft_need, .ready = sft_ready, .start = sft_start, .stop = sft_stop, \
    .pass = sft_run_pass, .metrics = sft_metrics

const struct objective sft_objective = {.name = "sft", SUPERVISED};
const struct objective reward_objective = {.name = "reward", SUPERVISED};
