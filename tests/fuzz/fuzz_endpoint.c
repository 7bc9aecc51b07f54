// What an endpoint answers: the first byte chooses between one document and a stream, and where the stream is
// cut in two; then the same bytes as a complaint.
#include <stdint.h>
#include <stdlib.h>

#include <string.h>

#include "engine/endpoint_reply.h"
#include "engine/endpoint_terms.h"
#include "engine/endpoint_words.h"

enum { MOST = 3 };

static void check(const struct endpoint_reply *reply) {
    if (reply->count == 0 || reply->count > MOST) abort();
    for (size_t i = 0; i < reply->count; i++) {
        const struct endpoint_choice *choice = &reply->choices[i];
        if (!choice->text.data || choice->text.data[choice->text.length]) abort();
        size_t last = 0;
        for (size_t k = 0; k < choice->listed; k++) {
            if (choice->ends[k] < last || choice->ends[k] > choice->text.length) abort();
            if (!(choice->log_probs[k] <= 0)) abort();
            last = choice->ends[k];
        }
    }
}

static void complain(const char *text, size_t length) {
    char words[64];
    endpoint_words_find(text, length, words, sizeof words);
    struct buffer complaint = {0}, what = {0};
    bool named, changes, sent[ENDPOINT_FIELDS];
    struct endpoint_terms now = {0};
    const struct endpoint_terms before = {0};
    memset(sent, 1, sizeof sent);
    endpoint_words_complaint(text, length, &complaint, &named);
    if (!complaint.failed) {
        enum endpoint_lesson lesson =
            endpoint_terms_learn(&now, &before, sent, complaint.data, named, &what, &changes);
        if ((lesson == LESSON_NEW) != (what.length > 0)) abort();
    }
    buffer_free(&what);
    endpoint_terms_describe(&now, &what);
    struct endpoint_secrets secrets = {0};
    endpoint_secrets_add(&secrets, "secret");
    if (complaint.length) endpoint_secrets_hide(&secrets, complaint.data, complaint.length);
    if (complaint.length && endpoint_secrets_begun(&secrets, complaint.data, complaint.length) > 5) abort();
    endpoint_secrets_free(&secrets);
    buffer_free(&what);
    buffer_free(&complaint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    const char *text = (const char *)data + 1;
    size_t length = size - 1, part = data[0] < length ? data[0] : length;
    struct error error = {0};
    struct endpoint_reply reply = {0};
    enum endpoint_outcome outcome;
    if (data[0] % 2) {
        outcome = endpoint_reply_feed(&reply, text, part, &error);
        if (outcome == ENDPOINT_ANSWERED)
            outcome = endpoint_reply_feed(&reply, text + part, length - part, &error);
        if (outcome == ENDPOINT_ANSWERED) outcome = endpoint_reply_end(&reply, &error);
    } else {
        outcome = endpoint_reply_read(&reply, text, length, MOST, &error);
    }
    if (outcome == ENDPOINT_ANSWERED)
        check(&reply);
    else if (!error.code || !error.message[0])
        abort();
    endpoint_reply_free(&reply);
    if (endpoint_reply_form(text, length) > FORM_NEITHER) abort();
    complain(text, length);
    return 0;
}
