// JSON through jansson, with errors that name the file and the key.
#ifndef GLOBE_BASE_JSON_H
#define GLOBE_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// Parses a file of at most `limit` bytes / a buffer; `name` stands in messages. json_decref() the result.
json_t *json_read_file(const char *path, size_t limit, struct error *error);
json_t *json_read_buffer(const char *data, size_t length, const char *name, struct error *error);

// Typed access for objects: a missing or null key leaves *value alone and returns 0; a wrong type or a number
// outside [low, high] is an error "NAME: KEY is ..., expected ...".
int json_get_integer(const json_t *object, const char *key, int64_t low, int64_t high, int64_t *value,
                     const char *name, struct error *error);
int json_get_number(const json_t *object, const char *key, double low, double high, double *value,
                    const char *name, struct error *error);
int json_get_boolean(const json_t *object, const char *key, bool *value, const char *name,
                     struct error *error);
int json_get_string(const json_t *object, const char *key, const char **value, const char *name,
                    struct error *error); // the string belongs to the object

#endif
