#include "model/kv_cache.h"

#include <sys/mman.h>

#include "base/memory.h"

int kv_cache_open(struct kv_cache *cache, size_t layers, size_t capacity, size_t width, enum dtype dtype,
                  struct error *error) {
    size_t bytes;
    *cache = (struct kv_cache){.layers = layers, .capacity = capacity, .width = width, .dtype = dtype};
    if (!memory_multiply(2 * layers * width * dtype_size(dtype), capacity, &bytes))
        return error_set(error, ERROR_MEMORY, "KV cache: %zu tokens are too many", capacity);
    void *data =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED)
        return error_set(error, ERROR_MEMORY, "KV cache: %zu bytes for %zu tokens cannot be had", bytes,
                         capacity);
    cache->data = data;
    cache->bytes = bytes;
    return 0;
}

void kv_cache_close(struct kv_cache *cache) {
    if (cache->data) munmap(cache->data, cache->bytes);
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
