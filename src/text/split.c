#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/split.h"

#include <pcre2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

enum {
    MAX_PATTERN = 64 * 1024,
    MAX_STEPS = 20 * 1000 * 1000, // of one match: enough for a run of 20 MB of spaces, a fraction of a second
    MAX_HEAP_KIB = 64 * 1024,
};

struct split_rule {
    pcre2_code *code;
    pcre2_match_context *context;
};

// White_Space (Unicode 15, PropList.txt) and its complement. PCRE2's own \s would count U+180E as well.
#define SPACES \
    "\\t-\\r\\x20\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"
#define NOT_SPACES                                                                                          \
    "\\x00-\\x08\\x0E-\\x1F!-\\x{84}\\x{86}-\\x{9F}\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}\\x{200B}-\\x{2027}" \
    "\\x{202A}-\\x{202E}\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}\\x{3001}-\\x{10FFFF}"

// Copies one escape, with \s and \S spelt out.
static void translate_escape(struct buffer *out, char letter, bool in_class) {
    if (letter == 's')
        buffer_add_text(out, in_class ? SPACES : "[" SPACES "]");
    else if (letter == 'S')
        buffer_add_text(out, in_class ? NOT_SPACES : "[^" SPACES "]");
    else
        buffer_add(out, (char[]){'\\', letter}, 2);
}

// Oniguruma's spelling to PCRE2's. Sets inside sets and && would silently mean something else, so they are
// errors.
static int translate(struct buffer *out, const char *regex, size_t length, const char *name,
                     struct error *error) {
    bool in_class = false;
    for (size_t i = 0; i < length; i++) {
        char c = regex[i];
        if (c == '\\' && i + 1 < length) {
            translate_escape(out, regex[++i], in_class);
            continue;
        }
        if (in_class && (c == '[' || (c == '&' && i + 1 < length && regex[i + 1] == '&')))
            return error_set(error, ERROR_MODEL,
                             "%s: set operations in the regular expression are not supported: %.*s", name,
                             (int)(length < 200 ? length : 200), regex);
        if (!in_class && c == '[') {
            in_class = true;
            buffer_add(out, &c, 1);
            if (i + 1 < length && regex[i + 1] == '^') buffer_add(out, &regex[++i], 1);
            if (i + 1 < length && regex[i + 1] == ']') buffer_add(out, &regex[++i], 1); // a literal here
            continue;
        }
        if (c == ']') in_class = false;
        buffer_add(out, &c, 1);
    }
    return out->failed ? error_set(error, ERROR_MEMORY, "%s: out of memory", name) : 0;
}

static int compile(struct split_rule *rule, const char *regex, size_t length, const char *name,
                   struct error *error) {
    struct buffer pattern = {0};
    if (translate(&pattern, regex, length, name, error)) {
        buffer_free(&pattern);
        return -1;
    }
    int problem = 0;
    PCRE2_SIZE where = 0;
    rule->code = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.length,
                               PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &problem, &where, NULL);
    buffer_free(&pattern);
    if (!rule->code) {
        unsigned char text[160];
        pcre2_get_error_message(problem, text, sizeof text);
        return error_set(error, ERROR_MODEL, "%s: the regular expression does not compile: %s: %.*s", name,
                         (const char *)text, (int)(length < 200 ? length : 200), regex);
    }
    // Several times faster where the system allows it; pcre2_match falls back to the interpreter by itself.
    (void)pcre2_jit_compile(rule->code, PCRE2_JIT_COMPLETE);
    rule->context = pcre2_match_context_create(NULL);
    if (!rule->context) return error_set(error, ERROR_MEMORY, "%s: out of memory", name);
    pcre2_set_match_limit(rule->context, MAX_STEPS);
    pcre2_set_heap_limit(rule->context, MAX_HEAP_KIB);
    return 0;
}

struct split_rule *split_rule_new(const char *regex, size_t length, const char *name, struct error *error) {
    if (length == 0 || length > MAX_PATTERN) {
        error_set(error, ERROR_MODEL, "%s: the regular expression has %zu bytes, expected 1 to %d", name,
                  length, (int)MAX_PATTERN);
        return NULL;
    }
    struct split_rule *rule = memory_new(1, sizeof *rule, "regular expression", error);
    if (!rule) return NULL;
    if (compile(rule, regex, length, name, error)) {
        split_rule_free(rule);
        return NULL;
    }
    return rule;
}

void split_rule_free(struct split_rule *rule) {
    if (!rule) return;
    pcre2_code_free(rule->code);
    pcre2_match_context_free(rule->context);
    free(rule);
}

int split_open(struct split *split, const struct split_rule *rule, struct error *error) {
    *split = (struct split){.rule = rule, .match = pcre2_match_data_create_from_pattern(rule->code, NULL)};
    return split->match ? 0 : error_set(error, ERROR_MEMORY, "text to split: out of memory");
}

void split_text(struct split *split, const char *text, size_t length) {
    split->text = length ? text : "";
    split->length = length;
    split->offset = 0;
}

void split_close(struct split *split) {
    pcre2_match_data_free(split->match);
    *split = (struct split){0};
}

// The first match from `from` on: 1 and its borders, 0, or -1.
static int match(struct split *split, size_t from, size_t *start, size_t *end, struct error *error) {
    // The text was checked once; checking it at every match would take quadratic time.
    int result = pcre2_match(split->rule->code, (PCRE2_SPTR)split->text, split->length, from,
                             PCRE2_NO_UTF_CHECK, split->match, split->rule->context);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT)
        result = pcre2_match(split->rule->code, (PCRE2_SPTR)split->text, split->length, from,
                             PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, split->match, split->rule->context);
    if (result == PCRE2_ERROR_NOMATCH) return 0;
    const PCRE2_SIZE *borders = pcre2_get_ovector_pointer(split->match);
    if (result >= 0 && borders[0] >= from && borders[1] >= borders[0] && borders[1] <= split->length) {
        *start = borders[0];
        *end = borders[1];
        return 1;
    }
    unsigned char text[160] = "it steps outside its match";
    if (result < 0) pcre2_get_error_message(result, text, sizeof text);
    return error_set(error, ERROR_LIMIT,
                     "the tokenizer's regular expression fails on this text at byte %zu: %s", from,
                     (const char *)text);
}

static size_t next_character(const struct split *split, size_t at) {
    do at++;
    while (at < split->length && ((unsigned char)split->text[at] & 0xC0) == 0x80);
    return at;
}

int split_next(struct split *split, const char **piece, size_t *length, struct error *error) {
    size_t begin = split->offset, start = split->length, end = split->length, from = begin;
    if (begin == split->length) return 0;
    while (from < split->length) {
        int found = match(split, from, &start, &end, error);
        if (found < 0) return -1;
        if (!found) start = end = split->length;
        if (!found || end > start) break;
        from = next_character(split, start); // an empty match separates nothing
        start = end = split->length;
    }
    split->offset = start > begin ? start : end;
    *piece = split->text + begin;
    *length = split->offset - begin;
    return 1;
}
