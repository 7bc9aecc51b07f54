// The scope of a model (locate/scope.h) from pictures that it was made for.
#ifndef GLOBE_EVAL_SCOPE_FIT_H
#define GLOBE_EVAL_SCOPE_FIT_H

#include "locate/scope.h"
#include "rows/truth.h"

// What happens to pictures on their way: none of it puts one out of scope.
enum scope_variation {
    VARIATION_NONE,
    VARIATION_SMALLER,    // to 50..100 % and saved again
    VARIATION_COMPRESSED, // as a JPEG of quality 40..90
    VARIATION_CROPPED,    // 80..100 % of each side
    VARIATION_TURNED,     // by up to 4 degrees
    VARIATION_PALER,      // 0..70 % of the colour
    SCOPE_VARIATIONS
};
const char *scope_variation_name(enum scope_variation variation);
// *out is new. `draw` decides how much, the same for the same number.
int scope_vary(struct image *out, const struct image *in, enum scope_variation variation, uint64_t draw,
               struct error *error);

struct scope_report {
    double false_alarms[SCOPE_VARIATIONS]; // of the held-out pictures, by what was done to them
    size_t fitted, held_out;               // pictures, without their variations
};

// Looks at every row's picture as it is and once varied; four fifths of the rows are the examples, the rest
// the threshold, which at most `alarms` (0.005) of the held-out ones and their variations exceed. ERROR_INPUT
// for fewer than 500 rows or a picture that cannot be read.
int scope_fit_rows(struct scope *scope, const struct photo_preprocessor *preprocessor,
                   const struct truth_list *rows, double alarms, struct scope_report *report,
                   struct error *error);

#endif
