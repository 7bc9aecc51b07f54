// The clues of a reasoning text: its sentences and list items, each with the kind of thing it speaks of.
#ifndef GLOBE_LOCATE_CLUES_H
#define GLOBE_LOCATE_CLUES_H

#include <stddef.h>

#include "base/error.h"
#include "locate/verdict.h"

#define CLUES_LIMIT 64       // so many clues at most; what follows is left out
#define CLUES_TEXT_LIMIT 400 // characters of a clue's text; longer ones end in "…"

// Kinds: "sign", "language", "plate", "flag", "vehicle", "road", "infrastructure", "architecture",
// "landmark", "vegetation", "terrain", "water", "climate", "people" and "other".
//
// Sentences end at . ! ? … and their CJK counterparts (not in "St.", "e.g.", "3.5"), list items and headings
// at the end of their line. A heading or a label ("Vegetation: ...") decides the kind where the words under
// it do not. Sentences of no kind, conclusions and repetitions are left out; when nothing else is left, the
// sentences come as "other".
//
// The text is any UTF-8 (what is invalid becomes U+FFFD in the clue), NULL or empty gives no clues. The clues
// are in the order of the text and do not overlap; [first, first + length) is the sentence in `reasoning`
// without the white space around it. verdict_clues_free() them. Fails with ERROR_MEMORY only.
int clues_find(const char *reasoning, struct verdict_clue **clues, size_t *count, struct error *error);

#endif
