#include "photo/source.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/memory.h"

static bool starts(const char *text, const char *prefix) {
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

bool photo_source_is_url(const char *reference) {
    return starts(reference, "file://") || starts(reference, "data:") || starts(reference, "http://") ||
           starts(reference, "https://") || starts(reference, "ftp://") || starts(reference, "s3://") ||
           starts(reference, "gs://") || starts(reference, "oss://");
}

// ---- file: ----------------------------------------------------------------------------------------------

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

char *photo_source_path(const char *url, struct error *error) {
    const char *rest = url + strlen("file://");
    if (starts(rest, "localhost/")) rest += strlen("localhost");
    char *path = memory_copy_string(rest, strlen(rest), error), *to = path;
    if (!path) return NULL;
    // qwen_vl_utils takes the rest as it is: a file of just that name goes first.
    if (file_exists(path)) return path;
    for (const char *from = rest; *from; to++) {
        int high = from[0] == '%' ? hex_digit(from[1]) : -1, low = high >= 0 ? hex_digit(from[2]) : -1;
        if (low >= 0 && high + low == 0) {
            error_set(error, ERROR_INPUT, "%s: the URL holds a NUL character", url);
            free(path);
            return NULL;
        }
        *to = low >= 0 ? (char)(high * 16 + low) : *from;
        from += low >= 0 ? 3 : 1;
    }
    *to = 0;
    return path;
}

char *photo_source_identity(const char *reference, struct error *error) {
    if (!starts(reference, "file://"))
        return photo_source_is_url(reference) ? memory_copy_string(reference, strlen(reference), error)
                                              : file_identity(reference, error);
    struct error ignored;
    char *path = photo_source_path(reference, &ignored);
    char *identity =
        path ? file_identity(path, error) : memory_copy_string(reference, strlen(reference), error);
    free(path);
    return identity;
}

// ---- data: ----------------------------------------------------------------------------------------------

static int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62; // and the alphabet for URLs
    if (c == '/' || c == '_') return 63;
    return -1;
}

// Digits in groups of four into `to`, white space between them allowed; -1 for anything else.
static int decode_base64(const char *text, char *to, size_t *length) {
    uint32_t bits = 0;
    size_t digits = 0, padding = 0, out = 0;
    for (; *text; text++) {
        if (strchr(" \t\r\n", *text)) continue;
        int digit = base64_digit(*text);
        if (*text == '=') {
            padding++;
            continue;
        }
        if (digit < 0 || padding) return -1;
        bits = bits << 6 | (uint32_t)digit;
        if (++digits % 4) continue;
        to[out++] = (char)(bits >> 16 & 255);
        to[out++] = (char)(bits >> 8 & 255);
        to[out++] = (char)(bits & 255);
    }
    if (digits % 4 == 1 || padding > 2) return -1;
    if (digits % 4 == 2) to[out++] = (char)(bits >> 4 & 255);
    if (digits % 4 == 3) {
        to[out++] = (char)(bits >> 10 & 255);
        to[out++] = (char)(bits >> 2 & 255);
    }
    *length = out;
    return 0;
}

static int open_data(struct photo_source *source, const char *url, struct error *error) {
    char name[96];
    const char *comma = strchr(url, ',');
    size_t head = comma ? (size_t)(comma - url) : strlen(url);
    snprintf(name, sizeof name, "%.*s,... (%zu characters)", (int)(head < 48 ? head : 48), url, strlen(url));
    source->name = memory_copy_string(name, strlen(name), error);
    if (!source->name) return -1;
    if (!comma || head < strlen("base64") || strncasecmp(comma - strlen("base64"), "base64", 6) != 0)
        return error_set(error, ERROR_INPUT, "%s: a data: URL without \";base64,\"", name);
    source->data = memory_new(strlen(comma) + 4, 1, "data: URL", error);
    if (!source->data) return -1;
    if (decode_base64(comma + 1, source->data, &source->length))
        return error_set(error, ERROR_INPUT, "%s: the data is not base64", name);
    return 0;
}

// ---- all ------------------------------------------------------------------------------------------------

static int open_path(struct photo_source *source, const char *reference, const char *folder, size_t limit,
                     struct error *error) {
    char *path = starts(reference, "file://") ? photo_source_path(reference, error)
                                              : memory_copy_string(reference, strlen(reference), error);
    if (!path) return -1;
    source->name = folder ? file_join(folder, path, error) : path;
    if (folder) free(path);
    if (source->name) source->data = file_read(source->name, limit, &source->length, error);
    return source->data ? 0 : -1;
}

int photo_source_open(struct photo_source *source, const char *reference, const char *folder, size_t limit,
                      struct error *error) {
    int result;
    *source = (struct photo_source){0};
    if (starts(reference, "data:"))
        result = open_data(source, reference, error);
    else if (photo_source_is_url(reference) && !starts(reference, "file://"))
        result = error_set(error, ERROR_INPUT,
                           "%s: pictures are not fetched from the network: download it and give its path",
                           reference);
    else
        result = open_path(source, reference, folder, limit, error);
    if (result) photo_source_close(source);
    return result;
}

void photo_source_close(struct photo_source *source) {
    free(source->data);
    free(source->name);
    *source = (struct photo_source){0};
}
