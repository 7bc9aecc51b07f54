#include "train/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "locate/prompts.h"

static const char tag[] = "<image>";

struct reader {
    struct chat *chat;
    const json_t *images; // list of paths; NULL: none
    size_t count;         // of pictures
    size_t next;          // picture to come
    bool numbered;        // the pictures are beside the row and named by number
    bool explicit;        // tags or parts say where they stand
    struct error *error;
};

#define BAD(reader, ...) error_set((reader)->error, ERROR_INPUT, __VA_ARGS__)

static const char *text_of(struct reader *reader, const json_t *value, const char *what) {
    if (!json_is_string(value)) {
        BAD(reader, "%s is %s", what, value ? "not a text" : "missing");
        return NULL;
    }
    if (strlen(json_string_value(value)) == json_string_length(value)) return json_string_value(value);
    BAD(reader, "%s holds a NUL character", what);
    return NULL;
}

// ---- pictures -------------------------------------------------------------------------------------------

static int add_path(struct reader *reader, const char *path) {
    if (!path) return -1;
    if (!path[0]) return BAD(reader, "the path of an image is empty");
    if (strstr(path, "://") || strncmp(path, "data:", 5) == 0)
        return BAD(reader, "images are read from files, not from \"%.60s\"", path);
    return chat_add_part(reader->chat, CHAT_IMAGE, path, reader->error);
}

static int add_next_image(struct reader *reader) {
    size_t index = reader->next++;
    if (index >= reader->count)
        return BAD(reader, "there are more places for images than images (%zu)", reader->count);
    if (reader->numbered) {
        char number[24];
        snprintf(number, sizeof number, "%zu", index);
        return add_path(reader, number);
    }
    const json_t *image = json_array_get(reader->images, index);
    if (json_is_object(image)) image = json_object_get(image, "path");
    return add_path(reader, text_of(reader, image, "the path of an image"));
}

static int add_text(struct reader *reader, const char *text) {
    return text[0] ? chat_add_part(reader->chat, CHAT_TEXT, text, reader->error) : 0;
}

// Text with a picture at every <image>. In a row without pictures the words mean nothing special.
static int add_tagged(struct reader *reader, const char *text) {
    const char *at;
    while (reader->count && (at = strstr(text, tag))) {
        char *before = memory_copy_string(text, (size_t)(at - text), reader->error);
        int failed = !before || add_text(reader, before) || add_next_image(reader);
        free(before);
        if (failed) return -1;
        reader->explicit = true;
        text = at + sizeof tag - 1;
    }
    return add_text(reader, text);
}

// ---- messages -------------------------------------------------------------------------------------------

static int add_part(struct reader *reader, const json_t *part) {
    const json_t *type = json_object_get(part, "type");
    const json_t *image = json_object_get(part, "image");
    if (!image) image = json_object_get(part, "image_url");
    if (json_is_object(image)) image = json_object_get(image, "url");
    bool is_image = json_is_string(type) ? strncmp(json_string_value(type), "image", 5) == 0 : image != NULL;
    if (!is_image) {
        const char *text = text_of(reader, json_object_get(part, "text"), "a part's \"text\"");
        return text ? add_text(reader, text) : -1;
    }
    reader->explicit = true;
    if (!json_is_string(image) || reader->numbered) return add_next_image(reader);
    return add_path(reader, text_of(reader, image, "the path of an image"));
}

static int add_content(struct reader *reader, const json_t *content, bool answer) {
    if (json_is_array(content)) {
        size_t i;
        json_t *part;
        json_array_foreach(content, i, part) {
            if (add_part(reader, part)) return -1;
        }
        return 0;
    }
    const char *text = text_of(reader, content, "a message's content");
    if (!text) return -1;
    return answer ? add_text(reader, text) : add_tagged(reader, text);
}

static int add_message(struct reader *reader, const char *role, const json_t *content) {
    if (!role || chat_add_message(reader->chat, role, reader->error)) return -1;
    return add_content(reader, content, strcmp(role, "assistant") == 0);
}

static int add_messages(struct reader *reader, const json_t *messages, const char *what) {
    size_t i;
    json_t *message;
    if (!json_is_array(messages) || json_array_size(messages) == 0)
        return BAD(reader, "%s is not a list of messages", what);
    json_array_foreach(messages, i, message) {
        const char *role = text_of(reader, json_object_get(message, "role"), "a message's role");
        if (add_message(reader, role, json_object_get(message, "content")))
            return error_prefix(reader->error, "%s[%zu]", what, i);
    }
    return 0;
}

static int add_turn(struct reader *reader, const json_t *value, const char *role, const char *what) {
    return json_is_array(value) ? add_messages(reader, value, what) : add_message(reader, role, value);
}

static int add_query(struct reader *reader, const json_t *row) {
    const json_t *system = json_object_get(row, "system"), *history = json_object_get(row, "history");
    if (json_is_string(system) && add_message(reader, "system", system)) return -1;
    size_t i;
    json_t *turn;
    json_array_foreach(history, i, turn) {
        if (add_message(reader, "user", json_array_get(turn, 0)) ||
            add_message(reader, "assistant", json_array_get(turn, 1)))
            return error_prefix(reader->error, "history[%zu]", i);
    }
    return add_message(reader, "user", json_object_get(row, "query")) ||
                   add_message(reader, "assistant", json_object_get(row, "response"))
               ? -1
               : 0;
}

// ---- GLOBE's rows ---------------------------------------------------------------------------------------

static int add_globe_turns(struct reader *reader, const char *answer) {
    struct locate_prompt prompt;
    if (locate_prompt_open(&prompt, "globe", NULL, reader->error)) return -1;
    int failed = chat_add_message(reader->chat, "user", reader->error) || add_text(reader, prompt.text) ||
                 chat_add_message(reader->chat, "assistant", reader->error) || add_text(reader, answer);
    locate_prompt_free(&prompt);
    return failed ? -1 : 0;
}

// What stands between <NAME> and </NAME> on one line, the first match; "" without one.
static void find_between(const char *text, const char *name, const char **value, size_t *length) {
    char open[16], close[16];
    snprintf(open, sizeof open, "<%s>", name);
    snprintf(close, sizeof close, "</%s>", name);
    *value = "";
    *length = 0;
    for (const char *at = strstr(text, open); at; at = strstr(at + 1, open)) {
        const char *start = at + strlen(open), *end = strstr(start, close);
        if (!end || memchr(start, '\n', (size_t)(end - start))) continue;
        *value = start;
        *length = (size_t)(end - start);
        return;
    }
}

static int add_globe(struct reader *reader, const json_t *row) {
    const char *reasoning = text_of(reader, json_object_get(row, "response"), "\"response\"");
    const char *solution = text_of(reader, json_object_get(row, "solution"), "\"solution\"");
    if (!reasoning || !solution) return -1;
    const char *country, *city;
    size_t country_length, city_length;
    find_between(solution, "country", &country, &country_length);
    find_between(solution, "city", &city, &city_length);
    if (!country_length) return BAD(reader, "\"solution\" names no <country>");
    struct buffer answer = {0};
    buffer_format(&answer, "<think>%s</think><answer>country: %.*s\ncity: %.*s</answer>", reasoning,
                  (int)country_length, country, (int)city_length, city);
    int result = answer.failed ? error_set(reader->error, ERROR_MEMORY, "row: out of memory")
                               : add_globe_turns(reader, answer.data);
    buffer_free(&answer);
    return result;
}

// ---- the row --------------------------------------------------------------------------------------------

static int find_images(struct reader *reader, const json_t *row, int images) {
    if (images >= 0) {
        reader->numbered = true;
        reader->count = (size_t)images;
        return 0;
    }
    const json_t *list = json_object_get(row, "images");
    if (!list || json_is_null(list)) return 0;
    if (!json_is_array(list)) return BAD(reader, "\"images\" is not a list");
    reader->images = list;
    reader->count = json_array_size(list);
    return 0;
}

// Pictures that nothing places go before the first user's text.
static int place_images(struct reader *reader) {
    struct chat *chat = reader->chat;
    if (reader->next < reader->count && reader->explicit)
        return BAD(reader, "%zu images, but places for %zu", reader->count, reader->next);
    if (reader->next >= reader->count) return 0;
    size_t user = 0;
    while (user < chat->count && strcmp(chat->messages[user].role, "user")) user++;
    if (user == chat->count) return BAD(reader, "there is no user's message");
    struct chat last = {&chat->messages[user], 1}; // chat_add_part adds to the last message
    struct chat *whole = reader->chat;
    size_t texts = last.messages->part_count;
    reader->chat = &last;
    int result = 0;
    while (result == 0 && reader->next < reader->count) result = add_next_image(reader);
    reader->chat = whole;
    if (result) return -1;
    struct chat_part *parts = last.messages->parts;
    for (size_t moved = 0; moved < texts; moved++) { // the texts to the end, in order
        struct chat_part first = parts[0];
        memmove(parts, parts + 1, (last.messages->part_count - 1) * sizeof *parts);
        parts[last.messages->part_count - 1] = first;
    }
    return 0;
}

static int check_chat(struct reader *reader) {
    const struct chat *chat = reader->chat;
    bool asked = false;
    for (size_t i = 0; i < chat->count; i++) {
        const struct chat_message *message = &chat->messages[i];
        bool answer = strcmp(message->role, "assistant") == 0;
        asked |= strcmp(message->role, "user") == 0;
        if (answer && message->part_count == 0) return BAD(reader, "the answer is empty: nothing to learn");
        for (size_t j = 0; answer && j < message->part_count; j++)
            if (message->parts[j].kind == CHAT_IMAGE) return BAD(reader, "an answer holds an image");
    }
    if (!asked) return BAD(reader, "there is no user's message");
    if (strcmp(chat->messages[chat->count - 1].role, "assistant"))
        return BAD(reader, "the last message is not the assistant's");
    return 0;
}

static int read_row(struct reader *reader, const json_t *row, int images) {
    if (!json_is_object(row)) return BAD(reader, "not a JSON object");
    if (find_images(reader, row, images)) return -1;
    int result;
    if (json_object_get(row, "messages"))
        result = add_messages(reader, json_object_get(row, "messages"), "messages");
    else if (json_object_get(row, "completion"))
        result = add_turn(reader, json_object_get(row, "prompt"), "user", "prompt") ||
                 add_turn(reader, json_object_get(row, "completion"), "assistant", "completion");
    else if (json_object_get(row, "query"))
        result = add_query(reader, row);
    else if (json_object_get(row, "solution"))
        result = add_globe(reader, row);
    else
        return BAD(reader, "none of the keys \"messages\", \"completion\", \"query\" or \"solution\"");
    return result || place_images(reader) || check_chat(reader) ? -1 : 0;
}

int row_parse(struct chat *chat, const char *json, size_t length, int images, struct error *error) {
    struct reader reader = {.chat = chat, .error = error};
    *chat = (struct chat){0};
    if (length > ROW_MAX_SIZE)
        return error_set(error, ERROR_LIMIT, "%zu bytes, more than the %d of a row", length,
                         (int)ROW_MAX_SIZE);
    json_t *row = json_read_buffer(json, length, "the row", error);
    if (!row) return -1;
    int result = read_row(&reader, row, images);
    json_decref(row);
    if (result) chat_free(chat);
    return result;
}

int row_from_text(struct chat *chat, const char *answer, int images, struct error *error) {
    struct reader reader = {.chat = chat, .numbered = true, .count = (size_t)images, .error = error};
    *chat = (struct chat){0};
    int result = add_globe_turns(&reader, answer) || place_images(&reader) || check_chat(&reader) ? -1 : 0;
    if (result) chat_free(chat);
    return result;
}
