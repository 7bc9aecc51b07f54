// The released reward functions of GLOBE, quirks included (rewards_and_eval.md section 3): what "compat" means.
// Completions are UTF-8 as a model's decoder gives them; each malformed part and each NUL counts as U+FFFD.
#ifndef GLOBE_REWARD_COMPAT_H
#define GLOBE_REWARD_COMPAT_H

#include <stddef.h>

#include "base/error.h"

// external_math_format: 1 when the text is <think>...</think><answer>...</answer> to the last character, else
// 0.
double reward_compat_format(const char *text, size_t length);

// globe_accuracy: `solution` is country TAB city. 1 for both, 0.2 for the country alone, else 0. ERROR_INPUT
// when the solution is not two parts: the original raises.
int reward_compat_accuracy(const char *text, size_t length, const char *solution, double *reward,
                           struct error *error);

// globe_visual_match: the share of the row's distinct entities (lower-cased) that the text before the first
// </think> holds, anywhere, as letters; 0 without entities.
int reward_compat_visual(const char *text, size_t length, const char *const *entities, size_t count,
                         double *reward, struct error *error);

// globe_locatablity: P+ / (P+ + P- + 1e-19) over the likeliest tokens of the first position. "yes", "Yes" and
// "YES" are for, "no", "No" and "NO" against, all else (" yes", "yes.") does not count.
double reward_compat_locatability(const char *const *tokens, const double *log_probs, size_t count);

#endif
