// The locatability reward: what a model that has learnt it says, of picture and completion, to "can this be placed?".
#include <math.h>

#include "reward/reward_internal.h"
#include "text/answer.h"

enum shape { SHAPE_AGREEMENT, SHAPE_PROBABILITY, SHAPE_THRESHOLD };

struct locatability {
    enum reward_mode mode;
    int shape;
    double threshold;
};

static const struct reward_option options[] = {
    {"shape", REWARD_CHOICE, "agreement", 0, 0, "agreement, probability, threshold",
     "p(yes) where the answer names a place and 1 - p(yes) where it declines; p(yes); 1 from the threshold "
     "on",
     offsetof(struct locatability, shape)},
    {"threshold", REWARD_NUMBER, "0.5", 0, 1, NULL, "of shape=threshold",
     offsetof(struct locatability, threshold)},
    {0},
};

static int open_locatability(void *self, const struct reward_opening *opening, struct error *error) {
    (void)error;
    ((struct locatability *)self)->mode = opening->mode;
    return 0;
}

static int score_locatability(void *self, const struct reward_completion *completion, double *value,
                              struct error *error) {
    const struct locatability *own = self;
    double yes = completion->locatability;
    if (!(yes >= 0 && yes <= 1))
        return error_set(error, ERROR_INPUT,
                         "there is no p(yes) of a reward model for it: name one (an adapter or a server)");
    if (own->mode != REWARD_GLOBE || own->shape == SHAPE_PROBABILITY) {
        *value = yes;
        return 0;
    }
    if (own->shape == SHAPE_THRESHOLD) {
        *value = yes >= own->threshold ? 1 : 0;
        return 0;
    }
    struct answer answer;
    if (answer_parse(&answer, completion->text, completion->length,
                     completion->cut ? ANSWER_LENIENT_CUT : ANSWER_LENIENT, error))
        return -1;
    bool placed = *answer.country || *answer.city;
    *value = placed ? yes : answer.declined ? 1 - yes : 0; // neither: no answer, which nothing agrees with
    answer_free(&answer);
    return 0;
}

const struct reward_kind reward_locatability = {
    .name = "locatability",
    .help = "whether a reward model finds the picture locatable, from the picture and the completion",
    .modes = {true, true, true},
    .locatability = true,
    .size = sizeof(struct locatability),
    .options = options,
    .open = open_locatability,
    .score = score_locatability,
};
