// What an endpoint sends back, checked field by field: one JSON document, or a stream of server-sent events.
// Nothing of it is trusted.
#ifndef GLOBE_LOCATE_ENDPOINT_REPLY_H
#define GLOBE_LOCATE_ENDPOINT_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

enum endpoint_outcome {
    ENDPOINT_ANSWERED,
    ENDPOINT_PASSING, // may well go better next time
    ENDPOINT_REFUSED, // not as it was asked; another form of request may do
    ENDPOINT_FAILED   // will fail every time
};

// What an HTTP status means for the request. 408, 409, 425, 429 and 5xx are passing troubles (but for 501 and
// 505), 400 and 422 refusals.
enum endpoint_outcome endpoint_judge_status(long status);

struct endpoint_choice {
    struct buffer text;
    float *log_probs; // [listed]
    size_t *ends;     // [listed] within text, not decreasing
    size_t listed;    // tokens with a log-prob
    size_t tokens;    // as the server counts; 0 when it does not tell
    bool truncated;
    // While it is read: the tokens' texts one after another, and the end of each.
    struct buffer pieces;
    size_t *piece_ends;
    size_t capacity;
};

enum { ENDPOINT_MOST_CHOICES = 1024, ENDPOINT_MOST_TOKENS = 1 << 22 };

// Zero-initialise; endpoint_reply_free() releases everything.
struct endpoint_reply {
    struct endpoint_choice *choices;
    size_t count;
    bool finished;    // a stream came to its end
    size_t delivered; // of choice 0's text; for the caller
    struct buffer event, line;
};

// One JSON document with 1 to `most` choices (more are left out). All but ENDPOINT_ANSWERED fill *error with
// what the server did, without its name: "the reply is not JSON", "the server says: ...".
enum endpoint_outcome endpoint_reply_read(struct endpoint_reply *reply, const char *body, size_t length,
                                          size_t most, struct error *error);

// The next bytes of a stream, cut anywhere; all of it goes into choice 0.
enum endpoint_outcome endpoint_reply_feed(struct endpoint_reply *reply, const char *data, size_t length,
                                          struct error *error);
// The stream has ended. ENDPOINT_PASSING when it ended too early.
enum endpoint_outcome endpoint_reply_end(struct endpoint_reply *reply, struct error *error);

// The server's own words in the body of an error reply, shortened and without anything of the picture; ""
// when there are none.
void endpoint_reply_words(const char *body, size_t length, char *words, size_t size);

void endpoint_reply_free(struct endpoint_reply *reply);

#endif
