// The grounding reward: can be seen what the reasoning names?
#include <stdint.h>

#include "reward/compat.h"
#include "reward/reward_internal.h"

struct grounding {
    enum reward_mode mode;
};

static int open_grounding(void *self, const struct reward_opening *opening, struct error *error) {
    (void)error;
    ((struct grounding *)self)->mode = opening->mode;
    return 0;
}

static int score_grounding(void *self, const struct reward_completion *completion, double *value,
                           struct error *error) {
    (void)self;
    if (reward_need_truth(completion, error)) return -1;
    const struct truth *truth = completion->truth;
    if (!truth->has_entities) // the released function raises
        return error_set(error, ERROR_INPUT, "its row has no \"entities\"");
    return reward_compat_visual(completion->text, completion->length,
                                (const char *const *)(uintptr_t)truth->entities, truth->entity_count, value,
                                error);
}

const struct reward_kind reward_grounding = {
    .name = "grounding",
    .help = "can be seen what the reasoning names?",
    .modes = {false, false, true},
    .size = sizeof(struct grounding),
    .open = open_grounding,
    .score = score_grounding,
};
