// How the two ways of reading an answer and the cleaning of values share their work.
#ifndef GLOBE_TEXT_ANSWER_INTERNAL_H
#define GLOBE_TEXT_ANSWER_INTERNAL_H

#include "base/buffer.h"
#include "text/answer.h"
#include "text/unicode.h"

// What was read, as it is read. The texts given in are valid UTF-8 without NULs.
struct reading {
    struct buffer country, city;
    bool declined;
    const char *where; // the answer begins here in the text, NULL when none was found
};

// The released rules on the text they apply to: "country:" and "city:" as they stand, stripped and
// lower-cased.
void answer_read_compat(struct reading *reading, struct span text);
// What a person would read in the completion; `cut`: it has no end.
void answer_read_lenient(struct reading *reading, struct span text, bool cut);
// The place that running text names (answer_prose.c); nothing when it names several.
void answer_read_prose(struct reading *reading, struct span text);
// Whether a value is a sentence rather than a name.
bool answer_is_sentence(struct span value);
// Whether every word of a value may be part of a name ("Rio de Janeiro").
bool answer_is_name(struct span value);

// A value without its decoration, appended to `out` (nothing for a placeholder such as "[city name]").
// Returns true when it says that the place is not known; then nothing is appended.
bool answer_clean_value(struct span value, struct buffer *out);
// True when a text without any answer says that there is none ("cannot be determined from the photo").
bool answer_is_refusal(struct span text);

// The first place of `what` in the text (ASCII letters in any case), NULL when it is not there.
const char *answer_find(struct span text, const char *what);
struct span answer_between(const char *start, const char *end);

#endif
