// What a reasoning names, against what can be seen. The values are worked out by hand.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reward/reward.h"
#include "reward/words.h"
#include "rows/row.h"

static struct error error;

static const char street[] =
    "{\"images\":[\"a\"],\"country\":\"France\",\"entities\":[\"car\",{\"text\":\"tree\"},"
    "\"street sign\",\"building\",\"person\"],\"elements\":[\"Car\",\"sky\"]}";

static double grounded(const char *spec, const char *row_text, const char *reasoning) {
    struct row row;
    char text[2000];
    double value;
    const struct row_options options = {.images = ROW_OWN_IMAGES, .chat = ROW_CHAT_NONE, .truth = true};
    assert_ok(row_read(&row, row_text, strlen(row_text), &options, NULL, &error), error);
    struct reward_set *set = reward_set_open(&spec, 1, &(struct reward_options){.gazetteer = NULL}, &error);
    assert_got(set, error);
    snprintf(text, sizeof text, "<think>%s</think><answer>country: France\ncity: Paris</answer>", reasoning);
    const struct reward_completion completion = {.text = text, .length = strlen(text), .truth = &row.truth};
    const struct reward_batch batch = {.completions = &completion, .count = 1};
    assert_ok(reward_set_score(set, &batch, &value, NULL, &error), error);
    reward_set_close(set);
    row_free(&row);
    return value;
}

static void words_have_plurals_synonyms_and_wider_words(void **state) {
    (void)state;
    struct words *words = words_open(NULL, &error);
    assert_got(words, error);
    static const struct {
        const char *word, *other;
        enum words_relation relation;
    } cases[] = {
        {"car", "car", WORDS_COVERS},           {"cars", "car", WORDS_COVERS},
        {"automobile", "car", WORDS_COVERS},    {"vehicle", "car", WORDS_COVERS},
        {"Taxi", "car", WORDS_NARROWER},        {"bus", "car", WORDS_APART},
        {"buses", "bus", WORDS_COVERS},         {"churches", "church", WORDS_COVERS},
        {"women", "person", WORDS_NARROWER},    {"people", "person", WORDS_COVERS},
        {"palm trees", "tree", WORDS_NARROWER}, {"palm-tree", "palm", WORDS_COVERS},
        {"tree", "palm", WORDS_COVERS},         {"building", "church", WORDS_COVERS},
        {"house", "church", WORDS_APART},       {"glass", "gla", WORDS_APART},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct word_senses a, b;
        words_find(words, cases[i].word, strlen(cases[i].word), &a);
        words_find(words, cases[i].other, strlen(cases[i].other), &b);
        if (words_compare(words, &a, &b) != cases[i].relation)
            fail_msg("%s and %s: %d", cases[i].word, cases[i].other, (int)words_compare(words, &a, &b));
    }
    struct word_senses senses;
    words_find(words, "tower", 5, &senses);
    assert_true(senses.count && senses.thing);
    words_find(words, "country", 7, &senses);
    assert_false(senses.thing);
    words_find(words, "", 0, &senses);
    assert_int_equal(senses.count, 0);
    words_close(words);
}

static void lists_that_are_none_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"# none\n", "it holds none"},
        {"car\n", ":1: not a list"},
        {"1 0 car\n3 0 bus\n", ":2: not a list"},
        {"1\n", "numbered one by one"},
        {"1 x\n", "no wider meaning"},
        {"1 7 car\n", "a wider meaning is not there"},
        {"1 0 *\n", "a word of no"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *path = test_temporary("words.txt");
        test_write(path, bad[i].text, strlen(bad[i].text));
        assert_null(words_open(path, &error));
        assert_error(-1, error, ERROR_INPUT, bad[i].why);
    }
    const char *path = test_temporary("loop.txt"); // wider than itself: no way out but counting
    test_write(path, "# a loop\n1 2 car*\n2 1 vehicle\n3 0 bus\n", 37);
    struct words *words = words_open(path, &error);
    assert_got(words, error);
    struct word_senses a, b;
    words_find(words, "car", 3, &a);
    words_find(words, "bus", 3, &b);
    assert_int_equal(words_compare(words, &a, &b), WORDS_APART);
    words_close(words);
}

static void the_paper_counts_claims(void **state) {
    (void)state;
    static const char spec[] = "grounding:mode=paper";
    assert_near(grounded(spec, street, "I see an automobile beside some trees."), 1, 0);
    assert_near(grounded(spec, street, "A car, a tree and a pagoda."), 1, 0); // it may be that building
    assert_near(grounded(spec, street, "A car, a tree and a bus."), 2 / 3.0, 1e-12);
    assert_near(grounded(spec, street, "A car, a car and cars, and a bus."), 0.5, 1e-12); // once each
    assert_near(grounded(spec, street, "There are no buses, but a car."), 1, 0);
    assert_near(grounded(spec, street, "Cartoon scarcely treelike."), 0, 0); // whole words
    assert_near(grounded(spec, street, "Street signs in French."), 1, 0);
    assert_near(grounded(spec, street, ""), 0, 0);
}

static void listing_does_not_pay(void **state) {
    (void)state;
    // Three of four claims are right, of four that would be enough: p = 3/4, r = 3/4.
    assert_near(grounded("grounding", street, "A car, a tree, a street sign, a bus."), 0.75, 1e-12);
    assert_near(grounded("grounding", street, "A car and a tree."), 1.25 * 0.5 / (0.25 + 0.5),
                1e-12); // p = 1, r = 1/2
    assert_near(grounded("grounding:enough=2", street, "A car and a tree."), 1, 1e-12);
    assert_near(grounded("grounding:beta=1", street, "A car and a tree."), 2 / 3.0, 1e-12);
    double honest = grounded("grounding", street, "A car stands under a tree; the street sign is blue."),
           listed = grounded(
               "grounding", street,
               "car tree sign flag bus bridge boat river mountain tram bicycle dog cat lamp bench sky "
               "building person truck canoe hammer"),
           invented = grounded("grounding", street, "A car stands under a tree; a bus lies there.");
    assert_true(honest > 0.9);
    assert_true(listed < 0.5 * honest);
    assert_true(invented < honest - 0.2);
    assert_near(grounded("grounding", street, "Nothing at all."), 0, 0);
}

static void what_is_not_known_is_not_asked_for(void **state) {
    (void)state;
    static const char none[] = "{\"images\":[\"a\"],\"country\":\"France\"}",
                      empty[] = "{\"images\":[\"a\"],\"country\":\"France\",\"entities\":[]}";
    assert_true(isnan(grounded("grounding", none, "A car.")));
    assert_true(isnan(grounded("grounding:mode=paper", none, "A car.")));
    assert_true(isnan(grounded("grounding", empty, "Calm.")));
    assert_near(grounded("grounding", empty, "A car."), 0, 0);
    assert_near(grounded("grounding:mode=compat", empty, "A car."), 0, 0);
    assert_near(grounded("grounding:mode=compat", street, "Cartoon signs."), 0.2, 1e-12);
}

static void postcards_have_a_vocabulary_of_their_own(void **state) {
    (void)state;
    static const char card[] =
        "{\"images\":[\"a\"],\"country\":\"Italy\",\"entities\":[\"canal\",\"gondola\",\"car\"]}";
    assert_near(grounded("grounding:words=postcards", card, "A canal with a gondola by the road."),
                1.25 * 2 / 3.0 / (0.25 + 2 / 3.0), 1e-12);
    assert_near(grounded("grounding:words=postcards,mode=paper", card, "A canal and a minaret."), 0.5, 1e-12);
    assert_near(grounded("grounding:words=postcards,mode=paper", card, "A cable car."), 0, 0); // no car
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_have_plurals_synonyms_and_wider_words),
        cmocka_unit_test(lists_that_are_none_are_refused),
        cmocka_unit_test(the_paper_counts_claims),
        cmocka_unit_test(listing_does_not_pay),
        cmocka_unit_test(what_is_not_known_is_not_asked_for),
        cmocka_unit_test(postcards_have_a_vocabulary_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
