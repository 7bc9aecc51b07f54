// One completion of an endpoint as it is put together: its text, with what the server sends beside it as
// reasoning in front, and the log-probs of its tokens.
#ifndef GLOBE_ENGINE_ENDPOINT_CHOICE_H
#define GLOBE_ENGINE_ENDPOINT_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "engine/engine.h"

enum { ENDPOINT_MOST_CHOICES = 1024, ENDPOINT_MOST_TOKENS = 1 << 22 };

struct endpoint_choice {
    struct buffer text;
    float *log_probs; // [listed]
    size_t *ends;     // [listed] within text, not decreasing
    size_t listed;    // tokens with a log-prob
    size_t tokens;    // as the server counts; 0 when it does not tell
    bool truncated;   // cut off by the token limit, or by a filter
    bool has_reason;  // the server told why it ended
    // Reasoning came beside the content: it stands in front of it as "<think>...</think>\n". Without any
    // content it is the whole text; "<think>" is put before it unless it has tags of its own.
    bool reasoned;
    bool only_reasoned;
    struct engine_token likely[ENGINE_MOST_LIKELY]; // of the first token
    size_t likely_count;
    bool odd_log_probs; // log-probs came in a form that is not understood: there are none
    // While it is read: the tokens' texts one after another, and the end of each.
    struct buffer pieces;
    size_t *piece_ends;
    size_t capacity;
    size_t content_start; // within text
    bool has_content;
};

// "content" (or what stands for it) and the reasoning of a message or of a stream's delta. What has another
// type than texts is passed over; false when there is a "content" that cannot be read as text at all.
bool endpoint_choice_add_message(struct endpoint_choice *choice, const json_t *message);
bool endpoint_choice_add_content(struct endpoint_choice *choice, const json_t *content);
// "logprobs" of a choice: OpenAI's list of tokens, or the two lists of its older interface. -1 only for want
// of memory: a form that is not understood sets odd_log_probs.
int endpoint_choice_add_log_probs(struct endpoint_choice *choice, const json_t *log_probs,
                                  struct error *error);
// All is there: finds every token in the text. -1 for want of memory.
int endpoint_choice_complete(struct endpoint_choice *choice, struct error *error);
void endpoint_choice_free(struct endpoint_choice *choice);

#endif
