// An engine that cannot see: what a model says when every picture is an even grey one of the same size.
// Places that it still finds were not read from pixels (a leak in names or sizes, or odds learnt by heart).
#ifndef GLOBE_EVAL_BLIND_H
#define GLOBE_EVAL_BLIND_H

#include "engine/engine.h"

// `inner` must outlive it and is not freed with it.
struct engine *engine_open_blind(struct engine *inner, struct error *error);

#endif
