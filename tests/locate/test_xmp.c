#include "support.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "locate/verdicts.h"
#include "locate/writer.h"

static const struct writer_options full = {.model = "globe-7b"};
static const char picture[] = "not really a JPEG, and never opened";

// A photo with a verdict on it, in a folder of its own.
static struct verdict verdict_on(const char *name) {
    struct verdict verdict = full_verdict();
    free(verdict.photo);
    verdict.photo = strdup(test_temporary("%s", name));
    test_write(verdict.photo, picture, sizeof picture - 1);
    return verdict;
}

static char *sidecar_of(const struct verdict *verdict) {
    size_t length = strlen(verdict->photo) + 5;
    char *path = malloc(length);
    snprintf(path, length, "%s.xmp", verdict->photo);
    return path;
}

static void check_photo_is_whole(const struct verdict *verdict) {
    struct error error = {0};
    char *data = file_read(verdict->photo, 1 << 20, NULL, &error);
    assert_got(data, error);
    assert_string_equal(data, picture);
    free(data);
}

static char *write_sidecar(const struct verdict *verdict, const struct writer_options *options) {
    struct error error = {0};
    assert_ok(writer_write_xmp(verdict, options, false, &error), error);
    check_photo_is_whole(verdict);
    char *path = sidecar_of(verdict);
    assert_true(file_exists(path));
    free(run_command("xmllint --noout '%s'", path));
    return path;
}

// The line of a tag, without the columns' spaces, must be there.
static void check_tag(const char *report, const char *group, const char *tag, const char *value) {
    char start[64];
    snprintf(start, sizeof start, "[%s]", group);
    for (const char *line = report; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        if (strncmp(line, start, strlen(start)) != 0) continue;
        const char *name = line + strcspn(line, " ");
        name += strspn(name, " ");
        const char *colon = name + strcspn(name, " :");
        if ((size_t)(colon - name) != strlen(tag) || strncmp(name, tag, strlen(tag)) != 0) continue;
        colon += strspn(colon, " :");
        size_t length = strcspn(colon, "\n");
        if (length != strlen(value) || strncmp(colon, value, length) != 0)
            fail_msg("%s is \"%.*s\", expected \"%s\"", tag, (int)length, colon, value);
        return;
    }
    fail_msg("no [%s] %s in: %s", group, tag, report);
}

// "[Group] Tag : value" lines for every tag, numbers as they are; exiftool finds no fault.
static char *read_with_exiftool(const char *path) {
    char *report = run_command("exiftool -validate -warning -a -G1 -s -n -struct -XMP:all '%s'", path);
    check_tag(report, "ExifTool", "Validate", "0 0 0");
    return report;
}

static void exiftool_reads_everything(void **state) {
    (void)state;
    struct verdict verdict = verdict_on("street.jpg");
    char *path = write_sidecar(&verdict, &full);
    char *report = read_with_exiftool(path);
    check_tag(report, "XMP-x", "XMPToolkit", "globe " GLOBE_VERSION);
    check_tag(report, "XMP-exif", "GPSLatitude", "38.7169116666667"); // to a ten-thousandth of a minute
    check_tag(report, "XMP-exif", "GPSLongitude", "-9.13990333333333");
    check_tag(report, "XMP-exif", "GPSMapDatum", "WGS-84");
    check_tag(report, "XMP-exif", "GPSHPositioningError", "274240");
    check_tag(report, "XMP-exif", "GPSProcessingMethod", "globe: estimated from what the picture shows");
    check_tag(report, "XMP-photoshop", "City", "Lisbon");
    check_tag(report, "XMP-photoshop", "State", "Lisbon District");
    check_tag(report, "XMP-photoshop", "Country", "Portugal");
    check_tag(report, "XMP-iptcCore", "CountryCode", "PT");
    check_tag(report, "XMP-iptcExt", "LocationCreated",
              "[{City=Lisbon,CountryCode=PT,CountryName=Portugal,ProvinceState=Lisbon District}]");
    check_tag(report, "XMP-iptcExt", "LocationShown",
              "[{City=Lisbon,CountryCode=PT,CountryName=Portugal,ProvinceState=Lisbon District}]");
    check_tag(report, "XMP-globe", "Estimate", "True");
    check_tag(report, "XMP-globe", "Confidence", "0.625");
    check_tag(report, "XMP-globe", "RadiusKm", "274.2");
    check_tag(report, "XMP-globe", "Precision", "full");
    check_tag(report, "XMP-globe", "Model", "globe-7b");
    check_tag(report, "XMP-globe", "Alternatives", "[Porto|, Portugal,Salvador|, Bahia|, Brazil]");
    check_tag(report, "XMP-globe", "Clues",
              "[sign: The shop sign says \"Pastelaria\".,vehicle: The tram is yellow|, as in Lisbon.]");
    check_tag(report, "XMP-globe", "Reasoning",
              "The shop sign says \"Pastelaria\"..The tram is yellow, as in Lisbon.");
    free(report);
    free(path);
    verdict_free(&verdict);
}

static void coordinates_are_exact_everywhere(void **state) {
    (void)state;
    static const struct {
        double lat, lon;
        const char *expected_lat, *expected_lon;
    } cases[] = {
        {0, 0, ">0,00.0000N<", ">0,00.0000E<"},
        {-33.856784, 151.215297, ">33,51.4070S<", ">151,12.9178E<"},
        {90, 179.99999999, ">90,00.0000N<", ">180,00.0000E<"}, // no 60 minutes
        {-0.5, -179.5, ">0,30.0000S<", ">179,30.0000W<"},
        {38.71690, 370, ">38,43.0140N<", ">10,00.0000E<"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[32];
        snprintf(name, sizeof name, "position%zu.jpg", i);
        struct verdict verdict = verdict_on(name);
        verdict.place.position = (struct point){cases[i].lat, cases[i].lon};
        char *path = write_sidecar(&verdict, &full);
        struct error error = {0};
        char *packet = file_read(path, 1 << 20, NULL, &error);
        assert_got(packet, error);
        assert_contains(packet, cases[i].expected_lat);
        assert_contains(packet, cases[i].expected_lon);
        free(packet);
        free(path);
        verdict_free(&verdict);
    }
}

static void hostile_texts_stay_text(void **state) {
    (void)state;
    struct verdict verdict = hostile_verdict("");
    free(verdict.photo);
    verdict.photo = strdup(test_temporary("a & <b>.jpg"));
    test_write(verdict.photo, picture, sizeof picture - 1);
    struct writer_options options = full;
    options.model = HOSTILE;
    char *path = write_sidecar(&verdict, &options);
    char *report = read_with_exiftool(path);
    check_tag(
        report, "XMP-photoshop", "City",
        "=1+1,\"x\" ]]> <b>&amp;\xEF\xBF\xBD[31m\xEF\xBF\xBD.line \xEF\xBF\xBD"
        "evil \xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD( \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD'");
    check_tag(report, "XMP-exif", "GPSLongitude", "-169.75");
    free(report);
    free(path);
    verdict_free(&verdict);
}

static void country_precision_coarsens(void **state) {
    (void)state;
    struct verdict verdict = verdict_on("coarse.jpg");
    struct writer_options options = full;
    options.precision = PRECISION_COUNTRY;
    char *path = write_sidecar(&verdict, &options);
    char *report = read_with_exiftool(path);
    check_tag(report, "XMP-photoshop", "Country", "Portugal");
    check_tag(report, "XMP-exif", "GPSLatitude", "39.69");
    check_tag(report, "XMP-globe", "Precision", "country");
    assert_lacks(report, "Lisbon");
    assert_lacks(report, "Porto,");
    assert_lacks(report, "Pastelaria");
    free(report);
    free(path);
    verdict_free(&verdict);
}

static void no_position_no_gps(void **state) {
    (void)state;
    struct verdict verdict = verdict_on("nowhere.jpg");
    verdict.place.has_position = false;
    char *path = write_sidecar(&verdict, &full);
    char *report = read_with_exiftool(path);
    assert_lacks(report, "GPS");
    check_tag(report, "XMP-photoshop", "City", "Lisbon");
    free(report);
    free(path);
    verdict_free(&verdict);
}

static void only_placed_photos_get_one(void **state) {
    (void)state;
    struct verdict verdict = verdict_on("unplaced.jpg");
    char *path = sidecar_of(&verdict);
    struct error error = {0};
    for (int outcome = VERDICT_ABSTAINED; outcome <= VERDICT_FAILED; outcome++) {
        verdict.outcome = (enum verdict_outcome)outcome;
        assert_ok(writer_write_xmp(&verdict, &full, true, &error), error);
        assert_false(file_exists(path));
    }
    free(path);
    verdict_free(&verdict);
}

static void an_existing_sidecar_is_left_alone(void **state) {
    (void)state;
    struct verdict verdict = verdict_on("edited.jpg");
    char *path = sidecar_of(&verdict);
    struct error error = {0};
    test_write(path, "mine", 4);
    assert_error(writer_write_xmp(&verdict, &full, false, &error), error, ERROR_INPUT,
                 "edited.jpg.xmp: there is a sidecar already");
    char *data = file_read(path, 100, NULL, &error);
    assert_string_equal(data, "mine");
    free(data);
    assert_ok(writer_write_xmp(&verdict, &full, true, &error), error);
    data = file_read(path, 1 << 20, NULL, &error);
    assert_contains(data, "<photoshop:City>Lisbon</photoshop:City>");
    free(data);
    free(path);
    verdict_free(&verdict);
}

static void a_link_does_not_lead_to_the_photo(void **state) {
    (void)state;
    struct verdict verdict = verdict_on("linked.jpg");
    char *path = sidecar_of(&verdict);
    struct error error = {0};
    assert_int_equal(symlink("linked.jpg", path), 0);
    assert_error(writer_write_xmp(&verdict, &full, true, &error), error, ERROR_INPUT, "not a regular file");
    check_photo_is_whole(&verdict);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("nowhere", path), 0);
    assert_error(writer_write_xmp(&verdict, &full, false, &error), error, ERROR_INPUT, "not a regular file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_error(writer_write_xmp(&verdict, &full, true, &error), error, ERROR_INPUT, "not a regular file");
    free(path);
    // A hard link keeps the photo, because the sidecar is renamed into place.
    struct verdict hard = verdict_on("hard.jpg");
    path = sidecar_of(&hard);
    assert_int_equal(link(hard.photo, path), 0);
    assert_ok(writer_write_xmp(&hard, &full, true, &error), error);
    check_photo_is_whole(&hard);
    free(path);
    verdict_free(&hard);
    verdict_free(&verdict);
}

static void the_photo_must_be_a_file(void **state) {
    (void)state;
    struct verdict verdict = full_verdict();
    struct error error = {0};
    static const char *const photos[][2] = {
        {"/no/such/photo.jpg", "/no/such/photo.jpg"}, {"-", "-: "}, {"", ""}};
    for (size_t i = 0; i < sizeof photos / sizeof *photos; i++) {
        free(verdict.photo);
        verdict.photo = strdup(photos[i][0]);
        assert_error(writer_write_xmp(&verdict, &full, false, &error), error, ERROR_INPUT, photos[i][1]);
    }
    free(verdict.photo);
    verdict.photo = strdup("/tmp");
    assert_error(writer_write_xmp(&verdict, &full, false, &error), error, ERROR_INPUT, "/tmp: not a file");
    free(verdict.photo);
    verdict.photo = NULL;
    assert_true(writer_write_xmp(&verdict, &full, false, &error) != 0);
    verdict_free(&verdict);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exiftool_reads_everything),
        cmocka_unit_test(coordinates_are_exact_everywhere),
        cmocka_unit_test(hostile_texts_stay_text),
        cmocka_unit_test(country_precision_coarsens),
        cmocka_unit_test(no_position_no_gps),
        cmocka_unit_test(only_placed_photos_get_one),
        cmocka_unit_test(an_existing_sidecar_is_left_alone),
        cmocka_unit_test(a_link_does_not_lead_to_the_photo),
        cmocka_unit_test(the_photo_must_be_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
