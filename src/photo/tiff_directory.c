#include "photo/tiff_internal.h"

bool tiff_open(struct tiff_file *file, const uint8_t *data, size_t length, uint64_t *first) {
    *file = (struct tiff_file){.data = data, .length = length};
    if (length < 16) return false;
    file->big_endian = data[0] == 'M';
    file->big = tiff_number(file, 2, 2) == 43;
    *first = file->big ? tiff_number(file, 8, 8) : tiff_number(file, 4, 4);
    return true;
}

uint64_t tiff_number(const struct tiff_file *file, size_t at, size_t bytes) {
    uint64_t value = 0;
    if (at > file->length || file->length - at < bytes) return 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | file->data[at + (file->big_endian ? i : bytes - 1 - i)];
    return value;
}

bool tiff_open_directory(const struct tiff_file *file, uint64_t offset, struct tiff_directory *directory) {
    size_t head = file->big ? 8 : 2, entry = file->big ? 20 : 12, link = file->big ? 8 : 4;
    if (offset < 8 || offset >= file->length || file->length - offset < head) return false;
    uint64_t count = tiff_number(file, (size_t)offset, head);
    if (count == 0 || count > TIFF_MAX_ENTRIES) return false;
    directory->at = (size_t)offset + head;
    directory->count = (size_t)count;
    if ((file->length - directory->at) / entry < count) return false;
    directory->next = tiff_number(file, directory->at + directory->count * entry, link);
    return true;
}

static size_t type_size(uint64_t type) {
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    return type < sizeof sizes ? sizes[type] : 0;
}

bool tiff_find_tag(const struct tiff_file *file, const struct tiff_directory *directory, unsigned tag,
                   size_t *at, size_t *count, size_t *size) {
    size_t step = file->big ? 20 : 12, field = file->big ? 8 : 4;
    for (size_t i = 0; i < directory->count; i++) {
        size_t entry = directory->at + i * step;
        if (tiff_number(file, entry, 2) != tag) continue;
        uint64_t values = tiff_number(file, entry + 4, field);
        *size = type_size(tiff_number(file, entry + 2, 2));
        if (*size == 0 || values == 0 || values > file->length / *size) return false;
        *count = (size_t)values;
        *at = entry + 4 + field;
        if (*count * *size > field) *at = (size_t)tiff_number(file, *at, field);
        return *at <= file->length && file->length - *at >= *count * *size;
    }
    return false;
}

uint64_t tiff_value(const struct tiff_file *file, const struct tiff_directory *directory, unsigned tag,
                    size_t index, uint64_t fallback) {
    size_t at, count, size;
    if (!tiff_find_tag(file, directory, tag, &at, &count, &size) || index >= count) return fallback;
    return tiff_number(file, at + index * size, size);
}
