#include "train/grpo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "train/grpo_internal.h"

// ---- opening --------------------------------------------------------------------------------------------

static int set_weights(struct grpo *grpo, struct error *error) {
    const struct setting_list *list = &grpo->parts.recipe->reward.weights;
    double weights[REWARD_MOST];
    if (!list->count) return 0;
    for (size_t i = 0; i < list->count && i < REWARD_MOST; i++) {
        char *end;
        weights[i] = strtod(list->items[i], &end);
        if (end == list->items[i] || *end || !isfinite(weights[i]))
            return error_set(error, ERROR_INPUT, "reward.weights: \"%.60s\" is not a number", list->items[i]);
    }
    return reward_set_reweigh(grpo->rewards, weights, list->count, error);
}

static int open_rewards(struct grpo *grpo, struct error *error) {
    const struct recipe *recipe = grpo->parts.recipe;
    const struct setting_list *list = &recipe->reward.functions;
    const struct reward_options options = {.gazetteer =
                                               recipe->reward.gazetteer[0] ? recipe->reward.gazetteer : NULL,
                                           .max_completion_length = recipe->grpo.max_completion_length,
                                           .mask_failed = recipe->reward.failure == 1};
    grpo->rewards = reward_set_open((const char *const *)list->items, list->count, &options, error);
    if (!grpo->rewards) return error_prefix(error, "reward.functions");
    return set_weights(grpo, error);
}

static struct locatability_model *open_remote_judge(const struct recipe *recipe, bool compat,
                                                    struct error *error) {
    const struct endpoint_options options = {.url = recipe->reward.locatability,
                                             .model = recipe->reward.locatability_model,
                                             .api_key = getenv("GLOBE_LOCATABILITY_API_KEY"),
                                             .concurrency = 16,
                                             .retries = 4,
                                             .patience = 120,
                                             .timeout = 300,
                                             .jpeg_quality = 92};
    return locatability_model_open_endpoint(&options, compat, error);
}

// The reward model is an adapter over the weights that are open, or a server; it is named exactly when a reward asks for it.
static int open_judge(struct grpo *grpo, struct error *error) {
    const char *adapter = grpo->parts.recipe->reward.locatability;
    bool needed = reward_set_needs_locatability(grpo->rewards);
    if (needed && !adapter[0])
        return error_set(
            error, ERROR_INPUT,
            "reward.functions asks for locatability: reward.locatability must name the adapter of a "
            "reward model (globe train reward)");
    if (!needed && adapter[0])
        return error_set(error, ERROR_INPUT,
                         "reward.locatability names a reward model, but reward.functions asks for none");
    if (!needed) return 0;
    bool compat = reward_set_locatability_is_compat(grpo->rewards);
    bool remote = strncmp(adapter, "http://", 7) == 0 || strncmp(adapter, "https://", 8) == 0;
    if (remote != (grpo->parts.recipe->reward.locatability_model[0] != 0))
        return error_set(
            error, ERROR_INPUT,
            "reward.locatability_model is the name by which a server knows the reward model: it goes with "
            "the address of one in reward.locatability");
    grpo->judge = remote ? open_remote_judge(grpo->parts.recipe, compat, error)
                         : locatability_model_open(grpo->parts.model, adapter, compat, error);
    return grpo->judge ? 0 : -1;
}

static void grpo_close(void *self) {
    struct grpo *grpo = self;
    if (!grpo) return;
    grpo_drop_groups(&grpo->groups, &grpo->group_count);
    grpo_drop_groups(&grpo->eval_groups, &grpo->eval_count);
    objective_data_close(&grpo->data);
    reward_set_close(grpo->rewards);
    locatability_model_close(grpo->judge);
    lora_free(grpo->reference);
    free(grpo);
}

static int grpo_open(void **self, const struct objective_parts *parts, struct error *error) {
    struct grpo *grpo = memory_new(1, sizeof *grpo, "training", error);
    *self = grpo;
    if (!grpo) return -1;
    grpo->parts = *parts;
    if (open_rewards(grpo, error) || open_judge(grpo, error)) return -1;
    grpo_name_metrics(grpo);
    return objective_data_open(&grpo->data, &grpo->parts, parts->recipe->grpo.max_completion_length, error);
}

static int grpo_ready(void *self, struct training *training, struct error *error) {
    struct grpo *grpo = self;
    const struct recipe *recipe = grpo->parts.recipe;
    grpo->parts.training = training;
    if (recipe->grpo.beta > 0 && recipe->lora.folder[0]) {
        grpo->reference = lora_open(grpo->parts.model, recipe->lora.folder, error);
        if (!grpo->reference) return -1;
    }
    return objective_data_ready(&grpo->data, training, error);
}

// ---- rows -----------------------------------------------------------------------------------------------

static size_t grpo_rows(const void *self, enum objective_set set) {
    const struct grpo *grpo = self;
    return objective_data_rows(&grpo->data, set);
}

static size_t grpo_length(const void *self, size_t row) {
    const struct grpo *grpo = self;
    return dataset_tokens(grpo->data.sets[OBJECTIVE_TRAIN], row);
}

static uint64_t grpo_identity(const void *self, enum objective_set set) {
    const struct grpo *grpo = self;
    return objective_data_identity(&grpo->data, set);
}

// A group is one prompt and all of its completions; while it is sampled, their keys and values.
static struct objective_need grpo_need(const void *self, size_t rows) {
    const struct grpo *grpo = self;
    const struct recipe *recipe = grpo->parts.recipe;
    struct objective_need need = objective_data_need(&grpo->data, rows);
    size_t answer = recipe->grpo.max_completion_length, group = (size_t)recipe->grpo.num_generations;
    size_t longest = need.tokens / (rows ? rows : 1) + (group - 1) * answer;
    size_t ranks = (size_t)grpo->parts.parallel->ranks,
           cycle = (recipe->batch.rows + ranks - 1) / ranks * (size_t)recipe->grpo.steps_per_generation;
    size_t together = recipe->grpo.rollout_prompts && recipe->grpo.rollout_prompts < cycle
                          ? recipe->grpo.rollout_prompts
                          : cycle;
    need.tokens = rows * longest;
    need.caches = together * longest * model_facts(grpo->parts.model)->cache_bytes;
    return need;
}

static void grpo_split(void *self, const size_t *rows, size_t count) {
    struct grpo *grpo = self;
    grpo->split = rows;
    grpo->split_count = count;
}

static void grpo_cycle(const void *self, size_t *steps, size_t *times) {
    const struct grpo *grpo = self;
    *steps = (size_t)grpo->parts.recipe->grpo.steps_per_generation;
    *times = (size_t)grpo->parts.recipe->grpo.num_iterations;
}

static int grpo_start(void *self, enum objective_set set, const size_t *rows, size_t count,
                      struct error *error) {
    struct grpo *grpo = self;
    if (set == OBJECTIVE_EVAL) {
        grpo_drop_groups(&grpo->eval_groups, &grpo->eval_count);
        grpo->eval_next = 0;
        grpo->eval_left = count;
    }
    return feed_start(&grpo->data.feeds[set], rows, count, error);
}

static void grpo_stop(void *self, enum objective_set set) {
    struct grpo *grpo = self;
    feed_stop(&grpo->data.feeds[set]);
    if (set == OBJECTIVE_EVAL) grpo_drop_groups(&grpo->eval_groups, &grpo->eval_count);
}

// ---- passes ---------------------------------------------------------------------------------------------

static int grpo_prepare(void *self, const struct objective_step *step, struct error *error) {
    struct grpo *grpo = self;
    grpo->step = *step;
    grpo->next = step->first;
    grpo->fresh = step->starts_cycle;
    grpo->seconds.passes = 0;
    if (step->starts_cycle) return grpo_prepare_cycle(grpo, step, error);
    grpo->seconds = (struct grpo_seconds){0};
    return 0;
}

static struct grpo_pass_options pass_options(const struct grpo *grpo) {
    const struct recipe_grpo *r = &grpo->parts.recipe->grpo;
    struct policy_loss_options loss = policy_loss_defaults;
    loss.loss_type = (enum policy_loss_type)r->loss_type;
    loss.sequence_level = r->importance_sampling_level == 1;
    loss.epsilon = r->epsilon;
    loss.epsilon_high = r->epsilon_high >= 0 ? r->epsilon_high : r->epsilon;
    loss.delta = r->delta;
    loss.beta = r->kl_in_reward ? 0 : r->beta;
    loss.kl = (enum kl_estimator)r->kl_estimator;
    loss.use_bias_correction_kl = r->use_bias_correction_kl;
    loss.off_policy_threshold = r->off_policy_mask_threshold >= 0 ? r->off_policy_mask_threshold : NAN;
    loss.correction = (enum sampler_correction)r->sampler_correction;
    loss.correction_max = r->correction_clip_max;
    loss.correction_min = r->correction_clip_min;
    loss.sapo_temperature_pos = r->sapo_temperature_pos;
    loss.sapo_temperature_neg = r->sapo_temperature_neg;
    loss.vespo_k_pos = r->vespo_k_pos;
    loss.vespo_lambda_pos = r->vespo_lambda_pos;
    loss.vespo_k_neg = r->vespo_k_neg;
    loss.vespo_lambda_neg = r->vespo_lambda_neg;
    loss.max_completion_length = r->max_completion_length;
    loss.top_entropy_quantile = r->top_entropy_quantile;
    loss.entropy_coef = r->entropy_coef;
    return (struct grpo_pass_options){
        .loss = loss,
        .temperature = r->temperature,
        .honest = r->behaviour == RECIPE_BEHAVIOUR_HONEST,
        .mask_cut = r->mask_truncated_completions,
        .compare = grpo->fresh && fabs(r->repetition_penalty - 1) < 1e-12, // penalties are not the trainer's
    };
}

static int train_pass(struct grpo *grpo, size_t count, struct objective_totals *totals, struct error *error) {
    const struct grpo_pass_options options = pass_options(grpo);
    struct grpo_totals sums = {.least_clip_low = INFINITY, .most_clip_high = -INFINITY};
    double start = clock_seconds();
    if (grpo->next + count > grpo->group_count)
        return error_set(error, ERROR_INTERNAL, "no group is left to train on");
    int result =
        grpo_pass_run(grpo->parts.training, &options, grpo->groups + grpo->next, count, &sums, error);
    grpo->next += count;
    grpo->seconds.passes += clock_seconds() - start;
    grpo_add_totals(totals, &sums);
    return result;
}

// Held-out prompts are rolled out in blocks, not pass by pass. Always with the same random numbers, so that what changes
// from evaluation to evaluation is the model.
static int roll_out_evaluation(struct grpo *grpo, struct error *error) {
    const struct grpo_rollout rollout = grpo_rollout_of(grpo, true);
    size_t most = rollout.side_by_side, count = most && most < grpo->eval_left ? most : grpo->eval_left;
    grpo->eval_next = 0;
    if (grpo_load_groups(grpo, OBJECTIVE_EVAL, count, &grpo->eval_groups, &grpo->eval_count, error) ||
        grpo_rollout_run(&rollout, grpo->eval_groups, count, UINT32_MAX, 0, error) ||
        grpo_score(grpo, grpo->eval_groups, count, grpo->step.step, error))
        return -1;
    grpo->eval_left -= count;
    return 0;
}

static int eval_pass(struct grpo *grpo, size_t count, struct objective_totals *totals, struct error *error) {
    for (; count; count--) {
        if (grpo->eval_next == grpo->eval_count && roll_out_evaluation(grpo, error)) return -1;
        const struct grpo_group *group = &grpo->eval_groups[grpo->eval_next++];
        if (group->completions) grpo_add_evaluation(grpo, group, totals);
    }
    return 0;
}

static int grpo_pass(void *self, enum objective_set set, size_t count, bool learn,
                     struct objective_totals *totals, struct error *error) {
    struct grpo *grpo = self;
    (void)learn; // always when training, never in evaluation
    return set == OBJECTIVE_TRAIN ? train_pass(grpo, count, totals, error)
                                  : eval_pass(grpo, count, totals, error);
}

const struct objective grpo_objective = {
    .name = "grpo",
    .report = "reward",
    .more_is_better = true,
    .seconds = "step_time",
    .open = grpo_open,
    .close = grpo_close,
    .rows = grpo_rows,
    .length = grpo_length,
    .identity = grpo_identity,
    .need = grpo_need,
    .ready = grpo_ready,
    .split = grpo_split,
    .cycle = grpo_cycle,
    .start = grpo_start,
    .stop = grpo_stop,
    .prepare = grpo_prepare,
    .pass = grpo_pass,
    .metrics = grpo_metrics,
    .tell = grpo_tell,
};
