// Reading config.json: what config.c and the families share.
#ifndef GLOBE_MODEL_CONFIG_INTERNAL_H
#define GLOBE_MODEL_CONFIG_INTERNAL_H

#include <limits.h>

#include "base/json.h"
#include "model/config.h"

// An integer key of the file, where it goes and what it may be. A fallback of CONFIG_REQUIRED: the key must be
// there.
enum { CONFIG_REQUIRED = INT_MIN };
struct config_field {
    const char *key;
    size_t offset; // of an int
    int low, high, fallback;
};

// The parts of one config.json. Text keys are looked for in `text`, then in `top`.
struct config_file {
    const char *name, *vision_name; // for messages
    const json_t *top, *text, *vision;
};

// Whether the object has the key, with a value that is not null.
bool config_has_key(const json_t *object, const char *key);
// The object that holds a text key: text_config where there is one, else the top level.
const json_t *config_holder(const struct config_file *file, const char *key);
int config_missing(const char *name, const char *key, struct error *error); // the error; -1
int config_read_field(const json_t *object, const struct config_field *field, void *base, const char *name,
                      struct error *error);
// A number that must be there.
int config_read_number(const json_t *object, const char *key, double low, double high, double *value,
                       const char *name, struct error *error);
// A list of at most `limit` integers, or one integer alone. A missing key leaves everything as it is.
int config_read_list(const json_t *object, const char *key, int64_t low, int64_t high, int *list, int limit,
                     int *count, const char *name, struct error *error);

#endif
