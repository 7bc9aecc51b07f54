// Keys and values of the tokens a sequence has passed through: per layer [capacity, kv_heads * head_dim]
// each, in the compute type, on the device. Memory is sparse: taken page by page as rows are used, where the
// device can do that, so a generous capacity costs nothing.
#ifndef GLOBE_MODEL_KV_CACHE_H
#define GLOBE_MODEL_KV_CACHE_H

#include "base/error.h"
#include "tensor/device.h"

struct lora;

struct kv_cache {
    struct device *device; // whose memory it is
    void *data;
    size_t layers;
    size_t capacity; // tokens
    size_t rows;     // tokens held
    size_t width;    // kv_heads * head_dim
    enum dtype dtype;
    const struct lora *adapter; // what its tokens go through (model/lora.h); NULL: none
};

int kv_cache_open(struct kv_cache *cache, struct device *device, size_t layers, size_t capacity, size_t width,
                  enum dtype dtype, struct error *error);
void kv_cache_close(struct kv_cache *cache); // before its device is closed
// All `capacity` rows of one layer.
struct matrix kv_cache_keys(const struct kv_cache *cache, size_t layer);
struct matrix kv_cache_values(const struct kv_cache *cache, size_t layer);

// One sequence's new tokens in a forward pass. They follow own->rows tokens that follow prefix->rows tokens.
struct decoder_sequence {
    const struct kv_cache *prefix; // shared with other sequences, read only; may be NULL
    struct kv_cache *own;          // receives the new keys and values; its rows grow by `tokens`
    size_t tokens;
};

#endif
