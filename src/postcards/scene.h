// From a plan to a painted picture, and which of its elements can really be seen there.
#ifndef GLOBE_POSTCARDS_SCENE_H
#define GLOBE_POSTCARDS_SCENE_H

#include "postcards/plan.h"

enum { SCENE_ELEMENTS = 40 };

// One thing in the picture.
struct element {
    enum thing thing;
    const struct word *word; // signs
    int country;             // flags: index; else -1
    bool keeps_side, left;   // vehicles on a road that shows its side of driving
    int number;              // in the canvas
    double share;            // of the picture's pixels that are really visible, 0..1
    double x, y;             // centre of the visible part, in canvas units
    places set;              // the places that this element, as seen, is true of
};

struct scene {
    struct element elements[SCENE_ELEMENTS]; // after scene_paint: the visible ones only
    int count;
    places possible; // what the visible elements leave
};

void scene_paint(struct scene *scene, struct canvas *canvas, const struct plan *plan, struct random *random);

#endif
