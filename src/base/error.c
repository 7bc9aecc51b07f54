#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Length of the valid UTF-8 sequence at s, or 0.
static size_t utf8_length(const unsigned char *s) {
    size_t n = s[0] < 0x80                   ? 1
               : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
               : (s[0] & 0xF0) == 0xE0       ? 3
               : s[0] >= 0xF0 && s[0] < 0xF5 ? 4
                                             : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    return n;
}

// Messages quote outside data: keep them printable, on one line and whole characters only.
static void make_printable(char *text) {
    unsigned char *s = (unsigned char *)text;
    while (*s) {
        size_t n = utf8_length(s);
        if (n == 1 && (*s < 0x20 || *s == 0x7F)) {
            *s = *s == '\n' || *s == '\t' ? ' ' : '?';
        } else if (n == 2 && s[0] == 0xC2 && s[1] < 0xA0) { // C1 controls
            s[0] = s[1] = '?';
        } else if (n == 0) {
            *s = '?';
            n = 1;
        }
        s += n;
    }
}

int(error_set)(struct error *error, enum error_code code, const char *format, ...) {
    if (!error) return -1;
    error->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    make_printable(error->message);
    return -1;
}

int(error_prefix)(struct error *error, const char *format, ...) {
    if (!error) return -1;
    char prefix[256], old[sizeof error->message];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    memcpy(old, error->message, sizeof old);
    return error_set(error, error->code, "%s: %s", prefix, old);
}

int(error_set_errno)(struct error *error, const char *path, const char *what) {
    int number = errno;
    static const int of_the_path[] = {ENOENT, EISDIR,       ENOTDIR, EACCES, EPERM,
                                      ELOOP,  ENAMETOOLONG, EEXIST,  ENXIO};
    enum error_code code = ERROR_IO;
    for (size_t i = 0; i < sizeof of_the_path / sizeof *of_the_path; i++)
        if (number == of_the_path[i]) code = ERROR_INPUT;
    return error_set(error, code, "%s: %s: %s", path, what, strerror(number));
}
