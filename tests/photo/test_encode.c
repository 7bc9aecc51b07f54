#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "photo/decode.h"
#include "photo/encode.h"

static struct image load(const char *path) {
    struct error error;
    struct image image;
    assert_ok(photo_decode_file(&image, path, NULL, NULL, &error), error);
    return image;
}

static double mean_difference(const struct image *a, const struct image *b) {
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    double sum = 0;
    size_t count = a->width * a->height * 3;
    for (size_t i = 0; i < count; i++) sum += abs(a->rgb[i] - b->rgb[i]);
    return sum / (double)count;
}

static struct image decode(const struct buffer *buffer, struct photo_facts *facts) {
    struct error error;
    struct image image;
    assert_ok(photo_decode_buffer(&image, buffer->data, buffer->length, "encoded", NULL, facts, &error),
              error);
    return image;
}

static bool holds(const struct buffer *buffer, const char *bytes, size_t length) {
    return memmem(buffer->data, buffer->length, bytes, length) != NULL;
}

static void png_keeps_every_pixel(void **state) {
    (void)state;
    struct error error;
    struct photo_facts facts;
    struct buffer buffer = {0};
    struct image photo = load(test_data("images/photo_a.jpg"));
    assert_ok(photo_encode_png(&buffer, &photo, &error), error);
    struct image again = decode(&buffer, &facts);
    assert_string_equal(facts.format, "png");
    assert_true(mean_difference(&photo, &again) == 0);
    assert_false(holds(&buffer, "eXIf", 4) || holds(&buffer, "tEXt", 4) || holds(&buffer, "iTXt", 4) ||
                 holds(&buffer, "zTXt", 4) || holds(&buffer, "iCCP", 4) || holds(&buffer, "tIME", 4));
    image_free(&again);
    image_free(&photo);
    buffer_free(&buffer);
}

static void jpeg_is_close_and_bare(void **state) {
    (void)state;
    struct error error;
    struct photo_facts facts;
    struct buffer good = {0}, small = {0};
    struct image photo;
    assert_ok(photo_decode_file(&photo, test_data("images/photo_a.jpg"), NULL, &facts, &error), error);
    assert_true(facts.has_position); // there is something to leave out
    assert_ok(photo_encode_jpeg(&good, &photo, 95, &error), error);
    assert_ok(photo_encode_jpeg(&small, &photo, 30, &error), error);
    assert_true(small.length * 2 < good.length);
    struct image again = decode(&good, &facts);
    assert_string_equal(facts.format, "jpeg");
    assert_true(mean_difference(&photo, &again) < 4);
    assert_false(facts.has_position);
    assert_int_equal(facts.orientation, 1);
    assert_false(holds(&good, "Exif", 4) || holds(&good, "http", 4) || holds(&good, "\xFF\xE1", 2) ||
                 holds(&good, "\xFF\xE2", 2) || holds(&good, "\xFF\xED", 2) || holds(&good, "\xFF\xFE", 2));
    image_free(&again);
    image_free(&photo);
    buffer_free(&good);
    buffer_free(&small);
}

static void what_cannot_be_encoded_is_refused(void **state) {
    (void)state;
    struct error error;
    struct buffer buffer = {0};
    struct image image, nothing = {0};
    assert_ok(image_new(&image, 65536, 1, &error), error);
    memset(image.rgb, 9, 65536 * 3);
    assert_error(photo_encode_jpeg(&buffer, &image, 0, &error), error, ERROR_USAGE, "quality 0");
    assert_error(photo_encode_jpeg(&buffer, &image, 101, &error), error, ERROR_USAGE, "quality 101");
    assert_error(photo_encode_jpeg(&buffer, &image, 90, &error), error, ERROR_INPUT,
                 "65536 x 1 pixels cannot be a JPEG");
    assert_error(photo_encode_png(&buffer, &nothing, &error), error, ERROR_INPUT, "0 x 0 pixels");
    assert_int_equal(buffer.length, 0);
    assert_ok(photo_encode_png(&buffer, &image, &error), error);
    buffer_free(&buffer);
    image_free(&image);
}

static void saving_follows_the_name(void **state) {
    (void)state;
    struct error error;
    struct image photo = load(test_data("image/rgb8.png"));
    static const struct {
        const char *name, *format;
    } files[] = {{"a.png", "png"}, {"b.PNG", "png"}, {"c.jpg", "jpeg"}, {"d.JPEG", "jpeg"}};
    for (size_t i = 0; i < 4; i++) {
        struct image again;
        struct photo_facts facts;
        const char *path = test_temporary("%s", files[i].name);
        assert_ok(photo_save(&photo, path, 95, &error), error);
        assert_ok(photo_decode_file(&again, path, NULL, &facts, &error), error);
        assert_string_equal(facts.format, files[i].format);
        assert_true(mean_difference(&photo, &again) <= (files[i].format[0] == 'p' ? 0 : 8));
        image_free(&again);
    }
    assert_error(photo_save(&photo, test_temporary("a.gif"), 90, &error), error, ERROR_USAGE, "a.gif");
    assert_error(photo_save(&photo, test_temporary(".png/"), 90, &error), error, ERROR_USAGE, "must end in");
    assert_false(file_exists(test_temporary("a.gif")));
    assert_error(photo_save(&photo, test_temporary("no/a.png"), 90, &error), error, ERROR_INPUT,
                 "no/a.png: cannot write");
    assert_error(photo_save(&photo, test_temporary("q.jpg"), 0, &error), error, ERROR_USAGE,
                 "q.jpg: JPEG quality 0");
    assert_false(file_exists(test_temporary("q.jpg")));
    image_free(&photo);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_keeps_every_pixel),
        cmocka_unit_test(jpeg_is_close_and_bare),
        cmocka_unit_test(what_cannot_be_encoded_is_refused),
        cmocka_unit_test(saving_follows_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
