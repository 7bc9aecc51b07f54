// What is made ready for the steps of a cycle: rollouts, rewards, log-probs of the policy of before and of the reference,
// advantages.
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "train/grpo_internal.h"

enum { MOST_USELESS_STEPS = 20 };

struct grpo_rollout grpo_rollout_of(const struct grpo *grpo, bool eval) {
    const struct recipe_grpo *recipe = &grpo->parts.recipe->grpo;
    int eval_completions =
        recipe->num_generations_eval ? recipe->num_generations_eval : recipe->num_generations;
    struct sampling sampling = sampling_default();
    sampling.temperature = recipe->temperature;
    sampling.top_k = recipe->top_k;
    sampling.top_p = recipe->top_p;
    sampling.min_p = recipe->min_p;
    sampling.repetition_penalty = recipe->repetition_penalty;
    sampling.seed = grpo->parts.recipe->run.seed;
    return (struct grpo_rollout){.model = grpo->parts.model,
                                 .adapter = training_adapter(grpo->parts.training),
                                 .sampling = sampling,
                                 .completions = (size_t)(eval ? eval_completions : recipe->num_generations),
                                 .max_tokens = recipe->max_completion_length,
                                 .functions = reward_set_count(grpo->rewards),
                                 .side_by_side = recipe->rollout_prompts,
                                 .honest = recipe->behaviour == RECIPE_BEHAVIOUR_HONEST,
                                 .invent_stop = recipe->swift_compat};
}

int grpo_score(struct grpo *grpo, struct grpo_group *groups, size_t count, uint64_t step,
               struct error *error) {
    const struct recipe *recipe = grpo->parts.recipe;
    const struct grpo_rewards rewards = {.set = grpo->rewards,
                                         .judge = grpo->judge,
                                         .training = grpo->parts.training,
                                         .together = recipe->batch.micro_rows,
                                         .mask = recipe->reward.failure == 1};
    return grpo_score_rewards(&rewards, groups, count, step, error);
}

// ---- groups ---------------------------------------------------------------------------------------------

void grpo_drop_groups(struct grpo_group **groups, size_t *count) {
    for (size_t i = 0; *groups && i < *count; i++) grpo_group_close(&(*groups)[i]);
    free(*groups);
    *groups = NULL;
    *count = 0;
}

// A row that turns out to be broken.
static int judge_row(const struct grpo *grpo, struct grpo_group *group, struct error *error) {
    if (grpo->parts.recipe->data.bad_rows != RECIPE_BAD_ROWS_SKIP || error->code != ERROR_INPUT) return -1;
    log_warning("%s; the row is left out", error->message);
    *error = (struct error){0};
    group->row = (struct feed_row){0};
    return 0;
}

int grpo_load_groups(struct grpo *grpo, enum objective_set set, size_t count, struct grpo_group **groups,
                     size_t *loaded, struct error *error) {
    grpo_drop_groups(groups, loaded);
    *groups = memory_new(count + 1, sizeof **groups, "groups", error);
    if (!*groups) return -1;
    for (size_t i = 0; i < count; i++) {
        struct grpo_group *group = &(*groups)[(*loaded)++];
        if (feed_next(&grpo->data.feeds[set], &group->row, error) && judge_row(grpo, group, error)) return -1;
    }
    return 0;
}

// ---- dynamic sampling -----------------------------------------------------------------------------------

struct resampling {
    struct grpo *grpo;
    struct grpo_rollout rollout;
    uint64_t step, attempt;
    struct grpo_group *candidates; // one for each flat group
    size_t *places;                // of these groups
    size_t count;
};

static bool is_flat(const struct grpo *grpo, const struct grpo_group *group) {
    return group->completions &&
           grpo_group_is_flat(group, reward_set_weights(grpo->rewards), reward_set_count(grpo->rewards));
}

// Rows by chance, of all that are trained; ranks draw from streams of their own.
static int draw_rows(struct resampling *r, struct error *error) {
    struct grpo *grpo = r->grpo;
    struct random random;
    random_start(&random, grpo->parts.recipe->run.seed ^ UINT64_C(0x64796e61),
                 (r->step << 24) + (r->attempt << 16) + (uint64_t)grpo->parts.parallel->rank);
    for (size_t i = 0; i < r->count; i++) {
        size_t row = grpo->split[random_below(&random, grpo->split_count)];
        if (feed_load(&grpo->data.feeds[OBJECTIVE_TRAIN], row, &r->candidates[i].row, error) &&
            judge_row(grpo, &r->candidates[i], error))
            return -1;
    }
    return 0;
}

static int try_again(struct resampling *r, struct error *error) {
    struct grpo *grpo = r->grpo;
    r->count = 0;
    for (size_t i = 0; i < grpo->group_count; i++)
        if (is_flat(grpo, &grpo->groups[i])) r->places[r->count++] = i;
    if (r->count == 0) return 0;
    if (draw_rows(r, error) ||
        grpo_rollout_run(&r->rollout, r->candidates, r->count, r->step, r->attempt, error) ||
        grpo_score(grpo, r->candidates, r->count, r->step, error))
        return -1;
    for (size_t i = 0; i < r->count; i++) {
        if (r->candidates[i].completions && !is_flat(grpo, &r->candidates[i])) {
            grpo_group_move(&grpo->groups[r->places[i]], &r->candidates[i]);
            grpo->resampled++;
        } else {
            grpo_group_close(&r->candidates[i]);
        }
    }
    return 0;
}

static int resample(struct grpo *grpo, uint64_t step, struct error *error) {
    struct resampling r = {.grpo = grpo, .rollout = grpo_rollout_of(grpo, false), .step = step};
    size_t most = (size_t)grpo->parts.recipe->grpo.max_resample_times;
    r.candidates = memory_new(grpo->group_count + 1, sizeof *r.candidates, "groups", error);
    r.places = memory_new(grpo->group_count + 1, sizeof *r.places, "groups", error);
    int result = r.candidates && r.places ? 0 : -1;
    do {
        r.attempt++;
        if (result == 0) result = try_again(&r, error);
    } while (result == 0 && r.count && r.attempt < most);
    for (size_t i = 0; r.candidates && i < grpo->group_count; i++) grpo_group_close(&r.candidates[i]);
    free(r.candidates);
    free(r.places);
    return result;
}

// ---- what is worth training on --------------------------------------------------------------------------

static bool has_ended(int *in_a_row, bool again) {
    *in_a_row = again ? *in_a_row + 1 : 0;
    return *in_a_row >= MOST_USELESS_STEPS;
}

// Steps from which nothing can be learnt are said at once, and end the run before hours of them.
static int judge_rollout(struct grpo *grpo, struct error *error) {
    const struct recipe_grpo *recipe = &grpo->parts.recipe->grpo;
    const struct grpo_report *report = &grpo->report;
    uint64_t step = grpo->step.step + 1;
    bool flat = report->groups > 0 && report->flat_groups >= report->groups,
         cut = report->completions > 0 && report->clipped_ratio >= 1;
    if (report->masked > 0)
        log_warning("step %llu: a reward failed on %.0f of %.0f completions, which are left out",
                    (unsigned long long)step, report->masked, report->completions);
    if (flat && grpo->flat_steps == 0)
        log_warning("step %llu: in every group all completions have the same reward: there is nothing to "
                    "learn from",
                    (unsigned long long)step);
    if (cut && grpo->cut_steps == 0)
        log_warning("step %llu: all completions were cut at grpo.max_completion_length (%llu tokens)%s",
                    (unsigned long long)step, (unsigned long long)recipe->max_completion_length,
                    recipe->mask_truncated_completions ? " and are left out" : "");
    if (has_ended(&grpo->flat_steps, flat))
        return error_set(
            error, ERROR_INPUT,
            "for %d steps all completions of each prompt had the same reward, so nothing was learnt: "
            "look at completions.jsonl, reward.functions and grpo.temperature",
            MOST_USELESS_STEPS);
    if (has_ended(&grpo->cut_steps, cut) && recipe->mask_truncated_completions)
        return error_set(
            error, ERROR_INPUT,
            "for %d steps all completions were cut at grpo.max_completion_length and left out by "
            "grpo.mask_truncated_completions, so nothing was learnt",
            MOST_USELESS_STEPS);
    return 0;
}

// ---- a cycle --------------------------------------------------------------------------------------------

static int roll_out(struct grpo *grpo, uint64_t step, struct error *error) {
    const struct grpo_rollout rollout = grpo_rollout_of(grpo, false);
    double start = clock_seconds();
    if (grpo_load_groups(grpo, OBJECTIVE_TRAIN, grpo->step.cycle_rows, &grpo->groups, &grpo->group_count,
                         error) ||
        grpo_rollout_run(&rollout, grpo->groups, grpo->group_count, step, 0, error))
        return -1;
    double middle = clock_seconds();
    grpo->seconds.rollout = middle - start;
    if (grpo_score(grpo, grpo->groups, grpo->group_count, step, error)) return -1;
    grpo->seconds.rewards = clock_seconds() - middle;
    grpo->resampled = 0;
    if (!grpo->parts.recipe->grpo.dynamic_sample) return 0;
    start = clock_seconds();
    int result = resample(grpo, step, error);
    grpo->seconds.rollout += clock_seconds() - start;
    return result;
}

// Where later steps of a cycle will have moved the policy, or something asks how far it is from the reference.
static int score(struct grpo *grpo, struct error *error) {
    const struct recipe *recipe = grpo->parts.recipe;
    const struct recipe_grpo *options = &recipe->grpo;
    double start = clock_seconds();
    bool moves = options->num_iterations > 1 || options->steps_per_generation > 1;
    size_t together = recipe->batch.micro_rows;
    int result = 0;
    if (moves || options->kl_in_reward)
        result = grpo_score_groups(grpo->parts.training, NULL, GRPO_OLD, options->temperature, grpo->groups,
                                   grpo->group_count, together, error);
    if (result == 0 && options->beta > 0)
        result = grpo_score_groups(grpo->parts.training, grpo->reference, GRPO_REFERENCE,
                                   options->temperature, grpo->groups, grpo->group_count, together, error);
    grpo->seconds.log_probs = clock_seconds() - start;
    return result;
}

int grpo_prepare_cycle(struct grpo *grpo, const struct objective_step *step, struct error *error) {
    const struct recipe_grpo *recipe = &grpo->parts.recipe->grpo;
    const struct parallel *parallel = grpo->parts.parallel;
    const struct grpo_scoring scoring = {
        .parallel = parallel,
        .advantage = {.group = (size_t)recipe->num_generations,
                      .scale = (enum advantage_scale)recipe->scale_rewards,
                      .aggregation = (enum advantage_aggregation)recipe->multi_objective_aggregation,
                      .weights = reward_set_weights(grpo->rewards),
                      .functions = reward_set_count(grpo->rewards)},
        .kl_weight = recipe->kl_in_reward ? recipe->beta : 0,
    };
    grpo->seconds = (struct grpo_seconds){0};
    int result = roll_out(grpo, step->step, error);
    if (result == 0) result = score(grpo, error);
    if (parallel_agree(parallel, result, error)) return -1;
    if (grpo_score_advantages(&scoring, grpo->groups, grpo->group_count, &grpo->report, error)) return -1;
    return judge_rollout(grpo, error);
}
