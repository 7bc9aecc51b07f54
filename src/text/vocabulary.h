// The tokens of a byte-level BPE: id -> bytes, and while a file is read bytes -> id.
#ifndef GLOBE_TEXT_VOCABULARY_H
#define GLOBE_TEXT_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum {
    VOCABULARY_MAX_ID = 16 * 1000 * 1000, // ids go up to this; real vocabularies stay below 300 000
};

enum token_kind {
    TOKEN_ABSENT,  // no such id
    TOKEN_REGULAR, // in the model's vocabulary: reached by merging bytes
    TOKEN_ADDED,   // an added token: reached only by its literal text
    TOKEN_SPECIAL, // likewise, and dropped from decoded text on request
};

struct token {
    uint32_t start, length; // its bytes within vocabulary.bytes
    enum token_kind kind;
};

struct vocabulary {
    struct token *tokens; // [size], by id
    size_t size;          // highest id + 1
    struct buffer bytes;
    int32_t byte_ids[256]; // the token of each single byte, -1 while there is none
    // Open addressing over the regular tokens' bytes, needed only to read merges.
    int32_t *slots;
    size_t slot_count; // a power of two
};

// Room for ids 0 to size - 1, `regular` of them regular.
int vocabulary_start(struct vocabulary *vocabulary, size_t size, size_t regular, struct error *error);
// ERROR_MODEL when the id is taken. `name` stands in messages.
int vocabulary_add(struct vocabulary *vocabulary, int32_t id, const char *bytes, size_t length,
                   enum token_kind kind, const char *name, struct error *error);
int32_t vocabulary_find(const struct vocabulary *vocabulary, const char *bytes,
                        size_t length);                // regular, or -1
void vocabulary_finish(struct vocabulary *vocabulary); // gives the index back
void vocabulary_free(struct vocabulary *vocabulary);

// A token as files spell it (bytes as the printable characters of GPT-2's byte-to-unicode table) to its
// bytes, which are never more than the spelling's. Returns their number, or -1 when a character stands for no
// byte.
ptrdiff_t vocabulary_unspell(const char *spelling, size_t length, char *bytes);
// The other way round: appends the spelling of bytes[0, length).
void vocabulary_spell(struct buffer *spelling, const char *bytes, size_t length);

#endif
