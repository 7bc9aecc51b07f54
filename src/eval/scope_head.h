// The weights of a scope: a logistic regression on its terms (locate/scope.h) between a model's own pictures and others.
#ifndef GLOBE_EVAL_SCOPE_HEAD_H
#define GLOBE_EVAL_SCOPE_HEAD_H

#include "locate/scope.h"

// Fills *scope, new, of `features` features, but for threshold, false_alarms and model. own [own_count] and others
// [other_count] are rows of `features` values; at least two of own. Mean and scale are those of the own pictures. AdamW,
// 20 epochs, batches of 64, three terms of sixteen left out at random, which keeps a few telling ones from carrying all.
// The same rows give the same weights.
int scope_head_fit(struct scope *scope, const float *const *own, size_t own_count, const float *const *others,
                   size_t other_count, size_t features, struct error *error);

#endif
