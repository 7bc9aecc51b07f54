#include "text/unicode.h"

#include <utf8proc.h>

#include "base/utf8.h"

bool unicode_is_space(int32_t code) {
    return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
           code == 0x202F || code == 0x205F || code == 0x3000;
}

bool unicode_is_letter(int32_t code) {
    utf8proc_category_t category = utf8proc_category(code);
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
           (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

bool unicode_is_symbol(int32_t code) {
    utf8proc_category_t category = utf8proc_category(code);
    return category == UTF8PROC_CATEGORY_SO || category == UTF8PROC_CATEGORY_CF ||
           category == UTF8PROC_CATEGORY_CC || code == 0xFE0F || (code >= 0x1F3FB && code <= 0x1F3FF);
}

int32_t unicode_first(struct span text, size_t *length) {
    int32_t code;
    *length = utf8_decode(text.start, text.length, &code);
    return code;
}

int32_t unicode_last(struct span text, size_t *length) {
    size_t at = text.length - 1;
    while (at > 0 && ((unsigned char)text.start[at] & 0xC0) == 0x80) at--;
    return unicode_first((struct span){text.start + at, text.length - at}, length);
}

struct span unicode_strip(struct span text) {
    size_t used;
    while (text.length > 0 && unicode_is_space(unicode_first(text, &used))) {
        text.start += used;
        text.length -= used;
    }
    while (text.length > 0 && unicode_is_space(unicode_last(text, &used))) text.length -= used;
    return text;
}

// ---- lower case -----------------------------------------------------------------------------------------

// Cased and Case_Ignorable of the Unicode standard (3.13), as far as they can stand beside a sigma.
static bool is_cased(int32_t code) {
    utf8proc_category_t category = utf8proc_category(code);
    return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
           category == UTF8PROC_CATEGORY_LT || code == 0xAA || code == 0xBA ||
           (code >= 0x2160 && code <= 0x217F) || (code >= 0x24B6 && code <= 0x24E9) ||
           (code >= 0x1F130 && code <= 0x1F149) || (code >= 0x1F150 && code <= 0x1F169) ||
           (code >= 0x1F170 && code <= 0x1F189);
}

static bool is_ignorable(int32_t code) {
    static const int32_t word_inner[] = {0x27,   0x2E,   0x3A,   0xB7,   0x387,  0x55F,
                                         0x5F4,  0x2018, 0x2019, 0x2024, 0x2027, 0xFE13,
                                         0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
    utf8proc_category_t category = utf8proc_category(code);
    for (size_t i = 0; i < sizeof word_inner / sizeof *word_inner; i++)
        if (code == word_inner[i]) return true;
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME ||
           category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_LM ||
           category == UTF8PROC_CATEGORY_SK;
}

// Final_Sigma for the text after a capital sigma: no cased letter follows, whatever is ignorable in between.
static bool word_ends(struct span after) {
    while (after.length > 0) {
        size_t used;
        int32_t code = unicode_first(after, &used);
        if (!is_ignorable(code)) return !is_cased(code);
        after.start += used;
        after.length -= used;
    }
    return true;
}

void unicode_add_lower(struct buffer *buffer, struct span text) {
    bool in_word = false; // a cased letter came before, with nothing but ignorable characters since
    while (text.length > 0) {
        size_t used;
        int32_t code = unicode_first(text, &used), lower = utf8proc_tolower(code);
        text.start += used;
        text.length -= used;
        if (code == 0x3A3 && in_word && word_ends(text)) lower = 0x3C2;
        char bytes[4];
        if (code == 0x130)
            buffer_add_text(buffer, "i\xCC\x87");
        else
            buffer_add(buffer, bytes, utf8_encode(lower, bytes));
        if (!is_ignorable(code)) in_word = is_cased(code);
    }
}
