// Which photos: files, folders, lists, standard input.
#ifndef GLOBE_LOCATE_PHOTO_LIST_H
#define GLOBE_LOCATE_PHOTO_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct photo_list {
    char **paths;
    size_t count, capacity;
    // Folders below a given one that could not be read: each is told and counted, and the rest goes on.
    size_t problems;
    void (*on_problem)(void *context, const struct error *error); // NULL: only counted
    void *context;
};

int photo_list_add(struct photo_list *list, const char *path, struct error *error);
// A file is added as it is (it may not exist: the batch reports it). A folder gives the pictures in it, by
// their names (.jpg .jpeg .png .webp .heic .heif .avif .tif .tiff .gif), sorted; with `recursive` those below
// it, too, without following links to folders, 64 deep. ERROR_INPUT for a folder that cannot be read or holds
// no picture; what the list had before stays, and it may be gone on with.
int photo_list_expand(struct photo_list *list, const char *path, bool recursive, struct error *error);
// A list of photos and folders: one path per line, with blank lines passed over, or with `null_ends` each path
// ended by a NUL, so that it may hold anything. "-" is standard input. What cannot be expanded is a problem
// like those above.
int photo_list_read(struct photo_list *list, const char *path, bool null_ends, bool recursive,
                    struct error *error);
// Leaves each file once, under the name that came first, whatever its other names are (photo_source_identity), and tells
// of each name that goes. *dropped counts them.
int photo_list_drop_repeats(struct photo_list *list,
                            void (*on_repeat)(void *context, const char *photo, const char *first),
                            void *context, size_t *dropped, struct error *error);
void photo_list_free(struct photo_list *list);

#endif
