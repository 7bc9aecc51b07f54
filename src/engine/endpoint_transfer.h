// One HTTP exchange with an endpoint: the request that goes out, the bytes that come in, and what they mean.
#ifndef GLOBE_ENGINE_ENDPOINT_TRANSFER_H
#define GLOBE_ENGINE_ENDPOINT_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>

#include <curl/curl.h>

#include "base/buffer.h"
#include "base/error.h"
#include "engine/endpoint_health.h"
#include "engine/endpoint_reply.h"
#include "engine/endpoint_trust.h"
#include "engine/endpoint_words.h"

enum { ENDPOINT_MOST_BYTES = 64 * 1024 * 1024 }; // of a reply, after its headers

// How an endpoint is reached; outlives its transfers.
struct endpoint_way {
    const char *address, *shown;
    const struct endpoint_secrets *secrets; // never in a message
    const struct endpoint_trust *trust;
    struct curl_slist *headers;
    double timeout; // seconds
};

// Zero-initialise; endpoint_transfer_free() releases everything.
struct endpoint_transfer {
    CURL *easy; // NULL: not begun
    struct buffer body, received;
    size_t total;
    bool stream, too_large;
    enum endpoint_form form; // of what has come
    // A fault in the stream; what follows it is not looked at.
    enum endpoint_outcome fault;
    struct error fault_error;
    struct endpoint_reply reply;
    char reason[CURL_ERROR_SIZE];
};

// Makes the easy handle for a POST of transfer->body and adds it to `multi`. `owner` comes back as the
// handle's CURLOPT_PRIVATE.
int endpoint_transfer_begin(struct endpoint_transfer *transfer, CURLM *multi, const struct endpoint_way *way,
                            void *owner, struct error *error);
// Reads what has come of a stream so far into reply.choices[0].
void endpoint_transfer_follow(struct endpoint_transfer *transfer);
// The exchange is over: fills transfer->reply (up to `most` choices), or *error ("HTTP 503: words of the
// server"). *retry_after becomes the seconds that the server asks to wait, 0 when it does not; *trouble what
// the outcome says of the server. A complaint about the request stands in transfer->reply.complaint.
enum endpoint_outcome endpoint_transfer_end(struct endpoint_transfer *transfer, CURLcode result,
                                            const struct endpoint_way *way, size_t most, double *retry_after,
                                            enum endpoint_trouble *trouble, struct error *error);
// Breaks the exchange off if it is still going on.
void endpoint_transfer_free(struct endpoint_transfer *transfer, CURLM *multi);

#endif
