// The rows of a set of postcards while it is drawn: hidden files that grow by a row as soon as its card and all before it
// are there, so that a run that was killed loses at most the cards it was at. They take their names when the set is
// whole. Only for src/postcards/.
#ifndef GLOBE_POSTCARDS_ROWS_JOURNAL_INTERNAL_H
#define GLOBE_POSTCARDS_ROWS_JOURNAL_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/journal.h"

enum { ROWS_NAMING, ROWS_CARDS, ROWS_FILES }; // the cards' own rows come last

struct rows_journal {
    char *paths[ROWS_FILES];   // naming.jsonl, postcards.jsonl
    char *growing[ROWS_FILES]; // .naming.jsonl.part, ...
    struct journal_mark marks[ROWS_FILES];
    struct journal journals[ROWS_FILES];
    bool open;
};

// Start from {0}. Names the files in the folder and removes left-overs; nothing is opened.
int rows_journal_name(struct rows_journal *rows, const char *folder, struct error *error);
// With `resume`: how many rows both files have, of which is_there(context, i) says that the card is there; goes on after
// those. Otherwise from the beginning.
int rows_journal_open(struct rows_journal *rows, bool resume, uint64_t most,
                      bool (*is_there)(void *context, uint64_t row), void *context, uint64_t *kept,
                      struct error *error);
// The next row of each file, without its end.
int rows_journal_add(struct rows_journal *rows, const struct buffer texts[ROWS_FILES], struct error *error);
// To the disk, and `whole`: under their names.
int rows_journal_close(struct rows_journal *rows, bool whole, struct error *error);
// Closes what is open, as it is.
void rows_journal_free(struct rows_journal *rows);

#endif
