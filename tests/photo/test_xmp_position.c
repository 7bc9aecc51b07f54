// Positions in XMP packets: the forms that programs write, and what is none.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "photo/xmp_position.h"

struct row {
    const char *packet;
    bool found;
    double latitude, longitude;
};

static void positions_are_read(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"<r exif:GPSLatitude=\"38,43.014N\" exif:GPSLongitude='9,8.394W'/>", true, 38.7169, -9.1399},
        {"<exif:GPSLatitude>38,43,0.84N</exif:GPSLatitude><exif:GPSLongitude> 9,8,23.64w "
         "</exif:GPSLongitude>",
         true, 38.7169, -9.1399},
        {"<e:GPSLatitudeRef>N</e:GPSLatitudeRef><e:GPSLatitude>0,30.0S</e:GPSLatitude>"
         "<e:GPSLongitude>180E</e:GPSLongitude>",
         true, -0.5, 180},
        {"exif:GPSLatitude = \"1,0N\" exif:GPSLongitude\n=\n\"0,0.0E\"", true, 1, 0},
        {"exif:GPSLatitude=\"0,0.0N\" exif:GPSLongitude=\"0,0.0E\"", false, 0, 0}, // no fix
        {"exif:GPSLatitude=\"91,0N\" exif:GPSLongitude=\"0,1E\"", false, 0, 0},
        {"exif:GPSLatitude=\"1,75.0N\" exif:GPSLongitude=\"0,1E\"", false, 0, 0},
        {"exif:GPSLatitude=\"1,2,3,4N\" exif:GPSLongitude=\"0,1E\"", false, 0, 0},
        {"exif:GPSLatitude=\"1,2\" exif:GPSLongitude=\"0,1E\"", false, 0, 0},
        {"exif:GPSLatitude=\"1,2E\" exif:GPSLongitude=\"0,1E\"", false, 0, 0},
        {"exif:GPSLatitude=\"1,2Nx\" exif:GPSLongitude=\"0,1E\"", false, 0, 0},
        {"exif:GPSLatitude=\"1.2.3N\" exif:GPSLongitude=\"0,1E\"", false, 0, 0},
        {"exif:GPSLatitude=\"\" exif:GPSLongitude=\"0,1E\"", false, 0, 0},
        {"exif:GPSLatitude=\"1,2N\"", false, 0, 0},
        {"exif:GPSLatitude=\"1,2N", false, 0, 0},
        {"exif:GPSLatitude", false, 0, 0},
        {"GPSLatitude=\"1,2N\" GPSLongitude=\"0,1E\"", false, 0, 0}, // no property of a namespace
        {"exif:GPSLatitude=\"38.72\" exif:GPSLongitude=\"-9.14\"", true, 38.72, -9.14}, // no ISO form
        {"exif:GPSLatitude=\"+0.5\" exif:GPSLongitude=\"179.999\"", true, 0.5, 179.999},
        {"exif:GPSLatitude=\"-38.72N\" exif:GPSLongitude=\"-9.14\"", false, 0, 0},
        {"exif:GPSLatitude=\"-38,43\" exif:GPSLongitude=\"-9.14\"", false, 0, 0},
        {"exif:GPSLatitude=\"95.1\" exif:GPSLongitude=\"-9.14\"", false, 0, 0},
        {"", false, 0, 0},
        // What globe wrote itself, and what tools copy of it.
        {"xmlns:globe=\"urn:globe:estimate:1.0#\" exif:GPSLatitude=\"1,2N\" exif:GPSLongitude=\"0,1E\"",
         false, 0, 0},
        {"exif:GPSLatitude=\"1,2N\" exif:GPSLongitude=\"0,1E\" exif:GPSProcessingMethod=\"globe: estimated "
         "from "
         "what the picture shows\"",
         false, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double latitude = 0, longitude = 0;
        bool found = xmp_position_read(rows[i].packet, strlen(rows[i].packet), &latitude, &longitude);
        if (found != rows[i].found || !(fabs(latitude - rows[i].latitude) < 1e-9) ||
            !(fabs(longitude - rows[i].longitude) < 1e-9))
            fail_msg("row %zu: %d %.9f %.9f", i, found, latitude, longitude);
    }
}

static void positions_that_are_none_are_told_from_broken_ones(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"exif:GPSLatitude=\"95,0N\" exif:GPSLongitude=\"9,0E\"", true, 0, 0},
        {"exif:GPSLatitude=\"1,2N\"", true, 0, 0},
        {"exif:GPSLatitude=\"nan\" exif:GPSLongitude=\"nan\"", true, 0, 0},
        {"exif:GPSLatitude=\"0,0N\" exif:GPSLongitude=\"0,0E\"", false, 0, 0},
        {"exif:GPSLatitude=\"1,2N\" exif:GPSLongitude=\"0,1E\"", false, 0, 0},
        {"urn:globe:estimate exif:GPSLatitude=\"1,2N\"", false, 0, 0},
        {"<x/>", false, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (xmp_position_is_unreadable(rows[i].packet, strlen(rows[i].packet)) != rows[i].found)
            fail_msg("row %zu", i);
}

static void write_text(const char *path, const char *text) {
    struct error error;
    assert_ok(file_write(path, text, strlen(text), &error), error);
}

static void sidecars_are_found(void **state) {
    (void)state;
    double latitude = 0, longitude = 0;
    char folder[] = "/tmp/globe-xmp-XXXXXX", photo[64], path[96];
    assert_non_null(mkdtemp(folder));
    snprintf(photo, sizeof photo, "%s/a.jpg", folder);
    assert_false(xmp_position_of_sidecar(photo, &latitude, &longitude, NULL));
    snprintf(path, sizeof path, "%s/a.xmp", folder);
    write_text(path, "<a exif:GPSLatitude=\"1,2N\" exif:GPSLongitude=\"3,0E\"/>");
    assert_true(xmp_position_of_sidecar(photo, &latitude, &longitude, NULL));
    assert_true(longitude == 3);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/a.XMP", folder);
    write_text(path, "<a exif:GPSLatitude=\"1,2N\" exif:GPSLongitude=\"5,0E\"/>");
    assert_true(xmp_position_of_sidecar(photo, &latitude, &longitude, NULL));
    assert_true(longitude == 5);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/a.xmp", folder);
    write_text(path, "<a exif:GPSLatitude=\"1,2N\" exif:GPSLongitude=\"3,0E\"/>");
    snprintf(path, sizeof path, "%s/a.jpg.xmp", folder);
    write_text(path, "<a exif:GPSLatitude=\"1,2N\" exif:GPSLongitude=\"4,0E\"/>");
    assert_true(xmp_position_of_sidecar(photo, &latitude, &longitude, NULL));
    assert_true(longitude == 4);
    bool unreadable = false;
    write_text(path, "<a exif:GPSLatitude=\"1,2N\"/>");
    assert_true(xmp_position_of_sidecar(photo, &latitude, &longitude, &unreadable)); // the other one
    assert_true(unreadable && longitude == 3);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/a.xmp", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); // nobody waits for its writer
    assert_false(xmp_position_of_sidecar(photo, &latitude, &longitude, NULL));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_are_read),
        cmocka_unit_test(positions_that_are_none_are_told_from_broken_ones),
        cmocka_unit_test(sidecars_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
