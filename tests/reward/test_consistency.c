// Reasonings that argue for another place than they answer, conclude what their clues do not allow, or misread signs.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reward/consistency.h"
#include "reward/sentences.h"
#include "rows/row.h"

static struct error error;
static struct atlas *atlas;

static int open_atlas(void **state) {
    (void)state;
    atlas = atlas_open(NULL, &error);
    return atlas ? 0 : -1;
}

static int close_atlas(void **state) {
    (void)state;
    atlas_close(atlas);
    return 0;
}

static struct consistency measure(const char *reasoning, const char *country, const char *city,
                                  const struct truth *truth) {
    char text[2000];
    struct consistency found;
    snprintf(text, sizeof text, "<think>%s</think><answer>country: %s\ncity: %s</answer>", reasoning, country,
             city);
    const struct reward_completion completion = {
        .text = text, .length = strlen(text), .truth = truth, .locatability = NAN};
    assert_ok(consistency_measure(atlas, &completion, &found, &error), error);
    return found;
}

// ---- contradictions -------------------------------------------------------------------------------------

struct argued {
    const char *reasoning, *country, *city;
};

static void what_argues_for_its_answer(void **state) {
    (void)state;
    static const struct argued cases[] = {
        {"A canal. It could be Italy or Thailand. A gondola, so it must be Venice in Italy.", "Italy",
         "Venice"},
        {"The signs are in German. This must be Germany or Austria. The trams point to Vienna.", "Austria",
         "Vienna"},
        {"This is not Japan. The plates point to South Korea.", "South Korea", "Seoul"},
        {"It rules out Spain and Italy, so this must be Portugal.", "Portugal", "Lisbon"},
        {"It could be Spain or Mexico. However, the gondola points to Italy. So it is Rome in Italy.",
         "Italy", "Rome"},
        {"The place is Köln in Deutschland.", "Germany", "Cologne"},
        {"It may be Scotland or Norway. The accent fits Edinburgh.", "United Kingdom", "Edinburgh"},
        {"Architecture like in France, but the answer is Hanoi in Vietnam.", "Vietnam", "Hanoi"},
        {"The country is Japan. No clue tells the city, so I guess the largest one, Tokyo.", "Japan",
         "Tokyo"},
        {"All of it fits Mexico City in Mexico.", "Mexico", "Mexico City"},
        {"This points to Hong Kong.", "China", "Hong Kong"},
        {"Red double-decker buses are known from London. It must be London.", "UK", "London"},
        {"Maple leaves as thick as those of Canada. It must be Kyoto.", "Japan", "Kyoto"},
        {"The tiles fit only the south, similar to those of Spain.  It must be Lisbon.", "Portugal",
         "Lisbon"},
        {"The light fits, as in Greece. The place is Izmir in Turkey.", "Turkey", "Izmir"},
        {"From this point of view France is far. The place is Quito.", "Ecuador", "Quito"},
        {"St. Petersburg is far. This must be Moscow.", "Russia", "Moscow"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct consistency found = measure(cases[i].reasoning, cases[i].country, cases[i].city, NULL);
        if (found.contradicts || !found.argues) fail_msg("case %zu: %s", i, cases[i].reasoning);
    }
}

static void what_contradicts_its_answer(void **state) {
    (void)state;
    static const struct argued cases[] = {
        {"It may be Spain or Mexico. The arches are old. My answer is Rome in Italy.", "Italy", "Rome"},
        {"So the place is Paris in France.", "Spain", "Madrid"},
        {"This fits only Sweden.", "Norway", "Oslo"},
        {"This is clearly not Brazil. The palms are tall.", "Brazil", "Rio de Janeiro"},
        {"This rules out Japan. It is a calm street.", "Japan", "Tokyo"},
        {"The place is Lyon in France.", "France", "Paris"},
        {"It must be Lisbon.", "Spain", "Madrid"},
        {"That leaves Peru and Chile. I like it.", "Bolivia", "La Paz"},
        {"This points to England or Ireland.", "France", "Paris"},
        {"So the place is Paris in France.", "unknown", "unknown"},
        {"Neither Austria nor Germany fit.", "Germany", "Berlin"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct consistency found = measure(cases[i].reasoning, cases[i].country, cases[i].city, NULL);
        if (!found.contradicts || found.argues) fail_msg("case %zu: %s", i, cases[i].reasoning);
    }
}

static void what_says_nothing_neither_argues_nor_contradicts(void **state) {
    (void)state;
    struct consistency found = measure("A street with a tram.", "Portugal", "Lisbon", NULL);
    assert_true(found.has_reasoning && found.names_place && !found.argues && !found.contradicts);
    found = measure("Nothing tells the place. It could be France or Spain.", "unknown", "unknown", NULL);
    assert_true(found.argues && !found.contradicts && !found.names_place);
    found = measure("", "France", "Paris", NULL);
    assert_true(!found.has_reasoning && !found.argues && !found.contradicts);
    found = measure("The place is Xqzzt in Vrrrkl.", "Vrrrkl", "Xqzzt", NULL); // nobody knows it
    assert_true(found.argues && !found.contradicts);
}

// ---- clues ----------------------------------------------------------------------------------------------

static const char card[] =
    "{\"images\":[\"a\"],\"country\":\"Italy\",\"city\":\"Venice\",\"clues\":["
    "{\"text\":\"canal\",\"places\":[\"NL\",\"Venice, IT\",\"Bangkok, TH\"]},"
    "{\"text\":\"gondola\",\"places\":[\"Venice, IT\"]},"
    "{\"text\":\"car\",\"detail\":\"keeps right\",\"places\":[\"IT\",\"NL\",\"FR\"]},"
    "{\"text\":\"clouds\"},"
    "{\"text\":\"sign\",\"detail\":\"with the Italian word "
    "PIAZZA\",\"says\":\"PIAZZA\",\"language\":\"Italian\","
    "\"places\":[\"IT\"]},"
    "{\"text\":\"flag\",\"detail\":\"with green, white and red upright bands\",\"places\":[\"IT\"]},"
    "{\"text\":\"zeppelin hangar\",\"places\":[\"DE\"]}]}";

static struct consistency of_card(const char *reasoning) {
    struct row row;
    const struct row_options options = {.images = ROW_OWN_IMAGES, .chat = ROW_CHAT_NONE, .truth = true};
    assert_ok(row_read(&row, card, strlen(card), &options, NULL, &error), error);
    struct consistency found = measure(reasoning, "Italy", "Venice", &row.truth);
    row_free(&row);
    return found;
}

struct counted {
    const char *reasoning;
    size_t inferences, invalid, unsupported, signs, signs_right;
};

static void clues_allow_or_do_not(void **state) {
    (void)state;
    static const struct counted cases[] = {
        {"There is a canal on the left. That leaves Italy, the Netherlands and Thailand. I see a gondola. So "
         "the "
         "place is Venice in Italy.",
         2, 0, 0, 0, 0},
        {"There is a canal. This points to Italy.", 1, 1, 0, 0, 0}, // it leaves out two that have canals
        {"There is a canal. It could be Italy or Spain.", 1, 1, 0, 0, 0},    // Spain has none here
        {"There is a canal. It could be Italy or Thailand.", 1, 0, 0, 0, 0}, // others are not ruled out
        {"Clouds can be seen. It could be Spain or Mexico.", 1, 1, 0, 0, 0}, // they tell nothing
        {"I see a minaret. This points to Italy.", 1, 0, 1, 0, 0},           // there is none
        {"I see a minaret. This points to Turkey. I see a gondola. So the place is Venice in Italy.", 2, 0, 1,
         0, 0},
        {"A car keeps to the right side of the road. That leaves France, Italy and the Netherlands.", 1, 0, 0,
         0, 0},
        {"A car drives on the left. This points to Italy.", 1, 0, 1, 0, 0}, // it does not
        {"Traffic keeps right, as a car on the left shows. That leaves only Italy.", 1, 1, 0, 0, 0},
        {"I see a flag with green, white and red upright bands on the right. This fits only Italy.", 1, 0, 0,
         0, 0},
        {"I see a flag with a red disc on white on the right. This fits only Italy.", 1, 0, 1, 0, 0},
        {"I see a flag in the middle. This fits only Italy.", 1, 1, 0, 0, 0}, // which flag is not said
        {"A sign with the Italian word PIAZZA on the left. This points to Italy.", 1, 0, 0, 1, 1},
        {"A sign with the Italian word VIA on the left. This points to Italy.", 1, 0, 0, 1,
         0}, // its language is right
        {"A sign with the Spanish word CALLE on the left. This points to Italy.", 1, 0, 1, 1, 0},
        {"A sign in the middle. A stop sign with the word ALTO.", 0, 0, 0, 1, 0},
        {"The sign says \"Piazza\". The other says \"Via\".", 0, 0, 0, 2, 1},
        {"A zeppelin hangar. This must be Germany.", 1, 0, 0, 0, 0}, // a thing that Postcards cannot draw
        {"I see a canal and a gondola. The place is Bangkok in Thailand.", 1, 1, 0, 0, 0},
        {"This is not Spain.", 0, 0, 0, 0, 0},
        {"", 0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct consistency found = of_card(cases[i].reasoning);
        const struct counted *want = &cases[i];
        if (found.inferences != want->inferences || found.invalid != want->invalid ||
            found.unsupported != want->unsupported || found.signs != want->signs ||
            found.signs_right != want->signs_right)
            fail_msg("case %zu: %zu inferences, %zu invalid, %zu unsupported, %zu signs, %zu right: %s", i,
                     found.inferences, found.invalid, found.unsupported, found.signs, found.signs_right,
                     want->reasoning);
    }
    struct consistency none = measure("There is a canal. This points to Italy.", "Italy", "Venice", NULL);
    assert_int_equal(none.inferences, 0); // nothing is known of its clues
}

static void totals_are_of_answers(void **state) {
    (void)state;
    struct consistency_totals totals = {0};
    struct consistency one = of_card(
                           "There is a canal. This points to Italy. A sign with the Italian word VIA."),
                       other = of_card("I see a gondola. My answer is Rome in Italy.");
    consistency_add(&totals, &one);
    consistency_add(&totals, &other);
    assert_int_equal(totals.answers, 2);
    assert_int_equal(totals.reasonings, 2);
    assert_int_equal(totals.with_clues, 2);
    assert_int_equal(totals.contradictions, 1);
    assert_int_equal(totals.with_invalid, 1);
    assert_int_equal(totals.signs, 1);
    assert_int_equal(totals.signs_right, 0);
}

// ---- the reward -----------------------------------------------------------------------------------------

static double reward_of_text(const char *spec, const char *text) {
    struct row row;
    double value;
    const struct row_options options = {.images = ROW_OWN_IMAGES, .chat = ROW_CHAT_NONE, .truth = true};
    assert_ok(row_read(&row, card, strlen(card), &options, NULL, &error), error);
    struct reward_set *set = reward_set_open(&spec, 1, &(struct reward_options){.gazetteer = NULL}, &error);
    assert_got(set, error);
    const struct reward_completion completion = {.text = text, .length = strlen(text), .truth = &row.truth};
    const struct reward_batch batch = {.completions = &completion, .count = 1};
    assert_ok(reward_set_score(set, &batch, &value, NULL, &error), error);
    reward_set_close(set);
    row_free(&row);
    return value;
}

static double reward_of(const char *spec, const char *reasoning) {
    char text[1000];
    snprintf(text, sizeof text, "<think>%s</think><answer>country: Italy\ncity: Venice</answer>", reasoning);
    return reward_of_text(spec, text);
}

static void there_is_nothing_to_argue_for_without_an_answer(void **state) {
    (void)state;
    static const char *const texts[] = {"", "x", "<think><think>", "country: country: ",
                                        "<think>It may be Spain.</think><answer>country: \ncity: </answer>"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_near(reward_of_text("consistency", texts[i]), 0, 0);
    const char *declined = "<think>A room.</think><answer>country: unknown\ncity: unknown</answer>";
    assert_true(reward_of_text("consistency", declined) > 0);
}

static void the_reward_is_a_mean_of_what_applies(void **state) {
    (void)state;
    static const char
        good[] = "I see a gondola. So the place is Venice in Italy.",
        bad[] = "There is a canal. This points to Spain. I see a sign with the Italian word VIA. That "
                "leaves Italy.";
    assert_near(reward_of("consistency", good), 1, 0);
    assert_near(reward_of("consistency", "A street."), 0.5, 0);
    assert_near(reward_of("consistency:silent=0", "A street."), 0, 0);
    // It contradicts itself (0), one of two inferences is allowed (0.5), and its sign is misread (0).
    assert_near(reward_of("consistency", bad), 0.5 / 3, 1e-12);
    assert_near(reward_of("consistency:contradiction=0,reading=0", bad), 0.5, 1e-12);
    assert_near(reward_of("consistency:inference=0,reading=2,contradiction=1", bad), 0, 1e-12);
    assert_true(isnan(reward_of("consistency:contradiction=0", "A street.")));
    const char *nothing = "consistency:contradiction=0,inference=0,reading=0";
    assert_null(reward_set_open(&nothing, 1, &(struct reward_options){.gazetteer = NULL}, &error));
    assert_error(-1, error, ERROR_USAGE, "nothing is measured");
}

static void odd_texts_are_read(void **state) {
    (void)state;
    char text[4096];
    const char *at = text;
    memset(text, 'A', sizeof text - 1);
    text[sizeof text - 1] = 0;
    char sentence[64];
    assert_true(sentence_next(&at, sentence, sizeof sentence));
    assert_int_equal(strlen(sentence), 63);
    assert_false(sentence_next(&at, sentence, sizeof sentence));
    at = "…ééééééééééééééééééééééééééééééééééé"; // cut between characters
    assert_true(sentence_next(&at, sentence, 20));
    assert_true(strlen(sentence) < 20 && ((unsigned char)sentence[strlen(sentence) - 1] & 0xC0) == 0x80);
    of_card("\xFF\xFE Only \"\xC3 leaves \"\" “ « Italy");
    of_card("sign with sign with sign in flag with");
    measure(text, "France", "Paris", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_argues_for_its_answer),
        cmocka_unit_test(what_contradicts_its_answer),
        cmocka_unit_test(what_says_nothing_neither_argues_nor_contradicts),
        cmocka_unit_test(clues_allow_or_do_not),
        cmocka_unit_test(totals_are_of_answers),
        cmocka_unit_test(there_is_nothing_to_argue_for_without_an_answer),
        cmocka_unit_test(the_reward_is_a_mean_of_what_applies),
        cmocka_unit_test(odd_texts_are_read),
    };
    return cmocka_run_group_tests(tests, open_atlas, close_atlas);
}
