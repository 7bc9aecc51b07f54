// Recipes: one table of keys says all that there is to say of them; a YAML file and `key=value` overrides are held
// against it, and what comes out is one complete YAML text and a struct with the values. Mistakes name file, line, key,
// and what would be allowed.
#ifndef GLOBE_TRAIN_SETTINGS_H
#define GLOBE_TRAIN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

enum setting_kind {
    SETTING_FLAG,    // true or false; a bool
    SETTING_INTEGER, // within [low, high]; an int or a uint64_t
    SETTING_NUMBER,  // within [low, high]; a double
    SETTING_CHOICE,  // one of `choices`; an int, which one of them, from 0
    SETTING_TEXT,    // a char *
    SETTING_LIST     // of texts, a single one will do; a struct setting_list
};

struct setting_list {
    char **items;
    size_t count;
};

// In the order in which a table reads best.
struct setting {     // NOLINT(clang-analyzer-optin.performance.Padding)
    const char *key; // "section.name"; the keys of a section stand together
    enum setting_kind kind;
    const char *value; // the default, as in YAML; NULL: the recipe must state it
    double low, high;
    const char *choices; // "constant, linear, cosine"
    const char *help;    // one line
    size_t offset, size; // of its member in the struct with the values
    bool kept;           // a run that is resumed needs the value that it had
    unsigned uses;       // for whom the key is, bits of the caller's choice; 0: for everybody
};

enum { SETTINGS_MAX_FILE = 1 << 20 };

// Who reads a table: one of the bits of `uses`, and what messages call it ("globe train sft").
struct settings_reader {
    unsigned use; // 0: every key is for this one
    const char *name;
};

// Appends the complete recipe: every key of the table (ended by a NULL key) that is for this reader with its value, its
// help as a comment; and fills *values, a struct as the table describes it, which holds zeros before. Keys for others get
// their defaults, and are refused where they are given. The file is read first, then the overrides in order. ERROR_INPUT
// for a mistake in the file, ERROR_USAGE for one in an override. Release with settings_free, also after a failure.
int settings_read(void *values, struct buffer *text, const struct setting *table,
                  const struct settings_reader *reader, const char *path, const char *const *overrides,
                  size_t override_count, struct error *error);
bool settings_is_for(const struct setting *setting, unsigned use);
void settings_free(void *values, const struct setting *table);

// Appends the value of one setting, as a resumed run compares it.
void settings_describe(struct buffer *text, const struct setting *setting, const void *values);

#endif
