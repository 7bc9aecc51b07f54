#include "support.h"

#include <string.h>

#include "base/utf8.h"

static void every_code_point_survives_the_round_trip(void **state) {
    (void)state;
    for (int32_t code = 0; code <= 0x10FFFF; code++) {
        if (code >= 0xD800 && code <= 0xDFFF) continue;
        char bytes[4];
        size_t length = utf8_encode(code, bytes);
        int32_t back;
        if (utf8_decode(bytes, length, &back) != length || back != code) fail_msg("U+%04X", (unsigned)code);
        // One byte short is incomplete, never another character.
        if (length > 1 && (utf8_decode(bytes, length - 1, &back) != length - 1 || back != UTF8_INCOMPLETE))
            fail_msg("U+%04X cut short", (unsigned)code);
    }
}

static void check(const char *text, size_t length, const char *expected) {
    struct buffer buffer = {0};
    utf8_add_valid(&buffer, text, length);
    assert_false(buffer.failed);
    assert_int_equal(buffer.length, strlen(expected));
    if (buffer.length) assert_memory_equal(buffer.data, expected, buffer.length);
    assert_int_equal(utf8_is_valid(text, length),
                     strlen(expected) == length && !memcmp(text, expected, length));
    buffer_free(&buffer);
}

#define CHECK(text, expected) check(text, sizeof(text) - 1, expected)
#define FFFD "\xEF\xBF\xBD"

static void malformed_parts_become_one_replacement_each(void **state) {
    (void)state;
    CHECK("", "");
    CHECK("plain ascii of some length", "plain ascii of some length");
    CHECK("gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F");
    CHECK("\x80", FFFD);
    CHECK("\xC0\xAF", FFFD FFFD);                   // overlong
    CHECK("\xE0\x80\x80", FFFD FFFD FFFD);          // overlong
    CHECK("\xED\xA0\x80", FFFD FFFD FFFD);          // surrogate
    CHECK("\xF4\x90\x80\x80", FFFD FFFD FFFD FFFD); // above U+10FFFF
    CHECK("\xF0\x9F\x98", FFFD);                    // cut short: one part
    CHECK("\xF0\x9F\x98"
          "a",
          FFFD "a");
    CHECK("\xE2\x82\xE2\x82\xAC", FFFD "\xE2\x82\xAC"); // a part, then the euro sign
    CHECK("12345678\xFF"
          "12345678",
          "12345678" FFFD "12345678");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_survives_the_round_trip),
        cmocka_unit_test(malformed_parts_become_one_replacement_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
