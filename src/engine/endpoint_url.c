#include "engine/endpoint_url.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/buffer.h"

static const char COMPLETIONS[] = "/chat/completions";

// A part of the URL in new memory (curl_free), or NULL when it has none.
static char *get_part(CURLU *parsed, CURLUPart part) {
    char *text = NULL;
    return curl_url_get(parsed, part, &text, 0) == CURLUE_OK ? text : NULL;
}

static char *get_copy(CURLU *parsed) {
    char *text = get_part(parsed, CURLUPART_URL);
    char *copy = text ? strdup(text) : NULL;
    curl_free(text);
    return copy;
}

static void remove_secrets(CURLU *parsed) {
    static const CURLUPart secret[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_QUERY,
                                       CURLUPART_FRAGMENT};
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++) curl_url_set(parsed, secret[i], NULL, 0);
}

char *endpoint_url_show(const char *address) {
    CURLU *parsed = curl_url();
    char *shown = NULL;
    if (parsed && curl_url_set(parsed, CURLUPART_URL, address, 0) == CURLUE_OK) {
        remove_secrets(parsed);
        shown = get_copy(parsed);
    }
    curl_url_cleanup(parsed);
    return shown;
}

static bool ends_with(const char *text, size_t length, const char *ending) {
    size_t size = strlen(ending);
    return length >= size && memcmp(text + length - size, ending, size) == 0;
}

// The path up to the part that names an interface.
static size_t base_length(const char *path, size_t length) {
    static const char *const others[] = {"/chat/completions", "/completions", "/chat",   "/models",
                                         "/responses",        "/embeddings",  "/health", "/messages"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (ends_with(path, length, others[i])) {
            length -= strlen(others[i]);
            break;
        }
    while (length && path[length - 1] == '/') length--;
    return length;
}

static int complete_path(CURLU *parsed, struct error *error) {
    struct buffer path = {0};
    char *given = get_part(parsed, CURLUPART_PATH);
    size_t length = given ? strlen(given) : 0;
    while (length && given[length - 1] == '/') length--;
    bool whole = given && ends_with(given, length, COMPLETIONS);
    size_t base = given ? base_length(given, length) : 0;
    if (base)
        buffer_add(&path, given, base);
    else if (!whole)
        buffer_add_text(&path, "/v1");
    buffer_add_text(&path, COMPLETIONS);
    curl_free(given);
    bool failed = path.failed || curl_url_set(parsed, CURLUPART_PATH, path.data, 0) != CURLUE_OK;
    buffer_free(&path);
    return failed ? error_set(error, ERROR_MEMORY, "endpoint: not enough memory") : 0;
}

static bool is_this_machine(const char *host) {
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

static int take_apart(struct endpoint_url *url, CURLU *parsed, const char *text, struct error *error) {
    CURLUcode code = curl_url_set(parsed, CURLUPART_URL, text, 0);
    // What cannot be parsed may hold a password all the same, so it is not repeated.
    if (code != CURLUE_OK)
        return error_set(error, ERROR_USAGE, "the endpoint is no URL such as http://127.0.0.1:8000/v1: %s",
                         curl_url_strerror(code));
    char *scheme = get_part(parsed, CURLUPART_SCHEME), *host = get_part(parsed, CURLUPART_HOST);
    bool secure = scheme && strcmp(scheme, "https") == 0;
    bool known = secure || (scheme && strcmp(scheme, "http") == 0);
    int result = 0;
    if (!known || !host)
        result =
            error_set(error, ERROR_USAGE, "the endpoint's URL begins with \"%.20s:\", expected http or https",
                      scheme ? scheme : "");
    else
        url->open = !secure && !is_this_machine(host);
    url->secure = secure;
    curl_free(scheme);
    curl_free(host);
    return result ? result : complete_path(parsed, error);
}

int endpoint_url_make(struct endpoint_url *url, const char *text, struct error *error) {
    *url = (struct endpoint_url){0};
    CURLU *parsed = curl_url();
    if (!parsed) return error_set(error, ERROR_MEMORY, "endpoint: not enough memory");
    int result = take_apart(url, parsed, text, error);
    if (result == 0) {
        curl_url_set(parsed, CURLUPART_FRAGMENT, NULL, 0);
        url->address = get_copy(parsed);
        remove_secrets(parsed);
        url->shown = get_copy(parsed);
        if (!url->address || !url->shown)
            result = error_set(error, ERROR_MEMORY, "endpoint: not enough memory");
    }
    curl_url_cleanup(parsed);
    if (result) endpoint_url_free(url);
    return result;
}

int endpoint_url_secrets(const struct endpoint_url *url, struct endpoint_secrets *secrets) {
    CURLU *parsed = curl_url();
    if (!parsed) return -1;
    int result = curl_url_set(parsed, CURLUPART_URL, url->address, 0) == CURLUE_OK ? 0 : -1;
    char *password = get_part(parsed, CURLUPART_PASSWORD), *query = get_part(parsed, CURLUPART_QUERY);
    if (endpoint_secrets_add(secrets, password)) result = -1;
    char *rest = query;
    for (char *pair; rest && (pair = strsep(&rest, "&;"));) {
        char *value = strchr(pair, '=');
        if (endpoint_secrets_add(secrets, value ? value + 1 : pair)) result = -1;
    }
    curl_free(password);
    curl_free(query);
    curl_url_cleanup(parsed);
    return result;
}

void endpoint_url_free(struct endpoint_url *url) {
    free(url->address);
    free(url->shown);
    *url = (struct endpoint_url){0};
}
