// Groups through the model: log-probs of the policy of before and of the reference, and the pass that learns.
#ifndef GLOBE_TRAIN_GRPO_PASS_H
#define GLOBE_TRAIN_GRPO_PASS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/training.h"
#include "train/grpo_group.h"
#include "train/policy_loss.h"

// Which log-probs: of the policy as it is now (`old`), or of the reference: the weights that the training started with, or
// the adapter that it goes on from.
enum grpo_policy { GRPO_OLD, GRPO_REFERENCE };

// Fills group->old or group->reference of all groups, `together` groups in a pass. ERROR_INPUT naming the row for a
// log-prob that is not a number.
int grpo_score_groups(struct training *training, const struct lora *reference, enum grpo_policy policy,
                      double temperature, struct grpo_group *groups, size_t count, size_t together,
                      struct error *error);

// What passes add up, to be reported. Sums over tokens that count, except where said otherwise.
struct grpo_totals {
    double weight;            // the sums of gradients are divided by it
    double passed;            // tokens that went through the model
    double loss;              // times weight
    double tokens, sequences; // that count
    double kl, entropy, clip_low, clip_high, correction;
    double passes, left_out;               // left_out: sequences
    double least_clip_low, most_clip_high; // of a pass
    // Sampler beside trainer, over the tokens that were sampled: d = log-prob of training - of sampling.
    double compared, difference, log_ratio, k3, ratios, squared_ratios, largest_difference;
};

struct grpo_pass_options {
    struct policy_loss_options loss;
    double temperature;
    bool honest;   // old log-probs are the sampler's own
    bool mask_cut; // completions that were cut do not count
    bool compare;  // sampler and trainer
};

// Forward, loss, backward over groups [count] together; passes over those that could not be used.
int grpo_pass_run(struct training *training, const struct grpo_pass_options *options,
                  const struct grpo_group *groups, size_t count, struct grpo_totals *totals,
                  struct error *error);

#endif
