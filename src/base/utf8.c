#include "base/utf8.h"

#include <string.h>

// How many bytes a character with this first byte takes, 0 when none can begin so; the second byte must be in
// [*low, *high], which is narrower than 80..BF where overlong forms, surrogates or code points above 10FFFF
// begin.
static size_t sequence_length(unsigned char first, unsigned char *low, unsigned char *high) {
    *low = 0x80;
    *high = 0xBF;
    if (first < 0x80) return 1;
    if (first < 0xC2) return 0;
    if (first < 0xE0) return 2;
    if (first < 0xF0) {
        if (first == 0xE0) *low = 0xA0;
        if (first == 0xED) *high = 0x9F;
        return 3;
    }
    if (first > 0xF4) return 0;
    if (first == 0xF0) *low = 0x90;
    if (first == 0xF4) *high = 0x8F;
    return 4;
}

size_t utf8_decode(const char *text, size_t length, int32_t *code) {
    const unsigned char *s = (const unsigned char *)text;
    unsigned char low, high;
    size_t wanted = sequence_length(s[0], &low, &high);
    if (wanted == 1) {
        *code = s[0];
        return 1;
    }
    *code = UTF8_INVALID;
    if (wanted == 0) return 1;

    int32_t value = s[0] & (0xFF >> (wanted + 1));
    for (size_t i = 1; i < wanted; i++) {
        if (i == length) {
            *code = UTF8_INCOMPLETE;
            return i;
        }
        if (s[i] < low || s[i] > high) return i;
        value = value << 6 | (s[i] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    *code = value;
    return wanted;
}

size_t utf8_encode(int32_t code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)((0xF00 >> length & 0xFF) | code);
    return length;
}

// Length of the longest valid beginning.
static size_t valid_length(const char *text, size_t length) {
    size_t i = 0;
    while (i < length) {
        uint64_t eight;
        if (length - i >= sizeof eight) {
            memcpy(&eight, text + i, sizeof eight);
            if (!(eight & 0x8080808080808080u)) { // ASCII, the common case
                i += sizeof eight;
                continue;
            }
        }
        int32_t code;
        size_t used = utf8_decode(text + i, length - i, &code);
        if (code < 0) break;
        i += used;
    }
    return i;
}

bool utf8_is_valid(const char *text, size_t length) {
    return valid_length(text, length) == length;
}

void utf8_add_valid(struct buffer *buffer, const char *text, size_t length) {
    while (length > 0) {
        size_t valid = valid_length(text, length);
        buffer_add(buffer, text, valid);
        text += valid;
        length -= valid;
        if (length == 0) break;
        int32_t code;
        size_t used = utf8_decode(text, length, &code);
        buffer_add_text(buffer, "\xEF\xBF\xBD");
        text += used;
        length -= used;
    }
}
