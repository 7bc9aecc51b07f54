// Files that are broken, hostile or no photos at all.
#include "pictures.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "photo/encode.h"

static void refuse(const char *path, enum error_code code, const char *text) {
    struct error error;
    struct image image;
    assert_error(photo_decode_file(&image, path, NULL, NULL, &error), error, code, text);
    assert_null(image.rgb);
    assert_non_null(strstr(error.message, strrchr(path, '/') + 1));
    assert_null(strchr(error.message, '\n'));
}

static void what_is_no_picture_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *name, *content, *message;
    } files[] = {
        {"empty.jpg", "", "the file is empty"},
        {"text.jpg", "Not a photo.\n", "not a JPEG, PNG"},
        {"one byte.png", "\x89", "not a JPEG, PNG"},
        {"a.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>", "not a JPEG, PNG"},
        {"a.pdf", "%PDF-1.7\n1 0 obj", "not a JPEG, PNG"},
        {"a.ppm", "P6 1 1 255 abc", "a PNM picture (convert it to PNG), not a JPEG, PNG"},
        {"a.csv", "1,2\n3,4\n", "not a JPEG, PNG"},
        {"a.hdr", "#?RADIANCE\n", "not a JPEG, PNG"},
        {"a.mp4", "....ftypisom....isommp42", "a video (MP4, MOV), not a JPEG, PNG"},
        {"a.bmp", "BM\x01\x01\x01\x01....\x36\x01\x01\x01\x28", "not a JPEG, PNG"},
        {"a.html", "<!DOCTYPE html>\n<p>404", "a web page (a download that went wrong?), not a JPEG, PNG"},
        {"pointer.jpg", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
         "a Git LFS pointer, not the file itself: run `git lfs pull`"},
        {"a.raf", "FUJIFILMCCD-RAW 0201", "a camera raw file (RAF)"},
        {"a.rw2", "IIU", "not a JPEG, PNG"},
        {"a.cr3", "....ftypcrx ....", "a camera raw file (CR3)"},
        {"magic.jpg", "\xFF\xD8\xFF", "truncated JPEG: premature end of file"},
        {"magic.png", "\x89PNG\r\n\x1A\n", "truncated PNG: premature end of file"},
        {"magic.gif", "GIF89a", "GIF"},
        {"magic.webp", "RIFF\xFF\xFF\xFF\x7FWEBP", "truncated WebP: premature end of file"},
        {"magic.tif", "II*", "not a JPEG, PNG"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = test_temporary("%s", files[i].name);
        test_write(path, files[i].content, strlen(files[i].content));
        refuse(path, ERROR_INPUT, files[i].message);
    }
    uint8_t zeros[5000] = {0};
    const char *path = test_temporary("zeros.jpg");
    test_write(path, zeros, sizeof zeros);
    refuse(path, ERROR_INPUT, "not a JPEG, PNG");
}

static void what_is_no_file_is_refused(void **state) {
    (void)state;
    const char *path = test_temporary("missing.jpg");
    refuse(path, ERROR_INPUT, "missing.jpg");
    path = test_temporary("folder.jpg");
    assert_int_equal(mkdir(path, 0777), 0);
    refuse(path, ERROR_INPUT, "is a folder");
    path = test_temporary("pipe.jpg");
    assert_int_equal(mkfifo(path, 0666), 0);
    refuse(path, ERROR_INPUT, "not a regular file");
    refuse("/dev/zero", ERROR_INPUT, "not a regular file");
    path = test_temporary("huge.jpg");
    test_write(path, "\xFF\xD8\xFF", 3);
    assert_int_equal(truncate(path, (off_t)3 << 30), 0); // sparse
    refuse(path, ERROR_LIMIT, "3221225472 bytes");
    struct error error;
    struct image image;
    assert_error(photo_decode_file(&image, test_temporary("line\nbreak\033[31m.jpg"), NULL, NULL, &error),
                 error, ERROR_INPUT, "line break?[31m.jpg: cannot open");
}

static void check_cut_data(const char *data, size_t length, const char *title) {
    char expected[80];
    snprintf(expected, sizeof expected, "cut: truncated %s: premature end of file", title);
    for (size_t part = 1; part < 16; part++) {
        struct error error;
        struct image image;
        assert_error(photo_decode_buffer(&image, data, length * part / 16, "cut", NULL, NULL, &error), error,
                     ERROR_INPUT, expected);
        assert_null(image.rgb);
    }
}

static void check_cut(const char *name, const char *title) {
    struct bytes file = read_bytes(test_data("image/%s", name));
    check_cut_data(file.data, file.length, title);
    free(file.data);
}

static void a_cut_file_is_an_error(void **state) {
    (void)state;
    for (size_t i = 0; i < PICTURES; i++)
        check_cut(pictures[i], strstr(pictures[i], ".png") ? "PNG" : "JPEG");
}

#define CHECK_CUT(save, title, ...)                                                       \
    do {                                                                                  \
        void *data;                                                                       \
        size_t length;                                                                    \
        VipsImage *from = open_picture("rgb8.png");                                       \
        if (save(from, &data, &length, __VA_ARGS__)) fail_msg("%s", vips_error_buffer()); \
        check_cut_data(data, length, title);                                              \
        g_free(data);                                                                     \
        g_object_unref(from);                                                             \
    } while (0)

static void other_cut_formats_are_errors(void **state) {
    (void)state;
    check_cut("rgb8.heic", "HEIC");
    check_cut("rgb8.avif", "AVIF");
    CHECK_CUT(vips_webpsave_buffer, "WebP", NULL);
    CHECK_CUT(vips_gifsave_buffer, "GIF", NULL);
    CHECK_CUT(vips_tiffsave_buffer, "TIFF", "compression", VIPS_FOREIGN_TIFF_COMPRESSION_LZW, NULL);
}

// The header of a PNG of this size, and not much else.
static struct bytes png_claiming(uint32_t width, uint32_t height) {
    struct bytes file = read_bytes(test_data("image/rgb8.png"));
    uint8_t *header = (uint8_t *)file.data + 12;
    for (int i = 0; i < 4; i++) {
        header[4 + i] = (uint8_t)(width >> (24 - 8 * i));
        header[8 + i] = (uint8_t)(height >> (24 - 8 * i));
    }
    uint32_t crc = 0xFFFFFFFF;
    for (int i = 0; i < 17; i++) {
        crc ^= header[i];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
    }
    for (int i = 0; i < 4; i++) header[17 + i] = (uint8_t)(~crc >> (24 - 8 * i));
    return file;
}

static void check_claim(uint32_t width, uint32_t height, size_t limit, enum error_code code,
                        const char *text) {
    struct error error;
    struct image image;
    struct photo_options options = {.max_pixels_in = limit};
    struct bytes file = png_claiming(width, height);
    assert_error(photo_decode_buffer(&image, file.data, file.length, "bomb.png", &options, NULL, &error),
                 error, code, text);
    assert_null(image.rgb);
    free(file.data);
}

static void bombs_are_refused_by_their_header(void **state) {
    (void)state;
    check_claim(20001, 20000, 0, ERROR_LIMIT,
                "bomb.png: 20001 x 20000 pixels, more than the limit of 400000000");
    check_claim(1000000, 1000000, 0, ERROR_LIMIT, "1000000 x 1000000 pixels");
    check_claim(0x7FFFFFFF, 0x7FFFFFFF, 0, ERROR_INPUT, "bomb.png");
    check_claim(0, 5, 0, ERROR_INPUT, "bomb.png");
    check_claim(0xFFFFFFFF, 1, 0, ERROR_INPUT, "bomb.png");
    check_claim(62, 48, 62 * 48 - 1, ERROR_LIMIT, "62 x 48 pixels, more than the limit of 2975");
    check_claim(62, 49, 0, ERROR_INPUT, "bomb.png"); // a row too few
    struct error error;
    struct image image;
    struct photo_options exact = {.max_pixels_in = 62 * 48};
    assert_ok(photo_decode_file(&image, test_data("image/rgb8.png"), &exact, NULL, &error), error);
    image_free(&image);
}

static void a_wide_picture_is_fine(void **state) {
    (void)state;
    struct error error;
    struct image image;
    struct buffer buffer = {0};
    assert_ok(image_new(&image, 20000, 3, &error), error);
    for (size_t i = 0; i < 20000 * 3 * 3; i++) image.rgb[i] = (uint8_t)(i * 7);
    assert_ok(photo_encode_png(&buffer, &image, &error), error);
    struct image again;
    assert_ok(photo_decode_buffer(&again, buffer.data, buffer.length, "wide", NULL, NULL, &error), error);
    assert_int_equal(again.width, 20000);
    assert_memory_equal(again.rgb, image.rgb, 20000 * 3 * 3);
    image_free(&again);
    image_free(&image);
    buffer_free(&buffer);
}

// ---- Threads: libvips has one error text for all of them, so each must still get its own. --------------

struct work {
    struct bytes file;
    const char *message; // for the first half of the file
    const char *failure;
};

static void *decode_many(void *argument) {
    struct work *work = argument;
    for (int i = 0; i < 40; i++) {
        struct error error = {0};
        struct image image;
        if (photo_decode_buffer(&image, work->file.data, work->file.length, "whole", NULL, NULL, &error))
            work->failure = "the whole file failed";
        image_free(&image);
        if (!photo_decode_buffer(&image, work->file.data, work->file.length / 2, "cut", NULL, NULL, &error))
            work->failure = "half a file was decoded";
        else if (strcmp(error.message, work->message) != 0)
            work->failure = "another thread's message";
    }
    return NULL;
}

static void threads_do_not_mix_their_errors(void **state) {
    (void)state;
    pthread_t threads[4];
    struct work work[4] = {0};
    for (int i = 0; i < 4; i++) {
        bool png = i & 1;
        work[i].file = read_bytes(test_data("image/%s", png ? "rgb8.png" : "gray.jpg"));
        work[i].message =
            png ? "cut: truncated PNG: premature end of file" : "cut: truncated JPEG: premature end of file";
        assert_int_equal(pthread_create(&threads[i], NULL, decode_many, &work[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        if (work[i].failure) fail_msg("thread %d: %s", i, work[i].failure);
        free(work[i].file.data);
    }
}

// ---- Mutations: whatever a file says, decoding ends with pixels or with one line of error. -------------

static void check_mutation(const char *name, const uint8_t *data, size_t length) {
    struct error error = {0};
    struct image image;
    struct photo_facts facts;
    struct photo_options options = {.max_pixels_in = 1 << 20};
    if (photo_decode_buffer(&image, data, length, name, &options, &facts, &error)) {
        assert_null(image.rgb);
        assert_true(error.code == ERROR_INPUT || error.code == ERROR_LIMIT);
        assert_int_equal(strncmp(error.message, name, strlen(name)), 0);
        assert_in_range(strlen(error.message), strlen(name) + 3, sizeof error.message - 1);
        return;
    }
    assert_non_null(image.rgb);
    assert_true(image.width * image.height <= options.max_pixels_in);
    volatile uint8_t last = image.rgb[image.width * image.height * 3 - 1]; // within what was allocated
    (void)last;
    assert_in_range(facts.orientation, 1, 8);
    image_free(&image);
}

static void mutate(uint8_t *data, size_t *length, struct random *random) {
    for (uint64_t n = 1 + random_below(random, 6); n > 0; n--) {
        // Half of the changes go to the header, where they do most.
        size_t reach = random_below(random, 2) && *length > 64 ? 64 : *length;
        size_t at = random_below(random, reach);
        switch (random_below(random, 4)) {
        case 0:
            data[at] = (uint8_t)random_u32(random);
            break;
        case 1:
            data[at] ^= (uint8_t)(1U << random_below(random, 8));
            break;
        case 2:
            data[at] = random_below(random, 2) ? 0xFF : 0;
            break;
        default: { // a piece is lost
            size_t piece = random_below(random, 16) + 1;
            if (at + piece >= *length) break;
            memmove(data + at, data + at + piece, *length - at - piece);
            *length -= piece;
        }
        }
    }
}

static void mutations_of(const char *name, const void *data, size_t length, int count) {
    struct random random;
    random_start(&random, 20240613, length);
    uint8_t *copy = malloc(length);
    assert_non_null(copy);
    for (int i = 0; i < count; i++) {
        size_t copy_length = length;
        memcpy(copy, data, length);
        mutate(copy, &copy_length, &random);
        check_mutation(name, copy, copy_length);
    }
    free(copy);
}

static void mutate_file(const char *name, int count) {
    struct bytes file = read_bytes(test_data("image/%s", name));
    mutations_of(name, file.data, file.length, count);
    free(file.data);
}

static void mutations_end_well(void **state) {
    (void)state;
    for (size_t i = 0; i < PICTURES; i++) mutate_file(pictures[i], 250);
}

#define MUTATE_FORMAT(name, save, ...)                                                    \
    do {                                                                                  \
        void *data;                                                                       \
        size_t length;                                                                    \
        VipsImage *from = open_picture("rgb8.png");                                       \
        if (save(from, &data, &length, __VA_ARGS__)) fail_msg("%s", vips_error_buffer()); \
        mutations_of(name, data, length, 250);                                            \
        g_free(data);                                                                     \
        g_object_unref(from);                                                             \
    } while (0)

static void mutations_of_other_formats_end_well(void **state) {
    (void)state;
    mutate_file("rgb8.heic", 100);
    mutate_file("rgb8.avif", 100);
    MUTATE_FORMAT("a.webp", vips_webpsave_buffer, NULL);
    MUTATE_FORMAT("a.gif", vips_gifsave_buffer, NULL);
    MUTATE_FORMAT("a.tif", vips_tiffsave_buffer, "compression", VIPS_FOREIGN_TIFF_COMPRESSION_LZW, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_picture_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(a_cut_file_is_an_error),
        cmocka_unit_test(other_cut_formats_are_errors),
        cmocka_unit_test(bombs_are_refused_by_their_header),
        cmocka_unit_test(a_wide_picture_is_fine),
        cmocka_unit_test(threads_do_not_mix_their_errors),
        cmocka_unit_test(mutations_end_well),
        cmocka_unit_test(mutations_of_other_formats_end_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
