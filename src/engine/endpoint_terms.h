// What a server does not take of a request, learnt from its refusals: the fields it names are left out, sent
// under another name or with another value from then on.
#ifndef GLOBE_ENGINE_ENDPOINT_TERMS_H
#define GLOBE_ENGINE_ENDPOINT_TERMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

enum endpoint_field {
    FIELD_TEMPERATURE,
    FIELD_TOP_P,
    FIELD_SEED,
    FIELD_FREQUENCY_PENALTY,
    FIELD_PRESENCE_PENALTY,
    FIELD_TOP_K,
    FIELD_MIN_P,
    FIELD_REPETITION_PENALTY,
    FIELD_MAX_TOKENS,
    FIELD_MAX_COMPLETION_TOKENS,
    FIELD_N,
    FIELD_LOGPROBS,
    FIELD_STREAM_OPTIONS,
    FIELD_STREAM,
    ENDPOINT_FIELDS
};
const char *endpoint_field_name(enum endpoint_field field);

// Zero: all is taken.
struct endpoint_terms {
    bool refused[ENDPOINT_FIELDS];
    bool never_greedy; // temperature 0 is refused: 0.01 instead
};

enum endpoint_lesson {
    LESSON_NONE,  // the complaint is about something else
    LESSON_KNOWN, // has been learnt since the request went out: ask again
    LESSON_NEW    // *now has changed: ask again, and say so
};
// What a complaint (endpoint_words_complaint) teaches. `sent` are the fields that were in the request,
// `before` the terms it was made under. *what becomes a line for people: "takes no \"seed\": ...".
enum endpoint_lesson endpoint_terms_learn(struct endpoint_terms *now, const struct endpoint_terms *before,
                                          const bool sent[ENDPOINT_FIELDS], const char *complaint, bool named,
                                          struct buffer *what, bool *changes_results);
// "logprobs, seed left out; max_tokens sent as max_completion_tokens", "" when all is taken.
void endpoint_terms_describe(const struct endpoint_terms *terms, struct buffer *out);

#endif
