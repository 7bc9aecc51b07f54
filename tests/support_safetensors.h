// A small reader of golden .safetensors files, for tests of rooms below model/. Test data is trusted:
// anything unexpected fails the test.
#ifndef GLOBE_TESTS_SUPPORT_SAFETENSORS_H
#define GLOBE_TESTS_SUPPORT_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct golden {
    char *file;
    const char *data; // where the tensors begin
    size_t data_length;
    json_t *header;
};

struct golden_tensor {
    const void *data; // little-endian, as stored; valid until golden_close
    size_t dimensions;
    size_t shape[4];
    size_t count; // of elements
};

struct golden golden_open(const char *path);
void golden_close(struct golden *golden);
bool golden_has(const struct golden *golden, const char *name);
// The tensor, which must have this dtype ("U8", "F32", "I64", ...).
struct golden_tensor golden_get(const struct golden *golden, const char *name, const char *dtype);

#endif
