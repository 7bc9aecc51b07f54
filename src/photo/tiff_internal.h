// The directories of a TIFF file, of which every length is checked. Only for src/photo/.
#ifndef GLOBE_PHOTO_TIFF_INTERNAL_H
#define GLOBE_PHOTO_TIFF_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIFF_MAX_ENTRIES = 4096, TIFF_MAX_DIRECTORIES = 64 };

struct tiff_file {
    const uint8_t *data;
    size_t length;
    bool big_endian, big; // big: 8-byte offsets
};

// Entries of one directory: where they are, and how many.
struct tiff_directory {
    size_t at;
    size_t count;
    uint64_t next; // offset of the directory after it, 0 for none
};

// What the header says; *first is the offset of the first directory. False for less than 16 bytes.
bool tiff_open(struct tiff_file *file, const uint8_t *data, size_t length, uint64_t *first);
// The whole number of `bytes` bytes there; 0 outside the file.
uint64_t tiff_number(const struct tiff_file *file, size_t at, size_t bytes);
bool tiff_open_directory(const struct tiff_file *file, uint64_t offset, struct tiff_directory *directory);
// Where the values of a tag are; their number and size. False when the directory has no such tag.
bool tiff_find_tag(const struct tiff_file *file, const struct tiff_directory *directory, unsigned tag,
                   size_t *at, size_t *count, size_t *size);
// The value of a tag of whole numbers, or the fallback.
uint64_t tiff_value(const struct tiff_file *file, const struct tiff_directory *directory, unsigned tag,
                    size_t index, uint64_t fallback);

#endif
