// Byte-level BPE as in Qwen2.5's tokenizer.json: added tokens split out, NFC, the file's own regular
// expression, bytes mapped to printable characters, merges by rank (spec: qwen2_5_vl.md section 9).
#ifndef GLOBE_TEXT_TOKENIZER_H
#define GLOBE_TEXT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "text/ids.h"

struct tokenizer;

// FOLDER/tokenizer.json, else FOLDER/vocab.json + merges.txt (+ tokenizer_config.json for the added tokens),
// which are read with the rules of Qwen2Tokenizer. ERROR_MODEL on anything missing, malformed or that would
// make us tokenize otherwise than the reference (another model type, normalizer or pre-tokenizer,
// byte_fallback, dropout, lstrip ...). Immutable afterwards, so threads may share it.
struct tokenizer *tokenizer_open(const char *folder, struct error *error);
// The same from the text of a tokenizer.json; `name` stands in messages.
struct tokenizer *tokenizer_parse(const char *json, size_t length, const char *name, struct error *error);
void tokenizer_free(struct tokenizer *tokenizer);

size_t tokenizer_size(const struct tokenizer *tokenizer);                     // highest id + 1
int32_t tokenizer_find(const struct tokenizer *tokenizer, const char *token); // id of an added token, or -1
bool tokenizer_is_special(const struct tokenizer *tokenizer, int32_t id);     // added with special = true

// Appends the ids of text[0, length) (UTF-8; may hold NULs; invalid bytes are treated as U+FFFD). With
// parse_added false, the text of added tokens ("<|im_end|>" typed by a user) is encoded as ordinary text.
// ERROR_LIMIT when the file's expression backtracks without end, ERROR_MEMORY; on failure *ids is as before.
int tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t length, bool parse_added,
                     struct ids *ids, struct error *error);

// Appends the text of the ids; each maximal invalid UTF-8 part becomes one U+FFFD. Ids outside the vocabulary
// (padding rows of the embedding) give nothing.
void tokenizer_decode(const struct tokenizer *tokenizer, const int32_t *ids, size_t count, bool skip_special,
                      struct buffer *text);

// Streaming: bytes come out only as whole characters. Start from {0}.
struct tokenizer_stream {
    unsigned char pending[4]; // an incomplete UTF-8 sequence
    int count;
};
void tokenizer_stream_add(const struct tokenizer *tokenizer, struct tokenizer_stream *stream, int32_t id,
                          bool skip_special, struct buffer *text);
void tokenizer_stream_end(struct tokenizer_stream *stream,
                          struct buffer *text); // what is incomplete: one U+FFFD

// The raw bytes one token stands for (for log-prob listings); NULL with *length 0 for an unknown id.
const char *tokenizer_bytes(const struct tokenizer *tokenizer, int32_t id, size_t *length);

#endif
