#include "base/base64.h"

#include <string.h>

#include "support.h"

// RFC 4648 section 10.
static void both_ways(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xFF\xFE\xFB", "//77"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct buffer text = {0}, bytes = {0};
        base64_add(&text, pairs[i][0], strlen(pairs[i][0]));
        assert_int_equal(base64_add_decoded(&bytes, pairs[i][1], strlen(pairs[i][1])), 0);
        assert_string_equal(text.data ? text.data : "", pairs[i][1]);
        assert_string_equal(bytes.data ? bytes.data : "", pairs[i][0]);
        buffer_free(&text);
        buffer_free(&bytes);
    }
}

static void what_is_not_base64(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm9v\n", "Zg==Zm9v", "Z-9v", "Zm=v", "Zm9 "};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct buffer bytes = {0};
        buffer_add_text(&bytes, "kept");
        if (base64_add_decoded(&bytes, wrong[i], strlen(wrong[i])) == 0) fail_msg("taken: %s", wrong[i]);
        assert_string_equal(bytes.data, "kept");
        buffer_free(&bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_ways), cmocka_unit_test(what_is_not_base64)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
