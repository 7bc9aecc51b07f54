// Supervised fine-tuning: the cross entropy of answers, the mean over all their tokens in a step. A reward model is trained
// in the same way on rows made for it (train/reward_rows.h), and evaluated as one besides (train/reward_pass.h).
#ifndef GLOBE_TRAIN_SFT_H
#define GLOBE_TRAIN_SFT_H

#include "train/objective.h"

extern const struct objective sft_objective, reward_objective;

#endif
