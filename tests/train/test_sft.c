// Training with the tiny model: the golden batch through the optimiser, and whole runs.
#include "support.h"

#include "../model/training_cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "model/safetensors.h"
#include "train/dataset.h"
#include "train/optimizer.h"
#include "train/room.h"
#include "train/run.h"
#include "train/run_folder.h"
#include "train/save.h"
#include "train/sft.h"
#include "train/sft_pass.h"

static const struct parallel alone = {.ranks = 1, .local_ranks = 1};

static int be_quiet(void **state) {
    (void)state;
    log_set_level(LOG_ERROR);
    progress_configure(PROGRESS_QUIET, 0);
    return 0;
}

// ---- steps of AdamW on the golden batch -----------------------------------------------------------------

static void compare_parameters(struct training *training) {
    struct safetensors *golden = golden_tensors("training/adamw_3_steps.safetensors");
    size_t compared = 0;
    for (size_t i = 0; i < training_parameter_count(training); i++) {
        const struct parameter *parameter = training_parameter(training, i);
        const struct tensor *expected = safetensors_find(golden, parameter->name);
        if (!expected) continue;
        compared++;
        const float *value = value_of(training, parameter);
        for (size_t j = 0; j < parameter->count; j++)
            if (fabsf(value[j] - ((const float *)expected->data)[j]) > 2e-4F)
                fail_msg("%s[%zu] is %g, expected %g", parameter->name, j, (double)value[j],
                         (double)((const float *)expected->data)[j]);
    }
    assert_true(compared > 0);
    assert_int_equal(compared, safetensors_count(golden));
    safetensors_free(golden);
}

// The golden batch as rows for sft_pass; what they point to stays the batch's.
struct golden_rows {
    struct sample *samples;
    struct sft_row *rows;
};

static struct golden_rows rows_of(const struct golden_batch *batch) {
    struct golden_rows made = {calloc(batch->count, sizeof *made.samples),
                               calloc(batch->count, sizeof *made.rows)};
    for (size_t i = 0; i < batch->count; i++) {
        const struct prompt_completion *completion = &batch->samples[i].completions[0];
        struct sample *sample = &made.samples[i];
        sample->prompt = batch->samples[i].prompt;
        sample->trained = calloc(completion->count + 1, sizeof *sample->trained);
        for (size_t t = 0; t < completion->count; t++) {
            struct error error = {0};
            assert_ok(ids_add(&sample->completion, completion->ids[t], &error), error);
            sample->trained[t] = true;
        }
        sample->labels = completion->count;
        made.rows[i].sample = sample;
    }
    return made;
}

static void free_rows(struct golden_rows *made, size_t count) {
    for (size_t i = 0; i < count; i++) {
        ids_free(&made->samples[i].completion);
        free(made->samples[i].trained);
    }
    free(made->samples);
    free(made->rows);
}

static struct optimizer_settings golden_settings(const json_t *expected) {
    const json_t *betas = json_object_get(expected, "betas");
    assert_string_equal(json_string_value(json_object_get(expected, "decay")), "all tensors");
    assert_string_equal(json_string_value(json_object_get(expected, "schedule")), "constant");
    return (struct optimizer_settings){
        .adamw = {.beta1 = json_number_value(json_array_get(betas, 0)),
                  .beta2 = json_number_value(json_array_get(betas, 1)),
                  .epsilon = golden_number(expected, "eps"),
                  .weight_decay = golden_number(expected, "weight_decay")},
        .decay = ADAMW_DECAY_ALL,
        .max_grad_norm = golden_number(expected, "max_grad_norm"),
    };
}

static void test_adamw(void **state) {
    (void)state;
    struct error error = {0};
    const struct training_options options = {.train_text = true, .train_vision = true, .train_merger = true};
    json_t *json = golden_json("training/expected.json"), *expected = json_object_get(json, "adamw");
    const json_t *losses = json_object_get(expected, "loss_before_step"),
                 *norms = json_object_get(expected, "grad_norm_before_clip");
    const struct optimizer_settings settings = golden_settings(expected);
    struct model *model = golden_model("qwen2_5_vl_tiny", MODEL_TYPE_F32, 0, NULL);
    struct golden_batch batch;
    golden_batch_open(&batch, model);
    struct golden_rows made = rows_of(&batch);
    struct training *training = training_open(model, &options, &error);
    assert_got(training, error);
    size_t count = training_parameter_count(training), steps = json_array_size(losses);
    assert_true(steps > 0);
    struct parameter **parameters = calloc(count, sizeof *parameters);
    for (size_t i = 0; i < count; i++) parameters[i] = training_parameter(training, i);
    struct optimizer optimizer;
    assert_ok(
        optimizer_open(&optimizer, training_device(training), parameters, count, &settings, &alone, &error),
        error);
    assert_int_equal(optimizer.flat.total, training_values(model, &options));
    for (size_t step = 0; step < steps; step++) {
        struct sft_totals totals = {0}, again = {0};
        struct optimizer_report report;
        training_zero_gradients(training);
        for (size_t i = 0; i < batch.count; i++) // micro-batches of one: the mean is over all
            assert_ok(sft_pass(training, &made.rows[i], 1, true, &totals, &error), error);
        assert_ok(sft_pass(training, made.rows, batch.count, false, &again, &error), error);
        assert_near(again.loss, totals.loss, 1e-3);
        assert_true(totals.labels == golden_number(json, "label_tokens"));
        assert_ok(
            optimizer_step(&optimizer, golden_number(expected, "lr"), 1 / totals.labels, &report, &error),
            error);
        double norm = json_number_value(json_array_get(norms, step));
        assert_near(totals.loss / totals.labels, json_number_value(json_array_get(losses, step)), 1e-4);
        assert_near(report.norm / norm, 1, 1e-3);
        training_refresh(training);
    }
    struct sft_totals after = {0};
    char key[40];
    snprintf(key, sizeof key, "loss_after_step_%zu", steps);
    assert_ok(sft_pass(training, made.rows, batch.count, false, &after, &error), error);
    assert_near(after.loss / after.labels, golden_number(expected, key), 1e-4);
    compare_parameters(training);
    free_rows(&made, batch.count);
    optimizer_close(&optimizer);
    free(parameters);
    training_close(training);
    golden_batch_free(&batch);
    model_close(model);
    json_decref(json);
}

// ---- whole runs -----------------------------------------------------------------------------------------

enum { MAX_SETS = 24 };

// A run of recipes/tiny-sft.yaml in FOLDER with these overrides, ended by NULL.
static int run(const char *folder, bool resume, const char *const *more, struct error *error) {
    static char paths[3][700];
    const char *sets[MAX_SETS] = {paths[0], paths[1], paths[2], "run.threads=1"};
    size_t count = 4;
    snprintf(paths[0], sizeof paths[0], "run.folder=%s", folder);
    snprintf(paths[1], sizeof paths[1], "model.folder=%s", test_data("qwen2_5_vl_tiny"));
    snprintf(paths[2], sizeof paths[2], "data.train=%s", test_data("train/rows.jsonl"));
    while (*more && count < MAX_SETS) sets[count++] = *more++;
    char *text;
    struct recipe *recipe =
        recipe_read(RECIPE_SFT, test_data("../../recipes/tiny-sft.yaml"), sets, count, &text, error);
    if (!recipe) return -1;
    const struct run_options options = {
        .objective = &sft_objective, .recipe = recipe, .recipe_text = text, .resume = resume};
    int result = run_train(&options, &alone, error);
    recipe_free(recipe);
    free(text);
    return result;
}

// A number of metrics.jsonl, or NaN.
static double metric(const char *folder, uint64_t step, const char *key) {
    struct error error = {0};
    char path[700];
    double value = NAN;
    snprintf(path, sizeof path, "%s/metrics.jsonl", folder);
    char *text = file_read(path, 1 << 20, NULL, &error);
    assert_got(text, error);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *object = json_loads(line, 0, NULL);
        const json_t *number = json_object_get(object, key);
        if ((uint64_t)json_integer_value(json_object_get(object, "step")) == step && number)
            value = json_number_value(number);
        json_decref(object);
    }
    free(text);
    return value;
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
    for (size_t i = 0; i < lengths[0]; i++)
        if (left[i] != right[i])
            fail_msg("%s of %s and %s differ, first in byte %zu of %zu", name, a, b, i, lengths[0]);
    free(left), free(right);
}

static void expect_same_step(const char *a, const char *b, int step, const char *model) {
    char name[100];
    snprintf(name, sizeof name, "step-%d/%s", step, model);
    expect_same_file(a, b, name);
    snprintf(name, sizeof name, "step-%d/trainer/optimizer-00001-of-00001.safetensors", step);
    expect_same_file(a, b, name);
}

static const char *const plain[] = {NULL};

static void test_a_run_learns(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600];
    snprintf(folder, sizeof folder, "%s", test_temporary("learns/deep"));
    assert_ok(run(folder, false, plain, &error), error);
    assert_true(fabs(metric(folder, 1, "loss") - 7.2) < 0.5);
    assert_true(metric(folder, 60, "loss") < 1);
    assert_true(metric(folder, 1, "learning_rate") == 0); // warm-up starts at 0
    assert_true(fabs(metric(folder, 4, "learning_rate") - 2e-3) < 1e-9);
    // The checkpoint is a model; the log-probs of its text are those of the trained one.
    struct model *model = model_open(test_temporary("learns/deep/last"), &(struct model_options){0}, &error);
    assert_got(model, error);
    model_close(model);
    assert_error(run(folder, false, plain, &error), error, ERROR_USAGE, "holds a run of 60 steps: --resume");
    assert_ok(run(folder, true, plain, &error), error); // nothing left to do
}

static void check_continuation(const char *name, const char *model, const char *const *more) {
    struct error error = {0};
    char straight[600], broken[600];
    const char *sets[2][12] = {
        {"schedule.epochs=5", "save.every=5"},
        {"schedule.epochs=5", "save.every=5", "schedule.max_steps=5", "schedule.kind=constant"}};
    sets[0][2] = "schedule.kind=constant";
    size_t n = 3;
    for (size_t i = 0; more[i]; i++, n++) sets[0][n] = sets[1][n + 1] = more[i];
    snprintf(straight, sizeof straight, "%s", test_temporary("%s-straight", name));
    snprintf(broken, sizeof broken, "%s", test_temporary("%s-broken", name));
    assert_ok(run(straight, false, sets[0], &error), error);
    sets[1][n + 1] = NULL;
    assert_ok(run(broken, false, sets[1], &error), error);
    assert_true(isnan(metric(broken, 6, "loss")));
    assert_ok(run(broken, true, sets[0], &error), error);
    expect_same_step(straight, broken, 10, model);
    for (uint64_t step = 1; step <= 10; step++)
        assert_true(metric(straight, step, "loss") == metric(broken, step, "loss"));
}

static void test_resumed_runs_are_the_same(void **state) {
    (void)state;
    static const char *const frozen[] = {"schedule.warmup_ratio=0", NULL};
    static const char *const all[] = {"schedule.warmup_ratio=0", "model.train_vision=true",
                                      "model.train_merger=true", "model.dtype=bf16", NULL};
    static const char *const lora[] = {"schedule.warmup_ratio=0", "lora.rank=4",      "lora.dropout=0.2",
                                       "data.eval_share=0.25",    "run.eval_every=2", NULL};
    check_continuation("frozen", "model.safetensors", frozen);
    check_continuation("all", "model.safetensors", all);
    check_continuation("lora", "adapter_model.safetensors", lora);
}

// Neither the cache of features, nor threads, nor how rows are gathered into passes changes what is learnt.
static void test_what_must_not_matter(void **state) {
    (void)state;
    struct error error = {0};
    char base[600], other[600];
    static const char *const first[] = {"schedule.epochs=4", NULL};
    static const char *const variants[][6] = {
        {"schedule.epochs=4", "data.feature_cache_mb=0", NULL},
        {"schedule.epochs=4", "data.loaders=5", NULL},
        {"schedule.epochs=4", "model.gradient_checkpointing=false", "batch.micro_rows=1", NULL},
        {"schedule.epochs=4", "batch.micro_rows=4", NULL},
    };
    snprintf(base, sizeof base, "%s", test_temporary("base"));
    assert_ok(run(base, false, first, &error), error);
    for (size_t v = 0; v < 4; v++) {
        snprintf(other, sizeof other, "%s", test_temporary("variant-%zu", v));
        assert_ok(run(other, false, variants[v], &error), error);
        if (v < 2) expect_same_step(base, other, 8, "model.safetensors");
        for (uint64_t step = 1; step <= 8; step++)
            assert_true(fabs(metric(base, step, "loss") - metric(other, step, "loss")) < 1e-4);
    }
}

static void test_evaluation_and_best(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600];
    static const char *const sets[] = {"data.eval_share=0.25", "run.eval_every=3",   "save.every=4",
                                       "save.keep_last=1",     "schedule.epochs=12", NULL};
    snprintf(folder, sizeof folder, "%s", test_temporary("evaluated"));
    assert_ok(run(folder, false, sets, &error), error); // 6 rows, 24 steps
    double best = INFINITY;
    int best_step = 0;
    for (int step = 1; step <= 24; step++) {
        double loss = metric(folder, (uint64_t)step, "eval_loss");
        assert_int_equal(!isnan(loss), step % 3 == 0 || step % 4 == 0);
        if (step % 4 == 0 && loss < best) best = loss, best_step = step;
    }
    for (int step = 4; step <= 24; step += 4)
        assert_int_equal(file_exists(test_temporary("evaluated/step-%d", step)),
                         step == best_step || step == 24);
    char *link = realpath(test_temporary("evaluated/best"), NULL),
         *target = realpath(test_temporary("evaluated/step-%d", best_step), NULL);
    assert_string_equal(link, target);
    free(link), free(target);
}

static void test_gradients_that_are_no_numbers(void **state) {
    (void)state;
    // Whether values that overflow spoil the loss or the gradients first depends on the order of sums, so on the processor.
    static const char *const rates[] = {"optimizer.learning_rate=10", "optimizer.learning_rate=0.5"};
    bool found = false;
    for (size_t r = 0; r < 2 && !found; r++) {
        struct error error = {0};
        char folder[600];
        const char *const sets[] = {rates[r],
                                    "optimizer.max_grad_norm=0",
                                    "schedule.warmup_ratio=0",
                                    "optimizer.weight_decay=10",
                                    "optimizer.epsilon=1e-30",
                                    "schedule.epochs=2000",
                                    "save.every=0",
                                    NULL};
        snprintf(folder, sizeof folder, "%s", test_temporary("explodes-%zu", r));
        assert_int_equal(run(folder, false, sets, &error), -1);
        assert_int_equal(error.code, ERROR_INPUT);
        assert_true(file_exists(test_temporary("explodes-%zu/last/config.json", r)));
        found = strstr(error.message, "10 steps in a row had gradients") != NULL;
    }
    assert_true(found);
}

// A token of the last four rows that the first four lack.
static int32_t find_token(size_t row) {
    struct error error = {0};
    const struct dataset_options limits = {.max_length = 2048};
    char *paths[] = {(char *)test_data("train/rows.jsonl")};
    bool seen[2000] = {false};
    int32_t found = -1;
    struct model *model =
        model_open(test_data("qwen2_5_vl_tiny"), &(struct model_options){.max_pixels = 12544}, &error);
    assert_got(model, error);
    struct dataset *dataset = dataset_open(paths, 1, &limits, model, &error);
    assert_got(dataset, error);
    for (size_t i = 0; i < 9; i++) {
        struct sample sample;
        size_t at = i < 8 ? i : row; // all others first, the row itself last
        if (i == row) continue;
        assert_ok(dataset_load(dataset, at, &sample, &error), error);
        for (size_t t = 0; t < sample.prompt.ids.count; t++) {
            if (i == 8 && !seen[sample.prompt.ids.data[t]]) found = sample.prompt.ids.data[t];
            seen[sample.prompt.ids.data[t]] = true;
        }
        for (size_t t = 0; t < sample.completion.count; t++) seen[sample.completion.data[t]] = true;
        sample_free(&sample);
    }
    dataset_close(dataset);
    model_close(model);
    return found;
}

// The tiny checkpoint with an embedding that is not a number.
static void poison_model(const char *folder, int32_t token) {
    static const char *const files[] = {"config.json", "tokenizer.json", "tokenizer_config.json",
                                        "preprocessor_config.json", "generation_config.json"};
    struct error error = {0};
    char path[700];
    assert_int_equal(mkdir(folder, 0777), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t length;
        char *text = file_read(test_data("qwen2_5_vl_tiny/%s", files[i]), 1 << 24, &length, &error);
        assert_got(text, error);
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        test_write(path, text, length);
        free(text);
    }
    struct safetensors *weights = safetensors_open(test_data("qwen2_5_vl_tiny"), &error);
    struct safetensors_writer *writer = safetensors_writer_new(&error);
    float *values = NULL;
    for (size_t i = 0; i < safetensors_count(weights); i++) {
        struct tensor tensor = *safetensors_at(weights, i);
        const char *name = safetensors_name(weights, i);
        if (strcmp(name, "model.embed_tokens.weight") == 0) {
            values = malloc(tensor_bytes(&tensor));
            tensor.data = memcpy(values, tensor.data, tensor_bytes(&tensor));
            values[(size_t)token * tensor.shape[1]] = NAN;
        }
        assert_ok(safetensors_writer_add(writer, name, &tensor, 0, &error), error);
    }
    assert_non_null(values);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    assert_ok(safetensors_writer_save(writer, path, &error), error);
    safetensors_writer_free(writer);
    safetensors_free(weights);
    free(values);
}

static void test_a_loss_that_is_no_number(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600], model[700];
    int32_t token = find_token(5);
    assert_true(token >= 0);
    snprintf(folder, sizeof folder, "%s", test_temporary("poisoned"));
    poison_model(folder, token);
    snprintf(model, sizeof model, "model.folder=%s", folder);
    const char *const sets[] = {
        model, "data.shuffle=false", "data.bucket_steps=0", "batch.micro_rows=1", "save.every=0", NULL};
    snprintf(folder, sizeof folder, "%s", test_temporary("nan-run"));
    assert_error(run(folder, false, sets, &error), error, ERROR_INPUT, "train/rows.jsonl:6: the loss is nan");
    uint64_t newest;
    assert_ok(save_find_newest(folder, &newest, &error), error);
    assert_int_equal(newest, 1); // the step before
    assert_false(isnan(metric(folder, 1, "loss")));
    assert_true(isnan(metric(folder, 2, "loss")));
}

static void test_bad_input(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600], rows[1300], set[700];
    snprintf(folder, sizeof folder, "%s", test_temporary("bad"));
    static const char *const no_model[] = {"model.folder=/nowhere", NULL};
    assert_error(run(folder, false, no_model, &error), error, ERROR_MODEL, "/nowhere");
    static const char *const targets[] = {"lora.rank=4", "lora.targets=nothing", NULL};
    assert_true(run(folder, false, targets, &error) != 0);
    // A row whose picture breaks off: left out, or named.
    size_t length;
    char *png = file_read(test_data("images/scene_c.png"), 1 << 20, &length, &error);
    test_write(test_temporary("half.png"), png, length / 2);
    free(png);
    snprintf(rows, sizeof rows,
             "{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"prompt\":\"a\",\"completion\":\"c\",\"images\":["
             "\"half.png\"]}\n");
    test_write(test_temporary("half.jsonl"), rows, strlen(rows));
    snprintf(set, sizeof set, "data.train=%s", test_temporary("half.jsonl"));
    const char *const skipping[] = {set, "schedule.epochs=2", NULL};
    const char *const stopping[] = {set, "schedule.epochs=2", "data.bad_rows=stop", NULL};
    assert_ok(run(folder, false, skipping, &error), error);
    assert_true(metric(folder, 1, "labels") == 2);
    snprintf(folder, sizeof folder, "%s", test_temporary("bad2"));
    assert_error(run(folder, false, stopping, &error), error, ERROR_INPUT,
                 "half.jsonl:2: half.png: truncated PNG");
    // Other rows than before.
    static const char *const short_run[] = {"schedule.epochs=1", NULL};
    snprintf(folder, sizeof folder, "%s", test_temporary("changed"));
    assert_ok(run(folder, false, short_run, &error), error);
    assert_error(run(folder, true, skipping, &error), error, ERROR_INPUT,
                 "the training rows are not those of step 2");
    static const char *const other_batch[] = {"schedule.epochs=1", "batch.rows=3", NULL};
    assert_error(run(folder, true, other_batch, &error), error, ERROR_INPUT, "batch.rows was 4 and is 3 now");
    static const char *const lora[] = {"schedule.epochs=1", "lora.rank=4", NULL};
    assert_error(run(folder, true, lora, &error), error, ERROR_MODEL, "other parameters");
    static const char *const file_in_the_way[] = {NULL};
    test_write(test_temporary("file"), "x", 1);
    assert_true(run(test_temporary("file"), false, file_in_the_way, &error) != 0);
}

// What would move rows that were held out into training, or train in another order, is named.
static void test_resuming_another_run(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600], rows[700];
    static const char *const first[] = {"schedule.epochs=1", "data.eval_share=0.25", NULL};
    snprintf(folder, sizeof folder, "%s", test_temporary("split"));
    assert_ok(run(folder, false, first, &error), error);
    snprintf(rows, sizeof rows, "data.eval=%s", test_data("train/rows.jsonl"));
    const char *const changes[][2] = {
        {"data.eval_share=0.5", "data.eval_share was 0.25 and is 0.5 now"},
        {"run.seed=7", "run.seed was 42 and is 7 now"},
        {"data.max_length=300", "data.max_length was 2048 and is 300 now"},
        {"data.shuffle=false", "data.shuffle was true and is false now"},
        {"data.bucket_steps=0", "data.bucket_steps was 8 and is 0 now"},
        {"model.max_pixels=6272", "model.max_pixels was 12544 and is 6272 now"},
        {rows, "data.eval was empty and is given now"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const char *const sets[] = {"schedule.epochs=2", "data.eval_share=0.25", changes[i][0], NULL};
        error = (struct error){0};
        assert_error(run(folder, true, sets, &error), error, ERROR_INPUT, changes[i][1]);
    }
    static const char *const more[] = {"schedule.epochs=2", "data.eval_share=0.25",
                                       "optimizer.learning_rate=1e-4", NULL};
    error = (struct error){0};
    assert_ok(run(folder, true, more, &error), error); // other keys may change
    char *recipe = file_read(test_temporary("split/recipe.yaml"), 1 << 20, NULL, &error);
    assert_got(recipe, error);
    struct buffer differences = {0};
    run_folder_compare_recipe(folder, recipe, &differences);
    assert_int_equal(differences.length, 0);
    char *rate = strstr(recipe, "learning_rate: 1e-4");
    assert_non_null(rate);
    memcpy(rate, "learning_rate: 3e-4", 19);
    run_folder_compare_recipe(folder, recipe, &differences);
    assert_string_equal(differences.data, "optimizer.learning_rate was 1e-4 and is 3e-4 now");
    buffer_free(&differences);
    free(recipe);
}

// An evaluation without a number (here: no row of it can be read) is no best one, and its state can be read.
static void test_an_evaluation_that_is_no_number(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600], rows[400], set[700];
    size_t length;
    char *png = file_read(test_data("images/scene_c.png"), 1 << 20, &length, &error);
    test_write(test_temporary("torn.png"), png, length / 2);
    free(png);
    snprintf(rows, sizeof rows, "{\"prompt\":\"a\",\"completion\":\"c\",\"images\":[\"torn.png\"]}\n");
    test_write(test_temporary("torn.jsonl"), rows, strlen(rows));
    snprintf(set, sizeof set, "data.eval=%s", test_temporary("torn.jsonl"));
    snprintf(folder, sizeof folder, "%s", test_temporary("no-number"));
    const char *const sets[] = {set, "schedule.epochs=2", "save.every=1", NULL};
    const char *const more[] = {set, "schedule.epochs=3", "save.every=1", NULL};
    assert_ok(run(folder, false, sets, &error), error);
    assert_false(file_exists(test_temporary("no-number/best")));
    assert_ok(run(folder, true, more, &error), error);
    assert_true(metric(folder, 6, "eval_loss") == 0); // null
    assert_true(isfinite(metric(folder, 6, "loss")));
}

// Whether the folder can be had is known before anything is loaded, and the check leaves nothing behind.
static void test_run_folders(void **state) {
    (void)state;
    struct error error = {0};
    char path[700];
    assert_ok(run_folder_check(test_temporary("f/a/b"), &error), error);
    assert_false(file_exists(test_temporary("f")));
    test_write(test_temporary("plain"), "x", 1);
    assert_error(run_folder_check(test_temporary("plain"), &error), error, ERROR_INPUT,
                 "a file of that name");
    assert_error(run_folder_check(test_temporary("plain/run"), &error), error, ERROR_INPUT, "plain");
    assert_int_not_equal(run_folder_check("/proc/nowhere/run", &error), 0);
    // Files that no run wrote are not replaced.
    static const char *const names[] = {"recipe.yaml", "metrics.jsonl", "tensorboard", "last", "best"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s", test_temporary("others%zu", i));
        assert_int_equal(mkdir(path, 0777), 0);
        test_write(test_temporary("others%zu/%s", i, names[i]), "mine\n", 5);
        assert_error(run_folder_check(path, &error), error, ERROR_INPUT, "was not written by a training run");
        assert_error(run(path, false, plain, &error), error, ERROR_INPUT, names[i]);
    }
    snprintf(path, sizeof path, "%s", test_temporary("locked"));
    int first, second;
    assert_ok(run_folder_make(path, &error), error);
    assert_ok(run_folder_lock(path, &first, &error), error);
    assert_error(run_folder_lock(path, &second, &error), error, ERROR_INPUT, "another globe is training");
    assert_error(run(path, false, plain, &error), error, ERROR_INPUT, "another globe is training");
    close(first);
    static const char *const brief[] = {"schedule.epochs=1", NULL};
    error = (struct error){0};
    assert_ok(run(path, false, brief, &error), error);
    assert_ok(run_folder_check(path, &error), error); // its own files are fine
}

static void test_memory_check(void **state) {
    (void)state;
    struct error error = {0};
    struct room_need need = {.model = 30000000000u, .optimizer = 10000000000u, .features = 1000000000u};
    assert_ok(room_check(&need, 1, 42000000000u, &error), error);
    assert_ok(room_check(&need, 1, 0, &error), error); // nobody knows
    assert_error(room_check(&need, 1, 40000000000u, &error), error, ERROR_MEMORY,
                 "this run needs 41.00 GB (30.00 model, gradients and activations, 10.00 optimiser, 1.00 "
                 "features), but 40.00 GB are free");
    assert_error(room_check(&need, 2, 42000000000u, &error), error, ERROR_MEMORY, "for each of 2 ranks");
    need.caches = 5000000000u; // what is generated
    assert_error(room_check(&need, 1, 42000000000u, &error), error, ERROR_MEMORY,
                 "5.00 keys and values of rollouts");
    assert_error(room_check(&need, 1, 42000000000u, &error), error, ERROR_MEMORY, "grpo.rollout_prompts");
    assert_true(room_available() > 1000000);
    // Files that the kernel keeps in memory are given back when they are in the way.
    const char *group = test_temporary("group");
    assert_int_equal(mkdir(group, 0777), 0);
    assert_true(room_of_group(group) == 0);
    test_write(test_temporary("group/memory.max"), "max\n", 4);
    assert_true(room_of_group(group) == 0);
    test_write(test_temporary("group/memory.max"), "1000000\n", 8);
    test_write(test_temporary("group/memory.current"), "990000\n", 7);
    assert_true(room_of_group(group) == 10000);
    static const char kept[] = "anon 200000\nfile 790000\ninactive_file 500000\nactive_file 250000\n";
    test_write(test_temporary("group/memory.stat"), kept, sizeof kept - 1);
    assert_true(room_of_group(group) == 760000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adamw),
        cmocka_unit_test(test_a_run_learns),
        cmocka_unit_test(test_resumed_runs_are_the_same),
        cmocka_unit_test(test_what_must_not_matter),
        cmocka_unit_test(test_evaluation_and_best),
        cmocka_unit_test(test_gradients_that_are_no_numbers),
        cmocka_unit_test(test_a_loss_that_is_no_number),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_memory_check),
        cmocka_unit_test(test_resuming_another_run),
        cmocka_unit_test(test_an_evaluation_that_is_no_number),
        cmocka_unit_test(test_run_folders),
    };
    // On another device what is worth the time is what looks at its memory.
    const struct CMUnitTest golden[] = {cmocka_unit_test(test_adamw)};
    if (test_isa()) return cmocka_run_group_tests(golden, NULL, NULL);
    return cmocka_run_group_tests(tests, be_quiet, NULL);
}
