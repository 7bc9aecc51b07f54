// The released rules against the golden completions of the original reward functions.
#include "support.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "text/answer.h"
#include "text/unicode.h"

static struct error error;

static void format_goldens(void **state) {
    (void)state;
    json_t *cases = json_read_file(golden_data("rewards/format.json"), 1 << 20, &error), *item;
    assert_got(cases, error);
    size_t i, good = 0;
    json_array_foreach(cases, i, item) {
        const json_t *text = json_object_get(item, "completion");
        bool expected = json_number_value(json_object_get(item, "expected")) == 1.0;
        good += expected;
        if (answer_is_well_formed(json_string_value(text), json_string_length(text)) != expected)
            fail_msg("case %zu: %s", i, json_string_value(text));
        struct answer answer;
        assert_ok(answer_parse(&answer, json_string_value(text), json_string_length(text),
                               ANSWER_COMPAT_REWARD, &error),
                  error);
        assert_int_equal(answer.well_formed, expected);
        answer_free(&answer);
    }
    assert_in_range(good, 1, json_array_size(cases) - 1); // both kinds
    json_decref(cases);
}

// ---- the rules one by one -------------------------------------------------------------------------------

static void compat_extraction(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum answer_rules rules;
        const char *country, *city;
    } cases[] = {
        {"<answer>country: France\ncity: Paris</answer>", ANSWER_COMPAT_REWARD, "france", "paris"},
        {"country: France\ncity: Paris", ANSWER_COMPAT_REWARD, "", ""},
        {"country: France\ncity: Paris", ANSWER_COMPAT_EVAL, "france", "paris"},
        {"country: France\ncity: Paris", ANSWER_COMPAT_DIRECT, "france", "paris"},
        {"country: A <answer>city: B</answer>", ANSWER_COMPAT_REWARD, "", "b"},
        {"country: A <answer>city: B</answer>", ANSWER_COMPAT_EVAL, "", "b"},
        {"country: A <answer>city: B</answer>", ANSWER_COMPAT_DIRECT, "a <answer>city: b</answer>",
         "b</answer>"},
        {"<answer>country: A", ANSWER_COMPAT_REWARD, "", ""},
        {"<answer>country: A", ANSWER_COMPAT_EVAL, "a", ""},
        {"</answer><answer>country: A</answer>", ANSWER_COMPAT_REWARD, "a", ""},
        {"<answer>x<answer>country: A</answer>", ANSWER_COMPAT_REWARD, "a", ""},
        {"<answer>country: A</answer><answer>country: B</answer>", ANSWER_COMPAT_REWARD, "a", ""},
        {"<answer>country: A\ncountry: B</answer>", ANSWER_COMPAT_REWARD, "a", ""},
        {"<answer>Country: A\nCITY: B</answer>", ANSWER_COMPAT_REWARD, "", ""},
        {"<ANSWER>country: A</ANSWER>", ANSWER_COMPAT_REWARD, "", ""},
        {"<answer>country:\ncity: Paris</answer>", ANSWER_COMPAT_REWARD, "city: paris", "paris"},
        {"<answer>country: A, city: B</answer>", ANSWER_COMPAT_REWARD, "a, city: b", "b"},
        {"<answer>capital city: Lyon</answer>", ANSWER_COMPAT_REWARD, "", "lyon"},
        {"<answer>country:</answer>", ANSWER_COMPAT_REWARD, "", ""},
        {"<answer>country:   \n \n  </answer>", ANSWER_COMPAT_REWARD, "", ""},
        {"<answer>country:\xC2\xA0\x1C\xE3\x80\x80"
         "A\xE2\x80\x83\x1F\r\ncity:\tB\x85</answer>",
         ANSWER_COMPAT_REWARD, "a", "b\xEF\xBF\xBD"},
        {"<answer>country: \xE2\x80\x8B"
         "A</answer>",
         ANSWER_COMPAT_REWARD,
         "\xE2\x80\x8B"
         "a",
         ""}, // not white space
        {"<answer>country: **France**\ncity: [city name]</answer>", ANSWER_COMPAT_REWARD, "**france**",
         "[city name]"},
        {"<answer>country: \xC4\xB0STANBUL\ncity: \xCE\xA3\xCE\x91\xCE\xA3</answer>", ANSWER_COMPAT_REWARD,
         "i\xCC\x87stanbul", "\xCF\x83\xCE\xB1\xCF\x82"},
        {"", ANSWER_COMPAT_EVAL, "", ""},
        {"", ANSWER_COMPAT_DIRECT, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer;
        assert_ok(answer_parse(&answer, cases[i].text, strlen(cases[i].text), cases[i].rules, &error), error);
        if (strcmp(answer.country, cases[i].country) || strcmp(answer.city, cases[i].city))
            fail_msg("%s (rules %d): \"%s\", \"%s\"", cases[i].text, (int)cases[i].rules, answer.country,
                     answer.city);
        assert_false(answer.declined);
        answer_free(&answer);
    }
}

static void nuls_and_malformed_bytes_are_single_characters(void **state) {
    (void)state;
    static const char text[] = "<answer>country: a\0b\xFF\0\0</answer>\0";
    struct answer answer;
    assert_ok(answer_parse(&answer, text, sizeof text - 1, ANSWER_COMPAT_REWARD, &error), error);
    assert_string_equal(answer.country, "a\xEF\xBF\xBD"
                                        "b\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_false(answer.well_formed);
    answer_free(&answer);
    for (size_t length = 1; length < 4; length++) {
        assert_ok(answer_parse(&answer, "\0\0\0", length, ANSWER_COMPAT_DIRECT, &error), error);
        assert_int_equal(strlen(answer.reasoning), 3 * length);
        answer_free(&answer);
    }
}

static void reasoning(void **state) {
    (void)state;
    static const struct {
        const char *text, *reasoning;
    } cases[] = {
        {"<think> red roofs \n</think><answer>country: A\ncity: B</answer>", "red roofs"},
        {"red roofs</think><answer>country: A</answer>", "red roofs"}, // the prompt opened it
        {"<think>red roofs<answer>country: A</answer>", "red roofs"},
        {"<think>red roofs", "red roofs"},
        {"red roofs\n<answer>country: A</answer>", "red roofs"},
        {"red roofs\ncountry: A\ncity: B", "red roofs"},
        {"country: A\ncity: B", ""},
        {"red roofs", "red roofs"},
        {"", ""},
    };
    const enum answer_rules rules[] = {ANSWER_COMPAT_EVAL, ANSWER_LENIENT};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int r = 0; r < 2; r++) {
            struct answer answer;
            assert_ok(answer_parse(&answer, cases[i].text, strlen(cases[i].text), rules[r], &error), error);
            if (strcmp(answer.reasoning, cases[i].reasoning))
                fail_msg("%s (rules %d): \"%s\"", cases[i].text, (int)rules[r], answer.reasoning);
            answer_free(&answer);
        }
}

static void format_rule(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool expected;
    } cases[] = {
        {"<think>a</think><answer>b</answer>", true},
        {"<think>a</think>\n\n<answer>b</answer>", true},
        {"<think></think><answer></answer>", true},
        {"<think>a</think>junk</think><answer>b</answer>", true},
        {"<think>a</think><answer>b</answer><answer>c</answer>", true},
        {"<think>a</think><answer></answer></answer>", true},
        {"<think>a</think><answer>b</answer>\n", false},
        {" <think>a</think><answer>b</answer>", false},
        {"<think>a</think>junk<answer>b</answer>", false},
        {"<think>a</think><answer>b</answer><|im_end|>", false},
        {"<think></answer>", false},
        {"<think></think></answer>", false},
        {"<think></think><answer</answer>", false},
        {"<think</think><answer></answer>", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (answer_is_well_formed(cases[i].text, strlen(cases[i].text)) != cases[i].expected)
            fail_msg("%s", cases[i].text);
}

// ---- Python's idea of characters ------------------------------------------------------------------------

static void white_space_is_pythons(void **state) {
    (void)state;
    // [c for c in range(0x110000) if chr(c).isspace()]
    static const int32_t spaces[] = {0x9,    0xA,    0xB,    0xC,    0xD,    0x1C,   0x1D,   0x1E,
                                     0x1F,   0x20,   0x85,   0xA0,   0x1680, 0x2000, 0x2001, 0x2002,
                                     0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200A,
                                     0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
    size_t next = 0;
    for (int32_t code = 0; code <= 0x10FFFF; code++) {
        bool expected = next < sizeof spaces / sizeof *spaces && code == spaces[next];
        next += expected;
        if (unicode_is_space(code) != expected) fail_msg("U+%04X", (unsigned)code);
    }
    assert_int_equal(next, sizeof spaces / sizeof *spaces);
}

static void lower_case_is_pythons(void **state) {
    (void)state;
    static const struct {
        const char *text, *lower;
    } cases[] = {
        {"", ""},
        {"ABC \xC3\x84\xC3\x96", "abc \xC3\xA4\xC3\xB6"},
        {"\xCE\xA3", "\xCF\x83"}, // a lone sigma is not final
        {"A\xCE\xA3", "a\xCF\x82"},
        {"A\xCE\xA3 B", "a\xCF\x82 b"},
        {"A\xCE\xA3"
         "B",
         "a\xCF\x83"
         "b"},
        {"A.\xCE\xA3", "a.\xCF\x82"}, // the full stop is ignorable
        {"A\xCE\xA3."
         "B",
         "a\xCF\x83."
         "b"},
        {"A\xCE\xA3\xCE\xA3", "a\xCF\x83\xCF\x82"},
        {"1\xCE\xA3", "1\xCF\x83"},
        {"\xE1\xBA\x9E", "\xC3\x9F"}, // capital sharp s
        {"\xC4\xB0I", "i\xCC\x87i"},
        {"\xE2\x85\xA7\xE2\x93\x90", "\xE2\x85\xB7\xE2\x93\x90"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer out = {0};
        unicode_add_lower(&out, (struct span){cases[i].text, strlen(cases[i].text)});
        assert_string_equal(out.data ? out.data : "", cases[i].lower);
        buffer_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_goldens),
        cmocka_unit_test(compat_extraction),
        cmocka_unit_test(nuls_and_malformed_bytes_are_single_characters),
        cmocka_unit_test(reasoning),
        cmocka_unit_test(format_rule),
        cmocka_unit_test(white_space_is_pythons),
        cmocka_unit_test(lower_case_is_pythons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
