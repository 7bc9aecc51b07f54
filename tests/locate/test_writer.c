#include "support.h"

#include <math.h>

#include "base/json.h"
#include "base/utf8.h"
#include "locate/record.h"
#include "locate/verdicts.h"
#include "locate/writer.h"

static const struct writer_options plain = {.model = "globe-7b"};

static struct writer_options options_for(enum writer_format format, enum writer_precision precision) {
    return (struct writer_options){.format = format, .precision = precision, .model = "globe-7b"};
}

// What the writer makes of the verdicts. free() it.
static char *write_all(const struct verdict *verdicts, size_t count, const struct writer_options *options) {
    char *text = NULL;
    size_t length = 0;
    struct error error = {0};
    FILE *stream = open_memstream(&text, &length);
    struct writer *writer = writer_new(stream, options, &error);
    assert_got(writer, error);
    for (size_t i = 0; i < count; i++) assert_ok(writer_add(writer, &verdicts[i], &error), error);
    assert_ok(writer_end(writer, &error), error);
    writer_free(writer);
    fclose(stream);
    return text;
}

static void check_output(struct verdict verdict, const struct writer_options *options, const char *expected) {
    char *text = write_all(&verdict, 1, options);
    assert_string_equal(text, expected);
    free(text);
    verdict_free(&verdict);
}

// --- text ---

static void report_tells_everything(void **state) {
    (void)state;
    struct writer_options options = plain;
    options.show_reasoning = true;
    check_output(full_verdict(), &options,
                 "photos/street.jpg\n"
                 "  Place         Lisbon, Lisbon District, Portugal\n"
                 "  Coordinates   38.7169° N 9.1399° W, ± 12 km\n"
                 "  Confidence    63 % of 8 samples (uncalibrated); 90 % of them within 274 km\n"
                 "  Alternatives  Porto, Portugal, 25 %\n"
                 "                Salvador, Bahia, Brazil, 13 %\n"
                 "  Note          Lisbon is the name of places in 5 countries\n"
                 "  Clues         sign     The shop sign says \"Pastelaria\".\n"
                 "                vehicle  The tram is yellow, as in Lisbon.\n"
                 "  Reasoning     The shop sign says \"Pastelaria\".\n"
                 "                The tram is yellow, as in Lisbon.\n");
}

static void report_of_one_sample(void **state) {
    (void)state;
    struct verdict verdict = bare_verdict("a.jpg", VERDICT_PLACED);
    verdict.place = lisbon();
    verdict.confidence = 0.83;
    verdict.reasoning = strdup("Not shown.");
    check_output(verdict, &plain,
                 "a.jpg\n"
                 "  Place         Lisbon, Lisbon District, Portugal\n"
                 "  Coordinates   38.7169° N 9.1399° W, ± 12 km\n"
                 "  Confidence    83 % for the words of this one answer (uncalibrated)\n");
}

static void report_of_what_is_not_known(void **state) {
    (void)state;
    struct verdict verdict = bare_verdict("a.jpg", VERDICT_PLACED);
    verdict.place.country = strdup("Narnia");
    verdict.truncated = true;
    check_output(verdict, &plain,
                 "a.jpg\n"
                 "  Place         Narnia\n"
                 "  Coordinates   not known\n"
                 "  Confidence    not known\n"
                 "  Note          the answer was cut off at the limit of tokens\n");
    verdict = bare_verdict("a.jpg", VERDICT_PLACED); // all texts NULL
    check_output(verdict, &plain,
                 "a.jpg\n"
                 "  Place         a place without a name\n"
                 "  Coordinates   not known\n"
                 "  Confidence    not known\n");
}

static void report_of_other_outcomes(void **state) {
    (void)state;
    struct verdict verdict = bare_verdict("a.jpg", VERDICT_ABSTAINED);
    verdict.place = lisbon();
    verdict.confidence = 0.31;
    check_output(verdict, &plain,
                 "a.jpg\n"
                 "  Place         abstained: less sure than was asked for\n"
                 "                Best guess: Lisbon, Lisbon District, Portugal\n"
                 "  Confidence    31 % for the words of this one answer (uncalibrated)\n");
    check_output(bare_verdict("a.jpg", VERDICT_NOT_LOCATABLE), &plain,
                 "a.jpg\n"
                 "  Place         not locatable: nothing in the photo gives the place away\n");
    verdict = bare_verdict("a.jpg", VERDICT_NO_ANSWER);
    verdict.truncated = true;
    check_output(verdict, &plain,
                 "a.jpg\n"
                 "  Place         no answer: the model named no place\n"
                 "  Note          the answer was cut off at the limit of tokens\n");
    verdict = bare_verdict("a.jpg", VERDICT_FAILED);
    error_set(&verdict.error, ERROR_INPUT, "a.jpg: not a picture");
    check_output(verdict, &plain,
                 "a.jpg\n"
                 "  Place         failed: a.jpg: not a picture\n");
}

static void report_notes_how_the_place_was_found(void **state) {
    (void)state;
    struct verdict verdict = bare_verdict("a.jpg", VERDICT_PLACED);
    verdict.place = lisbon();
    verdict.place.match = "fuzzy";
    char *text = write_all(&verdict, 1, &plain);
    assert_contains(text, "Note          the name was found under a similar spelling only\n");
    free(text);
    verdict.place.match = "container";
    text = write_all(&verdict, 1, &plain);
    assert_contains(text, "the coordinates are those of its region\n");
    free(text);
    verdict_free(&verdict);
}

static void report_rounds_honestly(void **state) {
    (void)state;
    static const struct {
        double confidence, radius;
        const char *expected_confidence, *expected_radius;
    } cases[] = {
        {1, 0.04, "very sure, 100 % that the city is right\n", "± 0 km\n"},
        {0.999, 4.46, "very sure, over 99 % that the city is right\n", "± 4.5 km\n"},
        {0.9, 10, "very sure, 90 % that the city is right\n", "± 10 km\n"},
        {0.899, 999.4, "quite sure, 90 % that the city is right\n", "± 999 km\n"},
        {0.5, 999.5, "fairly sure, 50 % that the city is right\n", "± 1,000 km\n"},
        {0.3, 12034.2, "unsure, 30 % that the city is right\n", "± 12,034 km\n"},
        {0.001, 20015, "little more than a guess, under 1 % that the city is right\n", "± 20,015 km\n"},
        {0, 9.96, "little more than a guess, 0 % that the city is right\n", "± 10 km\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verdict verdict = bare_verdict("a.jpg", VERDICT_PLACED);
        verdict.place = lisbon();
        verdict.confidence = cases[i].confidence;
        verdict.calibrated = true;
        verdict.level = LEVEL_CITY;
        verdict.standings[LEVEL_COUNTRY].confidence = -1;
        verdict.samples = 8;
        verdict.place.radius_km = cases[i].radius;
        char *text = write_all(&verdict, 1, &plain);
        assert_contains(text, cases[i].expected_confidence);
        assert_contains(text, cases[i].expected_radius);
        free(text);
        verdict_free(&verdict);
    }
}

static void report_shows_five_alternatives(void **state) {
    (void)state;
    struct verdict verdict = bare_verdict("a.jpg", VERDICT_PLACED);
    verdict.place = lisbon();
    verdict.alternatives = calloc(7, sizeof *verdict.alternatives);
    for (int i = 0; i < 7; i++)
        verdict.alternatives[i] = place_in((char[]){(char)('A' + i), 0}, "", "", "", -1);
    verdict.alternative_count = 7;
    char *text = write_all(&verdict, 1, &plain);
    assert_contains(text, "  Alternatives  A\n"
                          "                B\n"
                          "                C\n"
                          "                D\n"
                          "                E\n"
                          "                and 2 more\n");
    free(text);
    verdict_free(&verdict);
}

static size_t widest_line(const char *text) {
    size_t widest = 0, columns = 0;
    for (; *text; text++) {
        if (*text == '\n')
            columns = 0;
        else if (((unsigned char)*text & 0xC0) != 0x80)
            columns++;
        if (columns > widest) widest = columns;
    }
    return widest;
}

static void report_fits_the_width(void **state) {
    (void)state;
    struct verdict verdict = full_verdict();
    for (size_t width = 50; width <= 200; width += 7) {
        struct writer_options options = plain;
        options.width = width;
        options.show_reasoning = true;
        char *text = write_all(&verdict, 1, &options);
        assert_true(widest_line(text) <= width);
        free(text);
    }
    verdict_free(&verdict);
}

static void long_and_wide_words_are_broken(void **state) {
    (void)state;
    struct writer_options options = plain;
    options.show_reasoning = true;
    options.width = 40;
    struct verdict verdict = bare_verdict("a.jpg", VERDICT_NOT_LOCATABLE);
    verdict.reasoning =
        strdup("abcdefghijklmnopqrstuvwxyz 東京東京東京東京東京東京東京\n\n  e\xCC\x81t\xC3\xA9 \n\n");
    char *text = write_all(&verdict, 1, &options);
    assert_contains(text, "  Reasoning     abcdefghijklmnopqrstuvwx\n"
                          "                yz\n"
                          "                東京東京東京東京東京東京\n" // 24 columns
                          "                東京\n"
                          "                e\xCC\x81t\xC3\xA9\n");
    free(text);
    verdict_free(&verdict);
}

static void colour_only_when_asked(void **state) {
    (void)state;
    struct verdict verdict = hostile_verdict("\x1b[31mred.jpg");
    struct writer_options options = plain;
    options.show_reasoning = true;
    char *text = write_all(&verdict, 1, &options);
    assert_lacks(text, "\x1b");
    assert_lacks(text, "\xC2\x9B");
    assert_lacks(text, "\xE2\x80\xAE");
    assert_true(utf8_is_valid(text, strlen(text)));
    for (const char *c = text; *c; c++) assert_true(*c == '\n' || (unsigned char)*c >= ' ');
    free(text);
    options.colour = true;
    text = write_all(&verdict, 1, &options);
    assert_contains(text, "\x1b[1m\xEF\xBF\xBD[31mred.jpg\x1b[0m\n  \x1b[2mPlace\x1b[0m         ");
    free(text);
    verdict_free(&verdict);
}

static void reports_have_a_line_between_them(void **state) {
    (void)state;
    struct verdict verdicts[2] = {bare_verdict("a", VERDICT_NO_ANSWER), bare_verdict("b", VERDICT_NO_ANSWER)};
    char *text = write_all(verdicts, 2, &plain);
    assert_string_equal(text, "a\n  Place         no answer: the model named no place\n\n"
                              "b\n  Place         no answer: the model named no place\n");
    free(text);
    verdict_free(&verdicts[0]);
    verdict_free(&verdicts[1]);
}

// --- JSON ---

#define NO_TRUST                                                                                          \
    "\"estimated\": true, \"calibrated\": false, \"probability\": null, \"levels\": {\"country\": null, " \
    "\"region\": null, \"city\": null}, \"most_likely\": null, \"votes\": [], \"declined\": 0, "          \
    "\"unread\": 0, \"gps\": null, \"gps_distance_km\": null, \"contradicts_gps\": null, \"flags\": []"

#define LISBON_JSON                                                                                          \
    "{\"photo\": \"photos/street.jpg\", \"outcome\": \"placed\", \"error\": null, \"place\": {\"country\": " \
    "\"Portugal\", \"country_code\": \"PT\", \"region\": \"Lisbon District\", \"city\": \"Lisbon\", "        \
    "\"latitude\": 38.71691, \"longitude\": -9.1399, \"radius_km\": 12.0, \"share\": 0.625, \"match\": "     \
    "\"exact\"}, \"withheld\": null, \"confidence\": 0.625, \"radius_50_km\": 12.0, \"radius_90_km\": "      \
    "274.2, "                                                                                                \
    "\"alternatives\": [{\"country\": \"Portugal\", \"country_code\": \"PT\", \"region\": \"Porto\", "       \
    "\"city\": \"Porto\", \"latitude\": 41.14961, \"longitude\": -8.61099, \"radius_km\": 9.0, \"share\": "  \
    "0.25, \"match\": \"exact\"}, {\"country\": \"Brazil\", \"country_code\": \"BR\", \"region\": "          \
    "\"Bahia\", \"city\": \"Salvador\", \"latitude\": null, \"longitude\": null, \"radius_km\": null, "      \
    "\"share\": 0.125, \"match\": \"exact\"}], \"same_name_countries\": 5, \"clues\": [{\"kind\": "          \
    "\"sign\", "                                                                                             \
    "\"text\": \"The shop sign says \\\"Pastelaria\\\".\", \"evidence\": null}, {\"kind\": \"vehicle\", "    \
    "\"text\": \"The tram is yellow, as in Lisbon.\", \"evidence\": null}], \"reasoning\": \"The shop sign " \
    "says \\\"Pastelaria\\\".\\nThe tram is yellow, as in Lisbon.\", \"answer\": "                           \
    "\"<answer><country>Portugal</country><city>Lisbon</city></answer>\", \"evidence\": null, "              \
    "\"level\": \"city\", " NO_TRUST ", \"samples\": 8, \"tokens\": 2210, \"truncated\": false, "            \
    "\"seconds\": 12.346, \"model\": \"globe-7b\", "                                                         \
    "\"precision\": \"full\", \"provenance\": null, \"evidence_error\": null}"

static void json_lines_are_exact(void **state) {
    (void)state;
    struct writer_options options = options_for(WRITER_JSONL, PRECISION_FULL);
    check_output(full_verdict(), &options, LISBON_JSON "\n");
    struct verdict verdict = full_verdict();
    struct buffer out = {0};
    struct error error = {0};
    assert_ok(verdict_to_json(&verdict, &options, &out, &error), error);
    assert_string_equal(out.data, LISBON_JSON);
    buffer_free(&out);
    verdict_free(&verdict);
}

static json_t *parse(const char *text) {
    struct error error = {0};
    json_t *root = json_read_buffer(text, strlen(text), "output", &error);
    assert_got(root, error);
    return root;
}

static void json_is_one_array(void **state) {
    (void)state;
    struct verdict verdicts[2] = {full_verdict(), bare_verdict("b.jpg", VERDICT_NOT_LOCATABLE)};
    struct writer_options options = options_for(WRITER_JSON, PRECISION_FULL);
    for (size_t count = 0; count <= 2; count++) {
        char *text = write_all(verdicts, count, &options);
        json_t *root = parse(text);
        assert_true(json_is_array(root));
        assert_int_equal(json_array_size(root), count);
        json_decref(root);
        free(text);
    }
    char *text = write_all(verdicts, 1, &options);
    assert_string_equal(text, "[\n" LISBON_JSON "\n]\n");
    free(text);
    verdict_free(&verdicts[0]);
    verdict_free(&verdicts[1]);
}

static void json_says_null_for_what_is_not_known(void **state) {
    (void)state;
    struct writer_options options = options_for(WRITER_JSONL, PRECISION_FULL);
    options.model = NULL;
    struct verdict verdict = bare_verdict("a.jpg", VERDICT_FAILED);
    verdict.confidence = NAN;
    verdict.radius_90_km = INFINITY;
    error_set(&verdict.error, ERROR_NETWORK, "out of reach");
    check_output(
        verdict, &options,
        "{\"photo\": \"a.jpg\", \"outcome\": \"failed\", \"error\": {\"status\": 8, \"message\": \"out of "
        "reach\"}, \"place\": null, \"withheld\": null, \"confidence\": null, \"radius_50_km\": null, "
        "\"radius_90_km\": null, \"alternatives\": [], \"same_name_countries\": 0, \"clues\": [], "
        "\"reasoning\": null, \"answer\": null, \"evidence\": null, \"level\": null, " NO_TRUST
        ", \"samples\": 1, \"tokens\": 0, "
        "\"truncated\": false, \"seconds\": 0.0, \"model\": null, \"precision\": \"full\", \"provenance\": "
        "null, "
        "\"evidence_error\": null}\n");
}

static void abstained_places_are_withheld(void **state) {
    (void)state;
    struct verdict verdict = full_verdict();
    verdict.outcome = VERDICT_ABSTAINED;
    struct writer_options options = options_for(WRITER_JSONL, PRECISION_FULL);
    char *text = write_all(&verdict, 1, &options);
    json_t *root = parse(text);
    assert_true(json_is_null(json_object_get(root, "place")));
    json_t *withheld = json_object_get(root, "withheld");
    assert_string_equal(json_string_value(json_object_get(withheld, "city")), "Lisbon");
    json_t *likely = json_object_get(root, "most_likely"); // what it was called later
    assert_string_equal(json_string_value(json_object_get(likely, "city")), "Lisbon");
    json_decref(root);
    free(text);

    options.format = WRITER_GEOJSON;
    text = write_all(&verdict, 1, &options);
    assert_contains(text, "\"geometry\": null");
    assert_contains(text, "\"city\": null, \"radius_km\": null");
    free(text);
    options.format = WRITER_CSV;
    text = write_all(&verdict, 1, &options);
    assert_contains(text, "photos/street.jpg,abstained,,,,,,,,0.625,12,274.2,,5,");
    free(text);
    options.format = WRITER_KML;
    text = write_all(&verdict, 1, &options);
    assert_lacks(text, "<Point>");
    assert_contains(text, "<name>photos/street.jpg</name>");
    free(text);
    verdict_free(&verdict);
}

static void json_survives_hostile_texts(void **state) {
    (void)state;
    struct verdict verdict = hostile_verdict(HOSTILE ".jpg");
    struct writer_options options = options_for(WRITER_JSONL, PRECISION_FULL);
    char *text = write_all(&verdict, 1, &options);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); // one line
    assert_lacks(text, "\x1b");
    assert_lacks(text, "\xC2\x9B");
    json_t *root = parse(text);
    const char *answer = json_string_value(json_object_get(root, "answer"));
    assert_string_equal(answer, "=1+1,\"x\" ]]> <b>&amp;\x1b[31m\x01\r\nline\t\xEF\xBF\xBD"
                                "evil \xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD( "
                                "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD'");
    json_decref(root);
    free(text);
    verdict_free(&verdict);
}

// The name of the file, whatever it is, comes back from the JSON; on a terminal it moves nothing.
static void names_of_photos_come_back_exactly(void **state) {
    (void)state;
    static const char *const names[] = {
        "a.jpg",
        "IMG\xE2\x80\x8E_\xE2\x80\xAE.jpg", // LEFT-TO-RIGHT MARK, RIGHT-TO-LEFT OVERRIDE
        "\xC2\x9B\x31m\x7F\x1B[2J.jpg",     // C1, DEL, ESC
        "\xEF\xBF\xBE\xF0\x9F\xBF\xBE.jpg", // no characters, one beyond U+FFFF
        "\xC3\xA4\xF0\x9F\x93\xB7\"\\.jpg",
        "latin-\xE4.jpg",
        "\xFF\xC2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct verdict verdict = {.photo = (char *)(uintptr_t)names[i], .outcome = VERDICT_NO_ANSWER};
        const struct writer_options options = {.format = WRITER_JSONL};
        struct buffer line = {0};
        struct error error = {0};
        struct record record;
        assert_ok(verdict_to_json(&verdict, &options, &line, &error), error);
        for (size_t c = 0; c < line.length; c++)
            assert_true((unsigned char)line.data[c] >= 0x20 && line.data[c] != 0x7F);
        assert_null(strstr(line.data, "\xC2\x9B"));
        assert_null(strstr(line.data, "\xE2\x80"));
        assert_int_equal(strstr(line.data, "photo_bytes") != NULL, i >= 5);
        assert_ok(record_read(&record, line.data, line.length, "line", &error), error);
        assert_string_equal(record.verdict.photo, names[i]);
        record_free(&record);
        buffer_free(&line);
    }
}

static void json_lines_are_flushed_at_once(void **state) {
    (void)state;
    const char *path = test_temporary("lines.jsonl");
    struct error error = {0};
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    struct writer_options options = options_for(WRITER_JSONL, PRECISION_FULL);
    struct writer *writer = writer_new(stream, &options, &error);
    struct verdict verdict = full_verdict();
    for (int lines = 1; lines <= 3; lines++) {
        assert_ok(writer_add(writer, &verdict, &error), error);
        char *count = run_command("wc -l <'%s'", path);
        assert_int_equal(atoi(count), lines);
        free(count);
    }
    writer_free(writer);
    fclose(stream);
    verdict_free(&verdict);
}

// --- CSV ---

#define CSV_HEADER                                                                                          \
    "photo,outcome,country,country_code,region,city,latitude,longitude,radius_km,confidence,radius_50_km,"  \
    "radius_90_km,match,same_name_countries,alternatives,clues,reasoning,samples,tokens,truncated,seconds," \
    "model,precision,error,level,calibrated,most_likely,gps_latitude,gps_longitude,"                        \
    "gps_distance_km,contradicts_gps,flags,estimated\r\n"

static void csv_is_exact(void **state) {
    (void)state;
    struct writer_options options = options_for(WRITER_CSV, PRECISION_FULL);
    check_output(
        full_verdict(), &options,
        CSV_HEADER
        "photos/street.jpg,placed,Portugal,PT,Lisbon District,Lisbon,38.71691,-9.1399,12,0.625,12,274.2,"
        "exact,5,\"Porto, Portugal (0.25) | Salvador, Bahia, Brazil (0.125)\",\"sign: The shop sign says "
        "\"\"Pastelaria\"\". | vehicle: The tram is yellow, as in Lisbon.\",\"The shop sign says "
        "\"\"Pastelaria\"\". The tram is yellow, as in Lisbon.\",8,2210,false,12.346,globe-7b,full,,city,"
        "false,,,,,,,true\r\n");
    char *empty = write_all(NULL, 0, &options);
    assert_string_equal(empty, CSV_HEADER);
    free(empty);
    struct verdict verdict = bare_verdict("a.jpg", VERDICT_FAILED);
    error_set(&verdict.error, ERROR_INPUT, "a.jpg: broken, \"really\"");
    check_output(verdict, &options,
                 CSV_HEADER "a.jpg,failed,,,,,,,,,,,,0,,,,1,0,false,0,globe-7b,full,\"a.jpg: broken, "
                            "\"\"really\"\"\",,false,,,,,,,true\r\n");
}

static void csv_texts_are_no_formulas(void **state) {
    (void)state;
    struct writer_options options = options_for(WRITER_CSV, PRECISION_FULL);
    static const char *const names[][2] = {
        {"=HYPERLINK(1)", "\"'=HYPERLINK(1)\",no_answer"},
        {"+1", "\"'+1\",no_answer"},
        {"-1.jpg", "\"'-1.jpg\",no_answer"},
        {"@SUM", "\"'@SUM\",no_answer"},
        {" =1", "\" =1\",no_answer"},
        {"a=1", "a=1,no_answer"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct verdict verdict = bare_verdict(names[i][0], VERDICT_NO_ANSWER);
        char *text = write_all(&verdict, 1, &options);
        assert_memory_equal(text + strlen(CSV_HEADER), names[i][1], strlen(names[i][1]));
        free(text);
        verdict_free(&verdict);
    }
}

static void csv_lines_hold_hostile_texts(void **state) {
    (void)state;
    struct writer_options options = options_for(WRITER_CSV, PRECISION_FULL);
    struct verdict verdict = hostile_verdict("a\nb.jpg");
    char *text = write_all(&verdict, 1, &options);
    const char *row = text + strlen(CSV_HEADER);
    assert_ptr_equal(strchr(row, '\n'), row + strlen(row) - 1); // one line
    int commas = 0;
    bool quoted = false;
    for (const char *c = row; *c; c++) {
        if (*c == '"') quoted = !quoted;
        if (*c == ',' && !quoted) commas++;
        assert_true((unsigned char)*c >= ' ' || strcmp(c, "\r\n") == 0 || strcmp(c, "\n") == 0);
    }
    assert_false(quoted);
    assert_int_equal(commas, 32);
    assert_contains(row, "a b.jpg,placed,\"'=1+1,\"\"x\"\" ]]> <b>");
    assert_contains(row, ",-33.5,-169.75,");
    free(text);
    verdict_free(&verdict);
}

// --- GeoJSON and KML ---

static char *write_file(const char *name, const struct verdict *verdicts, size_t count,
                        const struct writer_options *options) {
    char *text = write_all(verdicts, count, options);
    const char *path = test_temporary("%s", name);
    test_write(path, text, strlen(text));
    free(text);
    return strdup(path);
}

static void geojson_is_exact(void **state) {
    (void)state;
    struct writer_options options = options_for(WRITER_GEOJSON, PRECISION_FULL);
    struct verdict verdict = bare_verdict("a.jpg", VERDICT_PLACED);
    verdict.place = lisbon();
    check_output(verdict, &options,
                 "{\"type\": \"FeatureCollection\", \"features\": [\n"
                 "{\"type\": \"Feature\", \"geometry\": {\"type\": \"Point\", \"coordinates\": [-9.139904, "
                 "38.716912]}, \"properties\": {\"name\": \"Lisbon, Lisbon District, Portugal\", \"photo\": "
                 "\"a.jpg\", \"outcome\": \"placed\", \"estimated\": true, \"error\": null, \"country\": "
                 "\"Portugal\", "
                 "\"country_code\": \"PT\", \"region\": \"Lisbon District\", \"city\": \"Lisbon\", "
                 "\"radius_km\": 12.0, \"confidence\": null, \"radius_50_km\": null, \"radius_90_km\": null, "
                 "\"match\": \"exact\", \"level\": \"country\", \"most_likely\": null, \"gps\": null, "
                 "\"gps_distance_km\": null, \"contradicts_gps\": null, \"flags\": [], \"alternatives\": [], "
                 "\"clues\": [], \"reasoning\": null, \"samples\": 1, \"tokens\": 0, \"truncated\": false, "
                 "\"seconds\": 0.0, \"model\": \"globe-7b\", "
                 "\"precision\": \"full\"}}\n]}\n");
    char *empty = write_all(NULL, 0, &options);
    assert_string_equal(empty, "{\"type\": \"FeatureCollection\", \"features\": []}\n");
    free(empty);
}

static void positions_off_the_earth_are_none(void **state) {
    (void)state;
    static const struct point bad[] = {{91, 0}, {NAN, 0}, {0, NAN}, {0, INFINITY}};
    struct writer_options options = options_for(WRITER_GEOJSON, PRECISION_FULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct verdict verdict = bare_verdict("a.jpg", VERDICT_PLACED);
        verdict.place.has_position = true;
        verdict.place.position = bad[i];
        char *text = write_all(&verdict, 1, &options);
        assert_contains(text, "\"geometry\": null");
        free(text);
        verdict_free(&verdict);
    }
}

// Three features, of which GDAL has to place two.
static void check_with_gdal(enum writer_format format, const char *name) {
    struct verdict verdicts[3] = {full_verdict(), bare_verdict("b.jpg", VERDICT_NOT_LOCATABLE),
                                  hostile_verdict(HOSTILE)};
    struct writer_options options = options_for(format, PRECISION_FULL);
    char *path = write_file(name, verdicts, 3, &options);
    char *report = run_command("ogrinfo -ro -al '%s'", path);
    assert_contains(report, "Feature Count: 3");
    assert_contains(report, "Extent: (-169.750000, -33.500000) - (-9.139904, 38.716912)");
    assert_contains(report, "POINT (-9.139904 38.716912)");
    assert_contains(report, "city (String) = Lisbon");
    assert_contains(report, "]]> <b>&amp;");
    assert_lacks(report, "Warning");
    assert_lacks(report, "ERROR");
    free(report);
    free(path);
    for (size_t i = 0; i < 3; i++) verdict_free(&verdicts[i]);
}

static void gdal_reads_geojson(void **state) {
    (void)state;
    check_with_gdal(WRITER_GEOJSON, "places.geojson");
}

static void gdal_reads_kml(void **state) {
    (void)state;
    check_with_gdal(WRITER_KML, "places.kml");
}

static void kml_is_exact(void **state) {
    (void)state;
    struct writer_options options = options_for(WRITER_KML, PRECISION_FULL);
    struct verdict verdict = bare_verdict("a&b.jpg", VERDICT_PLACED);
    verdict.place = lisbon();
    verdict.confidence = 0.83;
    verdict.clues = calloc(1, sizeof *verdict.clues);
    verdict.clues[0] = clue_of("sign", "<script>alert(1)</script>]]>");
    verdict.clue_count = 1;
    check_output(verdict, &options,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<kml xmlns=\"http://www.opengis.net/kml/2.2\">\n"
                 "<Document>\n"
                 "  <name>globe</name>\n"
                 "  <description>Places that a model estimated from what photos show. None was "
                 "measured.</description>\n"
                 "  <Style id=\"estimate\"><BalloonStyle><text>$[description]</text></BalloonStyle></Style>\n"
                 "  <Style id=\"circle\"><LineStyle><color>ff6b5614</color><width>2</width></LineStyle>"
                 "<PolyStyle><color>336b5614</color></PolyStyle></Style>\n"
                 "  <Placemark>\n"
                 "    <name>Lisbon, Lisbon District, Portugal</name>\n"
                 "    <description>&lt;p&gt;a&amp;amp;b.jpg&lt;/p&gt;&lt;p&gt;Estimated by a model "
                 "from what the picture shows, not measured.&lt;/p&gt;&lt;p&gt;Confidence: 83 % "
                 "for the words of this one answer (uncalibrated)&lt;/p&gt;&lt;p&gt;sign: "
                 "&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;]]&amp;gt;"
                 "&lt;/p&gt;</description>\n"
                 "    <styleUrl>#estimate</styleUrl>\n"
                 "    <ExtendedData>\n"
                 "      <Data name=\"photo\"><value>a&amp;b.jpg</value></Data>\n"
                 "      <Data name=\"outcome\"><value>placed</value></Data>\n"
                 "      <Data name=\"estimated\"><value>true</value></Data>\n"
                 "      <Data name=\"country\"><value>Portugal</value></Data>\n"
                 "      <Data name=\"country_code\"><value>PT</value></Data>\n"
                 "      <Data name=\"region\"><value>Lisbon District</value></Data>\n"
                 "      <Data name=\"city\"><value>Lisbon</value></Data>\n"
                 "      <Data name=\"radius_km\"><value>12</value></Data>\n"
                 "      <Data name=\"confidence\"><value>0.83</value></Data>\n"
                 "      <Data name=\"model\"><value>globe-7b</value></Data>\n"
                 "      <Data name=\"precision\"><value>full</value></Data>\n"
                 "    </ExtendedData>\n"
                 "    <Point><coordinates>-9.139904,38.716912</coordinates></Point>\n"
                 "  </Placemark>\n"
                 "</Document>\n"
                 "</kml>\n");
}

static void kml_is_well_formed_whatever_the_texts(void **state) {
    (void)state;
    struct verdict verdict = hostile_verdict(HOSTILE);
    struct writer_options options = options_for(WRITER_KML, PRECISION_FULL);
    options.model = HOSTILE;
    char *path = write_file("hostile.kml", &verdict, 1, &options);
    free(run_command("xmllint --noout '%s'", path));
    free(path);
    path = write_file("empty.kml", NULL, 0, &options);
    free(run_command("xmllint --noout '%s'", path));
    free(path);
    verdict_free(&verdict);
}

// --- precision ---

static void country_precision_names_no_city_anywhere(void **state) {
    (void)state;
    static const char *const finer[] = {"Lisbon", "Porto", "Salvador", "Bahia", "Pastelaria",
                                        "tram",   "38.71", "9.13",     "41.1",  "8.61"};
    struct verdict verdict = full_verdict();
    for (int outcome = VERDICT_PLACED; outcome <= VERDICT_ABSTAINED; outcome++)
        for (int format = WRITER_TEXT; format <= WRITER_HTML; format++) {
            verdict.outcome = (enum verdict_outcome)outcome;
            struct writer_options options = options_for((enum writer_format)format, PRECISION_COUNTRY);
            options.show_reasoning = true;
            char *text = write_all(&verdict, 1, &options);
            for (size_t i = 0; i < sizeof finer / sizeof *finer; i++) assert_lacks(text, finer[i]);
            free(text);
        }
    assert_string_equal(verdict.place.city, "Lisbon"); // the verdict itself stays whole
    verdict_free(&verdict);
}

static void country_precision_merges_cities(void **state) {
    (void)state;
    struct writer_options options = options_for(WRITER_TEXT, PRECISION_COUNTRY);
    check_output(full_verdict(), &options,
                 "photos/street.jpg\n"
                 "  Place         Portugal\n"
                 "  Coordinates   39.69° N 8.13° W, ± 208 km\n"
                 "  Confidence    88 % of 8 samples (uncalibrated); 90 % of them within 274 km\n"
                 "  Alternatives  Brazil, 13 %\n");
    // Two of one country among the alternatives, one of them without a code.
    struct verdict verdict = full_verdict();
    verdict_place_free(&verdict.alternatives[0]);
    verdict.alternatives[0] = place_in("Recife", "", "brazil", "", 0.25);
    check_output(verdict, &options,
                 "photos/street.jpg\n"
                 "  Place         Portugal\n"
                 "  Coordinates   39.69° N 8.13° W, ± 208 km\n"
                 "  Confidence    63 % of 8 samples (uncalibrated); 90 % of them within 274 km\n"
                 "  Alternatives  brazil, 38 %\n");
}

static void country_precision_without_a_country_position(void **state) {
    (void)state;
    struct writer_options options = options_for(WRITER_TEXT, PRECISION_COUNTRY);
    struct verdict verdict = bare_verdict("a.jpg", VERDICT_PLACED);
    verdict.place = lisbon();
    verdict.place.has_country_position = false;
    check_output(verdict, &options,
                 "a.jpg\n"
                 "  Place         Portugal\n"
                 "  Coordinates   not known\n"
                 "  Confidence    not known\n");
    // A country that was named as such has its own position already.
    verdict = bare_verdict("a.jpg", VERDICT_PLACED);
    verdict.place = place_in("", "", "Portugal", "PT", 1);
    verdict.place.has_position = true;
    verdict.place.position = (struct point){39.6945, -8.1306};
    verdict.place.radius_km = 208;
    check_output(verdict, &options,
                 "a.jpg\n"
                 "  Place         Portugal\n"
                 "  Coordinates   39.69° N 8.13° W, ± 208 km\n"
                 "  Confidence    not known\n");
}

static void city_precision_rounds_positions(void **state) {
    (void)state;
    struct verdict verdict = full_verdict();
    verdict.place.radius_km = 0.2;
    verdict.radius_50_km = 0.01;
    struct writer_options options = options_for(WRITER_JSONL, PRECISION_CITY);
    char *text = write_all(&verdict, 1, &options);
    assert_contains(text, "\"latitude\": 38.72, \"longitude\": -9.14, \"radius_km\": 1.0");
    assert_contains(text, "\"latitude\": 41.15, \"longitude\": -8.61, \"radius_km\": 9.0");
    assert_contains(text, "\"radius_50_km\": 1.0, \"radius_90_km\": 274.2");
    assert_contains(text, "\"precision\": \"city\"");
    free(text);
    verdict_free(&verdict);
}

// --- errors ---

static void a_full_disk_is_an_error(void **state) {
    (void)state;
    for (int format = WRITER_TEXT; format <= WRITER_HTML; format++) {
        struct error error = {0};
        FILE *stream = fopen("/dev/full", "wb");
        assert_non_null(stream);
        struct writer_options options = options_for((enum writer_format)format, PRECISION_FULL);
        struct writer *writer = writer_new(stream, &options, &error);
        assert_got(writer, error);
        struct verdict verdict = full_verdict();
        int result = writer_add(writer, &verdict, &error);
        if (format == WRITER_HTML && result == 0) result = writer_end(writer, &error); // nothing before that
        assert_error(result, error, ERROR_IO, "cannot write the results: No space left on device");
        writer_free(writer);
        fclose(stream);
        verdict_free(&verdict);
    }
}

static void huge_texts_are_fine(void **state) {
    (void)state;
    enum { HUGE_LENGTH = 1 << 20 };
    struct verdict verdict = full_verdict();
    free(verdict.reasoning);
    verdict.reasoning = malloc(HUGE_LENGTH + 1);
    for (size_t i = 0; i < HUGE_LENGTH; i++) verdict.reasoning[i] = i % 7 == 0 ? '<' : 'x';
    verdict.reasoning[HUGE_LENGTH] = 0;
    for (int format = WRITER_TEXT; format <= WRITER_HTML; format++) {
        struct writer_options options = options_for((enum writer_format)format, PRECISION_FULL);
        options.show_reasoning = true;
        char *text = write_all(&verdict, 1, &options);
        if (format != WRITER_KML) assert_true(strlen(text) > HUGE_LENGTH); // KML shows clues instead
        free(text);
    }
    verdict_free(&verdict);
}

static void names_are_in_order(void **state) {
    (void)state;
    assert_string_equal(writer_format_names[WRITER_TEXT], "text");
    assert_string_equal(writer_format_names[WRITER_JSON], "json");
    assert_string_equal(writer_format_names[WRITER_JSONL], "jsonl");
    assert_string_equal(writer_format_names[WRITER_CSV], "csv");
    assert_string_equal(writer_format_names[WRITER_GEOJSON], "geojson");
    assert_string_equal(writer_format_names[WRITER_KML], "kml");
    assert_string_equal(writer_format_names[WRITER_HTML], "html");
    assert_string_equal(writer_format_names[WRITER_PATHS], "paths");
    assert_null(writer_format_names[WRITER_PATHS + 1]);
    assert_string_equal(writer_precision_names[PRECISION_COUNTRY], "country");
    assert_null(writer_precision_names[PRECISION_COUNTRY + 1]);
    assert_string_equal(verdict_outcome_name(VERDICT_PLACED), "placed");
    assert_string_equal(verdict_outcome_name(VERDICT_ABSTAINED), "abstained");
    assert_string_equal(verdict_outcome_name(VERDICT_NOT_LOCATABLE), "not_locatable");
    assert_string_equal(verdict_outcome_name(VERDICT_NO_ANSWER), "no_answer");
    assert_string_equal(verdict_outcome_name(VERDICT_FAILED), "failed");
    struct verdict empty = {0};
    verdict_free(&empty);
    verdict_clues_free(NULL, 0);
    writer_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_tells_everything),
        cmocka_unit_test(report_of_one_sample),
        cmocka_unit_test(report_of_what_is_not_known),
        cmocka_unit_test(report_of_other_outcomes),
        cmocka_unit_test(report_notes_how_the_place_was_found),
        cmocka_unit_test(report_rounds_honestly),
        cmocka_unit_test(report_shows_five_alternatives),
        cmocka_unit_test(report_fits_the_width),
        cmocka_unit_test(long_and_wide_words_are_broken),
        cmocka_unit_test(colour_only_when_asked),
        cmocka_unit_test(reports_have_a_line_between_them),
        cmocka_unit_test(json_lines_are_exact),
        cmocka_unit_test(json_is_one_array),
        cmocka_unit_test(json_says_null_for_what_is_not_known),
        cmocka_unit_test(abstained_places_are_withheld),
        cmocka_unit_test(json_survives_hostile_texts),
        cmocka_unit_test(names_of_photos_come_back_exactly),
        cmocka_unit_test(json_lines_are_flushed_at_once),
        cmocka_unit_test(csv_is_exact),
        cmocka_unit_test(csv_texts_are_no_formulas),
        cmocka_unit_test(csv_lines_hold_hostile_texts),
        cmocka_unit_test(geojson_is_exact),
        cmocka_unit_test(positions_off_the_earth_are_none),
        cmocka_unit_test(gdal_reads_geojson),
        cmocka_unit_test(gdal_reads_kml),
        cmocka_unit_test(kml_is_exact),
        cmocka_unit_test(kml_is_well_formed_whatever_the_texts),
        cmocka_unit_test(country_precision_names_no_city_anywhere),
        cmocka_unit_test(country_precision_merges_cities),
        cmocka_unit_test(country_precision_without_a_country_position),
        cmocka_unit_test(city_precision_rounds_positions),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(huge_texts_are_fine),
        cmocka_unit_test(names_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
