#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "cli/options.h"

// One command with an option of every kind.
static struct values {
    bool json, color;
    const char *output;
    int64_t pixels;
    double top_p;
    int format;
    struct option_list stops;
} values;

static const char *const formats[] = {"text", "geojson", "csv", NULL};
static struct option table[8];
static struct usage usage;
static struct operands operands;
static struct error error;

static int reset(void **state) {
    (void)state;
    values = (struct values){.color = true, .pixels = 5000, .top_p = 1};
    const struct option all[] = {
        option_flag("json", 'j', &values.json, "Print JSON"),
        option_flag("color", 0, &values.color, "Use colours"),
        option_string("output", 'o', "FILE", &values.output, "Write there"),
        option_integer("max-pixels", 'n', "N", &values.pixels, 3136, 12845056, "Largest area"),
        option_number("top-p", 0, "P", &values.top_p, 0, 1, "Nucleus"),
        option_choice("format", 'f', "NAME", &values.format, formats, "How to print"),
        option_repeated("stop", 's', "TEXT", &values.stops, "End there"),
        {0},
    };
    memcpy(table, all, sizeof all);
    usage = (struct usage){.command = "locate",
                           .arguments = "PHOTO...",
                           .at_least = 1,
                           .at_most = 3,
                           .description = "Locates.",
                           .options = table};
    return 0;
}

static int release(void **state) {
    (void)state;
    option_list_free(&values.stops);
    return 0;
}

// Parses words separated by '|' as the command's arguments.
static int parse(const char *line) {
    static char copy[1024];
    static char *words[64];
    int count = 0;
    snprintf(copy, sizeof copy, "locate|%s", line);
    for (char *rest = copy, *word; (word = strsep(&rest, "|"));) words[count++] = word;
    words[count] = NULL;
    return options_read(&usage, count, words, &operands, &error);
}

static void every_spelling_is_understood(void **state) {
    (void)state;
    assert_ok(parse("a.jpg|--json|--output|x.csv|--max-pixels=4000|--top-p|.5|b.jpg|-fcsv|-s|one|--stop=two"),
              error);
    assert_true(values.json);
    assert_string_equal(values.output, "x.csv");
    assert_int_equal(values.pixels, 4000);
    assert_true(values.top_p == 0.5);
    assert_int_equal(values.format, 2);
    assert_int_equal(values.stops.count, 2);
    assert_string_equal(values.stops.values[0], "one");
    assert_string_equal(values.stops.values[1], "two");
    assert_int_equal(operands.count, 2);
    assert_string_equal(operands.values[0], "a.jpg");
    assert_string_equal(operands.values[1], "b.jpg");
}

static void letters_share_a_dash(void **state) {
    (void)state;
    assert_ok(parse("-jn4000|-"), error);
    assert_true(values.json);
    assert_int_equal(values.pixels, 4000);
    assert_int_equal(operands.count, 1);
    assert_string_equal(operands.values[0], "-");
}

static void after_two_dashes_all_are_operands(void **state) {
    (void)state;
    assert_ok(parse("-o|--|--|--json|--help"), error); // the first "--" is the value of -o
    assert_string_equal(values.output, "--");
    assert_false(values.json);
    assert_int_equal(operands.count, 2);
    assert_string_equal(operands.values[0], "--json");
}

static void flags_can_be_turned_off_and_the_last_counts(void **state) {
    (void)state;
    assert_ok(parse("--no-color|--json|--no-json|-n|4000|-n|5000|a"), error);
    assert_false(values.color || values.json);
    assert_int_equal(values.pixels, 5000);
    assert_error(parse("--no-output|a"), error, ERROR_USAGE, "there is no option '--no-output'");
}

static void values_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"a|--max-pixels|abc", "--max-pixels: 'abc' is not a whole number (3136 to 12845056)"},
        {"a|--max-pixels|", "--max-pixels: '' is not a whole number"},
        {"a|-n4000x", "--max-pixels: '4000x' is not a whole number"},
        {"a|-n| 4000", "--max-pixels: ' 4000' is not a whole number"},
        {"a|-n|4e3", "is not a whole number"},
        {"a|-n|3135", "--max-pixels: 3135 is not within 3136 to 12845056"},
        {"a|-n|-1", "--max-pixels: -1 is not within"},
        {"a|-n|99999999999999999999", "is not within 3136"},
        {"a|--top-p|1.01", "--top-p: 1.01 is not within 0 to 1"},
        {"a|--top-p|nan", "--top-p: 'nan' is not a number (0 to 1)"},
        {"a|--top-p|0x1", "--top-p: '0x1' is not a number"},
        {"a|--top-p|.5.5", "--top-p: '.5.5' is not a number"},
        {"a|--top-p|1e999", "--top-p: 1e999 is not within"},
        {"a|--top-p=", "--top-p: '' is not a number"},
        {"a|-f|cvs", "--format: 'cvs' is not one of text, geojson, csv; did you mean 'csv'?"},
        {"a|-f|xml", "--format: 'xml' is not one of text, geojson, csv"},
        {"a|--json=yes", "--json takes no value, but got 'yes'"},
        {"a|--output", "--output needs a value: --output FILE"},
        {"a|-jo", "--output needs a value"},
        {"a|--max-pixel|5", "there is no option '--max-pixel'; did you mean '--max-pixels'?"},
        {"a|--xyzzy", "there is no option '--xyzzy'; 'globe locate --help' lists them"},
        {"a|-jx", "there is no option '-x'"},
        {"a|--=5", "there is no option '--'"},
        {"a|b|c|d", "one argument too many: 'd'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_error(parse(cases[i].line), error, ERROR_USAGE, cases[i].message);
    char *alone[] = {(char *)"locate", NULL};
    assert_error(options_read(&usage, 1, alone, &operands, &error), error, ERROR_USAGE,
                 "PHOTO... is missing");
}

static void failed_values_do_not_reach_their_targets(void **state) {
    (void)state;
    assert_int_equal(parse("a|-n|1"), -1);
    assert_int_equal(parse("a|--top-p|7"), -1);
    assert_int_equal(parse("a|-f|none"), -1);
    assert_int_equal(values.pixels, 5000);
    assert_true(values.top_p == 1);
    assert_int_equal(values.format, 0);
}

static void limits_of_a_range_are_within_it(void **state) {
    (void)state;
    assert_ok(parse("a|-n|3136|--top-p|0"), error);
    assert_int_equal(values.pixels, 3136);
    assert_ok(parse("a|-n|12845056|--top-p|1"), error);
    assert_int_equal(values.pixels, 12845056);
}

static void help_is_noticed_and_changes_nothing(void **state) {
    (void)state;
    assert_int_equal(parse("-n|4000|--help"), 1); // even though PHOTO is missing
    assert_int_equal(values.pixels, 5000);
    assert_int_equal(parse("-jh"), 1);
    assert_ok(parse("-o|--help|a"), error); // a value, not an option
    assert_string_equal(values.output, "--help");
}

static void distances_count_typing_mistakes(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {{"", "", 0},
                 {"abc", "", 3},
                 {"abc", "abc", 0},
                 {"abc", "abd", 1},
                 {"version", "verison", 1},
                 {"locate", "lcoaet", 2},
                 {"kitten", "sitting", 3},
                 {"ab", "ba", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(suggest_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(suggest_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
    char longest[500];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_int_equal(suggest_distance(longest, ""), 63);
}

static void only_near_words_are_suggested(void **state) {
    (void)state;
    static const struct {
        const char *word, *best;
    } cases[] = {{"verson", "version"}, {"locale", "locate"}, {"l", NULL}, {"train", NULL}, {"", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct suggestion suggestion;
        suggest_start(&suggestion, cases[i].word);
        suggest_offer(&suggestion, "version");
        suggest_offer(&suggestion, "locate");
        suggest_offer(&suggestion, "help");
        if (cases[i].best)
            assert_string_equal(suggestion.best, cases[i].best);
        else
            assert_null(suggestion.best);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_spelling_is_understood, reset, release),
        cmocka_unit_test_setup_teardown(letters_share_a_dash, reset, release),
        cmocka_unit_test_setup_teardown(after_two_dashes_all_are_operands, reset, release),
        cmocka_unit_test_setup_teardown(flags_can_be_turned_off_and_the_last_counts, reset, release),
        cmocka_unit_test_setup_teardown(values_are_checked, reset, release),
        cmocka_unit_test_setup_teardown(failed_values_do_not_reach_their_targets, reset, release),
        cmocka_unit_test_setup_teardown(limits_of_a_range_are_within_it, reset, release),
        cmocka_unit_test_setup_teardown(help_is_noticed_and_changes_nothing, reset, release),
        cmocka_unit_test(distances_count_typing_mistakes),
        cmocka_unit_test(only_near_words_are_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
