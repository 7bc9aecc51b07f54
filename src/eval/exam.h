// An examination: a model answers for pictures whose truth is known, and the answers are scored.
#ifndef GLOBE_EVAL_EXAM_H
#define GLOBE_EVAL_EXAM_H

#include "eval/score.h"
#include "locate/session.h"
#include "rows/truth.h"

struct exam_options {
    const char *group_by;     // key of the rows; NULL: one group
    size_t limit;             // rows at most; 0: all
    const char *const *files; // of the rows: the answers never replace one
    size_t file_count;
    const char *answers; // a JSON-lines file to keep the answers in as they come; NULL: none
    bool resume;         // the answers that are in it count, and only the others are asked for
    bool force;          // files of others are replaced, answers of other settings count
    bool blind;          // grey pictures
};

struct exam_group {
    char *name;
    struct score score;
};

struct exam {
    struct truth_list rows;
    struct exam_group *groups; // after exam_run: those with most countries right come first
    size_t group_count;
    struct score total;
    struct chance chance;
    char model[256];
    bool blind;
    bool no_distances; // there was no gazetteer to give the answers a position
};

// Reads the rows of all files. Start from {0}.
int exam_open(struct exam *exam, const char *const *files, size_t count, const struct exam_options *options,
              struct error *error);
// Asks, keeps and scores. After Ctrl-C (ERROR_INTERRUPTED) the answers so far are in the file. ERROR_INPUT
// when the file holds answers of another model or of no row.
int exam_run(struct exam *exam, const struct session_options *session, const struct exam_options *options,
             struct error *error);
void exam_close(struct exam *exam);

#endif
