// Chat messages and the Qwen2.5-VL chat template (spec: qwen2_5_vl.md section 10).
#ifndef GLOBE_TEXT_CHAT_H
#define GLOBE_TEXT_CHAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "text/ids.h"
#include "text/tokenizer.h"

enum chat_part_kind { CHAT_TEXT, CHAT_IMAGE };

// What a message says of the size of one image, as qwen_vl_utils' fetch_image reads it; 0: nothing.
struct chat_size {
    size_t min_pixels, max_pixels;        // in the place of the model's
    size_t resized_height, resized_width; // the size itself, rounded to what the model can take; both or none
};

struct chat_part {
    enum chat_part_kind kind;
    char *text; // the text, or the image's path / URL as given
    struct chat_size size;
};

struct chat_message {
    char *role;
    struct chat_part *parts;
    size_t part_count;
    bool not_learnt; // of an answer in training data: it is context only
};

// Zero-initialise; chat_free() releases everything.
struct chat {
    struct chat_message *messages;
    size_t count;
};

enum {
    CHAT_MAX_MESSAGES = 4096,
    CHAT_MAX_IMAGES = 256,
    CHAT_MAX_FILE = 64 * 1024 * 1024, // bytes of JSON
};

// A list of {"role", "content"}; the role is system, user, assistant or tool, content a string or a list of
// {"type": "text", "text": ..} and {"type": "image", "image": PATH}, also written {"type": "image_url",
// "image_url":
// {"url": ..}} or without the type; an image may have min_pixels, max_pixels, resized_height and resized_width. Keys that
// are set and not known here, and videos, are errors: they would change the prompt. ERROR_INPUT names the message and part ("FILE: messages[0].content[1]:
// .."); ERROR_LIMIT beyond the limits above. On failure the chat is empty.
int chat_read_file(struct chat *chat, const char *path, struct error *error);
int chat_read_json(struct chat *chat, const char *json, size_t length, const char *name, struct error *error);
// Building one by hand: a message, then its parts (added to the last message). Texts are copied.
int chat_add_message(struct chat *chat, const char *role, struct error *error);
int chat_add_part(struct chat *chat, enum chat_part_kind kind, const char *text, struct error *error);
void chat_drop_last(struct chat *chat); // takes the last message off
void chat_free(struct chat *chat);
size_t chat_image_count(const struct chat *chat);

// Appends the prompt after the template, one <|image_pad|> per image. With generation_prompt the assistant's
// turn is opened; with add_vision_id the images are numbered ("Picture 1: ").
void chat_render(const struct chat *chat, bool generation_prompt, bool add_vision_id, struct buffer *prompt);

// Appends the ids of the prompt with each image's placeholder repeated image_tokens[i] times (i in order of
// appearance; NULL will do when there are no images). Text that merely looks like a special token inside a
// message's content is NOT parsed as one (a caption cannot close the user's turn), unless `trust_content` is
// set, which is what the reference does; a typed <|image_pad|> is an error then. ERROR_MODEL when the
// tokenizer lacks the template's markers.
int chat_encode(const struct chat *chat, const struct tokenizer *tokenizer, const size_t *image_tokens,
                bool generation_prompt, bool trust_content, struct ids *ids, struct error *error);

#endif
