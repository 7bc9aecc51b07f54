// Any bytes as a safetensors file: refused with a message, or every tensor lies inside the bytes.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tensor(const struct safetensors *file, size_t index, const uint8_t *data, size_t size) {
    const struct tensor *tensor = safetensors_at(file, index);
    const uint8_t *start = tensor->data;
    if (safetensors_find(file, safetensors_name(file, index)) != tensor) abort();
    if (start < data || start > data + size || tensor_bytes(tensor) > (size_t)(data + size - start)) abort();
    struct error error;
    safetensors_get(file, safetensors_name(file, index), &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error error = {0};
    struct safetensors *file = safetensors_parse(data, size, "fuzz", &error);
    if (!file && (error.code != ERROR_MODEL || !error.message[0])) abort();
    if (!file) return 0;
    size_t total = 0;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        check_tensor(file, i, data, size);
        total += tensor_bytes(safetensors_at(file, i));
    }
    if (total != safetensors_bytes(file)) abort();
    safetensors_metadata(file, "format");
    safetensors_free(file);
    return 0;
}
