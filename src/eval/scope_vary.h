// What happens to pictures on their way: none of it puts one out of a model's scope.
#ifndef GLOBE_EVAL_SCOPE_VARY_H
#define GLOBE_EVAL_SCOPE_VARY_H

#include <stdint.h>

#include "base/error.h"
#include "photo/image.h"

enum scope_variation {
    VARIATION_NONE,
    VARIATION_SMALLER,    // to 50..100 % and saved again
    VARIATION_LARGER,     // to 100..150 % and saved again
    VARIATION_COMPRESSED, // as a JPEG of quality 40..90
    VARIATION_CROPPED,    // 80..100 % of each side
    VARIATION_TURNED,     // by up to 4 degrees
    VARIATION_PALER,      // 0..70 % of the colour
    VARIATION_BRIGHTER,   // or darker: 85..115 %
    SCOPE_VARIATIONS
};
const char *scope_variation_name(enum scope_variation variation);
// *out is new. `draw` decides how much, the same for the same number.
int scope_vary(struct image *out, const struct image *in, enum scope_variation variation, uint64_t draw,
               struct error *error);

#endif
