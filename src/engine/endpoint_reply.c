#include "engine/endpoint_reply.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/memory.h"
#include "engine/endpoint_words.h"

enum endpoint_outcome endpoint_judge_status(long status) {
    if (status >= 200 && status < 300) return ENDPOINT_ANSWERED;
    if (status == 400 || status == 422) return ENDPOINT_REFUSED;
    bool passing = status == 408 || status == 409 || status == 425 || status == 429 ||
                   (status >= 500 && status < 600 && status != 501 && status != 505);
    return passing ? ENDPOINT_PASSING : ENDPOINT_FAILED;
}

static enum endpoint_outcome bad(struct error *error, const char *what) {
    error_set(error, ERROR_NETWORK, "the reply %s", what);
    return ENDPOINT_FAILED;
}

static enum endpoint_outcome broken(struct error *error, const char *what) {
    bad(error, what);
    return ENDPOINT_PASSING;
}

static enum endpoint_outcome no_memory(struct error *error) {
    error_set(error, ERROR_MEMORY, "not enough memory for the reply");
    return ENDPOINT_FAILED;
}

void endpoint_reply_free(struct endpoint_reply *reply) {
    for (size_t i = 0; i < reply->count; i++) endpoint_choice_free(&reply->choices[i]);
    free(reply->choices);
    buffer_free(&reply->complaint);
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

// ---- errors that are reported inside a reply ------------------------------------------------------------

// A status in numbers or in words.
static enum endpoint_outcome judge_code(const json_t *code) {
    static const char *const passing[] = {"overloaded", "rate",         "unavailable",
                                          "timeout",    "server_error", "internal"};
    if (json_is_integer(code)) return endpoint_judge_status((long)json_integer_value(code));
    const char *word = json_string_value(code);
    if (!word) return ENDPOINT_ANSWERED;
    if (isdigit((unsigned char)*word)) return endpoint_judge_status(strtol(word, NULL, 10));
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (strcasestr(word, passing[i])) return ENDPOINT_PASSING;
    return strcasestr(word, "invalid") || strcasestr(word, "unsupported") ? ENDPOINT_REFUSED
                                                                          : ENDPOINT_ANSWERED;
}

static bool is_report(const struct endpoint_reply *reply, const json_t *root) {
    const json_t *reported = json_object_get(root, "error");
    const char *object = json_string_value(json_object_get(root, "object")),
               *text = json_string_value(reported);
    bool has_choices = json_array_size(json_object_get(root, "choices")) > 0;
    bool empty = (text && !*text) || (json_is_object(reported) && !json_object_size(reported) && has_choices);
    if (reported && !json_is_null(reported) && !json_is_false(reported) && !empty) return true;
    if (object && strcmp(object, "error") == 0) return true;
    if (has_choices) return false;
    bool is_document = reply->choices == NULL;
    return reply->is_error ||
           (is_document && (json_object_get(root, "detail") || json_object_get(root, "errors")));
}

// A reply that reports an error although its status was 200: streams have no other way.
static enum endpoint_outcome reported_error(struct endpoint_reply *reply, const json_t *root,
                                            struct error *error) {
    if (!is_report(reply, root)) return ENDPOINT_ANSWERED;
    char words[ENDPOINT_LONGEST_WORDS + 1];
    endpoint_words_of(root, words, sizeof words);
    error_set(error, ERROR_NETWORK, "the server reports an error: %s", words[0] ? words : "nothing more");
    buffer_clear(&reply->complaint);
    endpoint_words_complaint_of(root, &reply->complaint, &reply->named);
    const json_t *reported = json_object_get(root, "error");
    const json_t *codes[] = {json_object_get(reported, "code"), json_object_get(reported, "status"),
                             json_object_get(reported, "type"), json_object_get(root, "code"),
                             json_object_get(root, "status"),   json_object_get(root, "status_code"),
                             json_object_get(root, "type")};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        enum endpoint_outcome outcome = judge_code(codes[i]);
        if (outcome != ENDPOINT_ANSWERED) return outcome;
    }
    return ENDPOINT_FAILED;
}

// ---- why it ended ---------------------------------------------------------------------------------------

enum ending { ENDING_NONE, ENDING_WHOLE, ENDING_CUT, ENDING_BROKEN };

static enum ending judge_reason(const json_t *reason) {
    static const struct {
        const char *word;
        enum ending ending;
    } reasons[] = {
        {"length", ENDING_CUT},
        {"max_tokens", ENDING_CUT},
        {"max_output_tokens", ENDING_CUT},
        {"max_new_tokens", ENDING_CUT},
        {"max_length", ENDING_CUT},
        {"model_length", ENDING_CUT},
        {"token_limit", ENDING_CUT},
        {"limit", ENDING_CUT},
        {"content_filter", ENDING_CUT},
        {"content-filter", ENDING_CUT},
        {"incomplete", ENDING_CUT},
        {"truncated", ENDING_CUT},
        {"safety", ENDING_CUT},
        {"model_context_window_exceeded", ENDING_CUT},
        {"error", ENDING_BROKEN},
        {"abort", ENDING_BROKEN},
        {"aborted", ENDING_BROKEN},
        {"cancelled", ENDING_BROKEN},
        {"canceled", ENDING_BROKEN},
        {"cancel", ENDING_BROKEN},
        {"timeout", ENDING_BROKEN},
        {"interrupted", ENDING_BROKEN},
        {"failed", ENDING_BROKEN},
        {"insufficient_system_resource", ENDING_BROKEN},
        {"", ENDING_NONE},
        {"null", ENDING_NONE},
        {"none", ENDING_NONE},
        {"in_progress", ENDING_NONE},
        {"continue", ENDING_NONE},
    };
    const char *word = json_string_value(reason);
    if (!word) return ENDING_NONE;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcasecmp(word, reasons[i].word) == 0) return reasons[i].ending;
    return ENDING_WHOLE;
}

static enum endpoint_outcome read_ending(struct endpoint_choice *choice, const json_t *json, bool *ended,
                                         struct error *error) {
    enum ending ending = judge_reason(json_object_get(json, "finish_reason"));
    *ended = ending != ENDING_NONE;
    if (ending == ENDING_BROKEN) return broken(error, "was broken off by the server");
    if (*ended) choice->has_reason = true;
    if (*ended) choice->truncated = ending == ENDING_CUT;
    return ENDPOINT_ANSWERED;
}

// ---- both forms -----------------------------------------------------------------------------------------

// Servers count the tokens of all choices together; without log-probs, which tell, each gets its share.
static void read_usage(struct endpoint_reply *reply, const json_t *root) {
    const json_t *usage = json_object_get(root, "usage");
    const json_t *number = json_object_get(usage, "completion_tokens");
    if (!number) number = json_object_get(usage, "output_tokens");
    double total = json_number_value(number);
    if (json_is_string(number)) total = strtod(json_string_value(number), NULL);
    if (!(total >= 1 && total <= INT32_MAX)) return; // a count that is none is not known
    size_t count = reply->count, whole = (size_t)total;
    for (size_t i = 0; i < count; i++) reply->choices[i].tokens = whole / count + (i < whole % count);
}

static enum endpoint_outcome complete(struct endpoint_reply *reply, struct error *error) {
    for (size_t i = 0; i < reply->count; i++)
        if (endpoint_choice_complete(&reply->choices[i], error)) return ENDPOINT_FAILED;
    return ENDPOINT_ANSWERED;
}

// What a choice says, in whichever of the usual places: "message", "delta", or the older "text".
static enum endpoint_outcome read_said(struct endpoint_choice *choice, const json_t *json, const char *first,
                                       const char *second, struct error *error) {
    const json_t *said = json_object_get(json, first);
    if (!json_is_object(said) && choice->text.length == 0) said = json_object_get(json, second);
    bool readable = true;
    if (json_is_object(said))
        readable = endpoint_choice_add_message(choice, said);
    else if (json_is_string(said))
        readable = endpoint_choice_add_content(choice, said);
    else if (json_is_string(json_object_get(json, "text")))
        readable = endpoint_choice_add_content(choice, json_object_get(json, "text"));
    if (!readable) return bad(error, "has a \"content\" that is no text");
    if (endpoint_choice_add_log_probs(choice, json_object_get(json, "logprobs"), error))
        return ENDPOINT_FAILED;
    return ENDPOINT_ANSWERED;
}

// ---- one document ---------------------------------------------------------------------------------------

static enum endpoint_outcome read_choice(struct endpoint_choice *choice, const json_t *json,
                                         struct error *error) {
    static const char *const parts[] = {"message", "delta", "text", "finish_reason"};
    bool is_choice = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        is_choice = is_choice || json_object_get(json, parts[i]);
    if (!is_choice) return bad(error, "has a choice without \"message\"");
    enum endpoint_outcome outcome = read_said(choice, json, "message", "delta", error);
    bool ended;
    return outcome == ENDPOINT_ANSWERED ? read_ending(choice, json, &ended, error) : outcome;
}

static enum endpoint_outcome read_document(struct endpoint_reply *reply, const json_t *root, size_t most,
                                           struct error *error) {
    if (json_is_array(root) && json_array_size(root) == 1) root = json_array_get(root, 0); // some wrap it
    if (!json_is_object(root)) return bad(error, "is no JSON object");
    enum endpoint_outcome outcome = reported_error(reply, root, error);
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
    read_usage(reply, root);
    return complete(reply, error);
}

// Python writes numbers that are none as JSON does not know them; in log-probs they are quite usual. Each
// becomes something that is no number, filled up with spaces.
static bool replace_odd_numbers(char *text, size_t length) {
    static const char *const odd[] = {"-Infinity", "Infinity", "NaN"};
    bool in_string = false, found = false;
    for (size_t i = 0; i < length; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        for (size_t k = 0; !in_string && k < sizeof odd / sizeof *odd; k++) {
            size_t size = strlen(odd[k]);
            if (i + size > length || memcmp(text + i, odd[k], size) != 0) continue;
            memset(text + i, ' ', size);
            if (size < 4)
                memcpy(text + i, "\"\"", 2); // there is no room for "null"
            else
                memcpy(text + i, "null", 4);
            found = true;
        }
    }
    return found;
}

static json_t *load_document(const char *body, size_t length, json_error_t *where) {
    json_t *root = json_loadb(body, length, JSON_ALLOW_NUL, where);
    char *copy = root ? NULL : memory_copy_string(body, length, NULL);
    if (copy && replace_odd_numbers(copy, length)) root = json_loadb(copy, length, JSON_ALLOW_NUL, where);
    free(copy);
    return root;
}

static size_t blank_length(const char *data, size_t length) {
    size_t used = length >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; // the byte order mark
    while (used < length && isspace((unsigned char)data[used])) used++;
    return used;
}

// Several documents, one after another, are a stream that lost its "data:".
static enum endpoint_outcome read_lines(struct endpoint_reply *reply, const char *body, size_t length,
                                        struct error *error) {
    enum endpoint_outcome outcome = endpoint_reply_feed(reply, body, length, error);
    return outcome == ENDPOINT_ANSWERED ? endpoint_reply_end(reply, error) : outcome;
}

enum endpoint_outcome endpoint_reply_read(struct endpoint_reply *reply, const char *body, size_t length,
                                          size_t most, struct error *error) {
    size_t blank = blank_length(body, length);
    body += blank;
    length -= blank;
    while (length && (!body[length - 1] || isspace((unsigned char)body[length - 1]))) length--;
    if (length == 0) return bad(error, "is empty");
    json_error_t where;
    json_t *root = load_document(body, length, &where);
    if (!root) {
        // Cut off, in the one way of HTTP that cannot tell it (no length, the connection closed)?
        if (json_error_code(&where) == json_error_premature_end_of_input)
            return broken(error, "ends in the middle of its JSON");
        if (json_error_code(&where) == json_error_end_of_input_expected && *body == '{')
            return read_lines(reply, body, length, error);
        return bad(error, *body == '<' ? "is a web page, not JSON: is the address right?" : "is not JSON");
    }
    if (most > ENDPOINT_MOST_CHOICES) most = ENDPOINT_MOST_CHOICES;
    enum endpoint_outcome outcome = read_document(reply, root, most, error);
    json_decref(root);
    return outcome;
}

// ---- a stream -------------------------------------------------------------------------------------------

enum endpoint_form endpoint_reply_form(const char *data, size_t length) {
    static const char *const fields[] = {"data:", "event:", "id:", "retry:", ":"};
    if (length < 3 && memcmp("\xEF\xBB\xBF", data, length) == 0) return FORM_UNDECIDED;
    size_t blank = blank_length(data, length);
    data += blank;
    length -= blank;
    if (length == 0) return FORM_UNDECIDED;
    if (*data == '{' || *data == '[') return FORM_DOCUMENT;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        size_t size = strlen(fields[i]);
        if (memcmp(data, fields[i], size < length ? size : length) != 0) continue;
        return size <= length ? FORM_EVENTS : FORM_UNDECIDED;
    }
    return FORM_NEITHER;
}

bool endpoint_reply_is_whole(const struct endpoint_reply *reply) {
    return reply->done || (reply->ended && !reply->unreliable);
}

static bool is_ours(struct endpoint_reply *reply, const json_t *choice) {
    const json_t *index = json_object_get(choice, "index");
    if (!json_is_integer(index)) return true;
    if (!reply->has_index) reply->index = json_integer_value(index);
    reply->has_index = true;
    return json_integer_value(index) == reply->index;
}

static enum endpoint_outcome read_delta(struct endpoint_reply *reply, const json_t *json,
                                        struct error *error) {
    struct endpoint_choice *choice = &reply->choices[0];
    if (!is_ours(reply, json)) return ENDPOINT_ANSWERED;
    size_t before = choice->text.length;
    bool is_message = !json_is_object(json_object_get(json, "delta")) && before == 0 &&
                      json_is_object(json_object_get(json, "message"));
    enum endpoint_outcome outcome = read_said(choice, json, "delta", "message", error);
    if (reply->ended && choice->text.length > before) reply->unreliable = true;
    bool ended = false;
    if (outcome == ENDPOINT_ANSWERED) outcome = read_ending(choice, json, &ended, error);
    reply->ended = reply->ended || ended;
    reply->done = reply->done || (is_message && outcome == ENDPOINT_ANSWERED);
    return outcome;
}

// Other events than those of a completion (signs of life, tools at work, statistics) are passed over.
static enum endpoint_outcome read_chunk(struct endpoint_reply *reply, const json_t *root,
                                        struct error *error) {
    enum endpoint_outcome outcome = reported_error(reply, root, error);
    if (outcome != ENDPOINT_ANSWERED) return outcome;
    const json_t *choices = json_object_get(root, "choices"), *choice;
    size_t index;
    json_array_foreach(choices, index, choice) {
        outcome = read_delta(reply, choice, error);
        if (outcome != ENDPOINT_ANSWERED) return outcome;
    }
    read_usage(reply, root);
    return outcome;
}

static bool is_done_mark(const char *data, size_t length) {
    static const char mark[] = "[DONE]";
    return length >= sizeof mark - 1 && memcmp(data, mark, sizeof mark - 1) == 0;
}

// One JSON object of an event's data, or several after one another; anything else is a sign of life.
static enum endpoint_outcome read_data(struct endpoint_reply *reply, const char *data, size_t length,
                                       struct error *error) {
    enum endpoint_outcome outcome = ENDPOINT_ANSWERED;
    while (outcome == ENDPOINT_ANSWERED) {
        size_t blank = blank_length(data, length);
        data += blank;
        length -= blank;
        if (is_done_mark(data, length)) reply->done = true;
        if (length == 0 || *data != '{') return outcome;
        json_error_t where;
        json_t *root = json_loadb(data, length, JSON_ALLOW_NUL | JSON_DISABLE_EOF_CHECK, &where);
        char *copy = root ? NULL : memory_copy_string(data, length, NULL);
        if (copy && replace_odd_numbers(copy, length))
            root = json_loadb(copy, length, JSON_ALLOW_NUL | JSON_DISABLE_EOF_CHECK, &where);
        free(copy);
        if (!root) return broken(error, "has an event that is no JSON object");
        outcome = read_chunk(reply, root, error);
        json_decref(root);
        size_t used = where.position > 0 ? (size_t)where.position : length;
        if (used > length) used = length;
        data += used;
        length -= used;
    }
    return outcome;
}

// An event is over: act on its data.
static enum endpoint_outcome dispatch(struct endpoint_reply *reply, struct error *error) {
    struct buffer *event = &reply->event;
    enum endpoint_outcome outcome = ENDPOINT_ANSWERED;
    if (event->length) outcome = read_data(reply, event->data, event->length, error);
    buffer_clear(event);
    reply->in_object = reply->is_error = false;
    return outcome;
}

static bool begins(const char *data, size_t length, const char *what, size_t *size) {
    *size = strlen(what);
    return length >= *size && memcmp(data, what, *size) == 0;
}

// One line without its end: data is gathered, comments (signs of life) and other fields are passed over. A
// line that begins an object without "data:" is taken for data as well.
static enum endpoint_outcome take_line(struct endpoint_reply *reply, struct error *error) {
    const char *line = reply->line.data ? reply->line.data : "";
    size_t length = reply->line.length, start;
    if (length >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
        line += 3;
        length -= 3;
    }
    if (length == 0) return dispatch(reply, error);
    if (begins(line, length, "event:", &start)) {
        while (start < length && line[start] == ' ') start++;
        reply->is_error = length - start == 5 && memcmp(line + start, "error", 5) == 0;
        return ENDPOINT_ANSWERED;
    }
    bool data = begins(line, length, "data:", &start);
    if (data && start < length && line[start] == ' ') start++;
    if (!data && *line == '{' && reply->event.length == 0) reply->in_object = true;
    if (!data) start = 0;
    if (!data && !reply->in_object) return ENDPOINT_ANSWERED;
    if (reply->event.length) buffer_add_text(&reply->event, "\n");
    buffer_add(&reply->event, line + start, length - start);
    return ENDPOINT_ANSWERED;
}

enum endpoint_outcome endpoint_reply_feed(struct endpoint_reply *reply, const char *data, size_t length,
                                          struct error *error) {
    if (!reply->choices && !make_choices(reply, 1, error)) return ENDPOINT_FAILED;
    enum endpoint_outcome outcome = ENDPOINT_ANSWERED;
    while (length && outcome == ENDPOINT_ANSWERED) {
        const char *end = NULL;
        size_t part = 0;
        while (part < length && data[part] != '\n' && data[part] != '\r') part++;
        if (part < length) end = data + part;
        bool second = reply->after_return && end == data && *data == '\n'; // of "\r\n"
        reply->after_return = end && *end == '\r';
        if (second) {
            data++;
            length--;
            continue;
        }
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
    if (!reply->done && !reply->ended) return broken(error, "breaks off in the middle of its stream");
    return complete(reply, error);
}
