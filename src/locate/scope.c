#include "locate/scope.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/safetensors.h"

static const float farthest = 6, usual = 0.8F; // deviations: where z ends, and |z| on average
static const char format[] = "globe scope 2";
enum { ROWS = 4 }; // mean, scale, slope, bend

int scope_new(struct scope *scope, size_t count, struct error *error) {
    *scope = (struct scope){0};
    float *values = memory_new(count, ROWS * sizeof *values, "scope", error);
    if (!values) return -1;
    memset(values, 0, count * ROWS * sizeof *values);
    *scope = (struct scope){.count = count,
                            .mean = values,
                            .scale = values + count,
                            .slope = values + 2 * count,
                            .bend = values + 3 * count};
    return 0;
}

void scope_free(struct scope *scope) {
    free(scope->mean);
    *scope = (struct scope){0};
}

void scope_terms(const struct scope *scope, size_t k, float value, float *straight, float *bent) {
    float z = (value - scope->mean[k]) / scope->scale[k];
    z = z > farthest ? farthest : z >= -farthest ? z : -farthest; // also what is no number
    *straight = z;
    *bent = fabsf(z) - usual;
}

double scope_score(const struct scope *scope, const float *features) {
    double sum = scope->base;
    for (size_t k = 0; k < scope->count; k++) {
        float straight, bent;
        scope_terms(scope, k, features[k], &straight, &bent);
        sum += (double)(scope->slope[k] * straight + scope->bend[k] * bent);
    }
    return sum;
}

int scope_judge(const struct scope *scope, const struct image *image, struct model *model, double *score,
                struct error *error) {
    float *features;
    size_t count;
    if (scope_look(image, model, &features, &count, error)) return -1;
    int result = 0;
    if (count == scope->count)
        *score = scope_score(scope, features);
    else
        result = error_set(
            error, ERROR_MODEL,
            SCOPE_FILE " weighs %zu features, the model has %zu: find its scope anew (globe eval --scope)",
            scope->count, count);
    free(features);
    return result;
}

// ---- the file ----

// Its header's metadata, which come first.
static bool is_own(const char *start, size_t length) {
    static const char any[] = "globe scope ";
    return length > 8 && memmem(start + 8, length - 8, any, sizeof any - 1);
}

const struct output_kind scope_kind = {"the scope of a model as globe eval writes it", is_own};

static int add_number(struct safetensors_writer *writer, const char *key, double value, struct error *error) {
    char text[40];
    snprintf(text, sizeof text, "%.9g", value);
    return safetensors_writer_metadata(writer, key, text, error);
}

static int add_model(struct safetensors_writer *writer, uint64_t model, struct error *error) {
    char text[20];
    snprintf(text, sizeof text, "%016" PRIx64, model);
    return safetensors_writer_metadata(writer, "model", text, error);
}

int scope_save(const struct scope *scope, const char *path, struct error *error) {
    struct safetensors_writer *writer = safetensors_writer_new(error);
    if (!writer) return -1;
    struct tensor weights = {
        .dtype = DTYPE_F32, .dims = 2, .shape = {ROWS, scope->count}, .data = scope->mean};
    int failed = safetensors_writer_metadata(writer, "format", format, error) ||
                 add_model(writer, scope->model, error) || add_number(writer, "base", scope->base, error) ||
                 add_number(writer, "threshold", scope->threshold, error) ||
                 add_number(writer, "false_alarms", scope->false_alarms, error) ||
                 safetensors_writer_add(writer, "weights", &weights, 0, error) ||
                 safetensors_writer_save(writer, path, error);
    safetensors_writer_free(writer);
    return failed ? -1 : 0;
}

static int read_number(const struct safetensors *file, const char *path, const char *key, double *value,
                       struct error *error) {
    const char *text = safetensors_metadata(file, key);
    char *end = NULL;
    *value = text ? strtod(text, &end) : NAN;
    if (text && end != text && *end == 0 && isfinite(*value)) return 0;
    return error_set(error, ERROR_MODEL, "%s: \"%s\" is missing or no number", path, key);
}

static int read_model(const struct safetensors *file, const char *path, uint64_t *model,
                      struct error *error) {
    const char *text = safetensors_metadata(file, "model");
    if (text && strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16) {
        *model = strtoull(text, NULL, 16);
        return 0;
    }
    return error_set(error, ERROR_MODEL, "%s: \"model\" is missing or no number of 16 digits", path);
}

static int read_weights(struct scope *scope, const struct safetensors *file, const char *path,
                        struct error *error) {
    const struct tensor *tensor = safetensors_get(file, "weights", error);
    if (!tensor) return -1;
    if (tensor->dtype != DTYPE_F32 || tensor->dims != 2 || tensor->shape[0] != ROWS ||
        tensor->shape[1] < SCOPE_PIXEL_FEATURES)
        return error_set(error, ERROR_MODEL, "%s: \"weights\" is not F32 [%d, at least %d]", path, (int)ROWS,
                         (int)SCOPE_PIXEL_FEATURES);
    struct scope values;
    if (scope_new(&values, tensor->shape[1], error)) return -1;
    memcpy(values.mean, tensor->data, ROWS * values.count * sizeof *values.mean);
    scope->count = values.count;
    scope->mean = values.mean, scope->scale = values.scale;
    scope->slope = values.slope, scope->bend = values.bend;
    for (size_t i = 0; i < ROWS * scope->count; i++)
        if (!isfinite(scope->mean[i]) || (i / scope->count == 1 && !(scope->mean[i] > 0)))
            return error_set(error, ERROR_MODEL, "%s: \"weights\" holds a value that is none", path);
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
    if (result == 0 && (read_model(file, path, &scope->model, error) ||
                        read_number(file, path, "base", &scope->base, error) ||
                        read_number(file, path, "threshold", &scope->threshold, error) ||
                        read_number(file, path, "false_alarms", &scope->false_alarms, error) ||
                        read_weights(scope, file, path, error)))
        result = -1;
    safetensors_free(file);
    if (result) scope_free(scope);
    return result;
}
