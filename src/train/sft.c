#include "train/sft.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "train/metrics.h"
#include "train/save.h"
#include "train/schedule.h"
#include "train/sft_pass.h"
#include "train/sft_setup.h"

enum { MAX_SKIPPED = 10 }; // steps in a row whose gradients are not numbers

// ---- passes ---------------------------------------------------------------------------------------------

// "a.jsonl:3, a.jsonl:7: " in front of the error of a pass.
static int name_rows(const struct sft *sft, const struct feed *feed, const struct feed_row *rows,
                     size_t count, struct error *error) {
    struct buffer names = {0};
    (void)sft;
    for (size_t i = 0; i < count && i < 8; i++) {
        char place[256];
        dataset_describe(feed->dataset, rows[i].row, place, sizeof place);
        buffer_format(&names, "%s%s", i ? ", " : "", place);
    }
    error_prefix(error, "%s%s", names.data ? names.data : "", count > 8 ? ", ..." : "");
    buffer_free(&names);
    return -1;
}

// The next `wanted` rows of a feed through the model together.
static int run_rows(struct sft *sft, struct feed *feed, size_t wanted, bool learn, struct sft_totals *totals,
                    struct error *error) {
    struct sft_row *batch = sft->batch;
    size_t count = 0;
    int result = 0;
    for (size_t i = 0; i < wanted && result == 0; i++) {
        struct feed_row *row = &sft->loaded[count];
        result = feed_next(feed, row, error);
        if (result == 0) {
            batch[count++] = (struct sft_row){row->sample, row->embeds};
        } else if (sft->recipe->data.bad_rows == RECIPE_BAD_ROWS_SKIP && error->code == ERROR_INPUT) {
            log_warning("%s; the row is left out", error->message);
            *error = (struct error){0};
            result = 0;
        }
    }
    if (result == 0 && count && sft_pass(sft->training, batch, count, learn, totals, error))
        result = name_rows(sft, feed, sft->loaded, count, error);
    for (size_t i = 0; i < count; i++) feed_release(&sft->loaded[i]);
    return result;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

// This rank's rows of one optimiser step. The masks of dropout depend on a row's place in the step alone.
static int run_step_rows(struct sft *sft, struct sft_totals *totals, struct error *error) {
    const struct recipe_batch *batch = &sft->recipe->batch;
    size_t own = sft_step_rows(sft, sft->state.step);
    for (size_t done = 0; done < own; done += batch->micro_rows) {
        uint64_t place = (uint64_t)sft->parallel->rank + done * (uint64_t)sft->parallel->ranks;
        training_set_passes(sft->training, sft->state.step * batch->rows + place);
        if (run_rows(sft, &sft->train, smaller(batch->micro_rows, own - done), true, totals, error))
            return -1;
    }
    return 0;
}

static int sum_totals(const struct sft *sft, struct sft_totals *totals, struct error *error) {
    double values[] = {totals->loss, totals->labels, totals->tokens};
    if (parallel_sum(sft->parallel, values, 3, error)) return -1;
    *totals = (struct sft_totals){values[0], values[1], values[2]};
    return 0;
}

// ---- evaluation and checkpoints -------------------------------------------------------------------------

static int run_evaluation(struct sft *sft, struct sft_totals *totals, struct error *error) {
    size_t micro = sft->recipe->batch.micro_rows, own = sft->eval_own;
    if (own && feed_start(&sft->eval, sft->eval_rows, own, error)) return -1;
    int result = 0;
    for (size_t done = 0; done < own && result == 0; done += micro)
        result = run_rows(sft, &sft->eval, smaller(micro, own - done), false, totals, error);
    feed_stop(&sft->eval);
    return result;
}

// The loss over the held-out rows, once per step.
static int evaluate(struct sft *sft, struct error *error) {
    struct sft_totals totals = {0};
    if (!sft->eval_count || sft->evaluated == sft->state.step) return 0;
    int result = run_evaluation(sft, &totals, error);
    if (parallel_agree(sft->parallel, result, error) || sum_totals(sft, &totals, error)) return -1;
    sft->evaluated = sft->state.step;
    sft->eval_loss = totals.labels > 0 ? totals.loss / totals.labels : NAN;
    const struct metric metric = {"eval_loss", sft->eval_loss};
    if (isfinite(sft->eval_loss))
        log_info("step %" PRIu64 ": loss %.4f in evaluation", sft->state.step, sft->eval_loss);
    else
        log_warning("step %" PRIu64 ": the loss in evaluation is not a number", sft->state.step);
    return sft->metrics ? metrics_add(sft->metrics, sft->state.step, &metric, 1, error) : 0;
}

static int save(struct sft *sft, struct error *error) {
    struct train_state *state = &sft->state;
    if (sft->saved == state->step) return 0;
    if (sft->evaluated == state->step && sft->eval_count && isfinite(sft->eval_loss) &&
        (!state->best_step || sft->eval_loss < state->best_loss)) {
        state->best_step = state->step;
        state->best_loss = sft->eval_loss;
    }
    if (save_checkpoint(&sft->save, state, &sft->optimizer, error)) return -1;
    sft->saved = state->step;
    log_debug("saved step %" PRIu64, state->step);
    return 0;
}

static bool is_due(uint64_t step, uint64_t every, bool last) {
    return last || (every && step % every == 0);
}

static int after_step(struct sft *sft, bool last, struct error *error) {
    uint64_t step = sft->state.step;
    bool saving = is_due(step, sft->recipe->save.every, last);
    bool evaluating =
        is_due(step, sft->recipe->run.eval_every, last) || (saving && sft->recipe->save.keep_best);
    if (evaluating && evaluate(sft, error)) return -1;
    return saving ? save(sft, error) : 0;
}

// ---- steps ----------------------------------------------------------------------------------------------

static int report_step(struct sft *sft, const struct sft_totals *totals,
                       const struct optimizer_report *report, double rate, double seconds,
                       struct error *error) {
    double loss = totals->labels > 0 ? totals->loss / totals->labels : NAN, speed = totals->tokens / seconds;
    const struct metric metrics[] = {
        {"loss", loss},
        {"learning_rate", rate},
        {"grad_norm", report->norm},
        {"epoch", (double)sft->state.step / (double)sft->epoch_steps},
        {"labels", totals->labels},
        {"tokens", totals->tokens},
        {"tokens_per_second", speed},
        {"seconds", seconds},
    };
    progress_note(sft->progress, "loss %.4f, lr %.2e, %.0f tokens/s", loss, rate, speed);
    progress_add(sft->progress, 1);
    if (!sft->metrics) return 0;
    return metrics_add(sft->metrics, sft->state.step, metrics, sizeof metrics / sizeof *metrics, error);
}

static int update(struct sft *sft, const struct sft_totals *totals, double rate,
                  struct optimizer_report *report, struct error *error) {
    if (totals->labels == 0) {
        log_warning("step %" PRIu64 " had no row that could be used", sft->state.step + 1);
        *report = (struct optimizer_report){0};
        return 0;
    }
    if (optimizer_step(&sft->optimizer, rate, 1 / totals->labels, report, error)) return -1;
    sft->skipped = report->skipped ? sft->skipped + 1 : 0;
    if (report->skipped)
        log_warning("step %" PRIu64 ": the gradient is not a number; no update", sft->state.step + 1);
    if (sft->skipped == MAX_SKIPPED)
        return error_set(error, ERROR_INPUT, "%d steps in a row had gradients that are not numbers",
                         MAX_SKIPPED);
    training_refresh(sft->training);
    return 0;
}

static int run_step(struct sft *sft, struct error *error) {
    struct sft_totals totals = {0};
    struct optimizer_report report;
    double started = clock_seconds();
    double rate = sft->recipe->optimizer.learning_rate * schedule_factor(&sft->schedule, sft->state.step);
    if (sft_open_epoch(sft, error)) return -1;
    training_zero_gradients(sft->training);
    int result = run_step_rows(sft, &totals, error);
    if (parallel_agree(sft->parallel, result, error) || sum_totals(sft, &totals, error) ||
        update(sft, &totals, rate, &report, error))
        return -1;
    sft->state.step++;
    return report_step(sft, &totals, &report, rate, clock_seconds() - started, error);
}

// Any rank's signal stops all.
static int check_signals(const struct sft *sft, bool *stop, struct error *error) {
    double interrupted = signals_interrupted();
    if (parallel_max(sft->parallel, &interrupted, 1, error)) return -1;
    *stop = interrupted > 0;
    return 0;
}

// Weights and moments are still those of the last finished step.
static int keep_last_good_state(struct sft *sft, struct error *error) {
    struct error second = {0};
    if (error->code != ERROR_INPUT || sft->state.step == 0) return -1;
    if (save(sft, &second))
        log_error("%s", second.message);
    else
        log_info("step %" PRIu64 ", the last good one, is saved", sft->state.step);
    return -1;
}

static int train(struct sft *sft, struct error *error) {
    bool stop = false;
    while (sft->state.step < sft->schedule.total && !stop) {
        if (run_step(sft, error)) return keep_last_good_state(sft, error);
        bool last = sft->state.step == sft->schedule.total;
        if (after_step(sft, last, error) || check_signals(sft, &stop, error)) return -1;
    }
    if (!stop || sft->state.step == sft->schedule.total) return 0;
    if (save(sft, error)) return -1;
    return error_set(error, ERROR_INTERRUPTED,
                     "stopped after step %" PRIu64 ", which is saved; --resume goes on", sft->state.step);
}

int sft_run(const struct sft_options *options, const struct parallel *parallel, struct error *error) {
    struct sft sft;
    int result = sft_open(&sft, options, parallel, error);
    if (result == 0 && !options->check) {
        sft.progress = progress_start("training", "steps", sft.schedule.total - sft.state.step);
        result = train(&sft, error);
        progress_finish(sft.progress);
    }
    sft_close(&sft);
    return result;
}
