// Which picture formats there are, told by content. Private to the room, but for photo_has_picture_ending.
#ifndef GLOBE_PHOTO_FORMATS_H
#define GLOBE_PHOTO_FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vips/vips.h>

typedef int format_load(void *data, size_t length, VipsImage **out, ...);

// One that is decoded.
struct format {
    const char *name;  // in photo_facts
    const char *title; // in messages
    format_load *load;
    bool whole; // the decoder always keeps the whole picture in memory
};

// As formats_sniff gives them, for what is done for one of them only.
extern const struct format format_jpeg, format_png, format_webp, format_tiff, format_gif;

// The format of a file that is decoded, or NULL.
const struct format *formats_sniff(const uint8_t *data, size_t length);
// What a file is that is not decoded: "a BMP picture", "a web page"; NULL when nobody knows.
const char *formats_describe(const uint8_t *data, size_t length);
// "CR3", "RAF": the kind of camera raw file that is not built like a TIFF (those: tiff.h), or NULL.
const char *formats_raw(const uint8_t *data, size_t length);
// libvips holds some of the loaders to be untrusted; of those, the ones of the list are let in.
void formats_unblock(void);

#endif
