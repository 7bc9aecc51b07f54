#include "photo/image.h"

#include <stdlib.h>

#include "base/memory.h"

int image_new(struct image *image, size_t width, size_t height, struct error *error) {
    *image = (struct image){0};
    if (width == 0 || height == 0)
        return error_set(error, ERROR_INPUT, "an image of %zu x %zu pixels is empty", width, height);
    size_t pixels;
    if (!memory_multiply(width, height, &pixels))
        return error_set(error, ERROR_MEMORY, "an image of %zu x %zu pixels is too large", width, height);
    image->rgb = memory_new_aligned(pixels, 3, "image", error);
    if (!image->rgb) return -1;
    image->width = width;
    image->height = height;
    return 0;
}

void image_free(struct image *image) {
    free(image->rgb);
    *image = (struct image){0};
}
