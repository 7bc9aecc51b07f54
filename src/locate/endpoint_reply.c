#include "locate/endpoint_reply.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"

enum {
    LONGEST_WORDS = 240, // of the server's message
    LOOK_AHEAD = 16,     // bytes; see place_tokens
    FURTHEST_AHEAD = 256
};
static const char REPLY[] = "the reply"; // in messages

enum endpoint_outcome endpoint_judge_status(long status) {
    if (status >= 200 && status < 300) return ENDPOINT_ANSWERED;
    if (status == 400 || status == 422) return ENDPOINT_REFUSED;
    bool passing = status == 408 || status == 409 || status == 425 || status == 429 ||
                   (status >= 500 && status < 600 && status != 501 && status != 505);
    return passing ? ENDPOINT_PASSING : ENDPOINT_FAILED;
}

static enum endpoint_outcome bad(struct error *error, const char *what) {
    error_set(error, ERROR_NETWORK, "%s %s", REPLY, what);
    return ENDPOINT_FAILED;
}

static enum endpoint_outcome no_memory(struct error *error) {
    error_set(error, ERROR_MEMORY, "not enough memory for the reply");
    return ENDPOINT_FAILED;
}

// For errors of json_get_*.
static enum endpoint_outcome bad_field(struct error *error) {
    if (error) error->code = ERROR_NETWORK;
    return ENDPOINT_FAILED;
}

static void choice_free(struct endpoint_choice *choice) {
    buffer_free(&choice->text);
    buffer_free(&choice->pieces);
    free(choice->log_probs);
    free(choice->ends);
    free(choice->piece_ends);
}

void endpoint_reply_free(struct endpoint_reply *reply) {
    for (size_t i = 0; i < reply->count; i++) choice_free(&reply->choices[i]);
    free(reply->choices);
    buffer_free(&reply->event);
    buffer_free(&reply->line);
    *reply = (struct endpoint_reply){0};
}

static bool make_choices(struct endpoint_reply *reply, size_t count, struct error *error) {
    reply->choices = memory_new(count, sizeof *reply->choices, "reply", error);
    if (!reply->choices) return false;
    reply->count = count;
    return true;
}

// ---- the server's own words ----

// The usual places: {"error": {"message"}}, {"error": ".."}, {"message"}, {"detail"}.
static const char *find_words(const json_t *root) {
    const json_t *error = json_object_get(root, "error");
    const json_t *places[] = {json_object_get(error, "message"), error, json_object_get(root, "message"),
                              json_object_get(root, "detail")};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (json_is_string(places[i])) return json_string_value(places[i]);
    return NULL;
}

// Servers that complain of a request like to quote it: the picture is cut off.
static void shorten(const char *text, size_t length, char *words, size_t size) {
    if (length > LONGEST_WORDS) length = LONGEST_WORDS;
    const char *picture = memmem(text, length, "data:image", strlen("data:image"));
    if (picture) length = (size_t)(picture - text);
    while (length && (text[length - 1] == '\n' || text[length - 1] == ' ')) length--;
    snprintf(words, size, "%.*s", (int)length, text);
}

void endpoint_reply_words(const char *body, size_t length, char *words, size_t size) {
    words[0] = 0;
    if (length == 0) return;
    json_t *root = json_loadb(body, length, 0, NULL);
    const char *found = root ? find_words(root) : NULL;
    if (found)
        shorten(found, strlen(found), words, size);
    else if (!root && length <= LONGEST_WORDS && body[0] != '<') // a line of plain text, no web page
        shorten(body, length, words, size);
    json_decref(root);
}

// A reply that reports an error although its status was 200: streams have no other way.
static enum endpoint_outcome reported_error(const json_t *root, struct error *error) {
    const json_t *reported = json_object_get(root, "error");
    if (!reported || json_is_null(reported)) return ENDPOINT_ANSWERED;
    char words[LONGEST_WORDS + 1] = "nothing more";
    const char *found = find_words(root);
    if (found) shorten(found, strlen(found), words, sizeof words);
    error_set(error, ERROR_NETWORK, "the server reports an error: %s", words);
    const json_t *code = json_object_get(reported, "code");
    enum endpoint_outcome outcome =
        json_is_integer(code) ? endpoint_judge_status((long)json_integer_value(code)) : ENDPOINT_FAILED;
    return outcome == ENDPOINT_ANSWERED ? ENDPOINT_FAILED : outcome;
}

// ---- text ----

static enum endpoint_outcome add_parts(struct endpoint_choice *choice, const json_t *parts,
                                       struct error *error) {
    size_t index;
    const json_t *part;
    json_array_foreach(parts, index, part) {
        const json_t *text = json_object_get(part, "text");
        if (!json_is_string(text)) return bad(error, "has a part of \"content\" that is no text");
        buffer_add(&choice->text, json_string_value(text), json_string_length(text));
    }
    return ENDPOINT_ANSWERED;
}

// "content" of a message or of a stream's delta: a string, a list of texts, or null (nothing was said).
static enum endpoint_outcome add_content(struct endpoint_choice *choice, const json_t *content,
                                         struct error *error) {
    if (json_is_array(content)) return add_parts(choice, content, error);
    if (json_is_string(content))
        buffer_add(&choice->text, json_string_value(content), json_string_length(content));
    else if (content && !json_is_null(content))
        return bad(error, "has a \"content\" that is no text");
    return ENDPOINT_ANSWERED;
}

static enum endpoint_outcome read_ending(struct endpoint_choice *choice, const json_t *json, bool *ended,
                                         struct error *error) {
    const char *reason = NULL;
    if (json_get_string(json, "finish_reason", &reason, REPLY, error)) return bad_field(error);
    if (reason) {
        choice->truncated = strcmp(reason, "length") == 0;
        if (ended) *ended = true;
    }
    return ENDPOINT_ANSWERED;
}

// ---- log-probs ----

static bool reserve_token(struct endpoint_choice *choice, struct error *error) {
    if (choice->listed < choice->capacity) return true;
    size_t capacity = choice->capacity ? choice->capacity * 2 : 256;
    float *log_probs = memory_grow(choice->log_probs, capacity, sizeof *log_probs, "log-probs", error);
    if (!log_probs) return false;
    choice->log_probs = log_probs;
    size_t *ends = memory_grow(choice->piece_ends, capacity, sizeof *ends, "log-probs", error);
    if (!ends) return false;
    choice->piece_ends = ends;
    choice->capacity = capacity;
    return true;
}

// A token's bytes; the list is more exact than the string, which cannot hold half a character.
static bool add_piece(struct buffer *pieces, const json_t *token) {
    const json_t *bytes = json_object_get(token, "bytes"), *text = json_object_get(token, "token");
    size_t index;
    const json_t *value;
    if (json_is_array(bytes)) {
        json_array_foreach(bytes, index, value) {
            json_int_t number = json_integer_value(value);
            if (!json_is_integer(value) || number < 0 || number > 255) return false;
            buffer_add(pieces, &(char){(char)number}, 1);
        }
        return true;
    }
    if (!json_is_string(text)) return false;
    buffer_add(pieces, json_string_value(text), json_string_length(text));
    return true;
}

static enum endpoint_outcome add_token(struct endpoint_choice *choice, const json_t *token,
                                       struct error *error) {
    const json_t *log_prob = json_object_get(token, "logprob");
    // A little above 0 is rounding. What is impossible is written as -9999 by some and -1e30 by others.
    double value = json_number_value(log_prob);
    if (!json_is_number(log_prob) || value > 1e-3 || value < -3e38)
        return bad(error, "has a token without a log-prob");
    if (choice->listed >= ENDPOINT_MOST_TOKENS) return bad(error, "has more tokens than can be");
    if (!reserve_token(choice, error)) return ENDPOINT_FAILED;
    if (!add_piece(&choice->pieces, token)) return bad(error, "has a token without its text");
    choice->log_probs[choice->listed] = value > 0 ? 0 : (float)value;
    choice->piece_ends[choice->listed++] = choice->pieces.length;
    return ENDPOINT_ANSWERED;
}

static enum endpoint_outcome add_tokens(struct endpoint_choice *choice, const json_t *log_probs,
                                        struct error *error) {
    const json_t *tokens = json_object_get(log_probs, "content");
    if (!tokens || json_is_null(tokens)) return ENDPOINT_ANSWERED;
    if (!json_is_array(tokens)) return bad(error, "has \"logprobs\" without a list of tokens");
    size_t index;
    const json_t *token;
    json_array_foreach(tokens, index, token) {
        enum endpoint_outcome outcome = add_token(choice, token, error);
        if (outcome != ENDPOINT_ANSWERED) return outcome;
    }
    return ENDPOINT_ANSWERED;
}

// The end of `piece` in text, looked for in the `window` bytes from `at` on; 0 when it is not there.
static size_t find_piece(const struct buffer *text, size_t at, size_t window, const char *piece,
                         size_t length) {
    if (window > text->length - at) window = text->length - at;
    const char *found = length ? memmem(text->data + at, window, piece, length) : NULL;
    return found ? (size_t)(found - text->data) + length : 0;
}

// Finds each token in the text. Not all are there: the end of the turn is left out, stray bytes have become
// U+FFFD, and of a character made of several tokens some servers list no part. What is not found ends where
// the token before it does, and the next is looked for a little further ahead.
static enum endpoint_outcome place_tokens(struct endpoint_choice *choice, struct error *error) {
    if (choice->listed == 0) return ENDPOINT_ANSWERED;
    choice->ends = memory_new(choice->listed, sizeof *choice->ends, "log-probs", error);
    if (!choice->ends) return ENDPOINT_FAILED;
    const struct buffer *text = &choice->text;
    struct buffer valid = {0};
    size_t at = 0, start = 0, ahead = LOOK_AHEAD;
    for (size_t i = 0; i < choice->listed; i++) {
        const char *piece = choice->pieces.data + start;
        size_t length = choice->piece_ends[i] - start;
        size_t found = find_piece(text, at, ahead + length, piece, length);
        if (!found && length <= LOOK_AHEAD) {
            buffer_clear(&valid);
            utf8_add_valid(&valid, piece, length);
            found = find_piece(text, at, ahead + valid.length, valid.data, valid.length);
        }
        if (found) at = found;
        ahead = found ? LOOK_AHEAD : ahead + 3 * length; // U+FFFD takes three bytes
        if (ahead > FURTHEST_AHEAD) ahead = FURTHEST_AHEAD;
        choice->ends[i] = at;
        start = choice->piece_ends[i];
    }
    bool failed = valid.failed;
    buffer_free(&valid);
    return failed ? no_memory(error) : ENDPOINT_ANSWERED;
}

// ---- both forms ----

// Servers count the tokens of all choices together; without log-probs, which tell, each gets its share.
static enum endpoint_outcome read_usage(struct endpoint_reply *reply, const json_t *root,
                                        struct error *error) {
    const json_t *usage = json_object_get(root, "usage");
    if (!usage || json_is_null(usage)) return ENDPOINT_ANSWERED;
    int64_t total = 0;
    if (json_get_integer(usage, "completion_tokens", 0, INT32_MAX, &total, REPLY, error))
        return bad_field(error);
    size_t count = reply->count;
    for (size_t i = 0; i < count; i++)
        reply->choices[i].tokens = (size_t)total / count + (i < (size_t)total % count);
    return ENDPOINT_ANSWERED;
}

static enum endpoint_outcome complete(struct endpoint_reply *reply, struct error *error) {
    for (size_t i = 0; i < reply->count; i++) {
        struct endpoint_choice *choice = &reply->choices[i];
        buffer_add(&choice->text, "", 0); // an empty text is "", not NULL
        if (choice->text.failed || choice->pieces.failed) return no_memory(error);
        enum endpoint_outcome outcome = place_tokens(choice, error);
        if (outcome != ENDPOINT_ANSWERED) return outcome;
        if (choice->listed) choice->tokens = choice->listed;
    }
    return ENDPOINT_ANSWERED;
}

// ---- one document ----

static enum endpoint_outcome read_choice(struct endpoint_choice *choice, const json_t *json,
                                         struct error *error) {
    const json_t *message = json_object_get(json, "message");
    if (!json_is_object(message)) return bad(error, "has a choice without \"message\"");
    if (!json_object_get(message, "content")) return bad(error, "has a message without \"content\"");
    enum endpoint_outcome outcome = add_content(choice, json_object_get(message, "content"), error);
    if (outcome == ENDPOINT_ANSWERED) outcome = add_tokens(choice, json_object_get(json, "logprobs"), error);
    return outcome == ENDPOINT_ANSWERED ? read_ending(choice, json, NULL, error) : outcome;
}

static enum endpoint_outcome read_document(struct endpoint_reply *reply, const json_t *root, size_t most,
                                           struct error *error) {
    if (!json_is_object(root)) return bad(error, "is no JSON object");
    enum endpoint_outcome outcome = reported_error(root, error);
    if (outcome != ENDPOINT_ANSWERED) return outcome;
    const json_t *choices = json_object_get(root, "choices");
    if (!json_is_array(choices)) return bad(error, "has no list of \"choices\"");
    size_t count = json_array_size(choices);
    if (count == 0) return bad(error, "has an empty list of \"choices\"");
    if (count > most) count = most;
    if (!make_choices(reply, count, error)) return ENDPOINT_FAILED;
    for (size_t i = 0; i < count; i++) {
        outcome = read_choice(&reply->choices[i], json_array_get(choices, i), error);
        if (outcome != ENDPOINT_ANSWERED) return outcome;
    }
    outcome = read_usage(reply, root, error);
    return outcome == ENDPOINT_ANSWERED ? complete(reply, error) : outcome;
}

enum endpoint_outcome endpoint_reply_read(struct endpoint_reply *reply, const char *body, size_t length,
                                          size_t most, struct error *error) {
    if (length == 0) return bad(error, "is empty");
    json_error_t where;
    json_t *root = json_loadb(body, length, JSON_ALLOW_NUL, &where);
    if (!root) {
        // Cut off, in the one way of HTTP that cannot tell it (no length, the connection closed)?
        bool cut = json_error_code(&where) == json_error_premature_end_of_input;
        bad(error, cut ? "ends in the middle of its JSON" : "is not JSON");
        return cut ? ENDPOINT_PASSING : ENDPOINT_FAILED;
    }
    if (most > ENDPOINT_MOST_CHOICES) most = ENDPOINT_MOST_CHOICES;
    enum endpoint_outcome outcome = read_document(reply, root, most, error);
    json_decref(root);
    return outcome;
}

// ---- a stream ----

static enum endpoint_outcome read_delta(struct endpoint_reply *reply, const json_t *json,
                                        struct error *error) {
    struct endpoint_choice *choice = &reply->choices[0];
    const json_t *delta = json_object_get(json, "delta");
    enum endpoint_outcome outcome = add_content(choice, json_object_get(delta, "content"), error);
    if (outcome == ENDPOINT_ANSWERED) outcome = add_tokens(choice, json_object_get(json, "logprobs"), error);
    return outcome == ENDPOINT_ANSWERED ? read_ending(choice, json, &reply->finished, error) : outcome;
}

static enum endpoint_outcome read_chunk(struct endpoint_reply *reply, const json_t *root,
                                        struct error *error) {
    enum endpoint_outcome outcome = reported_error(root, error);
    if (outcome != ENDPOINT_ANSWERED) return outcome;
    const json_t *choices = json_object_get(root, "choices");
    if (!json_is_array(choices)) return bad(error, "has an event without \"choices\"");
    if (json_array_size(choices)) outcome = read_delta(reply, json_array_get(choices, 0), error);
    return outcome == ENDPOINT_ANSWERED ? read_usage(reply, root, error) : outcome;
}

// An event is over: act on its data.
static enum endpoint_outcome dispatch(struct endpoint_reply *reply, struct error *error) {
    struct buffer *event = &reply->event;
    if (event->length == 0) return ENDPOINT_ANSWERED;
    enum endpoint_outcome outcome = ENDPOINT_ANSWERED;
    if (strcmp(event->data, "[DONE]") == 0) {
        reply->finished = true;
    } else {
        json_t *root = json_loadb(event->data, event->length, JSON_ALLOW_NUL, NULL);
        outcome = json_is_object(root) ? read_chunk(reply, root, error)
                                       : bad(error, "has an event that is no JSON object");
        json_decref(root);
    }
    buffer_clear(event);
    return outcome;
}

// One line without its end: data is gathered, comments (signs of life) and other fields are passed over.
static enum endpoint_outcome take_line(struct endpoint_reply *reply, struct error *error) {
    struct buffer *line = &reply->line;
    size_t length = line->length;
    if (length && line->data[length - 1] == '\r') length--;
    if (length == 0) return dispatch(reply, error);
    static const char field[] = "data:";
    size_t start = sizeof field - 1;
    if (length < start || memcmp(line->data, field, start) != 0) return ENDPOINT_ANSWERED;
    if (start < length && line->data[start] == ' ') start++;
    if (reply->event.length) buffer_add_text(&reply->event, "\n");
    buffer_add(&reply->event, line->data + start, length - start);
    return ENDPOINT_ANSWERED;
}

enum endpoint_outcome endpoint_reply_feed(struct endpoint_reply *reply, const char *data, size_t length,
                                          struct error *error) {
    if (!reply->choices && !make_choices(reply, 1, error)) return ENDPOINT_FAILED;
    enum endpoint_outcome outcome = ENDPOINT_ANSWERED;
    while (length && outcome == ENDPOINT_ANSWERED) {
        const char *end = memchr(data, '\n', length);
        size_t part = end ? (size_t)(end - data) : length;
        buffer_add(&reply->line, data, part);
        if (reply->line.failed || reply->event.failed) return no_memory(error);
        if (end) {
            outcome = take_line(reply, error);
            buffer_clear(&reply->line);
            part++;
        }
        data += part;
        length -= part;
    }
    return outcome;
}

enum endpoint_outcome endpoint_reply_end(struct endpoint_reply *reply, struct error *error) {
    // The last event may lack its empty line, and the last line its end.
    enum endpoint_outcome outcome = endpoint_reply_feed(reply, "\n\n", 2, error);
    if (outcome != ENDPOINT_ANSWERED) return outcome;
    if (!reply->finished) {
        bad(error, "breaks off in the middle of its stream");
        return ENDPOINT_PASSING;
    }
    return complete(reply, error);
}
