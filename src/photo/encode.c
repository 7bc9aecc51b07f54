#include "photo/encode.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include <vips/vips.h>

#include "base/file.h"
#include "photo/library.h"

enum { PNG = 0 }; // in the place of a JPEG quality

struct job {
    const struct image *image;
    int quality;
    void *data; // g_free()
    size_t length;
};

static int encode(void *state, struct error *error) {
    (void)error;
    struct job *job = state;
    const struct image *image = job->image;
    VipsImage *pixels =
        vips_image_new_from_memory(image->rgb, image->width * image->height * 3, (int)image->width,
                                   (int)image->height, 3, VIPS_FORMAT_UCHAR);
    if (!pixels) return 1;
    VipsImage *colours = NULL;
    int failed = vips_copy(pixels, &colours, "interpretation", VIPS_INTERPRETATION_sRGB, NULL);
    if (!failed && job->quality == PNG)
        failed = vips_pngsave_buffer(colours, &job->data, &job->length, "strip", TRUE, NULL);
    else if (!failed)
        failed =
            vips_jpegsave_buffer(colours, &job->data, &job->length, "strip", TRUE, "Q", job->quality, NULL);
    if (colours) g_object_unref(colours);
    g_object_unref(pixels);
    return failed ? 1 : 0;
}

static int encode_into(struct buffer *out, const struct image *image, int quality, const char *title,
                       struct error *error) {
    if (!image->rgb || image->width > INT_MAX || image->height > INT_MAX)
        return error_set(error, ERROR_INPUT, "a picture of %zu x %zu pixels cannot be a %s", image->width,
                         image->height, title);
    struct job job = {.image = image, .quality = quality};
    char reason[LIBRARY_REASON];
    int result = library_run(encode, &job, reason, error);
    if (result > 0)
        error_set(error, ERROR_INPUT, "a picture of %zu x %zu pixels cannot be a %s: %s", image->width,
                  image->height, title, reason);
    if (result == 0) buffer_add(out, job.data, job.length);
    g_free(job.data);
    if (result == 0 && out->failed) return error_set(error, ERROR_MEMORY, "%s: not enough memory", title);
    return result ? -1 : 0;
}

int photo_encode_jpeg(struct buffer *out, const struct image *image, int quality, struct error *error) {
    if (quality < 1 || quality > 100)
        return error_set(error, ERROR_USAGE, "JPEG quality %d is not from 1 to 100", quality);
    return encode_into(out, image, quality, "JPEG", error);
}

int photo_encode_png(struct buffer *out, const struct image *image, struct error *error) {
    return encode_into(out, image, PNG, "PNG", error);
}

// A text chunk "Software: globe" (PNG, 11.3.4.3), with its length and check sum; it stands after the header.
static const unsigned char mark[] = {0x00, 0x00, 0x00, 0x0E, 't', 'E', 'X', 't', 'S', 'o',  'f',  't',  'w',
                                     'a',  'r',  'e',  0x00, 'g', 'l', 'o', 'b', 'e', 0xDB, 0x28, 0xE9, 0x8B};
enum { PNG_HEADER = 33 }; // signature and IHDR

void photo_add_marked_png(struct buffer *out, const void *png, size_t length) {
    size_t header = length < PNG_HEADER ? length : PNG_HEADER;
    buffer_add(out, png, header);
    buffer_add(out, mark, sizeof mark);
    buffer_add(out, (const char *)png + header, length - header);
}

static bool is_marked(const char *start, size_t length) {
    return length >= PNG_HEADER + sizeof mark && memcmp(start, "\x89PNG", 4) == 0 &&
           memcmp(start + PNG_HEADER, mark, sizeof mark) == 0;
}

const struct output_kind photo_png_kind = {"a picture made by globe", is_marked};

static int ends_in(const char *path, const char *ending) {
    size_t length = strlen(path), wanted = strlen(ending);
    return length > wanted && strcasecmp(path + length - wanted, ending) == 0;
}

int photo_save(const struct image *image, const char *path, int quality, struct error *error) {
    struct buffer buffer = {0}, png = {0};
    int result;
    if (ends_in(path, ".png")) {
        result = photo_encode_png(&png, image, error);
        if (result == 0) photo_add_marked_png(&buffer, png.data, png.length);
        if (result == 0 && buffer.failed) result = error_set(error, ERROR_MEMORY, "PNG: not enough memory");
        buffer_free(&png);
    } else if (ends_in(path, ".jpg") || ends_in(path, ".jpeg"))
        result = photo_encode_jpeg(&buffer, image, quality, error);
    else
        return error_set(error, ERROR_USAGE, "%s: a picture's name must end in .png, .jpg or .jpeg", path);
    if (result)
        error_prefix(error, "%s", path);
    else
        result = file_write(path, buffer.data, buffer.length, error);
    buffer_free(&buffer);
    return result;
}
