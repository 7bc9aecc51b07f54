// Unicode normalisation form C, in time linear in the text whatever its combining marks.
#ifndef GLOBE_TEXT_NFC_H
#define GLOBE_TEXT_NFC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

// True when a quick look shows that text[0, length), valid UTF-8, is in NFC already; false says nothing.
bool nfc_is_certain(const char *text, size_t length);
// Appends the NFC form of valid UTF-8.
int nfc_add(struct buffer *buffer, const char *text, size_t length, struct error *error);

#endif
