// SHA-256 (FIPS 180-4), in hexadecimal, through libcrypto: it uses the processor's own instructions.
#ifndef GLOBE_BASE_HASH_H
#define GLOBE_BASE_HASH_H

#include <stddef.h>

#include "base/error.h"

enum { HASH_TEXT = 65 }; // 64 digits and NUL

struct hash;
struct hash *hash_new(struct error *error);
void hash_add(struct hash *hash, const void *data, size_t length); // a failure is told by hash_end
// Frees the hash. NULL in, or anything failed before: -1, text is "".
int hash_end(struct hash *hash, char text[HASH_TEXT], struct error *error);

int hash_bytes(const void *data, size_t length, char text[HASH_TEXT], struct error *error);
int hash_file(const char *path, char text[HASH_TEXT], struct error *error); // a regular file

#endif
