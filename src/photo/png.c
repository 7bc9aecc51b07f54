#include "photo/png.h"

enum { SIGNATURE = 8, CHUNK_HEAD = 8, CHUNK_END = 4 };

static size_t big_endian(const uint8_t *data) {
    return (size_t)data[0] << 24 | (size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3];
}

static void put(struct buffer *out, size_t value) {
    const char bytes[4] = {(char)(value >> 24), (char)(value >> 16), (char)(value >> 8), (char)value};
    buffer_add(out, bytes, sizeof bytes);
}

// CRC-32 of ISO 3309, as PNG has it (PNG, annex D).
static uint32_t crc(const uint8_t *data, size_t length) {
    uint32_t value = 0xFFFFFFFF;
    for (size_t i = 0; i < length; i++) {
        value ^= data[i];
        for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1 ? 0xEDB88320 : 0);
    }
    return ~value;
}

void png_end_last_chunk(const uint8_t *data, size_t length, struct buffer *out) {
    size_t at = SIGNATURE;
    while (at <= length && length - at >= CHUNK_HEAD + CHUNK_END) {
        size_t size = big_endian(data + at);
        if (size > length - at - CHUNK_HEAD - CHUNK_END) break;
        at += CHUNK_HEAD + size + CHUNK_END;
    }
    if (at > length) at = length;
    buffer_add(out, (const char *)data, at);
    if (length - at <= CHUNK_HEAD) return;
    size_t size = length - at - CHUNK_HEAD, whole = big_endian(data + at);
    if (size > whole) size = whole; // the file ends within the chunk's CRC
    put(out, size);
    buffer_add(out, (const char *)data + at + 4, 4 + size);
    put(out, crc(data + at + 4, 4 + size));
    static const char end[] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', (char)0xAE, 0x42, 0x60, (char)0x82};
    buffer_add(out, end, sizeof end);
}
