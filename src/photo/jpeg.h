// The markers of a JPEG file (ITU-T T.81 annex B). Private to the room.
#ifndef GLOBE_PHOTO_JPEG_H
#define GLOBE_PHOTO_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jpeg_look {
    bool progressive; // all of it is needed before the first row is known
    bool ended;       // it has an end marker
    bool all_scans; // every coefficient of every component is in some scan down to its last bit. Says nothing
                    // of the last scan's data, which may be cut
};

struct jpeg_look jpeg_look(const uint8_t *data, size_t length);

#endif
