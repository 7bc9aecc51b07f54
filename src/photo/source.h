// Where a picture comes from, as messages, rows and command lines name it: a path, file:///path (percent
// signs decoded), or data:image/...;base64,... Pictures are never fetched from the network.
#ifndef GLOBE_PHOTO_SOURCE_H
#define GLOBE_PHOTO_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct photo_source {
    char *data; // the file's bytes
    size_t length;
    char *name; // for messages: the path, or "data:image/png;base64,... (1234 characters)"
};

// A relative path is one of `folder` (NULL: of the working directory); a file of at most `limit` bytes.
// ERROR_INPUT for what is missing, no valid URL, or in the network.
int photo_source_open(struct photo_source *source, const char *reference, const char *folder, size_t limit,
                      struct error *error);
void photo_source_close(struct photo_source *source);

// Whether it is an URL of some kind rather than a path.
bool photo_source_is_url(const char *reference);
// The same text for all names of one picture: file_identity of its file; of other URLs they themselves. free() it.
char *photo_source_identity(const char *reference, struct error *error);
// The path of a file:// URL in new memory, or NULL after filling `error`.
char *photo_source_path(const char *url, struct error *error);

#endif
