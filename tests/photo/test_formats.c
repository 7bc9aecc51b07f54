// Formats of which there is no golden file: libvips writes them here, and they must come back.
#include "pictures.h"

#include <stdlib.h>
#include <string.h>

#include "support_safetensors.h"

static const struct photo_options as_stored = {.ignore_orientation = true, .as_pillow = true};
static const struct photo_options upright;
static const struct photo_options over_white = {
    .ignore_orientation = true, .as_pillow = true, .alpha = PHOTO_ALPHA_OVER_WHITE};

static struct image decode_bytes(const void *data, size_t length, const struct photo_options *options,
                                 const char *format) {
    struct error error;
    struct image image;
    struct photo_facts facts;
    assert_ok(photo_decode_buffer(&image, data, length, "made", options, &facts, &error), error);
    assert_string_equal(facts.format, format);
    return image;
}

static void check_close(const struct image *image, const char *file, int most) {
    struct error error;
    struct image expected;
    assert_ok(photo_decode_file(&expected, test_data("image/%s", file), &as_stored, NULL, &error), error);
    assert_int_equal(image->width, expected.width);
    assert_int_equal(image->height, expected.height);
    long sum = 0;
    for (size_t i = 0; i < image->width * image->height * 3; i++) sum += abs(image->rgb[i] - expected.rgb[i]);
    assert_true(sum <= most * (long)(image->width * image->height * 3));
    image_free(&expected);
}

#define CHECK_FORMAT(file, format, most, save, ...)                                       \
    do {                                                                                  \
        void *data;                                                                       \
        size_t length;                                                                    \
        VipsImage *from = open_picture(file);                                             \
        if (save(from, &data, &length, __VA_ARGS__)) fail_msg("%s", vips_error_buffer()); \
        struct image made = decode_bytes(data, length, &as_stored, format);               \
        check_close(&made, file, most);                                                   \
        image_free(&made);                                                                \
        g_free(data);                                                                     \
        g_object_unref(from);                                                             \
    } while (0)

static void other_formats_are_read(void **state) {
    (void)state;
    CHECK_FORMAT("rgb8.png", "webp", 0, vips_webpsave_buffer, "lossless", TRUE, NULL);
    CHECK_FORMAT("rgb8.png", "webp", 12, vips_webpsave_buffer, "Q", 90, NULL);
    CHECK_FORMAT("rgb8.png", "tiff", 0, vips_tiffsave_buffer, NULL);
    CHECK_FORMAT("rgb8.png", "tiff", 0, vips_tiffsave_buffer, "bigtiff", TRUE, NULL);
    CHECK_FORMAT("rgb8.png", "tiff", 0, vips_tiffsave_buffer, "compression",
                 VIPS_FOREIGN_TIFF_COMPRESSION_LZW, NULL);
    CHECK_FORMAT("rgb8.png", "tiff", 0, vips_tiffsave_buffer, "tile", TRUE, "tile_width", 16, "tile_height",
                 16, NULL);
    CHECK_FORMAT("rgb16.png", "tiff", 0, vips_tiffsave_buffer, NULL);
    CHECK_FORMAT("gray16.png", "tiff", 0, vips_tiffsave_buffer, NULL);
    CHECK_FORMAT("bilevel.png", "tiff", 0, vips_tiffsave_buffer, "bitdepth", 1, NULL);
    CHECK_FORMAT("rgb8.png", "gif", 16, vips_gifsave_buffer, NULL);
    CHECK_FORMAT("gray.jpg", "jpeg", 4, vips_jpegsave_buffer, "Q", 95, NULL);
}

// rgb8.heic and rgb8.avif are rgb8.png at quality 90: libraries that read these cannot always write them.
static void heic_and_avif_are_read(void **state) {
    (void)state;
    static const char *const formats[] = {"heic", "avif"};
    for (size_t i = 0; i < 2; i++) {
        struct bytes file = read_bytes(test_data("image/rgb8.%s", formats[i]));
        struct image image = decode_bytes(file.data, file.length, &upright, formats[i]);
        check_close(&image, "rgb8.png", 8);
        image_free(&image);
        free(file.data);
    }
}

static void cmyk_becomes_rgb(void **state) {
    (void)state;
    // Ink levels and Pillow's RGB of them: light = 255 - k; light - ink * light / 255.
    static const uint8_t inks[4] = {255, 51, 0, 102}, expected[3] = {0, 122, 153};
    uint8_t pixels[16 * 16 * 4];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = inks[i % 4];
    VipsImage *plain = vips_image_new_from_memory(pixels, sizeof pixels, 16, 16, 4, VIPS_FORMAT_UCHAR), *cmyk;
    assert_non_null(plain);
    assert_int_equal(vips_copy(plain, &cmyk, "interpretation", VIPS_INTERPRETATION_CMYK, NULL), 0);
    for (int tiff = 0; tiff < 2; tiff++) {
        void *data;
        size_t length;
        assert_int_equal(tiff ? vips_tiffsave_buffer(cmyk, &data, &length, NULL)
                              : vips_jpegsave_buffer(cmyk, &data, &length, "Q", 100, NULL),
                         0);
        struct image image = decode_bytes(data, length, NULL, tiff ? "tiff" : "jpeg");
        for (size_t i = 0; i < 16 * 16 * 3; i++)
            assert_in_range(image.rgb[i] + 3, expected[i % 3], expected[i % 3] + 6);
        image_free(&image);
        g_free(data);
    }
    g_object_unref(cmyk);
    g_object_unref(plain);
}

static void transparent_webp(void **state) {
    (void)state;
    struct golden golden = golden_open(test_data("image/decoded.safetensors"));
    struct golden_tensor expected = golden_get(&golden, "rgba.png.rgb_over_white", "U8");
    VipsImage *rgba = open_picture("rgba.png");
    void *data;
    size_t length;
    assert_int_equal(vips_webpsave_buffer(rgba, &data, &length, "lossless", TRUE, NULL), 0);
    struct image image = decode_bytes(data, length, &over_white, "webp");
    assert_memory_equal(image.rgb, expected.data, expected.count);
    image_free(&image);
    g_free(data);
    g_object_unref(rgba);
    golden_close(&golden);
}

static void unusual_tiff_is_refused_in_words(void **state) {
    (void)state;
    struct error error;
    struct image image;
    void *data;
    size_t length;
    VipsImage *rgb = open_picture("rgb8.png"), *made;
    assert_int_equal(vips_cast(rgb, &made, VIPS_FORMAT_FLOAT, NULL), 0);
    assert_int_equal(vips_tiffsave_buffer(made, &data, &length, NULL), 0);
    assert_error(photo_decode_buffer(&image, data, length, "f.tif", NULL, NULL, &error), error, ERROR_INPUT,
                 "f.tif: TIFF with \"float\" values");
    g_free(data);
    g_object_unref(made);
    g_object_unref(rgb);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_formats_are_read),
        cmocka_unit_test(heic_and_avif_are_read),
        cmocka_unit_test(cmyk_becomes_rgb),
        cmocka_unit_test(transparent_webp),
        cmocka_unit_test(unusual_tiff_is_refused_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
