// A chat from JSON: the message list that the datasets and the OpenAI API share.
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/warnings.h"
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

static int bad_part(const struct place *place, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int bad_part(const struct place *place, const char *format, ...) {
    char what[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(place->error, ERROR_INPUT, "%s: messages[%zu].content[%zu]: %s", place->name,
                     place->message, place->part, what);
}

static bool is_listed(const char *const *keys, const char *key) {
    for (; *keys; keys++)
        if (strcmp(*keys, key) == 0) return true;
    return false;
}

// The first key that is set and in no list, or NULL.
static const char *find_unknown(const json_t *object, const char *const *known) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        if (!is_listed(known, key) && !json_is_unset(value)) return key;
    }
    return NULL;
}

// ---- parts

static int read_size(const struct place *place, const json_t *part, const char *key, size_t *value) {
    char name[200];
    int64_t number = 0;
    snprintf(name, sizeof name, "%.120s: messages[%zu].content[%zu]", place->name, place->message,
             place->part);
    if (json_get_integer(part, key, 1, INT32_MAX, &number, name, place->error)) return -1;
    *value = (size_t)number;
    return 0;
}

static int read_sizes(struct chat *chat, const json_t *part, const struct place *place) {
    struct chat_size size = {0};
    if (read_size(place, part, "min_pixels", &size.min_pixels) ||
        read_size(place, part, "max_pixels", &size.max_pixels) ||
        read_size(place, part, "resized_height", &size.resized_height) ||
        read_size(place, part, "resized_width", &size.resized_width))
        return -1;
    if (!size.resized_height != !size.resized_width)
        return bad_part(place, "%s is given without the other side",
                        size.resized_height ? "resized_height" : "resized_width");
    if (size.min_pixels && size.max_pixels && size.min_pixels > size.max_pixels)
        return bad_part(place, "min_pixels is more than max_pixels");
    struct chat_message *message = &chat->messages[chat->count - 1];
    message->parts[message->part_count - 1].size = size;
    return 0;
}

static int read_image(struct chat *chat, const json_t *part, const struct place *place) {
    static const char *const known[] = {"type",       "image",          "image_url",     "min_pixels",
                                        "max_pixels", "resized_height", "resized_width", NULL};
    static const char *const url_keys[] = {"url", "detail", NULL};
    const char *unknown = find_unknown(part, known);
    if (unknown) return bad_part(place, "\"%.80s\" is not known for an image", unknown);
    const json_t *image = json_object_get(part, "image");
    if (!image)
        image = json_object_get(part, "image_url");
    else if (!json_is_unset(json_object_get(part, "image_url")))
        return bad_part(place, "image and image_url: one of them");
    if (json_is_object(image)) {
        const char *detail = json_string_value(json_object_get(image, "detail"));
        if (detail && strcmp(detail, "auto") != 0 && strcmp(detail, "high") != 0)
            return bad_part(
                place, "\"detail\": \"%.60s\" is not supported (max_pixels makes an image smaller)", detail);
        unknown = json_object_get(image, "url") ? find_unknown(image, url_keys) : NULL;
        if (unknown) return bad_part(place, "\"%.80s\" is not known for an image", unknown);
        image = json_object_get(image, "url");
    }
    if (!json_is_string(image)) return part_error(place, "the image's path or URL", image);
    if (json_string_length(image) == 0)
        return error_set(place->error, ERROR_INPUT,
                         "%s: messages[%zu].content[%zu]: the image's path is empty", place->name,
                         place->message, place->part);
    return add_string(chat, CHAT_IMAGE, image, place) || read_sizes(chat, part, place) ? -1 : 0;
}

static int read_text(struct chat *chat, const json_t *part, const struct place *place) {
    static const char *const known[] = {"type", "text", "annotations", NULL};
    const json_t *text = json_object_get(part, "text");
    const char *unknown = find_unknown(part, known);
    if (unknown && strstr(unknown, "video")) return bad_part(place, "%s: videos are not supported", unknown);
    if (unknown) return bad_part(place, "\"%.80s\" is not known for a text", unknown);
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
    if (strstr(name, "video"))
        return bad_part(place, "the type is \"%.60s\": videos are not supported", name);
    return bad_part(place, "the type is \"%.60s\", expected text, image or image_url", name);
}

static int read_message(struct chat *chat, const json_t *message, struct place *place) {
    const json_t *role = json_object_get(message, "role"), *content = json_object_get(message, "content");
    if (!json_is_object(message))
        return error_set(place->error, ERROR_INPUT, "%s: messages[%zu] is %s, expected an object",
                         place->name, place->message, kind_of(message));
    if (!json_is_string(role))
        return error_set(place->error, ERROR_INPUT, "%s: messages[%zu].role is %s, expected a string",
                         place->name, place->message, kind_of(role));
    // "name" and the rest of the known ones: the published template does not write them either.
    static const char *const known[] = {"role",       "content",   "name", "id", "created",
                                        "created_at", "timestamp", "uuid", NULL};
    const char *unknown = find_unknown(message, known);
    if (unknown)
        return error_set(place->error, ERROR_INPUT,
                         "%s: messages[%zu]: \"%.80s\" is not known, and it is set", place->name,
                         place->message, unknown);
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
    if (json_is_object(root) && json_object_get(root, "messages"))
        return error_set(error, ERROR_INPUT, "%s: an object, expected the list that its \"messages\" holds",
                         name);
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
