// Pictures that a model of postcards was not made for, as they might reach it: postcards/stranger.h, saved and changed like
// cards (eval/scope_vary.h).
#ifndef GLOBE_EVAL_SCOPE_OTHERS_H
#define GLOBE_EVAL_SCOPE_OTHERS_H

#include <stdint.h>

#include "base/error.h"
#include "photo/image.h"

struct scope_others;

// ERROR_USAGE when this build cannot draw (without postcards).
struct scope_others *scope_others_new(struct error *error);
void scope_others_free(struct scope_others *others);
// Picture `index`, always the same; *image is new.
int scope_others_draw(struct scope_others *others, uint64_t index, struct image *image, struct error *error);
// What kind it is of, in [0, scope_others_kinds()).
int scope_others_kind(uint64_t index);
int scope_others_kinds(void);
const char *scope_others_name(int kind);

#endif
