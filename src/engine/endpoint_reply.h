// What an endpoint sends back: one JSON document, or a stream of server-sent events. Nothing of it is
// trusted, and nothing is asked of it that the answer does not need: fields that are missing, null or of
// another type than they should be are passed over.
#ifndef GLOBE_ENGINE_ENDPOINT_REPLY_H
#define GLOBE_ENGINE_ENDPOINT_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "engine/endpoint_choice.h"

enum endpoint_outcome {
    ENDPOINT_ANSWERED,
    ENDPOINT_PASSING, // may well go better next time
    ENDPOINT_REFUSED, // not as it was asked; another form of request may do
    ENDPOINT_FAILED   // will fail every time
};

// What an HTTP status means for the request. 408, 409, 425, 429 and 5xx are passing troubles (but for 501 and
// 505), 400 and 422 refusals.
enum endpoint_outcome endpoint_judge_status(long status);

// Zero-initialise; endpoint_reply_free() releases everything.
struct endpoint_reply {
    struct endpoint_choice *choices;
    size_t count;
    size_t delivered;        // of choice 0's text; for the caller
    struct buffer complaint; // of an error that it reports (endpoint_words_complaint)
    bool named;
    // Of a stream:
    bool done;       // "[DONE]", or a whole message, has come
    bool ended;      // a finish_reason has come
    bool unreliable; // ... and more text after it, so that it tells nothing
    bool in_object, is_error, after_return;
    long long index; // of the choice that is read
    bool has_index;
    struct buffer event, line;
};

// By the first bytes, whatever the reply's type says: many servers and the proxies between give another one.
enum endpoint_form { FORM_UNDECIDED, FORM_DOCUMENT, FORM_EVENTS, FORM_NEITHER };
enum endpoint_form endpoint_reply_form(const char *data, size_t length);

// One JSON document with 1 to `most` choices (more are left out). All but ENDPOINT_ANSWERED fill *error with
// what the server did, without its name: "the reply is not JSON", "the server says: ...".
enum endpoint_outcome endpoint_reply_read(struct endpoint_reply *reply, const char *body, size_t length,
                                          size_t most, struct error *error);

// The next bytes of a stream, cut anywhere; all of it goes into choice 0. Events that are no part of a
// completion are passed over.
enum endpoint_outcome endpoint_reply_feed(struct endpoint_reply *reply, const char *data, size_t length,
                                          struct error *error);
// The stream has come to its end, even if its connection breaks now.
bool endpoint_reply_is_whole(const struct endpoint_reply *reply);
// The stream has ended. ENDPOINT_PASSING when it ended too early: half an answer is none.
enum endpoint_outcome endpoint_reply_end(struct endpoint_reply *reply, struct error *error);

void endpoint_reply_free(struct endpoint_reply *reply);

#endif
