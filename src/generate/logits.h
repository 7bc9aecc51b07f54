// Passes over a row of logits, the whole vocabulary at a time. Plain loops in a form that compilers
// vectorise: fixed groups of lanes and no dependence on the order of operations between groups.
#ifndef GLOBE_GENERATE_LOGITS_H
#define GLOBE_GENERATE_LOGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool logits_are_finite(const float *logits, size_t count);
float logits_max(const float *logits, size_t count); // -inf may be among them
// The first index that holds this value; it must be there.
size_t logits_find(const float *logits, size_t count, float value);
size_t logits_count_above(const float *logits, size_t count, float value);

// Sum of exp(logit - max), to about 1e-7 of itself. Nothing is larger than max.
double logits_sum_exp(const float *logits, size_t count, float max);
// weights[i] = exp((logits[i] - max) * scale), 0 where logits[i] < threshold; returns their sum.
double logits_weigh(const float *logits, size_t count, float max, float scale, float threshold,
                    float *weights);
// The indices with weights[i] > cut, ascending; returns how many.
size_t logits_collect(const float *weights, size_t count, float cut, int32_t *ids);

// The indices of the `top` largest, best first, the lower index first among equals; top <= count.
void logits_top(const float *logits, size_t count, int top, int32_t *ids);
// The k-th largest value, 1 <= k <= count; scratch [count] is overwritten.
float logits_kth_largest(const float *logits, size_t count, size_t k, float *scratch);

#endif
