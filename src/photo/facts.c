#include "photo/facts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "photo/xmp_position.h"

// libvips gives an EXIF field as text: its values, then a description in brackets, such as
// "43/1 28/1 281/100 (43, 28, 2.81, Rational, 3 components, 24 bytes)".
static const char *exif_text(VipsImage *source, const char *name) {
    const char *text;
    if (!vips_image_get_typeof(source, name) || vips_image_get_string(source, name, &text)) return "";
    return text;
}

// "A/B", a non-negative number; the end of it in *end. False when it is no number at all.
static bool parse_rational(const char *text, char **end, double *value) {
    double above = strtod(text, end);
    if (*end == text || **end != '/') return false;
    const char *denominator = *end + 1;
    double below = strtod(denominator, end);
    if (*end == denominator || !(below > 0) || !(above >= 0)) return false;
    *value = above / below;
    return isfinite(*value);
}

// Degrees, minutes and seconds, of which trailing ones may be missing. 0/0 is how cameras without a fix write
// a position, except that some write 0/0 seconds after good degrees and minutes.
static bool parse_angle(const char *text, double *degrees) {
    static const double unit[3] = {1, 60, 3600};
    *degrees = 0;
    for (int i = 0; i < 3; i++) {
        char *end;
        double value;
        while (*text == ' ') text++;
        if (i > 0 && (*text == '(' || !*text)) return true;
        if (!parse_rational(text, &end, &value)) return i == 2 && strncmp(text, "0/0", 3) == 0;
        if (i > 0 && value > 60) return false; // no minutes or seconds, so what are the degrees?
        *degrees += value / unit[i];
        text = end;
    }
    return true;
}

// One coordinate with its reference letter ("N" or "S", "E" or "W").
static bool read_coordinate(VipsImage *source, const char *name, const char *reference_name, char positive,
                            char negative, double limit, double *degrees) {
    char reference = exif_text(source, reference_name)[0];
    if (reference != positive && reference != negative) return false;
    if (!parse_angle(exif_text(source, name), degrees) || *degrees > limit) return false;
    if (reference == negative) *degrees = -*degrees;
    return true;
}

// EXIF into which somebody copied what globe had estimated.
static bool is_estimated(VipsImage *source) {
    const char *method = exif_text(source, "exif-ifd3-GPSProcessingMethod");
    return xmp_position_is_estimate(method, strlen(method));
}

static bool read_exif_position(VipsImage *source, double *latitude, double *longitude) {
    bool found = read_coordinate(source, "exif-ifd3-GPSLatitude", "exif-ifd3-GPSLatitudeRef", 'N', 'S', 90,
                                 latitude) &&
                 read_coordinate(source, "exif-ifd3-GPSLongitude", "exif-ifd3-GPSLongitudeRef", 'E', 'W', 180,
                                 longitude);
    // 0, 0 is what some cameras write for "unknown"; nobody photographs that spot of the Gulf of Guinea.
    return found && (*latitude != 0 || *longitude != 0) && !is_estimated(source);
}

// Something is written there, and it is no "unknown": neither 0, 0 nor 0/0.
static bool is_unreadable(VipsImage *source) {
    double latitude = 0, longitude = 0;
    const char *north = exif_text(source, "exif-ifd3-GPSLatitude"),
               *east = exif_text(source, "exif-ifd3-GPSLongitude");
    const void *packet;
    size_t length;
    bool read = parse_angle(north, &latitude) && parse_angle(east, &longitude);
    bool unknown = strncmp(north, "0/0", 3) == 0 || (read && latitude == 0 && longitude == 0);
    if ((*north || *east) && !unknown && !is_estimated(source)) return true;
    return vips_image_get_typeof(source, VIPS_META_XMP_NAME) &&
           !vips_image_get_blob(source, VIPS_META_XMP_NAME, &packet, &length) &&
           xmp_position_is_unreadable(packet, length);
}

static bool read_xmp_position(VipsImage *source, double *latitude, double *longitude) {
    const void *packet;
    size_t length;
    return vips_image_get_typeof(source, VIPS_META_XMP_NAME) &&
           !vips_image_get_blob(source, VIPS_META_XMP_NAME, &packet, &length) &&
           xmp_position_read(packet, length, latitude, longitude);
}

void facts_read(struct photo_facts *facts, VipsImage *source) {
    facts->stored_width = (size_t)vips_image_get_width(source);
    facts->stored_height = (size_t)vips_image_get_height(source);
    facts->orientation = vips_image_get_orientation(source); // 1 when absent or out of range
    double latitude = 0, longitude = 0;
    facts->has_position =
        read_exif_position(source, &latitude, &longitude) || read_xmp_position(source, &latitude, &longitude);
    facts->unreadable_position = !facts->has_position && is_unreadable(source);
    facts->latitude = facts->has_position ? latitude : 0;
    facts->longitude = facts->has_position ? longitude : 0;
}
