#include "base/json.h"

#include <stdlib.h>

#include "base/file.h"

json_t *json_read_buffer(const char *data, size_t length, const char *name, struct error *error) {
    json_error_t where;
    if (length == 0) {
        error_set(error, ERROR_INPUT, "%s: the file is empty", name);
        return NULL;
    }
    if (file_check_pointer(name, data, length, error)) return NULL;
    json_t *root = json_loadb(data, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &where);
    if (!root)
        error_set(error, ERROR_INPUT, "%s: not valid JSON at line %d column %d: %s", name, where.line,
                  where.column, where.text);
    return root;
}

json_t *json_read_file(const char *path, size_t limit, struct error *error) {
    size_t length;
    char *data = file_read(path, limit, &length, error);
    if (!data) return NULL;
    json_t *root = json_read_buffer(data, length, path, error);
    free(data);
    return root;
}

static const char *type_name(const json_t *value) {
    static const char *const names[] = {"an object", "a list", "a string", "a number",
                                        "a number",  "true",   "false",    "null"};
    return names[json_typeof(value)];
}

// The value of a key, or NULL when there is none (missing and null are the same to us).
static json_t *find(const json_t *object, const char *key) {
    json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

static int wrong_type(const json_t *value, const char *key, const char *expected, const char *name,
                      struct error *error) {
    return error_set(error, ERROR_INPUT, "%s: \"%s\" is %s, expected %s", name, key, type_name(value),
                     expected);
}

int json_get_integer(const json_t *object, const char *key, int64_t low, int64_t high, int64_t *value,
                     const char *name, struct error *error) {
    json_t *found = find(object, key);
    if (!found) return 0;
    if (!json_is_integer(found)) return wrong_type(found, key, "an integer", name, error);
    int64_t number = json_integer_value(found);
    if (number < low || number > high)
        return error_set(error, ERROR_INPUT, "%s: \"%s\" is %lld, expected %lld to %lld", name, key,
                         (long long)number, (long long)low, (long long)high);
    *value = number;
    return 0;
}

int json_get_number(const json_t *object, const char *key, double low, double high, double *value,
                    const char *name, struct error *error) {
    json_t *found = find(object, key);
    if (!found) return 0;
    if (!json_is_number(found)) return wrong_type(found, key, "a number", name, error);
    double number = json_number_value(found);
    if (!(number >= low && number <= high))
        return error_set(error, ERROR_INPUT, "%s: \"%s\" is %g, expected %g to %g", name, key, number, low,
                         high);
    *value = number;
    return 0;
}

int json_get_boolean(const json_t *object, const char *key, bool *value, const char *name,
                     struct error *error) {
    json_t *found = find(object, key);
    if (!found) return 0;
    if (!json_is_boolean(found)) return wrong_type(found, key, "true or false", name, error);
    *value = json_is_true(found);
    return 0;
}

int json_get_string(const json_t *object, const char *key, const char **value, const char *name,
                    struct error *error) {
    json_t *found = find(object, key);
    if (!found) return 0;
    if (!json_is_string(found)) return wrong_type(found, key, "a string", name, error);
    *value = json_string_value(found);
    return 0;
}
