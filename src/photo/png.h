// PNG files that were cut short. Private to the room.
#ifndef GLOBE_PHOTO_PNG_H
#define GLOBE_PHOTO_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

// Appends the file with its last chunk, which is not whole, ended where the data ends: decoders take a chunk whole or not
// at all, and many files have but one. The compressed data in it stays cut short. out->failed when memory runs out.
void png_end_last_chunk(const uint8_t *data, size_t length, struct buffer *out);

#endif
