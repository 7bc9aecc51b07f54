// The records of several files as one list: of a long batch that was resumed, or run in parts.
//
// A photo that has several records is in the list once, where it came up first, with its last record. What is
// no record is told by file and line and left out. Only an index is held in memory; the records are read
// again when they are needed.
#ifndef GLOBE_LOCATE_RECORD_SET_H
#define GLOBE_LOCATE_RECORD_SET_H

#include "locate/record.h"

struct record_set_events {
    // A line that is no record: "places.jsonl: line 7: ...". NULL: only counted.
    void (*on_broken)(void *context, const char *message);
    // Something to know about the records, once for each such thing. NULL: nobody is told.
    void (*on_notice)(void *context, const char *message);
    void *context;
};

struct record_set_counts {
    size_t lines;   // that are not blank
    size_t records; // different photos
    size_t repeats; // records that a later one replaced
    size_t broken;  // lines that are no records
};

struct record_set;
// Reads the files; "-" is standard input, which is copied to a temporary file. ERROR_INPUT or ERROR_IO when
// one cannot be read: nothing is made of half of the results.
struct record_set *record_set_open(const char *const *paths, size_t count,
                                   const struct record_set_events *events, struct error *error);
struct record_set_counts record_set_count(const struct record_set *set);
// Each record in turn; it is freed afterwards. A file that has changed meanwhile is ERROR_INPUT. -1 also when
// `on_record` returns -1.
int record_set_each(struct record_set *set,
                    int (*on_record)(void *context, const struct record *record, struct error *error),
                    void *context, struct error *error);
void record_set_free(struct record_set *set); // NULL is fine

#endif
