// The chat and its template. chat_json.c reads it from JSON.
#include "text/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

// ---- the list -------------------------------------------------------------------------------------------

static bool known_role(const char *role) {
    return !strcmp(role, "system") || !strcmp(role, "user") || !strcmp(role, "assistant") ||
           !strcmp(role, "tool");
}

// Room for one more than `count`: the capacity is the next power of two, so it grows when count is one.
static void *make_room(void *list, size_t count, size_t size, struct error *error) {
    if (count & (count - 1)) return list;
    return memory_grow(list, count ? count * 2 : 1, size, "chat", error);
}

int chat_add_message(struct chat *chat, const char *role, struct error *error) {
    if (!known_role(role))
        return error_set(error, ERROR_INPUT, "the role is \"%s\", expected system, user, assistant or tool",
                         role);
    if (chat->count == CHAT_MAX_MESSAGES)
        return error_set(error, ERROR_LIMIT, "more than %d messages", (int)CHAT_MAX_MESSAGES);
    struct chat_message *messages = make_room(chat->messages, chat->count, sizeof *messages, error);
    if (!messages) return -1;
    chat->messages = messages;
    struct chat_message message = {.role = memory_copy_string(role, strlen(role), error)};
    if (!message.role) return -1;
    chat->messages[chat->count++] = message;
    return 0;
}

int chat_add_part(struct chat *chat, enum chat_part_kind kind, const char *text, struct error *error) {
    if (chat->count == 0) return error_set(error, ERROR_INTERNAL, "a part of a message before any message");
    if (kind == CHAT_IMAGE && chat_image_count(chat) == CHAT_MAX_IMAGES)
        return error_set(error, ERROR_LIMIT, "more than %d images", (int)CHAT_MAX_IMAGES);
    struct chat_message *message = &chat->messages[chat->count - 1];
    struct chat_part *parts = make_room(message->parts, message->part_count, sizeof *parts, error);
    if (!parts) return -1;
    message->parts = parts;
    struct chat_part part = {.kind = kind, .text = memory_copy_string(text, strlen(text), error)};
    if (!part.text) return -1;
    message->parts[message->part_count++] = part;
    return 0;
}

void chat_drop_last(struct chat *chat) {
    if (chat->count == 0) return;
    struct chat_message *message = &chat->messages[--chat->count];
    for (size_t j = 0; j < message->part_count; j++) free(message->parts[j].text);
    free(message->parts);
    free(message->role);
    *message = (struct chat_message){0};
}

void chat_free(struct chat *chat) {
    while (chat->count) chat_drop_last(chat);
    free(chat->messages);
    *chat = (struct chat){0};
}

size_t chat_image_count(const struct chat *chat) {
    size_t count = 0;
    for (size_t i = 0; i < chat->count; i++)
        for (size_t j = 0; j < chat->messages[i].part_count; j++)
            count += chat->messages[i].parts[j].kind == CHAT_IMAGE;
    return count;
}

// ---- the template ---------------------------------------------------------------------------------------

enum piece { PIECE_TEXT, PIECE_MARKER, PIECE_PAD };

// Who takes the pieces of a prompt in order.
struct taker {
    int (*take)(void *self, enum piece piece, const char *text);
    void *self;
};

static int text(struct taker to, const char *what) {
    return to.take(to.self, PIECE_TEXT, what);
}

static int marker(struct taker to, const char *what) {
    return to.take(to.self, PIECE_MARKER, what);
}

static int open_turn(struct taker to, const char *role) {
    return marker(to, "<|im_start|>") || text(to, role) || text(to, "\n");
}

static int close_turn(struct taker to) {
    return marker(to, "<|im_end|>") || text(to, "\n");
}

static int image(struct taker to, size_t number, bool add_vision_id) {
    char label[40];
    snprintf(label, sizeof label, "Picture %zu: ", number);
    return (add_vision_id && text(to, label)) || marker(to, "<|vision_start|>") ||
           to.take(to.self, PIECE_PAD, "<|image_pad|>") || marker(to, "<|vision_end|>");
}

// Hands the prompt out piece by piece; stops at the first piece that is refused.
static int walk(const struct chat *chat, bool generation_prompt, bool add_vision_id, struct taker to) {
    size_t images = 0;
    if ((chat->count == 0 || strcmp(chat->messages[0].role, "system")) &&
        (open_turn(to, "system") || text(to, "You are a helpful assistant.") || close_turn(to)))
        return -1;
    for (size_t i = 0; i < chat->count; i++) {
        const struct chat_message *message = &chat->messages[i];
        if (open_turn(to, message->role)) return -1;
        for (size_t j = 0; j < message->part_count; j++) {
            const struct chat_part *part = &message->parts[j];
            if (part->kind == CHAT_IMAGE ? image(to, ++images, add_vision_id) : text(to, part->text))
                return -1;
        }
        if (close_turn(to)) return -1;
    }
    return generation_prompt ? open_turn(to, "assistant") : 0;
}

static int take_for_prompt(void *self, enum piece piece, const char *what) {
    (void)piece;
    buffer_add_text(self, what);
    return 0;
}

void chat_render(const struct chat *chat, bool generation_prompt, bool add_vision_id, struct buffer *prompt) {
    walk(chat, generation_prompt, add_vision_id, (struct taker){take_for_prompt, prompt});
}

// ---- ids ------------------------------------------------------------------------------------------------

struct encoder {
    const struct tokenizer *tokenizer;
    const size_t *image_tokens; // of the images to come
    bool trust_content;
    struct buffer text; // since the last marker: the template's words and the content are split together
    struct ids *ids;
    struct error *error;
};

static int find_marker(const struct encoder *encoder, const char *name, int32_t *id) {
    *id = tokenizer_find(encoder->tokenizer, name);
    return *id >= 0 ? 0 : error_set(encoder->error, ERROR_MODEL, "the tokenizer has no token %s", name);
}

static int flush_text(struct encoder *encoder) {
    size_t before = encoder->ids->count;
    if (encoder->text.failed) return error_set(encoder->error, ERROR_MEMORY, "chat: out of memory");
    if (tokenizer_encode(encoder->tokenizer, encoder->text.data ? encoder->text.data : "",
                         encoder->text.length, encoder->trust_content, encoder->ids, encoder->error))
        return -1;
    buffer_clear(&encoder->text);
    int32_t pad;
    if (find_marker(encoder, "<|image_pad|>", &pad)) return -1;
    for (size_t i = before; i < encoder->ids->count; i++)
        if (encoder->ids->data[i] == pad)
            return error_set(encoder->error, ERROR_INPUT,
                             "a message holds the text <|image_pad|> but no such image");
    return 0;
}

static int take_for_ids(void *self, enum piece piece, const char *what) {
    struct encoder *encoder = self;
    if (piece == PIECE_TEXT) {
        buffer_add_text(&encoder->text, what);
        return 0;
    }
    int32_t id;
    if (flush_text(encoder) || find_marker(encoder, what, &id)) return -1;
    size_t times = piece == PIECE_PAD ? *encoder->image_tokens++ : 1;
    for (size_t i = 0; i < times; i++)
        if (ids_add(encoder->ids, id, encoder->error)) return -1;
    return 0;
}

int chat_encode(const struct chat *chat, const struct tokenizer *tokenizer, const size_t *image_tokens,
                bool generation_prompt, bool trust_content, struct ids *ids, struct error *error) {
    struct encoder encoder = {.tokenizer = tokenizer,
                              .image_tokens = image_tokens,
                              .trust_content = trust_content,
                              .ids = ids,
                              .error = error};
    size_t before = ids->count;
    int result = walk(chat, generation_prompt, false, (struct taker){take_for_ids, &encoder});
    if (result == 0) result = flush_text(&encoder);
    buffer_free(&encoder.text);
    if (result) ids->count = before;
    return result ? -1 : 0;
}
