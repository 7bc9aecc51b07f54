// A chat from JSON: the message list that the datasets and the OpenAI API share.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "text/chat.h"

// Where we are, for messages: "NAME: messages[i].content[j]".
struct place {
    const char *name;
    size_t message, part;
    struct error *error;
};

static const char *kind_of(const json_t *value) {
    static const char *const kinds[] = {"an object", "a list", "a string", "a number",
                                        "a number",  "true",   "false",    "null"};
    return value ? kinds[json_typeof(value)] : "missing";
}

// The chat's own errors (roles, limits) know no file.
static int locate(const struct place *place, int result) {
    return result ? error_prefix(place->error, "%s: messages[%zu]", place->name, place->message) : 0;
}

static int part_error(const struct place *place, const char *what, const json_t *value) {
    return error_set(place->error, ERROR_INPUT, "%s: messages[%zu].content[%zu]: %s is %s", place->name,
                     place->message, place->part, what, kind_of(value));
}

// Strings of ours end at a NUL, so one inside would silently cut the text.
static bool holds_nul(const json_t *string) {
    return strlen(json_string_value(string)) != json_string_length(string);
}

static int add_string(struct chat *chat, enum chat_part_kind kind, const json_t *string,
                      const struct place *place) {
    if (holds_nul(string))
        return error_set(place->error, ERROR_INPUT, "%s: messages[%zu]: a text holds a NUL character",
                         place->name, place->message);
    return locate(place, chat_add_part(chat, kind, json_string_value(string), place->error));
}

static int read_image(struct chat *chat, const json_t *part, const struct place *place) {
    const json_t *image = json_object_get(part, "image");
    if (!image) image = json_object_get(part, "image_url");
    if (json_is_object(image)) image = json_object_get(image, "url");
    if (!json_is_string(image)) return part_error(place, "the image's path or URL", image);
    if (json_string_length(image) == 0)
        return error_set(place->error, ERROR_INPUT,
                         "%s: messages[%zu].content[%zu]: the image's path is empty", place->name,
                         place->message, place->part);
    return add_string(chat, CHAT_IMAGE, image, place);
}

static int read_text(struct chat *chat, const json_t *part, const struct place *place) {
    const json_t *text = json_object_get(part, "text");
    if (!json_is_string(text)) return part_error(place, "\"text\"", text);
    return add_string(chat, CHAT_TEXT, text, place);
}

static int read_part(struct chat *chat, const json_t *part, const struct place *place) {
    if (!json_is_object(part)) return part_error(place, "the part", part);
    const json_t *type = json_object_get(part, "type");
    if (type && !json_is_string(type)) return part_error(place, "\"type\"", type);
    const char *name = json_string_value(type);
    if (!name) // as in the template, the key tells
        name = json_object_get(part, "image") || json_object_get(part, "image_url") ? "image" : "text";
    if (!strcmp(name, "image") || !strcmp(name, "image_url")) return read_image(chat, part, place);
    if (!strcmp(name, "text")) return read_text(chat, part, place);
    return error_set(place->error, ERROR_INPUT,
                     "%s: messages[%zu].content[%zu]: the type is \"%s\", expected text, image or image_url",
                     place->name, place->message, place->part, name);
}

static int read_message(struct chat *chat, const json_t *message, struct place *place) {
    const json_t *role = json_object_get(message, "role"), *content = json_object_get(message, "content");
    if (!json_is_object(message))
        return error_set(place->error, ERROR_INPUT, "%s: messages[%zu] is %s, expected an object",
                         place->name, place->message, kind_of(message));
    if (!json_is_string(role))
        return error_set(place->error, ERROR_INPUT, "%s: messages[%zu].role is %s, expected a string",
                         place->name, place->message, kind_of(role));
    if (locate(place, chat_add_message(chat, json_string_value(role), place->error))) return -1;
    if (json_is_string(content)) return add_string(chat, CHAT_TEXT, content, place);
    if (!json_is_array(content))
        return error_set(place->error, ERROR_INPUT,
                         "%s: messages[%zu].content is %s, expected a string or a list", place->name,
                         place->message, kind_of(content));
    json_t *part;
    json_array_foreach(content, place->part, part) {
        if (read_part(chat, part, place)) return -1;
    }
    return 0;
}

static int read_messages(struct chat *chat, const json_t *root, const char *name, struct error *error) {
    struct place place = {.name = name, .error = error};
    json_t *message;
    if (!json_is_array(root))
        return error_set(error, ERROR_INPUT, "%s: %s, expected a list of messages", name, kind_of(root));
    if (json_array_size(root) == 0)
        return error_set(error, ERROR_INPUT, "%s: the list of messages is empty", name);
    json_array_foreach(root, place.message, message) {
        if (read_message(chat, message, &place)) return -1;
    }
    return 0;
}

int chat_read_json(struct chat *chat, const char *json, size_t length, const char *name,
                   struct error *error) {
    *chat = (struct chat){0};
    if (length > CHAT_MAX_FILE)
        return error_set(error, ERROR_LIMIT, "%s: %zu bytes of JSON, the limit is %d", name, length,
                         (int)CHAT_MAX_FILE);
    json_t *root = json_read_buffer(json, length, name, error);
    if (!root) return -1;
    int result = read_messages(chat, root, name, error);
    json_decref(root);
    if (result) chat_free(chat);
    return result;
}

int chat_read_file(struct chat *chat, const char *path, struct error *error) {
    size_t length;
    *chat = (struct chat){0};
    char *json = file_read(path, CHAT_MAX_FILE, &length, error);
    if (!json) return -1;
    int result = chat_read_json(chat, json, length, path, error);
    free(json);
    return result;
}
