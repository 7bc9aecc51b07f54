// Gazetteers that somebody else wrote: nothing in them is run, nothing impossible is believed, and no call
// works without end.
#include "support.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "geo/gazetteer.h"
#include "geo/gazetteer_build.h"

// The bytes of a small gazetteer, built once.
static const char *small(size_t *length) {
    static char *bytes;
    static size_t count;
    if (!bytes) {
        struct gazetteer_build_report report;
        struct error error;
        char path[1024], folder[1024], curated[1100];
        snprintf(path, sizeof path, "%s", test_temporary("small.sqlite"));
        snprintf(folder, sizeof folder, "%s", test_data("geo/dump"));
        snprintf(curated, sizeof curated, "%s/curated.tsv", folder);
        struct gazetteer_build_options options = {.folder = folder, .curated = curated};
        assert_ok(gazetteer_build(&options, path, &report, &error), error);
        bytes = file_read(path, (size_t)1 << 24, &count, &error);
        assert_got(bytes, error);
    }
    *length = count;
    return bytes;
}

// A fresh small gazetteer with this done to it.
static const char *changed(const char *sql) {
    static char path[1024];
    size_t length;
    const char *bytes = small(&length);
    snprintf(path, sizeof path, "%s", test_temporary("changed.sqlite"));
    test_write(path, bytes, length);
    sqlite3 *db;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY", NULL, NULL, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    if (sqlite3_exec(db, sql, NULL, NULL, &message)) fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
    return path;
}

static void test_foreign_schemas_are_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"ALTER TABLE name RENAME TO name0; CREATE VIEW name AS WITH RECURSIVE r(key, place, source) AS "
         "(SELECT * "
         "FROM name0 UNION ALL SELECT * FROM r) SELECT * FROM r",
         "no table of a gazetteer"},
        {"CREATE TRIGGER t AFTER INSERT ON place BEGIN DELETE FROM name; END", "no table of a gazetteer"},
        {"CREATE INDEX i ON place(abs(lat))", "no table of a gazetteer"},
        {"CREATE TABLE more(x)", "no table of a gazetteer"},
        {"CREATE VIRTUAL TABLE box USING rtree_i32(id, a, b)", "no table of a gazetteer"},
        {"ALTER TABLE place ADD COLUMN extra TEXT", "\"place\" in it is no table"},
        {"ALTER TABLE place RENAME COLUMN lat TO latitude", "no table of a gazetteer"},
        {"DROP TABLE curated", "a table is missing"},
        {"DROP TABLE place; CREATE TABLE place(id INTEGER PRIMARY KEY, kind, name, country, region, "
         "population, lat, "
         "lon, radius_m INTEGER GENERATED ALWAYS AS (length(zeroblob(900000000))))",
         "no table of a gazetteer"},
        {"PRAGMA writable_schema=1; INSERT INTO sqlite_schema SELECT * FROM sqlite_schema WHERE name='place'",
         "refused"},
        {"PRAGMA user_version=1", "version 1, this program reads version 2"},
        {"PRAGMA user_version=99", "version 99"},
    };
    struct error error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gazetteer *opened = gazetteer_open(changed(cases[i][0]), &error);
        if (opened) fail_msg("opened after %s", cases[i][0]);
        assert_int_equal(error.code, ERROR_INPUT);
        if (strcmp(cases[i][1], "refused") && !strstr(error.message, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], error.message);
    }
}

static struct gazetteer_answer look_up(struct gazetteer *gazetteer, const char *text) {
    struct gazetteer_answer answer;
    struct error error;
    assert_ok(gazetteer_lookup_text(gazetteer, text, &answer, &error), error);
    return answer;
}

static void test_impossible_values_are_left_out(void **state) {
    (void)state;
    static const char *const cases[] = {
        "UPDATE place SET lat=900000000000 WHERE name='Westhaven'",
        "UPDATE place SET lon=-18000001 WHERE name='Westhaven'",
        "UPDATE place SET kind=7 WHERE name='Westhaven'",
        "UPDATE place SET kind=-1 WHERE name='Westhaven'",
        "UPDATE place SET kind=4294967296 WHERE name='Westhaven'",
        "UPDATE place SET country='XXXXXXXXXXXX' WHERE name='Westhaven'",
        "UPDATE place SET country='' WHERE name='Westhaven'",
        "UPDATE place SET country=zeroblob(1000) WHERE name='Westhaven'",
        "UPDATE place SET lat=9e300 WHERE name='Westhaven'",
        "UPDATE place SET name='' WHERE name='Westhaven'",
        "UPDATE place SET name=x'ff00ff' WHERE name='Westhaven'",
        "UPDATE place SET name=char(27)||char(8238) WHERE name='Westhaven'",
        "UPDATE place SET name=hex(zeroblob(5000)) WHERE name='Westhaven'",
    };
    struct error error;
    log_set_level(LOG_ERROR);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gazetteer *gazetteer = gazetteer_open(changed(cases[i]), &error);
        assert_got(gazetteer, error);
        struct gazetteer_answer answer = look_up(gazetteer, "Westhaven");
        for (int c = 0; c < answer.count; c++)
            if (!strcmp(answer.candidates[c].place.name, "Westhaven") ||
                !answer.candidates[c].place.name[0] || answer.candidates[c].place.name[0] == '0')
                fail_msg("%s", cases[i]);
        assert_error(gazetteer_check(gazetteer, &error), error, ERROR_INPUT, "impossible values");
        gazetteer_close(gazetteer);
    }
    log_set_level(LOG_INFO);
}

static void test_a_pipe_is_no_gazetteer(void **state) {
    (void)state;
    struct error error;
    char path[1024];
    snprintf(path, sizeof path, "%s", test_temporary("pipe.sqlite"));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(gazetteer_open(path, &error)); // and nobody waits for its writer
    assert_error(-1, error, ERROR_INPUT, "not a regular file");
    unlink(path);
}

static void test_names_are_made_harmless(void **state) {
    (void)state;
    struct error error;
    struct gazetteer *gazetteer = gazetteer_open(
        changed("UPDATE place SET name=char(27)||'[31mRed'||char(10)||char(8238)||'X'||char(155)||x'ff'||'é' "
                "WHERE name='Westhaven';"
                "UPDATE country SET name='A'||char(7)||'B';"
                "UPDATE place SET population=-5, radius_m=9e99 WHERE kind=2"),
        &error);
    assert_got(gazetteer, error);
    struct gazetteer_answer answer = look_up(gazetteer, "Westhaven");
    assert_true(answer.count > 0);
    assert_string_equal(answer.candidates[0].place.name, "[31mRedXé");
    assert_string_equal(answer.candidates[0].place.country, "AB");
    gazetteer_close(gazetteer);
}

static void test_lies_cost_nothing(void **state) {
    (void)state;
    struct error error;
    struct gazetteer *gazetteer =
        gazetteer_open(changed("INSERT INTO spelling VALUES(1000000000, 'x')"), &error);
    assert_null(gazetteer);
    assert_non_null(strstr(error.message, "1000000000 spellings"));
    // A value larger than any list of spellings is not read into memory (here that of " we" in nine letters).
    gazetteer =
        gazetteer_open(changed("UPDATE gram SET spellings=zeroblob(20000000) WHERE id=2029897"), &error);
    assert_got(gazetteer, error);
    struct gazetteer_answer answer;
    assert_error(gazetteer_lookup_text(gazetteer, "Westhavn", &answer, &error), error, ERROR_INPUT,
                 "damaged");
    gazetteer_close(gazetteer);
}

// A hundred thousand places of one name: the call ends soon, with an answer of the usual size.
static void test_a_call_ends(void **state) {
    (void)state;
    struct error error;
    struct gazetteer *gazetteer =
        gazetteer_open(changed("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i<100000) "
                               "INSERT INTO place SELECT 5000000+i, 0, 'W', 'FB', 0, 5, i, i, 0 FROM n; "
                               "INSERT INTO name SELECT 'westhaven', id, 0 FROM place WHERE id>=5000000"),
                       &error);
    assert_got(gazetteer, error);
    struct gazetteer_answer answer = look_up(gazetteer, "Westhaven");
    assert_true(answer.count > 0 && answer.count <= GAZETTEER_CANDIDATES);
    gazetteer_close(gazetteer);
}

// Any byte of the file changed, one at a time: answers or refusals.
static void test_flipped_bytes(void **state) {
    (void)state;
    struct error error;
    size_t length;
    char path[1024];
    snprintf(path, sizeof path, "%s", test_temporary("flipped.sqlite"));
    const char *good = small(&length);
    char *bytes = malloc(length);
    assert_non_null(bytes);
    memcpy(bytes, good, length);
    log_set_level(LOG_ERROR);
    for (size_t i = 0; i < length; i += 1 + length / 150) {
        bytes[i] = (char)~bytes[i];
        test_write(path, bytes, length);
        bytes[i] = (char)~bytes[i];
        struct gazetteer *gazetteer = gazetteer_open(path, &error);
        struct gazetteer_answer answer;
        struct gazetteer_neighbour near[2];
        struct point at = {0, 0};
        if (gazetteer && gazetteer_lookup_text(gazetteer, "Westhavn", &answer, &error))
            assert_int_equal(error.code, ERROR_INPUT);
        if (gazetteer && gazetteer_nearest(gazetteer, at, 2, 0, near, &error) < 0)
            assert_int_equal(error.code, ERROR_INPUT);
        gazetteer_close(gazetteer);
    }
    log_set_level(LOG_INFO);
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_foreign_schemas_are_refused),
                                       cmocka_unit_test(test_impossible_values_are_left_out),
                                       cmocka_unit_test(test_a_pipe_is_no_gazetteer),
                                       cmocka_unit_test(test_names_are_made_harmless),
                                       cmocka_unit_test(test_lies_cost_nothing),
                                       cmocka_unit_test(test_a_call_ends),
                                       cmocka_unit_test(test_flipped_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
