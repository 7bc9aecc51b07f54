#include "train/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "model/safetensors.h"

enum { MAX_JSON = 65536, VERSION = 1 };

static char *part_path(const char *folder, int rank, int ranks, struct error *error) {
    char name[64];
    snprintf(name, sizeof name, "optimizer-%05d-of-%05d.safetensors", rank + 1, ranks);
    return file_join(folder, name, error);
}

// ---- writing --------------------------------------------------------------------------------------------

// The values lie in many pieces: hand them out one by one.
static const void *read_values(void *context, size_t offset, size_t *size, struct error *error) {
    const struct optimizer *optimizer = context;
    size_t done = offset / sizeof(float);
    (void)error;
    struct flat_segment segment =
        flat_segment_at(&optimizer->flat, optimizer->first + done, optimizer->count - done);
    *size = segment.count * sizeof(float);
    return segment.parameter->value + segment.offset;
}

static int add_number(struct safetensors_writer *writer, const char *key, uint64_t number,
                      struct error *error) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    return safetensors_writer_metadata(writer, key, text, error);
}

static int write_part(const struct optimizer *optimizer, const char *path, struct error *error) {
    struct safetensors_writer *writer = safetensors_writer_new(error);
    if (!writer) return -1;
    const struct safetensors_source source = {read_values, (void *)optimizer};
    struct tensor m = {.data = optimizer->m, .dtype = DTYPE_F32, .dims = 1, .shape = {optimizer->count}};
    struct tensor v = m, value = m;
    v.data = optimizer->v;
    int result = safetensors_writer_add(writer, "m", &m, 0, error) ||
                 safetensors_writer_add(writer, "v", &v, 0, error) ||
                 safetensors_writer_add_source(writer, "value", &value, source, error) ||
                 add_number(writer, "first", optimizer->first, error) ||
                 safetensors_writer_save(writer, path, error);
    safetensors_writer_free(writer);
    return result ? -1 : 0;
}

static int write_json(const struct train_state *state, const struct optimizer *optimizer, const char *folder,
                      struct error *error) {
    struct buffer text = {0};
    buffer_format(&text,
                  "{\n \"version\": %d,\n \"step\": %" PRIu64 ",\n \"optimizer_steps\": %" PRIu64
                  ",\n \"seed\": %" PRIu64 ",\n \"rows_per_step\": %" PRIu64 ",\n \"data\": \"%016" PRIx64
                  "\",\n \"parameters\": \"%016" PRIx64 "\",\n \"values\": %zu,\n \"ranks\": %d",
                  VERSION, state->step, optimizer->steps, state->seed, state->rows_per_step,
                  state->data_identity, optimizer->flat.identity, optimizer->flat.total,
                  optimizer->parallel->ranks);
    if (state->best_step)
        buffer_format(&text, ",\n \"best_step\": %" PRIu64 ",\n \"best_loss\": %.17g", state->best_step,
                      state->best_loss);
    buffer_add_text(&text, "\n}\n");
    char *path = file_join(folder, "state.json", error);
    int result = -1;
    if (text.failed)
        error_set(error, ERROR_MEMORY, "%s: out of memory", folder);
    else if (path)
        result = file_write(path, text.data, text.length, error);
    free(path);
    buffer_free(&text);
    return result;
}

int state_write(const struct train_state *state, const struct optimizer *optimizer, const char *folder,
                struct error *error) {
    const struct parallel *parallel = optimizer->parallel;
    char *path = part_path(folder, parallel->rank, parallel->ranks, error);
    int result = path ? write_part(optimizer, path, error) : -1;
    free(path);
    if (result == 0 && parallel->rank == 0) result = write_json(state, optimizer, folder, error);
    return result;
}

// ---- reading --------------------------------------------------------------------------------------------

static int read_identity(const json_t *object, const char *key, uint64_t *value, const char *name,
                         struct error *error) {
    const char *text = NULL;
    char *end;
    if (json_get_string(object, key, &text, name, error)) return -1;
    if (!text) return error_set(error, ERROR_MODEL, "%s: \"%s\" is missing", name, key);
    *value = strtoull(text, &end, 16);
    return *end ? error_set(error, ERROR_MODEL, "%s: \"%s\" is \"%.40s\"", name, key, text) : 0;
}

static int read_number(const json_t *object, const char *key, uint64_t *value, const char *name,
                       struct error *error) {
    int64_t number = 0;
    if (json_get_integer(object, key, 0, INT64_MAX, &number, name, error)) return -1;
    *value = (uint64_t)number;
    return 0;
}

// state.json; *ranks is how many parts there are.
static int read_object(struct train_state *state, struct optimizer *optimizer, const json_t *object,
                       const char *path, int *ranks, struct error *error) {
    uint64_t parameters = 0, parts = 0, version = 0;
    *state = (struct train_state){0};
    if (read_number(object, "version", &version, path, error) ||
        read_number(object, "step", &state->step, path, error) ||
        read_number(object, "optimizer_steps", &optimizer->steps, path, error) ||
        read_number(object, "seed", &state->seed, path, error) ||
        read_number(object, "rows_per_step", &state->rows_per_step, path, error) ||
        read_number(object, "best_step", &state->best_step, path, error) ||
        read_number(object, "ranks", &parts, path, error) ||
        json_get_number(object, "best_loss", -1e300, 1e300, &state->best_loss, path, error) ||
        read_identity(object, "data", &state->data_identity, path, error) ||
        read_identity(object, "parameters", &parameters, path, error))
        return -1;
    if (version != VERSION)
        return error_set(error, ERROR_MODEL, "%s: version %" PRIu64 ", this program reads %d", path, version,
                         VERSION);
    if (parts < 1 || parts > 99999)
        return error_set(error, ERROR_MODEL, "%s: %" PRIu64 " ranks", path, parts);
    if (parameters != optimizer->flat.identity)
        return error_set(error, ERROR_MODEL, "%s: was saved while training other parameters", path);
    *ranks = (int)parts;
    return 0;
}

// The share of a part [first, first + count) that this optimiser keeps.
static void take_moments(struct optimizer *optimizer, size_t first, size_t count, const float *m,
                         const float *v) {
    size_t start = first > optimizer->first ? first : optimizer->first;
    size_t own_end = optimizer->first + optimizer->count, end = first + count;
    if (end > own_end) end = own_end;
    if (start >= end) return;
    memcpy(optimizer->m + (start - optimizer->first), m + (start - first), (end - start) * sizeof *m);
    memcpy(optimizer->v + (start - optimizer->first), v + (start - first), (end - start) * sizeof *v);
}

static int take_part(struct optimizer *optimizer, const struct safetensors *file, const char *path,
                     size_t expected, size_t *next, struct error *error) {
    static const char *const names[] = {"m", "v", "value"};
    const struct tensor *tensors[3];
    for (int i = 0; i < 3; i++) {
        tensors[i] = safetensors_get(file, names[i], error);
        if (!tensors[i]) return -1;
        if (tensors[i]->dtype != DTYPE_F32 || tensors[i]->dims != 1 ||
            tensors[i]->shape[0] != tensors[0]->shape[0])
            return error_set(error, ERROR_MODEL, "%s: tensor \"%s\" has another shape or type", path,
                             names[i]);
    }
    const char *first = safetensors_metadata(file, "first");
    size_t count = tensors[0]->shape[0];
    if (!first || strtoull(first, NULL, 10) != expected || count > optimizer->flat.total - expected)
        return error_set(error, ERROR_MODEL, "%s: does not continue at value %zu", path, expected);
    take_moments(optimizer, expected, count, tensors[0]->data, tensors[1]->data);
    flat_write(&optimizer->flat, FLAT_VALUE, expected, count, tensors[2]->data);
    *next = expected + count;
    return 0;
}

static int read_parts(struct optimizer *optimizer, const char *folder, int ranks, struct error *error) {
    size_t next = 0;
    for (int rank = 0; rank < ranks; rank++) {
        char *path = part_path(folder, rank, ranks, error);
        struct safetensors *file = path ? safetensors_open(path, error) : NULL;
        int result = file ? take_part(optimizer, file, path, next, &next, error) : -1;
        safetensors_free(file);
        free(path);
        if (result) return -1;
    }
    if (next == optimizer->flat.total) return 0;
    return error_set(error, ERROR_MODEL, "%s: holds %zu of %zu values", folder, next, optimizer->flat.total);
}

int state_read(struct train_state *state, struct optimizer *optimizer, const char *folder,
               struct error *error) {
    int ranks = 0;
    char *path = file_join(folder, "state.json", error);
    json_t *object = path ? json_read_file(path, MAX_JSON, error) : NULL;
    int result = object ? read_object(state, optimizer, object, path, &ranks, error) : -1;
    json_decref(object);
    free(path);
    return result ? -1 : read_parts(optimizer, folder, ranks, error);
}
