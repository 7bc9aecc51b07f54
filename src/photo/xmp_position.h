// The position that an XMP packet holds: of a sidecar, or inside a picture.
#ifndef GLOBE_PHOTO_XMP_POSITION_H
#define GLOBE_PHOTO_XMP_POSITION_H

#include <stdbool.h>
#include <stddef.h>

// exif:GPSLatitude and exif:GPSLongitude as attributes or elements, "38,43.0140N" or "38,43,0.84N" (ISO
// 16684-2), both within range. False when they are missing or malformed, when both are 0 (unknown), and when
// the packet says that globe estimated them: a guess is no measurement. Looks for the two properties only, so
// a packet that is no whole XML will do; the bytes are not trusted.
bool xmp_position_read(const char *packet, size_t length, double *latitude, double *longitude);

// The same from the sidecar of a photo: PHOTO.jpg.xmp, or PHOTO.xmp. False as well when there is none, or it
// is no regular file or larger than 16 MiB.
bool xmp_position_of_sidecar(const char *photo, double *latitude, double *longitude);

// Whether a GPSProcessingMethod, or a whole packet, is globe's own mark of an estimate.
bool xmp_position_is_estimate(const char *text, size_t length);

#endif
