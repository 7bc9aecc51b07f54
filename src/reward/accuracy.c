// The accuracy reward: is the place right?
#include "reward/compat.h"
#include "reward/reward_internal.h"

struct accuracy {
    enum reward_mode mode;
};

static int open_accuracy(void *self, const struct reward_opening *opening, struct error *error) {
    (void)error;
    ((struct accuracy *)self)->mode = opening->mode;
    return 0;
}

static int score_accuracy(void *self, const struct reward_completion *completion, double *value,
                          struct error *error) {
    (void)self;
    if (reward_need_truth(completion, error)) return -1;
    return reward_compat_accuracy(completion->text, completion->length, completion->truth->solution, value,
                                  error);
}

const struct reward_kind reward_accuracy = {
    .name = "accuracy",
    .help = "is the place right?",
    .modes = {false, false, true},
    .size = sizeof(struct accuracy),
    .open = open_accuracy,
    .score = score_accuracy,
};
