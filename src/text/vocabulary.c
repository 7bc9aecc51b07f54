#include "text/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

static uint64_t hash_bytes(const char *bytes, size_t length) {
    uint64_t hash = 0xCBF29CE484222325u; // FNV-1a, then mixed, as only the low bits are used
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001B3u;
    hash ^= hash >> 32;
    return hash * 0x9E3779B97F4A7C15u >> 20;
}

int vocabulary_start(struct vocabulary *vocabulary, size_t size, size_t regular, struct error *error) {
    *vocabulary = (struct vocabulary){.size = size, .slot_count = 1024};
    while (vocabulary->slot_count < regular * 2) vocabulary->slot_count *= 2;
    vocabulary->tokens = memory_new(size, sizeof *vocabulary->tokens, "vocabulary", error);
    vocabulary->slots = memory_new(vocabulary->slot_count, sizeof *vocabulary->slots, "vocabulary", error);
    if (!vocabulary->tokens || !vocabulary->slots) {
        vocabulary_free(vocabulary);
        return -1;
    }
    memset(vocabulary->slots, 0xFF, vocabulary->slot_count * sizeof *vocabulary->slots);
    memset(vocabulary->byte_ids, 0xFF, sizeof vocabulary->byte_ids);
    return 0;
}

// The slot that holds these bytes, or the free one where they belong.
static int32_t *find_slot(const struct vocabulary *vocabulary, const char *bytes, size_t length) {
    size_t mask = vocabulary->slot_count - 1;
    for (size_t i = hash_bytes(bytes, length) & mask;; i = (i + 1) & mask) {
        int32_t *slot = &vocabulary->slots[i];
        if (*slot < 0) return slot;
        const struct token *token = &vocabulary->tokens[*slot];
        if (token->length == length && !memcmp(vocabulary->bytes.data + token->start, bytes, length))
            return slot;
    }
}

int vocabulary_add(struct vocabulary *vocabulary, int32_t id, const char *bytes, size_t length,
                   enum token_kind kind, const char *name, struct error *error) {
    struct token *token = &vocabulary->tokens[id];
    if (token->kind != TOKEN_ABSENT)
        return error_set(error, ERROR_MODEL, "%s: two tokens have the id %d", name, (int)id);
    if (vocabulary->bytes.length + length > UINT32_MAX)
        return error_set(error, ERROR_LIMIT, "%s: the vocabulary is larger than 4 GiB", name);
    *token =
        (struct token){.start = (uint32_t)vocabulary->bytes.length, .length = (uint32_t)length, .kind = kind};
    buffer_add(&vocabulary->bytes, bytes, length);
    if (vocabulary->bytes.failed) return error_set(error, ERROR_MEMORY, "%s: out of memory", name);
    if (kind != TOKEN_REGULAR) return 0;

    int32_t *slot = find_slot(vocabulary, bytes, length);
    if (*slot >= 0)
        return error_set(error, ERROR_MODEL, "%s: the ids %d and %d are the same token", name, (int)*slot,
                         (int)id);
    *slot = id;
    if (length == 1) vocabulary->byte_ids[(unsigned char)bytes[0]] = id;
    return 0;
}

int32_t vocabulary_find(const struct vocabulary *vocabulary, const char *bytes, size_t length) {
    return *find_slot(vocabulary, bytes, length);
}

void vocabulary_finish(struct vocabulary *vocabulary) {
    free(vocabulary->slots);
    vocabulary->slots = NULL;
}

void vocabulary_free(struct vocabulary *vocabulary) {
    free(vocabulary->tokens);
    free(vocabulary->slots);
    buffer_free(&vocabulary->bytes);
    *vocabulary = (struct vocabulary){0};
}

// GPT-2's table: 33..126, 161..172 and 174..255 stand for themselves, the other 68 bytes in increasing order
// for U+0100 to U+0143.
static int byte_of(int32_t code) {
    if ((code >= 33 && code <= 126) || (code >= 161 && code <= 172) || (code >= 174 && code <= 255))
        return code;
    if (code < 0x100 || code > 0x143) return -1;
    int nth = code - 0x100;
    if (nth <= 32) return nth;           // 0..32
    if (nth < 67) return nth - 33 + 127; // 127..160
    return 173;
}

ptrdiff_t vocabulary_unspell(const char *spelling, size_t length, char *bytes) {
    char *out = bytes;
    for (size_t i = 0; i < length;) {
        int32_t code;
        i += utf8_decode(spelling + i, length - i, &code);
        int byte = byte_of(code);
        if (byte < 0) return -1;
        *out++ = (char)byte;
    }
    return out - bytes;
}

static int32_t code_of(int byte) {
    if (byte <= 32) return 0x100 + byte;
    if (byte >= 127 && byte <= 160) return 0x100 + 33 + byte - 127;
    return byte == 173 ? 0x100 + 67 : byte;
}

void vocabulary_spell(struct buffer *spelling, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        char character[4];
        buffer_add(spelling, character, utf8_encode(code_of((unsigned char)bytes[i]), character));
    }
}
