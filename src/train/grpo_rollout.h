// Rollouts: groups of completions by the engine that is trained, several prompts side by side.
#ifndef GLOBE_TRAIN_GRPO_ROLLOUT_H
#define GLOBE_TRAIN_GRPO_ROLLOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "generate/generator.h"
#include "train/grpo_group.h"

struct grpo_rollout {
    struct model *model;
    const struct lora *adapter; // that is trained; NULL: the model's own weights are
    struct sampling sampling;   // its seed is the run's
    size_t completions, max_tokens, functions;
    size_t side_by_side; // prompts; 0: all
    bool honest;         // behaviour: what the sampler left of the vocabulary
    bool invent_stop;    // behind completions that were cut
    bool ignore_stop;    // benchmarks: all have max_tokens
};

// Fills groups [count], whose rows are there (or whose sample is NULL: passed over). What is sampled depends on the seed,
// `step`, the row's number and `attempt` alone, and on what else is in flight by the rounding of products
// (generate/generator.h); groups are made and topped up in order, so the same step gives the same again.
int grpo_rollout_run(const struct grpo_rollout *rollout, struct grpo_group *groups, size_t count,
                     uint64_t step, uint64_t attempt, struct error *error);

#endif
