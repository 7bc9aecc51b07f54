#include "text/nfc.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/memory.h"
#include "base/utf8.h"

enum { MAX_DECOMPOSITION = 4 }; // code points one code point can become (U+1F82 and its like)

// Blocks whose characters neither combine with a neighbour nor decompose: Latin up to U+02FF, the letters of
// Cyrillic, general punctuation, CJK ideographs, Hangul syllables (what could follow them is outside).
static bool is_inert(int32_t code) {
    return code < 0x300 || (code >= 0x400 && code <= 0x482) || (code >= 0x2010 && code <= 0x2027) ||
           (code >= 0x3400 && code <= 0x9FFF) || (code >= 0xAC00 && code <= 0xD7A3);
}

bool nfc_is_certain(const char *text, size_t length) {
    for (size_t i = 0; i < length;) {
        if ((unsigned char)text[i] < 0x80) {
            i++;
            continue;
        }
        int32_t code;
        i += utf8_decode(text + i, length - i, &code);
        if (!is_inert(code)) return false;
    }
    return true;
}

static int combining_class(utf8proc_int32_t code) {
    return code < 0x300 ? 0 : utf8proc_get_property(code)->combining_class;
}

// Puts a run of combining marks into canonical order: a stable counting sort by class.
static void sort_marks(utf8proc_int32_t *marks, utf8proc_int32_t *scratch, size_t count) {
    size_t starts[256] = {0}, total = 0;
    for (size_t i = 0; i < count; i++) starts[combining_class(marks[i])]++;
    for (size_t class = 0; class < 256; class ++) {
        size_t here = starts[class];
        starts[class] = total;
        total += here;
    }
    for (size_t i = 0; i < count; i++) scratch[starts[combining_class(marks[i])]++] = marks[i];
    memcpy(marks, scratch, count * sizeof *marks);
}

static void sort_all_marks(utf8proc_int32_t *codes, utf8proc_int32_t *scratch, size_t count) {
    for (size_t i = 0; i < count;) {
        size_t start = i;
        int before = 0;
        bool sorted = true;
        for (int class; i < count && (class = combining_class(codes[i])) > 0; i++) {
            if (class < before) sorted = false;
            before = class;
        }
        if (!sorted) sort_marks(codes + start, scratch, i - start);
        if (i == start) i++; // not a mark
    }
}

static size_t decompose(const char *text, size_t length, utf8proc_int32_t *codes) {
    size_t count = 0;
    for (size_t i = 0; i < length;) {
        int32_t code;
        i += utf8_decode(text + i, length - i, &code);
        utf8proc_ssize_t made =
            utf8proc_decompose_char(code, codes + count, MAX_DECOMPOSITION, UTF8PROC_COMPOSE, NULL);
        if (made > 0 && made <= MAX_DECOMPOSITION)
            count += (size_t)made;
        else
            codes[count++] = code;
    }
    return count;
}

int nfc_add(struct buffer *buffer, const char *text, size_t length, struct error *error) {
    size_t most;
    if (!memory_multiply(length, MAX_DECOMPOSITION, &most))
        return error_set(error, ERROR_LIMIT, "a text of %zu bytes is too long to normalise", length);
    utf8proc_int32_t *codes = memory_new(most + 1, sizeof *codes, "text to normalise", error);
    if (!codes) return -1;
    size_t count = decompose(text, length, codes);

    utf8proc_int32_t *scratch = memory_new(count + 1, sizeof *scratch, "text to normalise", error);
    if (!scratch) {
        free(codes);
        return -1;
    }
    sort_all_marks(codes, scratch, count);
    free(scratch);

    utf8proc_ssize_t composed =
        utf8proc_normalize_utf32(codes, (utf8proc_ssize_t)count, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    for (utf8proc_ssize_t i = 0; i < composed; i++) {
        char bytes[4];
        buffer_add(buffer, bytes, utf8_encode(codes[i], bytes));
    }
    free(codes);
    return buffer->failed || composed < 0 ? error_set(error, ERROR_MEMORY, "text to normalise: out of memory")
                                          : 0;
}
