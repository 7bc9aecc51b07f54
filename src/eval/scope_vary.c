#include "eval/scope_vary.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "photo/decode.h"
#include "photo/encode.h"
#include "photo/resize.h"

const char *scope_variation_name(enum scope_variation variation) {
    static const char *const names[SCOPE_VARIATIONS] = {
        "as it is", "smaller", "larger", "compressed", "cropped", "turned", "paler", "brighter or darker"};
    return variation < SCOPE_VARIATIONS ? names[variation] : "unknown";
}

static int compress(struct image *out, const struct image *in, int quality, struct error *error) {
    struct buffer jpeg = {0};
    int result = photo_encode_jpeg(&jpeg, in, quality, error);
    if (result == 0) result = photo_decode_buffer(out, jpeg.data, jpeg.length, "picture", NULL, NULL, error);
    buffer_free(&jpeg);
    return result;
}

static int scale(struct image *out, const struct image *in, double share, int quality, struct error *error) {
    struct image small = {0};
    size_t width = (size_t)lround((double)in->width * share),
           height = (size_t)lround((double)in->height * share);
    int result = image_resize(&small, in, width ? width : 1, height ? height : 1, error);
    if (result == 0) result = compress(out, &small, quality, error);
    image_free(&small);
    return result;
}

static int crop(struct image *out, const struct image *in, struct random *random, struct error *error) {
    size_t width = (size_t)((double)in->width * (0.8 + 0.2 * random_unit(random)));
    size_t height = (size_t)((double)in->height * (0.8 + 0.2 * random_unit(random)));
    if (image_new(out, width ? width : 1, height ? height : 1, error)) return -1;
    size_t left = (size_t)random_below(random, in->width - out->width + 1),
           top = (size_t)random_below(random, in->height - out->height + 1);
    for (size_t y = 0; y < out->height; y++)
        memcpy(out->rgb + 3 * y * out->width, in->rgb + 3 * ((top + y) * in->width + left), 3 * out->width);
    return 0;
}

// Between four pixels, and never beyond the edge: the picture is enlarged until it fills its frame.
static int turn(struct image *out, const struct image *in, double degrees, struct error *error) {
    if (image_new(out, in->width, in->height, error)) return -1;
    double angle = degrees * acos(-1) / 180, c = cos(angle), s = sin(angle), w = (double)in->width,
           h = (double)in->height;
    double zoom = fmin(1 / (c + fabs(s) * h / w), 1 / (c + fabs(s) * w / h));
    for (size_t y = 0; y < out->height; y++)
        for (size_t x = 0; x < out->width; x++) {
            double dx = ((double)x - (w - 1) / 2) * zoom, dy = ((double)y - (h - 1) / 2) * zoom;
            double sx = fmin(fmax(c * dx - s * dy + (w - 1) / 2, 0), w - 1),
                   sy = fmin(fmax(s * dx + c * dy + (h - 1) / 2, 0), h - 1);
            size_t x0 = (size_t)sx, y0 = (size_t)sy, x1 = x0 + 1 < in->width ? x0 + 1 : x0,
                   y1 = y0 + 1 < in->height ? y0 + 1 : y0;
            double fx = sx - (double)x0, fy = sy - (double)y0;
            for (size_t k = 0; k < 3; k++) {
                double upper = (1 - fx) * in->rgb[3 * (y0 * in->width + x0) + k] +
                               fx * in->rgb[3 * (y0 * in->width + x1) + k];
                double lower = (1 - fx) * in->rgb[3 * (y1 * in->width + x0) + k] +
                               fx * in->rgb[3 * (y1 * in->width + x1) + k];
                out->rgb[3 * (y * in->width + x) + k] = (uint8_t)lround((1 - fy) * upper + fy * lower);
            }
        }
    return 0;
}

static int pale(struct image *out, const struct image *in, double share, struct error *error) {
    if (image_new(out, in->width, in->height, error)) return -1;
    for (size_t i = 0; i < in->width * in->height; i++) {
        const uint8_t *p = in->rgb + 3 * i;
        double grey = 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
        for (size_t k = 0; k < 3; k++)
            out->rgb[3 * i + k] = (uint8_t)lround(grey * share + p[k] * (1 - share));
    }
    return 0;
}

static int brighten(struct image *out, const struct image *in, double gain, struct error *error) {
    if (image_new(out, in->width, in->height, error)) return -1;
    for (size_t i = 0; i < 3 * in->width * in->height; i++)
        out->rgb[i] = (uint8_t)lround(fmin(in->rgb[i] * gain, 255));
    return 0;
}

int scope_vary(struct image *out, const struct image *in, enum scope_variation variation, uint64_t draw,
               struct error *error) {
    struct random random;
    random_start(&random, draw, (uint64_t)variation);
    double much = random_unit(&random);
    *out = (struct image){0};
    switch (variation) {
    case VARIATION_SMALLER:
        return scale(out, in, 0.5 + 0.5 * much, 70 + (int)random_below(&random, 26), error);
    case VARIATION_LARGER:
        return scale(out, in, 1 + 0.5 * much, 70 + (int)random_below(&random, 26), error);
    case VARIATION_COMPRESSED:
        return compress(out, in, 40 + (int)(50 * much), error);
    case VARIATION_CROPPED:
        return crop(out, in, &random, error);
    case VARIATION_TURNED:
        return turn(out, in, 8 * much - 4, error);
    case VARIATION_PALER:
        return pale(out, in, 0.7 * much, error);
    case VARIATION_BRIGHTER:
        return brighten(out, in, 0.85 + 0.3 * much, error);
    case VARIATION_NONE:
    case SCOPE_VARIATIONS:
        break;
    }
    if (image_new(out, in->width, in->height, error)) return -1;
    memcpy(out->rgb, in->rgb, 3 * in->width * in->height);
    return 0;
}
