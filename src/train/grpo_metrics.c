// What is measured of GRPO, under TRL's names, and of sampler beside trainer, under ms-swift's.
#include <math.h>
#include <stdio.h>

#include "train/grpo_internal.h"

enum sums {
    SUM_LOSS,
    SUM_WEIGHT,
    SUM_TOKENS,
    SUM_SEQUENCES,
    SUM_KL,
    SUM_ENTROPY,
    SUM_CLIP_LOW,
    SUM_CLIP_HIGH,
    SUM_CORRECTION,
    SUM_LEFT_OUT,
    SUM_COMPARED,
    SUM_DIFFERENCE,
    SUM_LOG_RATIO,
    SUM_K3,
    SUM_RATIOS,
    SUM_SQUARED_RATIOS
};
enum highs { HIGH_LEAST_CLIP_LOW, HIGH_CLIP_HIGH, HIGH_DIFFERENCE, HIGH_LENGTH, HIGH_LEAST_LENGTH };
// Of an evaluation; two for each reward follow.
enum eval_sums {
    EVAL_COMPLETIONS,
    EVAL_SCORED,
    EVAL_REWARD,
    EVAL_GROUPS,
    EVAL_SPREAD,
    EVAL_LENGTH,
    EVAL_CUT,
    EVAL_FUNCTIONS
};
_Static_assert(EVAL_FUNCTIONS + 2 * REWARD_MOST <= OBJECTIVE_MOST_SUMS, "sums of an evaluation");

void grpo_name_metrics(struct grpo *grpo) {
    for (size_t f = 0; f < reward_set_count(grpo->rewards); f++) {
        const char *name = reward_set_name(grpo->rewards, f);
        snprintf(grpo->mean_names[OBJECTIVE_TRAIN][f], GRPO_NAME, "rewards/%s/mean", name);
        snprintf(grpo->mean_names[OBJECTIVE_EVAL][f], GRPO_NAME, "eval_rewards/%s/mean", name);
        snprintf(grpo->std_names[f], GRPO_NAME, "rewards/%s/std", name);
        snprintf(grpo->zero_names[f], GRPO_NAME, "rewards/%s/frac_zero_std", name);
    }
}

static void raise_high(double *high, double value) {
    if (value > *high) *high = value;
}

void grpo_add_totals(struct objective_totals *totals, const struct grpo_totals *sums) {
    double *s = totals->sums;
    totals->weight += sums->weight;
    totals->tokens += sums->passed;
    s[SUM_LOSS] += sums->loss;
    s[SUM_WEIGHT] += sums->weight;
    s[SUM_TOKENS] += sums->tokens;
    s[SUM_SEQUENCES] += sums->sequences;
    s[SUM_KL] += sums->kl;
    s[SUM_ENTROPY] += sums->entropy;
    s[SUM_CLIP_LOW] += sums->clip_low;
    s[SUM_CLIP_HIGH] += sums->clip_high;
    s[SUM_CORRECTION] += sums->correction;
    s[SUM_LEFT_OUT] += sums->left_out;
    s[SUM_COMPARED] += sums->compared;
    s[SUM_DIFFERENCE] += sums->difference;
    s[SUM_LOG_RATIO] += sums->log_ratio;
    s[SUM_K3] += sums->k3;
    s[SUM_RATIOS] += sums->ratios;
    s[SUM_SQUARED_RATIOS] += sums->squared_ratios;
    raise_high(&totals->highs[HIGH_LEAST_CLIP_LOW], -sums->least_clip_low);
    raise_high(&totals->highs[HIGH_CLIP_HIGH], sums->most_clip_high);
    if (sums->compared > 0) raise_high(&totals->highs[HIGH_DIFFERENCE], sums->largest_difference);
}

void grpo_add_evaluation(const struct grpo *grpo, const struct grpo_group *group,
                         struct objective_totals *totals) {
    const double *weights = reward_set_weights(grpo->rewards);
    size_t functions = reward_set_count(grpo->rewards);
    double *s = totals->sums, of_group[4096], mean, std;
    for (size_t i = 0; i < group->count; i++) {
        const struct grpo_completion *completion = &group->completions[i];
        double total = 0;
        bool any = false;
        for (size_t f = 0; f < functions; f++) {
            double value = group->rewards[i * functions + f];
            if (isnan(value)) continue;
            total += weights[f] * value;
            any = true;
            s[EVAL_FUNCTIONS + 2 * f] += value;
            s[EVAL_FUNCTIONS + 2 * f + 1] += 1;
        }
        of_group[i] = any ? total : NAN;
        if (any) s[EVAL_REWARD] += total, s[EVAL_SCORED]++;
        s[EVAL_COMPLETIONS]++;
        s[EVAL_LENGTH] += (double)completion->count;
        s[EVAL_CUT] += completion->cut;
        raise_high(&totals->highs[HIGH_LENGTH], (double)completion->count);
        raise_high(&totals->highs[HIGH_LEAST_LENGTH], -(double)completion->count);
        totals->tokens += (double)completion->count;
    }
    advantage_moments(of_group, group->count, 1, &mean, &std);
    if (!isnan(std)) s[EVAL_SPREAD] += std;
    s[EVAL_GROUPS]++;
}

struct list {
    struct metric *metrics;
    size_t count;
};

static void add(struct list *list, const char *name, double value) {
    if (list->count < OBJECTIVE_MOST_METRICS) list->metrics[list->count++] = (struct metric){name, value};
}

static size_t evaluation_metrics(const struct grpo *grpo, const struct objective_totals *totals,
                                 struct list *list) {
    const double *s = totals->sums;
    add(list, "eval_reward", s[EVAL_REWARD] / s[EVAL_SCORED]);
    add(list, "eval_reward_std", s[EVAL_SPREAD] / s[EVAL_GROUPS]);
    for (size_t f = 0; f < reward_set_count(grpo->rewards); f++)
        add(list, grpo->mean_names[OBJECTIVE_EVAL][f],
            s[EVAL_FUNCTIONS + 2 * f] / s[EVAL_FUNCTIONS + 2 * f + 1]);
    add(list, "eval_completions/mean_length", s[EVAL_LENGTH] / s[EVAL_COMPLETIONS]);
    add(list, "eval_completions/min_length", -totals->highs[HIGH_LEAST_LENGTH]);
    add(list, "eval_completions/max_length", totals->highs[HIGH_LENGTH]);
    add(list, "eval_completions/clipped_ratio", s[EVAL_CUT] / s[EVAL_COMPLETIONS]);
    return list->count;
}

static void rollout_metrics(const struct grpo *grpo, struct list *list) {
    const struct grpo_report *r = &grpo->report;
    add(list, "reward_std", r->reward_std);
    add(list, "frac_reward_zero_std", r->frac_zero_std);
    for (size_t f = 0; f < reward_set_count(grpo->rewards); f++) {
        add(list, grpo->mean_names[OBJECTIVE_TRAIN][f], r->functions[f].mean);
        add(list, grpo->std_names[f], r->functions[f].std);
        add(list, grpo->zero_names[f], r->functions[f].frac_zero_std);
    }
    add(list, "completions/mean_length", r->mean_length);
    add(list, "completions/min_length", r->min_length);
    add(list, "completions/max_length", r->max_length);
    add(list, "completions/clipped_ratio", r->clipped_ratio);
    add(list, "completions/mean_terminated_length", r->mean_terminated_length);
    add(list, "completions/min_terminated_length", r->min_terminated_length);
    add(list, "completions/max_terminated_length", r->max_terminated_length);
    if (grpo->parts.recipe->grpo.dynamic_sample) add(list, "resampled_groups", (double)grpo->resampled);
}

static void policy_metrics(const struct grpo *grpo, const struct objective_totals *totals,
                           struct list *list) {
    const struct recipe_grpo *recipe = &grpo->parts.recipe->grpo;
    const double *s = totals->sums, tokens = s[SUM_TOKENS];
    double low = s[SUM_CLIP_LOW] / tokens, high = s[SUM_CLIP_HIGH] / tokens;
    if (recipe->beta > 0 && !recipe->kl_in_reward) add(list, "kl", s[SUM_KL] / tokens);
    add(list, "entropy", s[SUM_ENTROPY] / tokens);
    add(list, "clip_ratio/low_mean", low);
    add(list, "clip_ratio/low_min", -totals->highs[HIGH_LEAST_CLIP_LOW]);
    add(list, "clip_ratio/high_mean", high);
    add(list, "clip_ratio/high_max", totals->highs[HIGH_CLIP_HIGH]);
    add(list, "clip_ratio/region_mean", low + high);
    if (recipe->off_policy_mask_threshold >= 0)
        add(list, "off_policy_masked_ratio", s[SUM_LEFT_OUT] / s[SUM_SEQUENCES]);
    if (recipe->sampler_correction)
        add(list, "sampling/importance_sampling_ratio/mean", s[SUM_CORRECTION] / tokens);
}

static void sampler_metrics(const struct objective_totals *totals, struct list *list) {
    const double *s = totals->sums, n = s[SUM_COMPARED];
    if (n == 0) return;
    add(list, "sampling/sampling_logp_difference/mean", s[SUM_DIFFERENCE] / n);
    add(list, "sampling/sampling_logp_difference/max", totals->highs[HIGH_DIFFERENCE]);
    add(list, "rollout_correction/kl", -s[SUM_LOG_RATIO] / n);
    add(list, "rollout_correction/k3_kl", s[SUM_K3] / n);
    add(list, "rollout_correction/chi2_token", s[SUM_SQUARED_RATIOS] / n - 1);
    add(list, "rollout_correction/ess", s[SUM_RATIOS] * s[SUM_RATIOS] / (n * s[SUM_SQUARED_RATIOS]));
}

size_t grpo_metrics(const void *self, enum objective_set set, const struct objective_totals *totals,
                    struct metric *metrics) {
    const struct grpo *grpo = self;
    struct list list = {.metrics = metrics};
    if (set == OBJECTIVE_EVAL) return evaluation_metrics(grpo, totals, &list);
    add(&list, "reward", grpo->report.reward);
    add(&list, "loss", totals->sums[SUM_LOSS] / totals->sums[SUM_WEIGHT]);
    rollout_metrics(grpo, &list);
    policy_metrics(grpo, totals, &list);
    sampler_metrics(totals, &list);
    add(&list, "tokens", totals->tokens);
    add(&list, "time/rollout", grpo->seconds.rollout);
    add(&list, "time/rewards", grpo->seconds.rewards);
    add(&list, "time/log_probs", grpo->seconds.log_probs);
    add(&list, "time/backward", grpo->seconds.passes);
    return list.count;
}
