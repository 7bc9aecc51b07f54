// A file or buffer becomes RGB pixels, through libvips with its untrusted loaders blocked. JPEG, PNG, WebP,
// HEIC, AVIF, JPEG XL, JPEG 2000, TIFF and GIF, told by their content; of several pages or frames the first.
// Of camera raw files the JPEG in them is taken (photo/raw_preview.h), never a thumbnail, and that is told.
#ifndef GLOBE_PHOTO_DECODE_H
#define GLOBE_PHOTO_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "photo/image.h"

// What to do with transparency (qwen2_5_vl.md section 3.1).
enum photo_alpha {
    PHOTO_ALPHA_DROP,      // convert("RGB"): the colour under it (ms-swift, which trained GLOBE)
    PHOTO_ALPHA_OVER_WHITE // RGBA is composited on white, all else dropped (qwen_vl_utils)
};

struct photo_options {
    bool ignore_orientation; // --compat: EXIF orientation is not applied, as in the reference (which too gets
                             // HEIC, AVIF and TIFF upright)
    bool as_pillow; // --compat: as Pillow reads files also where that is odd: 16-bit gray is clipped at 255
                    // instead of scaled, and of a TIFF the first page is taken even if it is a thumbnail
    enum photo_alpha alpha;
    size_t max_pixels_in; // larger pictures are refused before decoding; 0: 400 megapixels, and 204 where the
                          // decoder needs the whole picture at once (progressive JPEG, interlaced PNG, and
                          // all formats but JPEG, PNG and TIFF)
    // For small pictures of large photos: a JPEG may come at a half, a quarter or an eighth of its size, many
    // times as fast, but with its longer side no shorter than this; 0: as it is.
    size_t least_side;
    // A JPEG, PNG or TIFF that was cut short: what is there of it, the rest black or gray, instead of ERROR_INPUT.
    bool allow_truncated;
    bool quiet; // no warnings on the log of what was taken for the photo: told already
};

// What the file says of itself. Never shown to a model.
struct photo_facts {
    // EXIF GPS, else that of an XMP packet inside the file: complete and within range. 0, 0 counts as unknown,
    // and what globe estimated (somebody copied it into the photo) as not measured.
    bool has_position;
    double latitude, longitude; // degrees, WGS-84
    bool unreadable_position;   // one is written there, but malformed, out of range or without hemisphere
    int orientation; // EXIF 1..8, 1 when absent; always 1 for HEIC and AVIF, which turn by a rule of their
                     // own
    size_t stored_width, stored_height; // before orientation is applied
    size_t shrink; // 1; more for pictures over 100 megapixels: so many pixels along each side are averaged
                   // into one while they are read, and the picture's sides are stored sides / shrink
    const char *format; // "jpeg", "png", "webp", "heic", "avif", "jxl", "jp2", "tiff", "gif" (static)
    const char *
        preview_of; // "NEF": the pixels are of the JPEG in a raw file of that kind (static); NULL: they are not
    bool truncated; // some of the pixels are missing (allow_truncated)
};

// *image is new; free it with image_free. options and facts may be NULL. ERROR_INPUT when the file is
// missing, broken or cut short, ERROR_LIMIT when it has too many pixels or 2 GB and more, each with the
// file's name. A JPEG that lacks nothing but its end marker is decoded, with a warning on the log.
// Thread-safe. photo_decode_file takes what photo/source.h takes: a path, a file:// or a data: URL.
int photo_decode_file(struct image *image, const char *path, const struct photo_options *options,
                      struct photo_facts *facts, struct error *error);
int photo_decode_buffer(struct image *image, const void *data, size_t length, const char *name,
                        const struct photo_options *options, struct photo_facts *facts, struct error *error);
// Only the facts, from the head of the file: no pixel is decoded, so a broken picture may pass.
int photo_measure_buffer(const void *data, size_t length, const char *name, struct photo_facts *facts,
                         struct error *error);

// Whether a file's name ends like a picture's, camera raw files and others that are refused included.
bool photo_has_picture_ending(const char *name);

#endif
