#include "engine/endpoint_words.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    LONGEST_COMPLAINT = 8192,
    SHORTEST_SECRET = 4,
    PLAIN_SECRET = 8,
    LEAST_BEGUN = 4 // bytes of a secret that say something of it
};

// ---- where the words are --------------------------------------------------------------------------------

static const json_t *first_of(const json_t *value) {
    return json_is_array(value) ? json_array_get(value, 0) : value;
}

// The usual places: {"error": {"message"}}, {"error": ".."}, {"message"}, {"detail"}, {"detail": [{"msg"}]},
// {"errors": [{"message"}]}, all of it in a list of one.
static const char *find_string(const json_t *root) {
    root = first_of(root);
    const json_t *error = first_of(json_object_get(root, "error")),
                 *errors = first_of(json_object_get(root, "errors")),
                 *detail = first_of(json_object_get(root, "detail"));
    const json_t *places[] = {json_object_get(error, "message"),
                              json_object_get(json_object_get(error, "error"), "message"),
                              json_object_get(error, "detail"),
                              json_object_get(error, "msg"),
                              error,
                              json_object_get(errors, "message"),
                              json_object_get(errors, "msg"),
                              errors,
                              json_object_get(root, "message"),
                              json_object_get(detail, "msg"),
                              json_object_get(detail, "message"),
                              detail,
                              json_object_get(root, "error_description"),
                              json_object_get(root, "msg"),
                              json_object_get(root, "title")};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (json_is_string(places[i]) && json_string_length(places[i])) return json_string_value(places[i]);
    return NULL;
}

// Servers that complain of a request like to quote it: the picture is cut off.
static void shorten(const char *text, size_t length, char *words, size_t size) {
    if (length > ENDPOINT_LONGEST_WORDS) length = ENDPOINT_LONGEST_WORDS;
    const char *picture = memmem(text, length, "data:image", strlen("data:image"));
    if (picture) length = (size_t)(picture - text);
    while (length && isspace((unsigned char)text[length - 1])) length--;
    snprintf(words, size, "%.*s", (int)length, text);
}

// Pydantic says in "loc" what it means: "min_p: Extra inputs are not permitted".
static const char *located(const json_t *root) {
    const json_t *loc = json_object_get(first_of(json_object_get(first_of(root), "detail")), "loc");
    const json_t *last = json_array_get(loc, json_array_size(loc) ? json_array_size(loc) - 1 : 0);
    return json_string_value(last);
}

void endpoint_words_of(const json_t *root, char *words, size_t size) {
    words[0] = 0;
    const char *found = find_string(root), *what = located(root);
    if (!found) return;
    shorten(found, strlen(found), words, size);
    if (!what || strstr(words, what)) return;
    char text[ENDPOINT_LONGEST_WORDS + 1];
    snprintf(text, sizeof text, "%.60s: %.170s", what, words);
    snprintf(words, size, "%s", text);
}

// ---- web pages and plain text ---------------------------------------------------------------------------

static bool is_page(const char *body, size_t length) {
    while (length && isspace((unsigned char)*body)) {
        body++;
        length--;
    }
    return length && *body == '<';
}

static const char *find_word(const char *text, size_t length, const char *what) {
    for (size_t i = 0, size = strlen(what); i + size <= length; i++)
        if (!strncasecmp(text + i, what, size)) return text + i;
    return NULL;
}

// The title of a page, or its first heading, in one line.
static void summarise_page(const char *body, size_t length, char *words, size_t size) {
    static const char *const tags[] = {"title", "h1", "h2"};
    const char *end = body + length;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        char open[8], close[12];
        snprintf(open, sizeof open, "<%s", tags[i]);
        snprintf(close, sizeof close, "</%s", tags[i]);
        const char *from = find_word(body, length, open);
        from = from ? memchr(from, '>', (size_t)(end - from)) : NULL;
        const char *to = from ? find_word(from, (size_t)(end - from), close) : NULL;
        if (!to) continue;
        while (++from < to && isspace((unsigned char)*from)) {
        }
        char title[ENDPOINT_LONGEST_WORDS + 1];
        shorten(from, (size_t)(to - from), title, sizeof title);
        for (char *c = title; *c; c++)
            if (isspace((unsigned char)*c)) *c = ' ';
        if (!*title) continue;
        snprintf(words, size, "a web page, \"%.200s\"", title);
        return;
    }
    snprintf(words, size, "a web page");
}

void endpoint_words_find(const char *body, size_t length, char *words, size_t size) {
    words[0] = 0;
    if (length == 0) return;
    json_t *root = json_loadb(body, length, 0, NULL);
    const char *newline = memchr(body, '\n', length);
    size_t line = newline ? (size_t)(newline - body) : length;
    if (root)
        endpoint_words_of(root, words, size);
    else if (is_page(body, length))
        summarise_page(body, length, words, size);
    else if (line <= ENDPOINT_LONGEST_WORDS)
        shorten(body, line, words, size);
    json_decref(root);
}

// ---- complaints -----------------------------------------------------------------------------------------

static void add_name(struct buffer *complaint, const json_t *name, bool *named) {
    if (!json_is_string(name) || !json_string_length(name)) return;
    buffer_format(complaint, "'%.100s'\n", json_string_value(name));
    *named = true;
}

static void add_locations(struct buffer *complaint, const json_t *details, bool *named) {
    size_t index, depth;
    const json_t *detail, *step;
    json_array_foreach(details, index, detail)
        json_array_foreach(json_object_get(detail, "loc"), depth, step) {
        const char *name = json_string_value(step);
        if (name && strcmp(name, "body") != 0) add_name(complaint, step, named);
    }
}

void endpoint_words_complaint_of(const json_t *root, struct buffer *complaint, bool *named) {
    *named = false;
    root = first_of(root);
    const json_t *error = first_of(json_object_get(root, "error"));
    add_name(complaint, json_object_get(error, "param"), named);
    add_name(complaint, json_object_get(root, "param"), named);
    add_locations(complaint, json_object_get(root, "detail"), named);
    add_locations(complaint, json_object_get(error, "detail"), named);
    const char *words = find_string(root);
    if (words) buffer_add(complaint, words, strnlen(words, LONGEST_COMPLAINT));
    buffer_add(complaint, "", 0);
}

void endpoint_words_complaint(const char *body, size_t length, struct buffer *complaint, bool *named) {
    *named = false;
    json_t *root = length ? json_loadb(body, length, 0, NULL) : NULL;
    if (root)
        endpoint_words_complaint_of(root, complaint, named);
    else
        buffer_add(complaint, length ? body : "",
                   length ? strnlen(body, length < LONGEST_COMPLAINT ? length : LONGEST_COMPLAINT) : 0);
    json_decref(root);
}

// ---- secrets --------------------------------------------------------------------------------------------

int endpoint_secrets_add(struct endpoint_secrets *secrets, const char *secret) {
    if (!secret || strlen(secret) < SHORTEST_SECRET) return 0;
    if (secrets->count == sizeof secrets->list / sizeof *secrets->list) return 0;
    char *copy = strdup(secret);
    if (!copy) return -1;
    secrets->list[secrets->count++] = copy;
    return 0;
}

static bool is_word(char c) {
    return isalnum((unsigned char)c);
}

// A short secret may be part of an ordinary word, which is left as it is.
static bool stands_alone(const char *text, size_t length, const char *at, size_t size) {
    if (size >= PLAIN_SECRET) return true;
    return !(at > text && is_word(at[-1])) && !(at + size < text + length && is_word(at[size]));
}

void endpoint_secrets_hide(const struct endpoint_secrets *secrets, char *text, size_t length) {
    for (size_t i = 0; i < secrets->count && length; i++) {
        size_t size = strlen(secrets->list[i]);
        char *end = text + length, *at = text;
        while ((at = memmem(at, (size_t)(end - at), secrets->list[i], size))) {
            if (stands_alone(text, length, at, size)) memset(at, '*', size);
            at += size;
        }
    }
}

size_t endpoint_secrets_begun(const struct endpoint_secrets *secrets, const char *text, size_t length) {
    size_t most = 0;
    for (size_t i = 0; i < secrets->count; i++) {
        size_t size = strlen(secrets->list[i]) - 1;
        if (size > length) size = length;
        while (size > most && memcmp(text + length - size, secrets->list[i], size) != 0) size--;
        if (size > most) most = size;
    }
    return most < LEAST_BEGUN ? 0 : most;
}

void endpoint_secrets_free(struct endpoint_secrets *secrets) {
    for (size_t i = 0; i < secrets->count; i++) free(secrets->list[i]);
    *secrets = (struct endpoint_secrets){0};
}
