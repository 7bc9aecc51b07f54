// What a camera does to a scene: exposure, blur, noise.
#ifndef GLOBE_POSTCARDS_FILM_H
#define GLOBE_POSTCARDS_FILM_H

#include "photo/image.h"
#include "postcards/plan.h"

// In place. The odds depend on the difficulty alone, never on the place.
void film_expose(struct image *image, enum difficulty difficulty, struct random *random);

#endif
