// Any bytes as a row of training data: what is accepted ends with an answer.
#include <stdlib.h>
#include <string.h>

#include "rows/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// As rewards and evaluation read it.
static void read_with_truth(const uint8_t *data, size_t size) {
    static const enum row_chat modes[] = {ROW_CHAT_ASKED, ROW_CHAT_QUESTION, ROW_CHAT_NONE};
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        const struct row_options options = {.images = ROW_OWN_IMAGES, .chat = modes[m], .truth = true};
        struct row row;
        struct error error = {0};
        if (row_read(&row, (const char *)data, size, &options, NULL, &error)) {
            if (error.code == ERROR_NONE || !error.message[0] || row.chat.messages || row.truth.country)
                abort();
            continue;
        }
        if (row.answered && modes[m] != ROW_CHAT_ASKED) abort();
        if (modes[m] != ROW_CHAT_NONE && row.chat.count == 0) abort();
        if (!row.truth.country || !row.truth.city || !row.truth.solution || !row.truth.region) abort();
        row_free(&row);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int images = ROW_OWN_IMAGES; images < 3; images++) {
        struct chat chat;
        struct row_notes notes = {.count = 0};
        struct error error = {0};
        if (row_parse(&chat, (const char *)data, size, images, &notes, &error)) {
            if (error.code == ERROR_NONE || !error.message[0] || chat.count || chat.messages) abort();
            continue;
        }
        if (chat.count < 2 || strcmp(chat.messages[chat.count - 1].role, "assistant")) abort();
        if (images >= 0 && chat_image_count(&chat) != (size_t)images) abort();
        chat_free(&chat);
    }
    read_with_truth(data, size);
    return 0;
}
