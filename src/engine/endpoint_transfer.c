#include "engine/endpoint_transfer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/endpoint_url.h"

enum { CONNECT_SECONDS = 10, WORDS = 256 };

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

// libcurl's own defaults are relied on too: ~/.netrc is not read, no redirect is followed (none may carry the
// API key or the picture elsewhere), the usual proxy variables are obeyed.
static bool set_up(struct endpoint_transfer *transfer, const struct endpoint_way *way, void *owner) {
    CURL *easy = transfer->easy;
    double connect = way->timeout < CONNECT_SECONDS ? way->timeout : CONNECT_SECONDS;
    CURLcode codes[] = {
        curl_easy_setopt(easy, CURLOPT_URL, way->address),
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L),
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""), // whatever it can unpack
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
    return endpoint_trust_apply(way->trust, easy);
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

// Proxies and job queues say 201 to 203; 204 has no body.
static bool brings_answer(long status) {
    return status >= 200 && status <= 203;
}

static bool is_called_events(const struct endpoint_transfer *transfer) {
    static const char wanted[] = "text/event-stream";
    const char *type = NULL;
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
    return type && strncasecmp(type, wanted, sizeof wanted - 1) == 0;
}

// Whatever was asked for, and whatever it is called: some servers cannot stream, and their one document is
// read when it is complete; others, and the proxies between, give events another type.
static void find_form(struct endpoint_transfer *transfer) {
    if (transfer->form != FORM_UNDECIDED || !brings_answer(status_of(transfer))) return;
    transfer->form = endpoint_reply_form(transfer->received.data, transfer->received.length);
    if (transfer->form == FORM_NEITHER)
        transfer->form = is_called_events(transfer) ? FORM_EVENTS : FORM_DOCUMENT;
}

void endpoint_transfer_follow(struct endpoint_transfer *transfer) {
    if (transfer->received.length == 0) return;
    find_form(transfer);
    if (transfer->form != FORM_EVENTS) return;
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
    case CURLE_BAD_CONTENT_ENCODING: // a packed reply that ends too early
        return ENDPOINT_PASSING;
    default:
        return ENDPOINT_FAILED;
    }
}

static bool is_distrust(CURLcode result) {
    return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE ||
           result == CURLE_SSL_ISSUER_ERROR || result == CURLE_SSL_CERTPROBLEM;
}

static enum endpoint_outcome broken(struct endpoint_transfer *transfer, CURLcode result,
                                    const struct endpoint_way *way, enum endpoint_trouble *trouble,
                                    struct error *error) {
    enum endpoint_outcome outcome = judge_result(transfer, result);
    const char *reason = transfer->reason[0] ? transfer->reason : curl_easy_strerror(result);
    *trouble = is_distrust(result)                                                 ? TROUBLE_SHUT
               : transfer->too_large || transfer->received.failed                  ? TROUBLE_PHOTO
               : outcome == ENDPOINT_PASSING || result == CURLE_OPERATION_TIMEDOUT ? TROUBLE_SERVER
                                                                                   : TROUBLE_PHOTO;
    if (transfer->too_large)
        error_set(error, ERROR_NETWORK, "the reply is larger than %d MB", ENDPOINT_MOST_BYTES >> 20);
    else if (transfer->received.failed)
        error_set(error, ERROR_MEMORY, "not enough memory for the reply");
    else if (result == CURLE_OPERATION_TIMEDOUT && outcome == ENDPOINT_FAILED)
        error_set(error, ERROR_NETWORK, "no answer within %g seconds", way->timeout);
    else if (is_distrust(result))
        error_set(error, ERROR_NETWORK, "%s (an authority of your own: --ca-file FILE)", reason);
    else if (strstr(reason, "wrong version number"))
        error_set(error, ERROR_NETWORK, "%s (does it speak http rather than https?)", reason);
    else
        error_set(error, ERROR_NETWORK, "%s", reason);
    return outcome;
}

// Secrets that the server repeats are made unreadable, here before anything is taken from the text and, for
// those that JSON spells in another way, in what was taken.
static void hide_secrets(const struct endpoint_way *way, char *text) {
    size_t length = text ? strlen(text) : 0;
    if (!length) return;
    endpoint_secrets_hide(way->secrets, text, length);
    size_t begun = endpoint_secrets_begun(way->secrets, text, length); // where the text was cut off
    memset(text + length - begun, '*', begun);
}

static enum endpoint_outcome redirected(const struct endpoint_transfer *transfer, long status,
                                        const struct endpoint_way *way, struct error *error) {
    char *target = NULL;
    curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &target);
    char *shown = target ? endpoint_url_show(target) : NULL;
    hide_secrets(way, shown);
    error_set(error, ERROR_NETWORK, "HTTP %ld: a redirect to %.200s, which is not followed", status,
              shown ? shown : "nowhere");
    free(shown);
    return ENDPOINT_FAILED;
}

static enum endpoint_trouble judge_trouble(long status, double retry_after, enum endpoint_outcome outcome) {
    if (status == 401 || status == 402 || status == 403 || status == 404 || status == 405 || status == 407 ||
        (status >= 300 && status < 400))
        return TROUBLE_SHUT;
    if (outcome != ENDPOINT_PASSING) return TROUBLE_PHOTO;
    return status == 429 || retry_after > 0 ? TROUBLE_BUSY : TROUBLE_SERVER;
}

static enum endpoint_outcome judged(struct endpoint_transfer *transfer, long status,
                                    const struct endpoint_way *way, struct error *error) {
    if (status >= 300 && status < 400) return redirected(transfer, status, way, error);
    struct buffer *body = &transfer->received;
    struct endpoint_reply *reply = &transfer->reply;
    char words[WORDS];
    endpoint_secrets_hide(way->secrets, body->data, body->length);
    endpoint_words_find(body->data, body->length, words, sizeof words);
    hide_secrets(way, words);
    buffer_clear(&reply->complaint);
    endpoint_words_complaint(body->data, body->length, &reply->complaint, &reply->named);
    const char *hint = status == 404 || status == 405 ? " (is the address right? Most end in /v1)" : "";
    error_set(error, ERROR_NETWORK, "HTTP %ld%s%s%s", status, words[0] ? ": " : "", words, hint);
    enum endpoint_outcome outcome = endpoint_judge_status(status);
    return outcome == ENDPOINT_ANSWERED ? ENDPOINT_FAILED : outcome;
}

static enum endpoint_outcome read_whole(struct endpoint_transfer *transfer, size_t most,
                                        struct error *error) {
    if (transfer->form != FORM_EVENTS)
        return endpoint_reply_read(&transfer->reply, transfer->received.data, transfer->received.length, most,
                                   error);
    if (transfer->fault == ENDPOINT_ANSWERED) return endpoint_reply_end(&transfer->reply, error);
    if (error) *error = transfer->fault_error;
    return transfer->fault;
}

static enum endpoint_outcome read_reply(struct endpoint_transfer *transfer, const struct endpoint_way *way,
                                        size_t most, enum endpoint_trouble *trouble, struct error *error) {
    enum endpoint_outcome outcome = read_whole(transfer, most, error);
    if (outcome == ENDPOINT_ANSWERED) {
        struct endpoint_reply *reply = &transfer->reply;
        for (size_t i = 0; i < reply->count; i++)
            endpoint_secrets_hide(way->secrets, reply->choices[i].text.data, reply->choices[i].text.length);
        *trouble = TROUBLE_NONE;
    } else {
        if (error) hide_secrets(way, error->message);
        *trouble = outcome == ENDPOINT_PASSING ? TROUBLE_SERVER : TROUBLE_PHOTO;
    }
    return outcome;
}

enum endpoint_outcome endpoint_transfer_end(struct endpoint_transfer *transfer, CURLcode result,
                                            const struct endpoint_way *way, size_t most, double *retry_after,
                                            enum endpoint_trouble *trouble, struct error *error) {
    curl_off_t seconds = 0; // both forms of the header, turned into seconds from now by libcurl
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &seconds);
    *retry_after = seconds > 0 ? (double)seconds : 0;
    endpoint_transfer_follow(transfer);
    // Whatever becomes of the connection afterwards.
    bool whole = transfer->form == FORM_EVENTS && endpoint_reply_is_whole(&transfer->reply);
    if (result != CURLE_OK && !whole) return broken(transfer, result, way, trouble, error);
    long status = status_of(transfer);
    if (brings_answer(status)) return read_reply(transfer, way, most, trouble, error);
    enum endpoint_outcome outcome = judged(transfer, status, way, error);
    *trouble = judge_trouble(status, *retry_after, outcome);
    return outcome;
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
