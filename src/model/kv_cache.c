#include "model/kv_cache.h"

#include <stdio.h>

#include "base/memory.h"

int kv_cache_open(struct kv_cache *cache, struct device *device, size_t layers, size_t capacity, size_t width,
                  enum dtype dtype, struct error *error) {
    size_t bytes;
    *cache = (struct kv_cache){
        .device = device, .layers = layers, .capacity = capacity, .width = width, .dtype = dtype};
    if (!memory_multiply(2 * layers * width * dtype_size(dtype), capacity, &bytes))
        return error_set(error, ERROR_MEMORY, "KV cache: %zu tokens are too many", capacity);
    char what[64];
    snprintf(what, sizeof what, "KV cache for %zu tokens", capacity);
    cache->data = device_allocate(device, bytes, DEVICE_SPARSE, what, error);
    return cache->data ? 0 : -1;
}

void kv_cache_close(struct kv_cache *cache) {
    if (cache->data) device_release(cache->device, cache->data);
    *cache = (struct kv_cache){0};
}

static struct matrix plane(const struct kv_cache *cache, size_t index) {
    size_t offset = index * cache->capacity * cache->width * dtype_size(cache->dtype);
    return matrix_of((char *)cache->data + offset, cache->dtype, cache->capacity, cache->width);
}

struct matrix kv_cache_keys(const struct kv_cache *cache, size_t layer) {
    return plane(cache, 2 * layer);
}

struct matrix kv_cache_values(const struct kv_cache *cache, size_t layer) {
    return plane(cache, 2 * layer + 1);
}
