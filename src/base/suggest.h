// "Did you mean ...?": the nearest of some words to a misspelt one.
#ifndef GLOBE_BASE_SUGGEST_H
#define GLOBE_BASE_SUGGEST_H

#include <stddef.h>

struct suggestion {
    const char *word;
    const char *best; // NULL while nothing is near enough: a third of the word may differ
    size_t distance;
};

void suggest_start(struct suggestion *suggestion, const char *word);
void suggest_offer(struct suggestion *suggestion, const char *candidate);

// Letters to insert, delete, change or swap with their neighbour to get from one word to the other (optimal
// string alignment). Only the first 63 bytes of each count.
size_t suggest_distance(const char *a, const char *b);

#endif
