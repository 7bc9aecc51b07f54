// Any bytes as a safetensors file: refused with a message, or every tensor lies inside the bytes, or, where it was copied
// because it did not lie at a multiple of its type's size, in memory of its own that the sanitizer knows the end of.
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t seen;

// Returns the bytes of a tensor that was copied.
static size_t check_tensor(const struct safetensors *file, size_t index, const uint8_t *data, size_t size) {
    const struct tensor *tensor = safetensors_at(file, index);
    const uint8_t *start = tensor->data;
    size_t bytes = tensor_bytes(tensor);
    bool inside = start >= data && start <= data + size && bytes <= (size_t)(data + size - start);
    if (safetensors_find(file, safetensors_name(file, index)) != tensor) abort();
    if (bytes && (uintptr_t)start % dtype_size(tensor->dtype) != 0) abort();
    for (size_t i = 0; i < bytes; i++) seen = start[i];
    struct error error;
    safetensors_get(file, safetensors_name(file, index), &error);
    return inside ? 0 : bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error error = {0};
    struct safetensors *file = safetensors_parse(data, size, "fuzz", &error);
    if (!file && (error.code != ERROR_MODEL || !error.message[0])) abort();
    if (!file) return 0;
    size_t total = 0, copied = 0;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        copied += check_tensor(file, i, data, size);
        total += tensor_bytes(safetensors_at(file, i));
    }
    if (total != safetensors_bytes(file) || copied != safetensors_copied(file)) abort();
    safetensors_metadata(file, "format");
    safetensors_free(file);
    return 0;
}
