// Pictures by their names, whatever decodes them.
#include "photo/decode.h"
#include "photo/source.h"

enum { LARGEST_FILE = 2147483647 }; // bytes

int photo_decode_file(struct image *image, const char *path, const struct photo_options *options,
                      struct photo_facts *facts, struct error *error) {
    struct photo_source source;
    *image = (struct image){0};
    if (photo_source_open(&source, path, NULL, LARGEST_FILE, error)) return -1;
    int result = photo_decode_buffer(image, source.data, source.length, source.name, options, facts, error);
    photo_source_close(&source);
    return result;
}
