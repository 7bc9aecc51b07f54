// What every cmocka program includes: cmocka itself, the folder of test data, temporary folders.
#ifndef GLOBE_TESTS_SUPPORT_H
#define GLOBE_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

// "tests/data/NAME" as an absolute path, in a ring of static buffers.
const char *test_data(const char *format, ...) __attribute__((format(printf, 1, 2)));
// The same in the folder of golden data: that of the environment variable GLOBE_TEST_DATA, or tests/data.
// Another set of the same form must pass: what a test asks of golden data names no size, case or picture.
const char *golden_data(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Calls `check` with the name of each golden case of a model ("MODEL/cases/NAME.json"), in order of name;
// fails when there is none.
void golden_each_case(const char *model, void (*check)(const char *model, const char *name));
// A fresh folder for this process, removed at exit, and a path inside it.
const char *test_temporary(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Writes a file (path from test_temporary).
void test_write(const char *path, const void *data, size_t length);

// Fails the test with the error's message unless `result` is 0 / not NULL.
#define assert_ok(result, error)                            \
    do {                                                    \
        if ((result) != 0) fail_msg("%s", (error).message); \
    } while (0)
#define assert_got(pointer, error)                       \
    do {                                                 \
        if (!(pointer)) fail_msg("%s", (error).message); \
    } while (0)
// As assert_true, for what the lines after it rely on: checkers that read the code know that it ends here.
#define require(condition)                                           \
    do {                                                             \
        if (!(condition)) test_stop(#condition, __FILE__, __LINE__); \
    } while (0)
_Noreturn void test_stop(const char *what, const char *file, int line);
// Both values are printed when they are further apart than `tolerance` (or one is no number).
#define assert_near(value, expected, tolerance) \
    test_check_near((double)(value), (double)(expected), (double)(tolerance), #value, __FILE__, __LINE__)
void test_check_near(double value, double expected, double tolerance, const char *what, const char *file,
                     int line);
// The call failed with this code, and its message holds this text.
#define assert_error(result, error, expected_code, text)                     \
    do {                                                                     \
        assert_true((result) != 0);                                          \
        test_check_error(&(error), expected_code, text, __FILE__, __LINE__); \
    } while (0)
void test_check_error(const struct error *error, enum error_code code, const char *text, const char *file,
                      int line);

#endif
