#include "locate/scope.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/safetensors.h"

// Of the mean variance of the scaled features, which is 1.
static const double shrinkage = 0.1;

size_t scope_size(const struct qwen *qwen) {
    return 2 * (size_t)qwen->config->text.hidden + SCOPE_PIXEL_FEATURES;
}

static double brightness(const uint8_t *pixel) {
    return 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
}

// 0, 1, 2-3, 4-7, ... 64 and more.
static size_t step_class(double step) {
    size_t class = 0;
    for (double limit = 0.75; step >= limit && class + 1 < SCOPE_STEPS; limit *= 2) class ++;
    return class;
}

static void look_at_pixels(const struct image *image, float *features) {
    double steps[SCOPE_STEPS] = {0}, sum[3] = {0}, squares[3] = {0}, pairs = 0;
    double pixels = (double)image->width * (double)image->height;
    for (size_t y = 0; y < image->height; y++)
        for (size_t x = 0; x < image->width; x++) {
            const uint8_t *pixel = image->rgb + 3 * (y * image->width + x);
            for (int c = 0; c < 3; c++) {
                sum[c] += pixel[c];
                squares[c] += (double)pixel[c] * pixel[c];
            }
            if (x + 1 < image->width) {
                steps[step_class(fabs(brightness(pixel + 3) - brightness(pixel)))] += 1;
                pairs += 1;
            }
            if (y + 1 < image->height) {
                steps[step_class(fabs(brightness(pixel + 3 * image->width) - brightness(pixel)))] += 1;
                pairs += 1;
            }
        }
    for (size_t i = 0; i < SCOPE_STEPS; i++) *features++ = (float)(pairs > 0 ? steps[i] / pairs : 0);
    for (int c = 0; c < 3; c++) {
        double mean = sum[c] / pixels;
        *features++ = (float)(mean / 255);
        *features++ = (float)(sqrt(fmax(0, squares[c] / pixels - mean * mean)) / 255);
    }
}

static void pool(const float *embeds, size_t rows, size_t hidden, float *features) {
    for (size_t k = 0; k < hidden; k++) {
        double sum = 0, squares = 0;
        for (size_t r = 0; r < rows; r++) {
            double value = (double)embeds[r * hidden + k];
            sum += value;
            squares += value * value;
        }
        double mean = sum / (double)rows;
        features[k] = (float)mean;
        features[hidden + k] = (float)sqrt(fmax(0, squares / (double)rows - mean * mean));
    }
}

int scope_look(struct qwen *qwen, const struct image *image, float *features, struct error *error) {
    size_t hidden = (size_t)qwen->config->text.hidden,
           unit = qwen->preprocessor.merge_size * qwen->preprocessor.merge_size;
    struct chat chat = {0};
    struct prompt prompt = {0};
    float *embeds = NULL;
    int result = chat_add_message(&chat, "user", error);
    if (result == 0) result = chat_add_part(&chat, CHAT_IMAGE, "picture", error);
    if (result == 0) result = prompt_build(&prompt, qwen, &chat, image, 1, error);
    chat_free(&chat);
    if (result) return -1;
    size_t rows = prompt.patches.rows / unit;
    embeds = memory_new(rows * hidden, sizeof *embeds, "scope", error);
    result = embeds ? qwen_see(qwen, &prompt, embeds, error) : -1;
    if (result == 0) {
        pool(embeds, rows, hidden, features);
        look_at_pixels(&prompt.resized[0], features + 2 * hidden);
    }
    free(embeds);
    prompt_free(&prompt);
    return result;
}

double scope_distance(const struct scope *scope, const float *features) {
    size_t n = scope->size;
    double *solved = malloc(n * sizeof *solved), sum = 0;
    if (!solved) return INFINITY; // not to be judged: rather say nothing
    for (size_t i = 0; i < n; i++) {
        double value = (double)(features[i] - scope->mean[i]) / (double)scope->scale[i];
        for (size_t k = 0; k < i; k++) value -= (double)scope->factor[i * n + k] * solved[k];
        solved[i] = value / (double)scope->factor[i * n + i];
        sum += solved[i] * solved[i];
    }
    free(solved);
    return sqrt(sum / (double)n);
}

// ---- fitting ----

static void find_scales(struct scope *scope, const float *features, size_t count) {
    size_t n = scope->size;
    for (size_t k = 0; k < n; k++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < count; i++) sum += (double)features[i * n + k];
        double mean = sum / (double)count;
        for (size_t i = 0; i < count; i++) {
            double off = (double)features[i * n + k] - mean;
            squares += off * off;
        }
        double deviation = sqrt(squares / (double)(count - 1));
        scope->mean[k] = (float)mean;
        scope->scale[k] = (float)(deviation > 1e-6 ? deviation : 1e-6);
    }
}

static int factorise(double *matrix, float *factor, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = matrix[i * n + j];
            for (size_t k = 0; k < j; k++) sum -= matrix[i * n + k] * matrix[j * n + k];
            if (i == j && !(sum > 0)) return -1;
            matrix[i * n + j] = i == j ? sqrt(sum) : sum / matrix[j * n + j];
            factor[i * n + j] = (float)matrix[i * n + j];
        }
    return 0;
}

int scope_fit(struct scope *scope, const float *features, size_t count, size_t size, struct error *error) {
    *scope = (struct scope){.size = size, .pictures = count};
    scope->mean = memory_new(size, sizeof *scope->mean, "scope", error);
    scope->scale = memory_new(size, sizeof *scope->scale, "scope", error);
    scope->factor = memory_new(size * size, sizeof *scope->factor, "scope", error);
    double *matrix = memory_new(size * size, sizeof *matrix, "scope", error);
    double *row = memory_new(size, sizeof *row, "scope", error);
    int result = scope->mean && scope->scale && scope->factor && matrix && row ? 0 : -1;
    if (result == 0) find_scales(scope, features, count);
    for (size_t i = 0; result == 0 && i < count; i++) {
        for (size_t k = 0; k < size; k++)
            row[k] = (double)(features[i * size + k] - scope->mean[k]) / (double)scope->scale[k];
        for (size_t k = 0; k < size; k++)
            for (size_t j = 0; j <= k; j++) matrix[k * size + j] += row[k] * row[j] / (double)(count - 1);
    }
    for (size_t k = 0; result == 0 && k < size; k++) matrix[k * size + k] += shrinkage;
    if (result == 0 && factorise(matrix, scope->factor, size))
        result = error_set(error, ERROR_INPUT, "scope: the pictures do not differ enough");
    free(matrix);
    free(row);
    if (result) scope_free(scope);
    return result;
}

void scope_free(struct scope *scope) {
    free(scope->mean);
    free(scope->scale);
    free(scope->factor);
    *scope = (struct scope){0};
}

// ---- the file ----

static int add_number(struct safetensors_writer *writer, const char *key, double value, struct error *error) {
    char text[40];
    snprintf(text, sizeof text, "%.9g", value);
    return safetensors_writer_metadata(writer, key, text, error);
}

int scope_save(const struct scope *scope, const char *path, struct error *error) {
    struct safetensors_writer *writer = safetensors_writer_new(error);
    if (!writer) return -1;
    struct tensor mean = {.dtype = DTYPE_F32, .dims = 1, .shape = {scope->size}, .data = scope->mean};
    struct tensor scale = {.dtype = DTYPE_F32, .dims = 1, .shape = {scope->size}, .data = scope->scale};
    struct tensor factor = {
        .dtype = DTYPE_F32, .dims = 2, .shape = {scope->size, scope->size}, .data = scope->factor};
    int failed = safetensors_writer_metadata(writer, "format", "globe scope 1", error) ||
                 add_number(writer, "threshold", scope->threshold, error) ||
                 add_number(writer, "pictures", (double)scope->pictures, error) ||
                 add_number(writer, "false_alarms", scope->false_alarms, error) ||
                 safetensors_writer_add(writer, "mean", &mean, 0, error) ||
                 safetensors_writer_add(writer, "scale", &scale, 0, error) ||
                 safetensors_writer_add(writer, "factor", &factor, 0, error) ||
                 safetensors_writer_save(writer, path, error);
    safetensors_writer_free(writer);
    return failed ? -1 : 0;
}

static int read_number(const struct safetensors *file, const char *path, const char *key, double *value,
                       struct error *error) {
    const char *text = safetensors_metadata(file, key);
    char *end;
    *value = text ? strtod(text, &end) : NAN;
    if (text && *end == 0 && isfinite(*value) && *value >= 0) return 0;
    return error_set(error, ERROR_MODEL, "%s: \"%s\" is missing or no number", path, key);
}

static int read_values(const struct safetensors *file, const char *path, const char *name, size_t count,
                       float **values, struct error *error) {
    const struct tensor *tensor = safetensors_get(file, name, error);
    if (!tensor) return -1;
    size_t elements = 1;
    for (int i = 0; i < tensor->dims; i++)
        if (!memory_multiply(elements, tensor->shape[i], &elements)) elements = 0;
    if (tensor->dtype != DTYPE_F32 || elements != count)
        return error_set(error, ERROR_MODEL, "%s: \"%s\" is not F32 with %zu values: of another model?", path,
                         name, count);
    *values = memory_new(count, sizeof **values, "scope", error);
    if (!*values) return -1;
    memcpy(*values, tensor->data, count * sizeof **values);
    for (size_t i = 0; i < count; i++)
        if (!isfinite((*values)[i]))
            return error_set(error, ERROR_MODEL, "%s: \"%s\" holds a value that is no number", path, name);
    return 0;
}

int scope_open(struct scope *scope, const char *path, size_t hidden, struct error *error) {
    *scope = (struct scope){.size = 2 * hidden + SCOPE_PIXEL_FEATURES};
    struct safetensors *file = safetensors_open(path, error);
    if (!file) return -1;
    size_t n = scope->size;
    double pictures = 0;
    const char *format = safetensors_metadata(file, "format");
    int result = format && strcmp(format, "globe scope 1") == 0
                     ? 0
                     : error_set(error, ERROR_MODEL, "%s: no scope of a model (globe eval --scope)", path);
    if (result == 0)
        result = read_number(file, path, "threshold", &scope->threshold, error) ||
                         read_number(file, path, "pictures", &pictures, error) ||
                         read_number(file, path, "false_alarms", &scope->false_alarms, error) ||
                         read_values(file, path, "mean", n, &scope->mean, error) ||
                         read_values(file, path, "scale", n, &scope->scale, error) ||
                         read_values(file, path, "factor", n * n, &scope->factor, error)
                     ? -1
                     : 0;
    for (size_t i = 0; result == 0 && i < n; i++)
        if (!(scope->scale[i] > 0) || !(scope->factor[i * n + i] > 0))
            result = error_set(error, ERROR_MODEL, "%s: a scale is not above 0", path);
    scope->pictures = pictures < 1e15 ? (size_t)pictures : 0;
    safetensors_free(file);
    if (result) scope_free(scope);
    return result;
}
