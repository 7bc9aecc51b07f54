#include "photo/xmp_position.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"

enum { LARGEST_SIDECAR = 16 << 20, LONGEST_VALUE = 64 };

bool xmp_position_is_estimate(const char *text, size_t length) {
    // The namespace of the sidecars' own fields, and the method that goes along when tools copy a position.
    static const char space[] = "urn:globe:estimate", method[] = "globe: estimated";
    return memmem(text, length, space, sizeof space - 1) || memmem(text, length, method, sizeof method - 1);
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The value of prefix:NAME="value" or <prefix:NAME ...>value</...>; false when it is not there or too long.
static bool find_value(const char *packet, size_t length, const char *name, char value[LONGEST_VALUE + 1]) {
    const char *end = packet + length, *at = packet;
    size_t name_length = strlen(name);
    while ((at = memmem(at, (size_t)(end - at), name, name_length)) != NULL) {
        bool whole = at > packet && at[-1] == ':';
        at += name_length;
        while (at < end && is_space(*at)) at++;
        if (!whole || at == end || (*at != '=' && *at != '>')) continue;
        char stop = '<';
        if (*at++ == '=') {
            while (at < end && is_space(*at)) at++;
            if (at == end || (*at != '"' && *at != '\'')) continue;
            stop = *at++;
        }
        size_t used = 0;
        while (at + used < end && at[used] != stop && used < LONGEST_VALUE) used++;
        if (at + used == end || at[used] != stop) continue;
        memcpy(value, at, used);
        value[used] = 0;
        if (strlen(value) == used && used) return true;
    }
    return false;
}

// "D,M.mH" or "D,M,S.sH" with H one of the two hemispheres, or degrees alone with a sign for it.
static bool parse(const char *text, char positive, char negative, double limit, double *degrees) {
    static const double unit[3] = {1, 60, 3600};
    double sum = 0;
    int parts = 0;
    while (is_space(*text)) text++;
    char sign = *text == '-' || *text == '+' ? *text++ : 0;
    do {
        char number[LONGEST_VALUE + 1];
        size_t used = strspn(text, "0123456789."), point = strcspn(text, ".");
        if (used == 0 || parts == 3) return false;
        memcpy(number, text, used);
        number[used] = 0;
        // Not strtod, which reads the locale's decimal sign.
        double whole = 0, tenth = 1, value;
        for (size_t i = 0; i < used; i++) {
            if (number[i] == '.' && i != point) return false;
            if (number[i] == '.') continue;
            if (i > point) tenth /= 10;
            whole = i > point ? whole + tenth * (number[i] - '0') : 10 * whole + (number[i] - '0');
        }
        value = whole;
        if (parts > 0 && value > 60) return false;
        sum += value / unit[parts++];
        text += used;
    } while (*text == ',' && *++text);
    while (is_space(*text)) text++;
    char hemisphere = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
    if (!(sum <= limit)) return false;
    if (!hemisphere && parts == 1) {
        *degrees = sign == '-' ? -sum : sum;
        return true;
    }
    if (sign || (hemisphere != positive && hemisphere != negative)) return false;
    for (text++; is_space(*text);) text++;
    *degrees = hemisphere == negative ? -sum : sum;
    return !*text;
}

bool xmp_position_read(const char *packet, size_t length, double *latitude, double *longitude) {
    char value[LONGEST_VALUE + 1];
    double lat, lon;
    if (xmp_position_is_estimate(packet, length) || !find_value(packet, length, "GPSLatitude", value) ||
        !parse(value, 'N', 'S', 90, &lat) || !find_value(packet, length, "GPSLongitude", value) ||
        !parse(value, 'E', 'W', 180, &lon) || (lat == 0 && lon == 0))
        return false;
    *latitude = lat;
    *longitude = lon;
    return true;
}

bool xmp_position_is_unreadable(const char *packet, size_t length) {
    char value[LONGEST_VALUE + 1];
    double lat = 1, lon = 1;
    if (xmp_position_is_estimate(packet, length)) return false;
    bool north = find_value(packet, length, "GPSLatitude", value),
         read = north && parse(value, 'N', 'S', 90, &lat);
    bool east = find_value(packet, length, "GPSLongitude", value);
    read = east && parse(value, 'E', 'W', 180, &lon) && read;
    return (north || east) && !read;
}

static bool read_file(const char *path, double *latitude, double *longitude, bool *unreadable) {
    struct stat status;
    struct error ignored;
    size_t length;
    if (stat(path, &status) || !S_ISREG(status.st_mode)) return false; // a pipe would keep us waiting
    char *data = file_read(path, LARGEST_SIDECAR, &length, &ignored);
    bool found = data && xmp_position_read(data, length, latitude, longitude);
    if (data && !found && unreadable && xmp_position_is_unreadable(data, length)) *unreadable = true;
    free(data);
    return found;
}

bool xmp_position_of_sidecar(const char *photo, double *latitude, double *longitude, bool *unreadable) {
    static const char *const suffixes[] = {".xmp", ".XMP"};
    const char *slash = strrchr(photo, '/'), *name = slash ? slash + 1 : photo, *dot = strrchr(name, '.');
    size_t whole = strlen(photo), stem = dot && dot > name ? (size_t)(dot - photo) : whole;
    struct buffer path = {0};
    bool found = false;
    for (size_t i = 0; i < 4 && !found; i++) {
        if (i >= 2 && stem == whole) break;
        buffer_clear(&path);
        buffer_add(&path, photo, i < 2 ? whole : stem);
        buffer_add_text(&path, suffixes[i % 2]);
        found = !path.failed && read_file(path.data, latitude, longitude, unreadable);
    }
    buffer_free(&path);
    return found;
}
