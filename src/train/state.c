#include "train/state.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/safetensors.h"

enum { MAX_JSON = 65536, VERSION = 2 };

static char *part_path(const char *folder, int rank, int ranks, struct error *error) {
    char name[64];
    snprintf(name, sizeof name, "optimizer-%05d-of-%05d.safetensors", rank + 1, ranks);
    return file_join(folder, name, error);
}

// ---- facts ----------------------------------------------------------------------------------------------

void state_add_fact(struct train_state *state, const char *key, const char *format, ...) {
    if (state->fact_count == TRAIN_MAX_FACTS) return;
    struct train_fact *fact = &state->facts[state->fact_count++];
    va_list args;
    snprintf(fact->key, sizeof fact->key, "%s", key);
    va_start(args, format);
    vsnprintf(fact->value, sizeof fact->value, format, args);
    va_end(args);
}

static const char *find_fact(const struct train_state *state, const char *key) {
    for (size_t i = 0; i < state->fact_count; i++)
        if (strcmp(state->facts[i].key, key) == 0) return state->facts[i].value;
    return "unknown";
}

void state_compare(const struct train_state *old, const struct train_state *now, struct buffer *text) {
    for (size_t i = 0; i < now->fact_count; i++) {
        const char *key = now->facts[i].key, *was = find_fact(old, key), *is = now->facts[i].value;
        if (strcmp(was, is) != 0)
            buffer_format(text, "%s%s was %s and is %s now", text->length ? ", " : "", key, was, is);
    }
}

// ---- writing --------------------------------------------------------------------------------------------

// What a part of the file is made from while it is written: pieces come from the device into a buffer.
struct pieces {
    const struct optimizer *optimizer;
    const float *moments; // NULL: the values, which lie in many places
    float buffer[1 << 16];
};

static const void *read_piece(void *context, size_t offset, size_t *size, struct error *error) {
    struct pieces *pieces = context;
    const struct optimizer *optimizer = pieces->optimizer;
    size_t done = offset / sizeof(float), limit = sizeof pieces->buffer / sizeof *pieces->buffer;
    if (limit > optimizer->count - done) limit = optimizer->count - done;
    struct flat_segment segment = flat_segment_at(&optimizer->flat, optimizer->first + done, limit);
    struct matrix piece = pieces->moments ? optimizer_moments(optimizer, pieces->moments, done, segment.count)
                                          : flat_matrix(segment, FLAT_VALUE);
    device_download(optimizer->flat.device, pieces->buffer, piece);
    *size = segment.count * sizeof(float);
    return device_check(optimizer->flat.device, error) ? NULL : pieces->buffer;
}

static int add_number(struct safetensors_writer *writer, const char *key, uint64_t number,
                      struct error *error) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    return safetensors_writer_metadata(writer, key, text, error);
}

static int write_part(const struct optimizer *optimizer, const char *path, struct error *error) {
    static const char *const names[] = {"m", "v", "value"};
    const float *const moments[] = {optimizer->m, optimizer->v, NULL};
    const struct tensor tensor = {.dtype = DTYPE_F32, .dims = 1, .shape = {optimizer->count}};
    struct pieces *pieces = memory_new(3, sizeof *pieces, "the optimiser's state", error);
    struct safetensors_writer *writer = pieces ? safetensors_writer_new(error) : NULL;
    int result = writer ? 0 : -1;
    for (size_t i = 0; result == 0 && i < 3; i++) {
        pieces[i].optimizer = optimizer;
        pieces[i].moments = moments[i];
        result = safetensors_writer_add_source(writer, names[i], &tensor,
                                               (struct safetensors_source){read_piece, &pieces[i]}, error);
    }
    if (result == 0)
        result = add_number(writer, "first", optimizer->first, error) ||
                 safetensors_writer_save(writer, path, error);
    safetensors_writer_free(writer);
    free(pieces);
    return result ? -1 : 0;
}

static int set(json_t *object, const char *key, json_t *value) {
    return value ? json_object_set_new(object, key, value) : -1;
}

static json_t *hexadecimal(uint64_t number) {
    return json_sprintf("%016" PRIx64, number);
}

static json_t *facts_object(const struct train_state *state) {
    json_t *object = json_object();
    for (size_t i = 0; object && i < state->fact_count; i++)
        if (set(object, state->facts[i].key, json_string(state->facts[i].value))) {
            json_decref(object);
            return NULL;
        }
    return object;
}

static json_t *state_object(const struct train_state *state, const struct optimizer *optimizer) {
    json_t *object = json_object();
    int failed = !object || set(object, "version", json_integer(VERSION)) ||
                 set(object, "step", json_integer((json_int_t)state->step)) ||
                 set(object, "optimizer_steps", json_integer((json_int_t)optimizer->steps)) ||
                 set(object, "seed", json_integer((json_int_t)state->seed)) ||
                 set(object, "rows_per_step", json_integer((json_int_t)state->rows_per_step)) ||
                 set(object, "data", hexadecimal(state->data_identity)) ||
                 set(object, "evaluation", hexadecimal(state->eval_identity)) ||
                 set(object, "parameters", hexadecimal(optimizer->flat.identity)) ||
                 set(object, "values", json_integer((json_int_t)optimizer->flat.total)) ||
                 set(object, "ranks", json_integer(optimizer->parallel->ranks)) ||
                 set(object, "settings", facts_object(state));
    if (!failed && state->best_step && isfinite(state->best_value))
        failed = set(object, "best_step", json_integer((json_int_t)state->best_step)) ||
                 set(object, "best_loss", json_real(state->best_value));
    if (!failed) return object;
    json_decref(object);
    return NULL;
}

static int write_json(const struct train_state *state, const struct optimizer *optimizer, const char *folder,
                      struct error *error) {
    json_t *object = state_object(state, optimizer);
    char *text = object ? json_dumps(object, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    char *path = file_join(folder, "state.json", error);
    int result = -1;
    if (!text)
        error_set(error, ERROR_MEMORY, "%s: out of memory", folder);
    else if (path)
        result = file_write(path, text, strlen(text), error);
    json_decref(object);
    free(text);
    free(path);
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

static int read_facts(struct train_state *state, const json_t *object, const char *path,
                      struct error *error) {
    const char *key;
    json_t *value;
    if (object && !json_is_object(object))
        return error_set(error, ERROR_MODEL, "%s: \"settings\" is not an object", path);
    json_object_foreach((json_t *)object, key, value) {
        if (!json_is_string(value))
            return error_set(error, ERROR_MODEL, "%s: \"%.40s\" is not a text", path, key);
        state_add_fact(state, key, "%s", json_string_value(value));
    }
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
        json_get_number(object, "best_loss", -1e300, 1e300, &state->best_value, path, error) ||
        read_identity(object, "data", &state->data_identity, path, error) ||
        read_identity(object, "parameters", &parameters, path, error) ||
        read_facts(state, json_object_get(object, "settings"), path, error))
        return -1;
    if (version == VERSION && read_identity(object, "evaluation", &state->eval_identity, path, error))
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
    size_t at = start - optimizer->first, length = end - start;
    device_upload(optimizer->flat.device, optimizer_moments(optimizer, optimizer->m, at, length),
                  m + (start - first));
    device_upload(optimizer->flat.device, optimizer_moments(optimizer, optimizer->v, at, length),
                  v + (start - first));
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
    return device_check(optimizer->flat.device, error);
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
