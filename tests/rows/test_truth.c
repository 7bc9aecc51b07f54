// Rows of truth, read from files that are as they should be and from others.
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "rows/truth.h"

static struct error error;

static const char *file_of(const char *text) {
    const char *path = test_temporary("rows.jsonl");
    test_write(path, text, strlen(text));
    return path;
}

static const char one_row[] =
    "{\"images\":[\"cards/"
    "0.jpg\"],\"country\":\"France\",\"country_code\":\"FR\",\"city\":\"Paris\",\"lat\":48.8566,"
    "\"lon\":2.3522,\"locatable\":true,\"city_determined\":false,\"difficulty\":\"hard\",\"index\":7,"
    "\"entities\":[{\"text\":\"sign\",\"share\":0.1},\"river\"],\"clues\":[{\"text\":\"river\"},{\"text\":"
    "\"sign\","
    "\"detail\":\"with the French word "
    "RUE\",\"says\":\"RUE\",\"language\":\"French\",\"places\":[\"FR\",\"Rabat, MA\"]}]}\n";

static void reads_a_row(void **state) {
    (void)state;
    struct truth_list list = {0};
    const char *path = file_of(one_row);
    assert_ok(truth_read(&list, path, "difficulty", 10, &error), error);
    assert_int_equal(list.count, 1);
    const struct truth *row = list.rows;
    assert_string_equal(strrchr(row->photo, '/'), "/0.jpg");
    assert_memory_equal(row->photo, path, strlen(path) - strlen("rows.jsonl"));
    assert_string_equal(row->country, "France");
    assert_string_equal(row->city, "Paris");
    assert_string_equal(row->country_code, "FR");
    assert_true(row->has_position);
    assert_true(row->position.lat > 48 && row->position.lon < 3);
    assert_true(row->locatable);
    assert_false(row->city_determined);
    assert_int_equal(row->entity_count, 2);
    assert_string_equal(row->entities[1], "river");
    assert_string_equal(row->group, "hard");
    assert_true(row->has_clues);
    assert_int_equal(row->clue_count, 2);
    assert_true(row->clues[0].anywhere);
    assert_string_equal(row->clues[0].says, "");
    assert_false(row->clues[1].anywhere);
    assert_string_equal(row->clues[1].thing, "sign");
    assert_string_equal(row->clues[1].detail, "with the French word RUE");
    assert_string_equal(row->clues[1].says, "RUE");
    assert_string_equal(row->clues[1].language, "French");
    assert_int_equal(row->clues[1].place_count, 2);
    assert_string_equal(row->clues[1].places[1], "Rabat, MA");
    truth_free(&list);
    assert_ok(truth_read(&list, path, "index", 10, &error), error);
    assert_string_equal(list.rows[0].group, "7");
    truth_free(&list);
}

static void reads_no_place(void **state) {
    (void)state;
    struct truth_list list = {0};
    assert_ok(
        truth_read(
            &list,
            file_of("\n  \n{\"images\":[\"a.jpg\"],\"country\":\"unknown\",\"city\":\"unknown\",\"lat\":"
                    "null,\"lon\":null,\"country_code\":null,\"locatable\":false}"),
            NULL, 10, &error),
        error);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.rows[0].country, "");
    assert_string_equal(list.rows[0].group, "");
    assert_false(list.rows[0].has_position);
    assert_false(list.rows[0].has_entities);
    truth_free(&list);
}

static void reads_coordinates_alone(void **state) {
    (void)state;
    static const char *const rows[] = {
        "{\"images\":[\"a.jpg\"],\"lat\":1.5,\"lon\":-2.5}",
        "{\"image\":\"a.jpg\",\"latitude\":1.5,\"longitude\":-2.5,\"country\":null}",
        "{\"image\":{\"path\":\"a.jpg\"},\"latitude\":1.5,\"lng\":-2.5,\"lon\":-2.5,\"city\":\"unknown\"}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct truth_list list = {0};
        assert_ok(truth_read(&list, file_of(rows[i]), NULL, 10, &error), error);
        assert_true(list.rows[0].has_position && list.rows[0].locatable);
        assert_true(list.rows[0].position.lat == 1.5 && list.rows[0].position.lon == -2.5);
        assert_string_equal(list.rows[0].country, "");
        assert_string_equal(strrchr(list.rows[0].photo, '/'), "/a.jpg");
        truth_free(&list);
    }
}

static void stops_at_the_limit(void **state) {
    (void)state;
    struct truth_list list = {0};
    const char *path = file_of("{\"images\":[\"a.jpg\"],\"country\":\"Peru\"}\n"
                               "{\"images\":[\"b.jpg\"],\"country\":\"Peru\"}\nnot looked at\n");
    assert_ok(truth_read(&list, path, NULL, 2, &error), error);
    assert_int_equal(list.count, 2);
    truth_free(&list);
}

static void refuses(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"nonsense\n", "rows.jsonl:1: not valid JSON"},
        {"[1]\n", "rows.jsonl:1: not an object"},
        {"\n{\"country\":\"Peru\"}\n", "rows.jsonl:2: \"images\""},
        {"{\"images\":[],\"country\":\"Peru\"}\n", "\"images\""},
        {"{\"images\":[\"a\",\"b\"],\"country\":\"Peru\"}\n", "\"images\""},
        {"{\"images\":[\"\"],\"country\":\"Peru\"}\n", "\"images\" holds no path"},
        {"{\"images\":[\"a\\u0000b\"],\"country\":\"Peru\"}\n", "\"images\" holds no path"},
        {"{\"images\":[\"a\"]}\n", "no \"country\""},
        {"{\"images\":[\"a\"],\"image\":\"b\",\"country\":\"Peru\"}\n", "under both"},
        {"{\"images\":[\"a\"],\"lat\":1,\"latitude\":2,\"lon\":3}\n", "another key says"},
        {"{\"images\":[\"a\"],\"country\":3}\n", "\"country\""},
        {"{\"images\":[\"a\"],\"country\":\"Peru\",\"country_code\":\"Peru\"}\n", "\"country_code\""},
        {"{\"images\":[\"a\"],\"country\":\"Peru\",\"lat\":91,\"lon\":0}\n", "\"lat\""},
        {"{\"images\":[\"a\"],\"country\":\"Peru\",\"lat\":9}\n", "belong together"},
        {"{\"images\":[\"a\"],\"country\":\"Peru\",\"locatable\":1}\n", "\"locatable\""},
        {"{\"images\":[\"a\"],\"country\":\"Peru\",\"entities\":\"sign\"}\n", "\"entities\" must be a list"},
        {"{\"images\":[\"a\"],\"country\":\"Peru\",\"entities\":[{}]}\n", "without a text"},
        {"{\"images\":[\"a\"],\"country\":\"Peru\"}\n{\"images\":[\"a\"],\"country\":\"Peru\"}\n",
         "there twice"},
        {"{\"images\":[\"a\"],\"country\":\"Peru\",\"clues\":{}}\n", "\"clues\" must be a list"},
        {"{\"images\":[\"a\"],\"country\":\"Peru\",\"clues\":[\"a\"]}\n",
         "\"clues\" holds one without a text"},
        {"{\"images\":[\"a\"],\"country\":\"Peru\",\"clues\":[{\"text\":\"a\",\"says\":1}]}\n", "says"},
        {"{\"images\":[\"a\"],\"country\":\"Peru\",\"clues\":[{\"text\":\"a\",\"places\":[]}]}\n",
         "a list of 1 to"},
        {"{\"images\":[\"a\"],\"country\":\"Peru\",\"clues\":[{\"text\":\"a\",\"places\":[\"Peru\"]}]}\n",
         "not like"},
        {"{\"images\":[\"a\"],\"country\":\"Peru\",\"clues\":[{\"text\":\"a\",\"places\":[\"PE\",\"Lima,PE\"]"
         "}]}\n",
         "not like"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct truth_list list = {0};
        assert_error(truth_read(&list, file_of(bad[i].text), NULL, 10, &error), error, ERROR_INPUT,
                     bad[i].message);
        truth_free(&list);
    }
    struct truth_list list = {0};
    assert_error(truth_read(&list, file_of(one_row), "colour", 10, &error), error, ERROR_INPUT,
                 "no \"colour\"");
    assert_error(truth_read(&list, test_temporary("missing"), NULL, 10, &error), error, ERROR_INPUT,
                 "missing");
    truth_free(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_a_row), cmocka_unit_test(reads_no_place),
                                       cmocka_unit_test(stops_at_the_limit), cmocka_unit_test(refuses),
                                       cmocka_unit_test(reads_coordinates_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
