// TIFF directories made by hand, little-endian.
#ifndef GLOBE_TESTS_PHOTO_MADE_TIFF_H
#define GLOBE_TESTS_PHOTO_MADE_TIFF_H

#include <stdint.h>

#include "base/buffer.h"

struct entry {
    unsigned tag, type;
    size_t count;
    uint32_t value; // or offset
};

static inline void put(struct buffer *out, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++, value >>= 8) buffer_add(out, &(char){(char)(value & 255)}, 1);
}

static inline void patch(struct buffer *out, size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; i++, value >>= 8) out->data[at + i] = (char)(value & 255);
}

static inline uint32_t put_directory(struct buffer *out, const struct entry *entries, size_t count,
                                     uint32_t next) {
    uint32_t at = (uint32_t)out->length;
    put(out, count, 2);
    for (size_t i = 0; i < count; i++) {
        put(out, entries[i].tag, 2);
        put(out, entries[i].type, 2);
        put(out, entries[i].count, 4);
        put(out, entries[i].value, 4);
    }
    put(out, next, 4);
    return at;
}

#endif
