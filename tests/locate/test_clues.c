#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/utf8.h"
#include "locate/clues.h"

// Expects "kind: text" lines, and ranges that hold together.
static void check_clues(const char *reasoning, const char *expected) {
    struct verdict_clue *clues;
    size_t count, end = 0;
    struct error error = {0};
    struct buffer lines = {0};
    assert_ok(clues_find(reasoning, &clues, &count, &error), error);
    for (size_t i = 0; i < count; i++) {
        buffer_format(&lines, "%s: %s\n", clues[i].kind, clues[i].text);
        assert_true(clues[i].length > 0);
        assert_true(clues[i].first >= end);
        end = clues[i].first + clues[i].length;
        assert_true(end <= strlen(reasoning));
        assert_true(utf8_is_valid(clues[i].text, strlen(clues[i].text)));
        assert_null(strchr(clues[i].text, '\n'));
    }
    assert_string_equal(lines.data ? lines.data : "", expected);
    buffer_free(&lines);
    verdict_clues_free(clues, count);
}

static void every_kind_is_told(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"The license plates are yellow.", "plate"},
        {"A red and white flag hangs from the wall.", "flag"},
        {"The words are written in Cyrillic.", "language"},
        {"A street sign points north.", "sign"},
        {"A famous statue stands there.", "landmark"},
        {"The facades have iron balconies.", "architecture"},
        {"A yellow tram passes.", "vehicle"},
        {"The utility poles are concrete.", "infrastructure"},
        {"They drive on the left side of the road.", "road"},
        {"Palm trees line it.", "vegetation"},
        {"A volcano rises behind.", "terrain"},
        {"The sea is turquoise.", "water"},
        {"There is snow on everything.", "climate"},
        {"Women wearing kimonos walk by.", "people"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "%s: %s\n", cases[i][1], cases[i][0]);
        check_clues(cases[i][0], expected);
    }
}

static void words_are_whole_words(void **state) {
    (void)state;
    check_clues("A careful scan of signals. The tree.", "vegetation: The tree.\n"); // no car, no sign
    check_clues("TREES AND SHRUBS.", "vegetation: TREES AND SHRUBS.\n");
    check_clues("That leaves Chile. Palm leaves.", "vegetation: Palm leaves.\n"); // a verb is no leaf
    check_clues("This leaves two. The leaves are red.", "vegetation: The leaves are red.\n");
    check_clues("The carré. A sign\xC3\xA9. One bus.", "vehicle: One bus.\n"); // letters beyond ASCII
}

static void more_words_of_a_kind_decide(void **state) {
    (void)state;
    check_clues("Trees, palms and grass by the road.", "vegetation: Trees, palms and grass by the road.\n");
    check_clues("Language: the sign and the sign.", "language: the sign and the sign.\n");
}

static void sentences_end_where_they_do(void **state) {
    (void)state;
    check_clues(
        "St. Anthony's church, e.g. by J. Smith, is 3.5 m from Main St. No. 5. The bus is red! A tree? "
        "A car... A lake.",
        "architecture: St. Anthony's church, e.g. by J. Smith, is 3.5 m from Main St. No. 5.\n"
        "vehicle: The bus is red!\n"
        "vegetation: A tree?\n"
        "vehicle: A car...\n"
        "water: A lake.\n");
    check_clues("The sign says \"Alto!\" in red. (A bus waits.) \"A car.\" Snow.",
                "sign: The sign says \"Alto!\" in red.\n"
                "vehicle: (A bus waits.)\n"
                "vehicle: \"A car.\"\n"
                "climate: Snow.\n");
    check_clues("The street is in the U.S. and wide. A flag", "road: The street is in the U.S. and wide.\n"
                                                              "flag: A flag\n");
    check_clues("The trees …are tall. A bus", "vegetation: The trees …are tall.\nvehicle: A bus\n");
    check_clues("看板の sign。木の tree！The car",
                "sign: 看板の sign。\nvegetation: 木の tree！\nvehicle: The car\n");
}

static void lists_and_marks(void **state) {
    (void)state;
    check_clues("Looking at the picture:\n"
                "- the *red* bus\n"
                "* `palm` trees\n"
                "\xE2\x80\xA2 a church\r\n"
                "1. a flag\n"
                "2) a **lake**\n"
                "(3) snow\n"
                "  - > a dirt\n"
                "road that goes on\n"
                "\n"
                "1. One car. 2. Two hills.",
                "vehicle: the red bus\n"
                "vegetation: palm trees\n"
                "architecture: a church\n"
                "flag: a flag\n"
                "water: a lake\n"
                "climate: snow\n"
                "road: a dirt road that goes on\n"
                "vehicle: One car.\n"
                "terrain: Two hills.\n");
}

static void headings_and_labels_decide(void **state) {
    (void)state;
    check_clues("## Vegetation\n"
                "- lush and green\n"
                "- a red bus\n"
                "**Architecture**\n"
                "Low and white. All of it.\n"
                "\n"
                "- **Signs**: \"Padaria\" in blue. Hand painted.\n"
                "- Trams: yellow\n"
                "\n"
                "The road looks so:\n"
                "- narrow\n"
                "\n"
                "Nothing else.\n",
                "vegetation: lush and green\n"
                "vehicle: a red bus\n"
                "architecture: Low and white.\n"
                "architecture: All of it.\n"
                "sign: \"Padaria\" in blue.\n"
                "sign: Hand painted.\n"
                "vehicle: Trams: yellow\n"
                "road: narrow\n");
}

static void conclusions_and_repetitions_are_left_out(void **state) {
    (void)state;
    check_clues("A tram. A tram. A hill.\nTherefore the tram is in Lisbon.\n"
                "### Conclusion\nThe trees and the hill say Lisbon.",
                "vehicle: A tram.\nterrain: A hill.\n");
}

static void others_only_when_nothing_else(void **state) {
    (void)state;
    check_clues("It feels like Lisbon. So nice. It feels like Lisbon. Therefore Lisbon.",
                "other: It feels like Lisbon.\nother: So nice.\n");
    check_clues("Therefore Lisbon.", "other: Therefore Lisbon.\n");
    check_clues("# Lisbon", "other: Lisbon\n");
}

static void nothing_gives_nothing(void **state) {
    (void)state;
    struct verdict_clue *clues;
    size_t count = 1;
    struct error error = {0};
    assert_ok(clues_find(NULL, &clues, &count, &error), error);
    assert_null(clues);
    assert_int_equal(count, 0);
    check_clues("", "");
    check_clues(" \n\t\r\n ", "");
    check_clues("---\n***\n1.\n...\n!?\n- \n**\n****\n#\n", "");
}

static void ranges_point_into_the_text(void **state) {
    (void)state;
    const char *text = "\n\n - **Road**:  a\n  cobbled street.  A tree. ";
    struct verdict_clue *clues;
    size_t count;
    struct error error = {0};
    assert_ok(clues_find(text, &clues, &count, &error), error);
    assert_int_equal(count, 2);
    assert_string_equal(clues[0].text, "a cobbled street.");
    const char *first = "**Road**:  a\n  cobbled street.";
    assert_int_equal(clues[0].length, strlen(first));
    assert_memory_equal(text + clues[0].first, first, strlen(first));
    assert_int_equal(clues[1].length, strlen("A tree."));
    assert_memory_equal(text + clues[1].first, "A tree.", strlen("A tree."));
    verdict_clues_free(clues, count);
}

static void broken_utf8_is_replaced(void **state) {
    (void)state;
    check_clues("A tr\xFF tree \xC3. \xE2\x80", "vegetation: A tr\xEF\xBF\xBD tree \xEF\xBF\xBD.\n");
    check_clues("\xE2\x80", "other: \xEF\xBF\xBD\n");
}

static void long_sentences_are_cut(void **state) {
    (void)state;
    struct buffer text = {0};
    buffer_add_text(&text, "A tree ");
    for (int i = 0; i < 1000; i++) buffer_add_text(&text, "ü");
    struct verdict_clue *clues;
    size_t count;
    struct error error = {0};
    assert_ok(clues_find(text.data, &clues, &count, &error), error);
    assert_int_equal(count, 1);
    assert_int_equal(clues[0].length, text.length);
    assert_true(utf8_is_valid(clues[0].text, strlen(clues[0].text)));
    const char *end = clues[0].text + strlen(clues[0].text) - strlen("ü…");
    assert_string_equal(end, "ü…");
    assert_true(strlen(clues[0].text) <= (size_t)CLUES_TEXT_LIMIT * 2 + strlen("…"));
    verdict_clues_free(clues, count);
    buffer_free(&text);
}

// Degenerate completions: whatever is repeated, the time grows with the length and the count is limited.
static void noise_takes_no_time(void **state) {
    (void)state;
    static const char *const pieces[] = {".",   "1",       "1. ",  ". ",  "a.a ", "- ",    "\n",
                                         "#",   "**",      "(",    ":\n", "é. ",  "* a\n", "the ",
                                         "A. ", "a:\nb\n", "\xFF", "。",  "St. ", "\")"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct buffer text = {0};
        while (text.length < (1 << 18)) buffer_add_text(&text, pieces[i]);
        struct verdict_clue *clues;
        size_t count;
        struct error error = {0};
        clock_t start = clock();
        assert_ok(clues_find(text.data, &clues, &count, &error), error);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        if (seconds > 5) fail_msg("\"%s\" again and again took %.1f s", pieces[i], seconds);
        assert_true(count <= CLUES_LIMIT);
        verdict_clues_free(clues, count);
        buffer_free(&text);
    }
}

static void there_is_a_limit(void **state) {
    (void)state;
    struct buffer text = {0};
    for (int i = 0; i < 3 * CLUES_LIMIT; i++) buffer_format(&text, "Tree number %d.\n", i);
    struct verdict_clue *clues;
    size_t count;
    struct error error = {0};
    assert_ok(clues_find(text.data, &clues, &count, &error), error);
    assert_int_equal(count, CLUES_LIMIT);
    assert_string_equal(clues[CLUES_LIMIT - 1].text, "Tree number 63.");
    verdict_clues_free(clues, count);
    buffer_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_told),
        cmocka_unit_test(words_are_whole_words),
        cmocka_unit_test(more_words_of_a_kind_decide),
        cmocka_unit_test(sentences_end_where_they_do),
        cmocka_unit_test(lists_and_marks),
        cmocka_unit_test(headings_and_labels_decide),
        cmocka_unit_test(conclusions_and_repetitions_are_left_out),
        cmocka_unit_test(others_only_when_nothing_else),
        cmocka_unit_test(nothing_gives_nothing),
        cmocka_unit_test(ranges_point_into_the_text),
        cmocka_unit_test(broken_utf8_is_replaced),
        cmocka_unit_test(long_sentences_are_cut),
        cmocka_unit_test(noise_takes_no_time),
        cmocka_unit_test(there_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
