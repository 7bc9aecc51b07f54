// Ranks: this program starts itself under mpirun. Same numbers as one process, agreement about errors, states
// read by another number of ranks, and lost ranks.
#include "support.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "train/optimizer.h"
#include "train/parallel.h"
#include "train/save.h"

enum { PARAMETERS = 3, STEPS = 5, ROWS = 6 };

static const struct optimizer_settings settings = {
    .adamw = {.beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-8, .weight_decay = 0.1},
    .max_grad_norm = 1,
};

struct toy {
    struct parameter parameters[PARAMETERS];
    struct parameter *pointers[PARAMETERS];
    struct optimizer optimizer;
    struct device *device; // which reads the host's memory
};

static int open_toy(struct toy *toy, const struct parallel *parallel, struct error *error) {
    static const char *const names[PARAMETERS] = {"a", "b", "c"};
    const size_t counts[PARAMETERS] = {5, 1201, 44};
    for (size_t p = 0; p < PARAMETERS; p++) {
        struct parameter *parameter = &toy->parameters[p];
        *parameter =
            (struct parameter){.name = names[p], .dims = 1, .shape = {counts[p]}, .count = counts[p]};
        parameter->value = calloc(counts[p], sizeof(float));
        parameter->gradient = calloc(counts[p], sizeof(float));
        for (size_t i = 0; i < counts[p]; i++) parameter->value[i] = sinf((float)(i + p));
        toy->pointers[p] = parameter;
    }
    toy->device = device_open_cpu(1, NULL, error);
    if (!toy->device) return -1;
    return optimizer_open(&toy->optimizer, toy->device, toy->pointers, PARAMETERS, &settings, parallel,
                          error);
}

static void close_toy(struct toy *toy) {
    optimizer_close(&toy->optimizer);
    device_close(toy->device);
    for (size_t p = 0; p < PARAMETERS; p++) free(toy->parameters[p].value), free(toy->parameters[p].gradient);
}

// Row r pulls every value to its own aim; ranks share the rows out.
static int step_toy(struct toy *toy, const struct parallel *parallel, struct error *error) {
    struct optimizer_report report;
    for (size_t p = 0; p < PARAMETERS; p++)
        for (size_t i = 0; i < toy->parameters[p].count; i++) {
            float sum = 0;
            for (int r = parallel->rank; r < ROWS; r += parallel->ranks)
                sum += toy->parameters[p].value[i] - (float)r;
            toy->parameters[p].gradient[i] = sum;
        }
    return optimizer_step(&toy->optimizer, 0.01, 1.0 / ROWS, &report, error);
}

static int write_values(const char *path, const struct toy *toy, struct error *error) {
    float values[1250];
    flat_read(&toy->optimizer.flat, FLAT_VALUE, 0, 1250, values);
    return file_write(path, values, sizeof values, error);
}

static int write_no_model(void *context, const char *folder, struct error *error) {
    (void)context, (void)folder, (void)error;
    return 0;
}

// ---- what each rank does --------------------------------------------------------------------------------

static int train(const struct parallel *parallel, const char *folder, const char *from, const char *to,
                 struct error *error) {
    struct toy toy;
    struct train_state position = {0};
    uint64_t step = strtoull(from, NULL, 10), last = strtoull(to, NULL, 10);
    const struct save save = {
        .folder = folder, .parallel = parallel, .keep_last = 9, .write_model = write_no_model};
    char path[600];
    int result = open_toy(&toy, parallel, error);
    if (result == 0 && step) result = save_load(folder, step, &position, &toy.optimizer, error);
    while (result == 0 && position.step < last) {
        result = step_toy(&toy, parallel, error);
        position.step++;
    }
    if (result == 0) result = save_checkpoint(&save, &position, &toy.optimizer, error);
    snprintf(path, sizeof path, "%s/values-%d", folder, parallel->rank);
    if (result == 0) result = write_values(path, &toy, error);
    close_toy(&toy);
    return result;
}

static int agree(const struct parallel *parallel, const char *folder, struct error *error) {
    struct error own = {0};
    if (parallel_agree(parallel, 0, &own)) return error_set(error, ERROR_INTERNAL, "agreed on nothing");
    bool bad = parallel->rank > 0;
    if (bad) error_set(&own, ERROR_LIMIT, "trouble %d", parallel->rank);
    int result = parallel_agree(parallel, bad ? -1 : 0, &own);
    char path[600], text[700];
    snprintf(path, sizeof path, "%s/error-%d", folder, parallel->rank);
    int n = snprintf(text, sizeof text, "%d %d %s", result, (int)own.code, own.message);
    double values[2] = {parallel->rank, -parallel->rank};
    if (parallel_max(parallel, values, 2, error) || values[0] != parallel->ranks - 1 || values[1] != 0)
        return error_set(error, ERROR_INTERNAL, "the maximum is wrong");
    return file_write(path, text, (size_t)n, error);
}

// Rank 1 dies, or hangs for longer than the others wait.
static int lose(const struct parallel *parallel, const char *how, struct error *error) {
    double value = 1;
    if (parallel_sum(parallel, &value, 1, error)) return -1;
    if (parallel->rank == 1 && strcmp(how, "die") == 0) raise(SIGKILL);
    if (parallel->rank == 1) sleep(20);
    return parallel_sum(parallel, &value, 1, error);
}

static int run_rank(char **argv) {
    struct error error = {0};
    struct parallel parallel;
    const char *work = argv[1];
    int result = parallel_start(&parallel, strcmp(work, "lose") == 0 ? 1.5 : 60, &error);
    if (result == 0 && strcmp(work, "train") == 0)
        result = train(&parallel, argv[2], argv[3], argv[4], &error);
    if (result == 0 && strcmp(work, "agree") == 0) result = agree(&parallel, argv[2], &error);
    if (result == 0 && strcmp(work, "lose") == 0) result = lose(&parallel, argv[2], &error);
    if (result) fprintf(stderr, "%s\n", error.message);
    parallel_end(&parallel, result != 0);
    return result ? 1 : 0;
}

// ---- starting ranks -------------------------------------------------------------------------------------

static char self[1024];

// Open MPI leaks; what is ours is looked at in the other tests.
static int start(int ranks, const char *arguments, char *output, size_t size) {
    char command[3000], prefix[200] = "";
    if (ranks)
        snprintf(prefix, sizeof prefix, "mpirun -n %d --oversubscribe --allow-run-as-root --bind-to none ",
                 ranks);
    snprintf(command, sizeof command,
             "OMP_NUM_THREADS=1 TMPDIR=/tmp ASAN_OPTIONS=detect_leaks=0 %s%s %s 2>&1", prefix, self,
             arguments);
    FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c): the command is made here
    assert_non_null(pipe);
    size_t length = fread(output, 1, size - 1, pipe);
    output[length] = 0;
    while (fgetc(pipe) != EOF) continue;
    return pclose(pipe);
}

static void expect_start(int ranks, const char *arguments) {
    char output[2000];
    if (start(ranks, arguments, output, sizeof output))
        fail_msg("%d ranks: %s: %s", ranks, arguments, output);
}

static char *new_run(const char *name) {
    char *folder = strdup(test_temporary("%s", name));
    assert_int_equal(mkdir(folder, 0777), 0);
    return folder;
}

static void read_values(const char *folder, int rank, float values[1250]) {
    struct error error = {0};
    char path[600];
    size_t length;
    snprintf(path, sizeof path, "%s/values-%d", folder, rank);
    char *data = file_read(path, 100000, &length, &error);
    assert_got(data, error);
    assert_int_equal(length, 1250 * sizeof *values);
    memcpy(values, data, length);
    free(data);
}

static void test_ranks_equal_one_process(void **state) {
    (void)state;
    float expected[1250], values[1250];
    char arguments[800];
    for (int ranks = 0; ranks <= 3; ranks++) { // 0: without mpirun
        char name[20];
        snprintf(name, sizeof name, "ranks-%d", ranks);
        char *folder = new_run(name);
        snprintf(arguments, sizeof arguments, "train %s 0 %d", folder, STEPS);
        expect_start(ranks, arguments);
        for (int rank = 0; rank == 0 || rank < ranks; rank++) {
            read_values(folder, rank, ranks ? values : expected);
            for (size_t i = 0; ranks && i < 1250; i++) assert_true(fabsf(values[i] - expected[i]) < 1e-6F);
        }
        free(folder);
    }
    assert_true(fabsf(expected[3] - sinf(3)) > 0.01F);
}

// Three steps with two ranks, then the rest with three: the same as two ranks all the way.
static void test_another_number_of_ranks_goes_on(void **state) {
    (void)state;
    float expected[1250], values[1250];
    char arguments[800];
    char *straight = new_run("two"), *changed = new_run("two-then-three");
    snprintf(arguments, sizeof arguments, "train %s 0 %d", straight, STEPS);
    expect_start(2, arguments);
    snprintf(arguments, sizeof arguments, "train %s 0 3", changed);
    expect_start(2, arguments);
    snprintf(arguments, sizeof arguments, "train %s 3 %d", changed, STEPS);
    expect_start(3, arguments);
    read_values(straight, 0, expected);
    read_values(changed, 2, values);
    for (size_t i = 0; i < 1250; i++) assert_true(fabsf(values[i] - expected[i]) < 1e-6F);
    // With the same number, bit for bit.
    char *same = new_run("two-then-two");
    snprintf(arguments, sizeof arguments, "train %s 0 3", same);
    expect_start(2, arguments);
    snprintf(arguments, sizeof arguments, "train %s 3 %d", same, STEPS);
    expect_start(2, arguments);
    read_values(same, 1, values);
    assert_memory_equal(values, expected, sizeof values);
    free(straight), free(changed), free(same);
}

static void test_agreement(void **state) {
    (void)state;
    struct error error = {0};
    char arguments[800], path[600];
    char *folder = new_run("agree");
    snprintf(arguments, sizeof arguments, "agree %s", folder);
    expect_start(3, arguments);
    for (int rank = 0; rank < 3; rank++) {
        snprintf(path, sizeof path, "%s/error-%d", folder, rank);
        char *text = file_read(path, 1000, NULL, &error);
        assert_got(text, error);
        assert_string_equal(text, "-1 5 rank 1: trouble 1");
        free(text);
    }
    free(folder);
}

static void test_lost_ranks_end_the_job(void **state) {
    (void)state;
    char output[4000];
    assert_true(start(2, "lose die", output, sizeof output) != 0);
    assert_true(strstr(output, "signal 9") || strstr(output, "Killed"));
    assert_true(start(2, "lose hang", output, sizeof output) != 0);
    assert_non_null(
        strstr(output, "rank 0: no answer from the other ranks for 2 seconds; one is lost or hangs"));
}

static void test_alone(void **state) {
    (void)state;
    struct error error = {0};
    struct parallel parallel;
    unsetenv("OMPI_COMM_WORLD_SIZE");
    unsetenv("PMIX_RANK");
    assert_ok(parallel_start(&parallel, 1, &error), error);
    assert_int_equal(parallel.ranks, 1);
    double value = 3;
    assert_ok(parallel_sum(&parallel, &value, 1, &error), error);
    assert_true(value == 3);
    float in[2] = {1, 2}, out[2];
    assert_ok(parallel_reduce_scatter(&parallel, in, out, 2, &error), error);
    assert_memory_equal(in, out, sizeof in);
    assert_ok(parallel_all_gather(&parallel, in, out, 2, &error), error);
    assert_int_equal(parallel_agree(&parallel, -1, &error), -1);
    parallel_end(&parallel, true);
}

int main(int argc, char **argv) {
    if (argc > 1) return run_rank(argv);
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_ranks_equal_one_process),
        cmocka_unit_test(test_another_number_of_ranks_goes_on),
        cmocka_unit_test(test_agreement),
        cmocka_unit_test(test_lost_ranks_end_the_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
