// What GRPO knows of one prompt and its completions, from the rollout to the last pass over them.
#ifndef GLOBE_TRAIN_GRPO_GROUP_H
#define GLOBE_TRAIN_GRPO_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/score.h"
#include "train/feed.h"

struct grpo_completion {
    int32_t *ids; // as sampled, the stop token included
    size_t count;
    double
        *behaviour; // [count] log-probs of the policy that sampled, as the recipe counts it; NaN: not sampled
    double *full;   // [count] the sampler's own, over the whole vocabulary at the temperature; NaN likewise
    char *text;
    size_t length;
    bool cut;    // it ended because no more tokens were allowed
    bool masked; // a reward failed on it: it counts in nothing
    double total, advantage;
};

struct grpo_group {
    struct feed_row row;
    struct grpo_completion *completions; // NULL: the row could not be used
    struct prompt_completion *asked;     // the same ids, as passes take them
    size_t count, tokens;                // completions, and all of their tokens
    double *rewards;                     // [count, functions]
    double *old, *reference;             // [tokens]; NULL: not computed
};

int grpo_group_open(struct grpo_group *group, size_t completions, size_t functions, struct error *error);
void grpo_group_close(struct grpo_group *group);                      // the row, too
void grpo_group_move(struct grpo_group *to, struct grpo_group *from); // what `to` holds is closed
// After all completions are there: counts tokens, fills `asked`.
int grpo_group_settle(struct grpo_group *group, struct error *error);
// As a pass takes it.
struct prompt_group grpo_group_prompt(const struct grpo_group *group);

#endif
