// From texts to advantages: rewards of all groups of a rollout, over all ranks.
#ifndef GLOBE_TRAIN_GRPO_SCORE_H
#define GLOBE_TRAIN_GRPO_SCORE_H

#include <stddef.h>

#include "model/training.h"
#include "reward/locatability_model.h"
#include "reward/reward.h"
#include "train/advantage.h"
#include "train/grpo_group.h"
#include "train/parallel.h"

// Rewards of all completions of the groups that have some. A completion that a reward failed on (reward.failure: mask) is
// masked, and none of its rewards counts.
struct grpo_rewards {
    struct reward_set *set;
    struct locatability_model *judge; // NULL: no reward asks for it
    struct training *training;        // whose base weights the judge's adapter is over
    size_t together;                  // groups in a pass of the judge
    bool mask;                        // what the judge says nothing of is masked, not the end of the run
};
int grpo_score_rewards(const struct grpo_rewards *rewards, struct grpo_group *groups, size_t count,
                       uint64_t step, struct error *error);

// What a rollout was like, over all ranks.
struct grpo_report {
    double reward, reward_std,
        frac_zero_std; // mean, mean of the groups' deviations, share of groups without any
    struct {
        double mean, std, frac_zero_std;
    } functions[REWARD_MOST];
    double mean_length, min_length, max_length; // tokens of a completion
    double mean_terminated_length, min_terminated_length,
        max_terminated_length; // of those that were not cut; 0: none
    double clipped_ratio;      // share that was cut
    double completions, groups;
    double flat_groups; // without spread
    double masked;      // completions that a reward failed on
};

struct grpo_scoring {
    const struct parallel *parallel;
    struct advantage_options advantage; // group, scale, aggregation, weights and number of functions
    double kl_weight; // of each completion's log-ratio to the reference, taken off its rewards; 0: none
};

// Called by all ranks: totals and advantages of the completions, from their rewards and those of the other ranks.
int grpo_score_advantages(const struct grpo_scoring *scoring, struct grpo_group *groups, size_t count,
                          struct grpo_report *report, struct error *error);

// Whether all completions of a group have the same total, so that nothing can be learnt from it.
bool grpo_group_is_flat(const struct grpo_group *group, const double *weights, size_t functions);

#endif
