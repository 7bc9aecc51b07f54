// Recipes as text: a table of keys says what a recipe may hold; a YAML file and `key=value` overrides are
// held against it, and what comes out is one complete YAML text. Mistakes name file, line, key, and what
// would be allowed.
#ifndef GLOBE_TRAIN_SETTINGS_H
#define GLOBE_TRAIN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

enum setting_kind {
    SETTING_FLAG,    // true or false
    SETTING_INTEGER, // within [low, high]
    SETTING_NUMBER,  // within [low, high]
    SETTING_CHOICE,  // one of `choices`
    SETTING_TEXT,
    SETTING_LIST // of texts; a single one will do
};

struct setting {
    const char *key; // "section.name"; the keys of a section stand together
    enum setting_kind kind;
    const char *value; // the default, as in YAML; NULL: the recipe must state it
    double low, high;
    const char *choices; // "constant, linear, cosine"
    const char *help;    // one line
};

enum { SETTINGS_MAX_FILE = 1 << 20 };

// Appends the complete recipe: every key of the table (ended by a NULL key) with its value, its help as a
// comment. The file is read first, then the overrides in order. ERROR_INPUT for a mistake in the file,
// ERROR_USAGE for one in an override.
int settings_merge(struct buffer *text, const struct setting *table, const char *path,
                   const char *const *overrides, size_t override_count, struct error *error);

#endif
