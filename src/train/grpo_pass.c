#include "train/grpo_pass.h"

#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "train/dataset.h"

// "rows.jsonl:3, rows.jsonl:9: " in front of the error of a pass.
static int name_rows(const struct grpo_group *groups, size_t count, struct error *error) {
    struct buffer names = {0};
    for (size_t g = 0; g < count; g++)
        if (groups[g].completions)
            buffer_format(&names, "%s%s", names.length ? ", " : "", groups[g].row.sample->asked->place);
    error_prefix(error, "%s", names.data ? names.data : "");
    buffer_free(&names);
    return -1;
}

// ---- log-probs ------------------------------------------------------------------------------------------

static size_t tokens_of(const struct grpo_group *groups, size_t count) {
    size_t tokens = 0;
    for (size_t g = 0; g < count; g++) tokens += groups[g].completions ? groups[g].tokens : 0;
    return tokens;
}

// Of groups that can be used.
static size_t list_groups(const struct grpo_group *groups, size_t count, const struct lora *adapter,
                          struct prompt_group *out) {
    size_t listed = 0;
    for (size_t g = 0; g < count; g++) {
        if (!groups[g].completions) continue;
        out[listed] = grpo_group_prompt(&groups[g]);
        out[listed++].adapter = adapter;
    }
    return listed;
}

static int keep(struct grpo_group *group, enum grpo_policy policy, const float *log_probs,
                struct error *error) {
    double **place = policy == GRPO_OLD ? &group->old : &group->reference;
    free(*place);
    *place = memory_new(group->tokens + 1, sizeof **place, "log-probs", error);
    if (!*place) return -1;
    for (size_t t = 0; t < group->tokens; t++) {
        if (!isfinite(log_probs[t])) {
            error_set(error, ERROR_INPUT, "the %s gives token %zu of the group the log-prob %g",
                      policy == GRPO_OLD ? "policy" : "reference", t, (double)log_probs[t]);
            return name_rows(group, 1, error);
        }
        (*place)[t] = (double)log_probs[t];
    }
    return 0;
}

static int score_some(struct training *training, const struct lora *reference, enum grpo_policy policy,
                      double temperature, struct grpo_group *groups, size_t count, struct error *error) {
    size_t tokens = tokens_of(groups, count);
    struct prompt_group *listed = memory_new(count, sizeof *listed, "log-probs", error);
    float *log_probs = memory_new(tokens + 1, sizeof *log_probs, "log-probs", error);
    int result = listed && log_probs ? 0 : -1;
    size_t used =
        result == 0 ? list_groups(groups, count, policy == GRPO_REFERENCE ? reference : NULL, listed) : 0;
    if (used && training_log_probs(training, listed, used, (float)temperature, policy == GRPO_REFERENCE,
                                   log_probs, error))
        result = name_rows(groups, count, error);
    const float *at = log_probs;
    for (size_t g = 0; result == 0 && g < count; g++) {
        if (!groups[g].completions) continue;
        result = keep(&groups[g], policy, at, error);
        at += groups[g].tokens;
    }
    free(listed);
    free(log_probs);
    return result;
}

int grpo_score_groups(struct training *training, const struct lora *reference, enum grpo_policy policy,
                      double temperature, struct grpo_group *groups, size_t count, size_t together,
                      struct error *error) {
    for (size_t first = 0; first < count; first += together) {
        size_t some = count - first < together ? count - first : together;
        if (score_some(training, reference, policy, temperature, groups + first, some, error)) return -1;
    }
    return 0;
}

// ---- the pass -------------------------------------------------------------------------------------------

// The completions of a pass, one after the other.
struct batch {
    struct policy_batch policy;
    const struct grpo_pass_options *options;
    struct grpo_totals *totals;
    size_t tokens;
    size_t *lengths;
    bool *masked;
    double *advantages, *log_probs, *old, *reference, *sampler, *full, *entropies, *by_log_prob, *by_entropy;
    bool has_old, has_reference;
};

static void free_batch(struct batch *batch) {
    free(batch->lengths);
    free(batch->masked);
    free(batch->advantages);
    free(batch->log_probs);
    free(batch->old);
    free(batch->reference);
    free(batch->sampler);
    free(batch->full);
    free(batch->entropies);
    free(batch->by_log_prob);
    free(batch->by_entropy);
}

static double *new_values(size_t count, struct error *error) {
    return memory_new(count + 1, sizeof(double), "batch", error);
}

static int open_batch(struct batch *batch, const struct grpo_group *groups, size_t count,
                      struct error *error) {
    size_t completions = 0;
    for (size_t g = 0; g < count; g++) {
        if (!groups[g].completions) continue;
        completions += groups[g].count;
        batch->has_old = groups[g].old != NULL;
        batch->has_reference = groups[g].reference != NULL;
    }
    size_t tokens = batch->tokens = tokens_of(groups, count);
    batch->policy.count = completions;
    batch->lengths = memory_new(completions + 1, sizeof *batch->lengths, "batch", error);
    batch->masked = memory_new(completions + 1, sizeof *batch->masked, "batch", error);
    batch->advantages = new_values(completions, error);
    batch->log_probs = new_values(tokens, error);
    batch->old = new_values(tokens, error);
    batch->reference = new_values(tokens, error);
    batch->sampler = new_values(tokens, error);
    batch->full = new_values(tokens, error);
    batch->entropies = new_values(tokens, error);
    batch->by_log_prob = new_values(tokens, error);
    batch->by_entropy = new_values(tokens, error);
    return batch->lengths && batch->masked && batch->advantages && batch->log_probs && batch->old &&
                   batch->reference && batch->sampler && batch->full && batch->entropies &&
                   batch->by_log_prob && batch->by_entropy
               ? 0
               : -1;
}

static void fill_batch(struct batch *batch, const struct grpo_group *groups, size_t count) {
    size_t at = 0, i = 0;
    for (size_t g = 0; g < count; g++) {
        const struct grpo_group *group = &groups[g];
        size_t first = at;
        for (size_t c = 0; group->completions && c < group->count; c++, i++) {
            const struct grpo_completion *completion = &group->completions[c];
            batch->lengths[i] = completion->count;
            batch->advantages[i] = completion->advantage;
            batch->masked[i] = completion->masked || (completion->cut && batch->options->mask_cut);
            for (size_t t = 0; t < completion->count; t++, at++) {
                batch->sampler[at] = completion->behaviour[t];
                batch->full[at] = completion->full[t];
                if (group->old) batch->old[at] = group->old[at - first];
                if (group->reference) batch->reference[at] = group->reference[at - first];
            }
        }
    }
}

// A token that was not sampled (an invented stop) is where the sampler agrees with the trainer.
static void settle_old(struct batch *batch) {
    for (size_t t = 0; t < batch->tokens; t++) {
        double own = batch->has_old ? batch->old[t] : batch->log_probs[t];
        if (isnan(batch->sampler[t])) batch->sampler[t] = own;
        if (batch->options->honest) batch->old[t] = batch->sampler[t];
    }
}

static void compare_samplers(const struct batch *batch) {
    struct grpo_totals *totals = batch->totals;
    size_t t = 0;
    for (size_t i = 0; i < batch->policy.count; i++)
        for (size_t end = t + batch->lengths[i]; t < end; t++) {
            double own = batch->has_old ? batch->old[t] : batch->log_probs[t], d = own - batch->full[t];
            if (isnan(d)) continue;
            totals->compared++;
            totals->difference += fabs(d);
            totals->log_ratio += d;
            totals->k3 += expm1(d) - d;
            totals->ratios += exp(d);
            totals->squared_ratios += exp(2 * d);
            if (fabs(d) > totals->largest_difference) totals->largest_difference = fabs(d);
        }
}

// What the pass's own mean counts in the step.
static double pass_weight(const struct batch *batch, double tokens) {
    switch (batch->options->loss.loss_type) {
    case POLICY_LOSS_DAPO:
    case POLICY_LOSS_CISPO:
    case POLICY_LOSS_VESPO:
        return tokens;
    default:
        return (double)batch->policy.count;
    }
}

static void add_report(const struct batch *batch, const struct policy_report *report, double weight,
                       double tokens) {
    struct grpo_totals *totals = batch->totals;
    totals->weight += weight;
    totals->loss += weight * report->loss;
    totals->tokens += tokens;
    totals->sequences += (double)batch->policy.count;
    totals->kl += tokens * report->kl;
    totals->entropy += tokens * report->entropy;
    totals->clip_low += tokens * report->clip_low;
    totals->clip_high += tokens * report->clip_high;
    totals->correction += tokens * report->correction_mean;
    totals->left_out += report->left_out * (double)batch->policy.count;
    totals->passes++;
    if (report->clip_low < totals->least_clip_low) totals->least_clip_low = report->clip_low;
    if (report->clip_high > totals->most_clip_high) totals->most_clip_high = report->clip_high;
}

// Below it tokens do not count: of the tokens of this pass that do.
static double entropy_cut(const struct batch *batch, double *sorted) {
    size_t t = 0, count = 0;
    for (size_t i = 0; i < batch->policy.count; t += batch->lengths[i++])
        for (size_t k = t; !batch->masked[i] && k < t + batch->lengths[i]; k++)
            sorted[count++] = batch->entropies[k];
    return policy_entropy_cut(sorted, count, batch->options->loss.top_entropy_quantile);
}

static double objective(void *context, const float *log_probs, const float *entropies, float *by_log_prob,
                        float *by_entropy, size_t count) {
    struct batch *batch = context;
    const struct grpo_pass_options *options = batch->options;
    struct policy_report report;
    double tokens = 0;
    if (count != batch->tokens) return NAN;
    for (size_t t = 0; t < count; t++) {
        batch->log_probs[t] = (double)log_probs[t];
        batch->entropies[t] = (double)entropies[t];
    }
    if (options->compare) compare_samplers(batch); // before `old` may become the sampler's
    settle_old(batch);
    batch->policy.lengths = batch->lengths;
    batch->policy.masked = batch->masked;
    batch->policy.advantages = batch->advantages;
    batch->policy.log_probs = batch->log_probs;
    batch->policy.old = batch->has_old || options->honest ? batch->old : NULL;
    batch->policy.reference = batch->reference;
    batch->policy.sampler = batch->sampler;
    batch->policy.entropies = batch->entropies;
    for (size_t i = 0; i < batch->policy.count; i++)
        if (!batch->masked[i]) tokens += (double)batch->lengths[i];
    struct policy_loss_options loss = options->loss;
    if (loss.top_entropy_quantile < 1) loss.entropy_cut = entropy_cut(batch, batch->by_entropy);
    policy_loss(&batch->policy, &loss, batch->by_log_prob, batch->by_entropy, &report);
    double weight = pass_weight(batch, tokens);
    for (size_t t = 0; t < count; t++) {
        by_log_prob[t] = (float)(weight * batch->by_log_prob[t]);
        by_entropy[t] = (float)(weight * batch->by_entropy[t]);
    }
    add_report(batch, &report, weight, tokens);
    return weight * report.loss;
}

static double count_passed(const struct grpo_group *groups, size_t count) {
    double tokens = 0;
    for (size_t g = 0; g < count; g++)
        if (groups[g].completions)
            tokens += (double)(groups[g].row.sample->prompt.ids.count + groups[g].tokens);
    return tokens;
}

int grpo_pass_run(struct training *training, const struct grpo_pass_options *options,
                  const struct grpo_group *groups, size_t count, struct grpo_totals *totals,
                  struct error *error) {
    struct batch batch = {.options = options, .totals = totals};
    struct prompt_group *listed = memory_new(count + 1, sizeof *listed, "batch", error);
    size_t used = listed ? list_groups(groups, count, NULL, listed) : 0;
    double loss;
    int result = listed ? 0 : -1;
    if (used && open_batch(&batch, groups, count, error)) result = -1;
    if (used && result == 0) {
        fill_batch(&batch, groups, count);
        totals->passed += count_passed(groups, count);
        if (training_pass_entropic(training, listed, used, (float)options->temperature, objective, &batch,
                                   &loss, error))
            result = name_rows(groups, count, error);
    }
    free_batch(&batch);
    free(listed);
    return result;
}
