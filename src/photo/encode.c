#include "photo/encode.h"

#include <string.h>
#include <strings.h>

#include "base/file.h"

// A text chunk "Software: globe" (PNG, 11.3.4.3), with its length and check sum; it stands after the header.
static const unsigned char mark[] = {0x00, 0x00, 0x00, 0x0E, 't', 'E', 'X', 't', 'S', 'o',  'f',  't',  'w',
                                     'a',  'r',  'e',  0x00, 'g', 'l', 'o', 'b', 'e', 0xDB, 0x28, 0xE9, 0x8B};
enum { PNG_HEADER = 33 }; // signature and IHDR

void photo_add_marked_png(struct buffer *out, const void *png, size_t length) {
    size_t header = length < PNG_HEADER ? length : PNG_HEADER;
    buffer_add(out, png, header);
    buffer_add(out, mark, sizeof mark);
    buffer_add(out, (const char *)png + header, length - header);
}

static bool is_marked(const char *start, size_t length) {
    return length >= PNG_HEADER + sizeof mark && memcmp(start, "\x89PNG", 4) == 0 &&
           memcmp(start + PNG_HEADER, mark, sizeof mark) == 0;
}

const struct output_kind photo_png_kind = {"a picture made by globe", is_marked};

static int ends_in(const char *path, const char *ending) {
    size_t length = strlen(path), wanted = strlen(ending);
    return length > wanted && strcasecmp(path + length - wanted, ending) == 0;
}

int photo_save(const struct image *image, const char *path, int quality, struct error *error) {
    struct buffer buffer = {0}, png = {0};
    int result;
    if (ends_in(path, ".png")) {
        result = photo_encode_png(&png, image, error);
        if (result == 0) photo_add_marked_png(&buffer, png.data, png.length);
        if (result == 0 && buffer.failed) result = error_set(error, ERROR_MEMORY, "PNG: not enough memory");
        buffer_free(&png);
    } else if (ends_in(path, ".jpg") || ends_in(path, ".jpeg"))
        result = photo_encode_jpeg(&buffer, image, quality, error);
    else
        return error_set(error, ERROR_USAGE, "%s: a picture's name must end in .png, .jpg or .jpeg", path);
    if (result)
        error_prefix(error, "%s", path);
    else
        result = file_write(path, buffer.data, buffer.length, error);
    buffer_free(&buffer);
    return result;
}
