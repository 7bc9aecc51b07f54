// Words for things that a picture can show, with their plurals, synonyms and wider words: data/visible-words.txt, made from
// WordNet (data/NOTICE.md).
#ifndef GLOBE_REWARD_WORDS_H
#define GLOBE_REWARD_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct words;

// path NULL: the file that came with the program (base/installed.h). ERROR_INPUT when it is missing or no such file.
struct words *words_open(const char *path, struct error *error);
void words_close(struct words *words); // NULL is fine

enum { WORDS_SENSES = 24, WORDS_LONGEST = 3 };

// What a word or a phrase of up to WORDS_LONGEST words can mean.
struct word_senses {
    uint32_t senses[WORDS_SENSES];
    size_t count;
    bool thing; // it names a visible thing before all else: "tower", not "palm" or "machine"
};

// The phrase as it stands or in the singular, in any case; its words are joined by single spaces or hyphens. count is 0 for
// one that is not known.
void words_find(const struct words *words, const char *phrase, size_t length, struct word_senses *senses);

// Whether a word can mean what another one means, or something wider ("automobile" and "vehicle" go with "car", "bus" does
// not), or else something narrower ("taxi").
enum words_relation { WORDS_APART, WORDS_COVERS, WORDS_NARROWER };
enum words_relation words_compare(const struct words *words, const struct word_senses *word,
                                  const struct word_senses *other);

#endif
