#include "pictures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "photo/encode.h"
#include "support_safetensors.h"

static const struct photo_options as_stored = {.ignore_orientation = true, .as_pillow = true};
static const struct photo_options upright;
static const struct photo_options over_white = {
    .ignore_orientation = true, .as_pillow = true, .alpha = PHOTO_ALPHA_OVER_WHITE};

static void check_pixels(const struct golden *golden, const char *file, const char *kind,
                         const struct photo_options *options) {
    char name[80];
    struct error error;
    struct image image;
    snprintf(name, sizeof name, "%s.%s", file, kind);
    struct golden_tensor expected = golden_get(golden, name, "U8");
    assert_ok(photo_decode_file(&image, golden_data("image/%s", file), options, NULL, &error), error);
    assert_int_equal(image.height, expected.shape[0]);
    assert_int_equal(image.width, expected.shape[1]);
    if (memcmp(image.rgb, expected.data, expected.count)) fail_msg("%s differs", name);
    image_free(&image);
}

static void pixels_are_pillow_s(void **state) {
    (void)state;
    struct error error;
    struct golden golden = golden_open(golden_data("image/decoded.safetensors"));
    json_t *root = json_read_file(golden_data("image/decoded.json"), 1 << 20, &error), *entry;
    assert_got(root, error);
    const char *file;
    assert_true(json_object_size(root) > 0);
    json_object_foreach(root, file, entry) {
        char turned[80], composited[80];
        snprintf(turned, sizeof turned, "%s.rgb_exif_transposed", file);
        snprintf(composited, sizeof composited, "%s.rgb_over_white", file);
        check_pixels(&golden, file, "rgb", &as_stored);
        if (golden_has(&golden, turned)) check_pixels(&golden, file, "rgb_exif_transposed", &upright);
        // qwen_vl_utils composites the mode RGBA only.
        check_pixels(&golden, file, golden_has(&golden, composited) ? "rgb_over_white" : "rgb", &over_white);
    }
    json_decref(root);
    golden_close(&golden);
}

static void facts_are_the_file_s(void **state) {
    (void)state;
    struct error error;
    json_t *root = json_read_file(golden_data("image/decoded.json"), 1 << 20, &error), *entry;
    assert_got(root, error);
    const char *file;
    json_object_foreach(root, file, entry) {
        struct image image;
        struct photo_facts facts;
        assert_ok(photo_decode_file(&image, golden_data("image/%s", file), NULL, &facts, &error), error);
        json_t *orientation = json_object_get(entry, "exif_orientation");
        assert_int_equal(facts.orientation,
                         orientation && !json_is_null(orientation) ? json_integer_value(orientation) : 1);
        assert_int_equal(facts.stored_width, json_integer_value(json_object_get(entry, "width")));
        assert_int_equal(facts.stored_height, json_integer_value(json_object_get(entry, "height")));
        assert_string_equal(facts.format, strstr(file, ".png") ? "png" : "jpeg");
        image_free(&image);
    }
    json_decref(root);
}

static void the_name_s_ending_does_not_matter(void **state) {
    (void)state;
    struct error error;
    struct image image;
    struct photo_facts facts;
    struct bytes file = read_bytes(test_data("image/rgb8.png"));
    const char *path = test_temporary("a.svg");
    test_write(path, file.data, file.length);
    assert_ok(photo_decode_file(&image, path, NULL, &facts, &error), error);
    assert_string_equal(facts.format, "png");
    image_free(&image);
    free(file.data);
}

// ---- EXIF made by hand: orientation and GPS ------------------------------------------------------------

struct exif {
    uint8_t bytes[600];
    size_t length;
};

static void put(struct exif *exif, uint32_t value, size_t size) {
    while (size--) exif->bytes[exif->length++] = (uint8_t)(value >> (8 * size)); // big-endian
}

static void put_field(struct exif *exif, unsigned tag, unsigned type, unsigned count, uint32_t value) {
    put(exif, tag, 2);
    put(exif, type, 2);
    put(exif, count, 4);
    put(exif, value, 4);
}

enum { SHORT = 3, ASCII = 2, LONG = 4, RATIONAL = 5 };

struct gps {
    char latitude_reference, longitude_reference;
    uint32_t latitude[6], longitude[6];
};

// A JPEG of 16 x 8 pixels with an APP1 block that holds this.
static struct bytes jpeg_with(const struct image *image, unsigned orientation, const struct gps *gps) {
    struct error error;
    struct buffer plain = {0}, out = {0};
    struct exif exif = {0};
    assert_ok(photo_encode_jpeg(&plain, image, 95, &error), error);
    put(&exif, 0x4D4D002A, 4);
    put(&exif, 8, 4);
    put(&exif, gps ? 2 : 1, 2);
    put_field(&exif, 0x0112, SHORT, 1, (uint32_t)orientation << 16);
    if (gps) put_field(&exif, 0x8825, LONG, 1, 38);
    put(&exif, 0, 4);
    if (gps) {
        uint32_t values = 38 + 2 + 4 * 12 + 4;
        put(&exif, 4, 2);
        put_field(&exif, 1, ASCII, 2, (uint32_t)gps->latitude_reference << 24);
        put_field(&exif, 2, RATIONAL, 3, values);
        put_field(&exif, 3, ASCII, 2, (uint32_t)gps->longitude_reference << 24);
        put_field(&exif, 4, RATIONAL, 3, values + 24);
        put(&exif, 0, 4);
        for (int i = 0; i < 6; i++) put(&exif, gps->latitude[i], 4);
        for (int i = 0; i < 6; i++) put(&exif, gps->longitude[i], 4);
    }
    size_t block = exif.length + 8;
    buffer_add(&out, plain.data, 2);
    buffer_add(&out, (const uint8_t[]){0xFF, 0xE1, (uint8_t)(block >> 8), (uint8_t)block}, 4);
    buffer_add(&out, "Exif\0", 6);
    buffer_add(&out, exif.bytes, exif.length);
    buffer_add(&out, plain.data + 2, plain.length - 2);
    assert_false(out.failed);
    buffer_free(&plain);
    struct bytes bytes = {.length = out.length};
    bytes.data = buffer_take(&out);
    return bytes;
}

// Four flat quarters, so that JPEG keeps their levels: 0 and 80 above, 160 and 240 below.
static struct image quarters(void) {
    struct error error;
    struct image image;
    assert_ok(image_new(&image, 32, 16, &error), error);
    for (size_t y = 0; y < 16; y++)
        for (size_t x = 0; x < 32; x++)
            memset(image.rgb + (y * 32 + x) * 3, (x < 16 ? 0 : 80) + (y < 8 ? 0 : 160), 3);
    return image;
}

static void every_orientation_is_applied(void **state) {
    (void)state;
    // The corners, clockwise from the top left, after turning.
    static const int expected[9][4] = {{0},
                                       {0, 80, 240, 160},
                                       {80, 0, 160, 240},
                                       {240, 160, 0, 80},
                                       {160, 240, 80, 0},
                                       {0, 160, 240, 80},
                                       {160, 0, 80, 240},
                                       {240, 80, 0, 160},
                                       {80, 240, 160, 0}};
    struct image plain = quarters();
    for (unsigned orientation = 1; orientation <= 8; orientation++) {
        struct error error;
        struct image image;
        struct photo_facts facts;
        struct bytes file = jpeg_with(&plain, orientation, NULL);
        assert_ok(photo_decode_buffer(&image, file.data, file.length, "made", &upright, &facts, &error),
                  error);
        assert_int_equal(facts.orientation, orientation);
        assert_int_equal(facts.stored_width, 32);
        assert_int_equal(image.width, orientation < 5 ? 32 : 16);
        assert_int_equal(image.height, orientation < 5 ? 16 : 32);
        size_t right = image.width - 1, bottom = image.height - 1;
        size_t corners[4] = {0, right, bottom * image.width + right, bottom * image.width};
        for (int i = 0; i < 4; i++)
            assert_in_range(image.rgb[corners[i] * 3] + 8, expected[orientation][i] + 4,
                            expected[orientation][i] + 12);
        image_free(&image);
        assert_ok(photo_decode_buffer(&image, file.data, file.length, "made", &as_stored, NULL, &error),
                  error);
        assert_int_equal(image.width, 32);
        assert_in_range(image.rgb[0], 0, 4);
        image_free(&image);
        free(file.data);
    }
    image_free(&plain);
}

static void nonsense_orientation_is_ignored(void **state) {
    (void)state;
    static const unsigned values[] = {0, 9, 65535};
    struct image plain = quarters();
    for (size_t i = 0; i < 3; i++) {
        struct error error;
        struct image image;
        struct photo_facts facts;
        struct bytes file = jpeg_with(&plain, values[i], NULL);
        assert_ok(photo_decode_buffer(&image, file.data, file.length, "made", NULL, &facts, &error), error);
        assert_int_equal(facts.orientation, 1);
        assert_int_equal(image.width, 32);
        image_free(&image);
        free(file.data);
    }
    image_free(&plain);
}

static void positions_are_read(void **state) {
    (void)state;
    static const struct {
        struct gps gps;
        bool found;
        double latitude, longitude;
    } rows[] = {
        {{'N', 'E', {43, 1, 28, 1, 281, 100}, {11, 1, 53, 1, 6, 1}}, true, 43.46744722, 11.885},
        {{'S', 'W', {33, 1, 515, 10, 0, 1}, {70, 1, 30, 1, 36, 1}}, true, -33.85833333, -70.51},
        {{'N', 'W', {90, 1, 0, 1, 0, 1}, {180, 1, 0, 1, 0, 1}}, true, 90, -180},
        {{'N', 'E', {4346744, 100000, 0, 1, 0, 1}, {11885, 1000, 0, 1, 0, 0}}, true, 43.46744, 11.885},
        {{'N', 'E', {4294967295, 4294967295, 0, 1, 0, 1}, {1, 1, 0, 1, 0, 1}}, true, 1, 1},
        {{'N', 'E', {90, 1, 0, 1, 1, 1}, {1, 1, 0, 1, 0, 1}}, false, 0, 0},   // beyond the pole
        {{'N', 'E', {10, 1, 0, 1, 0, 1}, {180, 1, 1, 1, 0, 1}}, false, 0, 0}, // beyond the date line
        {{'N', 'E', {0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}}, false, 0, 0},    // no fix
        {{'N', 'E', {0, 1, 0, 1, 0, 1}, {0, 1, 0, 1, 0, 1}}, false, 0, 0},    // no fix either
        {{'N', 'E', {10, 0, 0, 1, 0, 1}, {1, 1, 0, 1, 0, 1}}, false, 0, 0},
        {{'X', 'E', {10, 1, 0, 1, 0, 1}, {1, 1, 0, 1, 0, 1}}, false, 0, 0},
        {{'N', 0, {10, 1, 0, 1, 0, 1}, {1, 1, 0, 1, 0, 1}}, false, 0, 0},
    };
    struct image plain = quarters();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error error;
        struct image image;
        struct photo_facts facts;
        struct bytes file = jpeg_with(&plain, 1, &rows[i].gps);
        assert_ok(photo_decode_buffer(&image, file.data, file.length, "made", NULL, &facts, &error), error);
        if (facts.has_position != rows[i].found || !(fabs(facts.latitude - rows[i].latitude) < 1e-8) ||
            !(fabs(facts.longitude - rows[i].longitude) < 1e-8))
            fail_msg("row %zu: %d %.9f %.9f", i, facts.has_position, facts.latitude, facts.longitude);
        image_free(&image);
        free(file.data);
    }
    image_free(&plain);
}

static void large_photos_come_smaller_where_that_is_enough(void **state) {
    (void)state;
    struct error error = {0};
    struct image large = {0}, small;
    struct buffer jpeg = {0};
    struct photo_facts facts;
    assert_ok(image_new(&large, 1600, 801, &error), error);
    for (size_t i = 0; i < large.width * large.height; i++) memcpy(large.rgb + 3 * i, "\xE0\x40\x10", 3);
    assert_ok(photo_encode_jpeg(&jpeg, &large, 95, &error), error);
    static const size_t least[] = {0, 1600, 801, 800, 401, 400, 201, 200, 1};
    static const size_t width[] = {1600, 1600, 1600, 800, 800, 400, 400, 200, 200};
    for (size_t i = 0; i < sizeof least / sizeof *least; i++) {
        const struct photo_options options = {.least_side = least[i]};
        assert_ok(photo_decode_buffer(&small, jpeg.data, jpeg.length, "a.jpg", &options, &facts, &error),
                  error);
        assert_int_equal(small.width, width[i]);
        assert_int_equal(facts.stored_width, 1600); // what the file says
        assert_int_equal(facts.stored_height, 801);
        assert_in_range(small.rgb[0], 0xD8, 0xE8);
        image_free(&small);
    }
    image_free(&large);
    buffer_free(&jpeg);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_pillow_s),
        cmocka_unit_test(facts_are_the_file_s),
        cmocka_unit_test(the_name_s_ending_does_not_matter),
        cmocka_unit_test(every_orientation_is_applied),
        cmocka_unit_test(nonsense_orientation_is_ignored),
        cmocka_unit_test(positions_are_read),
        cmocka_unit_test(large_photos_come_smaller_where_that_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
