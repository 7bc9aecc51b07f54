// One postcard: its pixels and its truth. A card is a function of (seed, split, index, difficulty, width)
// alone, so any card can be drawn again by itself, on any thread.
#ifndef GLOBE_POSTCARDS_CARD_H
#define GLOBE_POSTCARDS_CARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "photo/image.h"
#include "postcards/reason.h"
#include "postcards/scene.h"

// Test cards are drawn from other random streams than training cards: they share no card, whatever the seeds.
enum card_split { SPLIT_TRAIN, SPLIT_TEST };

static const uint64_t CARD_MOST_SEED = (UINT64_C(1) << 53) - 1;  // JSON numbers are exact up to here
static const uint64_t CARD_MOST_INDEX = (UINT64_C(1) << 40) - 1; // cards of one seed and split

struct card_order {
    uint64_t seed;
    enum card_split split;
    enum difficulty difficulty; // DIFFICULTY_MIXED: drawn for each card
};

struct card {
    struct image image; // as photographed: light, blur and noise included; [height, width, 3]
    struct plan plan;
    struct scene scene; // the visible elements
    struct conclusion verdict;
    int jpeg_quality; // 60 to 95, the same odds for all places
    struct buffer reasoning;
    struct buffer naming; // reason_name()
};

// Canvas for one thread, with its fonts checked: ERROR_INPUT names the missing Debian package.
struct canvas *card_canvas(size_t width, struct error *error);
int card_make(struct card *card, struct canvas *canvas, const struct card_order *order, uint64_t index,
              struct error *error);
void card_free(struct card *card);

#endif
