#include "photo/raw_preview.h"

#include <string.h>

#include "photo/tiff_internal.h"

enum {
    COMPRESSION = 259,
    STRIP_OFFSETS = 273,
    ORIENTATION = 274,
    STRIP_BYTES = 279,
    SUB_DIRECTORIES = 330,
    JPEG_OFFSET = 513,
    JPEG_BYTES = 514,
    PANASONIC_JPEG = 46,
    GPS_DIRECTORY = 34853,

    GPS_LATITUDE_REF = 1,
    GPS_LATITUDE = 2,
    GPS_LONGITUDE_REF = 3,
    GPS_LONGITUDE = 4,
    GPS_METHOD = 27,
    METHOD_BYTES = 64,

    ASCII = 2,
    SHORT = 3,
    LONG = 4,
    RATIONAL = 5,
    UNDEFINED = 7
};

// ---- finding it -----------------------------------------------------------------------------------------

static size_t big_endian(const uint8_t *data, size_t bytes) {
    size_t value = 0;
    for (size_t i = 0; i < bytes; i++) value = value << 8 | data[i];
    return value;
}

// The size of a JPEG that can be shown, from its frame; false for anything else.
static bool measure(const uint8_t *data, size_t length, size_t *width, size_t *height) {
    if (length < 4 || data[0] != 0xFF || data[1] != 0xD8) return false;
    for (size_t at = 2; length - at >= 4 && data[at] == 0xFF;) {
        uint8_t marker = data[at + 1];
        if (marker == 0xFF) { // a fill byte
            at++;
            continue;
        }
        size_t size = big_endian(data + at + 2, 2);
        if (marker < 0xC0 || size < 2 || length - at - 2 < size) return false;
        if (marker >= 0xC0 && marker <= 0xC2) { // baseline, extended, progressive
            if (size < 8 || data[at + 4] != 8) return false;
            *height = big_endian(data + at + 5, 2);
            *width = big_endian(data + at + 7, 2);
            return *width && *height && (data[at + 9] == 1 || data[at + 9] == 3);
        }
        bool other_frame =
            marker > 0xC2 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
        if (other_frame || marker == 0xD8 || marker == 0xD9 || marker == 0xDA) return false;
        at += 2 + size;
    }
    return false;
}

static void consider(struct raw_preview *best, const struct tiff_file *file, uint64_t at, uint64_t length) {
    size_t width, height;
    if (at >= file->length || length > file->length - at) return;
    if (!measure(file->data + at, (size_t)length, &width, &height)) return;
    if (best->length && width * height <= best->width * best->height) return;
    best->at = (size_t)at;
    best->length = (size_t)length;
    best->width = width;
    best->height = height;
}

static void look_into(struct raw_preview *best, const struct tiff_file *file,
                      const struct tiff_directory *directory) {
    size_t at, count, size;
    consider(best, file, tiff_value(file, directory, JPEG_OFFSET, 0, 0),
             tiff_value(file, directory, JPEG_BYTES, 0, 0));
    uint64_t compression = tiff_value(file, directory, COMPRESSION, 0, 1);
    bool jpeg = compression == 6 || compression == 7;
    if (jpeg && tiff_find_tag(file, directory, STRIP_OFFSETS, &at, &count, &size) && count == 1)
        consider(best, file, tiff_number(file, at, size), tiff_value(file, directory, STRIP_BYTES, 0, 0));
    if (tiff_find_tag(file, directory, PANASONIC_JPEG, &at, &count, &size) && size == 1)
        consider(best, file, at, count);
}

static void look_below(struct raw_preview *best, const struct tiff_file *file,
                       const struct tiff_directory *directory) {
    size_t at, count, size;
    struct tiff_directory below;
    if (!tiff_find_tag(file, directory, SUB_DIRECTORIES, &at, &count, &size)) return;
    for (size_t i = 0; i < count && i < TIFF_MAX_DIRECTORIES; i++)
        if (tiff_open_directory(file, tiff_number(file, at + i * size, size), &below))
            look_into(best, file, &below);
}

struct raw_preview raw_preview_find(const uint8_t *data, size_t length) {
    static const char fuji[] = "FUJIFILMCCD-RAW";
    enum { FUJI_JPEG = 84 };
    struct raw_preview best = {0};
    struct tiff_file file;
    struct tiff_directory directory;
    uint64_t offset;
    if (!tiff_open(&file, data, length, &offset)) return best;
    if (length >= FUJI_JPEG + 8 && memcmp(data, fuji, sizeof fuji - 1) == 0) {
        consider(&best, &file, big_endian(data + FUJI_JPEG, 4), big_endian(data + FUJI_JPEG + 4, 4));
        return best; // which has EXIF of its own
    }
    for (int i = 0; i < TIFF_MAX_DIRECTORIES && tiff_open_directory(&file, offset, &directory); i++) {
        if (i == 0) {
            uint64_t turned = tiff_value(&file, &directory, ORIENTATION, 0, 0);
            uint64_t gps = tiff_value(&file, &directory, GPS_DIRECTORY, 0, 0);
            best.orientation = turned >= 1 && turned <= 8 ? (int)turned : 0;
            best.gps = gps < length ? (size_t)gps : 0;
        }
        look_into(&best, &file, &directory);
        look_below(&best, &file, &directory);
        offset = directory.next;
    }
    return best;
}

// ---- EXIF for it ----------------------------------------------------------------------------------------

static void put(struct buffer *out, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) buffer_add(out, &(char){(char)(value >> 8 * i & 255)}, 1);
}

static void put_entry(struct buffer *out, unsigned tag, unsigned type, size_t count, uint64_t value) {
    put(out, tag, 2);
    put(out, type, 2);
    put(out, count, 4);
    put(out, value, 4);
}

// A directory with the position as the raw file has it. Its texts and numbers follow it; `at` is its own offset.
static void put_position(struct buffer *out, const struct tiff_file *file, const struct tiff_directory *gps,
                         size_t at) {
    static const unsigned tags[] = {GPS_LATITUDE_REF, GPS_LATITUDE, GPS_LONGITUDE_REF, GPS_LONGITUDE,
                                    GPS_METHOD};
    enum { TAGS = sizeof tags / sizeof *tags };
    size_t from[TAGS], count[TAGS], size[TAGS], number = 0, after;
    bool has[TAGS];
    for (size_t i = 0; i < TAGS; i++) {
        size_t wanted = i == 1 || i == 3 ? 8 : 1;
        has[i] = tiff_find_tag(file, gps, tags[i], &from[i], &count[i], &size[i]) && size[i] == wanted &&
                 (wanted == 1 || count[i] == 3);
        if (has[i] && wanted == 1 && count[i] > METHOD_BYTES) count[i] = METHOD_BYTES;
        number += has[i];
    }
    after = at + 2 + 12 * number + 4;
    put(out, number, 2);
    for (size_t i = 0; i < TAGS; i++) {
        if (!has[i]) continue;
        unsigned type = i == 1 || i == 3 ? RATIONAL : i == 4 ? UNDEFINED : ASCII;
        size_t bytes = count[i] * size[i];
        uint64_t letters = 0;
        if (bytes <= 4)
            for (size_t k = 0; k < bytes; k++) letters |= (uint64_t)file->data[from[i] + k] << 8 * k;
        put_entry(out, tags[i], type, count[i], bytes <= 4 ? letters : after);
        if (bytes > 4) after += bytes;
    }
    put(out, 0, 4);
    for (size_t i = 0; i < TAGS; i++) {
        if (!has[i] || count[i] * size[i] <= 4) continue;
        for (size_t k = 0; size[i] == 8 && k < 2 * count[i]; k++)
            put(out, tiff_number(file, from[i] + 4 * k, 4), 4);
        if (size[i] == 1) buffer_add(out, (const char *)file->data + from[i], count[i]);
    }
}

// An APP1 segment; empty when there is nothing to say.
static void make_exif(struct buffer *out, const struct tiff_file *file, const struct raw_preview *preview) {
    struct tiff_directory gps;
    struct buffer tiff = {0};
    bool has_gps = preview->gps && tiff_open_directory(file, preview->gps, &gps);
    size_t entries = (size_t)(preview->orientation != 0) + has_gps;
    if (entries == 0) return;
    buffer_add(&tiff, "II*\0\10\0\0\0", 8);
    put(&tiff, entries, 2);
    size_t below = 8 + 2 + 12 * entries + 4;
    if (preview->orientation) put_entry(&tiff, ORIENTATION, SHORT, 1, (uint64_t)preview->orientation);
    if (has_gps) put_entry(&tiff, GPS_DIRECTORY, LONG, 1, below);
    put(&tiff, 0, 4);
    if (has_gps) put_position(&tiff, file, &gps, below);
    size_t size = 2 + 6 + tiff.length;
    const char head[] = {(char)0xFF, (char)0xE1, (char)(size >> 8), (char)size, 'E', 'x', 'i', 'f', 0, 0};
    buffer_add(out, head, sizeof head);
    buffer_add(out, tiff.data, tiff.length);
    out->failed = out->failed || tiff.failed;
    buffer_free(&tiff);
}

void raw_preview_extract(const uint8_t *data, size_t length, const struct raw_preview *preview,
                         struct buffer *out) {
    struct tiff_file file;
    uint64_t first;
    const uint8_t *jpeg = data + preview->at;
    struct buffer exif = {0};
    if (!tiff_open(&file, data, length, &first)) return;
    make_exif(&exif, &file, preview);
    size_t at = 2;
    buffer_add(out, (const char *)jpeg, 2);
    buffer_add(out, exif.data ? exif.data : "", exif.length);
    // Its own EXIF goes where there is some of the raw file: a reader would take either.
    while (exif.length && preview->length - at >= 10 && jpeg[at] == 0xFF && jpeg[at + 1] >= 0xE0 &&
           jpeg[at + 1] <= 0xEF) {
        size_t size = 2 + big_endian(jpeg + at + 2, 2);
        if (size > preview->length - at) break;
        bool own = jpeg[at + 1] == 0xE1 && memcmp(jpeg + at + 4, "Exif", 5) == 0;
        if (!own) buffer_add(out, (const char *)jpeg + at, size);
        at += size;
    }
    buffer_add(out, (const char *)jpeg + at, preview->length - at);
    out->failed = out->failed || exif.failed;
    buffer_free(&exif);
}
