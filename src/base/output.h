// Where a run writes, settled before its work begins: an output never replaces a file that globe did not
// write, nor anything that the run reads, no two outputs of a run are one file, and no two runs write one
// output.
#ifndef GLOBE_BASE_OUTPUT_H
#define GLOBE_BASE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

// What an output of ours looks like: enough to tell it from everybody else's files.
struct output_kind {
    const char *name; // "a CSV table of globe locate"
    // `start` is the file's beginning (at most OUTPUT_LOOK bytes, then NUL). The same for files that earlier
    // versions wrote.
    bool (*is_own)(const char *start, size_t length);
};
enum { OUTPUT_LOOK = 1 << 16 };

// One place in FILE of a line that starts so, or NULL; for is_own.
const char *output_find_line(const char *start, const char *line);

enum { OUTPUT_MOST = 8 };

struct output {
    const char *option; // "--html", for messages; "standard output"
    char *path;         // absolute, through symbolic links
    bool exists;
    dev_t device; // when it exists
    ino_t inode;
    char *lock_path; // NULL: not locked
    int lock, file;  // descriptors that hold the lock, -1: none
    int noted;       // base/temporary.h
};

// Start from {0}; set `force` to replace files of others, which never holds for what the run reads.
struct outputs {
    const char *command; // "globe locate", told to those who find the output taken
    bool force;
    struct output list[OUTPUT_MOST];
    size_t count;
};

// Claims PATH for `option`, and removes what a run that was killed left beside it. ERROR_USAGE when another output of this run is the same file (by whatever name);
// ERROR_INPUT when another run holds it, when it is a folder, and without `force` when it is a file that
// `kind` does not own (an empty one is anybody's; devices and pipes are written to as they are). `kind` NULL:
// the caller looks himself. For folders (`folder`) only the claim is made; they need not exist.
int outputs_add(struct outputs *outputs, const char *option, const char *path, const struct output_kind *kind,
                bool folder, struct error *error);
// Standard output, when it is a regular file.
int outputs_add_standard(struct outputs *outputs, struct error *error);

// What the run reads, or writes besides ("a photo", "the sidecar of a.jpg"): ERROR_USAGE when PATH is one of
// the outputs.
int outputs_spare(const struct outputs *outputs, const char *what, const char *path, struct error *error);
// The same for the files in a folder, not for those below it; a path that is no folder is spared itself.
int outputs_spare_folder(const struct outputs *outputs, const char *what, const char *path,
                         struct error *error);

// Gives the outputs back. What was written stays.
void outputs_release(struct outputs *outputs);

// What a run that was killed in the middle of writing PATH, a file or a folder, left beside it (outputs_add does it).
// Only for whoever holds the lock of the file or its folder.
void output_remove_left_over(const char *path);
// The same for all files of the folder whose names end in `ending` (".xmp").
void output_remove_left_overs(const char *folder, const char *ending);

// The check of outputs_add alone, for side files ("a.xmp"): ERROR_INPUT when there is a file that is not own.
int output_check(const char *path, const struct output_kind *kind, struct error *error);

#endif
