// What the directories of a TIFF file say before libvips reads it: whether the picture that libvips would
// take is the photo at all, and whether its values are colours (TIFF 6.0; TIFF/EP; DNG 1.7). Private to the
// room.
#ifndef GLOBE_PHOTO_TIFF_H
#define GLOBE_PHOTO_TIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tiff_look {
    const char *raw;     // the kind of camera raw file it is ("DNG", "NEF", ..., "raw"), or NULL
    const char *refused; // what is in it that is not read ("CIELab colours"), or NULL
    int page;            // the directory that holds the photo: the first that is no reduced copy or mask
    bool ycbcr;          // its values are Y, Cb, Cr (CCIR 601, all of 0 to 255), which libvips takes for RGB
};

// Broken files give what can be found: libvips says what is wrong with them.
struct tiff_look tiff_look(const uint8_t *data, size_t length);

#endif
