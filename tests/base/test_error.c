#include "support.h"

#include <errno.h>
#include <string.h>

static void set_fills_and_returns_minus_one(void **state) {
    (void)state;
    struct error error;
    assert_int_equal(error_set(&error, ERROR_LIMIT, "%s: %d pixels", "a.jpg", 7), -1);
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_string_equal(error.message, "a.jpg: 7 pixels");
    assert_int_equal(error_set(NULL, ERROR_LIMIT, "nobody listens"), -1);
}

static void prefix_goes_in_front(void **state) {
    (void)state;
    struct error error;
    error_set(&error, ERROR_MODEL, "no such tensor");
    assert_int_equal(error_prefix(&error, "%s", "model.safetensors"), -1);
    assert_int_equal(error.code, ERROR_MODEL);
    assert_string_equal(error.message, "model.safetensors: no such tensor");
}

static void messages_are_one_printable_line(void **state) {
    (void)state;
    struct error error;
    error_set(&error, ERROR_INPUT, "a\nb\tc\033[31md\x7F");
    assert_string_equal(error.message, "a b c?[31md?");
    error_set(&error, ERROR_INPUT, "caf\xC3\xA9 \xE6\x9D\xB1 \xF0\x9F\x97\xBA"); // valid UTF-8 stays
    assert_string_equal(error.message, "caf\xC3\xA9 \xE6\x9D\xB1 \xF0\x9F\x97\xBA");
    error_set(&error, ERROR_INPUT, "\xFF|\xC3|\x80|\xC0\xAF|\xC2\x9B"); // broken, overlong, a C1 control
    assert_string_equal(error.message, "?|?|?|??|??");
}

static void long_messages_are_cut_between_characters(void **state) {
    (void)state;
    struct error error;
    char text[1000];
    for (size_t i = 0; i + 1 < sizeof text; i += 2) memcpy(text + i, "\xC3\xA9", 2);
    text[sizeof text - 1] = 0;
    error_set(&error, ERROR_INPUT, ".%s", text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    error_set(&error, ERROR_INPUT, "%s", text); // 479 bytes end inside a character
    assert_int_equal(error.message[sizeof error.message - 2], '?');
    error_prefix(&error, "%s", text);
    assert_true(strlen(error.message) < sizeof error.message);
}

static void errno_decides_the_code(void **state) {
    (void)state;
    static const struct {
        int number;
        enum error_code code;
    } cases[] = {{ENOENT, ERROR_INPUT}, {EISDIR, ERROR_INPUT}, {ENOTDIR, ERROR_INPUT},
                 {EACCES, ERROR_INPUT}, {ENOSPC, ERROR_IO},    {EIO, ERROR_IO}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error;
        errno = cases[i].number;
        assert_int_equal(error_set_errno(&error, "x.bin", "cannot open"), -1);
        test_check_error(&error, cases[i].code, "x.bin: cannot open: ", __FILE__, __LINE__);
        assert_non_null(strstr(error.message, strerror(cases[i].number)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_and_returns_minus_one),
        cmocka_unit_test(prefix_goes_in_front),
        cmocka_unit_test(messages_are_one_printable_line),
        cmocka_unit_test(long_messages_are_cut_between_characters),
        cmocka_unit_test(errno_decides_the_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
