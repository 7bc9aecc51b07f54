// Texts as Python sees them: the released reward and evaluation code is Python, and its answers are compared
// after str.strip() and str.lower().
#ifndef GLOBE_TEXT_UNICODE_H
#define GLOBE_TEXT_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

// A stretch of a text that somebody else keeps.
struct span {
    const char *start;
    size_t length;
};

bool unicode_is_space(
    int32_t code); // str.isspace(), which is also \s of Python's re: White_Space and U+001C to U+001F
bool unicode_is_letter(int32_t code); // any letter or number
bool unicode_is_symbol(int32_t code); // emoji, flags and their joiners: what decorates a text

// The first / last character of valid UTF-8, length > 0; *length becomes its bytes.
int32_t unicode_first(struct span text, size_t *length);
int32_t unicode_last(struct span text, size_t *length);

struct span unicode_strip(struct span text); // str.strip()
// Appends str.lower() of valid UTF-8 (full mapping: the two special cases are the capital sigma and U+0130).
void unicode_add_lower(struct buffer *buffer, struct span text);

#endif
