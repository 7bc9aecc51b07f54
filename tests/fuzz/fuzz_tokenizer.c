// Any bytes as a tokenizer.json, after a NUL optionally a text to encode. What opens must give back, decoded,
// a text that encodes and decodes to itself (normalisation happens once).
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/tokenizer.h"

enum { MAX_TEXT = 64 }; // hostile expressions cost up to a second each

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool encode(const struct tokenizer *tokenizer, const char *text, size_t length,
                   struct buffer *decoded) {
    struct ids ids = {0};
    struct error error = {0};
    bool encoded = tokenizer_encode(tokenizer, text, length, true, &ids, &error) == 0;
    if (encoded)
        tokenizer_decode(tokenizer, ids.data, ids.count, false, decoded);
    else if (error.code != ERROR_LIMIT)
        abort();
    for (size_t i = 0; i < ids.count; i++)
        if (ids.data[i] < 0 || (size_t)ids.data[i] >= tokenizer_size(tokenizer)) abort();
    ids_free(&ids);
    return encoded;
}

static void use(const struct tokenizer *tokenizer, const char *text, size_t length) {
    struct buffer first = {0}, second = {0};
    if (encode(tokenizer, text, length, &first)) {
        if (!utf8_is_valid(first.data ? first.data : "", first.length)) abort();
        if (encode(tokenizer, first.data ? first.data : "", first.length, &second) &&
            (second.length != first.length ||
             (first.length && memcmp(first.data, second.data, first.length))))
            abort();
    }
    buffer_free(&first);
    buffer_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *split = size ? memchr(data, 0, size) : NULL;
    size_t json_length = split ? (size_t)(split - data) : size;
    struct error error = {0};
    struct tokenizer *tokenizer = tokenizer_parse((const char *)data, json_length, "fuzz.json", &error);
    if (!tokenizer) {
        if (error.code == ERROR_NONE || !error.message[0]) abort();
        return 0;
    }
    size_t length = split ? size - json_length - 1 : 0;
    if (split) use(tokenizer, (const char *)split + 1, length < MAX_TEXT ? length : MAX_TEXT);
    use(tokenizer, "It's 12 o'clock\r\n  in S\xC3\xA3o\xE3\x80\x80", 29);
    tokenizer_free(tokenizer);
    return 0;
}
