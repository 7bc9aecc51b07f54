// Private to row*.c: what the keys of a row mean besides the conversation itself. A key is understood,
// refused because it would change what is learnt, known to say nothing of it, or noted for a warning.
#ifndef GLOBE_ROWS_ROW_INTERNAL_H
#define GLOBE_ROWS_ROW_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "rows/row.h"

// Whether a value says anything: not missing, null, "", [] or {}. Tables in Parquet fill what is missing.
bool row_is_set(const json_t *value);

// Holds all keys of an object against the tables below; `where` stands in notes ("messages[]."). ERROR_INPUT
// names a key that would change what is learnt.
// What would change the conversation is of no account to those who do not read it.
int row_check_keys(const json_t *row, const struct row_options *options, struct row_notes *notes,
                   struct error *error);
int row_check_message(const json_t *message, struct row_notes *notes, struct error *error);
int row_check_part(const json_t *part, struct row_notes *notes, struct error *error);

void row_note(struct row_notes *notes, const char *where, const char *name); // once; notes may be NULL

// "loss", "weight", "train" ... of a message or a row: whether its answers are learnt; *learnt stays as it is
// when nothing is said. ERROR_INPUT for anything between yes and no.
int row_read_learnt(const json_t *object, bool *learnt, struct error *error);

// The pictures beside a conversation, under whichever name: a list, or one by itself; NULL: none. ERROR_INPUT
// for two of them.
int row_find_pictures(const json_t *row, const json_t **pictures, struct error *error);

// What the row says of its pictures; *truth is freed by the caller, also after a failure.
int truth_take(struct truth *truth, const json_t *row, const struct row_options *options, const char *name,
               struct error *error);
void truth_clear(struct truth *truth);
// The two names of a solution: what stands first between <country> and </country> (<city> likewise) on one line, or, in a
// text without these, before and after a tab. Length 0: none.
struct row_solution {
    const char *country, *city;
    size_t country_length, city_length;
};
struct row_solution row_read_solution(const char *text);

// What other programs write where a picture, a video or a sound is to stand, and what this one does not read;
// NULL: the text holds none.
const char *row_find_placeholder(const char *text);

#endif
