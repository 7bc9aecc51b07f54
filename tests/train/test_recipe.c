// Recipes: defaults, values, overrides, and mistakes with their lines.
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/model.h"
#include "reward/reward.h"
#include "train/adamw.h"
#include "train/policy_loss.h"
#include "train/recipe.h"
#include "train/schedule.h"

#define LEAST "model:\n  folder: base\ndata:\n  train: rows.jsonl\nrun:\n  folder: out\n"

static struct recipe *read_recipe(const char *yaml, const char *const *sets, size_t count, char **text,
                                  struct error *error) {
    const char *path = test_temporary("recipe.yaml");
    test_write(path, yaml, strlen(yaml));
    return recipe_read(RECIPE_SFT, path, sets, count, text, error);
}

static void expect_error(const char *yaml, const char *message) {
    struct error error = {0};
    char *text;
    struct recipe *recipe = read_recipe(yaml, NULL, 0, &text, &error);
    assert_null(text);
    assert_error(recipe != NULL ? 0 : -1, error, ERROR_INPUT, message);
}

static void expect_override_error(const char *override, const char *message) {
    struct error error = {0};
    char *text;
    struct recipe *recipe = read_recipe(LEAST, &override, 1, &text, &error);
    assert_error(recipe != NULL ? 0 : -1, error, ERROR_USAGE, message);
}

static void test_defaults(void **state) {
    (void)state;
    struct error error = {0};
    char *text;
    struct recipe *recipe = read_recipe(LEAST, NULL, 0, &text, &error);
    assert_got(recipe, error);
    assert_string_equal(recipe->model.folder, "base");
    assert_int_equal(recipe->model.dtype, MODEL_TYPE_AUTO);
    assert_true(recipe->model.train_text && recipe->model.gradient_checkpointing);
    assert_false(recipe->model.train_vision);
    assert_int_equal(recipe->data.train.count, 1);
    assert_string_equal(recipe->data.train.items[0], "rows.jsonl");
    assert_int_equal(recipe->data.eval.count, 0);
    assert_int_equal(recipe->batch.rows, 64);
    assert_float_equal(recipe->optimizer.learning_rate, 1e-5, 0);
    assert_float_equal(recipe->optimizer.beta2, 0.95, 0);
    assert_int_equal(recipe->optimizer.decay, ADAMW_DECAY_C);
    assert_int_equal(recipe->schedule.kind, SCHEDULE_COSINE);
    assert_int_equal(recipe->run.seed, 42);
    assert_string_equal(recipe->lora.targets, "");
    // The complete recipe is a recipe, and gives itself.
    char *again;
    struct recipe *second = read_recipe(text, NULL, 0, &again, &error);
    assert_got(second, error);
    assert_string_equal(text, again);
    recipe_free(recipe), recipe_free(second);
    free(text), free(again);
}

static void test_values_and_overrides(void **state) {
    (void)state;
    struct error error = {0};
    static const char yaml[] = "model: {folder: \"a \\\"b\\\"\\n\", dtype: bf16}\n"
                               "data: {train: [a.jsonl, b.tar], shuffle: no}\n"
                               "run: {folder: 'out: x'}\nlora:\noptimizer: {learning_rate: 2e-4}\n";
    static const char *const sets[] = {"schedule.kind=linear", "lora.rank=16",
                                       "data.eval=[x, 'y z']", "data.train=one.jsonl",
                                       "lora.rank=8",          "lora.targets=.*(q|v)_proj: x"};
    char *text;
    struct recipe *recipe = read_recipe(yaml, sets, 6, &text, &error);
    assert_got(recipe, error);
    assert_string_equal(recipe->model.folder, "a \"b\"\n");
    assert_string_equal(recipe->run.folder, "out: x");
    assert_int_equal(recipe->model.dtype, MODEL_TYPE_BF16);
    assert_false(recipe->data.shuffle);
    assert_int_equal(recipe->data.train.count, 1);
    assert_string_equal(recipe->data.train.items[0], "one.jsonl");
    assert_int_equal(recipe->data.eval.count, 2);
    assert_string_equal(recipe->data.eval.items[1], "y z");
    assert_int_equal(recipe->lora.rank, 8);
    assert_string_equal(recipe->lora.targets, ".*(q|v)_proj: x");
    assert_int_equal(recipe->schedule.kind, SCHEDULE_LINEAR);
    assert_float_equal(recipe->optimizer.learning_rate, 2e-4, 0);
    recipe_free(recipe);
    free(text);
}

static void test_mistakes_name_the_line(void **state) {
    (void)state;
    expect_error("model:\n  folder: a\n  learning_rat: 1\n",
                 "recipe.yaml:3: there is no key \"model.learning_rat\"");
    expect_error("optimizer:\n\n  learning_rat: 1\n", "did you mean optimizer.learning_rate?");
    expect_error("optimizer:\n  lr: 1\n", "this section has learning_rate, beta1");
    expect_error("optimiser:\n  beta1: 0.9\n", "the sections are model, lora, data");
    expect_error("batch:\n  rows: many\n",
                 "recipe.yaml:2: batch.rows is \"many\", expected a whole number from 1 to");
    expect_error("batch:\n  rows: -3\n", "batch.rows is \"-3\"");
    expect_error("batch:\n  rows: 3e2\n", "batch.rows is \"3e2\"");
    expect_error("batch:\n  rows: 0\n", "batch.rows is \"0\"");
    expect_error("batch:\n  rows: [1, 2]\n", "batch.rows is a list");
    expect_error("batch:\n  rows: {a: 1}\n", "batch.rows is not a single value");
    expect_error("batch:\n  rows:\n", "batch.rows is \"\"");
    expect_error("optimizer:\n  learning_rate: nan\n",
                 "learning_rate is \"nan\", expected a number from 0 to 10");
    expect_error("optimizer:\n  learning_rate: 1e999\n", "is \"1e999\"");
    expect_error("optimizer:\n  beta1: 1.5\n", "beta1 is \"1.5\"");
    expect_error("schedule:\n  kind: cosin\n",
                 "schedule.kind is \"cosin\", expected one of constant, linear, cosine");
    expect_error("schedule:\n  kind: constant, linear\n", "expected one of");
    expect_error("data:\n  shuffle: maybe\n", "data.shuffle is \"maybe\", expected true or false");
    expect_error("data:\n  train: [[a]]\n", "data.train is not a single value");
    expect_error("batch:\n  rows: 1\n  rows: 2\n", "recipe.yaml:3: batch.rows is given twice");
    expect_error("batch:\n  rows: 1\nbatch:\n  rows: 2\n", "recipe.yaml:4: batch.rows is given twice");
    expect_error("batch: 3\n", "recipe.yaml:1: the section batch holds no keys");
    expect_error("[a]\n", "a recipe is a mapping of sections");
    expect_error("batch: {rows: 1\n", "not YAML");
    expect_error("a: b: c\n", "recipe.yaml:1: not YAML");
    expect_error("? [a]\n: b\n", "the name of a section is not a word");
    expect_error("batch:\n  ? [a]\n  : b\n", "a key of batch is not a word");
    expect_error("model:\n  folder: \"a\\0b\"\n", "a text with a NUL character");
    expect_error("\xFF\xFE\x00", "");
    expect_error("", "model.folder is missing (checkpoint to start from");
    expect_error("model:\n  folder: a\n", "data.train is missing");
    expect_error("model.folder: a\n", "there is no key \"model.folder\"");
}

static void test_values_that_do_not_go_together(void **state) {
    (void)state;
    expect_error(LEAST "batch: {rows: 2, micro_rows: 3}\n", "batch.micro_rows is more than batch.rows");
    expect_error("model: {folder: a, train_text: false}\ndata: {train: a}\nrun: {folder: b}\n",
                 "nothing to train");
    expect_error("model: {folder: a}\ndata: {train: []}\nrun: {folder: b}\n", "data.train names no file");
    expect_error("model: {folder: ''}\ndata: {train: a}\nrun: {folder: b}\n", "model.folder is empty");
}

static void test_mistakes_in_overrides(void **state) {
    (void)state;
    expect_override_error("batch.rows", "--set batch.rows: expected section.key=value");
    expect_override_error("batch.row=3", "did you mean batch.rows?");
    expect_override_error("rows=3", "there is no key \"rows\"");
    expect_override_error("batch.rows=x", "batch.rows is \"x\"");
    expect_override_error("data.train=[a", "the list is not YAML");
    expect_override_error("=", "there is no key \"\"");
    char longest[2000];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    longest[sizeof longest - 3] = '=';
    expect_override_error(longest, "there is no key");
}

static void test_missing_file(void **state) {
    (void)state;
    struct error error = {0};
    char *text;
    assert_null(recipe_read(RECIPE_SFT, test_temporary("absent.yaml"), NULL, 0, &text, &error));
    assert_error(-1, error, ERROR_INPUT, "absent.yaml");
}

static struct recipe *read_grpo(const char *yaml, char **text, struct error *error) {
    const char *path = test_temporary("grpo.yaml");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "model: {folder: m}\ndata: {train: t}\nrun: {folder: r}\n%s\n", yaml);
    assert_int_equal(fclose(file), 0);
    return recipe_read(RECIPE_GRPO, path, NULL, 0, text, error);
}

// A key is for one objective or for all of them; combinations that mean nothing are refused before anything is loaded.
static void test_keys_of_grpo(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *message;
    } refused[] = {
        {"grpo: {beta: 0.1}", "reward.functions is missing"},
        {"reward: {functions: []}", "there is nothing to learn from"},
        {"reward: {functions: format}\ngrpo: {num_generations: 1}", "num_generations is 1"},
        {"reward: {functions: format}\nrun: {exact: true}\nlora: {rank: 4}", "lora.dropout: 0"},
        {"reward: {functions: format, weights: [1, 2]}", "one number for each"},
        {"reward: {functions: format}\ngrpo: {kl_in_reward: true, kl_estimator: k1}",
         "needs a grpo.beta above 0"},
        {"reward: {functions: format}\ngrpo: {use_bias_correction_kl: true}", "needs a grpo.beta above 0"},
        {"reward: {functions: format}\ngrpo: {behaviour: honest}", "none is set"},
        {"reward: {functions: format}\ngrpo: {max_completion_length: 4096}", "leaves no token"},
        {"reward: {functions: format}\ngrpo: {loss_type: sapo, delta: 2}", "grpo.delta is for losses"},
        {"reward: {functions: format}\ngrpo: {los_type: sapo}", "did you mean grpo.loss_type?"},
        {"reward: {functions: format}\ngrpo: {scale_rewards: none, multi_objective_aggregation: "
         "normalize_then_sum}",
         "must be group"},
    };
    struct error error = {0};
    char *text;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_null(read_grpo(refused[i].yaml, &text, &error));
        assert_error(-1, error, ERROR_INPUT, refused[i].message);
    }
    struct recipe *recipe =
        read_grpo("reward: {functions: [format, accuracy]}\ngrpo: {loss_type: dapo}", &text, &error);
    assert_got(recipe, error);
    assert_int_equal(recipe->grpo.loss_type, POLICY_LOSS_DAPO);
    assert_int_equal(recipe->grpo.num_generations, 8);
    assert_int_equal(recipe->reward.functions.count, 2);
    assert_non_null(strstr(text, "grpo:\n"));
    recipe_free(recipe);
    free(text);
    const char *const sets[] = {"model.folder=m", "data.train=t", "run.folder=r", "grpo.beta=1"};
    const char *path = test_temporary("empty.yaml");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_null(recipe_read(RECIPE_SFT, path, sets, 4, &text, &error));
    assert_error(-1, error, ERROR_USAGE, "grpo.beta is nothing that globe train sft reads");
    recipe = recipe_read(RECIPE_SFT, path, sets, 3, &text, &error);
    assert_got(recipe, error);
    assert_null(strstr(text, "grpo"));
    recipe_free(recipe);
    free(text);
}

// The published experiments, with the numbers of the released scripts (grpo.md sections 1, 5 and 8).
static struct recipe *read_published(enum recipe_use use, const char *name) {
    struct error error = {0};
    char *text;
    struct recipe *recipe =
        recipe_read(use, test_data("../../recipes/globe/%s", name), NULL, 0, &text, &error);
    assert_got(recipe, error);
    free(text);
    assert_true(recipe->model.train_text && !recipe->model.train_vision && !recipe->model.train_merger);
    assert_string_equal(recipe->model.folder, "models/Qwen2.5-VL-7B-Instruct");
    assert_float_equal(recipe->optimizer.beta2, 0.95, 0);
    assert_float_equal(recipe->optimizer.weight_decay, 0.1, 0);
    assert_int_equal(recipe->schedule.kind, SCHEDULE_COSINE);
    assert_int_equal(recipe->save.every, 200);
    assert_int_equal(recipe->save.keep_last, 5);
    assert_int_equal(recipe->run.seed, 42);
    return recipe;
}

static void test_published(void **state) {
    (void)state;
    static const struct {
        const char *name, *functions[5];
    } runs[] = {{"all_rewards.yaml",
                 {"accuracy:mode=compat,weight=1", "locatability:mode=compat,weight=0.5",
                  "grounding:mode=compat,weight=0.2", "format:mode=compat,weight=1"}},
                {"two_rewards.yaml",
                 {"accuracy:mode=compat,weight=1", "grounding:mode=compat,weight=0.5",
                  "format:mode=compat,weight=1"}},
                {"one_reward.yaml", {"accuracy:mode=compat,weight=1", "format:mode=compat,weight=1"}}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        struct recipe *r = read_published(RECIPE_GRPO, runs[i].name);
        assert_int_equal(r->grpo.num_generations, 16);
        assert_int_equal(r->batch.rows * (uint64_t)r->grpo.num_generations, 96);
        assert_int_equal(r->grpo.max_completion_length, 1024);
        assert_int_equal(r->grpo.top_k, 50);
        assert_float_equal(r->grpo.top_p, 0.9, 0);
        assert_float_equal(r->grpo.beta, 0.001, 0);
        assert_float_equal(r->grpo.epsilon, 0.2, 0);
        assert_int_equal(r->grpo.loss_type, POLICY_LOSS_GRPO);
        assert_int_equal(r->grpo.behaviour, RECIPE_BEHAVIOUR_FULL);
        assert_true(r->grpo.swift_compat && !r->grpo.mask_truncated_completions && !r->grpo.dynamic_sample);
        assert_float_equal(r->optimizer.learning_rate, 1e-6, 0);
        assert_float_equal(r->schedule.warmup_ratio, 0.01, 0);
        assert_int_equal(r->schedule.epochs, 1);
        assert_int_equal(r->lora.rank, 0);
        struct error error = {0};
        struct reward_set *set =
            reward_set_open((const char *const *)r->reward.functions.items, r->reward.functions.count,
                            &(struct reward_options){0}, &error);
        assert_got(set, error);
        for (size_t k = 0; k < r->reward.functions.count; k++)
            assert_string_equal(r->reward.functions.items[k], runs[i].functions[k]);
        assert_true(!runs[i].functions[r->reward.functions.count]);
        assert_int_equal(reward_set_needs_locatability(set), i == 0);
        assert_int_equal(r->reward.locatability[0] != 0, i == 0); // and then there is a reward model
        reward_set_close(set);
        recipe_free(r);
    }
    struct recipe *r = read_published(RECIPE_REWARD, "reward.yaml");
    assert_int_equal(r->lora.rank, 16);
    assert_float_equal(r->lora.alpha, 64, 0);
    assert_float_equal(r->lora.dropout, 0.05, 0);
    assert_float_equal(r->optimizer.learning_rate, 1e-4, 0);
    assert_int_equal(r->batch.rows, 128);
    assert_int_equal(r->data.max_length, 2048);
    assert_int_equal(r->model.max_pixels, 1003520);
    recipe_free(r);
    r = read_published(RECIPE_SFT, "sft.yaml");
    assert_int_equal(r->batch.rows, 64);
    assert_float_equal(r->optimizer.learning_rate, 1e-5, 0);
    assert_int_equal(r->schedule.epochs, 2);
    recipe_free(r);
}

// docs/recipes.md is written by hand; it must not lag behind.
static void test_documentation_names_every_key(void **state) {
    (void)state;
    struct error error = {0};
    char *document = file_read(test_data("../../docs/recipes.md"), 1 << 20, NULL, &error);
    assert_got(document, error);
    for (const struct setting *setting = recipe_settings; setting->key; setting++) {
        char line[200];
        snprintf(line, sizeof line, "| `%s` | %s%s%s |", setting->key, setting->value ? "`" : "needed",
                 setting->value ? setting->value : "", setting->value ? "`" : "");
        if (!strstr(document, line)) fail_msg("docs/recipes.md lacks \"%s\"", line);
    }
    free(document);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values_and_overrides),
        cmocka_unit_test(test_mistakes_name_the_line),
        cmocka_unit_test(test_values_that_do_not_go_together),
        cmocka_unit_test(test_mistakes_in_overrides),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_keys_of_grpo),
        cmocka_unit_test(test_documentation_names_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
