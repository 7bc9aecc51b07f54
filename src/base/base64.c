#include "base/base64.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct buffer *out, const void *data, size_t length) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (left > 1) group |= (uint32_t)bytes[i + 1] << 8;
        if (left > 2) group |= bytes[i + 2];
        char text[4] = {digits[group >> 18], digits[group >> 12 & 63],
                        left > 1 ? digits[group >> 6 & 63] : '=', left > 2 ? digits[group & 63] : '='};
        buffer_add(out, text, sizeof text);
    }
}

// The value of a digit, or -1.
static int value_of(char digit) {
    const char *found = digit ? strchr(digits, digit) : NULL;
    return found ? (int)(found - digits) : -1;
}

// One group of four characters; only the last may be padded. How many bytes it gives, or -1.
static int decode_group(const char *text, bool last, unsigned char bytes[3]) {
    int padding = text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
    if (padding && !last) return -1;
    uint32_t group = 0;
    for (int i = 0; i < 4; i++) {
        int value = i < 4 - padding ? value_of(text[i]) : 0;
        if (value < 0) return -1;
        group = group << 6 | (uint32_t)value;
    }
    if (group & (padding == 1 ? 0xFFU : padding == 2 ? 0xFFFFU : 0)) return -1;
    for (int i = 0; i < 3; i++) bytes[i] = (unsigned char)(group >> (16 - 8 * i));
    return 3 - padding;
}

int base64_add_decoded(struct buffer *out, const char *text, size_t length) {
    size_t before = out->length;
    if (length % 4) return -1;
    for (size_t i = 0; i < length; i += 4) {
        unsigned char bytes[3];
        int count = decode_group(text + i, i + 4 == length, bytes);
        if (count < 0) {
            out->length = before;
            if (out->data) out->data[before] = 0;
            return -1;
        }
        buffer_add(out, bytes, (size_t)count);
    }
    return 0;
}
