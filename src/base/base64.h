// Base64 with the alphabet and padding of RFC 4648 section 4, in one line.
#ifndef GLOBE_BASE_BASE64_H
#define GLOBE_BASE_BASE64_H

#include "base/buffer.h"
#include "base/error.h"

void base64_add(struct buffer *out, const void *data, size_t length);
// Appends the bytes that the text stands for. -1, and nothing appended, when it is not exactly such a text:
// other characters, missing or misplaced padding, bits left over.
int base64_add_decoded(struct buffer *out, const char *text, size_t length);

#endif
