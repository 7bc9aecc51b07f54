// The run loop with an objective that is not fine-tuning: it gives its rows, its sums and the names of its metrics, and
// gets saving, resuming, evaluation and the best step without a line of its own.
#include "support.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "train/run.h"

static const struct parallel alone = {.ranks = 1, .local_ranks = 1};

enum { ROWS = 10, TOKENS = 6, SUM_REWARD = 0, SUM_ROWS };

// Every row asks for one of two answers: the even ones are rewarded, the odd ones not.
struct toy {
    struct objective_parts parts;
    struct prompt prompt;
    int32_t answers[ROWS][TOKENS];
    size_t *rows[OBJECTIVE_SETS], next[OBJECTIVE_SETS], count[OBJECTIVE_SETS];
    size_t prepared;
};

static uint64_t prepared_steps; // of all runs

static int toy_open(void **self, const struct objective_parts *parts, struct error *error) {
    static const char question[] = "[{\"role\":\"user\",\"content\":\"Which one?\"}]";
    struct toy *toy = memory_new(1, sizeof *toy, "toy", error);
    struct chat chat = {0};
    *self = toy;
    if (!toy) return -1;
    toy->parts = *parts;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t t = 0; t < TOKENS; t++) toy->answers[r][t] = (int32_t)(20 + 7 * r + t);
    if (chat_read_json(&chat, question, strlen(question), "question", error)) return -1;
    int result = prompt_build(&toy->prompt, parts->model, &chat, NULL, 0, error);
    chat_free(&chat);
    return result;
}

static void toy_close(void *self) {
    struct toy *toy = self;
    if (!toy) return;
    prompt_free(&toy->prompt);
    for (size_t set = 0; set < OBJECTIVE_SETS; set++) free(toy->rows[set]);
    free(toy);
}

static size_t toy_rows(const void *self, enum objective_set set) {
    (void)self;
    return set == OBJECTIVE_TRAIN ? ROWS : 0; // some are held out
}

static size_t toy_length(const void *self, size_t row) {
    (void)self, (void)row;
    return TOKENS;
}

static uint64_t toy_identity(const void *self, enum objective_set set) {
    (void)self;
    return set == OBJECTIVE_TRAIN ? 77 : 0;
}

static struct objective_need toy_need(const void *self, size_t rows) {
    const struct toy *toy = self;
    return (struct objective_need){.tokens = rows * (toy->prompt.ids.count + TOKENS)};
}

static int toy_ready(void *self, struct training *training, struct error *error) {
    struct toy *toy = self;
    (void)error;
    toy->parts.training = training;
    return 0;
}

static int toy_start(void *self, enum objective_set set, const size_t *rows, size_t count,
                     struct error *error) {
    struct toy *toy = self;
    free(toy->rows[set]);
    toy->rows[set] = memory_new(count + 1, sizeof *rows, "rows", error);
    if (!toy->rows[set]) return -1;
    memcpy(toy->rows[set], rows, count * sizeof *rows);
    toy->count[set] = count;
    toy->next[set] = 0;
    return 0;
}

static void toy_stop(void *self, enum objective_set set) {
    struct toy *toy = self;
    toy->count[set] = 0;
}

static int toy_prepare(void *self, const struct objective_step *step, struct error *error) {
    struct toy *toy = self;
    (void)error;
    assert_int_equal(toy->prepared, 0); // the passes of the step before took them all
    assert_true(step->starts_cycle && step->first == 0 && step->cycle_rows == step->rows);
    assert_int_equal(step->all_rows, step->rows);
    toy->prepared = step->rows;
    prepared_steps++;
    return 0;
}

static double reward(void *context, const float *log_probs, float *derivatives, size_t count) {
    const bool *even = context;
    double loss = 0, sign = *even ? -1 : 0.1;
    for (size_t i = 0; i < count; i++) {
        derivatives[i] = (float)sign;
        loss += sign * (double)log_probs[i];
    }
    return loss;
}

static int toy_pass(void *self, enum objective_set set, size_t count, bool learn,
                    struct objective_totals *totals, struct error *error) {
    struct toy *toy = self;
    for (size_t i = 0; i < count; i++) {
        assert_true(toy->next[set] < toy->count[set]);
        size_t row = toy->rows[set][toy->next[set]++];
        bool even = row % 2 == 0;
        const struct prompt_completion completion = {toy->answers[row], TOKENS};
        const struct prompt_group group = {
            .prompt = &toy->prompt, .completions = &completion, .completion_count = 1};
        double loss = 0;
        float log_probs[TOKENS], ignored[TOKENS];
        if (learn) {
            toy->prepared--;
            if (training_pass(toy->parts.training, &group, 1, 1, reward, &even, &loss, error)) return -1;
        } else {
            if (training_log_probs(toy->parts.training, &group, 1, 1, false, log_probs, error)) return -1;
            loss = reward(&even, log_probs, ignored, TOKENS);
        }
        totals->sums[SUM_REWARD] -= loss;
        totals->sums[SUM_ROWS] += 1;
        totals->weight += TOKENS;
        totals->tokens += (double)(toy->prompt.ids.count + TOKENS);
    }
    return 0;
}

static size_t toy_metrics(const void *self, enum objective_set set, const struct objective_totals *totals,
                          struct metric *metrics) {
    double mean = totals->sums[SUM_REWARD] / totals->sums[SUM_ROWS];
    (void)self;
    metrics[0] = (struct metric){set == OBJECTIVE_EVAL ? "eval_reward" : "reward", mean};
    metrics[1] = (struct metric){set == OBJECTIVE_EVAL ? "eval_groups" : "groups", totals->sums[SUM_ROWS]};
    return 2;
}

static const struct objective toy = {
    .name = "toy",
    .report = "reward",
    .more_is_better = true,
    .open = toy_open,
    .close = toy_close,
    .rows = toy_rows,
    .length = toy_length,
    .identity = toy_identity,
    .need = toy_need,
    .ready = toy_ready,
    .start = toy_start,
    .stop = toy_stop,
    .prepare = toy_prepare,
    .pass = toy_pass,
    .metrics = toy_metrics,
};

static int run(const char *folder, bool resume, const char *steps, struct error *error) {
    static char paths[2][700];
    const char *sets[] = {paths[0],
                          paths[1],
                          steps,
                          "run.threads=1",
                          "data.train=unused",
                          "data.eval_share=0.2",
                          "batch.rows=4",
                          "batch.micro_rows=2",
                          "run.eval_every=3",
                          "save.every=3",
                          "save.keep_last=1",
                          "schedule.epochs=4",
                          "schedule.kind=constant",
                          "schedule.warmup_ratio=0"};
    snprintf(paths[0], sizeof paths[0], "run.folder=%s", folder);
    snprintf(paths[1], sizeof paths[1], "model.folder=%s", test_data("qwen2_5_vl_tiny"));
    char *text;
    struct recipe *recipe = recipe_read(RECIPE_SFT, test_data("../../recipes/tiny-sft.yaml"), sets,
                                        sizeof sets / sizeof *sets, &text, error);
    if (!recipe) return -1;
    const struct run_options options = {
        .objective = &toy, .recipe = recipe, .recipe_text = text, .resume = resume};
    int result = run_train(&options, &alone, error);
    recipe_free(recipe);
    free(text);
    return result;
}

static char *read_text(const char *folder, const char *name, size_t *length) {
    struct error error = {0};
    char path[700];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *text = file_read(path, 1 << 24, length, &error);
    assert_got(text, error);
    return text;
}

// Numbers that a clock made are not compared.
static json_t *metrics_of(const char *folder) {
    char *text = read_text(folder, "metrics.jsonl", NULL);
    json_t *lines = json_array();
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *object = json_loads(line, 0, NULL);
        assert_non_null(object);
        json_object_del(object, "seconds");
        json_object_del(object, "tokens_per_second");
        json_array_append_new(lines, object);
    }
    free(text);
    return lines;
}

static void test_another_objective(void **state) {
    (void)state;
    struct error error = {0};
    char straight[600], broken[600];
    snprintf(straight, sizeof straight, "%s", test_temporary("straight"));
    snprintf(broken, sizeof broken, "%s", test_temporary("broken"));
    prepared_steps = 0;
    assert_ok(run(straight, false, "schedule.max_steps=8", &error), error); // 8 rows of 10: 2 steps an epoch
    assert_int_equal(prepared_steps, 8);
    assert_ok(run(broken, false, "schedule.max_steps=3", &error), error);
    assert_ok(run(broken, true, "schedule.max_steps=8", &error), error);
    json_t *one = metrics_of(straight), *other = metrics_of(broken), *line;
    assert_int_equal(json_array_size(one), json_array_size(other));
    size_t i, evaluations = 0;
    double first = NAN, last = NAN;
    json_array_foreach(one, i, line) {
        const json_t *value = json_object_get(line, "reward");
        if (value && isnan(first)) first = json_number_value(value);
        if (value) last = json_number_value(value);
        if (value) assert_true(json_object_get(line, "groups") && json_object_get(line, "grad_norm"));
        evaluations += json_object_get(line, "eval_reward") && json_object_get(line, "eval_groups");
        assert_null(json_object_get(line, "loss"));
    }
    assert_int_equal(evaluations, 3); // after steps 3, 6 and 8
    assert_true(last > first);
    assert_true(json_equal(one, other));
    json_decref(one), json_decref(other);
    static const char *const files[] = {"step-8/model.safetensors",
                                        "step-8/trainer/optimizer-00001-of-00001.safetensors"};
    for (i = 0; i < 2; i++) {
        size_t lengths[2];
        char *left = read_text(straight, files[i], &lengths[0]),
             *right = read_text(broken, files[i], &lengths[1]);
        assert_int_equal(lengths[0], lengths[1]);
        assert_memory_equal(left, right, lengths[0]);
        free(left), free(right);
    }
}

// The best step is the one with the most reward.
static void test_best(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600];
    snprintf(folder, sizeof folder, "%s", test_temporary("best-run"));
    assert_ok(run(folder, false, "schedule.max_steps=8", &error), error);
    json_t *lines = metrics_of(folder), *line;
    size_t i;
    double best = -INFINITY;
    int step = 0;
    json_array_foreach(lines, i, line) {
        const json_t *value = json_object_get(line, "eval_reward");
        if (!value || json_number_value(value) <= best) continue;
        best = json_number_value(value);
        step = (int)json_integer_value(json_object_get(line, "step"));
    }
    json_decref(lines);
    assert_true(step > 0);
    char *link = realpath(test_temporary("best-run/best"), NULL),
         *target = realpath(test_temporary("best-run/step-%d", step), NULL);
    assert_true(link && target);
    assert_string_equal(link, target);
    free(link), free(target);
}

// Ctrl-C lets the step be finished, and what it came to is saved whole. The last test: the signal stays received.
static void test_interrupted(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600];
    snprintf(folder, sizeof folder, "%s", test_temporary("interrupted"));
    signals_catch();
    assert_int_equal(raise(SIGINT), 0);
    assert_error(run(folder, false, "schedule.max_steps=8", &error), error, ERROR_INTERRUPTED,
                 "stopped after step 1, which is saved; --resume goes on");
    assert_true(file_exists(test_temporary("interrupted/step-1/model.safetensors")));
    assert_true(file_exists(test_temporary("interrupted/step-1/trainer/state.json")));
}

static int be_quiet(void **state) {
    (void)state;
    log_set_level(LOG_ERROR);
    progress_configure(PROGRESS_QUIET, 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_another_objective), cmocka_unit_test(test_best),
                                       cmocka_unit_test(test_interrupted)};
    return cmocka_run_group_tests(tests, be_quiet, NULL);
}
