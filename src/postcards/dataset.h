// A folder of postcards: DIR/cards/000000.jpg ... and DIR/postcards.jsonl, one row a card, and
// DIR/naming.jsonl, which only asks what can be seen on the same cards (docs/postcards.md). Files are named
// by their index and all cards have one size, so that nothing but the pixels tells the place.
#ifndef GLOBE_POSTCARDS_DATASET_H
#define GLOBE_POSTCARDS_DATASET_H

#include "postcards/card.h"

enum { DATASET_MOST_CARDS = 10000000, DATASET_MOST_THREADS = 64 };

struct cards_options {
    const char *folder; // made when it is missing; its parent must exist
    uint64_t count;     // 1 to DATASET_MOST_CARDS
    uint64_t first;     // index of the first card
    struct card_order order;
    size_t width; // canvas.h
    int threads;  // 1 to DATASET_MOST_THREADS; the result does not depend on it
    bool replace; // a set that is there
};

// postcards.jsonl appears when all cards are written: a folder without it is not complete. What an unfinished run of the
// same options left is gone on with (it leaves a file .unfinished that says which); of others it goes. ERROR_INPUT when
// the folder holds a set, or pictures in cards/ that no unfinished run left there, unless `replace`: then the old cards go. ERROR_USAGE,
// ERROR_INPUT (a font is missing, the folder cannot be made), ERROR_IO, ERROR_INTERRUPTED (base/signals.h).
int dataset_write(const struct cards_options *options, struct error *error);

// The row of one card, without the newline: what training reads.
int dataset_row(struct buffer *out, const struct card *card, const struct card_order *order, uint64_t index,
                struct error *error);

// The same card as a row of naming.jsonl.
int dataset_naming_row(struct buffer *out, const struct card *card, uint64_t index, struct error *error);

// "000042.jpg"; names say the index and nothing else.
void dataset_name(char name[32], uint64_t index);

// The user's words: GLOBE's training prompt (rewards_and_eval.md 1.1), and those of naming.jsonl.
extern const char postcard_prompt[], postcard_naming_prompt[];

#endif
