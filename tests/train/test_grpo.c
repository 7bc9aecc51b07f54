// GRPO: the golden objectives through the whole model, groups against rows by themselves, and whole runs of the tiny model.
#include "support.h"

#include "../model/training_cases.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/signals.h"
#include "engine/mock_server.h"
#include "model/safetensors.h"
#include "train/grpo.h"
#include "train/grpo_internal.h"
#include "train/run.h"

static const struct parallel alone = {.ranks = 1, .local_ranks = 1};

static int be_quiet(void **state) {
    (void)state;
    log_set_level(LOG_ERROR);
    progress_configure(PROGRESS_QUIET, 0);
    return 0;
}

// ---- golden objectives ----------------------------------------------------------------------------------

// The golden group as the objective holds it, or some of its completions.
struct golden_case {
    struct sample sample;
    struct asked asked;
    struct grpo_group group;
};

static void copy_tokens(double **to, const struct tensor *from, const struct golden_group *data, size_t first,
                        size_t count, size_t tokens) {
    size_t at = 0, width = tensor_columns(from);
    *to = calloc(tokens + 1, sizeof **to);
    for (size_t i = first; i < first + count; i++)
        for (size_t t = 0; t < data->completions[i].count; t++)
            (*to)[at++] = (double)((const float *)from->data)[i * width + t];
}

static void open_case(struct golden_case *c, const struct golden_group *data, const json_t *json,
                      struct safetensors *inputs, size_t first, size_t count, bool on_policy,
                      bool reference) {
    struct error error = {0};
    *c = (struct golden_case){.sample.prompt = data->prompt};
    snprintf(c->asked.place, sizeof c->asked.place, "golden");
    c->sample.asked = &c->asked;
    assert_ok(grpo_group_open(&c->group, count, 1, &error), error);
    c->group.row.sample = &c->sample;
    for (size_t i = 0; i < count; i++) {
        struct grpo_completion *completion = &c->group.completions[i];
        size_t tokens = data->completions[first + i].count;
        completion->count = tokens;
        completion->ids = calloc(tokens, sizeof *completion->ids);
        completion->behaviour = calloc(tokens, sizeof(double));
        completion->full = calloc(tokens, sizeof(double));
        memcpy(completion->ids, data->completions[first + i].ids, tokens * sizeof *completion->ids);
        const json_t *spec = json_array_get(json_object_get(json, "completions"), first + i);
        completion->cut = json_is_true(json_object_get(spec, "truncated"));
        completion->advantage =
            json_number_value(json_array_get(json_object_get(json, "advantages"), first + i));
    }
    assert_ok(grpo_group_settle(&c->group, &error), error);
    if (!on_policy)
        copy_tokens(&c->group.old, golden_find(inputs, "old_logps"), data, first, count, c->group.tokens);
    if (reference)
        copy_tokens(&c->group.reference, golden_find(inputs, "ref_logps"), data, first, count,
                    c->group.tokens);
}

static struct grpo_pass_options golden_options(const json_t *config) {
    static const char *const types[] = {"grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo", "vespo", "luspo"};
    const char *type = json_string_value(json_object_get(config, "loss_type")),
               *level = json_string_value(json_object_get(config, "level"));
    const json_t *delta = json_object_get(config, "delta");
    struct policy_loss_options loss = policy_loss_defaults;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i]) == 0) loss.loss_type = (enum policy_loss_type)i;
    loss.sequence_level = level && strcmp(level, "sequence") == 0;
    loss.epsilon = golden_number(config, "epsilon");
    loss.epsilon_high = golden_number(config, "epsilon_high");
    loss.delta = delta ? json_number_value(delta) : 0;
    loss.beta = golden_number(config, "beta");
    loss.max_completion_length = (size_t)golden_number(config, "max_completion_length");
    return (struct grpo_pass_options){
        .loss = loss, .temperature = 1, .mask_cut = json_is_true(json_object_get(config, "overlong_filter"))};
}

static void pass_some(struct training *training, const struct golden_group *data, const json_t *json,
                      struct safetensors *inputs, const json_t *config, size_t first, size_t count,
                      struct grpo_totals *totals) {
    struct error error = {0};
    struct golden_case c;
    const struct grpo_pass_options options = golden_options(config);
    open_case(&c, data, json, inputs, first, count, json_object_get(config, "old") != NULL,
              options.loss.beta > 0);
    assert_ok(grpo_pass_run(training, &options, &c.group, 1, totals, &error), error);
    grpo_group_close(&c.group);
}

// Gradients are sums until the run divides them by the weight of the step.
static void compare_gradients(struct training *training, const json_t *json, const char *key, double weight) {
    struct safetensors *want = golden_tensors("grpo/expected.safetensors");
    json_t *names = json_object_get(json, "grad_tensors");
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        char full[256];
        snprintf(full, sizeof full, "%s/%s", key, name);
        const struct tensor *golden = safetensors_find(want, full);
        if (!golden) continue; // the files keep those of most configurations
        struct parameter *p = find_parameter(training, name);
        float *gradient = gradient_of(training, p);
        for (size_t k = 0; k < p->count; k++) gradient[k] = (float)((double)gradient[k] / weight);
        double off = distance(gradient, golden->data, p->count);
        if (!(off <= 1e-3)) fail_msg("%s: gradient of %s is off by %.3g", key, name, off);
    }
    safetensors_free(want);
}

static void expect_share(const struct grpo_totals *totals, double sum, const json_t *result, const char *key,
                         const char *name) {
    if (json_object_get(result, name) && fabs(sum / totals->tokens - golden_number(result, name)) > 1e-6)
        fail_msg("%s: %s is %g, not %g", key, name, sum / totals->tokens, golden_number(result, name));
}

static void check_objective(struct training *training, const struct golden_group *data, const json_t *json,
                            struct safetensors *inputs, const char *key, const json_t *result) {
    const json_t *config = json_object_get(result, "config");
    struct grpo_totals whole = {0}, parts = {0};
    training_zero_gradients(training);
    pass_some(training, data, json, inputs, config, 0, data->count, &whole);
    if (fabs(whole.loss / whole.weight - golden_number(result, "loss")) > 1e-4)
        fail_msg("%s: the loss is %.6f, not %.6f", key, whole.loss / whole.weight,
                 golden_number(result, "loss"));
    compare_gradients(training, json, key, whole.weight);
    expect_share(&whole, whole.clip_low, result, key, "clip_low");
    expect_share(&whole, whole.clip_high, result, key, "clip_high");
    expect_share(&whole, whole.clip_high, result, key, "clip_ratio");
    if (golden_number(config, "beta") > 0)
        assert_near(whole.kl / whole.tokens, golden_number(result, "kl"), 1e-3);
    pass_some(training, data, json, inputs, config, 0, 2, &parts);
    pass_some(training, data, json, inputs, config, 2, 2, &parts);
    if (fabs(parts.loss / parts.weight - golden_number(result, "loss_two_micro_batches")) > 1e-4)
        fail_msg("%s: the loss of two passes is %.6f, not %.6f", key, parts.loss / parts.weight,
                 golden_number(result, "loss_two_micro_batches"));
}

static void test_golden_objectives(void **state) {
    (void)state;
    struct error error = {0};
    const struct training_options options = {.train_text = true, .train_vision = true, .train_merger = true};
    struct model *model = golden_model("qwen2_5_vl_tiny", MODEL_TYPE_F32, 1, NULL);
    struct golden_group data;
    golden_grpo(&data, model);
    struct training *training = training_open(model, &options, &error);
    assert_got(training, error);
    json_t *json = golden_json("grpo/expected.json"), *result;
    struct safetensors *inputs = golden_tensors("grpo/inputs.safetensors");
    const char *key;
    assert_true(json_object_size(json_object_get(json, "results")) > 10);
    json_object_foreach(json_object_get(json, "results"), key, result) {
        check_objective(training, &data, json, inputs, key, result);
    }
    json_decref(json);
    safetensors_free(inputs);
    training_close(training);
    golden_free(&data);
    model_close(model);
}

// The loss with everything in it that reads entropies, along the gradient of one tensor and against it.
static void test_entropies_are_derived(void **state) {
    (void)state;
    struct error error = {0};
    const struct training_options options = {.train_text = true};
    struct model *model = golden_model("qwen2_5_vl_tiny", MODEL_TYPE_F32, 1, NULL);
    struct golden_group data;
    golden_grpo(&data, model);
    struct training *training = training_open(model, &options, &error);
    assert_got(training, error);
    json_t *json = golden_json("grpo/expected.json");
    struct safetensors *inputs = golden_tensors("grpo/inputs.safetensors");
    struct grpo_pass_options pass = {.loss = policy_loss_defaults, .temperature = 0.8};
    pass.loss.entropy_coef = 0.5;
    pass.loss.top_entropy_quantile = 0.6;
    struct parameter *p = find_parameter(training, "model.layers.1.mlp.down_proj.weight");
    float *value = value_of(training, p), *moved = malloc((p->count + 1) * sizeof *moved), *gradient = NULL;
    double losses[3], norm = 0;
    for (int way = 0; way < 3; way++) { // where it is, forward, back
        struct golden_case c;
        struct grpo_totals totals = {0};
        const double step = way == 1 ? 2e-3 : -2e-3;
        for (size_t k = 0; gradient && k < p->count; k++)
            moved[k] = (float)((double)value[k] + step * (double)gradient[k] / norm);
        if (way) set_value(training, p, moved);
        training_refresh(training);
        training_zero_gradients(training);
        open_case(&c, &data, json, inputs, 0, data.count, false, false);
        assert_ok(grpo_pass_run(training, &pass, &c.group, 1, &totals, &error), error);
        grpo_group_close(&c.group);
        losses[way] = totals.loss;
        assert_true(totals.entropy > 0);
        if (way) continue;
        gradient = gradient_of(training, p);
        for (size_t k = 0; k < p->count; k++) norm += (double)gradient[k] * (double)gradient[k];
        norm = sqrt(norm);
        assert_true(norm > 1e-3);
    }
    assert_near((losses[1] - losses[2]) / 4e-3 / norm, 1, 2e-2);
    free(moved);
    json_decref(json);
    safetensors_free(inputs);
    training_close(training);
    golden_free(&data);
    model_close(model);
}

// ---- a prompt is computed once --------------------------------------------------------------------------

static float *all_gradients(struct training *training, size_t *count) {
    size_t parameters = training_parameter_count(training), at = 0;
    *count = 0;
    for (size_t i = 0; i < parameters; i++) *count += training_parameter(training, i)->count;
    float *all = malloc((*count + 1) * sizeof *all);
    for (size_t i = 0; i < parameters; i++) {
        const struct parameter *p = training_parameter(training, i);
        memcpy(all + at, gradient_of(training, p), p->count * sizeof *all);
        at += p->count;
    }
    return all;
}

// The gradients of a group are those of its completions as rows by themselves, each with the prompt of its own.
static void test_shared_prompt_is_exact(void **state) {
    (void)state;
    struct error error = {0};
    const struct training_options options[] = {
        {.train_text = true, .train_vision = true, .train_merger = true},
        {.lora_rank = 4, .lora_alpha = 8, .seed = 3},
    };
    for (size_t o = 0; o < 2; o++) {
        struct model *model = golden_model("qwen2_5_vl_tiny", MODEL_TYPE_F32, 1, NULL);
        struct golden_group data;
        golden_grpo(&data, model);
        struct training *training = training_open(model, &options[o], &error);
        assert_got(training, error);
        json_t *json = golden_json("grpo/expected.json");
        struct safetensors *inputs = golden_tensors("grpo/inputs.safetensors");
        const json_t *config =
            json_object_get(json_object_get(json_object_get(json, "results"), "grpo_beta0.04"), "config");
        struct grpo_totals together = {0}, apart = {0};
        size_t count;
        training_zero_gradients(training);
        pass_some(training, &data, json, inputs, config, 0, data.count, &together);
        float *one = all_gradients(training, &count);
        training_zero_gradients(training);
        for (size_t i = 0; i < data.count; i++)
            pass_some(training, &data, json, inputs, config, i, 1, &apart);
        float *other = all_gradients(training, &count);
        assert_near(together.weight, apart.weight, 0);
        assert_true(together.passed < apart.passed);
        double off = distance(one, other, count);
        if (!(off <= 1e-5)) fail_msg("gradients of a group are off by %.3g", off);
        free(one), free(other);
        json_decref(json);
        safetensors_free(inputs);
        training_close(training);
        golden_free(&data);
        model_close(model);
    }
}

// ---- runs -----------------------------------------------------------------------------------------------

enum { MAX_SETS = 24 };

static int run(const char *folder, bool resume, const char *const *more, struct error *error) {
    static char paths[3][700];
    const char *sets[MAX_SETS] = {paths[0], paths[1], paths[2], "run.threads=1", "run.tensorboard=false"};
    size_t count = 5;
    snprintf(paths[0], sizeof paths[0], "run.folder=%s", folder);
    snprintf(paths[1], sizeof paths[1], "model.folder=%s", test_data("qwen2_5_vl_tiny"));
    snprintf(paths[2], sizeof paths[2], "data.train=%s", test_data("train/asked.jsonl"));
    while (*more && count < MAX_SETS) sets[count++] = *more++;
    char *text;
    struct recipe *recipe =
        recipe_read(RECIPE_GRPO, test_data("../../recipes/tiny-grpo.yaml"), sets, count, &text, error);
    if (!recipe) return -1;
    const struct run_options options = {
        .objective = &grpo_objective, .recipe = recipe, .recipe_text = text, .resume = resume};
    int result = run_train(&options, &alone, error);
    recipe_free(recipe);
    free(text);
    return result;
}

static json_t *read_lines(const char *folder, const char *name) {
    struct error error = {0};
    char path[700], *rest = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *text = file_read(path, 1 << 24, NULL, &error);
    assert_got(text, error);
    json_t *lines = json_array();
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_t *object = json_loads(line, 0, NULL);
        assert_non_null(object);
        // What a clock made is not compared.
        static const char *const clocks[] = {"step_time",    "tokens_per_second", "time/rollout",
                                             "time/rewards", "time/log_probs",    "time/backward"};
        for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) json_object_del(object, clocks[i]);
        json_array_append_new(lines, object);
    }
    free(text);
    return lines;
}

static void expect_same_file(const char *a, const char *b, const char *name) {
    struct error error = {0};
    char path[700];
    size_t lengths[2];
    snprintf(path, sizeof path, "%s/%s", a, name);
    char *left = file_read(path, 1 << 24, &lengths[0], &error);
    assert_got(left, error);
    snprintf(path, sizeof path, "%s/%s", b, name);
    char *right = file_read(path, 1 << 24, &lengths[1], &error);
    assert_got(right, error);
    assert_int_equal(lengths[0], lengths[1]);
    assert_memory_equal(left, right, lengths[0]);
    free(left), free(right);
}

static double metric_at(const json_t *lines, size_t i, const char *key) {
    const json_t *value = json_object_get(json_array_get(lines, i), key);
    if (!value) fail_msg("there is no metric %s", key);
    return json_number_value(value);
}

// The tiny model gets a reward for stopping early, and learns it.
static void test_reward_rises(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600];
    static const char *const sets[] = {"schedule.epochs=12", "grpo.log_completions=5", NULL};
    snprintf(folder, sizeof folder, "%s", test_temporary("rises"));
    assert_ok(run(folder, false, sets, &error), error);
    json_t *lines = read_lines(folder, "metrics.jsonl"), *told = read_lines(folder, "completions.jsonl");
    assert_int_equal(json_array_size(lines), 24);
    assert_true(metric_at(lines, 0, "reward") < -0.8);
    double last = 0;
    for (size_t i = 20; i < 24; i++) last += metric_at(lines, i, "reward") / 4;
    if (!(last > -0.4)) fail_msg("the reward is %g at the end", last);
    static const char *const names[] = {"reward_std",
                                        "frac_reward_zero_std",
                                        "rewards/soft_overlong/mean",
                                        "rewards/soft_overlong/std",
                                        "completions/mean_length",
                                        "completions/max_terminated_length",
                                        "completions/clipped_ratio",
                                        "clip_ratio/region_mean",
                                        "entropy",
                                        "rollout_correction/k3_kl",
                                        "rollout_correction/ess",
                                        "loss",
                                        "grad_norm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) metric_at(lines, 0, names[i]);
    // Sampler and trainer are the same model in the same arithmetic, but for the order of sums.
    for (size_t i = 0; i < 24; i++)
        assert_true(metric_at(lines, i, "sampling/sampling_logp_difference/max") < 1e-4);
    const json_t *first = json_array_get(told, 0);
    assert_int_equal(json_array_size(json_object_get(first, "completions")), 6);
    assert_non_null(json_object_get(json_object_get(first, "truth"), "country"));
    json_decref(lines), json_decref(told);
}

// A run that ends and goes on is to the bit the run that was never stopped: two steps of prompts rolled out together and
// gone through twice, with a reference, over adapters, other prompts in the place of those without spread.
static void test_resumed_run_is_the_same(void **state) {
    (void)state;
    struct error error = {0};
    char straight[600], broken[600];
    static const char *const whole[] = {"lora.rank=4",
                                        "grpo.num_iterations=2",
                                        "grpo.steps_per_generation=2",
                                        "grpo.beta=0.05",
                                        "grpo.dynamic_sample=true",
                                        "grpo.loss_type=dapo",
                                        "batch.rows=2",
                                        "batch.micro_rows=1",
                                        "data.eval_share=0.2",
                                        "run.eval_every=4",
                                        "save.every=3",
                                        "schedule.max_steps=12",
                                        NULL};
    const char *half[MAX_SETS];
    memcpy(half, whole, sizeof whole);
    half[11] = "schedule.max_steps=4";
    snprintf(straight, sizeof straight, "%s", test_temporary("straight"));
    snprintf(broken, sizeof broken, "%s", test_temporary("broken"));
    assert_ok(run(straight, false, whole, &error), error);
    assert_ok(run(broken, false, half, &error), error);
    assert_ok(run(broken, true, whole, &error), error);
    json_t *one = read_lines(straight, "metrics.jsonl"), *other = read_lines(broken, "metrics.jsonl");
    assert_true(json_equal(one, other));
    assert_true(metric_at(one, 0, "kl") < 1e-6); // it starts at the reference
    json_decref(one), json_decref(other);
    expect_same_file(straight, broken, "step-12/adapter_model.safetensors");
    expect_same_file(straight, broken, "step-12/trainer/optimizer-00001-of-00001.safetensors");
}

static void refuse(const char *const *sets, const char *message) {
    struct error error = {0};
    char folder[600];
    snprintf(folder, sizeof folder, "%s", test_temporary("refused"));
    assert_int_equal(run(folder, false, sets, &error), -1);
    if (!strstr(error.message, message)) fail_msg("\"%s\" does not say \"%s\"", error.message, message);
}

// In exact mode training finds the very log-probs that were sampled with.
static void test_exact_run(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600];
    static const char *const sets[] = {"run.exact=true", "schedule.max_steps=3", NULL};
    snprintf(folder, sizeof folder, "%s", test_temporary("exact"));
    assert_ok(run(folder, false, sets, &error), error);
    json_t *lines = read_lines(folder, "metrics.jsonl");
    for (size_t i = 0; i < 3; i++) {
        assert_true(metric_at(lines, i, "sampling/sampling_logp_difference/max") <= 0);
        assert_near(metric_at(lines, i, "rollout_correction/ess"), 1, 0);
    }
    json_decref(lines);
}

// A reward model over the weights of before, while these are trained: another adapter, one copy of the weights.
static void test_reward_model(void **state) {
    (void)state;
    struct error error = {0};
    char judge[600], folder[600], named[700];
    static const char *const adapter[] = {"lora.rank=4", "schedule.max_steps=2", NULL};
    snprintf(judge, sizeof judge, "%s", test_temporary("judge"));
    snprintf(folder, sizeof folder, "%s", test_temporary("judged"));
    assert_ok(run(judge, false, adapter, &error), error);
    snprintf(named, sizeof named, "reward.locatability=%s/last", judge);
    const char *sets[] = {named, "reward.functions=locatability:shape=probability", "schedule.max_steps=3",
                          "optimizer.learning_rate=1e-2", NULL};
    assert_ok(run(folder, false, sets, &error), error);
    json_t *lines = read_lines(folder, "metrics.jsonl");
    for (size_t i = 0; i < 3; i++) {
        double mean = metric_at(lines, i, "rewards/locatability/mean");
        assert_true(mean > 0 && mean < 1);
        assert_true(metric_at(lines, i, "rewards/locatability/std") > 0);
    }
    json_decref(lines);
    refuse((const char *const[]){sets[1], NULL}, "reward.locatability must name the adapter");
    refuse((const char *const[]){named, NULL}, "reward.functions asks for none");
    char other[700];
    snprintf(other, sizeof other, "model.folder=%s", test_data("qwen2_5_vl_tiny_tied"));
    refuse((const char *const[]){named, sets[1], other, NULL}, "judge/last");
}

// A signal in the middle of a cycle: the run ends between two of them, and says where.
static void test_interrupted_within_a_cycle(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600];
    static const char *const sets[] = {"grpo.num_iterations=3", "save.every=0", "schedule.epochs=4", NULL};
    snprintf(folder, sizeof folder, "%s", test_temporary("interrupted"));
    signals_catch();
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(run(folder, false, sets, &error), -1);
    assert_error(-1, error, ERROR_INTERRUPTED, "stopped after step 3,");
}

// The reward model on a server: it is sent the pictures, and what it says is the reward.
static void test_reward_server(void **state) {
    (void)state;
    struct error error = {0};
    static const struct mock_step good = {
        .body = "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"yes\"},\"finish_reason\":\"length\","
                "\"logprobs\":{\"content\":[{\"token\":\"yes\",\"logprob\":-0.1,\"top_logprobs\":["
                "{\"token\":\"yes\",\"logprob\":-0.25},{\"token\":\"no\",\"logprob\":-1.75}]}]}}]}"};
    struct mock_server *server = mock_server_start(&good, 1, 0);
    char folder[600], address[200];
    snprintf(folder, sizeof folder, "%s", test_temporary("served"));
    snprintf(address, sizeof address, "reward.locatability=%s", mock_server_url(server));
    const char *sets[] = {"reward.functions=[\"locatability:shape=probability\"]",
                          address,
                          "schedule.max_steps=1",
                          "grpo.num_generations=2",
                          "reward.locatability_model=judge",
                          NULL};
    assert_ok(run(folder, false, sets, &error), error);
    json_t *lines = read_lines(folder, "metrics.jsonl");
    assert_near(metric_at(lines, 0, "rewards/locatability/mean"), 1 / (1 + exp(-1.5)), 1e-6);
    json_decref(lines);
    assert_int_equal(mock_server_count(server), 6); // three prompts, two completions of each
    assert_non_null(strstr(mock_server_request(server, 0)->body, "data:image/jpeg;base64,"));
    mock_server_stop(server);
    sets[4] = NULL;
    assert_error(run(test_temporary("nameless"), false, sets, &error), error, ERROR_INPUT,
                 "reward.locatability_model is the name");
}

static void test_bad_input(void **state) {
    (void)state;
    char rows[700];
    struct error error = {0};
    static const char no_truth[] =
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Where is this?\"}], \"images\": []}\n";
    const char *path = test_temporary("no_truth.jsonl");
    assert_ok(file_write(path, no_truth, strlen(no_truth), &error), error);
    snprintf(rows, sizeof rows, "data.train=%s", path);
    refuse((const char *const[]){rows, "data.bad_rows=stop", NULL}, "no_truth.jsonl:1");
    refuse((const char *const[]){"reward.functions=nothing", NULL}, "nothing");
    refuse((const char *const[]){"reward.weights=[heavy]", NULL},
           "reward.weights: \"heavy\" is not a number");
    refuse((const char *const[]){"grpo.num_generations=1", NULL}, "num_generations is 1");
    // Rewards that are always the same.
    refuse((const char *const[]){"reward.functions=format", "schedule.epochs=40", NULL},
           "for 20 steps all completions of each prompt had the same reward");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_objectives),
        cmocka_unit_test(test_entropies_are_derived),
        cmocka_unit_test(test_shared_prompt_is_exact),
        cmocka_unit_test(test_reward_rises),
        cmocka_unit_test(test_resumed_run_is_the_same),
        cmocka_unit_test(test_exact_run),
        cmocka_unit_test(test_reward_model),
        cmocka_unit_test(test_reward_server),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_interrupted_within_a_cycle),
    };
    return cmocka_run_group_tests(tests, be_quiet, NULL);
}
