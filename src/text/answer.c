#include "text/answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "text/answer_internal.h"

struct span answer_between(const char *start, const char *end) {
    return (struct span){start, end > start ? (size_t)(end - start) : 0};
}

const char *answer_find(struct span text, const char *what) {
    size_t length = strlen(what);
    for (size_t i = 0; i + length <= text.length; i++)
        if (!strncasecmp(text.start + i, what, length)) return text.start + i;
    return NULL;
}

// ---- the format rule ------------------------------------------------------------------------------------

static bool begins_with(struct span text, const char *what) {
    size_t length = strlen(what);
    return text.length >= length && !memcmp(text.start, what, length);
}

bool answer_is_well_formed(const char *text, size_t length) {
    static const char open[] = "<think>", middle[] = "</think>", answer[] = "<answer>", close[] = "</answer>";
    struct span all = {text, length};
    if (!begins_with(all, open) || length < sizeof open - 1 + sizeof close - 1) return false;
    const char *end = text + length - (sizeof close - 1);
    if (memcmp(end, close, sizeof close - 1)) return false;
    // Some </think>, then nothing but white space, then <answer>, ending before the last </answer>.
    for (const char *at = text + sizeof open - 1;
         (at = memmem(at, (size_t)(end - at), middle, sizeof middle - 1)) != NULL;) {
        at += sizeof middle - 1;
        struct span rest = answer_between(at, end);
        while (rest.length > 0) {
            size_t used;
            if (!unicode_is_space(unicode_first(rest, &used))) break;
            rest.start += used;
            rest.length -= used;
        }
        if (begins_with(rest, answer)) return true;
    }
    return false;
}

// ---- the reasoning --------------------------------------------------------------------------------------

// Inside <think>, or up to </think> (the opening tag may have been part of the prompt), or what stands before
// the answer.
static struct span find_reasoning(struct span text, const char *where) {
    const char *open = answer_find(text, "<think>"), *end = text.start + text.length;
    const char *start = open ? open + strlen("<think>") : text.start;
    const char *close = answer_find(answer_between(start, end), "</think>");
    if (!close) close = answer_find(answer_between(start, end), "<answer>");
    if (!close && where && where >= start) close = where;
    return unicode_strip(answer_between(start, close ? close : end));
}

// ---- reading --------------------------------------------------------------------------------------------

// The text that the released rules look at: the first <answer> block, or what its absence means.
static struct span compat_region(struct span text, enum answer_rules rules) {
    if (rules == ANSWER_COMPAT_DIRECT) return text;
    const char *end = text.start + text.length, *close = NULL;
    const char *open = memmem(text.start, text.length, "<answer>", 8);
    if (open) close = memmem(open + 8, (size_t)(end - open - 8), "</answer>", 9);
    if (close) return answer_between(open + 8, close);
    return rules == ANSWER_COMPAT_EVAL ? text : (struct span){end, 0};
}

static int read_answer(struct answer *answer, struct span text, enum answer_rules rules,
                       struct error *error) {
    struct reading reading = {0};
    if (rules == ANSWER_LENIENT || rules == ANSWER_LENIENT_CUT)
        answer_read_lenient(&reading, text, rules == ANSWER_LENIENT_CUT);
    else
        answer_read_compat(&reading, compat_region(text, rules));
    struct span reasoning = find_reasoning(text, reading.where);
    answer->country = buffer_take(&reading.country);
    answer->city = buffer_take(&reading.city);
    answer->reasoning = memory_copy_string(reasoning.start, reasoning.length, error);
    answer->declined = reading.declined;
    if (answer->country && answer->city && answer->reasoning) return 0;
    answer_free(answer);
    return error_set(error, ERROR_MEMORY, "answer: out of memory");
}

int answer_parse(struct answer *answer, const char *text, size_t length, enum answer_rules rules,
                 struct error *error) {
    *answer = (struct answer){0};
    struct buffer valid = {0};
    utf8_add_valid(&valid, text, length);
    // A NUL would end our strings. U+FFFD is one character as well, so lengths and matches stay the same.
    struct buffer clean = {0};
    for (size_t i = 0; i < valid.length; i += strlen(valid.data + i) + 1) {
        if (i > 0) buffer_add_text(&clean, "\xEF\xBF\xBD");
        buffer_add_text(&clean, valid.data + i);
    }
    if (valid.length > 0 && !valid.data[valid.length - 1]) buffer_add_text(&clean, "\xEF\xBF\xBD");
    int result = valid.failed || clean.failed ? error_set(error, ERROR_MEMORY, "answer: out of memory") : 0;
    buffer_free(&valid);
    struct span all = {clean.data ? clean.data : "", clean.length};
    if (result == 0) result = read_answer(answer, all, rules, error);
    buffer_free(&clean);
    if (result == 0) answer->well_formed = answer_is_well_formed(text, length);
    return result;
}

void answer_free(struct answer *answer) {
    free(answer->country);
    free(answer->city);
    free(answer->reasoning);
    *answer = (struct answer){0};
}
