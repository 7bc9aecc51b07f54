// Checkpoints: what was saved comes back, a save that is killed or fails leaves the older ones whole, and old
// ones are removed. Also the flat view and the optimiser's step, on parameters made up here.
#include "support.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "train/optimizer.h"
#include "train/save.h"

enum { PARAMETERS = 4 };

static const struct parallel alone = {.ranks = 1, .local_ranks = 1};
static const struct optimizer_settings settings = {
    .adamw = {.beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-8, .weight_decay = 0.1},
    .decay = ADAMW_DECAY_C,
    .max_grad_norm = 1,
};

// A small model: value i of parameter p starts at p + i / 100, and is pulled to 0.
struct toy {
    struct parameter parameters[PARAMETERS];
    struct parameter *pointers[PARAMETERS];
    struct optimizer optimizer;
    struct device *device; // which reads the host's memory
};

static void open_toy(struct toy *toy, size_t largest, const struct parallel *parallel) {
    static const char *const names[PARAMETERS] = {"a.weight", "a.bias", "model.norm.weight", "z.weight"};
    const size_t counts[PARAMETERS] = {7, 1, 33, largest};
    struct error error = {0};
    for (size_t p = 0; p < PARAMETERS; p++) {
        struct parameter *parameter = &toy->parameters[p];
        *parameter =
            (struct parameter){.name = names[p], .dims = 1, .shape = {counts[p]}, .count = counts[p]};
        parameter->value = calloc(counts[p], sizeof(float));
        parameter->gradient = calloc(counts[p], sizeof(float));
        for (size_t i = 0; i < counts[p]; i++) parameter->value[i] = (float)p + (float)(i % 1000) / 100;
        toy->pointers[p] = parameter;
    }
    toy->device = device_open_cpu(2, NULL, &error);
    assert_got(toy->device, error);
    assert_ok(
        optimizer_open(&toy->optimizer, toy->device, toy->pointers, PARAMETERS, &settings, parallel, &error),
        error);
}

static void close_toy(struct toy *toy) {
    optimizer_close(&toy->optimizer);
    device_close(toy->device);
    for (size_t p = 0; p < PARAMETERS; p++) free(toy->parameters[p].value), free(toy->parameters[p].gradient);
}

static void step_toy(struct toy *toy, struct optimizer_report *report) {
    struct error error = {0};
    for (size_t p = 0; p < PARAMETERS; p++)
        for (size_t i = 0; i < toy->parameters[p].count; i++)
            toy->parameters[p].gradient[i] = toy->parameters[p].value[i];
    assert_ok(optimizer_step(&toy->optimizer, 0.01, 0.5, report, &error), error);
}

static void expect_same(const struct toy *a, const struct toy *b) {
    assert_int_equal(a->optimizer.steps, b->optimizer.steps);
    assert_int_equal(a->optimizer.count, b->optimizer.count);
    assert_memory_equal(a->optimizer.m, b->optimizer.m, a->optimizer.count * sizeof(float));
    assert_memory_equal(a->optimizer.v, b->optimizer.v, a->optimizer.count * sizeof(float));
    for (size_t p = 0; p < PARAMETERS; p++)
        assert_memory_equal(a->parameters[p].value, b->parameters[p].value,
                            a->parameters[p].count * sizeof(float));
}

// ---- the vector and the step ----------------------------------------------------------------------------

static void test_flat_view(void **state) {
    (void)state;
    struct toy toy;
    open_toy(&toy, 59, &alone);
    const struct flat *flat = &toy.optimizer.flat;
    assert_int_equal(flat->total, 100);
    float all[110], back[100];
    flat_read(flat, FLAT_VALUE, 0, 110, all);
    assert_true(all[7] == 1 && all[8] == 2 && all[41] == 3 && all[99] == 3 + 58 / 100.0F && all[100] == 0);
    for (size_t start = 0; start < 100; start += 13)
        for (size_t count = 0; start + count <= 100; count += 9) {
            flat_read(flat, FLAT_VALUE, start, count, back);
            assert_memory_equal(back, all + start, count * sizeof *back);
            flat_write(flat, FLAT_GRADIENT, start, count, back);
            float again[100];
            flat_read(flat, FLAT_GRADIENT, start, count, again);
            assert_memory_equal(again, back, count * sizeof *back);
        }
    struct toy other;
    open_toy(&other, 60, &alone);
    assert_true(other.optimizer.flat.identity != flat->identity);
    close_toy(&other);
    close_toy(&toy);
}

static void test_step_clips_and_skips(void **state) {
    (void)state;
    struct toy toy;
    struct optimizer_report report;
    open_toy(&toy, 59, &alone);
    double sum = 0;
    for (size_t p = 0; p < PARAMETERS; p++)
        for (size_t i = 0; i < toy.parameters[p].count; i++)
            sum += 0.25 * pow((double)toy.parameters[p].value[i], 2);
    float before = toy.parameters[3].value[5], norm_before = toy.parameters[2].value[5];
    step_toy(&toy, &report);
    assert_false(report.skipped);
    assert_true(fabs(report.norm - sqrt(sum)) < 1e-5);
    // The first step of Adam moves by the learning rate; decay moves what is decayed (not the norm's weight).
    assert_true(fabs(toy.parameters[3].value[5] - (before * (1 - 0.01 * 0.1) - 0.01)) < 1e-5);
    assert_true(fabs(toy.parameters[2].value[5] - (norm_before - 0.01)) < 1e-5);
    float kept = toy.parameters[0].value[0] = NAN;
    (void)kept;
    float untouched = toy.parameters[3].value[5];
    step_toy(&toy, &report);
    assert_true(report.skipped && isnan(report.norm));
    assert_true(toy.parameters[3].value[5] == untouched);
    assert_int_equal(toy.optimizer.steps, 1);
    close_toy(&toy);
}

// ---- saving ---------------------------------------------------------------------------------------------

static int write_model(void *context, const char *folder, struct error *error) {
    const struct toy *toy = context;
    char *path = file_join(folder, "config.json", error);
    char text[40];
    int n = snprintf(text, sizeof text, "{\"x\": %.9g}", (double)toy->parameters[0].value[0]);
    int result = path ? file_write(path, text, (size_t)n, error) : -1;
    free(path);
    return result;
}

static void make_run(char *folder, size_t size, const char *name) {
    snprintf(folder, size, "%s", test_temporary("%s", name));
    assert_int_equal(mkdir(folder, 0777), 0);
}

static struct save save_of(const char *folder, struct toy *toy) {
    return (struct save){.folder = folder,
                         .parallel = &alone,
                         .keep_last = 2,
                         .keep_best = true,
                         .write_model = write_model,
                         .context = toy,
                         .recipe = "a: b\n"};
}

static void test_saved_is_loaded(void **state) {
    (void)state;
    struct error error = {0};
    struct toy toy, fresh;
    struct optimizer_report report;
    char folder[400];
    make_run(folder, sizeof folder, "loaded");
    open_toy(&toy, 5000, &alone);
    open_toy(&fresh, 5000, &alone);
    for (int i = 0; i < 3; i++) step_toy(&toy, &report);
    const struct save save = save_of(folder, &toy);
    const struct train_state saved = {.step = 3,
                                      .seed = 42,
                                      .data_identity = UINT64_MAX - 5,
                                      .rows_per_step = 8,
                                      .best_step = 2,
                                      .best_value = 1.0 / 3};
    assert_ok(save_checkpoint(&save, &saved, &toy.optimizer, &error), error);
    struct train_state loaded;
    uint64_t newest;
    assert_ok(save_find_newest(folder, &newest, &error), error);
    assert_int_equal(newest, 3);
    assert_ok(save_load(folder, 3, &loaded, &fresh.optimizer, &error), error);
    assert_int_equal(loaded.step, 3);
    assert_int_equal(loaded.seed, 42);
    assert_true(loaded.data_identity == UINT64_MAX - 5);
    assert_int_equal(loaded.best_step, 2);
    assert_true(loaded.best_value == 1.0 / 3);
    expect_same(&toy, &fresh);
    step_toy(&toy, &report);
    step_toy(&fresh, &report);
    expect_same(&toy, &fresh);
    assert_true(file_exists(test_temporary("loaded/last/config.json")));
    assert_true(file_exists(test_temporary("loaded/step-3/trainer/recipe.yaml")));
    close_toy(&toy);
    close_toy(&fresh);
}

static void test_pruning(void **state) {
    (void)state;
    struct error error = {0};
    struct toy toy;
    char folder[400];
    make_run(folder, sizeof folder, "pruned");
    open_toy(&toy, 10, &alone);
    const struct save save = save_of(folder, &toy);
    for (uint64_t step = 1; step <= 12; step++) {
        const struct train_state saved = {.step = step, .best_step = step >= 4 ? 4 : 0};
        assert_ok(save_checkpoint(&save, &saved, &toy.optimizer, &error), error);
    }
    for (uint64_t step = 1; step <= 12; step++)
        assert_int_equal(file_exists(test_temporary("pruned/step-%d", (int)step)), step == 4 || step >= 11);
    assert_true(file_exists(test_temporary("pruned/best/config.json")));
    // The same step again replaces it.
    toy.parameters[0].value[0] = 77;
    assert_ok(save_checkpoint(&save, &(struct train_state){.step = 12}, &toy.optimizer, &error), error);
    char *text = file_read(test_temporary("pruned/step-12/config.json"), 100, NULL, &error);
    assert_string_equal(text, "{\"x\": 77}");
    free(text);
    close_toy(&toy);
}

static void test_names_that_are_no_checkpoints(void **state) {
    (void)state;
    struct error error = {0};
    char folder[400];
    uint64_t newest;
    make_run(folder, sizeof folder, "names");
    static const char *const names[] = {
        "step-7.tmp", "step-", "step-x", "step-07", "step-99999999999999999999", "step-8.old.tmp", "stop-9"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(mkdir(test_temporary("names/%s", names[i]), 0777), 0);
    assert_ok(save_find_newest(folder, &newest, &error), error);
    assert_int_equal(newest, 0);
    assert_int_equal(mkdir(test_temporary("names/step-5"), 0777), 0);
    assert_ok(save_find_newest(folder, &newest, &error), error);
    assert_int_equal(newest, 5);
    assert_ok(save_clean(folder, &error), error);
    assert_false(file_exists(test_temporary("names/step-7.tmp")));
    assert_false(file_exists(test_temporary("names/step-8.old.tmp")));
    assert_true(file_exists(test_temporary("names/step-x")));
    assert_ok(save_find_newest(test_temporary("nowhere"), &newest, &error), error);
    assert_int_equal(newest, 0);
    assert_ok(save_clean(test_temporary("nowhere"), &error), error);
}

static void test_broken_states(void **state) {
    (void)state;
    struct error error = {0};
    struct toy toy, other;
    struct train_state loaded;
    char folder[400];
    make_run(folder, sizeof folder, "broken");
    open_toy(&toy, 100, &alone);
    open_toy(&other, 101, &alone);
    const struct save save = save_of(folder, &toy);
    assert_ok(save_checkpoint(&save, &(struct train_state){.step = 1}, &toy.optimizer, &error), error);
    assert_error(save_load(folder, 1, &loaded, &other.optimizer, &error), error, ERROR_MODEL,
                 "other parameters");
    assert_error(save_load(folder, 2, &loaded, &toy.optimizer, &error), error, ERROR_INPUT, "step-2");
    const char *json = test_temporary("broken/step-1/trainer/state.json");
    size_t length;
    char *text = file_read(json, 10000, &length, &error);
    for (size_t cut = 0; cut < length - 3; cut += 7) {
        test_write(json, text, cut);
        assert_true(save_load(folder, 1, &loaded, &toy.optimizer, &error) != 0);
    }
    char *ranks = strstr(text, "\"ranks\": 1");
    ranks[9] = '2';
    test_write(json, text, length);
    assert_error(save_load(folder, 1, &loaded, &toy.optimizer, &error), error, ERROR_MODEL,
                 "optimizer-00001-of-00002");
    ranks[9] = '0';
    test_write(json, text, length);
    assert_error(save_load(folder, 1, &loaded, &toy.optimizer, &error), error, ERROR_MODEL, "0 ranks");
    ranks[9] = '1';
    char *version = strstr(text, "\"version\": 2");
    version[11] = '9';
    test_write(json, text, length);
    assert_error(save_load(folder, 1, &loaded, &toy.optimizer, &error), error, ERROR_MODEL, "version 9");
    version[11] = '2';
    test_write(json, text, length);
    assert_ok(save_load(folder, 1, &loaded, &toy.optimizer, &error), error);
    const char *part = test_temporary("broken/step-1/trainer/optimizer-00001-of-00001.safetensors");
    free(text);
    text = file_read(part, 1 << 20, &length, &error);
    for (size_t cut = 0; cut < length; cut += 97) {
        test_write(part, text, cut);
        assert_true(save_load(folder, 1, &loaded, &toy.optimizer, &error) != 0);
    }
    free(text);
    close_toy(&toy);
    close_toy(&other);
}

// A disk that is full after some bytes: older checkpoints stay, and nothing is left of the new one.
static void test_full_disk(void **state) {
    (void)state;
    struct error error = {0};
    struct toy toy;
    char folder[400];
    make_run(folder, sizeof folder, "full");
    open_toy(&toy, 50000, &alone);
    const struct save save = save_of(folder, &toy);
    assert_ok(save_checkpoint(&save, &(struct train_state){.step = 1}, &toy.optimizer, &error), error);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){100000, 100000});
        int result = save_checkpoint(&save, &(struct train_state){.step = 2}, &toy.optimizer, &error);
        _exit(result == -1 && error.code == ERROR_IO && strstr(error.message, "step 2 was not saved") ? 0
                                                                                                      : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_false(file_exists(test_temporary("full/step-2.tmp")));
    assert_false(file_exists(test_temporary("full/step-2")));
    struct train_state loaded;
    assert_ok(save_load(folder, 1, &loaded, &toy.optimizer, &error), error);
    close_toy(&toy);
}

// A child trains and saves every step until it is killed at some moment; another goes on from what is there.
// However often that happens, the end is bit for bit the same as without.
static void train_to(const char *folder, uint64_t last, int ready) {
    struct error error = {0};
    struct toy toy;
    struct optimizer_report report;
    struct train_state position = {0};
    uint64_t step;
    open_toy(&toy, 30000, &alone);
    const struct save save = save_of(folder, &toy);
    if (save_clean(folder, &error) || save_find_newest(folder, &step, &error)) _exit(2);
    if (step && save_load(folder, step, &position, &toy.optimizer, &error)) _exit(3);
    if (ready >= 0) (void)!write(ready, "x", 1);
    while (position.step < last) {
        step_toy(&toy, &report);
        position.step++;
        if (save_checkpoint(&save, &position, &toy.optimizer, &error)) _exit(4);
    }
    close_toy(&toy);
    _exit(0);
}

static int run_child(const char *folder, uint64_t last, useconds_t kill_after) {
    int ready[2], status;
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) train_to(folder, last, ready[1]);
    close(ready[1]);
    if (kill_after) {
        (void)!read(ready[0], &byte, 1);
        usleep(kill_after);
        kill(child, SIGKILL);
    }
    close(ready[0]);
    waitpid(child, &status, 0);
    return status;
}

static void test_killed_at_any_moment(void **state) {
    (void)state;
    enum { LAST = 150 };
    struct error error = {0};
    char straight[400], killed[400];
    make_run(straight, sizeof straight, "straight");
    make_run(killed, sizeof killed, "killed");
    assert_int_equal(run_child(straight, LAST, 0), 0);
    int kills = 0;
    for (useconds_t attempt = 0; attempt < 60; attempt++) {
        int status = run_child(killed, LAST, 500 + attempt * 1531 % 9000);
        if (WIFSIGNALED(status))
            kills++;
        else
            assert_int_equal(status, 0);
    }
    assert_true(kills > 5);
    assert_int_equal(run_child(killed, LAST, 0), 0);
    struct toy a, b;
    struct train_state loaded;
    open_toy(&a, 30000, &alone);
    open_toy(&b, 30000, &alone);
    assert_ok(save_load(straight, LAST, &loaded, &a.optimizer, &error), error);
    assert_ok(save_load(killed, LAST, &loaded, &b.optimizer, &error), error);
    expect_same(&a, &b);
    close_toy(&a);
    close_toy(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flat_view),
        cmocka_unit_test(test_step_clips_and_skips),
        cmocka_unit_test(test_saved_is_loaded),
        cmocka_unit_test(test_pruning),
        cmocka_unit_test(test_names_that_are_no_checkpoints),
        cmocka_unit_test(test_broken_states),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_killed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
