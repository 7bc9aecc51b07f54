// Camera raw files, of which the camera's own JPEG is taken, and files that were cut short.
#include "made_tiff.h"
#include "pictures.h"

#include <stdlib.h>
#include <string.h>

#include "photo/encode.h"
#include "photo/raw_preview.h"

enum { WIDE = 1200, LOW = 16 };

// The left half red, the right half green.
static struct buffer make_jpeg(size_t width, size_t height) {
    static const uint8_t red[] = {220, 30, 30}, green[] = {30, 200, 30};
    struct error error;
    struct image image;
    struct buffer jpeg = {0};
    assert_ok(image_new(&image, width, height, &error), error);
    for (size_t i = 0; i < width * height; i++)
        memcpy(image.rgb + 3 * i, i % width < width / 2 ? red : green, 3);
    assert_ok(photo_encode_jpeg(&jpeg, &image, 95, &error), error);
    image_free(&image);
    return jpeg;
}

static uint32_t put_jpeg(struct buffer *file, const struct buffer *jpeg) {
    uint32_t at = (uint32_t)file->length;
    buffer_add(file, jpeg->data, jpeg->length);
    return at;
}

static uint32_t put_text(struct buffer *file, const char *text) {
    uint32_t at = (uint32_t)file->length;
    buffer_add(file, text, strlen(text) + 1);
    return at;
}

// 48 51' 30" N, 2 21' 0" E.
static uint32_t put_gps(struct buffer *file) {
    uint32_t north = (uint32_t)file->length;
    const uint32_t numbers[12] = {48, 1, 51, 1, 30, 1, 2, 1, 21, 1, 0, 1};
    for (size_t i = 0; i < 12; i++) put(file, numbers[i], 4);
    struct entry gps[] = {{1, 2, 2, 'N'}, {2, 5, 3, north}, {3, 2, 2, 'E'}, {4, 5, 3, north + 24}};
    return put_directory(file, gps, 4, 0);
}

// As Nikon builds it: a thumbnail, below it the JPEG and what the sensor saw.
static struct buffer make_nef(const struct buffer *jpeg) {
    struct buffer file = {0};
    buffer_add(&file, "II*\0\0\0\0\0", 8);
    uint32_t at = put_jpeg(&file, jpeg);
    struct entry preview[] = {
        {254, 4, 1, 1}, {259, 3, 1, 6}, {513, 4, 1, at}, {514, 4, 1, (uint32_t)jpeg->length}};
    uint32_t first = put_directory(&file, preview, 4, 0);
    struct entry sensor[] = {
        {254, 4, 1, 0}, {256, 4, 1, 6000}, {257, 4, 1, 4000}, {259, 3, 1, 34713}, {262, 3, 1, 32803}};
    uint32_t second = put_directory(&file, sensor, 5, 0), list = (uint32_t)file.length;
    put(&file, first, 4);
    put(&file, second, 4);
    uint32_t make = put_text(&file, "NIKON CORPORATION"), gps = put_gps(&file);
    struct entry main[] = {{254, 4, 1, 1}, {256, 4, 1, 160},  {257, 4, 1, 120},  {271, 2, 18, make},
                           {274, 3, 1, 6}, {330, 4, 2, list}, {34853, 4, 1, gps}};
    patch(&file, 4, put_directory(&file, main, 7, 0));
    return file;
}

// LARGE is passed over; JPEG is what may be shown.
static struct buffer make_dng(const struct buffer *jpeg) {
    static const char lossless[] =
        "\xFF\xD8\xFF\xC3\0\x0B\x08\x20\0\x20\0\1\1\x11\0\xFF\xDA\0\x08\1\1\0\1\0\0";
    struct buffer file = {0};
    buffer_add(&file, "II*\0\0\0\0\0", 8);
    uint32_t at = put_jpeg(&file, jpeg), sensor = (uint32_t)file.length;
    buffer_add(&file, lossless, sizeof lossless);
    struct entry preview[] = {
        {254, 4, 1, 1}, {259, 3, 1, 7}, {262, 3, 1, 6}, {273, 4, 1, at}, {279, 4, 1, (uint32_t)jpeg->length}};
    struct entry raw[] = {{254, 4, 1, 0},
                          {259, 3, 1, 7},
                          {262, 3, 1, 32803},
                          {273, 4, 1, sensor},
                          {279, 4, 1, sizeof lossless}};
    uint32_t first = put_directory(&file, raw, 5, 0), second = put_directory(&file, preview, 5, 0),
             list = (uint32_t)file.length;
    put(&file, first, 4);
    put(&file, second, 4);
    struct entry main[] = {{254, 4, 1, 1}, {330, 4, 2, list}, {50706, 1, 4, 0x0401}};
    patch(&file, 4, put_directory(&file, main, 3, 0));
    return file;
}

static struct buffer make_cr2(const struct buffer *jpeg) {
    struct buffer file = {0};
    buffer_add(&file, "II*\0\0\0\0\0CR\2\0\0\0\0\0", 16);
    uint32_t at = put_jpeg(&file, jpeg);
    struct entry main[] = {
        {259, 3, 1, 6}, {273, 4, 1, at}, {274, 3, 1, 1}, {279, 4, 1, (uint32_t)jpeg->length}};
    patch(&file, 4, put_directory(&file, main, 4, 0));
    return file;
}

static struct buffer make_raf(const struct buffer *jpeg) {
    struct buffer file = {0};
    char head[100] = "FUJIFILMCCD-RAW 0201";
    buffer_add(&file, head, sizeof head);
    uint32_t at = put_jpeg(&file, jpeg);
    const uint32_t numbers[2] = {at, (uint32_t)jpeg->length};
    for (size_t i = 0; i < 8; i++) file.data[84 + i] = (char)(numbers[i / 4] >> (24 - 8 * (i % 4)) & 255);
    return file;
}

static void check(struct buffer *file, const char *kind, size_t width, size_t height,
                  struct photo_facts *facts) {
    struct error error;
    struct image image;
    assert_ok(photo_decode_buffer(&image, file->data, file->length, "made", NULL, facts, &error), error);
    assert_int_equal(image.width, width);
    assert_int_equal(image.height, height);
    assert_string_equal(facts->preview_of, kind);
    assert_string_equal(facts->format, "jpeg");
    assert_false(facts->truncated);
    const uint8_t *last = image.rgb + 3 * (width * height - 1);
    assert_near(image.rgb[0], 220, 4); // red comes first, upright or not
    assert_near(last[1], 200, 4);
    image_free(&image);
    buffer_free(file);
}

static void the_camera_s_jpeg_is_taken(void **state) {
    (void)state;
    struct buffer jpeg = make_jpeg(WIDE, LOW);
    struct photo_facts facts;
    struct buffer nef = make_nef(&jpeg), dng = make_dng(&jpeg), cr2 = make_cr2(&jpeg), raf = make_raf(&jpeg);
    check(&nef, "NEF", LOW, WIDE, &facts); // turned upright
    assert_int_equal(facts.orientation, 6);
    assert_true(facts.has_position);
    assert_near(facts.latitude, 48.858333, 1e-5);
    assert_near(facts.longitude, 2.35, 1e-5);
    check(&dng, "DNG", WIDE, LOW, &facts);
    assert_false(facts.has_position);
    check(&cr2, "CR2", WIDE, LOW, &facts);
    check(&raf, "RAF", WIDE, LOW, &facts);
    buffer_free(&jpeg);
}

// Its own EXIF says what holds for a file of its own: not how the raw file is turned.
static void the_raw_file_s_exif_counts(void **state) {
    (void)state;
    static const char exif[] = "\xFF\xE1\0\x22"
                               "Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\3\0\0\0\0\0\0\0";
    struct buffer jpeg = make_jpeg(WIDE, LOW), own = {0};
    struct photo_facts facts;
    buffer_add(&own, jpeg.data, 2);
    buffer_add(&own, exif, sizeof exif - 1);
    buffer_add(&own, jpeg.data + 2, jpeg.length - 2);
    struct buffer cr2 = make_cr2(&own);
    check(&cr2, "CR2", WIDE, LOW, &facts);
    assert_int_equal(facts.orientation, 1);
    buffer_free(&own);
    buffer_free(&jpeg);
}

static void refuse(const struct buffer *file, const char *text) {
    struct error error;
    struct image image;
    assert_error(photo_decode_buffer(&image, file->data, file->length, "made.nef", NULL, NULL, &error), error,
                 ERROR_INPUT, text);
    assert_null(image.rgb);
}

static void a_thumbnail_is_not_taken_and_lies_do_no_harm(void **state) {
    (void)state;
    struct buffer jpeg = make_jpeg(160, LOW), nef = make_nef(&jpeg);
    refuse(&nef, "a camera raw file (NEF), of which only a preview of 160 x 16 pixels could be read");
    buffer_free(&nef);
    buffer_free(&jpeg);
    jpeg = make_jpeg(WIDE, LOW);
    nef = make_nef(&jpeg);
    // Cut anywhere: what is named lies outside, or is whole.
    for (size_t length = 0; length <= nef.length; length += length < 64 ? 1 : 7) {
        uint8_t *copy = malloc(length + 1); // of just that size, for the sanitizer
        assert_non_null(copy);
        memcpy(copy, nef.data, length);
        struct raw_preview preview = raw_preview_find(copy, length);
        struct buffer out = {0};
        assert_true(preview.at <= length && preview.length <= length - preview.at);
        if (preview.length) raw_preview_extract(copy, length, &preview, &out);
        buffer_free(&out);
        free(copy);
    }
    // A length beyond the end, and a text where the JPEG should be.
    struct raw_preview preview = raw_preview_find((const uint8_t *)nef.data, nef.length);
    assert_int_equal(preview.width, WIDE);
    nef.data[preview.at] = 'x';
    refuse(&nef, "a camera raw file (NEF) without a JPEG that could be read");
    buffer_free(&nef);
    buffer_free(&jpeg);
}

// ---- files that were cut short --------------------------------------------------------------------------

static void what_is_there_is_taken(const struct bytes *whole, size_t length, const char *title) {
    struct error error;
    struct image all, part;
    struct photo_facts facts;
    const struct photo_options allow = {.allow_truncated = true};
    assert_ok(photo_decode_buffer(&all, whole->data, whole->length, "whole", &allow, &facts, &error), error);
    assert_false(facts.truncated);
    assert_error(photo_decode_buffer(&part, whole->data, length, "part", NULL, NULL, &error), error,
                 ERROR_INPUT, title);
    assert_ok(photo_decode_buffer(&part, whole->data, length, "part", &allow, &facts, &error), error);
    assert_true(facts.truncated);
    assert_int_equal(part.width, all.width);
    assert_int_equal(part.height, all.height);
    size_t size = all.width * all.height * 3, same = 0;
    assert_memory_equal(part.rgb, all.rgb, all.width * 3); // the first row
    for (size_t i = 0; i < size; i++) same += part.rgb[i] == all.rgb[i];
    assert_in_range(same, size / 8, size - 1);
    image_free(&all);
    image_free(&part);
}

// A gray TIFF of 4 strips, its directory in front of them.
static struct buffer make_strips(void) {
    enum {
        SIDE = 64,
        STRIPS = 4,
        BYTES = SIDE * SIDE / STRIPS,
        LISTS = 8 + 2 + 10 * 12 + 4,
        PIXELS = LISTS + 8 * STRIPS
    };
    const struct entry entries[] = {{256, 4, 1, SIDE},
                                    {257, 4, 1, SIDE},
                                    {258, 3, 1, 8},
                                    {259, 3, 1, 1},
                                    {262, 3, 1, 1},
                                    {273, 4, STRIPS, LISTS},
                                    {277, 3, 1, 1},
                                    {278, 4, 1, SIDE / STRIPS},
                                    {279, 4, STRIPS, LISTS + 4 * STRIPS},
                                    {284, 3, 1, 1}};
    struct buffer file = {0};
    buffer_add(&file, "II*\0\10\0\0\0", 8);
    put_directory(&file, entries, 10, 0);
    for (uint32_t i = 0; i < STRIPS; i++) put(&file, PIXELS + i * BYTES, 4);
    for (uint32_t i = 0; i < STRIPS; i++) put(&file, BYTES, 4);
    for (uint32_t i = 0; i < SIDE * SIDE; i++) put(&file, 100 + i % 50, 1);
    return file;
}

static void cut_files_are_taken_when_that_is_allowed(void **state) {
    (void)state;
    struct bytes jpeg = read_bytes(test_data("images/photo_a.jpg")),
                 png = read_bytes(test_data("images/scene_a.png"));
    what_is_there_is_taken(&jpeg, jpeg.length / 2, "truncated JPEG");
    what_is_there_is_taken(&png, png.length / 2, "truncated PNG");
    // A TIFF whose last strips are missing. (One whose directory is at its end has lost everything.)
    struct buffer file = make_strips();
    const struct bytes tiff = {file.data, file.length};
    what_is_there_is_taken(&tiff, tiff.length - tiff.length / 3, "truncated TIFF");
    buffer_free(&file);
    // Nothing but a head is no photo, whatever is allowed.
    struct error error;
    struct image image;
    const struct photo_options allow = {.allow_truncated = true};
    size_t head = 0;
    while (memcmp(jpeg.data + head, "\xFF\xDA", 2) != 0) head++; // where the data begins
    head += 14;
    assert_error(photo_decode_buffer(&image, jpeg.data, head, "head", &allow, NULL, &error), error,
                 ERROR_INPUT, "truncated JPEG");
    assert_error(photo_decode_buffer(&image, png.data, 60, "head", &allow, NULL, &error), error, ERROR_INPUT,
                 "PNG");
    free(jpeg.data);
    free(png.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_camera_s_jpeg_is_taken),
                                       cmocka_unit_test(the_raw_file_s_exif_counts),
                                       cmocka_unit_test(a_thumbnail_is_not_taken_and_lies_do_no_harm),
                                       cmocka_unit_test(cut_files_are_taken_when_that_is_allowed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
