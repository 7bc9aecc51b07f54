// Files: read whole, mapped, or written so that a reader never sees half of one.
#ifndef GLOBE_BASE_FILE_H
#define GLOBE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

// Reads a regular file of at most `limit` bytes; the result has a NUL after its last byte. free() it. A Git
// LFS pointer in the place of the file is an error (file_check_pointer), here and in file_map_open.
char *file_read(const char *path, size_t limit, size_t *length, struct error *error);

// Read-only mapping. Zero-length files are an error: nothing we map can be empty.
struct file_map {
    const void *data;
    size_t size;
};
int file_map_open(struct file_map *map, const char *path, struct error *error);
void file_map_close(struct file_map *map);

// ERROR_INPUT when the content is not the file but what git leaves in its place without git-lfs.
int file_check_pointer(const char *path, const void *data, size_t length, struct error *error);

// Writes PATH by way of a temporary name beside it, fsync and rename; on any failure PATH is as it was.
// Symbolic links are followed, an existing file keeps its access rights, and a device or pipe is written to
// directly.
int file_write(const char *path, const void *data, size_t length, struct error *error);

// The same for a stream: write to writer.stream, then commit or abandon.
struct file_writer {
    FILE *stream;
    char *path;
    char *temporary;
    int noted; // base/temporary.h
};
int file_writer_open(struct file_writer *writer, const char *path, struct error *error);
int file_writer_commit(struct file_writer *writer, struct error *error); // flush, fsync, rename
// The same, but what is there by now is never replaced: ERROR_INPUT, whoever made it in the meantime.
int file_writer_commit_new(struct file_writer *writer, struct error *error);
void file_writer_abandon(struct file_writer *writer); // removes the temporary

bool file_exists(const char *path);
bool file_is_directory(const char *path);
// The same text for all names of one file: through links to it and to folders, and hard links. Of what cannot be
// looked at it is the name. free() it.
char *file_identity(const char *path, struct error *error);
char *file_join(const char *folder, const char *name, struct error *error); // NAME itself when it is absolute
char *file_folder(const char *path, struct error *error);                   // like dirname(3), in new memory

#endif
