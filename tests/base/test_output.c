// Whose file an output may replace, and who may write it.
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/output.h"

static bool starts_with_ours(const char *start, size_t length) {
    (void)length;
    return strncmp(start, "ours", 4) == 0;
}
static const struct output_kind kind = {"one of ours", starts_with_ours};

static const char *write_text(const char *name, const char *text) {
    const char *path = test_temporary("%s", name);
    test_write(path, text, strlen(text));
    return path;
}

static int claim(const char *path, struct error *error) {
    struct outputs outputs = {0};
    int result = outputs_add(&outputs, "--output", path, &kind, false, error);
    outputs_release(&outputs);
    return result;
}

static void only_own_files_are_replaced(void **state) {
    (void)state;
    struct error error = {0};
    assert_ok(claim(test_temporary("new"), &error), error);
    assert_ok(claim(write_text("own", "ours, whatever follows"), &error), error);
    assert_ok(claim(write_text("marked", "\xEF\xBB\xBFours"), &error), error);
    assert_ok(claim(write_text("empty", ""), &error), error);
    assert_ok(claim("/dev/null", &error), error);
    assert_error(claim(write_text("photo.jpg", "\xFF\xD8\xFF"), &error), error, ERROR_INPUT,
                 "photo.jpg: is not one of ours");
    assert_error(claim(test_temporary("%s", ""), &error), error, ERROR_INPUT, "is a folder");
    assert_int_equal(symlink("photo.jpg", test_temporary("link")), 0);
    assert_error(claim(test_temporary("link"), &error), error, ERROR_INPUT, "is not one of ours");
    assert_int_equal(symlink("nowhere", test_temporary("lost")), 0);
    assert_error(claim(test_temporary("lost"), &error), error, ERROR_INPUT, "leads nowhere");
    struct outputs forced = {.force = true};
    assert_ok(outputs_add(&forced, "--output", test_temporary("photo.jpg"), &kind, false, &error), error);
    outputs_release(&forced);
    assert_false(file_exists(test_temporary(".photo.jpg.lock")));
}

static void no_two_outputs_are_one_file(void **state) {
    (void)state;
    struct error error = {0};
    const char *const names[] = {"own", "./own", "link", "hard", "new", "./new"};
    write_text("own", "ours");
    remove(test_temporary("link"));
    assert_int_equal(symlink("own", test_temporary("link")), 0);
    assert_int_equal(link(test_temporary("own"), test_temporary("hard")), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct outputs outputs = {.force = true};
        char first[300];
        snprintf(first, sizeof first, "%s", test_temporary("%s", i < 4 ? "own" : "new"));
        assert_ok(outputs_add(&outputs, "--output", first, &kind, false, &error), error);
        assert_error(outputs_add(&outputs, "--html", test_temporary("%s", names[i]), &kind, false, &error),
                     error, ERROR_USAGE, "both --output and --html would write it");
        assert_error(outputs_spare(&outputs, "a photo", test_temporary("%s", names[i]), &error), error,
                     ERROR_USAGE, "is a photo, and --output would replace it");
        assert_ok(outputs_spare(&outputs, "a photo", test_temporary("other"), &error), error);
        outputs_release(&outputs);
    }
    struct outputs outputs = {.force = true};
    assert_ok(outputs_add(&outputs, "--output", test_temporary("own"), &kind, false, &error), error);
    assert_error(outputs_spare_folder(&outputs, "a file of the model", test_temporary("%s", ""), &error),
                 error, ERROR_USAGE, "is a file of the model");
    outputs_release(&outputs);
}

// The exit status of another process that claims the path.
static int claim_elsewhere(const char *path) {
    pid_t child = fork();
    if (child == 0) {
        struct error error = {0};
        int result = claim(path, &error);
        _exit(result == 0 ? 0 : strstr(error.message, "another run is writing it") ? 7 : 8);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

static void one_run_writes_an_output(void **state) {
    (void)state;
    struct error error = {0};
    struct outputs outputs = {.command = "globe test"};
    char path[300], hard[300];
    snprintf(path, sizeof path, "%s", write_text("taken", "ours"));
    snprintf(hard, sizeof hard, "%s", test_temporary("other-name"));
    assert_int_equal(link(path, hard), 0);
    assert_ok(outputs_add(&outputs, "--output", path, &kind, false, &error), error);
    assert_int_equal(claim_elsewhere(path), 7);
    assert_int_equal(claim_elsewhere(hard), 7);
    assert_ok(file_write(path, "ours 2", 6, &error), error); // another file by now
    assert_int_equal(claim_elsewhere(path), 7);
    assert_error(claim(path, &error), error, ERROR_INPUT, "globe test, process ");
    outputs_release(&outputs);
    assert_int_equal(claim_elsewhere(path), 0);
    // Folders that are not there yet, and names that leave no room for a longer one.
    char name[256], folder[300], long_path[600];
    snprintf(folder, sizeof folder, "%s", test_temporary("set/"));
    memset(name, 'n', 255);
    name[255] = 0;
    snprintf(long_path, sizeof long_path, "%s", test_temporary("%s", name));
    assert_ok(outputs_add(&outputs, "--out", folder, NULL, true, &error), error);
    assert_ok(outputs_add(&outputs, "--output", long_path, &kind, false, &error), error);
    assert_int_equal(claim_elsewhere(long_path), 7);
    assert_int_equal(claim_elsewhere(test_temporary("set")), 7);
    outputs_release(&outputs);
}

static void a_lock_of_the_dead_does_not_count(void **state) {
    (void)state;
    char path[300];
    snprintf(path, sizeof path, "%s", write_text("left", "ours"));
    pid_t child = fork();
    if (child == 0) {
        struct error error;
        struct outputs outputs = {0};
        outputs_add(&outputs, "--output", path, &kind, false, &error);
        raise(9);
    }
    waitpid(child, NULL, 0);
    assert_true(file_exists(test_temporary(".left.lock")));
    assert_int_equal(claim_elsewhere(path), 0);
    assert_false(file_exists(test_temporary(".left.lock")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_own_files_are_replaced),
        cmocka_unit_test(no_two_outputs_are_one_file),
        cmocka_unit_test(one_run_writes_an_output),
        cmocka_unit_test(a_lock_of_the_dead_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
