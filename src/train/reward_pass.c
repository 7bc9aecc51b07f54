#include "train/reward_pass.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

static const double STEP = 0.75; // of log-odds

enum { SUM_ROWS, SUM_RIGHT, SUM_BINS }; // then [2][REWARD_BINS], no first

// The answer to learn, then every token of both sides as a completion of one token: these have no rows of their own, and
// the same pass says how likely each would have been in the answer's place.
enum { MOST_COMPLETIONS = 1 + 2 * LOCATABILITY_FORMS };

struct batch {
    struct prompt_group *groups;
    struct prompt_completion *completions; // [rows, MOST_COMPLETIONS]
    float *log_probs;
    size_t tokens;
};

static void free_batch(struct batch *batch) {
    free(batch->groups);
    free(batch->completions);
    free(batch->log_probs);
}

static int build_batch(struct batch *batch, const struct sft_row *rows, size_t count,
                       const struct locatability_side sides[2], struct error *error) {
    batch->groups = memory_new(count, sizeof *batch->groups, "batch", error);
    batch->completions = memory_new(count * MOST_COMPLETIONS, sizeof *batch->completions, "batch", error);
    if (!batch->groups || !batch->completions) return -1;
    for (size_t i = 0; i < count; i++) {
        struct prompt_completion *completions = batch->completions + i * MOST_COMPLETIONS;
        size_t n = 0;
        completions[n++] =
            (struct prompt_completion){rows[i].sample->completion.data, rows[i].sample->completion.count};
        for (int side = 0; side < 2; side++)
            for (size_t k = 0; k < sides[side].count; k++)
                completions[n++] = (struct prompt_completion){&sides[side].ids[k], 1};
        batch->groups[i] = (struct prompt_group){.prompt = &rows[i].sample->prompt,
                                                 .completions = completions,
                                                 .completion_count = n,
                                                 .image_embeds = rows[i].embeds};
        batch->tokens += completions[0].count + n - 1;
    }
    batch->log_probs = memory_new(batch->tokens + 1, sizeof *batch->log_probs, "batch", error);
    return batch->log_probs ? 0 : -1;
}

static double log_sum(const float *log_probs, size_t count) {
    double top = (double)log_probs[0], sum = 0;
    for (size_t i = 1; i < count; i++) top = fmax(top, (double)log_probs[i]);
    for (size_t i = 0; i < count; i++) sum += exp((double)log_probs[i] - top);
    return top + log(fmax(sum, 1)); // one term is 1
}

static bool begins_with(const struct sample *sample, const struct locatability_side *side) {
    for (size_t i = 0; i < side->count; i++)
        if (sample->completion.count && sample->completion.data[0] == side->ids[i]) return true;
    return false;
}

static void count_score(double *sums, double log_odds, bool yes) {
    double at = floor(log_odds / STEP) + REWARD_BINS / 2.0; // an even number
    size_t bin = at < 0 ? 0 : at >= REWARD_BINS ? REWARD_BINS - 1 : (size_t)at;
    sums[SUM_ROWS] += 1;
    sums[SUM_RIGHT] += (log_odds >= 0) == yes;
    sums[SUM_BINS + (yes ? REWARD_BINS : 0) + bin] += 1;
}

static int take_row(const struct sample *sample, const float *log_probs,
                    const struct locatability_side sides[2], struct sft_totals *totals, double *sums,
                    struct error *error) {
    const float *sided = log_probs + sample->completion.count;
    double loss = 0, no = log_sum(sided, sides[0].count),
           yes = log_sum(sided + sides[0].count, sides[1].count);
    for (size_t i = 0; i < sample->completion.count; i++)
        if (sample->trained[i]) loss -= (double)log_probs[i];
    if (!isfinite(loss) || !isfinite(yes - no))
        return error_set(error, ERROR_INPUT, "the loss is %g", isfinite(loss) ? yes - no : loss);
    totals->loss += loss;
    totals->labels += (double)sample->labels;
    totals->tokens += (double)(sample->prompt.ids.count + sample->completion.count);
    count_score(sums, yes - no, begins_with(sample, &sides[1]));
    return 0;
}

int reward_pass(struct training *training, const struct sft_row *rows, size_t count,
                const struct locatability_side sides[2], struct sft_totals *totals, double *sums,
                struct error *error) {
    struct batch batch = {0};
    size_t at = 0;
    int result = build_batch(&batch, rows, count, sides, error);
    if (result == 0)
        result = training_log_probs(training, batch.groups, count, 1, false, batch.log_probs, error);
    for (size_t i = 0; result == 0 && i < count; i++) {
        result = take_row(rows[i].sample, batch.log_probs + at, sides, totals, sums, error);
        at += rows[i].sample->completion.count + sides[0].count + sides[1].count;
    }
    free_batch(&batch);
    return result;
}

size_t reward_pass_metrics(const double *sums, struct metric *metrics) {
    double yes = 0, no = 0, ordered = 0; // pairs in the right order
    for (size_t bin = 0; bin < REWARD_BINS; bin++) {
        double own_no = sums[SUM_BINS + bin], own_yes = sums[SUM_BINS + REWARD_BINS + bin];
        ordered += own_yes * (no + own_no / 2);
        no += own_no;
        yes += own_yes;
    }
    metrics[0] = (struct metric){"eval_accuracy", sums[SUM_RIGHT] / sums[SUM_ROWS]};
    metrics[1] = (struct metric){"eval_auc", yes > 0 && no > 0 ? ordered / (yes * no) : (double)NAN};
    metrics[2] = (struct metric){"eval_yes", yes / sums[SUM_ROWS]};
    return 3;
}
