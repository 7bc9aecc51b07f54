// A line of `globe locate --jsonl` read back into the verdict it was written from (docs/output-formats.md).
//
// Strict about what is there: each known key must have its type, numbers their range, texts no NUL; keys of
// earlier versions may be missing. A key that this version does not know is allowed, because later versions
// add some, but it is told by name, so that nobody takes for complete what is made from it.
#ifndef GLOBE_LOCATE_RECORD_H
#define GLOBE_LOCATE_RECORD_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "locate/verdict.h"
#include "locate/writer.h"

enum { RECORD_LIMIT = 64 << 20 }; // bytes of a line: far more than any answer needs

struct record {
    // As it was written: coarsened and cleaned. `photo` has the exact bytes of the path. Clues have no place
    // in the reasoning and places no position of their country: the record does not hold them. record_free
    // frees it, not verdict_free; its static texts live as long as the record.
    struct verdict verdict;
    const char *model;               // "" when not said
    enum writer_precision precision; // of all that stands in it
    const char *version;             // of the program that wrote it; "" when not said (before 0.2)
    const json_t *provenance;        // the object, or NULL
    const char *unknown;             // the first key that this version does not know; NULL: none
    json_t *json;                    // the whole object, with what is not known
    size_t line;                     // of the file that it stands in, from 1; 0: not said
};

// Reads one line, with or without its end. `name` ("places.jsonl: line 7") stands in messages. ERROR_INPUT
// for what is no record, with *record empty.
int record_read(struct record *record, const char *line, size_t length, const char *name,
                struct error *error);
void record_free(struct record *record); // what it holds; then all zero

#endif
