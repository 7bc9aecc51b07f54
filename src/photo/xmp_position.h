// The position that an XMP packet holds: of a sidecar, or inside a picture.
#ifndef GLOBE_PHOTO_XMP_POSITION_H
#define GLOBE_PHOTO_XMP_POSITION_H

#include <stdbool.h>
#include <stddef.h>

// exif:GPSLatitude and exif:GPSLongitude as attributes or elements, "38,43.0140N" or "38,43,0.84N" (ISO
// 16684-2), or signed degrees "-9.14" as some programs write, both within range. False when they are missing or malformed, when both are 0 (unknown), and when
// the packet says that globe estimated them: a guess is no measurement. Looks for the two properties only, so
// a packet that is no whole XML will do; the bytes are not trusted.
bool xmp_position_read(const char *packet, size_t length, double *latitude, double *longitude);

// Whether a position is written there that xmp_position_read makes nothing of: no 0, 0 and no estimate, but
// malformed, out of range or only half.
bool xmp_position_is_unreadable(const char *packet, size_t length);

// The same from the sidecar of a photo: PHOTO.jpg.xmp, or PHOTO.xmp, or with .XMP. False as well when there is
// none, or it is no regular file or larger than 16 MiB. *unreadable (NULL is fine) becomes true when one holds
// a position that cannot be read, else it stays.
bool xmp_position_of_sidecar(const char *photo, double *latitude, double *longitude, bool *unreadable);

// Whether a GPSProcessingMethod, or a whole packet, is globe's own mark of an estimate.
bool xmp_position_is_estimate(const char *text, size_t length);

#endif
