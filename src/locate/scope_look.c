// What a scope looks at: statistics of pixels, and what the model's tower makes of them.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "locate/scope.h"

enum { STEPS = 8, SIZES = 4, BLOCK = 8, QUANTILES = 9, COLOURS = 64, ACROSS = 4, DOWN = 3 };

// ---- pixels ----

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

static int look_at_pixels(const struct image *image, float *features, struct error *error) {
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

double scope_least_scale(size_t feature) {
    static const struct {
        size_t end;
        double scale;
    } parts[] = {{(SIZES + 2) * 3 * STEPS, 0.02},
                 {(SIZES + 2) * 3 * STEPS + QUANTILES, 0.1},
                 {(SIZES + 2) * 3 * STEPS + QUANTILES + COLOURS, 0.03},
                 {(SIZES + 2) * 3 * STEPS + QUANTILES + COLOURS + 6, 4}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (feature < parts[i].end) return parts[i].scale;
    if (feature >= SCOPE_PIXEL_FEATURES) return 0.01; // of the tower, whose streams are about 1
    return (feature - parts[3].end) % 4 == 3 ? 0.1 : 4;
}

// ---- the tower ----

// Its stages as they pass by: the values come to the host, and mean and deviation of each column stay.
struct watch {
    struct device *device;
    float *features; // grows
    size_t count;
    struct error error;
};

static void add_stage(void *context, const char *name, int index, struct matrix values) {
    struct watch *watch = context;
    (void)index;
    size_t columns = values.columns;
    if (watch->error.code || values.dtype != DTYPE_F32 || strcmp(name, "vision.merger") == 0) return;
    float *host = memory_new(values.rows * columns, sizeof *host, "scope", &watch->error);
    float *grown =
        memory_grow(watch->features, watch->count + 2 * columns, sizeof *grown, "scope", &watch->error);
    if (grown) watch->features = grown;
    if (host && grown) {
        device_download(watch->device, host, values);
        for (size_t c = 0; c < columns; c++) {
            double sum = 0, squares = 0, rows = (double)values.rows;
            for (size_t r = 0; r < values.rows; r++) {
                double value = (double)host[r * columns + c];
                sum += value;
                squares += value * value;
            }
            grown[watch->count + c] = (float)(sum / rows);
            grown[watch->count + columns + c] =
                (float)sqrt(fmax(0, squares / rows - sum / rows * (sum / rows)));
        }
        watch->count += 2 * columns;
    }
    free(host);
}

// The picture alone, in a message without words: the tower reads nothing else.
static int make_prompt(struct prompt *prompt, const struct model *model, const struct image *image,
                       struct error *error) {
    struct chat chat = {0};
    int result = chat_add_message(&chat, "user", error) || chat_add_part(&chat, CHAT_IMAGE, "picture", error)
                     ? -1
                     : prompt_build(prompt, model, &chat, image, 1, error);
    chat_free(&chat);
    return result;
}

int scope_look(const struct image *image, struct model *model, float **features, size_t *count,
               struct error *error) {
    struct prompt prompt;
    struct watch watch = {.device = model_device(model), .count = SCOPE_PIXEL_FEATURES};
    const struct trace trace = {.record = add_stage, .context = &watch};
    *features = NULL;
    *count = 0;
    if (make_prompt(&prompt, model, image, error)) return -1;
    watch.features = memory_new(watch.count, sizeof *watch.features, "scope", error);
    int result = watch.features ? look_at_pixels(&prompt.resized[0], watch.features, error) : -1;
    if (result == 0) result = model_watch(model, &prompt, &trace, error);
    if (result == 0 && watch.error.code)
        result = error_set(error, watch.error.code, "%s", watch.error.message);
    prompt_free(&prompt);
    if (result) {
        free(watch.features);
        return -1;
    }
    *features = watch.features;
    *count = watch.count;
    return 0;
}
