#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "support_safetensors.h"

struct golden golden_open(const char *path) {
    struct error error;
    size_t length;
    uint64_t header_length;
    struct golden golden = {.file = file_read(path, 1 << 28, &length, &error)};
    assert_got(golden.file, error);
    assert_true(length >= sizeof header_length);
    memcpy(&header_length, golden.file, sizeof header_length);
    assert_true(header_length <= length - sizeof header_length);
    golden.header = json_read_buffer(golden.file + sizeof header_length, header_length, path, &error);
    assert_got(golden.header, error);
    golden.data = golden.file + sizeof header_length + header_length;
    golden.data_length = length - sizeof header_length - header_length;
    return golden;
}

void golden_close(struct golden *golden) {
    json_decref(golden->header);
    free(golden->file);
    *golden = (struct golden){0};
}

bool golden_has(const struct golden *golden, const char *name) {
    return json_object_get(golden->header, name) != NULL;
}

static size_t element_size(const char *dtype) {
    static const struct {
        const char *name;
        size_t size;
    } sizes[] = {{"U8", 1}, {"BF16", 2}, {"I32", 4}, {"F32", 4}, {"I64", 8}, {"F64", 8}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (strcmp(sizes[i].name, dtype) == 0) return sizes[i].size;
    fail_msg("no dtype %s here", dtype);
    return 0;
}

struct golden_tensor golden_get(const struct golden *golden, const char *name, const char *dtype) {
    const char *stored;
    json_t *shape;
    json_int_t begin, end;
    struct golden_tensor tensor = {.count = 1};
    json_t *entry = json_object_get(golden->header, name);
    if (!entry) fail_msg("no tensor %s", name);
    assert_int_equal(json_unpack(entry, "{s:s, s:o, s:[I, I]}", "dtype", &stored, "shape", &shape,
                                 "data_offsets", &begin, &end),
                     0);
    assert_string_equal(stored, dtype);
    tensor.dimensions = json_array_size(shape);
    assert_true(tensor.dimensions <= 4);
    for (size_t i = 0; i < tensor.dimensions; i++) {
        tensor.shape[i] = (size_t)json_integer_value(json_array_get(shape, i));
        tensor.count *= tensor.shape[i];
    }
    assert_true(begin >= 0 && begin <= end && (size_t)end <= golden->data_length);
    assert_int_equal((size_t)(end - begin), tensor.count * element_size(dtype));
    tensor.data = golden->data + begin;
    return tensor;
}
