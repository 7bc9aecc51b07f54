#include "bench/grpo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "bench/machine.h"
#include "reward/reward.h"
#include "train/grpo_pass.h"
#include "train/grpo_rollout.h"
#include "train/grpo_score.h"
#include "train/optimizer.h"

// One way to make the step: all completions over one prompt, or each with a prompt of its own.
struct way {
    struct model *model;
    const struct bench_grpo_options *options;
    struct training *training;
    struct optimizer optimizer;
    struct reward_set *rewards;
    struct sample *sample;
    struct grpo_group *groups;
    size_t count, each; // groups, completions of each
};

static int build_prompt(struct sample *sample, struct model *model, size_t tokens, struct error *error) {
    struct chat chat = {0};
    char *text = memory_new(2 * tokens + 1, 1, "prompt", error);
    if (!text) return -1;
    for (size_t i = 0; i < tokens; i++) text[2 * i] = (char)('a' + i % 26), text[2 * i + 1] = ' ';
    int result = chat_add_message(&chat, "user", error) || chat_add_part(&chat, CHAT_TEXT, text, error)
                     ? -1
                     : prompt_build(&sample->prompt, model, &chat, NULL, 0, error);
    chat_free(&chat);
    free(text);
    return result;
}

static int roll_out(struct way *way, double *seconds, struct error *error) {
    struct sampling sampling = sampling_default();
    sampling.temperature = 1;
    sampling.seed = 1;
    const struct grpo_rollout rollout = {.model = way->model,
                                         .adapter = training_adapter(way->training),
                                         .sampling = sampling,
                                         .completions = way->each,
                                         .max_tokens = way->options->completion_tokens,
                                         .functions = reward_set_count(way->rewards),
                                         .ignore_stop = true};
    for (size_t g = 0; g < way->count; g++) {
        way->groups[g].row.row = g;
        way->groups[g].row.sample = way->sample;
    }
    double start = clock_seconds();
    int result = grpo_rollout_run(&rollout, way->groups, way->count, 1, 0, error);
    *seconds = clock_seconds() - start;
    return result;
}

static int reward(struct way *way, double *seconds, struct error *error) {
    const struct grpo_rewards rewards = {.set = way->rewards, .together = 1};
    double start = clock_seconds();
    int result = grpo_score_rewards(&rewards, way->groups, way->count, 1, error);
    *seconds = clock_seconds() - start;
    for (size_t g = 0; g < way->count; g++) // whatever they are: every completion is to be learnt from
        for (size_t i = 0; i < way->groups[g].count; i++)
            way->groups[g].completions[i].advantage = (g + i) % 2 ? 1 : -1;
    return result;
}

static int learn(struct way *way, struct bench_grpo_parts *parts, struct error *error) {
    const struct grpo_pass_options options = {.loss = policy_loss_defaults, .temperature = 1};
    struct grpo_totals totals = {0};
    double start = clock_seconds();
    if (grpo_score_groups(way->training, NULL, GRPO_OLD, 1, way->groups, way->count, 1, error)) return -1;
    parts->log_probs = clock_seconds() - start;
    training_zero_gradients(way->training);
    start = clock_seconds();
    for (size_t g = 0; g < way->count; g++)
        if (grpo_pass_run(way->training, &options, &way->groups[g], 1, &totals, error)) return -1;
    parts->backward = clock_seconds() - start;
    return 0;
}

static int update(struct way *way, double *seconds, struct error *error) {
    struct optimizer_report report;
    double start = clock_seconds();
    int result =
        optimizer_step(&way->optimizer, 0, 1, &report, error); // a rate of 0: both ways start from the same
    training_refresh(way->training);
    *seconds = clock_seconds() - start;
    return result;
}

static int run_way(struct way *way, struct bench_grpo_parts *parts, struct error *error) {
    return roll_out(way, &parts->rollout, error) || reward(way, &parts->rewards, error) ||
                   learn(way, parts, error)
               ? -1
               : 0;
}

static int keep_gradients(const struct way *way, float **kept, size_t *count, struct error *error) {
    size_t at = 0;
    *count = 0;
    for (size_t i = 0; i < training_parameter_count(way->training); i++)
        *count += training_parameter(way->training, i)->count;
    *kept = memory_new(*count + 1, sizeof **kept, "gradients", error);
    if (!*kept) return -1;
    for (size_t i = 0; i < training_parameter_count(way->training); i++) {
        const struct parameter *p = training_parameter(way->training, i);
        device_download(training_device(way->training), *kept + at, parameter_gradients(p));
        at += p->count;
    }
    return device_check(training_device(way->training), error);
}

static double distance(const float *one, const float *other, size_t count) {
    double apart = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        double d = (double)one[i] - (double)other[i];
        apart += d * d;
        size += (double)one[i] * (double)one[i];
    }
    return size > 0 ? sqrt(apart / size) : 0;
}

// The same completions as rows by themselves, so that both ways learn from the same.
static int separate(const struct way *shared, struct way *apart, struct error *error) {
    for (size_t g = 0; g < apart->count; g++) {
        struct grpo_completion *to = &apart->groups[g].completions[0], own = *to;
        const struct grpo_completion *from = &shared->groups[0].completions[g];
        if (own.count != from->count)
            return error_set(error, ERROR_INTERNAL, "completions of different length");
        memcpy(to->ids, from->ids, from->count * sizeof *to->ids);
        to->advantage = from->advantage;
    }
    return 0;
}

static int measure_products(struct model *model, struct bench_grpo_result *result, struct error *error) {
    const struct model_facts *facts = model_facts(model);
    struct model_product products[MODEL_MAX_PRODUCTS];
    size_t count = model_text_products(model, 1, products, error);
    if (count == 0) return -1;
    for (size_t i = 0; i < count; i++)
        result->layers += 2 * (double)products[i].out * (double)products[i].in * (double)products[i].times;
    result->head = 2 * (double)facts->vocab * (double)facts->hidden;
    return 0;
}

static int compare(struct way *shared, struct way *apart, struct bench_grpo_result *result,
                   void (*say)(const char *what), struct error *error) {
    float *one = NULL, *other = NULL;
    size_t count;
    say("the prompt computed once");
    int failed = run_way(shared, &result->shared, error) || keep_gradients(shared, &one, &count, error) ||
                 update(shared, &result->shared.update, error);
    if (!failed && shared->options->alone) {
        say("every completion as a row by itself");
        failed = roll_out(apart, &result->apart.rollout, error) ||
                 reward(apart, &result->apart.rewards, error) || separate(shared, apart, error) ||
                 learn(apart, &result->apart, error) || keep_gradients(apart, &other, &count, error) ||
                 update(shared, &result->apart.update, error);
        // A group's loss is the mean of its rows', a step's the sum of the passes' over its weight: both are sums here.
        if (!failed) result->gradients_apart = distance(one, other, count);
    }
    free(one);
    free(other);
    return failed ? -1 : 0;
}

static int run(struct way *way, struct bench_grpo_result *result, void (*say)(const char *what),
               struct error *error) {
    size_t group = way->options->group;
    struct way apart = *way;
    way->count = 1, way->each = group;
    apart.count = group, apart.each = 1;
    way->groups = memory_new(1, sizeof *way->groups, "groups", error);
    apart.groups = memory_new(group, sizeof *apart.groups, "groups", error);
    int failed = !way->groups || !apart.groups || compare(way, &apart, result, say, error);
    for (size_t g = 0; way->groups && g < way->count; g++) grpo_group_close(&way->groups[g]);
    for (size_t g = 0; apart.groups && g < apart.count; g++) grpo_group_close(&apart.groups[g]);
    free(way->groups);
    free(apart.groups);
    return failed ? -1 : 0;
}

static int run_on(struct way *way, struct bench_grpo_result *result, void (*say)(const char *what),
                  struct error *error) {
    static const struct parallel alone = {.ranks = 1, .local_ranks = 1};
    static const char *const functions[] = {"format", "repetition"};
    const struct optimizer_settings settings = {
        .adamw = {.beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-8}, .decay = ADAMW_DECAY_C, .max_grad_norm = 1};
    const struct reward_options rewards = {.max_completion_length = way->options->completion_tokens};
    size_t count = training_parameter_count(way->training);
    struct parameter **parameters = memory_new(count, sizeof(struct parameter *), "parameters", error);
    for (size_t i = 0; parameters && i < count; i++) {
        parameters[i] = training_parameter(way->training, i);
        result->trained += parameters[i]->count;
    }
    way->rewards = reward_set_open(functions, 2, &rewards, error);
    int failed = !parameters || !way->rewards ||
                 optimizer_open(&way->optimizer, model_device(way->model), parameters, count, &settings,
                                &alone, error) ||
                 run(way, result, say, error);
    optimizer_close(&way->optimizer);
    reward_set_close(way->rewards);
    free(parameters);
    return failed ? -1 : 0;
}

int bench_grpo_run(struct model *model, const struct bench_grpo_options *options,
                   struct bench_grpo_result *result, void (*say)(const char *what), struct error *error) {
    struct asked asked = {.place = "the prompt"};
    struct sample sample = {.asked = &asked};
    struct way way = {.model = model, .options = options, .sample = &sample};
    const struct training_options train = {.train_text = true,
                                           .checkpoint_activations = options->checkpoint_activations,
                                           .lora_rank = options->lora_rank,
                                           .lora_alpha = 2.0 * options->lora_rank,
                                           .seed = 1};
    *result = (struct bench_grpo_result){0};
    int failed = build_prompt(&sample, model, options->prompt_tokens, error) ||
                 measure_products(model, result, error) ||
                 !(way.training = training_open(model, &train, error)) || run_on(&way, result, say, error);
    result->prompt_tokens = sample.prompt.ids.count;
    result->shared_rows = result->prompt_tokens + options->group * options->completion_tokens;
    result->rows = options->group * (result->prompt_tokens + options->completion_tokens);
    result->peak_bytes = bench_peak_memory();
    training_close(way.training);
    prompt_free(&sample.prompt);
    return failed ? -1 : 0;
}
