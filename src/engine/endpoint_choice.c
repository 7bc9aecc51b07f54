#include "engine/endpoint_choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

enum {
    LOOK_AHEAD = 16, // bytes; see place_tokens
    FURTHEST_AHEAD = 256,
    DEEPEST = 8 // parts within parts
};

void endpoint_choice_free(struct endpoint_choice *choice) {
    buffer_free(&choice->text);
    buffer_free(&choice->pieces);
    free(choice->log_probs);
    free(choice->ends);
    free(choice->piece_ends);
    *choice = (struct endpoint_choice){0};
}

// ---- text -----------------------------------------------------------------------------------------------

// The text in `value`: a string, a list of such, or an object that holds it; false when there is none that
// could be read. What thinks (parts of type "thinking") goes to *thoughts, when the caller wants it.
static bool gather(struct buffer *out, struct buffer *thoughts, const json_t *value, int depth) {
    static const char *const keys[] = {"text", "content", "value", "thinking", "reasoning", "summary"};
    if (!value || json_is_null(value)) return true;
    if (json_is_string(value)) {
        buffer_add(out, json_string_value(value), json_string_length(value));
        return true;
    }
    if (depth == DEEPEST) return false;
    if (json_is_array(value)) {
        size_t index;
        const json_t *part;
        bool readable = json_array_size(value) == 0;
        json_array_foreach(value, index, part) readable |= gather(out, thoughts, part, depth + 1);
        return readable;
    }
    const char *type = json_string_value(json_object_get(value, "type"));
    bool thinks = type && (strstr(type, "think") || strstr(type, "reason"));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *inner = json_object_get(value, keys[i]);
        if (inner && !json_is_null(inner))
            return gather(thinks && thoughts ? thoughts : out, thoughts, inner, depth + 1);
    }
    return false;
}

static bool holds(const struct buffer *text, const char *what) {
    return text->length && memmem(text->data, text->length, what, strlen(what));
}

static void add_reasoning(struct endpoint_choice *choice, const struct buffer *thoughts) {
    if (thoughts->length == 0) return;
    if (!choice->reasoned && !choice->has_content && !holds(thoughts, "<think>"))
        buffer_add_text(&choice->text, "<think>");
    choice->reasoned = true;
    buffer_add(&choice->text, thoughts->data, thoughts->length);
}

static void add_text(struct endpoint_choice *choice, const struct buffer *content) {
    if (content->length == 0) return;
    if (choice->reasoned && !choice->has_content) {
        if (!holds(&choice->text, "</think>")) buffer_add_text(&choice->text, "</think>");
        buffer_add_text(&choice->text, "\n");
    }
    if (!choice->has_content) choice->content_start = choice->text.length;
    choice->has_content = true;
    buffer_add(&choice->text, content->data, content->length);
}

// Servers call it by several names, some by two at once.
static void gather_reasoning(struct buffer *thoughts, const json_t *message) {
    static const char *const names[] = {"reasoning_content", "reasoning", "thinking", "thoughts", "thought"};
    for (size_t i = 0; i < sizeof names / sizeof *names && thoughts->length == 0; i++)
        gather(thoughts, NULL, json_object_get(message, names[i]), 0);
}

bool endpoint_choice_add_content(struct endpoint_choice *choice, const json_t *content) {
    struct buffer text = {0}, thoughts = {0};
    bool readable = gather(&text, &thoughts, content, 0);
    add_reasoning(choice, &thoughts);
    add_text(choice, &text);
    if (text.failed || thoughts.failed) choice->text.failed = true;
    buffer_free(&text);
    buffer_free(&thoughts);
    return readable;
}

bool endpoint_choice_add_message(struct endpoint_choice *choice, const json_t *message) {
    struct buffer thoughts = {0};
    gather_reasoning(&thoughts, message);
    if (!choice->has_content) add_reasoning(choice, &thoughts);
    if (thoughts.failed) choice->text.failed = true;
    buffer_free(&thoughts);
    bool readable = endpoint_choice_add_content(choice, json_object_get(message, "content"));
    const json_t *refusal = json_object_get(message, "refusal");
    if (json_is_string(refusal) && !choice->has_content) endpoint_choice_add_content(choice, refusal);
    return readable;
}

// ---- log-probs ------------------------------------------------------------------------------------------

static int reserve_token(struct endpoint_choice *choice, struct error *error) {
    if (choice->listed < choice->capacity) return 0;
    size_t capacity = choice->capacity ? choice->capacity * 2 : 256;
    float *log_probs = memory_grow(choice->log_probs, capacity, sizeof *log_probs, "log-probs", error);
    if (!log_probs) return -1;
    choice->log_probs = log_probs;
    size_t *ends = memory_grow(choice->piece_ends, capacity, sizeof *ends, "log-probs", error);
    if (!ends) return -1;
    choice->piece_ends = ends;
    choice->capacity = capacity;
    return 0;
}

// A token's bytes; the list is more exact than the string, which cannot hold half a character.
static bool add_piece(struct buffer *pieces, const json_t *token) {
    const json_t *bytes = json_object_get(token, "bytes"), *text = json_object_get(token, "token");
    size_t index, before = pieces->length;
    const json_t *value;
    bool sound = json_is_array(bytes);
    if (sound) {
        json_array_foreach(bytes, index, value) {
            json_int_t number = json_integer_value(value);
            sound = sound && json_is_integer(value) && number >= 0 && number <= 255;
            if (sound) buffer_add(pieces, &(char){(char)number}, 1);
        }
        if (sound) return true;
        pieces->length = before;
    }
    if (json_is_string(token)) text = token;
    if (!json_is_string(text)) return false;
    buffer_add(pieces, json_string_value(text), json_string_length(text));
    return true;
}

// 1: understood, 0: not, -1: no memory.
static int add_token(struct endpoint_choice *choice, const json_t *token, const json_t *log_prob,
                     struct error *error) {
    // A little above 0 is rounding. What is impossible is written as -9999 by some and -1e30 by others.
    double value = json_number_value(log_prob);
    if (!json_is_number(log_prob) || !(value <= 1e-3 && value >= -3e38)) return 0;
    if (choice->listed >= ENDPOINT_MOST_TOKENS) return 0;
    if (reserve_token(choice, error)) return -1;
    if (!add_piece(&choice->pieces, token)) return 0;
    choice->log_probs[choice->listed] = value > 0 ? 0 : (float)value;
    choice->piece_ends[choice->listed++] = choice->pieces.length;
    return 1;
}

// What else might have been the first token. With an entry that says nothing of its token the others say nothing, either:
// their shares would be wrong. null is how JSON has the log-prob of what cannot be.
static void take_likely(struct endpoint_choice *choice, const json_t *list) {
    size_t index;
    const json_t *entry;
    json_array_foreach(list, index, entry) {
        const char *text = json_string_value(json_object_get(entry, "token"));
        const json_t *log_prob = json_object_get(entry, "logprob");
        double value = json_number_value(log_prob);
        if (choice->likely_count == ENGINE_MOST_LIKELY) break;
        if (text && json_is_null(log_prob)) continue;
        if (!text || !json_is_number(log_prob) || !(value <= 1e-3 && value >= -3e38)) {
            choice->likely_count = 0;
            return;
        }
        struct engine_token *token = &choice->likely[choice->likely_count++];
        snprintf(token->text, sizeof token->text, "%s", strlen(text) < sizeof token->text ? text : "");
        token->log_prob = value > 0 ? 0 : value;
    }
}

static int add_tokens(struct endpoint_choice *choice, const json_t *tokens, const json_t *numbers,
                      struct error *error) {
    size_t index;
    const json_t *token;
    int understood = 1;
    json_array_foreach(tokens, index, token) {
        const json_t *number = numbers ? json_array_get(numbers, index) : json_object_get(token, "logprob");
        if (choice->listed == 0 && choice->likely_count == 0)
            take_likely(choice, json_object_get(token, "top_logprobs"));
        understood = add_token(choice, token, number, error);
        if (understood != 1) break;
    }
    return understood;
}

int endpoint_choice_add_log_probs(struct endpoint_choice *choice, const json_t *log_probs,
                                  struct error *error) {
    const json_t *tokens = json_object_get(log_probs, "content");
    const json_t *old_tokens = json_object_get(log_probs, "tokens"),
                 *numbers = json_object_get(log_probs, "token_logprobs");
    bool nothing = !log_probs || json_is_null(log_probs) || json_is_false(log_probs) ||
                   (json_is_object(log_probs) && (!tokens || json_is_null(tokens)) &&
                    (!old_tokens || json_is_null(old_tokens)));
    if (nothing || choice->odd_log_probs) return 0;
    int understood = 0;
    if (json_is_array(tokens))
        understood = add_tokens(choice, tokens, NULL, error);
    else if (json_is_array(old_tokens) && json_is_array(numbers))
        understood = add_tokens(choice, old_tokens, numbers, error);
    if (understood == 0) choice->odd_log_probs = true;
    return understood < 0 ? -1 : 0;
}

// ---- tokens in the text ---------------------------------------------------------------------------------

// The end of `piece` in text, looked for in the `window` bytes from `at` on; 0 when it is not there.
static size_t find_piece(const struct buffer *text, size_t at, size_t window, const char *piece,
                         size_t length) {
    if (window > text->length - at) window = text->length - at;
    const char *found = length ? memmem(text->data + at, window, piece, length) : NULL;
    return found ? (size_t)(found - text->data) + length : 0;
}

// Where the first token stands: some servers list the tokens of the content only, others those of the
// reasoning as well.
static size_t first_place(const struct endpoint_choice *choice) {
    if (!choice->reasoned || !choice->has_content) return 0;
    size_t rest = choice->text.length - choice->content_start;
    size_t length = choice->pieces.length < rest ? choice->pieces.length : rest;
    if (length > LOOK_AHEAD) length = LOOK_AHEAD;
    bool content = length && !memcmp(choice->pieces.data, choice->text.data + choice->content_start, length);
    return content ? choice->content_start : 0;
}

// Finds each token in the text. Not all are there: the end of the turn is left out, stray bytes have become
// U+FFFD, and of a character made of several tokens some servers list no part. What is not found ends where
// the token before it does, and the next is looked for a little further ahead.
static int place_tokens(struct endpoint_choice *choice, struct error *error) {
    choice->ends = memory_new(choice->listed, sizeof *choice->ends, "log-probs", error);
    if (!choice->ends) return -1;
    const struct buffer *text = &choice->text;
    struct buffer valid = {0};
    size_t at = first_place(choice), start = 0, ahead = LOOK_AHEAD;
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
    return failed ? error_set(error, ERROR_MEMORY, "not enough memory for the reply") : 0;
}

static void drop_log_probs(struct endpoint_choice *choice) {
    free(choice->log_probs);
    choice->log_probs = NULL;
    choice->listed = choice->capacity = 0;
}

static bool says_something(const struct endpoint_choice *choice) {
    size_t at = choice->has_content ? choice->content_start : choice->text.length;
    while (at < choice->text.length && strchr(" \t\r\n", choice->text.data[at])) at++;
    return at < choice->text.length;
}

int endpoint_choice_complete(struct endpoint_choice *choice, struct error *error) {
    buffer_add(&choice->text, "", 0); // an empty text is "", not NULL
    choice->only_reasoned = choice->reasoned && !says_something(choice);
    if (choice->text.failed || choice->pieces.failed)
        return error_set(error, ERROR_MEMORY, "not enough memory for the reply");
    if (choice->odd_log_probs) drop_log_probs(choice);
    if (choice->listed == 0) return 0;
    choice->tokens = choice->listed;
    return place_tokens(choice, error);
}
