#include "model/safetensors.h"

#include <dirent.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/name_map.h"

enum { MAX_HEADER = 100 * 1000 * 1000, LENGTH_BYTES = 8 }; // the reference library's limit

struct shard {
    struct file_map map; // empty when the bytes are the caller's
    char *name;
    json_t *header; // owns the tensor names
};

struct entry {
    struct tensor tensor;
    const char *name;
    size_t shard;
    size_t start, end; // within the shard's data
    void *copy;        // of data that is not aligned to its type, or NULL
};

struct safetensors {
    struct shard *shards;
    size_t shard_count;
    struct entry *entries;
    size_t count;
    struct name_map names;
    size_t bytes;
    size_t copied; // of them
    struct prefetch *prefetch;
};

// The thread that reads ahead.
struct prefetch {
    pthread_t thread;
    bool running;
    atomic_bool stop;
};

// ---- one file ------------------------------------------------------------------------------------------

static int bad_tensor(const struct shard *shard, const char *name, const char *what, struct error *error) {
    return error_set(error, ERROR_MODEL, "%s: tensor \"%.120s\": %s", shard->name, name, what);
}

static int read_shape(const struct shard *shard, const char *name, const json_t *list, struct tensor *tensor,
                      size_t *bytes, struct error *error) {
    if (!json_is_array(list)) return bad_tensor(shard, name, "has no \"shape\" list", error);
    if (json_array_size(list) > TENSOR_MAX_DIMS)
        return error_set(error, ERROR_MODEL,
                         "%s: tensor \"%.120s\": %zu dimensions, at most %d are supported", shard->name, name,
                         json_array_size(list), TENSOR_MAX_DIMS);
    tensor->dims = (int)json_array_size(list);
    *bytes = dtype_size(tensor->dtype);
    for (int i = 0; i < tensor->dims; i++) {
        const json_t *size = json_array_get(list, (size_t)i);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return bad_tensor(shard, name, "\"shape\" holds something that is not a size", error);
        tensor->shape[i] = (size_t)json_integer_value(size);
        if (!memory_multiply(*bytes, tensor->shape[i], bytes))
            return bad_tensor(shard, name, "the shape is too large to exist", error);
    }
    return 0;
}

static int read_offsets(const struct shard *shard, const json_t *list, size_t data_size, struct entry *entry,
                        struct error *error) {
    const json_t *start = json_array_get(list, 0), *end = json_array_get(list, 1);
    if (json_array_size(list) != 2 || !json_is_integer(start) || !json_is_integer(end))
        return bad_tensor(shard, entry->name, "\"data_offsets\" is not a pair of offsets", error);
    json_int_t first = json_integer_value(start), last = json_integer_value(end);
    if (first < 0 || last < first || (uint64_t)last > data_size)
        return error_set(
            error, ERROR_MODEL,
            "%s: tensor \"%.120s\": data_offsets [%lld, %lld] are not within the %zu bytes of data",
            shard->name, entry->name, (long long)first, (long long)last, data_size);
    entry->start = (size_t)first;
    entry->end = (size_t)last;
    return 0;
}

static int read_entry(const struct shard *shard, const json_t *value, const char *data, size_t data_size,
                      struct entry *entry, struct error *error) {
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    if (!json_is_object(value) || !dtype) return bad_tensor(shard, entry->name, "has no \"dtype\"", error);
    if (!dtype_find(dtype, &entry->tensor.dtype))
        return error_set(error, ERROR_MODEL, "%s: tensor \"%.120s\": type \"%.40s\" is not supported",
                         shard->name, entry->name, dtype);
    size_t bytes;
    if (read_shape(shard, entry->name, json_object_get(value, "shape"), &entry->tensor, &bytes, error) ||
        read_offsets(shard, json_object_get(value, "data_offsets"), data_size, entry, error))
        return -1;
    if (entry->end - entry->start != bytes)
        return error_set(error, ERROR_MODEL,
                         "%s: tensor \"%.120s\": its shape needs %zu bytes, but data_offsets give it %zu",
                         shard->name, entry->name, bytes, entry->end - entry->start);
    entry->tensor.data = (void *)(uintptr_t)(data + entry->start); // read-only, like the mapping
    return 0;
}

static int compare_offsets(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->end != b->end)
        return a->end < b->end ? -1 : 1; // empty tensors share their start with the next one
    return strcmp(a->name, b->name);
}

// The format has no holes: each tensor starts where the one before ends, and the last ends with the file.
static int check_coverage(const struct shard *shard, const struct entry *entries, size_t count,
                          size_t data_size, struct error *error) {
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].start != end)
            return error_set(
                error, ERROR_MODEL, "%s: tensor \"%.120s\": data starts at %zu, expected %zu (%s)",
                shard->name, entries[i].name, entries[i].start, end,
                entries[i].start < end ? "it overlaps another tensor" : "there is a gap before it");
        end = entries[i].end;
    }
    if (end != data_size)
        return error_set(error, ERROR_MODEL, "%s: %zu bytes of data, but the header describes %zu",
                         shard->name, data_size, end);
    return 0;
}

static int check_metadata(const struct shard *shard, json_t *metadata, struct error *error) {
    const char *key;
    json_t *value;
    if (json_is_null(metadata)) return 0;
    if (!json_is_object(metadata))
        return error_set(error, ERROR_MODEL, "%s: \"__metadata__\" is not an object", shard->name);
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value))
            return error_set(error, ERROR_MODEL, "%s: \"__metadata__\": \"%.120s\" is not a string",
                             shard->name, key);
    }
    return 0;
}

static json_t *read_header(const char *name, const char *bytes, size_t size, size_t *header_size,
                           struct error *error) {
    uint64_t length = 0;
    if (size < LENGTH_BYTES) {
        error_set(error, ERROR_MODEL, "%s: %zu bytes, too short for a safetensors file", name, size);
        return NULL;
    }
    for (int i = LENGTH_BYTES - 1; i >= 0; i--) length = length << 8 | (unsigned char)bytes[i];
    if (length > MAX_HEADER || length > size - LENGTH_BYTES) {
        error_set(error, ERROR_MODEL,
                  "%s: not a safetensors file, or truncated: header of %llu bytes in a file of %zu", name,
                  (unsigned long long)length, size);
        return NULL;
    }
    const char *text = bytes + LENGTH_BYTES;
    json_error_t where = {.text = "it does not begin with {"};
    json_t *header = NULL;
    if (length && *text == '{') header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    if (!header) error_set(error, ERROR_MODEL, "%s: the header is not a JSON object: %s", name, where.text);
    *header_size = LENGTH_BYTES + (size_t)length;
    return header;
}

static int add_names(struct safetensors *file, size_t from, struct error *error) {
    for (size_t i = from; i < file->count; i++) {
        const struct entry *entry = &file->entries[i];
        size_t other;
        if (name_map_find(&file->names, entry->name, &other))
            return error_set(error, ERROR_MODEL, "%s: tensor \"%.120s\" is also in %s",
                             file->shards[entry->shard].name, entry->name,
                             file->shards[file->entries[other].shard].name);
        if (name_map_add(&file->names, entry->name, i, error)) return -1;
        file->bytes += entry->end - entry->start;
    }
    return 0;
}

static int align(struct safetensors *file, struct entry *entry, struct error *error) {
    size_t size = entry->end - entry->start;
    if ((uintptr_t)entry->tensor.data % dtype_size(entry->tensor.dtype) == 0 || size == 0) return 0;
    entry->copy = memory_new_aligned(size, 1, entry->name, error);
    if (!entry->copy) return -1;
    memcpy(entry->copy, entry->tensor.data, size);
    entry->tensor.data = entry->copy;
    file->copied += size;
    return 0;
}

// Adds the tensors of a shard whose name is set, from its bytes.
static int parse_shard(struct safetensors *file, size_t index, const void *bytes, size_t size,
                       struct error *error) {
    struct shard *shard = &file->shards[index];
    size_t header_size;
    shard->header = read_header(shard->name, bytes, size, &header_size, error);
    if (!shard->header) return -1;
    size_t from = file->count, room = from + json_object_size(shard->header);
    struct entry *grown = memory_grow(file->entries, room ? room : 1, sizeof *grown, shard->name, error);
    if (!grown) return -1;
    file->entries = grown;

    const char *name, *data = (const char *)bytes + header_size;
    size_t data_size = size - header_size;
    json_t *value;
    json_object_foreach(shard->header, name, value) {
        if (strcmp(name, "__metadata__") == 0) {
            if (check_metadata(shard, value, error)) return -1;
            continue;
        }
        struct entry entry = {.name = name, .shard = index};
        if (read_entry(shard, value, data, data_size, &entry, error)) return -1;
        file->entries[file->count++] = entry;
    }
    size_t added = file->count - from;
    if (added) qsort(file->entries + from, added, sizeof *file->entries, compare_offsets);
    if (check_coverage(shard, file->entries + from, added, data_size, error)) return -1;
    for (size_t i = from; i < file->count; i++)
        if (align(file, &file->entries[i], error)) return -1;
    return add_names(file, from, error);
}

// A file with room for `shards` shards.
static struct safetensors *new_file(size_t shards, struct error *error) {
    struct safetensors *file = memory_new(1, sizeof *file, "safetensors", error);
    if (!file) return NULL;
    file->shards = memory_new(shards, sizeof *file->shards, "safetensors", error);
    file->prefetch = memory_new(1, sizeof *file->prefetch, "safetensors", error);
    if (file->shards && file->prefetch) return file;
    free(file->shards);
    free(file->prefetch);
    free(file);
    return NULL;
}

// Takes the name over.
static int open_shard(struct safetensors *file, char *name, struct error *error) {
    struct shard *shard = &file->shards[file->shard_count++];
    shard->name = name;
    if (file_map_open(&shard->map, shard->name, error)) {
        if (error && error->code == ERROR_INPUT) error->code = ERROR_MODEL;
        return -1;
    }
    return parse_shard(file, file->shard_count - 1, shard->map.data, shard->map.size, error);
}

struct safetensors *safetensors_parse(const void *data, size_t size, const char *name, struct error *error) {
    struct safetensors *file = new_file(1, error);
    if (!file) return NULL;
    file->shard_count = 1;
    file->shards[0].name = memory_copy_string(name, strlen(name), error);
    if (!file->shards[0].name || parse_shard(file, 0, data, size, error)) {
        safetensors_free(file);
        return NULL;
    }
    return file;
}

static struct safetensors *open_file(const char *path, struct error *error) {
    struct safetensors *file = new_file(1, error);
    if (!file) return NULL;
    char *name = memory_copy_string(path, strlen(path), error);
    if (!name || open_shard(file, name, error)) {
        safetensors_free(file);
        return NULL;
    }
    return file;
}

// ---- an index and its shards ---------------------------------------------------------------------------

static json_t *read_index(const char *path, struct error *error) {
    size_t length;
    char *text = file_read(path, MAX_HEADER, &length, error);
    if (!text) return NULL;
    json_error_t where;
    json_t *index = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    free(text);
    if (!index) {
        error_set(error, ERROR_MODEL, "%s: not valid JSON at line %d: %s", path, where.line, where.text);
    } else if (!json_is_object(json_object_get(index, "weight_map"))) {
        error_set(error, ERROR_MODEL, "%s: has no \"weight_map\"", path);
        json_decref(index);
        index = NULL;
    }
    return index;
}

// A shard lies in the index's own folder.
static bool is_plain_name(const char *name) {
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int compare_names(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

// The different file names of the weight map, sorted. free() the list.
static const char **list_shards(const char *path, json_t *weight_map, size_t *count, struct error *error) {
    const char **names = memory_new(json_object_size(weight_map), sizeof *names, path, error);
    if (!names) return NULL;
    const char *tensor;
    json_t *value;
    size_t n = 0;
    json_object_foreach(weight_map, tensor, value) {
        const char *name = json_string_value(value);
        if (!name || !is_plain_name(name)) {
            error_set(error, ERROR_MODEL,
                      "%s: the file of \"%.120s\" is \"%.120s\", expected a plain file name", path, tensor,
                      name ? name : "(not a string)");
            free(names);
            return NULL;
        }
        names[n++] = name;
    }
    if (n) qsort(names, n, sizeof *names, compare_names);
    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (*count == 0 || strcmp(names[*count - 1], names[i]) != 0) names[(*count)++] = names[i];
    return names;
}

static int check_missing(const char *folder, const char *const *names, size_t count, struct error *error) {
    size_t missing = 0;
    const char *first = NULL;
    for (size_t i = 0; i < count; i++) {
        char *path = file_join(folder, names[i], error);
        if (!path) return -1;
        if (!file_exists(path) && missing++ == 0) first = names[i];
        free(path);
    }
    if (missing > 1)
        return error_set(error, ERROR_MODEL, "%s: %.120s is missing (and %zu more)", folder, first,
                         missing - 1);
    if (missing) return error_set(error, ERROR_MODEL, "%s: %.120s is missing", folder, first);
    return 0;
}

static int open_shards(struct safetensors *file, const char *folder, const char *const *names, size_t count,
                       struct error *error) {
    for (size_t i = 0; i < count; i++) {
        char *path = file_join(folder, names[i], error);
        if (!path || open_shard(file, path, error)) return -1;
    }
    return 0;
}

// Every tensor of the index is in the shard it names. What the index does not list is harmless.
static int check_weight_map(const struct safetensors *file, json_t *weight_map, struct error *error) {
    const char *name;
    json_t *value;
    json_object_foreach(weight_map, name, value) {
        size_t index;
        bool found = name_map_find(&file->names, name, &index);
        const char *shard = json_string_value(value);
        const char *path = found ? file->shards[file->entries[index].shard].name : NULL;
        if (!found || strcmp(strrchr(path, '/') + 1, shard) != 0)
            return error_set(error, ERROR_MODEL,
                             "%.120s: tensor \"%.120s\" is not in it, though the index says so", shard, name);
    }
    return 0;
}

static struct safetensors *open_index(const char *folder, const char *path, struct error *error) {
    json_t *index = read_index(path, error);
    if (!index) return NULL;
    json_t *weight_map = json_object_get(index, "weight_map");
    size_t count;
    struct safetensors *file = NULL;
    const char **names = list_shards(path, weight_map, &count, error);
    if (names && check_missing(folder, names, count, error) == 0 && (file = new_file(count, error))) {
        if (open_shards(file, folder, names, count, error) || check_weight_map(file, weight_map, error)) {
            safetensors_free(file);
            file = NULL;
        }
    }
    free(names);
    json_decref(index);
    return file;
}

// No weights that can be read: what else is there.
static void describe_folder(const char *folder, struct error *error) {
    static const struct {
        const char *ending, *what;
    } kinds[] = {
        {"adapter_model.safetensors",
         "it is an adapter: give it by --adapter, and the base model by --model"},
        {"adapter_config.json", "it is an adapter: give it by --adapter, and the base model by --model"},
        {".gguf", "GGUF is not supported"},
        {".bin", "PyTorch's pickled weights are not read: save the model as safetensors"},
        {".pt", "PyTorch's pickled weights are not read: save the model as safetensors"},
        {".pth", "PyTorch's pickled weights are not read: save the model as safetensors"},
        {".ckpt", "PyTorch's pickled weights are not read: save the model as safetensors"},
        {".npz", "NumPy weights are not supported"},
        {".onnx", "ONNX is not supported"},
        {".h5", "TensorFlow's weights are not supported"},
        {".msgpack", "Flax's weights are not supported"},
        {".safetensors", "its safetensors have another name than model.safetensors, and no index lists them"},
    };
    enum { KINDS = sizeof kinds / sizeof *kinds };
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    char found[64] = "";
    size_t best = KINDS;
    while (directory && (entry = readdir(directory)))
        for (size_t i = 0; i < best; i++) {
            size_t length = strlen(entry->d_name), tail = strlen(kinds[i].ending);
            if (length < tail || strcmp(entry->d_name + length - tail, kinds[i].ending) != 0) continue;
            best = i;
            snprintf(found, sizeof found, "%.60s", entry->d_name);
        }
    if (directory) closedir(directory);
    error_set(error, ERROR_MODEL,
              "%s: no weights here: neither model.safetensors nor model.safetensors.index.json%s%s%s%s",
              folder, *found ? " (" : "", found, *found ? "; " : "", best < KINDS ? kinds[best].what : "");
    if (*found && error) strncat(error->message, ")", sizeof error->message - strlen(error->message) - 1);
}

static struct safetensors *open_folder(const char *folder, struct error *error) {
    char *single = file_join(folder, "model.safetensors", error);
    char *index = file_join(folder, "model.safetensors.index.json", error);
    struct safetensors *file = NULL;
    if (single && index) {
        if (file_exists(single))
            file = open_file(single, error);
        else if (file_exists(index))
            file = open_index(folder, index, error);
        else
            describe_folder(folder, error);
    }
    free(single);
    free(index);
    return file;
}

struct safetensors *safetensors_open(const char *path, struct error *error) {
    return file_is_directory(path) ? open_folder(path, error) : open_file(path, error);
}

static void stop_prefetch(struct prefetch *prefetch) {
    if (!prefetch || !prefetch->running) return;
    atomic_store(&prefetch->stop, true);
    pthread_join(prefetch->thread, NULL);
}

void safetensors_free(struct safetensors *file) {
    if (!file) return;
    stop_prefetch(file->prefetch);
    free(file->prefetch);
    for (size_t i = 0; i < file->shard_count; i++) {
        file_map_close(&file->shards[i].map);
        json_decref(file->shards[i].header);
        free(file->shards[i].name);
    }
    name_map_free(&file->names);
    for (size_t i = 0; i < file->count; i++) free(file->entries[i].copy);
    free(file->entries);
    free(file->shards);
    free(file);
}

// ---- access --------------------------------------------------------------------------------------------

size_t safetensors_count(const struct safetensors *file) {
    return file->count;
}

const char *safetensors_name(const struct safetensors *file, size_t index) {
    return file->entries[index].name;
}

const struct tensor *safetensors_at(const struct safetensors *file, size_t index) {
    return &file->entries[index].tensor;
}

const struct tensor *safetensors_find(const struct safetensors *file, const char *name) {
    size_t index;
    return name_map_find(&file->names, name, &index) ? &file->entries[index].tensor : NULL;
}

const struct tensor *safetensors_get(const struct safetensors *file, const char *name, struct error *error) {
    size_t index;
    if (!name_map_find(&file->names, name, &index)) {
        error_set(error, ERROR_MODEL, "%s: tensor \"%.120s\" is missing",
                  file->shard_count ? file->shards[0].name : "checkpoint", name);
        return NULL;
    }
    return &file->entries[index].tensor;
}

const char *safetensors_path(const struct safetensors *file, const struct tensor *tensor) {
    const struct entry *entry = (const struct entry *)(const void *)tensor; // the first member
    return file->shards[entry->shard].name;
}

size_t safetensors_copied(const struct safetensors *file) {
    return file->copied;
}

size_t safetensors_bytes(const struct safetensors *file) {
    return file->bytes;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key) {
    if (!file->shard_count) return NULL;
    return json_string_value(json_object_get(json_object_get(file->shards[0].header, "__metadata__"), key));
}

// In small steps, because the kernel takes no more than a device's readahead (128 KiB and up) from one
// request.
static void *read_ahead(void *context) {
    const struct safetensors *file = context;
    const size_t step = 128 << 10;
    for (size_t i = 0; i < file->shard_count; i++) {
        const struct file_map *map = &file->shards[i].map;
        for (size_t at = 0; at < map->size && !atomic_load(&file->prefetch->stop); at += step) {
            char *start = (char *)(uintptr_t)map->data + at;
            madvise(start, map->size - at < step ? map->size - at : step, MADV_WILLNEED);
        }
    }
    return NULL;
}

void safetensors_prefetch(const struct safetensors *file) {
    if (file->prefetch->running) return;
    // Signals are for the threads that expect them.
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    file->prefetch->running =
        pthread_create(&file->prefetch->thread, NULL, read_ahead, (void *)(uintptr_t)file) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}
