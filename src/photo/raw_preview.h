// The picture that a camera raw file has in it for looking at: the largest JPEG that its directories name, which most
// cameras write at the sensor's full size (TIFF/EP; DNG 1.7; RAF). Private to the room.
#ifndef GLOBE_PHOTO_RAW_PREVIEW_H
#define GLOBE_PHOTO_RAW_PREVIEW_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

// With a longer side than this it may stand for the photo; smaller ones are thumbnails.
enum { RAW_PREVIEW_SIDE = 1000 };

struct raw_preview {
    size_t at, length;    // of the JPEG in the file; length 0: there is none
    size_t width, height; // as it is stored
    int orientation;      // of the raw file, EXIF 1..8; 0: not said
    size_t gps;           // where the directory with its position is; 0: none
};

// `data`: a file that tiff_look or formats_raw call raw. What its directories say is believed only where it lies within
// the file and is a JPEG that can be shown (8 bits, gray or colour; the lossless ones are the sensor's own).
struct raw_preview raw_preview_find(const uint8_t *data, size_t length);

// The JPEG as a file of its own, with the raw file's orientation and position in the place of its own EXIF, if the raw
// file has any. Appends; out->failed when memory runs out.
void raw_preview_extract(const uint8_t *data, size_t length, const struct raw_preview *preview,
                         struct buffer *out);

#endif
