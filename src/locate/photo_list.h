// Which photos: files, folders, lists, standard input.
#ifndef GLOBE_LOCATE_PHOTO_LIST_H
#define GLOBE_LOCATE_PHOTO_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct photo_list {
    char **paths;
    size_t count, capacity;
};

int photo_list_add(struct photo_list *list, const char *path, struct error *error);
// A file is added as it is (it may not exist: the batch reports it). A folder gives the pictures in it, by
// their names (.jpg .jpeg .png .webp .heic .heif .avif .tif .tiff .gif), sorted; with `recursive` those below
// it, too, without following links to folders. ERROR_INPUT for a folder that cannot be read or holds no
// picture.
int photo_list_expand(struct photo_list *list, const char *path, bool recursive, struct error *error);
// One path per line; "-" is standard input. Blank lines are passed over.
int photo_list_read(struct photo_list *list, const char *path, struct error *error);
// Drops the photos that a JSON-lines file of an earlier run has a verdict for; those that failed are tried
// again. *keep is the length of the file up to its last complete line: what follows was cut off. A missing
// file drops nothing. Photos whose names are not UTF-8 are never dropped: JSON cannot spell them.
int photo_list_resume(struct photo_list *list, const char *results, size_t *keep, size_t *dropped,
                      struct error *error);
void photo_list_free(struct photo_list *list);

#endif
