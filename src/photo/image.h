// Pixels: 8-bit RGB, interleaved, rows top to bottom.
#ifndef GLOBE_PHOTO_IMAGE_H
#define GLOBE_PHOTO_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct image {
    uint8_t *rgb; // [height, width, 3]
    size_t width;
    size_t height;
};

// Not zeroed. ERROR_INPUT when a side is 0, ERROR_MEMORY when it cannot be had; *image is then empty.
int image_new(struct image *image, size_t width, size_t height, struct error *error);
void image_free(struct image *image);

#endif
