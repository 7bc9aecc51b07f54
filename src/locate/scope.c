#include "locate/scope.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/safetensors.h"
#include "photo/resize.h"

enum { STEPS = 8, SIZES = 4, BLOCK = 8, QUANTILES = 9, COLOURS = 64, ACROSS = 4, DOWN = 3, LARGEST = 127 };
static const double farthest = 5; // deviations
static const char format[] = "globe scope 1";

// ---- looking ----

// One value per pixel.
struct plane {
    float *values;
    size_t width, height;
};

// Below 0.75, 1.5, 3, ... 48, and more.
static size_t step_class(double step) {
    size_t class = 0;
    double limit = 0.75;
    while (step >= limit && class + 1 < STEPS) {
        limit *= 2;
        class ++;
    }
    return class;
}

// Roots of shares, so that rare steps count as well. Returns the end of what was written.
static float *add_steps(const struct plane *plane, float *features) {
    double counts[3][STEPS] = {{0}}, sums[3] = {0};
    size_t w = plane->width;
    for (size_t y = 0; y < plane->height; y++)
        for (size_t x = 0; x < w; x++) {
            const float *at = plane->values + y * w + x;
            bool right = x + 1 < w, down = y + 1 < plane->height;
            if (right) counts[0][step_class(fabs((double)at[1] - (double)at[0]))] += 1, sums[0] += 1;
            if (down) counts[1][step_class(fabs((double)at[w] - (double)at[0]))] += 1, sums[1] += 1;
            if (!right || !down || x == 0 || y == 0) continue;
            double second =
                4 * (double)at[0] - (double)at[-1] - (double)at[1] - (double)*(at - w) - (double)at[w];
            counts[2][step_class(fabs(second))] += 1, sums[2] += 1;
        }
    for (int k = 0; k < 3; k++)
        for (int b = 0; b < STEPS; b++) *features++ = (float)sqrt(sums[k] > 0 ? counts[k][b] / sums[k] : 0);
    return features;
}

// In place: means of 2 x 2; an odd row or column is left out.
static void halve(struct plane *plane) {
    size_t w = plane->width / 2, h = plane->height / 2;
    if (w == 0 || h == 0) return;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            const float *at = plane->values + 2 * y * plane->width + 2 * x;
            plane->values[y * w + x] = (at[0] + at[1] + at[plane->width] + at[plane->width + 1]) / 4;
        }
    plane->width = w;
    plane->height = h;
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int add_blocks(const struct plane *plane, float *features, struct error *error) {
    static const double shares[QUANTILES] = {0.02, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.98};
    size_t across = plane->width / BLOCK, down = plane->height / BLOCK, count = 0;
    float *list = memory_new(across * down + 1, sizeof *list, "scope", error);
    if (!list) return -1;
    for (size_t by = 0; by < down; by++)
        for (size_t bx = 0; bx < across; bx++) {
            double sum = 0, squares = 0;
            for (size_t i = 0; i < BLOCK * BLOCK; i++) {
                double value =
                    (double)plane->values[(by * BLOCK + i / BLOCK) * plane->width + bx * BLOCK + i % BLOCK];
                sum += value;
                squares += value * value;
            }
            double mean = sum / (BLOCK * BLOCK);
            list[count++] = (float)log1p(sqrt(fmax(0, squares / (BLOCK * BLOCK) - mean * mean)));
        }
    if (count == 0) count = 1;
    qsort(list, count, sizeof *list, compare);
    for (int q = 0; q < QUANTILES; q++) features[q] = list[(size_t)(shares[q] * (double)(count - 1))];
    free(list);
    return 0;
}

static float *add_colours(const struct image *image, float *features) {
    double counts[COLOURS] = {0}, sums[3] = {0}, squares[3] = {0};
    size_t pixels = image->width * image->height;
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *p = image->rgb + 3 * i;
        counts[p[0] / 64 * 16 + p[1] / 64 * 4 + p[2] / 64] += 1;
        for (int c = 0; c < 3; c++) {
            sums[c] += p[c];
            squares[c] += (double)p[c] * p[c];
        }
    }
    for (int b = 0; b < COLOURS; b++) *features++ = (float)sqrt(counts[b] / (double)pixels);
    for (int c = 0; c < 3; c++) {
        double mean = sums[c] / (double)pixels;
        *features++ = (float)mean;
        *features++ = (float)sqrt(fmax(0, squares[c] / (double)pixels - mean * mean));
    }
    return features;
}

static void add_parts(const struct plane planes[3], float *features) {
    double sums[DOWN * ACROSS][4] = {{0}}, counts[DOWN * ACROSS] = {0};
    size_t w = planes[0].width, h = planes[0].height;
    for (size_t i = 0; i < w * h; i++) {
        size_t part = i / w * DOWN / h * ACROSS + i % w * ACROSS / w;
        for (int k = 0; k < 3; k++) sums[part][k] += (double)planes[k].values[i];
        if (i % w) sums[part][3] += fabs((double)planes[0].values[i] - (double)planes[0].values[i - 1]);
        counts[part] += 1;
    }
    for (int part = 0; part < DOWN * ACROSS; part++)
        for (int k = 0; k < 4; k++) {
            double mean = counts[part] > 0 ? sums[part][k] / counts[part] : 0;
            *features++ = (float)(k < 3 ? mean : log1p(mean));
        }
}

static int look(const struct image *image, float *features, struct error *error) {
    size_t pixels = image->width * image->height;
    float *block = memory_new(pixels, 3 * sizeof *block, "scope", error);
    if (!block) return -1;
    struct plane planes[3];
    for (size_t k = 0; k < 3; k++)
        planes[k] = (struct plane){block + k * pixels, image->width, image->height};
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *p = image->rgb + 3 * i;
        float bright = 0.299F * (float)p[0] + 0.587F * (float)p[1] + 0.114F * (float)p[2];
        planes[0].values[i] = bright;
        planes[1].values[i] = (float)p[2] - bright;
        planes[2].values[i] = (float)p[0] - bright;
    }
    float *tail = features + (SIZES + 2) * 3 * STEPS;
    int result = add_blocks(&planes[0], tail, error);
    add_parts(planes, add_colours(image, tail + QUANTILES));
    float *next = features + SIZES * 3 * STEPS;
    for (int k = 1; k < 3; k++) next = add_steps(&planes[k], next);
    for (int size = 0; size < SIZES; size++) {
        features = add_steps(&planes[0], features);
        halve(&planes[0]);
    }
    free(block);
    return result;
}

int scope_look(const struct image *image, const struct photo_preprocessor *preprocessor,
               float features[SCOPE_FEATURES], struct error *error) {
    const struct photo_preprocessor *p = preprocessor;
    size_t height, width;
    struct image seen = {0};
    if (photo_smart_resize(image->height, image->width, p->patch_size * p->merge_size, p->min_pixels,
                           p->max_pixels, &height, &width, error))
        return -1;
    int result = image_resize(&seen, image, width, height, error);
    if (result == 0) result = look(&seen, features, error);
    image_free(&seen);
    return result;
}

// ---- comparing ----

// What a feature is allowed to differ by without telling anything, in its own unit.
static double least_scale(size_t feature) {
    static const struct {
        size_t end;
        double scale;
    } parts[] = {{(SIZES + 2) * 3 * STEPS, 0.02},
                 {(SIZES + 2) * 3 * STEPS + QUANTILES, 0.1},
                 {(SIZES + 2) * 3 * STEPS + QUANTILES + COLOURS, 0.03},
                 {(SIZES + 2) * 3 * STEPS + QUANTILES + COLOURS + 6, 4}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (feature < parts[i].end) return parts[i].scale;
    return (feature - parts[3].end) % 4 == 3 ? 0.1 : 4;
}

static void scale_features(const struct scope *scope, const float *features, int8_t *scaled) {
    for (size_t k = 0; k < SCOPE_FEATURES; k++) {
        double value = (double)(features[k] - scope->mean[k]) / (double)scope->scale[k];
        value = fmin(fmax(value, -farthest), farthest) / farthest * LARGEST;
        scaled[k] = (int8_t)lround(isfinite(value) ? value : LARGEST);
    }
}

double scope_distance(const struct scope *scope, const float features[SCOPE_FEATURES]) {
    int8_t scaled[SCOPE_FEATURES];
    int nearest = INT32_MAX;
    scale_features(scope, features, scaled);
    for (size_t i = 0; i < scope->count; i++) {
        const int8_t *example = scope->examples + i * SCOPE_FEATURES;
        int sum = 0; // at most 271 * 254 * 254
        for (size_t k = 0; k < SCOPE_FEATURES; k++)
            sum += (scaled[k] - example[k]) * (scaled[k] - example[k]);
        if (sum < nearest) nearest = sum;
    }
    return sqrt((double)nearest / SCOPE_FEATURES) / LARGEST * farthest;
}

int scope_fit(struct scope *scope, const float *features, size_t count, struct error *error) {
    *scope = (struct scope){.count = count};
    scope->examples = memory_new(count, SCOPE_FEATURES, "scope", error);
    if (!scope->examples) return -1;
    for (size_t k = 0; k < SCOPE_FEATURES; k++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < count; i++) sum += (double)features[i * SCOPE_FEATURES + k];
        double mean = sum / (double)count;
        for (size_t i = 0; i < count; i++) {
            double off = (double)features[i * SCOPE_FEATURES + k] - mean;
            squares += off * off;
        }
        scope->mean[k] = (float)mean;
        scope->scale[k] = (float)fmax(sqrt(squares / (double)count), least_scale(k));
    }
    for (size_t i = 0; i < count; i++)
        scale_features(scope, features + i * SCOPE_FEATURES, scope->examples + i * SCOPE_FEATURES);
    return 0;
}

void scope_free(struct scope *scope) {
    free(scope->examples);
    *scope = (struct scope){0};
}

// ---- the file ----

static int add_number(struct safetensors_writer *writer, const char *key, double value, struct error *error) {
    char text[40];
    snprintf(text, sizeof text, "%.9g", value);
    return safetensors_writer_metadata(writer, key, text, error);
}

// Its header's metadata, which come first.
static bool is_own(const char *start, size_t length) {
    return length > 8 && memmem(start + 8, length - 8, format, sizeof format - 1);
}

const struct output_kind scope_kind = {"the scope of a model as globe eval writes it", is_own};

int scope_save(const struct scope *scope, const char *path, struct error *error) {
    struct safetensors_writer *writer = safetensors_writer_new(error);
    if (!writer) return -1;
    struct tensor mean = {
        .dtype = DTYPE_F32, .dims = 1, .shape = {SCOPE_FEATURES}, .data = (void *)scope->mean};
    struct tensor scale = {
        .dtype = DTYPE_F32, .dims = 1, .shape = {SCOPE_FEATURES}, .data = (void *)scope->scale};
    struct tensor examples = {
        .dtype = DTYPE_I8, .dims = 2, .shape = {scope->count, SCOPE_FEATURES}, .data = scope->examples};
    int failed = safetensors_writer_metadata(writer, "format", format, error) ||
                 add_number(writer, "threshold", scope->threshold, error) ||
                 add_number(writer, "false_alarms", scope->false_alarms, error) ||
                 safetensors_writer_add(writer, "mean", &mean, 0, error) ||
                 safetensors_writer_add(writer, "scale", &scale, 0, error) ||
                 safetensors_writer_add(writer, "examples", &examples, 0, error) ||
                 safetensors_writer_save(writer, path, error);
    safetensors_writer_free(writer);
    return failed ? -1 : 0;
}

static int read_number(const struct safetensors *file, const char *path, const char *key, double *value,
                       struct error *error) {
    const char *text = safetensors_metadata(file, key);
    char *end = NULL;
    *value = text ? strtod(text, &end) : NAN;
    if (text && end != text && *end == 0 && isfinite(*value) && *value >= 0) return 0;
    return error_set(error, ERROR_MODEL, "%s: \"%s\" is missing or no number", path, key);
}

static int read_values(const struct safetensors *file, const char *path, const char *name,
                       float values[SCOPE_FEATURES], struct error *error) {
    const struct tensor *tensor = safetensors_get(file, name, error);
    if (!tensor) return -1;
    if (tensor->dtype != DTYPE_F32 || tensor->dims != 1 || tensor->shape[0] != SCOPE_FEATURES)
        return error_set(error, ERROR_MODEL, "%s: \"%s\" is not F32 with %d values", path, name,
                         (int)SCOPE_FEATURES);
    memcpy(values, tensor->data, SCOPE_FEATURES * sizeof *values);
    for (size_t i = 0; i < SCOPE_FEATURES; i++)
        if (!isfinite(values[i]) || (strcmp(name, "scale") == 0 && !(values[i] > 0)))
            return error_set(error, ERROR_MODEL, "%s: \"%s\" holds a value that is none", path, name);
    return 0;
}

static int read_examples(struct scope *scope, const struct safetensors *file, const char *path,
                         struct error *error) {
    const struct tensor *tensor = safetensors_get(file, "examples", error);
    if (!tensor) return -1;
    if (tensor->dtype != DTYPE_I8 || tensor->dims != 2 || tensor->shape[0] == 0 ||
        tensor->shape[1] != SCOPE_FEATURES)
        return error_set(error, ERROR_MODEL, "%s: \"examples\" is not I8 with rows of %d values", path,
                         (int)SCOPE_FEATURES);
    scope->count = tensor->shape[0];
    scope->examples = memory_new(scope->count, SCOPE_FEATURES, "scope", error);
    if (!scope->examples) return -1;
    memcpy(scope->examples, tensor->data, scope->count * SCOPE_FEATURES);
    return 0;
}

int scope_open(struct scope *scope, const char *path, struct error *error) {
    *scope = (struct scope){0};
    struct safetensors *file = safetensors_open(path, error);
    if (!file) return -1;
    const char *found = safetensors_metadata(file, "format");
    int result = found && strcmp(found, format) == 0
                     ? 0
                     : error_set(error, ERROR_MODEL, "%s: no scope of a model (globe eval --scope)", path);
    if (result == 0 &&
        (read_number(file, path, "threshold", &scope->threshold, error) ||
         read_number(file, path, "false_alarms", &scope->false_alarms, error) ||
         read_values(file, path, "mean", scope->mean, error) ||
         read_values(file, path, "scale", scope->scale, error) || read_examples(scope, file, path, error)))
        result = -1;
    safetensors_free(file);
    if (result) scope_free(scope);
    return result;
}
