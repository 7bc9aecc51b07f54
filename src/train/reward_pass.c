#include "train/reward_pass.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

static const double STEP = 0.75; // of log-odds

enum { SUM_ROWS, SUM_RIGHT, SUM_BINS }; // then [2][REWARD_BINS], no first

// The answer, where it is learnt, then every token of both sides as a completion of one token: these have no rows of their
// own, and the same pass says how likely each would have been in the answer's place.
enum { MOST_COMPLETIONS = 1 + 2 * LOCATABILITY_FORMS };

struct batch {
    const struct sft_row *rows;
    size_t count;
    const struct locatability_side *sides; // [2]
    enum reward_learn what;
    struct sft_totals *totals;
    double *sums;
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

// Tokens of the answer among a row's log-probs.
static size_t answer_tokens(const struct batch *batch, const struct sample *sample) {
    return batch->what == REWARD_LEARN_ANSWER ? sample->completion.count : 0;
}

static int build_batch(struct batch *batch, struct error *error) {
    size_t count = batch->count;
    batch->groups = memory_new(count, sizeof *batch->groups, "batch", error);
    batch->completions = memory_new(count * MOST_COMPLETIONS, sizeof *batch->completions, "batch", error);
    if (!batch->groups || !batch->completions) return -1;
    for (size_t i = 0; i < count; i++) {
        const struct sample *sample = batch->rows[i].sample;
        struct prompt_completion *completions = batch->completions + i * MOST_COMPLETIONS;
        size_t n = 0, answer = answer_tokens(batch, sample);
        if (answer) completions[n++] = (struct prompt_completion){sample->completion.data, answer};
        for (int side = 0; side < 2; side++)
            for (size_t k = 0; k < batch->sides[side].count; k++)
                completions[n++] = (struct prompt_completion){&batch->sides[side].ids[k], 1};
        batch->groups[i] = (struct prompt_group){.prompt = &sample->prompt,
                                                 .completions = completions,
                                                 .completion_count = n,
                                                 .image_embeds = batch->rows[i].embeds};
        batch->tokens += answer + batch->sides[0].count + batch->sides[1].count;
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

// log(1 + e^x)
static double soft_plus(double x) {
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

// The loss of a row, whose log-probs are the answer's and then both sides'; NaN when it is not a number.
static double take_row(const struct batch *batch, const struct sample *sample, const float *log_probs,
                       float *derivatives) {
    const struct locatability_side *sides = batch->sides;
    size_t answer = answer_tokens(batch, sample), counts[] = {sides[0].count, sides[1].count};
    const float *sided[] = {log_probs + answer, log_probs + answer + counts[0]};
    double masses[] = {log_sum(sided[0], counts[0]), log_sum(sided[1], counts[1])}, loss = 0;
    double log_odds = masses[1] - masses[0];
    bool yes = begins_with(sample, &sides[1]);
    if (!isfinite(log_odds)) return (double)NAN;
    count_score(batch->sums, log_odds, yes);
    batch->totals->tokens += (double)(sample->prompt.ids.count + answer);
    for (size_t i = 0; i < answer; i++)
        if (sample->trained[i]) loss -= (double)log_probs[i];
    batch->totals->labels += answer ? (double)sample->labels : 1;
    if (answer) return loss;
    double wrong = 1 / (1 + exp(yes ? log_odds : -log_odds)); // how far the score is from its class
    for (int side = 0; derivatives && side < 2; side++)
        for (size_t k = 0; k < counts[side]; k++) {
            double share = exp((double)sided[side][k] - masses[side]); // of the side's mass
            *derivatives++ = (float)((side == yes ? -wrong : wrong) * share);
        }
    return soft_plus(yes ? -log_odds : log_odds);
}

static double objective(void *context, const float *log_probs, float *derivatives, size_t count) {
    const struct batch *batch = context;
    double loss = 0;
    if (count != batch->tokens) return (double)NAN;
    for (size_t i = 0, at = 0; i < batch->count; i++) {
        const struct sample *sample = batch->rows[i].sample;
        loss += take_row(batch, sample, log_probs + at, derivatives ? derivatives + at : NULL);
        at += answer_tokens(batch, sample) + batch->sides[0].count + batch->sides[1].count;
    }
    return loss;
}

int reward_pass(struct training *training, const struct sft_row *rows, size_t count,
                const struct locatability_side sides[2], enum reward_learn what, bool learn,
                struct sft_totals *totals, double *sums, struct error *error) {
    struct batch batch = {
        .rows = rows, .count = count, .sides = sides, .what = what, .totals = totals, .sums = sums};
    double loss = 0;
    int result = build_batch(&batch, error);
    if (result == 0 && learn) {
        result = training_pass(training, batch.groups, count, 1, objective, &batch, &loss, error);
    } else if (result == 0) {
        result = training_log_probs(training, batch.groups, count, 1, false, batch.log_probs, error);
        if (result == 0) loss = objective(&batch, batch.log_probs, NULL, batch.tokens);
        if (result == 0 && !isfinite(loss)) result = error_set(error, ERROR_INPUT, "the loss is %g", loss);
    }
    if (result == 0) totals->loss += loss;
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
