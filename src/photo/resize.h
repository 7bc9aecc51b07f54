// Sizes and resampling exactly as the reference: qwen_vl_utils' smart_resize and Pillow's bicubic
// (qwen2_5_vl.md sections 3.2, 3.3).
#ifndef GLOBE_PHOTO_RESIZE_H
#define GLOBE_PHOTO_RESIZE_H

#include <stddef.h>

#include "base/error.h"
#include "photo/image.h"

// Sides become multiples of factor (28), area within [min_pixels, max_pixels]. ERROR_INPUT when one side is
// more than 200 times the other, or a side is 0.
int photo_smart_resize(size_t height, size_t width, size_t factor, size_t min_pixels, size_t max_pixels,
                       size_t *out_height, size_t *out_width, struct error *error);

// Pillow's BICUBIC with antialias: along the rows first, then along the columns, with an 8-bit picture
// between; the same integers as Pillow up to 12. A same-size resize is a copy. *out is new; free it with
// image_free. ERROR_INPUT for an empty picture or size, ERROR_MEMORY.
int image_resize(struct image *out, const struct image *in, size_t width, size_t height, struct error *error);

#endif
