#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "text/nfc.h"
#include "text/tokenizer_internal.h"

enum { MAX_FILE = 128 * 1024 * 1024 };

// ---- opening --------------------------------------------------------------------------------------------

// A broken file of a checkpoint is the checkpoint's fault, whoever noticed.
static struct tokenizer *blame_model(struct tokenizer *tokenizer, struct error *error) {
    if (!tokenizer && error && error->code == ERROR_INPUT) error->code = ERROR_MODEL;
    return tokenizer;
}

static struct tokenizer *build_from(json_t *root, const char *name, struct error *error) {
    struct tokenizer *tokenizer = root ? tokenizer_build(root, name, error) : NULL;
    json_decref(root);
    return blame_model(tokenizer, error);
}

struct tokenizer *tokenizer_parse(const char *json, size_t length, const char *name, struct error *error) {
    return build_from(json_read_buffer(json, length, name, error), name, error);
}

static bool has_file(const char *folder, const char *name, struct error *error) {
    char *path = file_join(folder, name, error);
    bool there = path && file_exists(path);
    free(path);
    return there;
}

struct tokenizer *tokenizer_open(const char *folder, struct error *error) {
    if (has_file(folder, "tokenizer.json", error)) {
        char *path = file_join(folder, "tokenizer.json", error);
        struct tokenizer *tokenizer =
            path ? build_from(json_read_file(path, MAX_FILE, error), path, error) : NULL;
        free(path);
        return tokenizer;
    }
    if (has_file(folder, "vocab.json", error) && has_file(folder, "merges.txt", error))
        return build_from(tokenizer_gather(folder, error), folder, error);
    error_set(error, ERROR_MODEL, "%s: no tokenizer.json, and no vocab.json with merges.txt", folder);
    return NULL;
}

void tokenizer_free(struct tokenizer *tokenizer) {
    if (!tokenizer) return;
    vocabulary_free(&tokenizer->vocabulary);
    bpe_free(&tokenizer->bpe);
    split_rule_free(tokenizer->split);
    added_free(&tokenizer->raw);
    added_free(&tokenizer->normalized);
    free(tokenizer);
}

// ---- looking up -----------------------------------------------------------------------------------------

size_t tokenizer_size(const struct tokenizer *tokenizer) {
    return tokenizer->vocabulary.size;
}

int32_t tokenizer_find(const struct tokenizer *tokenizer, const char *token) {
    size_t length = strlen(token);
    int32_t id;
    if (length > 0 && added_match(&tokenizer->raw, token, length, &id) == length) return id;
    if (length > 0 && added_match(&tokenizer->normalized, token, length, &id) == length) return id;
    return -1;
}

static const struct token *get_token(const struct tokenizer *tokenizer, int32_t id) {
    if (id < 0 || (size_t)id >= tokenizer->vocabulary.size) return NULL;
    const struct token *token = &tokenizer->vocabulary.tokens[id];
    return token->kind == TOKEN_ABSENT ? NULL : token;
}

bool tokenizer_is_special(const struct tokenizer *tokenizer, int32_t id) {
    const struct token *token = get_token(tokenizer, id);
    return token && token->kind == TOKEN_SPECIAL;
}

const char *tokenizer_bytes(const struct tokenizer *tokenizer, int32_t id, size_t *length) {
    const struct token *token = get_token(tokenizer, id);
    *length = token ? token->length : 0;
    return token ? tokenizer->vocabulary.bytes.data + token->start : NULL;
}

// ---- encoding -------------------------------------------------------------------------------------------

// One call of tokenizer_encode: what must not be shared between threads.
struct encoding {
    const struct tokenizer *tokenizer;
    struct split split;
    struct bpe_work work;
    struct buffer normal; // a piece in NFC
    bool parse_added;
    struct ids *ids;
    struct error *error;
};

static int encode_plain(struct encoding *encoding, const char *text, size_t length) {
    const char *piece;
    size_t piece_length;
    int more;
    split_text(&encoding->split, text, length);
    while ((more = split_next(&encoding->split, &piece, &piece_length, encoding->error)) > 0)
        if (bpe_encode(&encoding->tokenizer->bpe, &encoding->work, piece, piece_length, encoding->ids,
                       encoding->error))
            return -1;
    return more;
}

// Walks over the text, adds the ids of the added tokens it finds and hands what lies between them to `rest`.
static int encode_around(struct encoding *encoding, const struct added *added, const char *text,
                         size_t length, int (*rest)(struct encoding *, const char *, size_t)) {
    while (length > 0) {
        size_t match = 0, before = length;
        int32_t id = -1;
        if (encoding->parse_added) before = added_search(added, text, length, &match, &id);
        if (before > 0 && rest(encoding, text, before)) return -1;
        if (match > 0 && ids_add(encoding->ids, id, encoding->error)) return -1;
        text += before + match;
        length -= before + match;
    }
    return 0;
}

static int encode_normalized(struct encoding *encoding, const char *text, size_t length) {
    if (encoding->tokenizer->nfc && !nfc_is_certain(text, length)) {
        buffer_clear(&encoding->normal);
        if (nfc_add(&encoding->normal, text, length, encoding->error)) return -1;
        text = encoding->normal.data;
        length = encoding->normal.length;
    }
    return encode_around(encoding, &encoding->tokenizer->normalized, text, length, encode_plain);
}

static int encode_valid(struct encoding *encoding, const char *text, size_t length) {
    if (split_open(&encoding->split, encoding->tokenizer->split, encoding->error)) return -1;
    int result = encode_around(encoding, &encoding->tokenizer->raw, text, length, encode_normalized);
    split_close(&encoding->split);
    bpe_work_free(&encoding->work);
    buffer_free(&encoding->normal);
    return result;
}

int tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t length, bool parse_added,
                     struct ids *ids, struct error *error) {
    struct encoding encoding = {
        .tokenizer = tokenizer, .parse_added = parse_added, .ids = ids, .error = error};
    size_t count = ids->count;
    int result;
    if (utf8_is_valid(text, length)) {
        result = encode_valid(&encoding, text, length);
    } else {
        struct buffer valid = {0};
        utf8_add_valid(&valid, text, length);
        result = valid.failed ? error_set(error, ERROR_MEMORY, "text to encode: out of memory")
                              : encode_valid(&encoding, valid.data, valid.length);
        buffer_free(&valid);
    }
    if (result) ids->count = count; // nothing half-encoded
    return result;
}

// ---- decoding -------------------------------------------------------------------------------------------

// Appends what is certain and returns how many bytes at the end may still become a character.
static size_t add_certain(struct buffer *text, const char *bytes, size_t length) {
    size_t i = 0;
    while (i < length) {
        int32_t code;
        size_t used = utf8_decode(bytes + i, length - i, &code);
        if (code == UTF8_INCOMPLETE) break;
        if (code >= 0)
            buffer_add(text, bytes + i, used);
        else
            buffer_add_text(text, "\xEF\xBF\xBD");
        i += used;
    }
    return length - i;
}

void tokenizer_stream_add(const struct tokenizer *tokenizer, struct tokenizer_stream *stream, int32_t id,
                          bool skip_special, struct buffer *text) {
    const struct token *token = get_token(tokenizer, id);
    if (!token || (skip_special && token->kind == TOKEN_SPECIAL)) return;
    const char *bytes = tokenizer->vocabulary.bytes.data + token->start;
    size_t length = token->length;
    // Complete what is pending byte by byte, then take the rest at once.
    while (stream->count > 0 && length > 0) {
        char *pending = (char *)stream->pending;
        pending[stream->count] = *bytes++;
        length--;
        size_t all = (size_t)stream->count + 1, left = add_certain(text, pending, all);
        memmove(pending, pending + all - left, left);
        stream->count = (int)left;
    }
    size_t left = add_certain(text, bytes, length);
    if (left > 0) memcpy(stream->pending, bytes + length - left, left);
    if (length > 0) stream->count = (int)left;
}

void tokenizer_stream_end(struct tokenizer_stream *stream, struct buffer *text) {
    if (stream->count > 0) buffer_add_text(text, "\xEF\xBF\xBD");
    stream->count = 0;
}

void tokenizer_decode(const struct tokenizer *tokenizer, const int32_t *ids, size_t count, bool skip_special,
                      struct buffer *text) {
    struct tokenizer_stream stream = {0};
    for (size_t i = 0; i < count; i++) tokenizer_stream_add(tokenizer, &stream, ids[i], skip_special, text);
    tokenizer_stream_end(&stream, text);
}
