// The colour that transparent pixels of a GIF's first frame have in its palette, which libvips does not tell
// (GIF89a sections 18 to 23). Private to the room.
#ifndef GLOBE_PHOTO_GIF_H
#define GLOBE_PHOTO_GIF_H

#include <stddef.h>
#include <stdint.h>

// As Pillow has it: the palette's entry of the transparent index, else its first. White without a palette.
void gif_hidden_colour(const uint8_t *data, size_t length, uint8_t rgb[3]);

#endif
