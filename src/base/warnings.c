#include "base/warnings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static bool is_there(const struct warnings *warnings, const char *line) {
    size_t length = strlen(line);
    for (const char *at = warnings->lines; *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (strncmp(at, line, length) == 0 && (at[length] == '\n' || !at[length])) return true;
    return false;
}

void warnings_add(struct warnings *warnings, const char *format, ...) {
    char line[480];
    va_list arguments;
    if (!warnings) return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (char *c = line; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' ';
    size_t used = strlen(warnings->lines), length = strlen(line);
    if (is_there(warnings, line) || used + length + 2 > sizeof warnings->lines) return;
    snprintf(warnings->lines + used, sizeof warnings->lines - used, "%s%s", used ? "\n" : "", line);
}

void warnings_log(const struct warnings *warnings) {
    for (const char *at = warnings->lines; *at;) {
        size_t length = strcspn(at, "\n");
        log_warning("%.*s", (int)length, at);
        at += length + (at[length] == '\n');
    }
}

bool json_is_unset(const json_t *value) {
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

static bool is_known(const char *const *known, const char *key) {
    for (; *known; known++)
        if (strcmp(*known, key) == 0) return true;
    return false;
}

void warnings_add_unknown(struct warnings *warnings, const json_t *object, const char *const *known,
                          const char *name) {
    char keys[320] = "";
    const char *key;
    json_t *value;
    if (!warnings || !json_is_object(object)) return;
    json_object_foreach((json_t *)object, key, value) {
        size_t used = strlen(keys);
        if (is_known(known, key) || json_is_unset(value)) continue;
        snprintf(keys + used, sizeof keys - used, "%s\"%.60s\"", used ? ", " : "", key);
    }
    if (*keys) warnings_add(warnings, "%s: not known here, and not honoured: %s", name, keys);
}
