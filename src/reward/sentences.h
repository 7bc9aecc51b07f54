// Sentences of a reasoning, and the places and things that they name. Private to reward/.
#ifndef GLOBE_REWARD_SENTENCES_H
#define GLOBE_REWARD_SENTENCES_H

#include "reward/atlas.h"
#include "rows/truth.h"

enum { SENTENCE_PLACES = 16, SENTENCE_THINGS = 32 };

// Moves *text to what follows and copies the sentence to sentence[0, size), cut where it is longer; false at the end.
bool sentence_next(const char **text, char *sentence, size_t size);

struct sentence_place {
    char code[3];
    bool denied; // "not Japan", "rules out Japan", "unlike in Japan"
};

struct sentence_places {
    struct sentence_place places[SENTENCE_PLACES]; // each country once, denied or not
    size_t count;
};

// Countries by their names.
int sentence_find_countries(const char *sentence, struct atlas *atlas, struct sentence_places *found,
                            struct error *error);
// Large cities by their names, denied ones left out; at most `limit`.
int sentence_find_cities(const char *sentence, struct atlas *atlas, struct place *cities, size_t limit,
                         size_t *count, struct error *error);

// Whether a text is in a sentence, from one end of a word to another, in any case; with `plural`, an s may follow. NULL: no.
const char *sentence_find(const char *sentence, const char *text, bool plural);
// One of the words or beginnings of words: "point" finds "points to".
bool sentence_has(const char *sentence, const char *const *beginnings, size_t count);

#endif
