#include "eval/scope_others.h"

#include <stdlib.h>

#include "base/memory.h"
#include "eval/scope_vary.h"
#include "postcards/card.h"
#include "postcards/stranger.h"

enum { SEED = 20261127, WIDTHS = 2 };

struct scope_others {
    struct canvas *canvases[WIDTHS]; // small ones, as cards are, and larger ones
};

struct scope_others *scope_others_new(struct error *error) {
    static const size_t widths[WIDTHS] = {CANVAS_WIDTH, 2 * CANVAS_WIDTH};
    struct scope_others *others = memory_new(1, sizeof *others, "scope", error);
    for (int i = 0; others && i < WIDTHS; i++) {
        others->canvases[i] = card_canvas(widths[i], error);
        if (!others->canvases[i]) {
            scope_others_free(others);
            return NULL;
        }
    }
    return others;
}

void scope_others_free(struct scope_others *others) {
    for (int i = 0; others && i < WIDTHS; i++) canvas_free(others->canvases[i]);
    free(others);
}

int scope_others_draw(struct scope_others *others, uint64_t index, struct image *image, struct error *error) {
    struct image drawn = {0};
    enum scope_variation variation = (enum scope_variation)(index / WIDTHS % SCOPE_VARIATIONS);
    // as cards, which are JPEG files before anything happens to them
    if (variation == VARIATION_NONE) variation = VARIATION_COMPRESSED;
    if (stranger_make(&drawn, others->canvases[index % WIDTHS], SEED, index, error)) return -1;
    int result = scope_vary(image, &drawn, variation, index, error);
    image_free(&drawn);
    return result;
}

int scope_others_kind(uint64_t index) {
    return (int)stranger_kind(SEED, index);
}

int scope_others_kinds(void) {
    return STRANGERS;
}

const char *scope_others_name(int kind) {
    return stranger_name((enum stranger)kind);
}
