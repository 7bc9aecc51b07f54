#include "locate/endpoint_transfer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "locate/endpoint_url.h"

enum { CONNECT_SECONDS = 15, WORDS = 256 };

static long milliseconds(double seconds) {
    return seconds < 0.001 ? 1 : (long)(seconds * 1000);
}

static size_t receive(char *data, size_t size, size_t count, void *context) {
    struct endpoint_transfer *transfer = context;
    size_t length = size * count;
    if (length > ENDPOINT_MOST_BYTES - transfer->total) {
        transfer->too_large = true;
        return 0; // ends the transfer
    }
    transfer->total += length;
    buffer_add(&transfer->received, data, length);
    return transfer->received.failed ? 0 : length;
}

// libcurl's own defaults are relied on too: certificates are verified, ~/.netrc is not read, no redirect is
// followed (none may carry the API key or the picture elsewhere), the usual proxy variables are obeyed.
static bool set_up(struct endpoint_transfer *transfer, const struct endpoint_way *way, void *owner) {
    CURL *easy = transfer->easy;
    double connect = way->timeout < CONNECT_SECONDS ? way->timeout : CONNECT_SECONDS;
    CURLcode codes[] = {
        curl_easy_setopt(easy, CURLOPT_URL, way->address),
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L),
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L),
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L),
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L),
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, way->headers),
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "globe/" GLOBE_VERSION),
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(connect)),
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(way->timeout)),
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body.data),
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body.length),
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive),
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer),
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->reason),
        curl_easy_setopt(easy, CURLOPT_PRIVATE, owner),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] != CURLE_OK) return false;
    return true;
}

int endpoint_transfer_begin(struct endpoint_transfer *transfer, CURLM *multi, const struct endpoint_way *way,
                            void *owner, struct error *error) {
    transfer->easy = curl_easy_init();
    if (transfer->easy && set_up(transfer, way, owner) &&
        curl_multi_add_handle(multi, transfer->easy) == CURLM_OK)
        return 0;
    curl_easy_cleanup(transfer->easy);
    transfer->easy = NULL;
    return error_set(error, ERROR_MEMORY, "%s: cannot prepare a request", way->shown);
}

static long status_of(const struct endpoint_transfer *transfer) {
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static bool is_event_stream(const struct endpoint_transfer *transfer) {
    static const char wanted[] = "text/event-stream";
    const char *type = NULL;
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
    return status_of(transfer) == 200 && type && strncasecmp(type, wanted, sizeof wanted - 1) == 0;
}

void endpoint_transfer_follow(struct endpoint_transfer *transfer) {
    if (transfer->received.length == 0) return;
    // Whatever was asked for: some servers cannot stream, and their one document is read when it is complete.
    if (!transfer->is_events && !is_event_stream(transfer)) return;
    transfer->is_events = true;
    if (transfer->fault == ENDPOINT_ANSWERED)
        transfer->fault = endpoint_reply_feed(&transfer->reply, transfer->received.data,
                                              transfer->received.length, &transfer->fault_error);
    buffer_clear(&transfer->received);
}

// ---- the end ----

// Troubles of the network. A time-out is one only while the connection was being made: a server that is too
// slow with its answer will hardly be faster when it is asked twice.
static enum endpoint_outcome judge_result(const struct endpoint_transfer *transfer, CURLcode result) {
    curl_off_t sent_after = 0; // microseconds until the request began to go out
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_after);
        return sent_after == 0 ? ENDPOINT_PASSING : ENDPOINT_FAILED;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return ENDPOINT_PASSING;
    default:
        return ENDPOINT_FAILED;
    }
}

static enum endpoint_outcome broken(struct endpoint_transfer *transfer, CURLcode result,
                                    const struct endpoint_way *way, struct error *error) {
    enum endpoint_outcome outcome = judge_result(transfer, result);
    if (transfer->too_large)
        error_set(error, ERROR_NETWORK, "the reply is larger than %d MB", ENDPOINT_MOST_BYTES >> 20);
    else if (transfer->received.failed)
        error_set(error, ERROR_MEMORY, "not enough memory for the reply");
    else if (result == CURLE_OPERATION_TIMEDOUT && outcome == ENDPOINT_FAILED)
        error_set(error, ERROR_NETWORK, "no answer within %g seconds", way->timeout);
    else
        error_set(error, ERROR_NETWORK, "%s",
                  transfer->reason[0] ? transfer->reason : curl_easy_strerror(result));
    return outcome;
}

static enum endpoint_outcome redirected(const struct endpoint_transfer *transfer, long status,
                                        struct error *error) {
    char *target = NULL;
    curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &target);
    char *shown = target ? endpoint_url_show(target) : NULL;
    error_set(error, ERROR_NETWORK, "HTTP %ld: a redirect to %.200s, which is not followed", status,
              shown ? shown : "nowhere");
    free(shown);
    return ENDPOINT_FAILED;
}

// A key that the server repeats in its complaint is made unreadable. Short ones ("none") are no secrets.
static void hide_key(struct buffer *text, const char *key) {
    size_t length = key ? strlen(key) : 0;
    if (length < 8 || text->length == 0) return;
    char *end = text->data + text->length, *at = text->data;
    while ((at = memmem(at, (size_t)(end - at), key, length))) {
        memset(at, '*', length);
        at += length;
    }
}

static enum endpoint_outcome judged(struct endpoint_transfer *transfer, long status,
                                    const struct endpoint_way *way, struct error *error) {
    if (status >= 300 && status < 400) return redirected(transfer, status, error);
    char words[WORDS];
    hide_key(&transfer->received, way->api_key);
    endpoint_reply_words(transfer->received.data, transfer->received.length, words, sizeof words);
    error_set(error, ERROR_NETWORK, "HTTP %ld%s%s", status, words[0] ? ": " : "", words);
    enum endpoint_outcome outcome = endpoint_judge_status(status);
    return outcome == ENDPOINT_ANSWERED ? ENDPOINT_FAILED : outcome;
}

static enum endpoint_outcome read_reply(struct endpoint_transfer *transfer, size_t most,
                                        struct error *error) {
    if (!transfer->is_events)
        return endpoint_reply_read(&transfer->reply, transfer->received.data, transfer->received.length, most,
                                   error);
    if (transfer->fault == ENDPOINT_ANSWERED) return endpoint_reply_end(&transfer->reply, error);
    if (error) *error = transfer->fault_error;
    return transfer->fault;
}

enum endpoint_outcome endpoint_transfer_end(struct endpoint_transfer *transfer, CURLcode result,
                                            const struct endpoint_way *way, size_t most, double *retry_after,
                                            struct error *error) {
    curl_off_t seconds = 0; // both forms of the header, turned into seconds from now by libcurl
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &seconds);
    *retry_after = seconds > 0 ? (double)seconds : 0;
    endpoint_transfer_follow(transfer);
    bool complete = transfer->is_events && transfer->reply.finished; // whatever became of the connection
    if (result != CURLE_OK && !complete) return broken(transfer, result, way, error);
    long status = status_of(transfer);
    return status == 200 ? read_reply(transfer, most, error) : judged(transfer, status, way, error);
}

void endpoint_transfer_free(struct endpoint_transfer *transfer, CURLM *multi) {
    if (transfer->easy) {
        curl_multi_remove_handle(multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
    }
    buffer_free(&transfer->body);
    buffer_free(&transfer->received);
    endpoint_reply_free(&transfer->reply);
    *transfer = (struct endpoint_transfer){0};
}
