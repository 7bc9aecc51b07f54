// Files that look like others: previews in front of the photo, colours that are not RGB, values that are not
// 8 bits, ends that are missing, pictures that are too large to be kept, and pictures that are no files.
#include "made_tiff.h"
#include "pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "photo/encode.h"
#include "photo/jpeg.h"
#include "photo/source.h"

// ---- TIFF files made by hand ----------------------------------------------------------------------------

// A directory of an 8-bit picture of one colour; its pixels go before it. `extra` entries come after 284.
static uint32_t put_picture(struct buffer *out, uint32_t subfile, uint32_t photometric, uint32_t side,
                            const uint8_t *pixel, uint32_t samples, const struct entry *extra, size_t extras,
                            uint32_t next) {
    uint32_t pixels = (uint32_t)out->length;
    for (uint32_t i = 0; i < side * side; i++) buffer_add(out, (const char *)pixel, samples);
    uint32_t bits = (uint32_t)out->length;
    for (uint32_t i = 0; i < 4; i++) put(out, 8, 2);
    struct entry entries[20] = {
        {254, 4, 1, subfile}, {256, 4, 1, side},
        {257, 4, 1, side},    {258, 3, samples, samples == 1 ? 8 : samples == 2 ? 8 | 8 << 16 : bits},
        {259, 3, 1, 1},       {262, 3, 1, photometric},
        {273, 4, 1, pixels},  {277, 3, 1, samples},
        {278, 4, 1, side},    {279, 4, 1, side * side * samples},
        {284, 3, 1, 1}};
    for (size_t i = 0; i < extras; i++) entries[11 + i] = extra[i];
    return put_directory(out, entries, 11 + extras, next);
}

static void start_tiff(struct buffer *out) {
    *out = (struct buffer){0};
    buffer_add(out, "II*\0\0\0\0\0", 8);
}

static const uint8_t red[] = {220, 30, 30, 128}, green[] = {30, 200, 30};

static void refuse(const struct buffer *file, const char *text) {
    struct error error;
    struct image image;
    assert_error(photo_decode_buffer(&image, file->data, file->length, "made.tif", NULL, NULL, &error), error,
                 ERROR_INPUT, text);
    assert_non_null(strstr(error.message, "made.tif"));
    assert_null(image.rgb);
}

static void check_colour(const void *data, size_t length, const struct photo_options *options, size_t width,
                         int r, int g, int b) {
    struct error error;
    struct image image;
    assert_ok(photo_decode_buffer(&image, data, length, "made", options, NULL, &error), error);
    assert_int_equal(image.width, width);
    const int expected[3] = {r, g, b};
    for (size_t c = 0; c < 3; c++)
        assert_in_range(image.rgb[c] + 1, (uint64_t)expected[c], (uint64_t)expected[c] + 2);
    image_free(&image);
}

static void a_raw_file_is_not_its_preview(void **state) {
    (void)state;
    struct buffer file;
    // A preview, the photo below it: as a DNG says so, and as other makers' files do.
    for (int dng = 0; dng < 2; dng++) {
        start_tiff(&file);
        uint32_t photo = put_picture(&file, 0, 2, 64, green, 3, NULL, 0, 0);
        struct entry below[] = {{330, 4, 1, photo}, {50706, 1, 4, 0x0401}};
        patch(&file, 4, put_picture(&file, 1, 2, 16, red, 3, below, dng ? 2 : 1, 0));
        refuse(&file, dng ? "a camera raw file (DNG)" : "a camera raw file (raw)");
        buffer_free(&file);
    }
    // A mosaic in the second directory, and the maker's name.
    start_tiff(&file);
    uint32_t mosaic = put_picture(&file, 0, 32803, 64, green, 1, NULL, 0, 0);
    uint32_t name = (uint32_t)file.length;
    buffer_add(&file, "NIKON CORPORATION", 18);
    struct entry make = {271, 2, 18, name};
    patch(&file, 4, put_picture(&file, 1, 2, 16, red, 3, &make, 1, mosaic));
    refuse(&file, "a camera raw file (NEF)");
    buffer_free(&file);
    static const char canon[] = "II*\0\x10\0\0\0CR\2\0\0\0\0\0\1\0\0\1\4\0\1\0\0\0\1\0\0\0\0\0\0\0";
    struct buffer cr2 = {.data = (char *)(uintptr_t)canon, .length = sizeof canon};
    refuse(&cr2, "a camera raw file (CR2)");
}

static void a_thumbnail_in_front_is_passed_over(void **state) {
    (void)state;
    struct buffer file;
    start_tiff(&file);
    uint32_t photo = put_picture(&file, 0, 2, 64, green, 3, NULL, 0, 0);
    patch(&file, 4, put_picture(&file, 1, 2, 16, red, 3, NULL, 0, photo));
    check_colour(file.data, file.length, NULL, 64, 30, 200, 30);
    // Pillow takes what comes first.
    check_colour(file.data, file.length, &(struct photo_options){.as_pillow = true}, 16, 220, 30, 30);
    buffer_free(&file);
    // Smaller copies behind or below the photo, as in pyramids, are no reason to refuse it.
    start_tiff(&file);
    uint32_t small = put_picture(&file, 1, 2, 16, red, 3, NULL, 0, 0);
    struct entry below = {330, 4, 1, small};
    patch(&file, 4, put_picture(&file, 0, 2, 64, green, 3, &below, 1, small));
    check_colour(file.data, file.length, NULL, 64, 30, 200, 30);
    buffer_free(&file);
}

static void colours_of_a_tiff_are_colours(void **state) {
    (void)state;
    static const uint8_t ycbcr[] = {87, 95, 223}; // of red
    static const struct entry whole = {530, 3, 2, 1 | 1 << 16}, half = {530, 3, 2, 2 | 2 << 16};
    struct buffer file;
    start_tiff(&file);
    patch(&file, 4, put_picture(&file, 0, 6, 16, ycbcr, 3, &whole, 1, 0));
    check_colour(file.data, file.length, NULL, 16, 220, 30, 30);
    buffer_free(&file);
    start_tiff(&file);
    patch(&file, 4, put_picture(&file, 0, 6, 16, ycbcr, 3, &half, 1, 0));
    refuse(&file, "TIFF with YCbCr colours of this kind is not supported");
    buffer_free(&file);
    start_tiff(&file);
    patch(&file, 4, put_picture(&file, 0, 8, 16, ycbcr, 3, NULL, 0, 0));
    refuse(&file, "TIFF with CIELab colours is not supported");
    buffer_free(&file);
    start_tiff(&file);
    static const struct entry inks = {332, 3, 1, 2};
    patch(&file, 4, put_picture(&file, 0, 5, 16, red, 4, &inks, 1, 0));
    refuse(&file, "other inks than CMYK");
    buffer_free(&file);
    // Colours multiplied with alpha, 128 of 255: what they were before.
    static const uint8_t thin[] = {110, 15, 15, 128};
    static const struct entry associated = {338, 3, 1, 1}, own = {338, 3, 1, 2};
    start_tiff(&file);
    patch(&file, 4, put_picture(&file, 0, 2, 16, thin, 4, &associated, 1, 0));
    check_colour(file.data, file.length, NULL, 16, 219, 29, 29);
    buffer_free(&file);
    start_tiff(&file);
    patch(&file, 4, put_picture(&file, 0, 2, 16, thin, 4, &own, 1, 0));
    check_colour(file.data, file.length, NULL, 16, 110, 15, 15);
    buffer_free(&file);
    // 0 is white in a fax, and in gray files that say so.
    static const uint8_t dark[] = {55};
    start_tiff(&file);
    patch(&file, 4, put_picture(&file, 0, 0, 16, dark, 1, NULL, 0, 0));
    check_colour(file.data, file.length, NULL, 16, 200, 200, 200);
    buffer_free(&file);
}

// ---- values ---------------------------------------------------------------------------------------------

static void deep_gray_is_scaled(void **state) {
    (void)state;
    uint16_t values[16 * 16];
    for (size_t i = 0; i < 16 * 16; i++) values[i] = 33000;
    VipsImage *plain, *gray;
    assert_int_equal(vips_init("test"), 0);
    plain = vips_image_new_from_memory(values, sizeof values, 16, 16, 1, VIPS_FORMAT_USHORT);
    assert_non_null(plain);
    assert_int_equal(vips_copy(plain, &gray, "interpretation", VIPS_INTERPRETATION_GREY16, NULL), 0);
    for (int tiff = 0; tiff < 2; tiff++) {
        void *data;
        size_t length;
        assert_int_equal(tiff ? vips_tiffsave_buffer(gray, &data, &length, NULL)
                              : vips_pngsave_buffer(gray, &data, &length, NULL),
                         0);
        check_colour(data, length, NULL, 16, 128, 128, 128); // 33000 / 257
        check_colour(data, length, &(struct photo_options){.as_pillow = true}, 16, 255, 255, 255);
        g_free(data);
    }
    g_object_unref(gray);
    g_object_unref(plain);
}

// Two pixels: the transparent one of index 0, and one of index 1.
static void a_transparent_gif_keeps_its_colours(void **state) {
    (void)state;
    static const char gif[] =
        "GIF89a\2\0\1\0\x80\0\0\xDC\x1E\x1E\x1E\xC8\x1E!\xF9\4\1\0\0\0\0,\0\0\0\0\2\0\1\0\0"
        "\2\2\x44\x0A\0;";
    for (int white = 0; white < 2; white++) { // qwen_vl_utils does not composite palettes
        struct error error;
        struct image image;
        const struct photo_options options = {.alpha = white ? PHOTO_ALPHA_OVER_WHITE : PHOTO_ALPHA_DROP};
        assert_ok(photo_decode_buffer(&image, gif, sizeof gif - 1, "t.gif", &options, NULL, &error), error);
        assert_int_equal(image.width, 2);
        assert_memory_equal(image.rgb, ((uint8_t[]){220, 30, 30, 30, 200, 30}), 6);
        image_free(&image);
    }
}

// ---- ends -----------------------------------------------------------------------------------------------

static void check_end(const char *name) {
    struct error error;
    struct image image, whole;
    struct bytes file = read_bytes(test_data("image/%s", name));
    assert_memory_equal(file.data + file.length - 2, "\xFF\xD9", 2);
    assert_ok(photo_decode_buffer(&whole, file.data, file.length, name, NULL, NULL, &error), error);
    for (size_t missing = 1; missing <= 2; missing++) {
        assert_ok(photo_decode_buffer(&image, file.data, file.length - missing, name, NULL, NULL, &error),
                  error);
        assert_memory_equal(image.rgb, whole.rgb, whole.width * whole.height * 3);
        image_free(&image);
    }
    // Zeros in the place of the end, as where a download stopped: harmless, or taken for pixels.
    char *filled = calloc(file.length + 64, 1);
    assert_non_null(filled);
    memcpy(filled, file.data, file.length - 2);
    assert_ok(photo_decode_buffer(&image, filled, file.length + 64, name, NULL, NULL, &error), error);
    assert_memory_equal(image.rgb, whole.rgb, whole.width * whole.height * 3);
    image_free(&image);
    memset(filled + file.length / 2, 0, file.length / 2);
    assert_error(photo_decode_buffer(&image, filled, file.length + 64, name, NULL, NULL, &error), error,
                 ERROR_INPUT, "truncated JPEG: premature end of file");
    free(filled);
    // A few bytes of the last rows are gone, too.
    for (size_t missing = 6; missing < file.length / 2; missing += file.length / 9)
        assert_error(photo_decode_buffer(&image, file.data, file.length - missing, name, NULL, NULL, &error),
                     error, ERROR_INPUT, "truncated JPEG: premature end of file");
    image_free(&whole);
    free(file.data);
}

static void a_jpeg_may_lack_its_end_marker(void **state) {
    (void)state;
    check_end("gray.jpg");
    check_end("exif6.jpg");
    check_end("odd422_restart.jpg");
    check_end("progressive444.jpg");
}

// A progressive picture that ends between two scans is a coarse one, not a whole one.
static void a_coarse_jpeg_is_no_whole_one(void **state) {
    (void)state;
    struct error error;
    struct image image;
    struct bytes file = read_bytes(test_data("image/progressive444.jpg"));
    const uint8_t *data = (const uint8_t *)file.data;
    int scans = 0;
    for (size_t i = 2; i + 1 < file.length; i++) {
        if (data[i] != 0xFF || data[i + 1] != 0xDA || ++scans == 1) continue;
        size_t end = i; // cut in front of this scan, and of the tables before it
        while (end > 2 && !(data[end - 2] == 0xFF && data[end - 1] == 0xC4)) end--;
        assert_false(jpeg_look(data, end - 2).all_scans);
        assert_error(photo_decode_buffer(&image, data, end - 2, "coarse", NULL, NULL, &error), error,
                     ERROR_INPUT, "truncated JPEG: premature end of file");
    }
    assert_true(scans > 2);
    assert_true(jpeg_look(data, file.length).all_scans);
    assert_true(jpeg_look(data, file.length).ended);
    assert_true(jpeg_look(data, file.length).progressive);
    free(file.data);
}

// ---- sizes ----------------------------------------------------------------------------------------------

static void save_png(VipsImage *image, bool interlace, void **data, size_t *length) {
    assert_int_equal(vips_pngsave_buffer(image, data, length, "interlace", interlace, NULL), 0);
}

static void a_huge_picture_is_shrunk_while_it_is_read(void **state) {
    (void)state;
    // 101 megapixels: the left half black, the right one gray.
    struct error error;
    struct image image;
    struct photo_facts facts;
    VipsImage *black, *gray, *both;
    void *data;
    size_t length;
    assert_int_equal(vips_init("test"), 0);
    assert_int_equal(vips_black(&black, 5060, 10003, NULL), 0);
    assert_int_equal(vips_linear1(black, &gray, 1, 90, "uchar", TRUE, NULL), 0);
    assert_int_equal(vips_join(black, gray, &both, VIPS_DIRECTION_HORIZONTAL, NULL), 0);
    save_png(both, false, &data, &length);
    assert_ok(photo_decode_buffer(&image, data, length, "huge.png", NULL, &facts, &error), error);
    assert_int_equal(facts.shrink, 2);
    assert_int_equal(facts.stored_width, 10120);
    assert_int_equal(image.width, 5060);
    assert_int_equal(image.height, 5001); // the odd last row is dropped
    for (size_t x = 0; x < image.width; x++)
        assert_int_equal(image.rgb[(5000 * image.width + x) * 3 + 1], x < 2530 ? 0 : 90);
    image_free(&image);
    assert_ok(photo_measure_buffer(data, length, "huge.png", &facts, &error), error);
    assert_int_equal(facts.shrink, 2);
    g_free(data);
    // What the decoder would have to keep whole is refused when the file is far too small to be a photo.
    save_png(both, true, &data, &length);
    assert_error(photo_decode_buffer(&image, data, length, "bomb.png", NULL, NULL, &error), error,
                 ERROR_LIMIT, "bomb.png: 10120 x 10003 pixels in a file of");
    g_free(data);
    g_object_unref(both);
    g_object_unref(gray);
    g_object_unref(black);
}

// ---- pictures by URL ------------------------------------------------------------------------------------

static void urls_are_read_or_refused(void **state) {
    (void)state;
    struct error error;
    struct image image;
    struct photo_source source;
    struct bytes file = read_bytes(test_data("image/rgb8.png"));
    const char *path = test_temporary("with space.png");
    test_write(path, file.data, file.length);
    char url[1024];
    const char *folder = test_temporary(".");
    snprintf(url, sizeof url, "file://%s/with%%20space.png", folder);
    assert_ok(photo_decode_file(&image, url, NULL, NULL, &error), error);
    image_free(&image);
    snprintf(url, sizeof url, "file://localhost%s", path); // qwen_vl_utils writes paths as they are
    assert_ok(photo_decode_file(&image, url, NULL, NULL, &error), error);
    image_free(&image);
    gchar *base64 = g_base64_encode((const guchar *)file.data, file.length);
    gchar *data = g_strdup_printf("data:image/png;base64,%s", base64);
    assert_ok(photo_decode_file(&image, data, NULL, NULL, &error), error);
    assert_int_equal(image.width, 62);
    image_free(&image);
    data[strlen(data) / 2] = '!';
    assert_error(photo_decode_file(&image, data, NULL, NULL, &error), error, ERROR_INPUT,
                 "data:image/png;base64,... (");
    assert_non_null(strstr(error.message, "the data is not base64"));
    g_free(data);
    g_free(base64);
    assert_error(photo_decode_file(&image, "data:image/png,abc", NULL, NULL, &error), error, ERROR_INPUT,
                 "without \";base64,\"");
    assert_error(photo_decode_file(&image, "https://example.org/a.jpg", NULL, NULL, &error), error,
                 ERROR_INPUT, "https://example.org/a.jpg: pictures are not fetched from the network");
    assert_error(photo_decode_file(&image, "file:///a%00b", NULL, NULL, &error), error, ERROR_INPUT, "NUL");
    assert_error(photo_decode_file(&image, "file:///nowhere.png", NULL, NULL, &error), error, ERROR_INPUT,
                 "/nowhere.png: cannot open");
    assert_ok(photo_source_open(&source, "rgb8.png", test_data("image"), 1 << 20, &error), error);
    assert_int_equal(source.length, file.length);
    photo_source_close(&source);
    assert_false(photo_source_is_url("data.jpg"));
    assert_false(photo_source_is_url("file.jpg"));
    free(file.data);
}

static void names_of_pictures(void **state) {
    (void)state;
    static const char *const yes[] = {"a.jpg", "a.JFIF", "a.b.jpe", "x.hif", "x.avifs", "x.jp2",  "x.JXL",
                                      "x.NEF", "x.dng",  "x.bmp",   "x.tif", "x.jif",   "x.heics"};
    static const char *const no[] = {"jpg", "a.txt", "a.jpg.part", "a.", "a.json", "a.mp4", "a.svg", "a.csv"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) assert_true(photo_has_picture_ending(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) assert_false(photo_has_picture_ending(no[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_raw_file_is_not_its_preview),
        cmocka_unit_test(a_thumbnail_in_front_is_passed_over),
        cmocka_unit_test(colours_of_a_tiff_are_colours),
        cmocka_unit_test(deep_gray_is_scaled),
        cmocka_unit_test(a_transparent_gif_keeps_its_colours),
        cmocka_unit_test(a_jpeg_may_lack_its_end_marker),
        cmocka_unit_test(a_coarse_jpeg_is_no_whole_one),
        cmocka_unit_test(a_huge_picture_is_shrunk_while_it_is_read),
        cmocka_unit_test(urls_are_read_or_refused),
        cmocka_unit_test(names_of_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
