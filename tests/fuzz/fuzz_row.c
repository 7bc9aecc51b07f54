// Any bytes as a row of training data: what is accepted ends with an answer.
#include <stdlib.h>
#include <string.h>

#include "rows/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    return 0;
}
