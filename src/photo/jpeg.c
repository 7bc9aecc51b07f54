#include "photo/jpeg.h"

#include <string.h>

enum { MAX_COMPONENTS = 4, COEFFICIENTS = 64, UNSEEN = 255 };

struct walk {
    uint8_t ids[MAX_COMPONENTS];
    uint8_t bits[MAX_COMPONENTS][COEFFICIENTS]; // low bits that are still missing, UNSEEN: all
    size_t components;
};

static void read_frame(struct walk *walk, const uint8_t *segment, size_t length) {
    size_t components = length > 5 ? segment[5] : 0;
    if (components > MAX_COMPONENTS || length < 6 + 3 * components) return;
    walk->components = components;
    for (size_t i = 0; i < components; i++) walk->ids[i] = segment[6 + 3 * i];
    memset(walk->bits, UNSEEN, sizeof walk->bits);
}

static void read_scan(struct walk *walk, const uint8_t *segment, size_t length) {
    size_t components = length ? segment[0] : 0, tail = 1 + 2 * components;
    if (components > MAX_COMPONENTS || length < tail + 3) return;
    size_t first = segment[tail], last = segment[tail + 1];
    uint8_t missing = segment[tail + 2] & 15;
    for (size_t i = 0; i < components; i++)
        for (size_t c = 0; c < walk->components; c++)
            if (walk->ids[c] == segment[1 + 2 * i])
                for (size_t k = first; k <= last && k < COEFFICIENTS; k++) walk->bits[c][k] = missing;
}

static bool is_complete(const struct walk *walk) {
    for (size_t c = 0; c < walk->components; c++)
        for (size_t k = 0; k < COEFFICIENTS; k++)
            if (walk->bits[c][k]) return false;
    return walk->components > 0;
}

struct jpeg_look jpeg_look(const uint8_t *data, size_t length) {
    struct jpeg_look look = {0};
    struct walk walk = {0};
    size_t at = 2;
    while (at + 1 < length) {
        // To the next marker: past a scan's data, fill bytes and restart markers.
        if (data[at] != 0xFF || data[at + 1] == 0xFF || data[at + 1] == 0 ||
            (data[at + 1] >= 0xD0 && data[at + 1] <= 0xD7)) {
            at++;
            continue;
        }
        uint8_t marker = data[at + 1];
        at += 2;
        if (marker == 0xD9) {
            look.ended = true;
            break;
        }
        if (marker == 0xD8 || marker == 0x01) continue;
        if (length - at < 2) break;
        size_t size = (size_t)data[at] << 8 | data[at + 1];
        if (size < 2 || length - at < size) break;
        bool frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
        if (frame) {
            look.progressive = marker == 0xC2 || marker == 0xC6 || marker == 0xCA || marker == 0xCE;
            read_frame(&walk, data + at + 2, size - 2);
        }
        if (marker == 0xDA) read_scan(&walk, data + at + 2, size - 2);
        at += size;
    }
    look.all_scans = is_complete(&walk);
    return look;
}
