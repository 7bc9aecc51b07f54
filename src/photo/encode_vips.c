// Pixels to JPEG and PNG, through libvips.
#include <limits.h>

#include <vips/vips.h>

#include "photo/encode.h"
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

int photo_draw_svg(struct buffer *out, const struct buffer *svg, double scale, struct error *error) {
    VipsImage *image = NULL;
    void *data = NULL;
    size_t length = 0;
    int result = 0;
    if (VIPS_INIT("globe") || vips_svgload_buffer(svg->data, svg->length, &image, "scale", scale, NULL) ||
        vips_pngsave_buffer(image, &data, &length, NULL))
        result = error_set(error, ERROR_IO, "cannot draw a PNG: %s", vips_error_buffer());
    if (result == 0) buffer_add(out, data, length);
    g_free(data);
    if (image) g_object_unref(image);
    if (result == 0 && out->failed) result = error_set(error, ERROR_MEMORY, "PNG: not enough memory");
    return result;
}
