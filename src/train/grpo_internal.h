// Private to train/grpo*.c: the objective's parts.
#ifndef GLOBE_TRAIN_GRPO_INTERNAL_H
#define GLOBE_TRAIN_GRPO_INTERNAL_H

#include "train/grpo_pass.h"
#include "train/grpo_rollout.h"
#include "train/grpo_score.h"
#include "train/objective_data.h"

enum { GRPO_NAME = 96 };

struct grpo_seconds {
    double rollout, rewards, log_probs, passes;
};

struct grpo {
    struct objective_parts parts;
    struct objective_data data;
    struct reward_set *rewards;
    struct locatability_model *judge; // NULL: no reward asks for it
    struct lora *reference; // the adapter that a run goes on from, as it was; NULL: the weights alone
    const size_t *split;    // rows to train, of all ranks
    size_t split_count;

    struct grpo_group *groups; // of the cycle
    size_t group_count;
    struct objective_step step; // that is being made
    size_t next;                // group of its next pass
    bool fresh;                 // nothing was trained on these groups yet
    struct grpo_report report;
    struct grpo_seconds seconds;
    size_t resampled;          // groups that took the place of flat ones
    int flat_steps, cut_steps; // in a row

    struct grpo_group *eval_groups;          // rolled out, and not passed yet
    size_t eval_count, eval_next, eval_left; // left: rows that are not rolled out yet

    // Of metrics.
    char mean_names[OBJECTIVE_SETS][REWARD_MOST][GRPO_NAME], std_names[REWARD_MOST][GRPO_NAME],
        zero_names[REWARD_MOST][GRPO_NAME];
};

// grpo_steps.c: rollouts, rewards and log-probs of a cycle.
int grpo_prepare_cycle(struct grpo *grpo, const struct objective_step *step, struct error *error);
struct grpo_rollout grpo_rollout_of(const struct grpo *grpo, bool eval);
int grpo_score(struct grpo *grpo, struct grpo_group *groups, size_t count, uint64_t step,
               struct error *error);
void grpo_drop_groups(struct grpo_group **groups, size_t *count);
// Makes room for `count` groups and loads their rows; one that cannot be used is left empty, as data.bad_rows says.
int grpo_load_groups(struct grpo *grpo, enum objective_set set, size_t count, struct grpo_group **groups,
                     size_t *loaded, struct error *error);

// grpo_metrics.c
void grpo_name_metrics(struct grpo *grpo);
void grpo_add_totals(struct objective_totals *totals, const struct grpo_totals *sums);
void grpo_add_evaluation(const struct grpo *grpo, const struct grpo_group *group,
                         struct objective_totals *totals);
size_t grpo_metrics(const void *self, enum objective_set set, const struct objective_totals *totals,
                    struct metric *metrics);

// grpo_tell.c
int grpo_tell(void *self, uint64_t step, struct buffer *lines, struct error *error);

#endif
