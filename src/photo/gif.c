#include "photo/gif.h"

#include <stdbool.h>
#include <string.h>

// [size, 3] of a palette whose packed field is `packed`; 0 when there is none.
static size_t palette_size(uint8_t packed) {
    return packed & 0x80 ? (size_t)2 << (packed & 7) : 0;
}

// Past a chain of data blocks that starts at `at`.
static size_t skip_blocks(const uint8_t *data, size_t length, size_t at) {
    while (at < length && data[at]) at += (size_t)data[at] + 1;
    return at + 1;
}

void gif_hidden_colour(const uint8_t *data, size_t length, uint8_t rgb[3]) {
    enum { HEADER = 13, IMAGE = 10 };
    memset(rgb, 255, 3);
    if (length < HEADER) return;
    size_t at = HEADER, colours = palette_size(data[10]), index = 0;
    const uint8_t *palette = data + at;
    at += 3 * colours;
    while (at + 8 < length && data[at] == '!') {
        if (data[at + 1] == 0xF9 && data[at + 2] == 4 && data[at + 3] & 1) index = data[at + 6];
        at = skip_blocks(data, length, at + 2);
    }
    if (at + IMAGE <= length && data[at] == ',') {
        size_t own = palette_size(data[at + 9]);
        if (own) palette = data + at + IMAGE;
        if (own) colours = own;
    }
    size_t start = (size_t)(palette - data);
    if (index < colours && start + 3 * colours <= length) memcpy(rgb, palette + 3 * index, 3);
}
