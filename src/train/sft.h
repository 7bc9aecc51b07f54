// Supervised fine-tuning: the cross entropy of answers, the mean over all their tokens in a step.
#ifndef GLOBE_TRAIN_SFT_H
#define GLOBE_TRAIN_SFT_H

#include "train/objective.h"

extern const struct objective sft_objective;

#endif
