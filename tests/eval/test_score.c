// Scoring: answers that were written by hand, with counts that can be checked by hand.
#include "support.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "eval/score.h"

static struct error error;

static char palms[] = "palm trees", sea[] = "sea", taxi[] = "yellow taxi", sign[] = "sign";
static char *entities[] = {palms, sea, taxi, sign, sign};

// The lists own their texts; these are never freed.
static char *text(const char *constant) {
    return (char *)(uintptr_t)constant;
}

static struct truth athens(void) {
    return (struct truth){.photo = text("a.jpg"),
                          .country = text("Greece"),
                          .city = text("Athens"),
                          .country_code = "GR",
                          .has_position = true,
                          .position = {37.9838, 23.7275},
                          .locatable = true,
                          .city_determined = true,
                          .has_entities = true,
                          .entities = entities,
                          .entity_count = 5,
                          .group = text("easy")};
}

static struct truth nowhere(void) {
    return (struct truth){
        .photo = text("b.jpg"), .country = text(""), .city = text(""), .group = text("easy")};
}

static struct score score_of(const struct truth *truth, const char *text) {
    struct score score = {0};
    json_t *answer = json_read_buffer(text, strlen(text), "answer", &error);
    assert_got(answer, error);
    assert_ok(score_add(&score, truth, answer, NULL, &error), error);
    json_decref(answer);
    return score;
}

#define PLACE(country, code, city, lat, lon)                                            \
    "\"place\":{\"country\":\"" country "\",\"country_code\":" code ",\"city\":\"" city \
    "\",\"latitude\":" lat ",\"longitude\":" lon "}"
#define FORMED "\"answer\":\"<think>x</think><answer>country: X\\ncity: Y</answer>\""

static void right_answer(void **state) {
    (void)state;
    struct truth truth = athens();
    struct score s =
        score_of(&truth, "{\"outcome\":\"placed\",\"confidence\":0.5,\"tokens\":7,\"seconds\":2," FORMED
                         "," PLACE("Greece", "\"GR\"", "Athens", "37.98", "23.73") "}");
    assert_int_equal(s.rows, 1);
    assert_int_equal(s.well_formed, 1);
    assert_int_equal(s.locatable, 1);
    assert_int_equal(s.locatable_right, 1);
    assert_int_equal(s.country_right, 1);
    assert_int_equal(s.city_right, 1);
    assert_int_equal(s.determined_right, 1);
    assert_int_equal(s.all_country_right + s.all_city_right, 2);
    assert_int_equal(s.placed, 1);
    const size_t within[] = {1, 1, 1, 1, 1}; // 0.47 km
    assert_memory_equal(s.within, within, sizeof within);
    assert_int_equal(s.anywhere, 0);
    assert_int_equal(s.tokens, 7);
    assert_near(s.seconds, 2, 1e-12);
    assert_int_equal(s.sure_right_count, 1);
    assert_int_equal(s.sure_wrong_count, 0);
}

// Thessaloniki: the country is right, the city is not, and it is 300 km away.
static void other_city(void **state) {
    (void)state;
    struct truth truth = athens();
    struct score s = score_of(&truth, "{\"outcome\":\"placed\",\"confidence\":0.25," PLACE(
                                          "Greece", "\"GR\"", "Thessaloniki", "40.64", "22.94") "}");
    assert_int_equal(s.country_right, 1);
    assert_int_equal(s.city_right, 0);
    assert_int_equal(s.determined, 1);
    assert_int_equal(s.determined_right, 0);
    assert_int_equal(s.well_formed, 0);
    const size_t within[] = {0, 0, 0, 1, 1};
    assert_memory_equal(s.within, within, sizeof within);
}

static void wrong_country(void **state) {
    (void)state;
    struct truth truth = athens();
    struct score s = score_of(&truth, "{\"outcome\":\"placed\",\"confidence\":0.25," PLACE(
                                          "United States", "\"US\"", "New York", "40.7", "-74") "}");
    assert_int_equal(s.country_right + s.city_right + s.all_country_right, 0);
    assert_int_equal(s.locatable_right, 1);
    assert_int_equal(s.within[4], 0);
    assert_int_equal(s.sure_wrong_count, 1);
    assert_near(s.sure_wrong, 0.25, 1e-12);
}

// Names decide where codes are missing, whatever their spelling.
static void names_without_codes(void **state) {
    (void)state;
    struct truth truth = athens();
    truth.city = text("Saint-\xC3\x89tienne");
    truth.has_position = false;
    struct score s = score_of(
        &truth, "{\"outcome\":\"placed\"," PLACE("GREECE", "null", "St. Etienne", "null", "null") "}");
    assert_int_equal(s.country_right, 1);
    assert_int_equal(s.city_right, 1);
    assert_int_equal(s.placed, 0);
}

// A place without a name that both know, but near enough.
static void near_city(void **state) {
    (void)state;
    struct truth truth = athens();
    struct score s = score_of(
        &truth, "{\"outcome\":\"placed\"," PLACE("Greece", "\"GR\"", "Piraeus", "37.95", "23.64") "}");
    assert_int_equal(s.city_right, 1);
    assert_int_equal(s.within[0], 0);
}

static void declining(void **state) {
    (void)state;
    struct truth here = athens(), none = nowhere();
    struct score s = score_of(&none, "{\"outcome\":\"not_locatable\",\"place\":null}");
    assert_int_equal(s.anywhere, 1);
    assert_int_equal(s.anywhere_right, 1);
    assert_int_equal(s.all_country_right, 1);
    assert_int_equal(s.locatable, 0);
    s = score_of(&none, "{\"outcome\":\"placed\"," PLACE("Greece", "\"GR\"", "Athens", "37.98", "23.73") "}");
    assert_int_equal(s.anywhere_right, 0);
    s = score_of(&none, "{\"outcome\":\"no_answer\"}"); // saying nothing is not saying that it cannot be told
    assert_int_equal(s.anywhere_right, 0);
    s = score_of(&here, "{\"outcome\":\"not_locatable\",\"place\":null}");
    assert_int_equal(s.locatable_right, 0);
    assert_int_equal(s.country_right, 0);
    s = score_of(&here, "{\"outcome\":\"failed\",\"error\":{\"status\":3,\"message\":\"x\"}}");
    assert_int_equal(s.failed, 1);
    assert_int_equal(s.rows, 1);
    assert_int_equal(s.visible, 0);
}

// A withheld place is no answer.
static void abstaining(void **state) {
    (void)state;
    struct truth here = athens(), none = nowhere();
    const char *text = "{\"outcome\":\"abstained\",\"place\":null,\"withheld\":{\"country\":\"Greece\"}}";
    assert_int_equal(score_of(&here, text).country_right, 0);
    assert_int_equal(score_of(&here, text).locatable_right, 0);
    assert_int_equal(score_of(&none, text).anywhere_right, 1);
}

static void mentions(void **state) {
    (void)state;
    struct truth truth = athens();
    // Palm trees and a sign are there, a fire hydrant is not; of the four things there, two are named.
    struct score s =
        score_of(&truth, "{\"outcome\":\"placed\",\"reasoning\":\"I see palm trees on the left. A "
                         "fire hydrant is there, and a sign with the word EXIT.\"}");
    assert_int_equal(s.named, 3);
    assert_int_equal(s.named_right, 2);
    assert_int_equal(s.visible, 4);
    truth.has_entities = false; // nobody knows what is there
    s = score_of(&truth, "{\"outcome\":\"placed\",\"reasoning\":\"palm trees\"}");
    assert_int_equal(s.named + s.visible, 0);
}

static void sums(void **state) {
    (void)state;
    struct truth here = athens(), none = nowhere();
    struct score a = score_of(&here, "{\"outcome\":\"placed\",\"confidence\":1," PLACE(
                                         "Greece", "\"GR\"", "Athens", "37.98", "23.73") "}");
    struct score b = score_of(&none, "{\"outcome\":\"not_locatable\"}"), total = {0};
    score_sum(&total, &a);
    score_sum(&total, &b);
    score_sum(&total, &a);
    assert_int_equal(total.rows, 3);
    assert_int_equal(total.country_right, 2);
    assert_int_equal(total.all_country_right, 3);
    assert_int_equal(total.anywhere_right, 1);
    assert_int_equal(total.within[0], 2);
    assert_int_equal(total.sure_right_count, 2);
    assert_near(total.sure_right, 2, 1e-12);
    assert_int_equal(total.visible, 8);
}

static void chance(void **state) {
    (void)state;
    struct truth rows[] = {athens(), athens(), athens(), nowhere()};
    rows[1].country = text("France"), rows[1].city = text("Paris");
    rows[2].city = text("Thessaloniki");
    const struct truth_list list = {.rows = rows, .count = 4};
    struct chance found;
    assert_ok(score_chance(&found, &list, &error), error);
    assert_near(found.country, 2.0 / 3, 1e-12);
    assert_near(found.city, 1.0 / 3, 1e-12);
    assert_near(found.locatable, 0.75, 1e-12);
}

// A row of coordinates alone: the distance counts, names do not, neither right nor wrong.
static void coordinates_alone(void **state) {
    (void)state;
    struct truth truth = athens();
    truth.country = truth.city = text("");
    memset(truth.country_code, 0, sizeof truth.country_code);
    struct score s = score_of(&truth, "{\"outcome\":\"placed\",\"confidence\":0.5," PLACE(
                                          "Greece", "\"GR\"", "Athens", "37.98", "23.73") "}");
    assert_int_equal(s.locatable_right, 1);
    assert_int_equal(s.placed, 1);
    assert_int_equal(s.within[0], 1);
    assert_int_equal(s.countries + s.cities + s.determined + s.all_countries + s.all_cities, 0);
    assert_int_equal(s.country_right + s.city_right + s.sure_right_count + s.sure_wrong_count, 0);
    truth.country = text("Greece"); // a country, and no city
    s = score_of(&truth,
                 "{\"outcome\":\"placed\"," PLACE("Greece", "\"GR\"", "Athens", "37.98", "23.73") "}");
    assert_int_equal(s.countries, 1);
    assert_int_equal(s.country_right, 1);
    assert_int_equal(s.cities, 0);
    struct truth rows[] = {athens(), athens()};
    rows[0].country = rows[0].city = rows[1].city = text("");
    struct chance found;
    assert_ok(score_chance(&found, &(struct truth_list){.rows = rows, .count = 2}, &error), error);
    assert_near(found.country, 1, 1e-12);
    assert_true(isnan(found.city));
}

static void assert_refused(const char *text) {
    struct truth truth = athens();
    struct score score = {0};
    json_t *answer = json_read_buffer(text, strlen(text), "answer", &error);
    assert_got(answer, error);
    assert_int_equal(score_add(&score, &truth, answer, NULL, &error), -1);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_int_equal(score.rows, 0);
    json_decref(answer);
}

static void no_answers(void **state) {
    (void)state;
    assert_refused("{}");
    assert_refused("[]");
    assert_refused("{\"outcome\":3}");
    assert_refused("{\"outcome\":\"placed\",\"place\":\"Paris\"}");
    assert_refused("{\"outcome\":\"placed\",\"place\":{\"latitude\":91,\"longitude\":0}}");
    assert_refused("{\"outcome\":\"placed\",\"confidence\":2}");
}

static void reasonings_contradict_their_answers(void **state) {
    (void)state;
    struct atlas *atlas = atlas_open(NULL, &error);
    assert_got(atlas, error);
    static const char *const answers[] = {"{\"answer\":\"<think>So the place is Athens in "
                                          "Greece.</think><answer>country: Greece\\ncity: Athens</answer>\"}",
                                          "{\"answer\":\"<think>So the place is Rome in "
                                          "Italy.</think><answer>country: Greece\\ncity: Athens</answer>\"}",
                                          "{\"answer\":\"\"}", "{\"outcome\":\"failed\",\"answer\":null}"};
    struct truth truth = athens();
    struct score score = {0}, total = {0};
    for (size_t i = 0; i < 4; i++) {
        json_t *answer = json_read_buffer(answers[i], strlen(answers[i]), "answer", &error);
        assert_got(answer, error);
        assert_ok(score_add_consistency(&score, &truth, answer, atlas, &error), error);
        json_decref(answer);
    }
    score_sum(&total, &score);
    score_sum(&total, &score);
    assert_int_equal(total.consistency.reasonings, 4);
    assert_int_equal(total.consistency.contradictions, 2);
    atlas_close(atlas);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_answer),
        cmocka_unit_test(other_city),
        cmocka_unit_test(wrong_country),
        cmocka_unit_test(names_without_codes),
        cmocka_unit_test(near_city),
        cmocka_unit_test(declining),
        cmocka_unit_test(abstaining),
        cmocka_unit_test(mentions),
        cmocka_unit_test(sums),
        cmocka_unit_test(chance),
        cmocka_unit_test(no_answers),
        cmocka_unit_test(coordinates_alone),
        cmocka_unit_test(reasonings_contradict_their_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
