// Lines of results are read back as they were written, and what is no such line is refused by name.
#include "support.h"

#include "locate/record.h"
#include "locate/verdicts.h"

static const struct writer_options plain = {.format = WRITER_JSONL, .model = "globe-7b"};

static struct buffer line_of(const struct verdict *verdict, const struct writer_options *options) {
    struct buffer line = {0};
    struct error error = {0};
    assert_ok(verdict_to_json(verdict, options, &line, &error), error);
    return line;
}

static struct record read_line(const char *line) {
    struct record record;
    struct error error = {0};
    assert_ok(record_read(&record, line, strlen(line), "places.jsonl: line 7", &error), error);
    return record;
}

// The record written again is the line it was read from.
static void check_round(struct verdict verdict, const struct writer_options *options) {
    struct buffer line = line_of(&verdict, options);
    struct record record = read_line(line.data);
    struct writer_options same = *options;
    same.model = record.model;
    assert_int_equal(record.precision, options->precision);
    struct buffer again = line_of(&record.verdict, &same);
    assert_string_equal(again.data, line.data);
    assert_null(record.unknown);
    buffer_free(&again);
    buffer_free(&line);
    record_free(&record);
    verdict_free(&verdict);
}

static void what_was_written_is_read(void **state) {
    (void)state;
    check_round(full_verdict(), &plain);
    check_round(hostile_verdict("photos/hostile.jpg"), &plain);
    check_round(bare_verdict("a.jpg", VERDICT_NO_ANSWER), &plain);
    check_round(bare_verdict("a.jpg", VERDICT_NOT_LOCATABLE), &plain);
    struct verdict verdict = full_verdict();
    verdict.outcome = VERDICT_ABSTAINED;
    verdict.truncated = true;
    verdict.evidence = strdup("maps/street.jpg");
    verdict.server_changes = strdup("seed left out");
    verdict.clues[0].evidence = strdup("maps/street-1.jpg");
    check_round(verdict, &plain);
    struct verdict failed = bare_verdict("b.jpg", VERDICT_FAILED);
    error_set(&failed.error, ERROR_INPUT, "b.jpg: cannot open: No such file or directory");
    check_round(failed, &plain);
    const struct writer_options city = {.precision = PRECISION_CITY, .model = "m"};
    const struct writer_options country = {.precision = PRECISION_COUNTRY};
    check_round(full_verdict(), &city);
    check_round(full_verdict(), &country);
}

static void fields_arrive(void **state) {
    (void)state;
    struct verdict verdict = full_verdict();
    struct buffer line = line_of(&verdict, &plain);
    struct record record = read_line(line.data);
    const struct verdict *read = &record.verdict;
    assert_string_equal(read->photo, "photos/street.jpg");
    assert_string_equal(read->place.city, "Lisbon");
    assert_string_equal(read->place.country_code, "PT");
    assert_true(read->place.has_position);
    assert_float_equal(read->place.position.lon, -9.1399, 1e-9);
    assert_float_equal(read->radius_90_km, 274.2, 1e-9);
    assert_int_equal(read->alternative_count, 2);
    assert_false(read->alternatives[1].has_position);
    assert_string_equal(read->clues[1].kind, "vehicle");
    assert_int_equal(read->samples, 8);
    assert_int_equal(read->tokens, 2210);
    assert_string_equal(record.model, "globe-7b");
    record_free(&record);
    buffer_free(&line);
    verdict_free(&verdict);
}

static void old_and_new_records(void **state) {
    (void)state;
    struct record record = read_line("{\"photo\":\"a.jpg\",\"outcome\":\"not_locatable\"}\r\n");
    assert_true(record.verdict.confidence < 0 && record.verdict.radius_50_km < 0);
    assert_string_equal(record.model, "");
    assert_string_equal(record.version, "");
    assert_null(record.unknown);
    record_free(&record);
    record = read_line("{\"photo\":\"a.jpg\",\"outcome\":\"no_answer\",\"mood\":1,"
                       "\"provenance\":{\"version\":\"9.0.0\",\"seed\":4}}");
    assert_string_equal(record.unknown, "mood");
    assert_string_equal(record.version, "9.0.0");
    assert_int_equal(json_integer_value(json_object_get(record.provenance, "seed")), 4);
    record_free(&record);
}

static void bytes_of_a_path(void **state) {
    (void)state;
    struct record record = read_line(
        "{\"photo\":\"caf\\ufffd.jpg\",\"photo_bytes\":\"Y2Fm6S5qcGc=\",\"outcome\":\"no_answer\"}");
    assert_string_equal(record.verdict.photo, "caf\xE9.jpg");
    record_free(&record);
}

static void what_is_no_record(void **state) {
    (void)state;
#define HEAD "{\"photo\":\"a.jpg\",\"outcome\":\"no_answer\","
#define PLACED "{\"photo\":\"a.jpg\",\"outcome\":\"placed\","
    static const struct {
        const char *line, *says;
    } wrong[] = {
        {"", "not valid JSON"},
        {"{\"photo\":\"a.jpg\",\"outcome\":\"pla", "not valid JSON"},
        {"[]", "no JSON object"},
        {"{}", "has no \"photo\""},
        {"{\"photo\":\"a.jpg\"}", "has no \"outcome\""},
        {"{\"photo\":7,\"outcome\":\"placed\"}", "expected a string"},
        {"{\"photo\":\"a\\u0000b\",\"outcome\":\"placed\"}", "NUL"},
        {"{\"photo\":\"a.jpg\",\"outcome\":\"sure\"}", "this version does not know"},
        {"{\"photo\":\"a.jpg\",\"photo\":\"b.jpg\",\"outcome\":\"placed\"}", "duplicate"},
        {HEAD "\"photo_bytes\":\"YQ==\"}", "photo_bytes"},
        {HEAD "\"photo_bytes\":\"6QBh\"}", "photo_bytes"},
        {HEAD "\"photo_bytes\":\"!\"}", "photo_bytes"},
        {HEAD "\"place\":{}}", "there is a \"place\""},
        {PLACED "\"place\":null}", "there is no \"place\""},
        {PLACED "\"place\":[]}", "not an object"},
        {PLACED "\"place\":{\"latitude\":91,\"longitude\":0}}", "latitude"},
        {PLACED "\"place\":{\"latitude\":1}}", "is missing"},
        {PLACED "\"place\":{\"country_code\":\"Portugal\"}}", "two letters"},
        {PLACED "\"place\":{\"match\":\"<b>\"}}", "expected a word"},
        {PLACED "\"place\":{\"radius_km\":-3}}", "radius_km"},
        {HEAD "\"confidence\":1.5}", "confidence"},
        {HEAD "\"confidence\":\"high\"}", "expected a number"},
        {HEAD "\"samples\":2.5}", "expected an integer"},
        {HEAD "\"truncated\":1}", "true or false"},
        {HEAD "\"alternatives\":{}}", "not a list"},
        {HEAD "\"alternatives\":[1]}", "not an object"},
        {HEAD "\"clues\":[{\"kind\":\"a kind\"}]}", "expected a word"},
        {HEAD "\"precision\":\"street\"}", "this version does not know"},
        {HEAD "\"provenance\":\"x\"}", "not an object"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct record record;
        struct error error = {0};
        int result =
            record_read(&record, wrong[i].line, strlen(wrong[i].line), "places.jsonl: line 7", &error);
        if (result == 0) fail_msg("taken: %s", wrong[i].line);
        assert_error(result, error, ERROR_INPUT, wrong[i].says);
        assert_contains(error.message, "places.jsonl: line 7: ");
        assert_null(record.json);
        assert_null(record.verdict.photo);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read), cmocka_unit_test(fields_arrive),
        cmocka_unit_test(old_and_new_records),      cmocka_unit_test(bytes_of_a_path),
        cmocka_unit_test(what_is_no_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
