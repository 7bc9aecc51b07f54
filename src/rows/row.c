#include "rows/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "rows/row_internal.h"
#include "text/prompts.h"

static const char tag[] = "<image>";

struct reader {
    struct chat *chat;
    enum row_chat mode;
    const json_t *images; // list of paths, or a single one; NULL: none
    size_t count;         // of pictures
    size_t next;          // picture to come
    bool numbered;        // the pictures are beside the row and named by number
    bool explicit;        // tags or parts say where they stand
    struct row_notes *notes;
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
    const json_t *image =
        json_is_array(reader->images) ? json_array_get(reader->images, index) : reader->images;
    if (json_is_object(image)) image = json_object_get(image, "path");
    return add_path(reader, text_of(reader, image, "the path of an image"));
}

static int add_text(struct reader *reader, const char *text) {
    return text[0] ? chat_add_part(reader->chat, CHAT_TEXT, text, reader->error) : 0;
}

// Text with a picture at every <image>.
static int add_tagged(struct reader *reader, const char *text) {
    const char *at;
    while ((at = strstr(text, tag))) {
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

// The value of a part that holds its picture: the path, {"url": ...} of one, or NULL.
static const json_t *part_image(const json_t *part) {
    static const char *const keys[] = {"image", "image_url", "path", "url"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *image = json_object_get(part, keys[i]);
        if (json_is_object(image) && json_object_get(image, "url")) image = json_object_get(image, "url");
        if (json_is_object(image)) image = json_object_get(image, "path");
        if (row_is_set(image)) return image;
    }
    return NULL;
}

static int add_image_part(struct reader *reader, const json_t *image) {
    reader->explicit = true;
    if (!image || reader->numbered) return add_next_image(reader);
    return add_path(reader, text_of(reader, image, "the path of an image"));
}

static int add_part(struct reader *reader, const json_t *part, bool answer) {
    const json_t *type = json_object_get(part, "type"), *text = json_object_get(part, "text");
    const json_t *image = part_image(part);
    if (!json_is_object(part)) return BAD(reader, "a part of the content is not an object");
    if (row_check_part(part, reader->notes, reader->error)) return -1;
    const char *name = row_is_set(type) ? text_of(reader, type, "a part's type") : image ? "image" : "text";
    if (!name) return -1;
    bool is_image = !strcmp(name, "image") || !strcmp(name, "image_url") || !strcmp(name, "input_image");
    if (!is_image && strcmp(name, "text") && strcmp(name, "input_text") && strcmp(name, "output_text"))
        return BAD(reader, "a part's type is \"%.40s\", expected text or image", name);
    if (is_image ? row_is_set(text) : image != NULL)
        return BAD(reader, "a part of type \"%s\" holds a text and an image", name);
    if (is_image) return add_image_part(reader, image);
    const char *words = text_of(reader, text, "a part's \"text\"");
    return !words ? -1 : answer ? add_text(reader, words) : add_tagged(reader, words);
}

static int add_content(struct reader *reader, const json_t *content, bool answer) {
    if (json_is_array(content)) {
        size_t i;
        json_t *part;
        json_array_foreach(content, i, part) {
            if (add_part(reader, part, answer)) return -1;
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

// ShareGPT's names for those who speak; others are roles already, or none.
static const char *role_of(const char *from) {
    static const char *const names[][2] = {{"human", "user"},
                                           {"gpt", "assistant"},
                                           {"chatgpt", "assistant"},
                                           {"bot", "assistant"},
                                           {"model", "assistant"}};
    for (size_t i = 0; from && i < sizeof names / sizeof *names; i++)
        if (strcmp(from, names[i][0]) == 0) return names[i][1];
    return from;
}

// {"role", "content"} or {"from", "value"}, and whether it is to be learnt.
static int add_turn_object(struct reader *reader, const json_t *message) {
    const json_t *from = json_object_get(message, "from"), *role = json_object_get(message, "role");
    bool shared = !row_is_set(role) && row_is_set(from), learnt = true, asked = false;
    const char *name = shared ? role_of(text_of(reader, from, "a message's \"from\""))
                              : text_of(reader, role, "a message's role");
    if (!name || row_check_message(message, reader->notes, reader->error) ||
        row_read_learnt(message, &learnt, reader->error) || row_read_learnt(message, &asked, reader->error) ||
        add_message(reader, name, json_object_get(message, shared ? "value" : "content")))
        return -1;
    bool answer = strcmp(name, "assistant") == 0;
    if (!answer && asked) return BAD(reader, "is to be learnt, but only answers of the assistant can be");
    reader->chat->messages[reader->chat->count - 1].not_learnt = answer && !learnt;
    return 0;
}

static int add_messages(struct reader *reader, const json_t *messages, const char *what) {
    size_t i;
    json_t *message;
    if (!json_is_array(messages) || json_array_size(messages) == 0)
        return BAD(reader, "%s is not a list of messages", what);
    json_array_foreach(messages, i, message) {
        if (add_turn_object(reader, message)) return error_prefix(reader->error, "%s[%zu]", what, i);
    }
    return 0;
}

static int add_turn(struct reader *reader, const json_t *value, const char *role, const char *what) {
    return json_is_array(value) ? add_messages(reader, value, what) : add_message(reader, role, value);
}

// The system's text beside a conversation stands before it, unless that begins with the same.
static int add_system(struct reader *reader, const json_t *row, const json_t *messages) {
    const json_t *system = json_object_get(row, "system"), *first = json_array_get(messages, 0);
    if (!row_is_set(system)) return 0;
    const json_t *role = json_object_get(first, "role"), *content = json_object_get(first, "content");
    if (!row_is_set(role)) role = json_object_get(first, "from"), content = json_object_get(first, "value");
    if (!json_is_string(role) || strcmp(json_string_value(role), "system"))
        return add_message(reader, "system", system);
    return json_equal(system, content) ? 0 : BAD(reader, "\"system\" is not the system's message");
}

static int add_query(struct reader *reader, const json_t *row) {
    const json_t *history = json_object_get(row, "history");
    if (add_system(reader, row, NULL)) return -1;
    size_t i;
    json_t *turn;
    json_array_foreach(history, i, turn) {
        if (add_message(reader, "user", json_array_get(turn, 0)) ||
            add_message(reader, "assistant", json_array_get(turn, 1)))
            return error_prefix(reader->error, "history[%zu]", i);
    }
    const json_t *answer = json_object_get(row, "response");
    if (add_message(reader, "user", json_object_get(row, "query"))) return -1;
    return reader->mode == ROW_CHAT_LEARNT || row_is_set(answer) ? add_message(reader, "assistant", answer)
                                                                 : 0;
}

// ---- GLOBE's rows ---------------------------------------------------------------------------------------

// An answer of NULL: the question alone.
static int add_globe_turns(struct reader *reader, const char *answer) {
    struct locate_prompt prompt;
    if (locate_prompt_open(&prompt, "globe", NULL, reader->error)) return -1;
    int failed = chat_add_message(reader->chat, "user", reader->error) || add_text(reader, prompt.text);
    if (answer && !failed)
        failed = chat_add_message(reader->chat, "assistant", reader->error) || add_text(reader, answer);
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

struct row_solution row_read_solution(const char *text) {
    struct row_solution found;
    const char *tab = strchr(text, '\t');
    find_between(text, "country", &found.country, &found.country_length);
    find_between(text, "city", &found.city, &found.city_length);
    if (found.country_length || found.city_length || !tab) return found;
    return (struct row_solution){text, tab + 1, (size_t)(tab - text), strlen(tab + 1)};
}

static int add_globe(struct reader *reader, const json_t *row) {
    if (reader->mode != ROW_CHAT_LEARNT && !row_is_set(json_object_get(row, "response")))
        return add_globe_turns(reader, NULL);
    const char *reasoning = text_of(reader, json_object_get(row, "response"), "\"response\"");
    const char *solution = text_of(reader, json_object_get(row, "solution"), "\"solution\"");
    if (!reasoning || !solution) return -1;
    struct row_solution named = row_read_solution(solution);
    if (!named.country_length) return BAD(reader, "\"solution\" names no <country>");
    struct buffer answer = {0};
    buffer_format(&answer, "<think>%s</think><answer>country: %.*s\ncity: %.*s</answer>", reasoning,
                  (int)named.country_length, named.country, (int)named.city_length, named.city);
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
    if (row_find_pictures(row, &reader->images, reader->error)) return -1;
    reader->count = json_is_array(reader->images) ? json_array_size(reader->images) : reader->images != NULL;
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

static int check_texts(struct reader *reader, const struct chat_message *message) {
    bool answer = strcmp(message->role, "assistant") == 0;
    for (size_t j = 0; j < message->part_count; j++) {
        const struct chat_part *part = &message->parts[j];
        const char *found = part->kind == CHAT_TEXT ? row_find_placeholder(part->text) : NULL;
        if (answer && part->kind == CHAT_IMAGE) return BAD(reader, "an answer holds an image");
        if (found && answer)
            return BAD(reader, "an answer holds \"%s\", which would be learnt as text", found);
        if (found)
            return BAD(reader, "\"%s\" would be read as text: a picture's place is written <image>", found);
    }
    return 0;
}

static int check_chat(struct reader *reader) {
    struct chat *chat = reader->chat;
    bool asked = false, learnt = false;
    while (reader->mode == ROW_CHAT_QUESTION && chat->count &&
           strcmp(chat->messages[chat->count - 1].role, "assistant") == 0)
        chat_drop_last(chat);
    for (size_t i = 0; i < chat->count; i++) {
        const struct chat_message *message = &chat->messages[i];
        bool answer = strcmp(message->role, "assistant") == 0;
        asked |= strcmp(message->role, "user") == 0;
        learnt |= answer && !message->not_learnt;
        if (answer && message->part_count == 0) return BAD(reader, "the answer is empty: nothing to learn");
        if (check_texts(reader, message)) return -1;
    }
    if (!asked) return BAD(reader, "there is no user's message");
    const char *last = chat->messages[chat->count - 1].role;
    bool answered = strcmp(last, "assistant") == 0;
    if (reader->mode != ROW_CHAT_LEARNT)
        return answered || strcmp(last, "user") == 0
                   ? 0
                   : BAD(reader, "the last message is neither the user's nor the assistant's");
    if (!answered) return BAD(reader, "the last message is not the assistant's");
    return learnt ? 0 : BAD(reader, "no answer is to be learnt (loss, weight, train ...)");
}

// One conversation in one form; a second one beside it would be lost.
static const char *find_form(struct reader *reader, const json_t *row) {
    static const char *const forms[] = {"messages", "conversations", "completion", "query", "solution"};
    const char *form = NULL;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!json_object_get(row, forms[i]) || json_is_null(json_object_get(row, forms[i]))) continue;
        if (!form)
            form = forms[i];
        else if (i < 4) { // "solution" is also what is known of a picture
            BAD(reader, "two conversations, \"%s\" and \"%s\"", form, forms[i]);
            return NULL;
        }
    }
    if (!form && reader->mode != ROW_CHAT_LEARNT)
        form = row_is_set(json_object_get(row, "prompt")) ? "prompt" : "solution"; // GLOBE's question
    if (!form)
        BAD(reader, "none of the keys \"messages\", \"conversations\", \"completion\", \"query\" or "
                    "\"solution\"");
    else if (strcmp(form, "query") && row_is_set(json_object_get(row, "history"))) {
        BAD(reader, "\"history\" goes with \"query\", not with \"%s\"", form);
        return NULL;
    }
    return form;
}

// Texts that another form would read: a copy of the conversation, or something that gets lost.
static void note_others(const struct reader *reader, const json_t *row, const char *form) {
    bool globe = row_is_set(json_object_get(row, "solution"));
    if (strcmp(form, "completion") && strcmp(form, "prompt") && row_is_set(json_object_get(row, "prompt")))
        row_note(reader->notes, "", "prompt");
    if (strcmp(form, "query") && !globe && row_is_set(json_object_get(row, "response")))
        row_note(reader->notes, "", "response");
}

static int read_chat(struct reader *reader, const json_t *row, int images) {
    bool learnt = true;
    const char *form = find_form(reader, row);
    if (!form || row_read_learnt(row, &learnt, reader->error) || find_images(reader, row, images)) return -1;
    const json_t *value = json_object_get(row, form), *prompt = json_object_get(row, "prompt");
    int result;
    note_others(reader, row, form);
    if (!strcmp(form, "messages") || !strcmp(form, "conversations"))
        result = add_system(reader, row, value) || add_messages(reader, value, form);
    else if (!strcmp(form, "prompt"))
        result = add_system(reader, row, prompt) || add_turn(reader, prompt, "user", "prompt");
    else if (!strcmp(form, "completion"))
        result = add_system(reader, row, prompt) || add_turn(reader, prompt, "user", "prompt") ||
                 add_turn(reader, value, "assistant", "completion");
    else if (!strcmp(form, "query"))
        result = add_query(reader, row);
    else
        result = add_system(reader, row, NULL) || add_globe(reader, row);
    for (size_t i = 0; !learnt && i < reader->chat->count; i++) reader->chat->messages[i].not_learnt = true;
    return result || place_images(reader) || check_chat(reader) ? -1 : 0;
}

static int read_row(struct row *row, const json_t *json, const struct row_options *options,
                    struct row_notes *notes, struct error *error) {
    struct reader reader = {.chat = &row->chat, .mode = options->chat, .notes = notes, .error = error};
    if (!json_is_object(json))
        return options->name ? BAD(&reader, "not an object") : BAD(&reader, "not a JSON object");
    // What is missing is told before what is there besides.
    if (options->chat != ROW_CHAT_NONE && !find_form(&reader, json)) return -1;
    if (row_check_keys(json, options, notes, error)) return -1;
    if (options->chat != ROW_CHAT_NONE && read_chat(&reader, json, options->images)) return -1;
    return 0;
}

int row_read(struct row *row, const char *json, size_t length, const struct row_options *options,
             struct row_notes *notes, struct error *error) {
    const char *name = options->name;
    *row = (struct row){0};
    if (length > ROW_MAX_SIZE)
        return error_set(error, ERROR_LIMIT, "%s%s%zu bytes, more than the %d of a row", name ? name : "",
                         name ? ": " : "", length, (int)ROW_MAX_SIZE);
    json_t *object = json_read_buffer(json, length, name ? name : "the row", error);
    if (!object) return -1;
    int result = read_row(row, object, options, notes, error);
    if (result && name) error_prefix(error, "%s", name);
    if (result == 0 && options->truth)
        result = truth_take(&row->truth, object, options, name ? name : "the row", error);
    if (options->json) row->json = json_incref(object);
    json_decref(object);
    const struct chat *chat = &row->chat;
    row->answered = chat->count && strcmp(chat->messages[chat->count - 1].role, "assistant") == 0;
    if (result) row_free(row);
    return result;
}

void row_free(struct row *row) {
    chat_free(&row->chat);
    truth_clear(&row->truth);
    json_decref(row->json);
    *row = (struct row){0};
}

int row_parse(struct chat *chat, const char *json, size_t length, int images, struct row_notes *notes,
              struct error *error) {
    struct row row;
    int result = row_read(&row, json, length, &(struct row_options){.images = images}, notes, error);
    *chat = row.chat;
    return result;
}

int row_from_text(struct chat *chat, const char *answer, int images, struct error *error) {
    struct reader reader = {.chat = chat, .numbered = true, .count = (size_t)images, .error = error};
    *chat = (struct chat){0};
    int result = add_globe_turns(&reader, answer) || place_images(&reader) || check_chat(&reader) ? -1 : 0;
    if (result) chat_free(chat);
    return result;
}
