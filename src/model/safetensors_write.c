#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/name_map.h"
#include "model/safetensors.h"

struct item {
    char *name;
    struct tensor tensor;
    struct safetensors_source source; // read is NULL: the bytes are at tensor.data
    void *copy;                       // owned data, or NULL
};

struct safetensors_writer {
    struct item **items; // pointers, so that the names stay where the map has them
    size_t count, capacity;
    struct name_map names;
    json_t *metadata;
};

struct safetensors_writer *safetensors_writer_new(struct error *error) {
    return memory_new(1, sizeof(struct safetensors_writer), "safetensors writer", error);
}

static void free_item(struct item *item) {
    if (!item) return;
    free(item->name);
    free(item->copy);
    free(item);
}

void safetensors_writer_free(struct safetensors_writer *writer) {
    if (!writer) return;
    for (size_t i = 0; i < writer->count; i++) free_item(writer->items[i]);
    free(writer->items);
    name_map_free(&writer->names);
    json_decref(writer->metadata);
    free(writer);
}

static int check_new(const struct safetensors_writer *writer, const char *name, const struct tensor *tensor,
                     struct error *error) {
    json_t *text = json_string(name); // NULL when it is not UTF-8
    json_decref(text);
    if (!text || strcmp(name, "__metadata__") == 0)
        return error_set(error, ERROR_INTERNAL, "\"%.120s\" cannot be the name of a tensor", name);
    if (name_map_find(&writer->names, name, NULL))
        return error_set(error, ERROR_INTERNAL, "tensor \"%.120s\" is written twice", name);
    size_t bytes = dtype_size(tensor->dtype);
    for (int i = 0; i < tensor->dims; i++)
        if (!memory_multiply(bytes, tensor->shape[i], &bytes) || bytes > INT64_MAX)
            return error_set(error, ERROR_INTERNAL, "tensor \"%.120s\" is too large to exist", name);
    return 0;
}

static struct item *add_item(struct safetensors_writer *writer, const char *name, const struct tensor *tensor,
                             struct error *error) {
    if (check_new(writer, name, tensor, error)) return NULL;
    if (writer->count == writer->capacity) {
        size_t capacity = writer->capacity ? writer->capacity * 2 : 64;
        struct item **grown =
            memory_grow(writer->items, capacity, sizeof *grown, "safetensors writer", error);
        if (!grown) return NULL;
        writer->items = grown;
        writer->capacity = capacity;
    }
    struct item *item = memory_new(1, sizeof *item, name, error);
    if (!item) return NULL;
    item->tensor = *tensor;
    item->name = memory_copy_string(name, strlen(name), error);
    if (!item->name || name_map_add(&writer->names, item->name, writer->count, error)) {
        free_item(item);
        return NULL;
    }
    return writer->items[writer->count++] = item;
}

int safetensors_writer_add(struct safetensors_writer *writer, const char *name, const struct tensor *tensor,
                           int copy, struct error *error) {
    struct item *item = add_item(writer, name, tensor, error);
    if (!item) return -1;
    size_t bytes = tensor_bytes(tensor);
    if (!copy || !bytes) return 0;
    item->copy = memory_new_aligned(bytes, 1, name, error);
    if (!item->copy) return -1;
    item->tensor.data = memcpy(item->copy, tensor->data, bytes);
    return 0;
}

int safetensors_writer_add_source(struct safetensors_writer *writer, const char *name,
                                  const struct tensor *tensor, struct safetensors_source source,
                                  struct error *error) {
    struct item *item = add_item(writer, name, tensor, error);
    if (!item) return -1;
    item->source = source;
    return 0;
}

int safetensors_writer_metadata(struct safetensors_writer *writer, const char *key, const char *value,
                                struct error *error) {
    if (!writer->metadata) writer->metadata = json_object();
    if (json_object_set_new(writer->metadata, key, json_string(value)))
        return error_set(error, ERROR_INTERNAL, "metadata \"%.120s\": not UTF-8, or out of memory", key);
    return 0;
}

// ---- saving --------------------------------------------------------------------------------------------

// The items by element size, large first, each size in the given order. free() it.
static struct item **sorted_items(const struct safetensors_writer *writer, struct error *error) {
    struct item **sorted = memory_new(writer->count, sizeof *sorted, "safetensors writer", error);
    if (!sorted) return NULL;
    size_t n = 0;
    for (size_t size = 8; size > 0; size /= 2)
        for (size_t i = 0; i < writer->count; i++)
            if (dtype_size(writer->items[i]->tensor.dtype) == size) sorted[n++] = writer->items[i];
    return sorted;
}

static json_t *describe_item(const struct item *item, size_t start, size_t end) {
    json_t *shape = json_array();
    for (int i = 0; i < item->tensor.dims; i++)
        json_array_append_new(shape, json_integer((json_int_t)item->tensor.shape[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype_name(item->tensor.dtype), "shape", shape,
                     "data_offsets", (json_int_t)start, (json_int_t)end);
}

// The header's text, or NULL when memory runs out; jansson keeps the order in which keys are set.
static char *header_text(const struct safetensors_writer *writer, struct item *const *items) {
    json_t *header = json_object();
    int failed = writer->metadata && json_object_set(header, "__metadata__", writer->metadata);
    size_t offset = 0;
    for (size_t i = 0; i < writer->count && !failed; i++) {
        size_t end = offset + tensor_bytes(&items[i]->tensor);
        failed = json_object_set_new(header, items[i]->name, describe_item(items[i], offset, end));
        offset = end;
    }
    char *text = failed ? NULL : json_dumps(header, JSON_COMPACT);
    json_decref(header);
    return text;
}

static int write_bytes(struct file_writer *file, const void *data, size_t size, struct error *error) {
    if (size && fwrite(data, 1, size, file->stream) != size)
        return error_set_errno(error, file->path, "cannot write");
    return 0;
}

static int write_header(struct file_writer *file, const char *text, struct error *error) {
    static const char spaces[8] = "        ";
    size_t length = strlen(text), padded = (length + 7) & ~(size_t)7;
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)padded >> (8 * i));
    if (write_bytes(file, bytes, sizeof bytes, error) || write_bytes(file, text, length, error)) return -1;
    return write_bytes(file, spaces, padded - length, error);
}

static int write_item(struct file_writer *file, const struct item *item, struct error *error) {
    size_t bytes = tensor_bytes(&item->tensor);
    if (!item->source.read) return write_bytes(file, item->tensor.data, bytes, error);
    for (size_t done = 0; done < bytes;) {
        size_t size = 0;
        const void *piece = item->source.read(item->source.context, done, &size, error);
        if (!piece) return -1;
        if (size == 0) return error_set(error, ERROR_INTERNAL, "tensor \"%.120s\" gave no bytes", item->name);
        if (size > bytes - done) size = bytes - done;
        if (write_bytes(file, piece, size, error)) return -1;
        done += size;
    }
    return 0;
}

static int write_all(struct file_writer *file, const char *header, struct item *const *items, size_t count,
                     struct error *error) {
    if (write_header(file, header, error)) return -1;
    for (size_t i = 0; i < count; i++)
        if (write_item(file, items[i], error)) return -1;
    return 0;
}

static int save_sorted(const struct safetensors_writer *writer, struct item *const *items, const char *path,
                       struct error *error) {
    char *header = header_text(writer, items);
    if (!header) return error_set(error, ERROR_MEMORY, "%s: out of memory for the header", path);
    struct file_writer file;
    int result = file_writer_open(&file, path, error);
    if (result == 0) {
        result = write_all(&file, header, items, writer->count, error);
        if (result == 0)
            result = file_writer_commit(&file, error);
        else
            file_writer_abandon(&file);
    }
    free(header);
    return result;
}

int safetensors_writer_save(const struct safetensors_writer *writer, const char *path, struct error *error) {
    struct item **items = sorted_items(writer, error);
    if (!items) return -1;
    int result = save_sorted(writer, items, path, error);
    free(items);
    return result;
}
