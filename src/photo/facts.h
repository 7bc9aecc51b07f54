// What a decoded file's metadata says. Private to the room.
#ifndef GLOBE_PHOTO_FACTS_H
#define GLOBE_PHOTO_FACTS_H

#include <vips/vips.h>

#include "photo/decode.h"

// Fills all of *facts but the format.
void facts_read(struct photo_facts *facts, VipsImage *source);

#endif
