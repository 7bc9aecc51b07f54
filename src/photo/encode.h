// Pixels become a JPEG or PNG again, with nothing in it but the picture: no EXIF, no position, no profile.
// What is sent to an endpoint is made here, never copied from the user's file.
#ifndef GLOBE_PHOTO_ENCODE_H
#define GLOBE_PHOTO_ENCODE_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/output.h"
#include "photo/image.h"

// Quality 1 to 100, else ERROR_USAGE. The result is added to `out`; ERROR_INPUT when the format cannot hold
// the picture (JPEG: sides up to 65,500). Thread-safe.
int photo_encode_jpeg(struct buffer *out, const struct image *image, int quality, struct error *error);
int photo_encode_png(struct buffer *out, const struct image *image, struct error *error);

// Draws an SVG that this program wrote (its loader is not made for those of strangers) as a PNG, `scale` pixels
// to a unit.
int photo_draw_svg(struct buffer *out, const struct buffer *svg, double scale, struct error *error);

// Appends a PNG with a note in it that it was made by globe, by which photo_png_kind knows it again: what is
// ours may be replaced.
void photo_add_marked_png(struct buffer *out, const void *png, size_t length);
extern const struct output_kind photo_png_kind;

// Writes PATH, all of it or nothing: a PNG when it ends in .png, a JPEG when it ends in .jpg or .jpeg (upper
// case too), else ERROR_USAGE. `quality` counts for JPEG only; a PNG is marked.
int photo_save(const struct image *image, const char *path, int quality, struct error *error);

#endif
