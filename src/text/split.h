// The pre-tokenizer: cuts a text at the matches of the tokenizer file's regular expression.
#ifndef GLOBE_TEXT_SPLIT_H
#define GLOBE_TEXT_SPLIT_H

#include <stddef.h>

#include "base/error.h"

struct split_rule; // immutable, threads may share it

// Oniguruma's syntax as far as tokenizer files use it; \s is Unicode White_Space. ERROR_MODEL, naming `name`,
// when it does not compile or uses what means something else here.
struct split_rule *split_rule_new(const char *regex, size_t length, const char *name, struct error *error);
void split_rule_free(struct split_rule *rule);

// One walk over texts. Start with split_open, then split_text and split_next as often as wanted.
struct split {
    const struct split_rule *rule;
    void *match; // pcre2_match_data
    const char *text;
    size_t length, offset;
};
int split_open(struct split *split, const struct split_rule *rule, struct error *error);
void split_text(struct split *split, const char *text, size_t length); // valid UTF-8
void split_close(struct split *split);

// The next piece, a match or what lies between two matches; never empty. Returns 1, 0 at the end, or -1
// (ERROR_LIMIT) when the expression backtracks without end on this text.
int split_next(struct split *split, const char **piece, size_t *length, struct error *error);

#endif
