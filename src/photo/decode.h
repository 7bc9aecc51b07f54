// A file or buffer becomes RGB pixels, through libvips with its untrusted loaders blocked.
#ifndef GLOBE_PHOTO_DECODE_H
#define GLOBE_PHOTO_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "photo/image.h"

// What to do with transparency (qwen2_5_vl.md section 3.1).
enum photo_alpha {
    PHOTO_ALPHA_DROP,      // convert("RGB"): the colour under it (ms-swift, which trained GLOBE)
    PHOTO_ALPHA_OVER_WHITE // composited on white (qwen_vl_utils)
};

struct photo_options {
    bool ignore_orientation; // --compat: EXIF orientation is not applied, as in the reference
    enum photo_alpha alpha;
    size_t max_pixels_in;    // larger pictures are refused before decoding; 0: 400 megapixels
};

// What the file says of itself. Never shown to a model.
struct photo_facts {
    bool has_position; // EXIF GPS
    double latitude, longitude; // degrees, WGS-84
    int orientation;   // EXIF 1..8, 1 when absent
    size_t stored_width, stored_height;
    const char *format; // "jpeg", "png", ... (static)
};

// ERROR_INPUT / ERROR_LIMIT with the file's name; facts may be NULL. Thread-safe.
int photo_decode_file(struct image *image, const char *path, const struct photo_options *options,
                      struct photo_facts *facts, struct error *error);
int photo_decode_buffer(struct image *image, const void *data, size_t length, const char *name,
                        const struct photo_options *options, struct photo_facts *facts, struct error *error);

#endif
