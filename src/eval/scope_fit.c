#include "eval/scope_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/signals.h"
#include "photo/decode.h"
#include "photo/encode.h"
#include "photo/resize.h"

enum { FEWEST_ROWS = 500, HELD_OUT = 5 };

const char *scope_variation_name(enum scope_variation variation) {
    static const char *const names[SCOPE_VARIATIONS] = {"as it is", "smaller", "compressed",
                                                        "cropped",  "turned",  "paler"};
    return variation < SCOPE_VARIATIONS ? names[variation] : "unknown";
}

static int compress(struct image *out, const struct image *in, int quality, struct error *error) {
    struct buffer jpeg = {0};
    int result = photo_encode_jpeg(&jpeg, in, quality, error);
    if (result == 0) result = photo_decode_buffer(out, jpeg.data, jpeg.length, "picture", NULL, NULL, error);
    buffer_free(&jpeg);
    return result;
}

static int shrink(struct image *out, const struct image *in, double share, int quality, struct error *error) {
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

int scope_vary(struct image *out, const struct image *in, enum scope_variation variation, uint64_t draw,
               struct error *error) {
    struct random random;
    random_start(&random, draw, (uint64_t)variation);
    double much = random_unit(&random);
    *out = (struct image){0};
    switch (variation) {
    case VARIATION_SMALLER:
        return shrink(out, in, 0.5 + 0.5 * much, 70 + (int)random_below(&random, 26), error);
    case VARIATION_COMPRESSED:
        return compress(out, in, 40 + (int)(50 * much), error);
    case VARIATION_CROPPED:
        return crop(out, in, &random, error);
    case VARIATION_TURNED:
        return turn(out, in, 8 * much - 4, error);
    case VARIATION_PALER:
        return pale(out, in, 0.7 * much, error);
    case VARIATION_NONE:
    case SCOPE_VARIATIONS:
        break;
    }
    if (image_new(out, in->width, in->height, error)) return -1;
    memcpy(out->rgb, in->rgb, 3 * in->width * in->height);
    return 0;
}

static int look(const struct photo_preprocessor *preprocessor, const char *path,
                enum scope_variation variation, uint64_t draw, float *features, struct error *error) {
    struct image picture = {0}, varied = {0};
    int result = photo_decode_file(&picture, path, NULL, NULL, error);
    if (result == 0) result = scope_vary(&varied, &picture, variation, draw, error);
    if (result == 0) result = scope_look(&varied, preprocessor, features, error);
    image_free(&picture);
    image_free(&varied);
    return result;
}

static bool is_held_out(size_t row) {
    return row % HELD_OUT == HELD_OUT - 1;
}

// Every row once as it is and once varied, the variations in turn.
static enum scope_variation variation_of(size_t view) {
    if (view % 2 == 0) return VARIATION_NONE;
    return (enum scope_variation)(1 + view / 2 / HELD_OUT % (SCOPE_VARIATIONS - 1));
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int find_threshold(struct scope *scope, const float *features, size_t views, double alarms,
                          struct scope_report *report, struct error *error) {
    double *distances = memory_new(views, sizeof *distances, "scope", error);
    double *sorted = memory_new(views, sizeof *sorted, "scope", error);
    size_t total[SCOPE_VARIATIONS] = {0}, held_out = 0, above = 0;
    int result = distances && sorted ? 0 : -1;
    for (size_t i = 0; result == 0 && i < views; i++)
        if (is_held_out(i / 2)) {
            distances[i] = scope_distance(scope, features + i * SCOPE_FEATURES);
            sorted[held_out++] = distances[i];
        }
    if (result == 0) {
        qsort(sorted, held_out, sizeof *sorted, compare);
        size_t allowed = (size_t)(alarms * (double)held_out);
        scope->threshold = sorted[held_out - 1 - allowed];
        for (size_t i = 0; i < views; i++) {
            if (!is_held_out(i / 2)) continue;
            bool alarm = distances[i] > scope->threshold;
            total[variation_of(i)]++;
            report->false_alarms[variation_of(i)] += alarm;
            above += alarm;
        }
        for (int v = 0; v < SCOPE_VARIATIONS; v++) report->false_alarms[v] /= total[v] ? (double)total[v] : 1;
        scope->false_alarms = (double)above / (double)held_out;
        report->held_out = held_out / 2;
    }
    free(distances);
    free(sorted);
    return result;
}

int scope_fit_rows(struct scope *scope, const struct photo_preprocessor *preprocessor,
                   const struct truth_list *rows, double alarms, struct scope_report *report,
                   struct error *error) {
    const size_t size = SCOPE_FEATURES;
    size_t views = 2 * rows->count, fitted = 0;
    *report = (struct scope_report){0};
    if (rows->count < FEWEST_ROWS)
        return error_set(error, ERROR_INPUT, "--scope: %zu pictures, at least %d are needed", rows->count,
                         (int)FEWEST_ROWS);
    float *features = memory_new(views, size * sizeof *features, "scope", error);
    float *fit = memory_new(views, size * sizeof *fit, "scope", error);
    int result = features && fit ? 0 : -1;
    struct progress *progress = progress_start("looking at", "pictures", rows->count);
    for (size_t i = 0; result == 0 && i < views; i++) {
        result = signals_check(error);
        if (result == 0)
            result =
                look(preprocessor, rows->rows[i / 2].photo, variation_of(i), i, features + i * size, error);
        if (result == 0 && !is_held_out(i / 2))
            memcpy(fit + size * fitted++, features + i * size, size * sizeof *fit);
        if (i % 2) progress_add(progress, 1);
    }
    progress_finish(progress);
    if (result == 0) result = scope_fit(scope, fit, fitted, error);
    if (result == 0) result = find_threshold(scope, features, views, alarms, report, error);
    report->fitted = fitted / 2;
    free(features);
    free(fit);
    return result;
}
