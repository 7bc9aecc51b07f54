// Passes of a reward model: what is learnt of it besides its answers' tokens (train/sft_pass.h), and evaluation: the loss, and
// how well p(yes) / (p(yes) + p(no)) tells the rows apart, from one forward pass.
#ifndef GLOBE_TRAIN_REWARD_PASS_H
#define GLOBE_TRAIN_REWARD_PASS_H

#include "reward/locatability_model.h"
#include "train/metrics.h"
#include "train/sft_pass.h"

// The loss: of the answer's tokens and the end of the turn, as GLOBE trained; or the cross entropy of the score alone, which
// is for vocabularies that spell yes and no in letters that they hardly use otherwise.
enum reward_learn { REWARD_LEARN_ANSWER, REWARD_LEARN_SCORE };

// Scores are counted by their log-odds, REWARD_BINS steps of 0.75 around 0, each class by itself: so they can be summed
// over passes and ranks, and the area under the curve is exact but for scores in the same step, which count as equal.
enum { REWARD_BINS = 40, REWARD_SUMS = 2 + 2 * REWARD_BINS };

// Adds to totals and to sums [REWARD_SUMS], and with `learn`, which is for REWARD_LEARN_SCORE alone, to the gradients. `sides`
// as locatability_find_tokens. A row's class is its answer: yes where it begins with a token of that side.
int reward_pass(struct training *training, const struct sft_row *rows, size_t count,
                const struct locatability_side sides[2], enum reward_learn what, bool learn,
                struct sft_totals *totals, double *sums, struct error *error);

// "eval_accuracy" (at 0.5), "eval_auc" (NaN with one class alone), "eval_yes" (share of the rows). Returns how many.
size_t reward_pass_metrics(const double *sums, struct metric *metrics);

#endif
