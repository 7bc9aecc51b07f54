// Going on with the JSON lines of an earlier run: which photos are done, which records lack something that
// this run asks for, and whether the file is one to go on with at all. Nothing here writes but resume_tidy.
#ifndef GLOBE_LOCATE_RESUME_H
#define GLOBE_LOCATE_RESUME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/journal.h"
#include "base/name_map.h"
#include "base/output.h"
#include "locate/folder_hints.h"
#include "locate/photo_list.h"
#include "locate/provenance.h"
#include "locate/record.h"

extern const struct output_kind resume_kind; // our JSON lines

struct resume_options {
    const struct provenance *provenance; // of this run; NULL: records are not held against it
    bool mix;                            // --force: records of other settings count as done, too
};

// The last record of a photo that did not fail, or the last one.
struct resume_entry {
    char *photo;                 // its bytes
    size_t offset, length, line; // line: its number
    bool failed;
    bool changed;                 // resume_drop_changed: the record is about another file
    int64_t modified;             // of the photo (locate/provenance.h)
    char photo_sha256[HASH_TEXT]; // "" when not known
    bool hint_known;              // the record says with which hint of its folder it was made
    char hint_sha256[HASH_TEXT];  // "": none
};

struct resume {
    char *path;
    struct resume_entry *entries;
    struct name_map by_photo; // to the entry
    size_t count, capacity;
    struct journal_mark mark;
    size_t unsigned_records; // records that do not say how they were made
    bool repeats;            // some photo has more than one record
};

// Reads all of the file. A missing or empty one is no error. ERROR_INPUT, naming the line, for a file that
// holds anything but records, or ends in something that is not the beginning of one, and for a record that
// was made with another model, seed or other settings (naming what differs). Start from {0}, or anything.
int resume_read(struct resume *resume, const char *path, const struct resume_options *options,
                struct error *error);
// Gives the photos of the list the names that their records have, where those are other names of the same files:
// what follows, and what is written, knows a photo by one name.
int resume_take_names(const struct resume *resume, struct photo_list *list, struct error *error);
// The rule of resume_read for hints of folders, which differ from photo to photo: ERROR_INPUT when one of the list
// has another hint by now than when it was located.
int resume_check_hints(const struct resume *resume, const struct photo_list *list, struct folder_hints *hints,
                       struct error *error);
// Looks which photos of the list are other files by now than when they were located: their records count no more,
// and they are asked for again. *changed counts them.
int resume_drop_changed(struct resume *resume, const struct photo_list *list, size_t *changed,
                        struct error *error);
// Drops the photos that are done from the list; *dropped counts them. Those that failed are tried again. With
// `explain` so are those whose attention maps are missing, as far as their records can have any.
int resume_drop(const struct resume *resume, struct photo_list *list, bool explain, size_t *dropped,
                struct error *error);
// Hands the records of the photos of `list` (NULL: all) over that did not fail, in the order of the file; -1
// from `each` stops. The record is freed afterwards.
int resume_each(const struct resume *resume, const struct photo_list *list,
                int (*each)(void *context, const struct record *record, struct error *error), void *context,
                struct error *error);
void resume_free(struct resume *resume);

// When the run is over: leaves one record of each photo, the last that did not fail, else the last. The file
// is replaced as a whole, and only when there is something to leave out.
int resume_tidy(const char *path, struct error *error);

#endif
