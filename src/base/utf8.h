// UTF-8, character by character, with the Unicode standard's way of treating what is malformed: every maximal
// part that could begin a character, and every byte that could not, counts as one U+FFFD (Unicode 15, 3.9,
// "Substitution of Maximal Subparts"; the same as Python's and Rust's lossy decoding).
#ifndef GLOBE_BASE_UTF8_H
#define GLOBE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum {
    UTF8_INVALID = -1,    // malformed, whatever follows
    UTF8_INCOMPLETE = -2, // the text ends inside what may become a character
    UTF8_REPLACEMENT = 0xFFFD
};

// The character at text[0, length), length > 0: puts its code point, UTF8_INVALID or UTF8_INCOMPLETE into
// *code and returns how many bytes it takes (at least 1).
size_t utf8_decode(const char *text, size_t length, int32_t *code);
// Writes a code point (0 to 0x10FFFF, no surrogate) and returns its length, 1 to 4.
size_t utf8_encode(int32_t code, char out[4]);

bool utf8_is_valid(const char *text, size_t length);
// Appends the text with every malformed part replaced by U+FFFD.
void utf8_add_valid(struct buffer *buffer, const char *text, size_t length);

#endif
