// What an endpoint answers: the first byte chooses between one document and a stream, and where the stream is
// cut in two.
#include <stdint.h>
#include <stdlib.h>

#include "locate/endpoint_reply.h"

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
    char words[64];
    endpoint_reply_words(text, length, words, sizeof words);
    return 0;
}
