// How far a long job has come, on stderr: a bar with rate and time left on a terminal, now and then a plain
// line elsewhere (logs of CI and batch systems), nothing when quiet.
#ifndef GLOBE_BASE_PROGRESS_H
#define GLOBE_BASE_PROGRESS_H

#include <stdint.h>

enum progress_mode {
    PROGRESS_AUTO, // bar on a terminal, lines elsewhere
    PROGRESS_LINES,
    PROGRESS_QUIET
};

// For the whole program. Lines come at most every `seconds` (PROGRESS_AUTO and 10 s at first).
void progress_configure(enum progress_mode mode, double seconds);

struct progress;

// "locating: 3 of 270 photos"; total 0 means that nobody knows. The texts must outlive the progress. NULL
// when quiet or out of memory: every function here takes NULL and then does nothing, so callers need not
// check.
struct progress *progress_start(const char *title, const char *unit, uint64_t total);
void progress_add(struct progress *progress, uint64_t steps); // thread-safe
// A few words after the numbers (the current file, the loss). Thread-safe; shown with the next update.
void progress_note(struct progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Removes the bar, or writes the last line, and frees.
void progress_finish(struct progress *progress);

#endif
