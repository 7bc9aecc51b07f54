// Group-relative policy optimisation: completions of the model's own, rewards, advantages relative to the other
// completions of the same prompt, and the objectives of train/policy_loss.h (grpo.md; docs/training.md). A row is a
// prompt; batch.rows of them make a step, each with grpo.num_generations completions, and the prompt is computed once for
// all of these in every pass.
#ifndef GLOBE_TRAIN_GRPO_H
#define GLOBE_TRAIN_GRPO_H

#include "train/objective.h"

extern const struct objective grpo_objective;

#endif
