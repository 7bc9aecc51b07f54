// Kinds of clues, told by the words of a sentence. Only for src/locate/clues.c.
#ifndef GLOBE_LOCATE_CLUES_KINDS_H
#define GLOBE_LOCATE_CLUES_KINDS_H

#include <stdbool.h>

// The kind whose words occur most often in the sentence (a static name), or NULL when there are none. Words
// of a label ("Vegetation: ...") weigh more. The sentence is one line with single spaces.
const char *clue_kind_of(const char *sentence);
// The kind of the label alone, or NULL.
const char *clue_kind_of_label(const char *sentence);
// Whether the sentence opens as one that sums up: "Therefore ...", "Based on these ...".
bool clue_is_conclusion(const char *sentence);

#endif
