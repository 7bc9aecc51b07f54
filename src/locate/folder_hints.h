// What is known about the photos of a folder, for the model: a text file in it ("globe-hint.txt"), which holds
// for the folders below it, too, unless they have one of their own.
#ifndef GLOBE_LOCATE_FOLDER_HINTS_H
#define GLOBE_LOCATE_FOLDER_HINTS_H

#include "base/hash.h"
#include "base/name_map.h"
#include "base/output.h"
#include "text/prompts.h"

enum { FOLDER_HINT_LIMIT = 4096 }; // bytes

// Set the first three; the texts must outlive it.
struct folder_hints {
    const char *file;   // its name, without a folder
    const char *prompt; // see locate_prompt_open
    const char *hint;   // of all photos, comes first; NULL: none
    struct folder_hint {
        char *folder;
        char sha256[HASH_TEXT]; // of the hint, with that of all photos; "": there is none
        struct locate_prompt text;
    } * *list; // one per folder of photos
    size_t count;
    struct name_map by_folder;
};

// What is asked about a photo: the prompt with the hint of the nearest folder, from its own up as far as its path names them
// ("a/b/c.jpg": a/b, a, the current folder). ERROR_INPUT when the file there cannot be read, is no UTF-8 or too
// long: an answer without the hint would not be what was asked for.
const struct folder_hint *folder_hints_find(struct folder_hints *hints, const char *photo,
                                            struct error *error);
// ERROR_USAGE when one of the outputs is a file named FILE in a folder that folder_hints_find looks into.
int folder_hints_spare(const char *file, const char *photo, const struct outputs *outputs,
                       struct error *error);
void folder_hints_free(struct folder_hints *hints); // what was read

#endif
