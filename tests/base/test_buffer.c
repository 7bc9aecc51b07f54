#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

static void pieces_come_together(void **state) {
    (void)state;
    struct buffer buffer = {0};
    buffer_add_text(&buffer, "a");
    buffer_add(&buffer, "b\0c", 3);
    buffer_format(&buffer, "%d%s", 42, "!");
    assert_int_equal(buffer.length, 7);
    assert_memory_equal(buffer.data, "ab\0c42!", 8); // with the NUL at the end
    buffer_clear(&buffer);
    assert_int_equal(buffer.length, 0);
    assert_string_equal(buffer.data, "");
    buffer_free(&buffer);
    assert_null(buffer.data);
}

static void it_grows_at_every_size(void **state) {
    (void)state;
    struct buffer buffer = {0};
    for (int i = 0; i < 5000; i++) {
        char c = (char)('a' + i % 26);
        buffer_add(&buffer, &c, 1);
        assert_int_equal(strlen(buffer.data), i + 1);
    }
    for (int i = 0; i < 5000; i++) assert_int_equal(buffer.data[i], 'a' + i % 26);
    buffer_free(&buffer);
    for (int width = 60; width < 70; width++) { // around the first capacity
        buffer_format(&buffer, "%*d", width, 1);
        assert_int_equal(buffer.length, width);
        assert_int_equal(strlen(buffer.data), width);
        buffer_free(&buffer);
    }
}

static void take_hands_over(void **state) {
    (void)state;
    struct buffer buffer = {0};
    char *empty = buffer_take(&buffer);
    assert_non_null(empty);
    assert_string_equal(empty, "");
    free(empty);
    buffer_add_text(&buffer, "text");
    char *text = buffer_take(&buffer);
    assert_string_equal(text, "text");
    assert_null(buffer.data);
    assert_int_equal(buffer.length, 0);
    free(text);
}

static void failure_is_remembered(void **state) {
    (void)state;
    struct buffer buffer = {0};
    buffer_add_text(&buffer, "text");
    buffer_add(&buffer, "", SIZE_MAX / 2); // nobody has that much; nothing is read
    assert_true(buffer.failed);
    buffer_add_text(&buffer, "more");
    assert_string_equal(buffer.data, "text");
    assert_null(buffer_take(&buffer));
    assert_false(buffer.failed); // ready for the next text
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_together),
        cmocka_unit_test(it_grows_at_every_size),
        cmocka_unit_test(take_hands_over),
        cmocka_unit_test(failure_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
