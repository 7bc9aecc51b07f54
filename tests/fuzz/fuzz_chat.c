// Any bytes as a message list: what is accepted must render.
#include <stdlib.h>

#include "text/chat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct chat chat;
    struct error error = {0};
    if (chat_read_json(&chat, (const char *)data, size, "fuzz.json", &error)) {
        if (error.code == ERROR_NONE || !error.message[0] || chat.count || chat.messages) abort();
        return 0;
    }
    struct buffer prompt = {0};
    chat_render(&chat, true, true, &prompt);
    if (prompt.length == 0 || chat_image_count(&chat) > CHAT_MAX_IMAGES) abort();
    buffer_free(&prompt);
    chat_free(&chat);
    return 0;
}
