#include "model/score.h"

#include "model/group_pass_internal.h"
#include "model/model_internal.h"

int model_score_groups(struct model *model, const struct prompt_group *groups, size_t count,
                       float temperature, float *log_probs, struct error *error) {
    struct group_pass pass = {.model = model, .workspace = model->workspace, .keep = TAPE_NOTHING};
    return group_pass_score(&pass, groups, count, temperature, log_probs, error);
}

int model_next_logits(struct model *model, const struct prompt_group *groups, size_t count, float *logits,
                      struct error *error) {
    struct group_pass pass = {
        .model = model, .workspace = model->workspace, .keep = TAPE_NOTHING, .targets = TARGETS_NEXT};
    return group_pass_score(&pass, groups, count, 1, logits, error);
}
