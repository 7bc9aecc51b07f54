// Pictures that are no postcards, drawn with the cards' own canvas and film, so that what tells them from cards is what
// they show. Scenes with another hand's houses, hills and roads, single objects, shapes, pages, charts, maps, screens,
// fields like photographs, and cards that were taken apart. Nothing that draws cards (draw.h) is used, but in the last.
// A picture is a function of (seed, index) alone.
#ifndef GLOBE_POSTCARDS_STRANGER_H
#define GLOBE_POSTCARDS_STRANGER_H

#include <stdint.h>

#include "postcards/canvas.h"

enum stranger {
    STRANGER_SCENE,   // land, water, houses, roads, boats, trees, one behind the other
    STRANGER_OBJECT,  // one thing on a plain ground
    STRANGER_SHAPES,  // anywhere
    STRANGER_PAGE,    // lines of text
    STRANGER_CHART,   // bars, lines, pies
    STRANGER_MAP,     // areas, rivers, names
    STRANGER_SCREEN,  // windows, menus, icons
    STRANGER_FIELD,   // noise of all sizes, leaves upon leaves: what photographs have
    STRANGER_PATTERN, // stripes, checks, gradients, one colour
    STRANGER_CARD,    // a card on its side or head, in pieces, with others, in wrong colours
    STRANGERS
};
const char *stranger_name(enum stranger kind);
enum stranger stranger_kind(uint64_t seed, uint64_t index); // scenes and cards more often than the rest

// Of the canvas's size. Test cards and strangers share no random stream with training cards.
int stranger_make(struct image *image, struct canvas *canvas, uint64_t seed, uint64_t index,
                  struct error *error);

#endif
