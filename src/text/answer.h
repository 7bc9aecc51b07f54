// From a completion to country, city and reasoning.
//   compat   exactly the released rules (rewards_and_eval.md sections 3.2 and 5), quirks included
//   lenient  what a person would read: any case, markdown, punctuation, missing tags, one line, JSON
#ifndef GLOBE_TEXT_ANSWER_H
#define GLOBE_TEXT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum answer_rules {
    ANSWER_COMPAT_REWARD, // first <answer>..</answer>, else empty (the accuracy reward)
    ANSWER_COMPAT_EVAL,   // first <answer>..</answer>, else the whole text (eval.py with CoT)
    ANSWER_COMPAT_DIRECT, // always the whole text (eval.py without CoT)
    ANSWER_LENIENT,
    ANSWER_LENIENT_CUT // lenient, of a completion that was cut off: only what is closed counts
};

struct answer {
    char *country;    // "" when not found; compat: stripped and lower-cased, lenient: as written, cleaned
    char *city;       // likewise
    char *reasoning;  // text inside <think>, or what stands before the answer; stripped
    bool well_formed; // the format reward's rule (section 3.1)
    bool declined;    // lenient only: the text says that the place cannot be told, and names neither
};

// text[0, length) need not be valid UTF-8 and may hold NULs: each malformed part and each NUL counts as one
// U+FFFD. Fails only for want of memory. Lenient: inside <answer> the first value of a key counts, elsewhere
// the last; a value that is a placeholder ("[city name]") or a refusal ("unknown") is empty; "Paris, France"
// without keys is city and country, one name alone the country. In running text ("This looks like Lisbon,
// Portugal, because ..") the place that it names counts, at the level at which all that it names agree; a
// sentence is never a name. Of a completion that was cut off only a closed <answer> or JSON object is read,
// and nothing of thoughts that had no end. Time linear in the text but for a small constant per key.
int answer_parse(struct answer *answer, const char *text, size_t length, enum answer_rules rules,
                 struct error *error);
void answer_free(struct answer *answer);

// The format reward's rule by itself: 1 iff ^<think>.*?</think>\s*<answer>.*?</answer>$ with nothing around
// it (and $ the very end).
bool answer_is_well_formed(const char *text, size_t length);

#endif
