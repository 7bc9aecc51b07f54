// JSON lines that grow, and that a later run goes on with: the answers of globe locate and globe eval, the metrics of
// globe train. Every line is handed to the system whole before the next one is made, so that a program that is killed
// loses at most the line it was at; the disk has all of them when the journal is closed. What a power failure or a kill
// leaves at the end, a piece of a line, is cut off by the run that goes on. Nobody else writes meanwhile: the file is
// claimed before it is read (base/output.h).
#ifndef GLOBE_BASE_JOURNAL_H
#define GLOBE_BASE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

// How far a journal is good.
struct journal_mark {
    size_t keep; // up to its last whole line; what follows was cut off
    size_t size; // when it was read
};

// Of one line, with its end. A result other than 0 stops the reading and is returned.
typedef int journal_visit(void *context, const char *line, size_t length, size_t offset, size_t number,
                          struct error *error);
// Whether this is what can be left of a line of ours: else the file is not one to be cut.
typedef bool journal_torn(const char *tail, size_t length);

// Reads all of it. A missing or empty file is no error. ERROR_INPUT for what is no file to go on with, and for an end
// that is_torn does not know: "not WHAT, so the file is left as it is".
int journal_read(struct journal_mark *mark, const char *path, journal_visit *visit, void *context,
                 journal_torn *is_torn, const char *what, struct error *error);

struct journal {
    char *path;
    FILE *stream; // NULL: not open
};

// Appends after what `mark` keeps; NULL: starts anew. ERROR_INPUT when the file is not as it was read.
int journal_open(struct journal *journal, const char *path, const struct journal_mark *mark,
                 struct error *error);
// One line, without its end.
int journal_add(struct journal *journal, const char *line, size_t length, struct error *error);
// To the disk, also when the run has failed. Nothing is open afterwards, and closing it again is fine.
int journal_close(struct journal *journal, struct error *error);

// Cuts a piece of a line off, when nothing is to be added.
int journal_heal(const char *path, const struct journal_mark *mark, struct error *error);

#endif
