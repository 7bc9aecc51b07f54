// The one way to the rows of data sets: JSONL files and WebDataset shards, by number over all files together. Training
// reads its rows through it, evaluation what is known of pictures, and rewards both.
#ifndef GLOBE_ROWS_ROW_FILES_H
#define GLOBE_ROWS_ROW_FILES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"
#include "rows/row.h"

struct row_files;

// A path may hold the wildcards of the shell; names with .tar or .tgz in them are shards, all others JSONL. Nothing is
// parsed yet: a file is only cut into rows. Blank lines are none, and a byte order mark is passed over.
struct row_files *row_files_open(char *const *paths, size_t count, struct error *error);
void row_files_close(struct row_files *files);

size_t row_files_count(const struct row_files *files);
void row_files_describe(const struct row_files *files, size_t row, char *text,
                        size_t size);                               // "rows.jsonl:12", "s.tar:KEY"
uint64_t row_files_hash(const struct row_files *files, size_t row); // of its text, not of its pictures

// Reads a row; `images` of the options is set by the kind of the file. The message of a failure does not name the row.
// Thread-safe, as all that follows.
int row_files_read(const struct row_files *files, size_t row, struct row_options options, struct row *out,
                   struct row_notes *notes, struct error *error);

// The row as it stands in its file, or NULL for one that is no JSON (json_decref it).
json_t *row_files_json(const struct row_files *files, size_t row);

// A picture that the row names: its bytes, mapped from its own file or copied out of the shard.
struct row_picture {
    const void *data;
    size_t length;
    struct file_map map;
    char *copy;
};
int row_files_picture(const struct row_files *files, size_t row, const char *name,
                      struct row_picture *picture, struct error *error);
void row_picture_close(struct row_picture *picture);

// Whether the row and its pictures are members of a shard.
bool row_files_in_shard(const struct row_files *files, size_t row);
// Where that picture is; free() it. Relative paths start in the folder of their JSONL file. ERROR_INPUT for one in a
// shard, which has no path.
char *row_files_picture_path(const struct row_files *files, size_t row, const char *name,
                             struct error *error);

// ---- keys that nothing is known of ----------------------------------------------------------------------

enum { ROW_MOST_UNKNOWN = 32 };

struct row_unknown {
    struct {
        char key[ROW_NOTE_SIZE];
        size_t rows, first; // how many have it, and the first of them
    } keys[ROW_MOST_UNKNOWN];
    size_t count;
};

// Not thread-safe.
void row_unknown_add(struct row_unknown *unknown, const struct row_notes *notes, size_t row);
// Warns once of each key, with the first row that has it.
void row_unknown_report(struct row_unknown *unknown, const struct row_files *files);

#endif
