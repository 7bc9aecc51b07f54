// Built in the place of what needs libvips where there is none (cmake/dependencies.cmake): a machine that only
// computes. Binary PPM (P6, 255 levels) is read, all else is refused in words; pictures are not written.
#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "photo/decode.h"
#include "photo/encode.h"

enum { LARGEST_PIXELS = 400000000 };

#define WITHOUT "this globe was built without libvips and "

// The next number of a header, after white space and comments; -1 when there is none.
static long read_number(const char *data, size_t length, size_t *at) {
    while (*at < length && (isspace((unsigned char)data[*at]) || data[*at] == '#')) {
        if (data[*at] == '#')
            while (*at < length && data[*at] != '\n') ++*at;
        else
            ++*at;
    }
    long number = -1;
    for (; *at < length && isdigit((unsigned char)data[*at]); ++*at) {
        number = (number < 0 ? 0 : number) * 10 + (data[*at] - '0');
        if (number > INT_MAX) return -1;
    }
    return number;
}

// Where the pixels begin.
static int read_header(const char *data, size_t length, const char *name, struct photo_facts *facts,
                       size_t *at, struct error *error) {
    *facts = (struct photo_facts){.orientation = 1, .shrink = 1, .format = "ppm"};
    if (length < 2 || memcmp(data, "P6", 2) != 0)
        return error_set(error, ERROR_INPUT, "%s: " WITHOUT "reads binary PPM only", name);
    *at = 2;
    long width = read_number(data, length, at), height = read_number(data, length, at),
         levels = read_number(data, length, at);
    if (width < 1 || height < 1 || levels != 255 || *at >= length || !isspace((unsigned char)data[*at]))
        return error_set(error, ERROR_INPUT, "%s: not a PPM of 255 levels", name);
    ++*at;
    if (width > LARGEST_PIXELS / height)
        return error_set(error, ERROR_LIMIT, "%s: %ld x %ld pixels are more than %d", name, width, height,
                         (int)LARGEST_PIXELS);
    facts->stored_width = (size_t)width;
    facts->stored_height = (size_t)height;
    return 0;
}

int photo_measure_buffer(const void *data, size_t length, const char *name, struct photo_facts *facts,
                         struct error *error) {
    size_t at;
    return read_header(data, length, name, facts, &at, error);
}

int photo_decode_buffer(struct image *image, const void *data, size_t length, const char *name,
                        const struct photo_options *options, struct photo_facts *facts, struct error *error) {
    struct photo_facts own;
    size_t at;
    *image = (struct image){0};
    if (!facts) facts = &own;
    if (read_header(data, length, name, facts, &at, error)) return -1;
    size_t pixels = facts->stored_width * facts->stored_height;
    if (options && options->max_pixels_in && pixels > options->max_pixels_in)
        return error_set(error, ERROR_LIMIT, "%s: %zu pixels are more than %zu", name, pixels,
                         options->max_pixels_in);
    if (length - at < 3 * pixels) return error_set(error, ERROR_INPUT, "%s: the file is cut short", name);
    if (image_new(image, facts->stored_width, facts->stored_height, error)) return -1;
    memcpy(image->rgb, (const char *)data + at, 3 * pixels);
    return 0;
}

bool photo_has_picture_ending(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && strcasecmp(dot, ".ppm") == 0;
}

int photo_encode_jpeg(struct buffer *out, const struct image *image, int quality, struct error *error) {
    (void)out, (void)image, (void)quality;
    return error_set(error, ERROR_INPUT, WITHOUT "writes no pictures");
}

int photo_encode_png(struct buffer *out, const struct image *image, struct error *error) {
    (void)out, (void)image;
    return error_set(error, ERROR_INPUT, WITHOUT "writes no pictures");
}

int photo_draw_svg(struct buffer *out, const struct buffer *svg, double scale, struct error *error) {
    (void)out, (void)svg, (void)scale;
    return error_set(error, ERROR_INPUT, WITHOUT "writes no pictures; SVG can be had");
}
