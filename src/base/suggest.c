#include "base/suggest.h"

#include <string.h>

enum { LONGEST = 63 };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b) {
    size_t rows = strnlen(a, LONGEST), columns = strnlen(b, LONGEST);
    size_t distance[LONGEST + 1][LONGEST + 1]; // between the first i letters of a and the first j of b
    for (size_t i = 0; i <= rows; i++) distance[i][0] = i;
    for (size_t j = 0; j <= columns; j++) distance[0][j] = j;
    for (size_t i = 1; i <= rows; i++)
        for (size_t j = 1; j <= columns; j++) {
            size_t change = distance[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            size_t best = least(change, 1 + least(distance[i - 1][j], distance[i][j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = least(best, distance[i - 2][j - 2] + 1);
            distance[i][j] = best;
        }
    return distance[rows][columns];
}

void suggest_start(struct suggestion *suggestion, const char *word) {
    *suggestion = (struct suggestion){.word = word, .distance = 1 + (strlen(word) + 1) / 3};
}

void suggest_offer(struct suggestion *suggestion, const char *candidate) {
    size_t distance = suggest_distance(suggestion->word, candidate);
    if (distance >= suggestion->distance) return;
    suggestion->distance = distance;
    suggestion->best = candidate;
}
