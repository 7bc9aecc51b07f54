// What is odd but no error, gathered where it is found and told by whoever speaks to people: one line each.
#ifndef GLOBE_BASE_WARNINGS_H
#define GLOBE_BASE_WARNINGS_H

#include <jansson.h>
#include <stdbool.h>

struct warnings {
    char lines[2048]; // separated by line feeds; what does not fit is left out
};

// Adds a line; one that is there already is not repeated. `warnings` may be NULL: nobody listens.
void warnings_add(struct warnings *warnings, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Each line by log_warning.
void warnings_log(const struct warnings *warnings);

// Whether a value of a configuration says nothing: absent, null, false, "", an empty list or object.
bool json_is_unset(const json_t *value);
// A line for the keys of `object` that are not in `known` (ends with NULL) and are set: "NAME: unknown keys that may
// change the result are not honoured: a, b". What a configuration can say and nobody understands must not pass in silence.
void warnings_add_unknown(struct warnings *warnings, const json_t *object, const char *const *known,
                          const char *name);

#endif
