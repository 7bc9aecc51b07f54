// The gazetteer that globe ships: what it says, how it refuses, how quick it is.
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "geo/gazetteer.h"

static const char shipped[] = TEST_BINARY_DIR "/data/gazetteer.sqlite";
static struct gazetteer *gazetteer;

static int open_shipped(void **state) {
    (void)state;
    struct error error;
    gazetteer = gazetteer_open(shipped, &error);
    if (!gazetteer) print_error("%s\n", error.message);
    return gazetteer ? 0 : -1;
}

static int close_shipped(void **state) {
    (void)state;
    gazetteer_close(gazetteer);
    return 0;
}

static struct gazetteer_answer look_up(const char *city, const char *region, const char *country) {
    struct error error;
    struct gazetteer_answer answer;
    struct gazetteer_query query = {.city = city, .region = region, .country = country};
    assert_ok(gazetteer_lookup(gazetteer, &query, &answer, &error), error);
    return answer;
}

static struct gazetteer_answer look_up_text(const char *text) {
    struct error error;
    struct gazetteer_answer answer;
    assert_ok(gazetteer_lookup_text(gazetteer, text, &answer, &error), error);
    return answer;
}

static void assert_place(const struct gazetteer_answer *answer, const char *name, const char *code) {
    assert_true(answer->count > 0);
    assert_string_equal(answer->candidates[0].place.name, name);
    assert_string_equal(answer->candidates[0].place.country_code, code);
}

static void test_content(void **state) {
    (void)state;
    struct error error;
    struct gazetteer_info info;
    assert_ok(gazetteer_get_info(gazetteer, &info, &error), error);
    assert_true(info.places + info.districts > 135000);
    assert_true(info.countries >= 246);
    assert_true(info.names > 270000);
    assert_non_null(strstr(info.licence, "CC BY 4.0"));
    assert_non_null(strstr(info.source, "GeoNames"));
    assert_ok(gazetteer_check(gazetteer, &error), error);
}

static void test_match_kinds(void **state) {
    (void)state;
    struct gazetteer_answer answer = look_up("Munich", NULL, "Germany");
    assert_place(&answer, "Munich", "DE");
    assert_int_equal(answer.outcome, LOOKUP_FOUND);
    assert_int_equal(answer.candidates[0].match, MATCH_EXACT);
    assert_string_equal(answer.candidates[0].place.region, "Bavaria");
    assert_true(answer.candidates[0].score > 0.9 && answer.candidates[0].score <= 1);
    assert_true(answer.candidates[0].place.radius_km > 5 && answer.candidates[0].place.radius_km < 30);
    assert_int_equal(look_up("München", NULL, "Deutschland").candidates[0].match, MATCH_ALTERNATE);
    assert_int_equal(look_up("City of Munich", NULL, "DE").candidates[0].match, MATCH_SIMPLIFIED);
    answer = look_up("Muncih", NULL, "Germany");
    assert_place(&answer, "Munich", "DE");
    assert_int_equal(answer.candidates[0].match, MATCH_FUZZY);
    assert_int_equal(answer.candidates[0].edits, 1);
    assert_int_equal(look_up("Muncih", NULL, "Germany").candidates[0].place.kind, PLACE_CITY);
}

static void test_contradiction_is_told(void **state) {
    (void)state;
    struct gazetteer_answer answer = look_up("Toronto", NULL, "Germany");
    assert_int_equal(answer.outcome, LOOKUP_CONFLICT);
    assert_place(&answer, "Toronto", "CA"); // well known: before the country
    assert_false(answer.candidates[0].country_agrees);
    assert_string_equal(answer.country_code, "DE");
    const struct gazetteer_candidate *last = &answer.candidates[answer.count - 1];
    assert_int_equal(last->match, MATCH_CONTAINER);
    assert_string_equal(last->place.country_code, "DE");
    assert_int_equal(look_up_text("Toronto, Germany").outcome, LOOKUP_CONFLICT);
    answer = look_up("Qwxyzzy", NULL, "Germany");
    assert_int_equal(answer.outcome, LOOKUP_CONTAINER);
    assert_place(&answer, "Germany", "DE");
    assert_int_equal(look_up("Qwxyzzy", NULL, NULL).outcome, LOOKUP_NOT_FOUND);
    assert_int_equal(look_up("Qwxyzzy", NULL, NULL).count, 0);
    assert_int_equal(look_up("Paris", NULL, "Atlantis").outcome, LOOKUP_CONFLICT);
    assert_int_equal(look_up("Qwxyzzy", NULL, "Atlantis").outcome, LOOKUP_NOT_FOUND);
    assert_int_equal(look_up("Paris", NULL, "unknown").outcome, LOOKUP_FOUND);
}

// A region that was named is no less named than a country.
static void test_another_region_is_a_conflict(void **state) {
    (void)state;
    struct gazetteer_answer answer = look_up("Springfield, Hawaii", NULL, "USA");
    assert_int_equal(answer.outcome, LOOKUP_CONFLICT);
    assert_place(&answer, "Hawaii", "US"); // many Springfields: none of them is meant
    assert_int_equal(answer.fallback, FALLBACK_REGION);
    answer = look_up("Springfield", "Hawaii", "USA");
    assert_int_equal(answer.outcome, LOOKUP_CONFLICT);
    assert_place(&answer, "Hawaii", "US");
    assert_int_equal(look_up_text("London, Texas, USA").outcome, LOOKUP_CONFLICT);
    answer = look_up("Mumbai", "Gujarat", "India"); // one is well known
    assert_int_equal(answer.outcome, LOOKUP_CONFLICT);
    assert_place(&answer, "Mumbai", "IN");
    assert_false(answer.candidates[0].region_agrees);
    assert_int_equal(look_up("Springfield, Illinois", NULL, "USA").outcome, LOOKUP_FOUND);
    assert_int_equal(look_up("Cornwall", NULL, "England").outcome, LOOKUP_FOUND); // an area has no region
    assert_int_equal(look_up("Churchill, Manitoba", NULL, "Canada").outcome, LOOKUP_FOUND);
}

static void test_dashes_and_colons_part_names(void **state) {
    (void)state;
    const char *const names[][3] = {
        {"Cape Town \u2013 Waterfront", NULL, "Cape Town"},     {"Paris - Le Marais", "France", "Paris"},
        {"Istanbul \u2014 Beyo\u011flu", "Turkey", "Istanbul"}, {"Tokyo: Akihabara", "Japan", "Tokyo"},
        {"Bangkok > Thonglor", "Thailand", "Bangkok"},          {"Winston-Salem", "USA", "Winston-Salem"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct gazetteer_answer answer = look_up(names[i][0], NULL, names[i][1]);
        assert_true(answer.count > 0);
        assert_string_equal(answer.candidates[0].place.name, names[i][2]);
        assert_int_equal(answer.outcome, LOOKUP_FOUND);
        assert_false(answer.hedged);
    }
    assert_true(look_up("Tokyo - maybe Osaka", NULL, "Japan").hedged);
}

static void test_parts_of_countries_are_their_countries(void **state) {
    (void)state;
    const char *const names[][2] = {{"northern Italy", "IT"},
                                    {"Southern France", "FR"},
                                    {"the coast of Croatia", "HR"},
                                    {"coastal Norway", "NO"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct gazetteer_answer answer = look_up("unknown", NULL, names[i][0]);
        assert_true(answer.count > 0 && answer.hedged);
        assert_string_equal(answer.candidates[0].place.country_code, names[i][1]);
        assert_int_equal(answer.candidates[0].place.kind, PLACE_COUNTRY);
    }
    assert_false(look_up("Belfast", NULL, "Northern Ireland").hedged); // a name
}

static void test_invented_names_are_not_found(void **state) {
    (void)state;
    const char *const names[] = {"Wakanda",      "Westeros",   "Hogsmeade", "Narnia",
                                 "Minas Tirith", "Zootopia",   "Rivendell", "Asgard",
                                 "Winterfell",   "Lothlorien", "Xanadu",    "Mordor"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct gazetteer_answer answer = look_up(names[i], NULL, NULL);
        if (answer.outcome != LOOKUP_NOT_FOUND) fail_msg("%s: %s", names[i], answer.candidates[0].place.name);
    }
}

static void test_homonyms(void **state) {
    (void)state;
    struct gazetteer_answer answer = look_up("Springfield", NULL, NULL);
    assert_true(answer.same_name_places >= 15);
    assert_true(answer.candidates[0].score < 0.5);
    answer = look_up("San José", NULL, NULL);
    assert_true(answer.same_name_places > 20 && answer.same_name_countries >= 8);
    assert_int_equal(answer.count, GAZETTEER_CANDIDATES);
    for (int i = 1; i < answer.count; i++)
        assert_true(answer.candidates[i - 1].score >= answer.candidates[i].score);
    answer = look_up("Springfield", "Illinois", "USA");
    assert_string_equal(answer.candidates[0].place.region, "Illinois");
    assert_true(answer.candidates[0].score > 0.9);
}

static void assert_code(const char *text, const char *expected) {
    struct error error;
    char code[3];
    assert_ok(gazetteer_country_code(gazetteer, text, code, &error), error);
    if (strcmp(code, expected)) fail_msg("%s: %s, not %s", text, code, expected);
}

static void test_country_codes(void **state) {
    (void)state;
    const char *const cases[][2] = {
        {"USA", "US"},
        {"U.S.", "US"},
        {"America", "US"},
        {"UK", "GB"},
        {"England", "GB"},
        {"Scotland", "GB"},
        {"Wales", "GB"},
        {"Holland", "NL"},
        {"Czechia", "CZ"},
        {"Czech Republic", "CZ"},
        {"Korea", "KR"},
        {"North Korea", "KP"},
        {"Burma", "MM"},
        {"Ivory Coast", "CI"},
        {"Côte d’Ivoire", "CI"},
        {"Türkiye", "TR"},
        {"Swaziland", "SZ"},
        {"Macedonia", "MK"},
        {"DRC", "CD"},
        {"Congo-Kinshasa", "CD"},
        {"Vatican", "VA"},
        {"Deutschland", "DE"},
        {"Германия", "DE"},
        {"ドイツ", "DE"},
        {"德国", "DE"},
        {"Georgia", "GE"},
        {"Niger", "NE"},
        {"Nigeria", "NG"},
        {"Dominica", "DM"},
        {"Guinea-Bissau", "GW"},
        {"Austria", "AT"},
        {"Australia", "AU"},
        {"Slovakia", "SK"},
        {"Slovenia", "SI"},
        {"Iran", "IR"},
        {"Iraq", "IQ"},
        {"Mali", "ML"},
        {"Malawi", "MW"},
        {"Germny", "DE"},
        {"the Netherlands", "NL"},
        {"", ""},
        {"Narnia", ""},
        {"???", ""},
        {"Kingdom of Spain", "ES"},
        {"FR", "FR"},
        {"XK", "XK"},
        {"Hong Kong SAR", "HK"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_code(cases[i][0], cases[i][1]);
    assert_true(gazetteer_same_country("CN", "HK"));
    assert_true(gazetteer_same_country("HK", "CN"));
    assert_false(gazetteer_same_country("CN", "JP"));
    assert_false(gazetteer_same_country("", ""));
    assert_false(gazetteer_same_country("N H", "CN"));
}

static void test_countries_and_regions(void **state) {
    (void)state;
    struct gazetteer_answer answer = look_up(NULL, NULL, "France");
    assert_place(&answer, "France", "FR");
    assert_int_equal(answer.candidates[0].place.kind, PLACE_COUNTRY);
    assert_true(sphere_distance(answer.candidates[0].place.at, (struct point){46.8, 2.5}) < 150);
    assert_true(answer.candidates[0].place.radius_km > 250 && answer.candidates[0].place.radius_km < 700);
    answer = look_up("", "Bavaria", "Germany");
    assert_place(&answer, "Bavaria", "DE");
    assert_int_equal(answer.candidates[0].place.kind, PLACE_REGION);
    assert_int_equal(look_up("Tuscany", NULL, "Italy").candidates[0].place.kind, PLACE_REGION);
    assert_int_equal(look_up("N/A", NULL, "unknown").outcome, LOOKUP_NOT_FOUND);
    answer = look_up(NULL, NULL, "Antarctica");
    assert_true(answer.candidates[0].place.at.lat < -75);
}

static void test_free_text(void **state) {
    (void)state;
    const char *const cases[][3] = {
        {"Paris", "Paris", "FR"},
        {"Paris, Texas", "Paris", "US"},
        {"  paris ,FRANCE ", "Paris", "FR"},
        {"Springfield, Illinois, USA", "Springfield", "US"},
        {"France, Lyon", "Lyon", "FR"},
        {"Kyoto Japan", "Kyoto", "JP"},
        {"Austin Texas", "Austin", "US"},
        {"Atlanta, Georgia", "Atlanta", "US"},
        {"Tbilisi, Georgia", "Tbilisi", "GE"},
        {"東京、日本", "Tokyo", "JP"},
        {"Georgia", "Georgia", "GE"},
        {"Mexico", "Mexico", "MX"},
        {"Montmartre, Paris, Île-de-France, France", "Montmartre", "FR"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gazetteer_answer answer = look_up_text(cases[i][0]);
        if (answer.count == 0 || strcmp(answer.candidates[0].place.name, cases[i][1]) ||
            strcmp(answer.candidates[0].place.country_code, cases[i][2]))
            fail_msg("%s: %s, %s", cases[i][0], answer.count ? answer.candidates[0].place.name : "nothing",
                     answer.count ? answer.candidates[0].place.country_code : "");
    }
    assert_string_equal(look_up_text("Paris, Texas").candidates[0].place.region, "Texas");
    assert_int_equal(look_up_text("").outcome, LOOKUP_NOT_FOUND);
    assert_int_equal(look_up_text(" , ,; ,").outcome, LOOKUP_NOT_FOUND);
    assert_true(look_up_text("Georgia").count > 1); // the US state is told, too
}

static void test_nearest(void **state) {
    (void)state;
    struct error error;
    struct gazetteer_neighbour near[GAZETTEER_NEAREST];
    assert_int_equal(gazetteer_nearest(gazetteer, (struct point){48.8584, 2.2945}, 1, 1000000, near, &error),
                     1);
    assert_string_equal(near[0].place.name, "Paris");
    // At the pole, on the date line and far out at sea; longitudes in other turns.
    const struct point odd[] = {{90, 0}, {-90, 77}, {0, 180}, {-48.9, -123.4}, {48.8584, 362.2945}};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        assert_int_equal(gazetteer_nearest(gazetteer, odd[i], 5, 0, near, &error), 5);
        for (int n = 0; n < 5; n++) {
            assert_float_equal(near[n].distance_km, sphere_distance(odd[i], near[n].place.at), 1e-6);
            if (n > 0) assert_true(near[n].distance_km >= near[n - 1].distance_km);
        }
    }
    assert_int_equal(gazetteer_nearest(gazetteer, odd[0], GAZETTEER_NEAREST, 0, near, &error),
                     GAZETTEER_NEAREST);
    assert_int_equal(gazetteer_nearest(gazetteer, odd[0], 1, INT64_MAX, near, &error), 0);
    assert_error(gazetteer_nearest(gazetteer, (struct point){NAN, 0}, 1, 0, near, &error) < 0, error,
                 ERROR_INPUT, "not finite");
    assert_error(gazetteer_nearest(gazetteer, (struct point){91, 0}, 1, 0, near, &error) < 0, error,
                 ERROR_INPUT, "latitude 91");
    assert_error(gazetteer_nearest(gazetteer, odd[0], 0, 0, near, &error) < 0, error, ERROR_USAGE, "1 to 64");
    assert_error(gazetteer_nearest(gazetteer, odd[0], 65, 0, near, &error) < 0, error, ERROR_USAGE,
                 "1 to 64");
}

static void test_hostile_names(void **state) {
    (void)state;
    struct error error;
    struct gazetteer_answer answer;
    char *huge = malloc(10001);
    assert_non_null(huge);
    memset(huge, 'a', 10000);
    huge[10000] = 0;
    struct gazetteer_query long_city = {.city = huge}, long_region = {.city = "Paris", .region = huge},
                           long_country = {.city = "Paris", .country = huge},
                           bad_bytes = {.city = "Par\xffis"}, bad_limit = {.city = "Paris", .limit = 99};
    assert_error(gazetteer_lookup(gazetteer, &long_city, &answer, &error), error, ERROR_LIMIT, "10000 bytes");
    assert_error(gazetteer_lookup(gazetteer, &long_region, &answer, &error), error, ERROR_LIMIT,
                 "10000 bytes");
    assert_error(gazetteer_lookup(gazetteer, &long_country, &answer, &error), error, ERROR_LIMIT,
                 "10000 bytes");
    assert_error(gazetteer_lookup_text(gazetteer, huge, &answer, &error), error, ERROR_LIMIT, "10000 bytes");
    assert_error(gazetteer_lookup(gazetteer, &bad_bytes, &answer, &error), error, ERROR_INPUT,
                 "invalid UTF-8");
    assert_error(gazetteer_lookup(gazetteer, &bad_limit, &answer, &error), error, ERROR_USAGE, "limit 99");
    free(huge);
    assert_int_equal(look_up("'; DROP TABLE place; --", NULL, "\" OR 1=1").outcome, LOOKUP_NOT_FOUND);
    assert_int_equal(look_up("%", "_", "*").outcome, LOOKUP_NOT_FOUND);
    assert_int_equal(look_up("()[]/|;,", ",,,", "((").outcome, LOOKUP_NOT_FOUND);
    struct gazetteer_answer paris = look_up("Paris", NULL, "France");
    assert_place(&paris, "Paris", "FR");
}

static char *shipped_bytes(size_t *length) {
    struct error error;
    char *bytes = file_read(shipped, (size_t)1 << 28, length, &error);
    assert_got(bytes, error);
    return bytes;
}

static void assert_refused(const void *bytes, size_t length, const char *expected) {
    struct error error;
    char path[1024];
    snprintf(path, sizeof path, "%s", test_temporary("refused.sqlite"));
    test_write(path, bytes, length);
    struct gazetteer *opened = gazetteer_open(path, &error);
    assert_null(opened);
    test_check_error(&error, ERROR_INPUT, expected, __FILE__, __LINE__);
    test_check_error(&error, ERROR_INPUT, "refused.sqlite", __FILE__, __LINE__);
}

static void test_refused_files(void **state) {
    (void)state;
    struct error error;
    size_t length;
    char *bytes = shipped_bytes(&length);
    assert_refused("", 0, "not an SQLite file");
    assert_refused("hello, this is not a database at all", 36, "not an SQLite file");
    assert_refused(bytes, 50, "not an SQLite file");
    assert_refused(bytes, length / 2, "truncated");
    assert_refused(bytes, length - 1, "truncated");
    bytes[63] ^= 1; // user_version, big-endian at 60
    assert_refused(bytes, length, "version 3, this program reads version 2");
    bytes[63] ^= 1;
    bytes[71] ^= 1; // application_id, big-endian at 68
    assert_refused(bytes, length, "not a gazetteer");
    bytes[71] ^= 1;
    memset(bytes + 100, 0xA5, 3996); // the schema's page
    assert_refused(bytes, length, "refused.sqlite");
    free(bytes);
    assert_null(gazetteer_open("/nonexistent/gazetteer.sqlite", &error));
    test_check_error(&error, ERROR_INPUT, "/nonexistent/gazetteer.sqlite", __FILE__, __LINE__);
    assert_null(gazetteer_open("/tmp", &error));
}

// Damage behind the header is met while looking up: an error or an answer, never a crash.
static void test_damaged_pages(void **state) {
    (void)state;
    size_t length;
    char *bytes = shipped_bytes(&length), path[1024];
    snprintf(path, sizeof path, "%s", test_temporary("damaged.sqlite"));
    int damaged = 0;
    for (size_t step = 0; step < 4; step++)
        for (size_t at = 4096 * (3 + step); at + 4096 <= length; at += 4096 * 5)
            memset(bytes + at, 0x5A, 200 + 900 * step);
    test_write(path, bytes, length);
    free(bytes);
    struct error error;
    struct gazetteer *broken = gazetteer_open(path, &error);
    const char *const names[] = {"Paris", "Springfield", "Muncih", "Tokyo", "San José", "Lodon", "Reykyavik"};
    for (size_t i = 0; broken && i < sizeof names / sizeof *names; i++) {
        struct gazetteer_answer answer;
        struct gazetteer_neighbour near[3];
        struct gazetteer_query query = {.city = names[i]};
        damaged += gazetteer_lookup(broken, &query, &answer, &error) != 0;
        damaged += gazetteer_nearest(broken, (struct point){10, (double)i * 20}, 3, 0, near, &error) < 0;
    }
    if (broken) assert_true(gazetteer_check(broken, &error) != 0);
    assert_true(!broken || damaged > 0);
    gazetteer_close(broken);
}

static void *look_up_in_thread(void *argument) {
    struct error error;
    struct gazetteer *own = gazetteer_open(shipped, &error);
    struct gazetteer_answer *answer = malloc(sizeof *answer);
    int *right = argument;
    for (int i = 0; own && answer && i < 200; i++) {
        struct gazetteer_query query = {.city = i % 2 ? "Barcalona" : "Munich",
                                        .country = i % 2 ? "Spain" : "Germany"};
        *right += !gazetteer_lookup(own, &query, answer, &error) && answer->outcome == LOOKUP_FOUND;
    }
    free(answer);
    gazetteer_close(own);
    return NULL;
}

static void test_a_connection_per_thread(void **state) {
    (void)state;
    pthread_t threads[4];
    int right[4] = {0};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up_in_thread, &right[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(right[i], 200);
    }
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// Bounds a tenth of what is measured (docs/gazetteer.md), so that sanitizers and busy machines pass too.
static void test_quick(void **state) {
    (void)state;
    struct error error;
    double start = seconds();
    gazetteer_close(gazetteer_open(shipped, &error));
    assert_true(seconds() - start < 0.5);
    start = seconds();
    for (int i = 0; i < 1000; i++) look_up("Munich", NULL, "Germany");
    assert_true(seconds() - start < 0.5);
    start = seconds();
    for (int i = 0; i < 100; i++) look_up("Barcalona", NULL, "Spain");
    assert_true(seconds() - start < 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_match_kinds),
        cmocka_unit_test(test_contradiction_is_told),
        cmocka_unit_test(test_homonyms),
        cmocka_unit_test(test_another_region_is_a_conflict),
        cmocka_unit_test(test_dashes_and_colons_part_names),
        cmocka_unit_test(test_parts_of_countries_are_their_countries),
        cmocka_unit_test(test_invented_names_are_not_found),
        cmocka_unit_test(test_country_codes),
        cmocka_unit_test(test_countries_and_regions),
        cmocka_unit_test(test_free_text),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_damaged_pages),
        cmocka_unit_test(test_a_connection_per_thread),
        cmocka_unit_test(test_quick),
    };
    return cmocka_run_group_tests(tests, open_shipped, close_shipped);
}
