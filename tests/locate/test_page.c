#include "support.h"

#include <math.h>

#include "base/file.h"
#include "base/utf8.h"
#include "geo/gazetteer_density.h"
#include "locate/verdicts.h"
#include "locate/writer.h"
#include "locate/writer_internal.h"
#include "photo/decode.h"
#include "photo/encode.h"

static struct gazetteer_density land;

static int read_land(void **state) {
    (void)state;
    struct error error = {0};
    struct gazetteer *gazetteer = gazetteer_open(NULL, &error);
    if (!gazetteer || gazetteer_count_places(gazetteer, &land, &error)) fail_msg("%s", error.message);
    gazetteer_close(gazetteer);
    return 0;
}

// The page of these verdicts, which are freed. free() it.
static char *write_page(struct verdict *verdicts, size_t count, enum writer_precision precision) {
    struct writer_options options = {
        .format = WRITER_HTML, .precision = precision, .model = "globe-7b", .land = &land};
    static char *text; // static, or gcc 12 takes what is returned for a pointer to it
    static size_t length;
    struct error error = {0};
    FILE *stream = open_memstream(&text, &length);
    struct writer *writer = writer_new(stream, &options, &error);
    assert_got(writer, error);
    for (size_t i = 0; i < count; i++) {
        assert_ok(writer_add(writer, &verdicts[i], &error), error);
        verdict_free(&verdicts[i]);
    }
    assert_ok(writer_end(writer, &error), error);
    writer_free(writer);
    fclose(stream);
    assert_int_equal(strlen(text), length);
    return text;
}

static struct verdict at(double lat, double lon, double radius) {
    struct verdict verdict = bare_verdict("no.jpg", VERDICT_PLACED);
    verdict.place = place_in("Somewhere", "", "Land", "", 1);
    verdict.place.has_position = true;
    verdict.place.position = (struct point){lat, lon};
    verdict.place.radius_km = radius;
    return verdict;
}

static void check_well_formed(const char *text) {
    const char *path = test_temporary("page.html");
    test_write(path, text, strlen(text));
    free(run_command("xmllint --noout --nonet '%s'", path));
    assert_true(utf8_is_valid(text, strlen(text)));
}

// Nothing that a browser could load, run or follow.
static void check_self_contained(const char *text) {
    static const char *const forbidden[] = {"http:",   "https:",  "=\"//",    "<script", "javascript",
                                            "<iframe", "<object", "<link",    "@import", "<form",
                                            "<base",   "onload=", "onerror=", "url(\"",  "xlink"};
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) assert_lacks(text, forbidden[i]);
    for (const char *src = text; (src = strstr(src, "src=")); src++)
        assert_memory_equal(src, "src=\"data:image/jpeg;base64,", 28);
    for (const char *href = text; (href = strstr(href, "href=")); href++)
        assert_memory_equal(href, "href=\"#p", 8);
    for (const char *url = text; (url = strstr(url, "url(")); url++)
        assert_memory_equal(url, "url(#globe)", 11);
    assert_contains(text, "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"");
}

static void a_page_tells_everything(void **state) {
    (void)state;
    struct verdict verdict = full_verdict();
    char *text = write_page(&verdict, 1, PRECISION_FULL);
    static const char *const told[] = {
        "photos/street.jpg",
        "<h2 class=\"place\">Lisbon</h2>",
        "Lisbon District, Portugal",
        "38.7169\xC2\xB0 N 9.1399\xC2\xB0 W",
        "\xC2\xB1 12 km",
        "63 % of 8 samples (uncalibrated); 90 % of them within 274 km",
        "<i class=\"bar\" style=\"--w:62.5%\">",
        "Porto, Portugal",
        "25 %",
        "Salvador, Bahia, Brazil",
        "Lisbon is the name of places in 5 countries.",
        "<dt class=\"kind\">sign</dt>",
        "The shop sign says &quot;Pastelaria&quot;.",
        "<details><summary>The whole reasoning</summary>",
        "an estimate that <b>globe-7b</b> made from what the pictures show. None was measured",
        "1 photo: 1 placed.",
        "no picture",
        "GeoNames, CC BY 4.0"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) assert_contains(text, told[i]);
    check_well_formed(text);
    check_self_contained(text);
    free(text);
}

static void hostile_texts_are_only_text(void **state) {
    (void)state;
    struct verdict verdicts[3] = {hostile_verdict("\"><script>alert(1)</script><img src=x onerror=alert(1)>"),
                                  hostile_verdict("]]>--><!--.jpg"),
                                  hostile_verdict("&#106;avascript&colon;")};
    verdicts[1].outcome = VERDICT_ABSTAINED;
    verdicts[2].outcome = VERDICT_FAILED;
    error_set(&verdicts[2].error, ERROR_INPUT, "%s", HOSTILE);
    char *text = write_page(verdicts, 3, PRECISION_FULL);
    check_well_formed(text);
    static const char *const raw[] = {"<script",  "<img src=x", "<b>&amp;\x1b",
                                      "<!--.jpg", "\x1b",       "\xC2\x9B"};
    for (size_t i = 0; i < sizeof raw / sizeof *raw; i++) assert_lacks(text, raw[i]);
    assert_contains(text, "&lt;script&gt;alert(1)&lt;/script&gt;");
    free(text);
}

static void every_outcome_has_its_card(void **state) {
    (void)state;
    struct verdict *verdicts = calloc(VERDICT_OUTCOMES, sizeof *verdicts);
    for (int outcome = 0; outcome < VERDICT_OUTCOMES; outcome++)
        verdicts[outcome] = bare_verdict("a.jpg", (enum verdict_outcome)outcome);
    verdicts[VERDICT_ABSTAINED].place.city = strdup("Lisbon");
    verdicts[VERDICT_NO_ANSWER].truncated = true;
    error_set(&verdicts[VERDICT_FAILED].error, ERROR_INPUT, "a.jpg: not a picture");
    char *text = write_page(verdicts, VERDICT_OUTCOMES, PRECISION_FULL);
    static const char *const told[] = {
        "class=\"placed b0\"",
        "A place without a name",
        "coordinates not known",
        "Less sure than",
        "Most likely: Lisbon",
        "Not locatable",
        "No answer",
        "cut off at the limit of tokens",
        "Out of scope",
        "Failed",
        "not a picture",
        "6 photos: 1 placed, 1 too unsure, 1 not locatable, 1 without an answer, 1 out of scope, 1 failed."};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) assert_contains(text, told[i]);
    assert_lacks(text, "<svg class=\"map\""); // nothing to show on it
    check_well_formed(text);
    free(verdicts);
    free(text);
}

static void an_empty_batch_is_a_page(void **state) {
    (void)state;
    char *text = write_page(NULL, 0, PRECISION_FULL);
    assert_contains(text, "0 photos: none.");
    assert_lacks(text, "<article");
    check_well_formed(text);
    check_self_contained(text);
    free(text);
}

static void positions_are_coarsened(void **state) {
    (void)state;
    struct verdict city = full_verdict(), country = full_verdict();
    char *text = write_page(&city, 1, PRECISION_CITY);
    assert_contains(text, "38.72\xC2\xB0 N 9.14\xC2\xB0 W");
    assert_contains(text, "Places are given to the city only.");
    free(text);
    text = write_page(&country, 1, PRECISION_COUNTRY);
    assert_contains(text, "<h2 class=\"place\">Portugal</h2>");
    assert_contains(text, "39.69\xC2\xB0 N 8.13\xC2\xB0 W");
    assert_contains(text, "Places are given to the country only.");
    assert_lacks(text, "Lisbon");
    assert_lacks(text, "whole reasoning");
    free(text);
}

// --- pictures --------------------------------------------------------------------------------------------

static size_t decode_base64(const char *text, unsigned char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = 0;
    uint32_t group = 0;
    int bits = 0;
    for (; *text && *text != '"' && *text != '='; text++) {
        const char *digit = strchr(digits, *text);
        assert_non_null(digit);
        group = group << 6 | (uint32_t)(digit - digits);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        out[length++] = (unsigned char)(group >> bits);
    }
    return length;
}

// The one picture of the page of one photo.
static void check_thumbnail(const char *photo, size_t width, size_t height) {
    struct error error = {0};
    struct verdict verdict = bare_verdict(photo, VERDICT_PLACED);
    char *text = write_page(&verdict, 1, PRECISION_FULL);
    char size[80];
    snprintf(size, sizeof size, "<img loading=\"lazy\" decoding=\"async\" width=\"%zu\" height=\"%zu\"",
             width, height);
    assert_contains(text, size);
    const char *data = strstr(text, "base64,");
    assert_non_null(data);
    unsigned char *jpeg = malloc(strlen(data));
    size_t length = decode_base64(data + 7, jpeg);
    struct image image = {0};
    struct photo_facts facts;
    assert_ok(photo_decode_buffer(&image, jpeg, length, "thumbnail", NULL, &facts, &error), error);
    assert_string_equal(facts.format, "jpeg");
    assert_int_equal(image.width, width);
    assert_int_equal(image.height, height);
    assert_int_equal(facts.orientation, 1);
    assert_false(facts.has_position);
    assert_null(memmem(jpeg, length, "Exif", 4));
    assert_null(memmem(jpeg, length, "http", 4));
    assert_true(length < 80000);
    image_free(&image);
    free(jpeg);
    check_self_contained(text);
    free(text);
}

static void pictures_are_small_and_without_metadata(void **state) {
    (void)state;
    struct error error = {0};
    struct image stored = {0}, large = {0};
    assert_ok(photo_decode_file(&stored, test_data("images/photo_a.jpg"), NULL, NULL, &error), error);
    assert_int_equal(stored.width * 3, stored.height * 4);
    check_thumbnail(test_data("images/photo_a.jpg"), 480, 360);
    image_free(&stored);
    assert_ok(photo_decode_file(&stored, test_data("image/exif6.jpg"), NULL, NULL, &error), error);
    assert_true(stored.height > stored.width && stored.height < 480);
    check_thumbnail(test_data("image/exif6.jpg"), stored.width, stored.height); // upright, small already
    image_free(&stored);

    assert_ok(image_new(&large, 3000, 2, &error), error);
    memset(large.rgb, 128, 3000 * 2 * 3);
    assert_ok(photo_save(&large, test_temporary("wide.png"), 0, &error), error);
    check_thumbnail(test_temporary("wide.png"), 480, 1);
    image_free(&large);
    assert_ok(image_new(&large, 700, 1400, &error), error);
    memset(large.rgb, 200, 700 * 1400 * 3);
    assert_ok(photo_save(&large, test_temporary("tall.jpg"), 90, &error), error);
    check_thumbnail(test_temporary("tall.jpg"), 240, 480);
    image_free(&large);
}

static void evidence_is_shown(void **state) {
    (void)state;
    struct verdict verdicts[2] = {full_verdict(), full_verdict()};
    verdicts[0].evidence = strdup(test_data("images/scene_b.png"));
    verdicts[1].evidence = strdup("gone.png");
    char *text = write_page(verdicts, 2, PRECISION_FULL);
    assert_contains(text, "alt=\"Where the model looked\"");
    assert_contains(text, "<p class=\"note\">gone.png</p>");
    free(text);
}

// --- the map ---------------------------------------------------------------------------------------------

// The <svg> of these verdicts. free() it.
static char *write_map(struct verdict *verdicts, size_t count) {
    char *text = write_page(verdicts, count, PRECISION_FULL);
    check_well_formed(text);
    const char *start = strstr(text, "<svg class=\"map\"");
    assert_non_null(start);
    memmove(text, start, strlen(start) + 1);
    *(strstr(text, "</svg>") + 6) = 0;
    return text;
}

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (; (text = strstr(text, part)); text++) count++;
    return count;
}

static void the_map_is_small_and_has_land(void **state) {
    (void)state;
    struct verdict verdict = at(38.7, -9.1, 10);
    char *map = write_map(&verdict, 1);
    assert_true(strlen(map) < 60000);
    assert_int_equal(count_of(map, "class=\"land"), 3);
    assert_true(count_of(map, "h") > 2000);
    // Greenwich at the equator is the middle of the 1920 units, Lisbon somewhat west and north of it.
    assert_contains(map, "translate(917 201)");
    assert_lacks(map, "class=\"near\""); // ten kilometres are behind the marker
    free(map);
}

static void the_projection_is_equal_earth(void **state) {
    (void)state;
    // The positions were worked out apart from this program, with the formula of the paper.
    struct verdict verdicts[3] = {at(0, 179.999, -1), at(0, 0, -1), at(-89.999, 0, -1)};
    char *map = write_map(verdicts, 3);
    assert_contains(map, "translate(1920 467)");
    assert_contains(map, "translate(960 467)");
    assert_contains(map, "translate(960 934)");
    assert_contains(map, "viewBox=\"0 4 1920 930\""); // down to the pole, where there is a marker
    free(map);
}

static char *write_map_of(const struct point *points, size_t count) {
    struct verdict *verdicts = calloc(count, sizeof *verdicts);
    for (size_t i = 0; i < count; i++) verdicts[i] = at(points[i].lat, points[i].lon, 1);
    char *map = write_map(verdicts, count);
    free(verdicts);
    return map;
}

static void near_markers_are_one(void **state) {
    (void)state;
    static const struct point scattered[] = {{38.7, -9.1}, {41.1, -8.6}, {-35, 149}, {40, -8},
                                             {39, -9},     {39, -9},     {-34, 150}, {35, 135}};
    char *map = write_map_of(scattered, 8);
    assert_int_equal(count_of(map, ")\"><g class=\"pin\""), 9); // in each of three sizes
    assert_contains(map, ">\xC3\x97"
                         "5</text>");
    assert_contains(map, ">3, 7</text>");
    assert_contains(map, ">8</text>");
    assert_contains(map, "href=\"#p8\"");
    free(map);
    static const struct point together[] = {{10, 10}, {10, 10}, {10.1, 10}};
    map = write_map_of(together, 3);
    assert_contains(map, ">1\xE2\x80\x93"
                         "3</text>");
    free(map);
}

// Every number of the circles' paths is on or near the map, also around the poles and the date line.
static void circles_hold_everywhere(void **state) {
    (void)state;
    static const struct {
        double lat, lon, radius;
    } cases[] = {{0, 0, 500},      {52, 20, 1000}, {-18, 179, 1400},   {-18, 190, 1400},
                 {78, 15, 1900},   {90, 0, 1500},  {-90, 0, 1500},     {89.9, -179, 4000},
                 {-60, 100, 6000}, {0, 0, 20000},  {45, -179.9, 9000}, {-89.999, 10, 20000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verdict verdict = at(cases[i].lat, cases[i].lon, cases[i].radius);
        char *map = write_map(&verdict, 1);
        const char *path = strstr(map, "<path class=\"near\" d=\"");
        assert_non_null(path);
        assert_int_equal(count_of(path, "z"), 3);
        path += strlen("<path class=\"near\" d=\"");
        while (*path != '"') {
            char *end;
            double number = strtod(path + strspn(path, "MLz "), &end);
            if (end == path) fail_msg("case %zu: %.20s", i, path);
            assert_true(isfinite(number) && fabs(number) < 3 * 1920);
            path = end + strspn(end, " z");
        }
        free(map);
    }
}

static void without_land_there_are_lines(void **state) {
    (void)state;
    struct buffer out = {0};
    const struct writer_marker marker = {.number = 12, .position = {10, 10}, .radius_km = -1};
    writer_map_add(&out, &marker, 1, NULL);
    assert_false(out.failed);
    assert_contains(out.data, "class=\"lines\"");
    assert_lacks(out.data, "class=\"land");
    assert_contains(out.data, ">12</text>");
    buffer_free(&out);
}

static void what_was_measured_stands_beside_what_was_estimated(void **state) {
    (void)state;
    struct verdict verdicts[2] = {full_verdict(), full_verdict()};
    verdicts[0].has_gps = verdicts[0].contradicts_gps = true;
    verdicts[0].gps = (struct point){-33.8688, 151.2093};
    verdicts[0].gps_distance_km = 18180;
    verdicts[1].flags = FLAG_OTHER_PLACE;
    char *text = write_page(verdicts, 2, PRECISION_FULL);
    assert_contains(
        text, "Measured (GPS): 33.8688\xC2\xB0 S 151.2093\xC2\xB0 E, 18,180 km from the estimate, which it "
              "contradicts.");
    assert_contains(text, "The reasoning concludes on another place than the answer.");
    free(text);
}

static void one_sample_has_no_bar_and_no_colour(void **state) {
    (void)state;
    struct verdict verdict = full_verdict();
    verdict.samples = 1;
    char *text = write_page(&verdict, 1, PRECISION_FULL);
    assert_lacks(text, "<i class=\"bar\"");
    assert_contains(text, "class=\"placed b0\"");
    assert_contains(text, "one answer only, not measured (1)");
    free(text);
}

// The rectangles of one set of marks, wherever the photos lie.
static void marks_never_cover_one_another(void **state) {
    (void)state;
    enum { PHOTOS = 700, MOST = 400 };
    struct verdict *verdicts = calloc(PHOTOS, sizeof *verdicts);
    uint32_t random = 5;
    for (size_t i = 0; i < PHOTOS; i++) {
        double unit[2];
        for (size_t k = 0; k < 2; k++) {
            random = random * 1664525 + 1013904223;
            unit[k] = random / 4294967296.0;
        }
        verdicts[i] =
            i % 3 ? at(40 + 20 * unit[0], 40 * unit[1] - 10, 5) : at(170 * unit[0] - 85, 360 * unit[1], 5);
    }
    char *map = write_map(verdicts, PHOTOS);
    static const struct {
        const char *class;
        double scale;
    } sets[] = {{"<g class=\"marks w\">", 1}, {"<g class=\"marks m\">", 1.6}, {"<g class=\"marks s\">", 2.8}};
    for (size_t set = 0; set < 3; set++) {
        double box[MOST][4];
        size_t count = 0;
        const char *at_mark = strstr(map, sets[set].class), *end = strstr(at_mark, "</g>\n</g>");
        if (!end) end = map + strlen(map);
        const char *next = strstr(at_mark + 1, "<g class=\"marks");
        if (next) end = next;
        while ((at_mark = strstr(at_mark, "translate(")) && at_mark < end) {
            double x = strtod(at_mark + 10, NULL), y = strtod(strchr(at_mark, ' ') + 1, NULL);
            double left = strtod(strstr(at_mark, " x=\"") + 4, NULL),
                   top = strtod(strstr(at_mark, " y=\"") + 4, NULL);
            double width = strtod(strstr(at_mark, " width=\"") + 8, NULL);
            assert_true(count < MOST);
            box[count][0] = x + sets[set].scale * left;
            box[count][1] = x + sets[set].scale * (left + width);
            box[count][2] = y + sets[set].scale * top;
            box[count++][3] = y - sets[set].scale * top;
            at_mark++;
        }
        assert_true(count > 8);
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < i; j++)
                if (box[i][0] < box[j][1] && box[j][0] < box[i][1] && box[i][2] < box[j][3] &&
                    box[j][2] < box[i][3])
                    fail_msg("set %zu: marks %zu and %zu cover one another", set, i, j);
    }
    free(verdicts);
    free(map);
}

static void marks_open_as_lists(void **state) {
    (void)state;
    struct verdict verdicts[3] = {full_verdict(), full_verdict(), at(39, -9, 5)};
    verdicts[1].confidence = 0.95;
    char *text = write_page(verdicts, 3, PRECISION_FULL);
    assert_contains(text, "href=\"#pin-w0\"");
    assert_contains(text, "id=\"pin-w0\"");
    assert_contains(text, "<b>3 photos here</b>");
    assert_contains(
        text, "<li>Lisbon, Lisbon District, Portugal <a class=\"b3\" href=\"#p1\">1</a> <a class=\"b1\" "
              "href=\"#p2\">2</a></li>");
    assert_contains(text, "<li>Somewhere, Land <a class=\"b0\" href=\"#p3\">3</a></li>");
    check_well_formed(text);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_tells_everything),
        cmocka_unit_test(hostile_texts_are_only_text),
        cmocka_unit_test(every_outcome_has_its_card),
        cmocka_unit_test(an_empty_batch_is_a_page),
        cmocka_unit_test(positions_are_coarsened),
        cmocka_unit_test(pictures_are_small_and_without_metadata),
        cmocka_unit_test(evidence_is_shown),
        cmocka_unit_test(the_map_is_small_and_has_land),
        cmocka_unit_test(the_projection_is_equal_earth),
        cmocka_unit_test(near_markers_are_one),
        cmocka_unit_test(circles_hold_everywhere),
        cmocka_unit_test(without_land_there_are_lines),
        cmocka_unit_test(what_was_measured_stands_beside_what_was_estimated),
        cmocka_unit_test(one_sample_has_no_bar_and_no_colour),
        cmocka_unit_test(marks_never_cover_one_another),
        cmocka_unit_test(marks_open_as_lists),
    };
    return cmocka_run_group_tests(tests, read_land, NULL);
}
