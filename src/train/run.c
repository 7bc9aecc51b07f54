#include "train/run.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/signals.h"
#include "train/run_internal.h"

enum { MAX_SKIPPED = 10 }; // steps in a row whose gradients are not numbers

// ---- passes ---------------------------------------------------------------------------------------------

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

// This rank's rows of one optimiser step. The masks of dropout depend on a row's place in the step alone.
static int pass_step(struct run *run, struct objective_totals *totals, struct error *error) {
    const struct recipe_batch *batch = &run->recipe->batch;
    const struct objective *objective = run->objective;
    const struct objective_step step = run_step_of(run, run->state.step);
    size_t own = step.rows;
    if (objective->prepare && objective->prepare(run->self, &step, error)) return -1;
    for (size_t done = 0; done < own; done += batch->micro_rows) {
        uint64_t place = (uint64_t)run->parallel->rank + done * (uint64_t)run->parallel->ranks;
        training_set_passes(run->training, run->state.step * batch->rows + place);
        if (objective->pass(run->self, OBJECTIVE_TRAIN, smaller(batch->micro_rows, own - done), true, totals,
                            error))
            return -1;
    }
    return 0;
}

static int sum_totals(const struct run *run, struct objective_totals *totals, struct error *error) {
    double values[2 + OBJECTIVE_MOST_SUMS] = {totals->weight, totals->tokens};
    memcpy(values + 2, totals->sums, sizeof totals->sums);
    if (parallel_sum(run->parallel, values, sizeof values / sizeof *values, error)) return -1;
    totals->weight = values[0];
    totals->tokens = values[1];
    memcpy(totals->sums, values + 2, sizeof totals->sums);
    return parallel_max(run->parallel, totals->highs, OBJECTIVE_MOST_HIGHS, error);
}

static struct objective_totals no_totals(void) {
    struct objective_totals totals = {0};
    for (size_t i = 0; i < OBJECTIVE_MOST_HIGHS; i++) totals.highs[i] = -INFINITY;
    return totals;
}

// ---- evaluation and checkpoints -------------------------------------------------------------------------

static int pass_evaluation(struct run *run, struct objective_totals *totals, struct error *error) {
    const struct objective *objective = run->objective;
    size_t micro = run->recipe->batch.micro_rows, own = run->eval_own;
    if (own && objective->start(run->self, OBJECTIVE_EVAL, run->eval_rows, own, error)) return -1;
    int result = 0;
    for (size_t done = 0; done < own && result == 0; done += micro)
        result = objective->pass(run->self, OBJECTIVE_EVAL, smaller(micro, own - done), false, totals, error);
    objective->stop(run->self, OBJECTIVE_EVAL);
    return result;
}

// What the objective reports of the rows for evaluation, once per step.
static int evaluate(struct run *run, struct error *error) {
    const struct objective *objective = run->objective;
    struct objective_totals totals = no_totals();
    struct metric metrics[OBJECTIVE_MOST_METRICS];
    if (!run->eval_count || run->evaluated == run->state.step) return 0;
    int result = pass_evaluation(run, &totals, error);
    if (parallel_agree(run->parallel, result, error) || sum_totals(run, &totals, error)) return -1;
    size_t count = objective->metrics(run->self, OBJECTIVE_EVAL, &totals, metrics);
    run->evaluated = run->state.step;
    run->eval_value = metrics[0].value;
    if (isfinite(run->eval_value))
        log_info("step %" PRIu64 ": %s %.4f in evaluation", run->state.step, objective->report,
                 run->eval_value);
    else
        log_warning("step %" PRIu64 ": the %s in evaluation is not a number", run->state.step,
                    objective->report);
    return run->metrics ? metrics_add(run->metrics, run->state.step, metrics, count, error) : 0;
}

static bool is_best(const struct run *run) {
    const struct train_state *state = &run->state;
    if (run->evaluated != state->step || !run->eval_count || !isfinite(run->eval_value)) return false;
    if (!state->best_step) return true;
    return run->objective->more_is_better ? run->eval_value > state->best_value
                                          : run->eval_value < state->best_value;
}

static int save(struct run *run, struct error *error) {
    struct train_state *state = &run->state;
    if (run->saved == state->step) return 0;
    if (is_best(run)) {
        state->best_step = state->step;
        state->best_value = run->eval_value;
    }
    if (save_checkpoint(&run->save, state, &run->optimizer, error)) return -1;
    run->saved = state->step;
    log_debug("saved step %" PRIu64, state->step);
    return 0;
}

static bool is_due(uint64_t step, uint64_t every, bool last) {
    return last || (every && step % every == 0);
}

static int after_step(struct run *run, bool last, struct error *error) {
    uint64_t step = run->state.step;
    bool saving = is_due(step, run->recipe->save.every, last) || run->save_waits;
    run->save_waits = saving && !run_is_settled(run, step);
    if (run->save_waits) saving = false;
    bool evaluating =
        is_due(step, run->recipe->run.eval_every, last) || (saving && run->recipe->save.keep_best);
    if (evaluating && evaluate(run, error)) return -1;
    return saving ? save(run, error) : 0;
}

// ---- steps ----------------------------------------------------------------------------------------------

// The objective's metrics with the run's own between them: what is watched comes first.
static int report_step(struct run *run, const struct objective_totals *totals,
                       const struct optimizer_report *report, double rate, double seconds,
                       struct error *error) {
    enum { BEFORE = 3, AFTER = 2 };
    struct metric own[OBJECTIVE_MOST_METRICS], metrics[OBJECTIVE_MOST_METRICS + BEFORE + AFTER];
    size_t count = run->objective->metrics(run->self, OBJECTIVE_TRAIN, totals, own), n = 0;
    double speed = totals->tokens / seconds;
    metrics[n++] = own[0];
    metrics[n++] = (struct metric){"learning_rate", rate};
    metrics[n++] = (struct metric){"grad_norm", report->norm};
    metrics[n++] = (struct metric){"epoch", (double)run->state.step / (double)run->epoch_steps};
    for (size_t i = 1; i < count; i++) metrics[n++] = own[i];
    metrics[n++] = (struct metric){"tokens_per_second", speed};
    const char *name = run->objective->seconds;
    metrics[n++] = (struct metric){name ? name : "seconds", seconds};
    progress_note(run->progress, "%s %.4f, lr %.2e, %.0f tokens/s", own[0].name, own[0].value, rate, speed);
    progress_add(run->progress, 1);
    return run->metrics ? metrics_add(run->metrics, run->state.step, metrics, n, error) : 0;
}

static int update(struct run *run, const struct objective_totals *totals, double rate,
                  struct optimizer_report *report, struct error *error) {
    if (totals->weight == 0) {
        log_warning("step %" PRIu64 " had no row that could be used", run->state.step + 1);
        *report = (struct optimizer_report){0};
        return 0;
    }
    if (optimizer_step(&run->optimizer, rate, 1 / totals->weight, report, error)) return -1;
    run->skipped = report->skipped ? run->skipped + 1 : 0;
    if (report->skipped)
        log_warning("step %" PRIu64 ": the gradient is not a number; no update", run->state.step + 1);
    if (run->skipped == MAX_SKIPPED)
        return error_set(error, ERROR_INPUT, "%d steps in a row had gradients that are not numbers",
                         MAX_SKIPPED);
    training_refresh(run->training);
    return 0;
}

static int run_step(struct run *run, struct error *error) {
    struct objective_totals totals = no_totals();
    struct optimizer_report report;
    double started = clock_seconds();
    double rate = run->recipe->optimizer.learning_rate * schedule_factor(&run->schedule, run->state.step);
    if (run_open_epoch(run, error)) return -1;
    training_zero_gradients(run->training);
    int result = pass_step(run, &totals, error);
    if (parallel_agree(run->parallel, result, error) || sum_totals(run, &totals, error) ||
        update(run, &totals, rate, &report, error))
        return -1;
    run->state.step++;
    return report_step(run, &totals, &report, rate, clock_seconds() - started, error);
}

// What the objective has to tell of the step that was just made.
static int tell(struct run *run, struct error *error) {
    struct buffer lines = {0};
    int result = run->told ? run->objective->tell(run->self, run->state.step, &lines, error) : 0;
    for (const char *line = lines.data, *end; result == 0 && line && (end = strchr(line, '\n'));
         line = end + 1)
        result = lines_add(run->told, line, (size_t)(end - line), error);
    buffer_free(&lines);
    return parallel_agree(run->parallel, result, error);
}

// Any rank's signal stops all.
static int check_signals(const struct run *run, bool *stop, struct error *error) {
    double interrupted = signals_interrupted();
    if (parallel_max(run->parallel, &interrupted, 1, error)) return -1;
    *stop = interrupted > 0;
    return 0;
}

// Weights and moments are still those of the last finished step: what failed, or was interrupted, is what comes before
// an update.
static int keep_last_good_state(struct run *run, struct error *error) {
    struct error second = {0};
    bool before =
        error->code == ERROR_INPUT || error->code == ERROR_INTERRUPTED || error->code == ERROR_NETWORK;
    if (!before || run->state.step == 0) return -1;
    if (!run_is_settled(run, run->state.step)) return -1; // the last checkpoint stays
    if (save(run, &second))
        log_error("%s", second.message);
    else
        log_info("step %" PRIu64 ", the last good one, is saved", run->state.step);
    return -1;
}

static int train(struct run *run, struct error *error) {
    bool stop = false;
    while (run->state.step < run->schedule.total && !(stop && run_is_settled(run, run->state.step))) {
        if (run_step(run, error)) return keep_last_good_state(run, error);
        bool last = run->state.step == run->schedule.total;
        if (tell(run, error) || after_step(run, last, error) || check_signals(run, &stop, error)) return -1;
    }
    if (!stop || run->state.step == run->schedule.total) return 0;
    if (save(run, error)) return -1;
    return error_set(error, ERROR_INTERRUPTED,
                     "stopped after step %" PRIu64 ", which is saved; --resume goes on", run->state.step);
}

int run_train(const struct run_options *options, const struct parallel *parallel, struct error *error) {
    struct run run;
    int result = run_open(&run, options, parallel, error);
    if (result == 0 && !options->check) {
        run.progress = progress_start("training", "steps", run.schedule.total - run.state.step);
        result = train(&run, error);
        progress_finish(run.progress);
    }
    run_close(&run);
    return result;
}
