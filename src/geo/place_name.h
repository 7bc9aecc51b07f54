// Place names as keys: two spellings that a reader takes for the same name get the same key.
//
// A key is the name in NFKD, case-folded, without diacritics, apostrophes and points of abbreviations; every
// other punctuation mark is a space, spaces are single; letters without a decomposition get their usual Latin
// form (ø o, ł l, ı i, æ ae); "&" is "and"; saint, sainte, mount and fort are st, ste, mt and ft. Names in
// other scripts keep their script. "Saint-Étienne", "St. Etienne" and "ST ETIENNE" are all "st etienne".
#ifndef GLOBE_GEO_PLACE_NAME_H
#define GLOBE_GEO_PLACE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define PLACE_NAME_LIMIT 512  // bytes of a name that is looked up
#define PLACE_KEY_SIZE 1024   // bytes of a key with its NUL
#define PLACE_KEY_VARIANTS 24 // at most so many other keys for one name

// Writes the key of text[0..length). The key is empty when nothing of the name is a letter or digit.
// ERROR_LIMIT above PLACE_NAME_LIMIT bytes, ERROR_INPUT for a NUL byte or invalid UTF-8. With `expand`, ä ö ü
// å ø become ae oe ue aa oe instead (the other way of writing them in ASCII: Muenchen, Aarhus).
int place_key(const char *text, size_t length, bool expand, char key[PLACE_KEY_SIZE], struct error *error);

// Keys without what is said around a name, the most cautious first: "city of", "greater", "metropolitan
// area", "province", the article; and with "city" added. Returns how many.
int place_key_variants(const char *key, char variants[PLACE_KEY_VARIANTS][PLACE_KEY_SIZE]);

// Cyrillic and Greek in Latin letters. False when the key holds no such letter, or holds others that are not
// ASCII.
bool place_key_transliterate(const char *key, char latin[PLACE_KEY_SIZE]);

// Edits between two ASCII keys: insertions, deletions, substitutions and swaps of neighbours each count 1
// (optimal string alignment). Returns limit + 1 as soon as it is known to be more than `limit` (at most 3).
int place_key_edits(const char *a, size_t a_length, const char *b, size_t b_length, int limit);

#endif
