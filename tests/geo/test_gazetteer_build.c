// The builder on a synthetic dump: invented places in GeoNames' layout (tests/data/geo/dump).
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "geo/gazetteer.h"
#include "geo/gazetteer_build.h"

static struct gazetteer_build_report build(const char *output, int64_t min_population) {
    struct error error;
    struct gazetteer_build_report report;
    struct gazetteer_build_options options = {
        .folder = test_data("geo/dump"), .curated = test_data("geo/dump/curated.tsv"), .source = "synthetic"};
    options.min_population = min_population;
    assert_ok(gazetteer_build(&options, output, &report, &error), error);
    return report;
}

static struct gazetteer_answer look_up(struct gazetteer *gazetteer, const char *city, const char *country) {
    struct error error;
    struct gazetteer_answer answer;
    struct gazetteer_query query = {.city = city, .country = country};
    assert_ok(gazetteer_lookup(gazetteer, &query, &answer, &error), error);
    return answer;
}

static void assert_top(struct gazetteer *gazetteer, const char *city, const char *country, int64_t id) {
    struct gazetteer_answer answer = look_up(gazetteer, city, country);
    if (answer.count == 0 || answer.candidates[0].place.id != id)
        fail_msg("%s, %s: got %lld", city, country ? country : "-",
                 answer.count ? (long long)answer.candidates[0].place.id : 0LL);
}

static void test_content(void **state) {
    (void)state;
    struct error error;
    char path[1024];
    snprintf(path, sizeof path, "%s", test_temporary("content.sqlite"));
    struct gazetteer_build_report report = build(path, 0);
    assert_int_equal(report.places, 7); // six and the curated one; the historical and the lake are left out
    assert_int_equal(report.districts, 1);
    assert_int_equal(report.regions, 3);
    assert_int_equal(report.countries, 3);
    assert_int_equal(report.curated_unresolved, 0);
    struct gazetteer *gazetteer = gazetteer_open(path, &error);
    assert_got(gazetteer, error);
    assert_ok(gazetteer_check(gazetteer, &error), error);
    assert_top(gazetteer, "Grünstadt", "Arvania", 1001);
    assert_top(gazetteer, "gruenstadt", "XA", 1001);
    assert_top(gazetteer, "Villeverte", "Arwanien", 1001);
    assert_top(gazetteer, "Vertville", "XAA", 1001);
    assert_top(gazetteer, "Southport", "Belmora", 2003);
    assert_top(gazetteer, "Southport", "Mora", 2003);
    assert_top(gazetteer, "Southport", NULL, 1002);
    assert_top(gazetteer, "Вестхавен", "Belmora", 2001);
    assert_top(gazetteer, "Port of the South", "Arvania", 1002);
    assert_top(gazetteer, "Morning Haven", NULL, 2002);
    assert_top(gazetteer, "Cape Tiny", "Belmora", 1200000001);
    assert_top(gazetteer, "The North Country", "Arvania", 201);
    assert_top(gazetteer, "Westhavn", "Belmora", 2001); // one letter short
    assert_int_equal(look_up(gazetteer, "Ruinton", "Arvania").outcome, LOOKUP_CONTAINER);
    assert_int_equal(look_up(gazetteer, "https://example.org/g", NULL).outcome, LOOKUP_NOT_FOUND);
    assert_int_equal(look_up(gazetteer, "GRU", NULL).outcome, LOOKUP_NOT_FOUND);
    struct gazetteer_answer answer = look_up(gazetteer, NULL, "Arvania");
    assert_int_equal(answer.candidates[0].place.id, 101);
    assert_int_equal(answer.candidates[0].place.population, 250900); // the district is the city's
    assert_float_equal(answer.candidates[0].place.at.lat, 11.0, 1e-9);
    answer = look_up(gazetteer, NULL, "Cold Rock");
    assert_float_equal(answer.candidates[0].place.at.lat, -61, 1e-9);
    assert_float_equal(answer.candidates[0].place.radius_km, 40, 1e-9);
    struct gazetteer_place place;
    assert_int_equal(gazetteer_find_id(gazetteer, 1001, &place, &error), 1);
    assert_string_equal(place.region, "Nörd");
    assert_string_equal(place.country, "Arvania");
    assert_int_equal(gazetteer_find_id(gazetteer, 2001, &place, &error), 1);
    assert_string_equal(place.country, "Free Belmora"); // renamed, and found by either name
    assert_top(gazetteer, "Westhaven", "Belmora", 2001);
    assert_top(gazetteer, "Westhaven", "Free Belmora", 2001);
    assert_int_equal(gazetteer_find_id(gazetteer, 1005, &place, &error), 0);
    gazetteer_close(gazetteer);
}

static void test_nearest_across_the_date_line(void **state) {
    (void)state;
    struct error error;
    char path[1024];
    snprintf(path, sizeof path, "%s", test_temporary("nearest.sqlite"));
    build(path, 0);
    struct gazetteer *gazetteer = gazetteer_open(path, &error);
    assert_got(gazetteer, error);
    struct gazetteer_neighbour near[3];
    assert_int_equal(gazetteer_nearest(gazetteer, (struct point){-5, 179.95}, 3, 0, near, &error), 3);
    assert_int_equal(near[0].place.id, 2002);
    assert_int_equal(near[1].place.id, 2001);
    assert_int_equal(near[2].place.id, 2003);
    assert_true(near[0].distance_km <= near[1].distance_km && near[1].distance_km <= near[2].distance_km);
    assert_int_equal(gazetteer_nearest(gazetteer, (struct point){-5, 179.95}, 1, 100000, near, &error), 1);
    assert_int_equal(near[0].place.id, 2001);
    gazetteer_close(gazetteer);
}

static void test_min_population(void **state) {
    (void)state;
    assert_int_equal(build(test_temporary("large.sqlite"), 10000).places, 4); // with the curated place
}

static void test_deterministic(void **state) {
    (void)state;
    struct error error;
    char first[1024], second[1024];
    snprintf(first, sizeof first, "%s", test_temporary("first.sqlite"));
    snprintf(second, sizeof second, "%s", test_temporary("second.sqlite"));
    build(first, 0);
    build(second, 0);
    size_t a_length, b_length;
    char *a = file_read(first, 1 << 24, &a_length, &error),
         *b = file_read(second, 1 << 24, &b_length, &error);
    assert_got(a && b, error);
    assert_int_equal(a_length, b_length);
    assert_memory_equal(a, b, a_length);
    free(a);
    free(b);
}

// A folder with good files, one of which is then replaced.
static void write_dump(const char *folder, const char *name, const char *text) {
    char path[1200];
    const char *const good[][2] = {
        {"countryInfo.txt", "XA\tXAA\t\t\tArvania\t\t\t\t\t\t\t\t\t\t\t\t101\t\t\n"},
        {"admin1CodesASCII.txt", "XA.01\tNord\tNord\t201\n"},
        {"cities500.txt", "1\tTown\tTown\t\t10\t20\tP\tPPL\tXA\t\t01\t\t\t\t500\t\t\t\t\n"},
        {"alternateNamesV2.txt", "1\t1\ten\tVille\t\t\t\t\t\t\n"},
    };
    mkdir(folder, 0777);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, good[i][0]);
        const char *content = strcmp(good[i][0], name) ? good[i][1] : text;
        test_write(path, content, strlen(content));
    }
}

static void assert_bad_dump(const char *name, const char *text, const char *expected) {
    struct error error;
    struct gazetteer_build_report report;
    char folder[1024], output[1024];
    snprintf(folder, sizeof folder, "%s", test_temporary("bad"));
    snprintf(output, sizeof output, "%s", test_temporary("bad.sqlite"));
    write_dump(folder, name, text);
    struct gazetteer_build_options options = {.folder = folder};
    assert_error(gazetteer_build(&options, output, &report, &error), error, ERROR_INPUT, expected);
    assert_false(file_exists(output));
}

static void test_bad_dumps(void **state) {
    (void)state;
    struct error error;
    struct gazetteer_build_report report;
    assert_bad_dump("cities500.txt", "1\tTown\n", "cities500.txt:1: expected 19 columns");
    assert_bad_dump("cities500.txt", "", "hold no place");
    assert_bad_dump("cities500.txt", "x\tTown\t\t\t10\t20\tP\tPPL\tXA\t\t01\t\t\t\t5\n",
                    "whole number >= 0, found \"x\"");
    assert_bad_dump("cities500.txt", "1\tTown\t\t\t91\t20\tP\tPPL\tXA\t\t01\t\t\t\t5\n",
                    "degrees, found \"91\"");
    assert_bad_dump("cities500.txt", "1\tTown\t\t\tnan\t20\tP\tPPL\tXA\t\t01\t\t\t\t5\n",
                    "degrees, found \"nan\"");
    assert_bad_dump("cities500.txt", "1\tTown\t\t\t1\t20\tP\tPPL\tXA\t\t01\t\t\t\t-5\n", "found \"-5\"");
    assert_bad_dump("cities500.txt", "1\tT\xff\t\t\t1\t20\tP\tPPL\tXA\t\t01\t\t\t\t5\n", "invalid UTF-8");
    assert_bad_dump("cities500.txt",
                    "1\tA\t\t\t1\t2\tP\tPPL\tXA\t\t01\t\t\t\t5\n1\tB\t\t\t1\t2\tP\tPPL\tXA\t\t01\t\t\t\t5\n",
                    "id 1 stands for");
    assert_bad_dump("countryInfo.txt", "xa\tXAA\t\t\tA\t\t\t\t\t\t\t\t\t\t\t\t1\n",
                    "a country code, found \"xa\"");
    assert_bad_dump("countryInfo.txt", "XA\tXAA\n", "expected 19 columns");
    assert_bad_dump("admin1CodesASCII.txt", "XA01\tNord\tNord\t201\n", "region code");
    assert_bad_dump("admin1CodesASCII.txt", "XA.01\n", "expected 4 columns");
    assert_bad_dump("alternateNamesV2.txt", "1\tone\ten\tVille\n", "found \"one\"");
    struct gazetteer_build_options nowhere = {.folder = "/nonexistent"};
    assert_error(gazetteer_build(&nowhere, "x.sqlite", &report, &error), error, ERROR_INPUT, "/nonexistent");
    struct gazetteer_build_options good = {.folder = test_data("geo/dump")};
    assert_true(gazetteer_build(&good, "/nonexistent/x.sqlite", &report, &error) != 0);
    char curated[1024];
    snprintf(curated, sizeof curated, "%s", test_temporary("curated.tsv"));
    const char *const rows[][2] = {{"rename\tXA\tB\n", "found \"rename\""},
                                   {"alias\tXA\n", "expected kind"},
                                   {"centre\tXA\t1\n", "latitude, longitude"},
                                   {"place\t1\tXA\t1\n", "id, country"}};
    good.curated = curated;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        test_write(curated, rows[i][0], strlen(rows[i][0]));
        assert_error(gazetteer_build(&good, test_temporary("c.sqlite"), &report, &error), error, ERROR_INPUT,
                     rows[i][1]);
    }
    test_write(curated, "alias\tXA/Atlantis\tUtopia\n", 25);
    assert_ok(gazetteer_build(&good, test_temporary("c.sqlite"), &report, &error), error);
    assert_int_equal(report.curated_unresolved, 1);
    assert_string_equal(report.first_unresolved, "line 1: XA/Atlantis");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content),        cmocka_unit_test(test_nearest_across_the_date_line),
        cmocka_unit_test(test_min_population), cmocka_unit_test(test_deterministic),
        cmocka_unit_test(test_bad_dumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
