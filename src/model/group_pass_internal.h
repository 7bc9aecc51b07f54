// The forward pass over groups that training.c and score.c share.
#ifndef GLOBE_MODEL_GROUP_PASS_INTERNAL_H
#define GLOBE_MODEL_GROUP_PASS_INTERNAL_H

#include "model/decoder_backward.h"
#include "model/group_rows_internal.h"
#include "model/score.h"
#include "model/vision_backward.h"

struct group_pass {
    struct model *model;
    struct workspace *workspace;
    enum tape_keep keep;
    enum group_targets targets;
    bool entropic;                    // entropies are wanted beside log-probs
    bool keep_tower;                  // with a tape: gradients go through it, too
    const struct lora *adapter;       // of groups that name none; NULL: the model's own
    const struct low_rank *gradients; // where those of the adapter go, by the layers' numbers; NULL: frozen
    // What the forward half leaves:
    struct group_rows rows;
    struct matrix x;      // the residual stream [rows, hidden]
    struct matrix embeds; // of all images; data NULL when there are none
    struct vision_tape *vision;
    struct decoder_tape *text;
    struct matrix last;          // [tokens, hidden]: rows of x that predict something
    struct matrix normed;        // the same after the final norm, compute type
    float *log_probs, *log_sums; // [tokens], on the device
    float *entropies;            // likewise; NULL: not wanted
    struct matrix logits;        // [tokens, vocab] F32 with TARGETS_NEXT, in the place of these
};

// The log-probs of rows.completed tokens lie on the device.
int group_pass_run(struct group_pass *pass, const struct prompt_group *groups, size_t count,
                   float temperature, struct error *error);
// Runs it and brings the log-probs to the host (logits with TARGETS_NEXT).
int group_pass_score(struct group_pass *pass, const struct prompt_group *groups, size_t count,
                     float temperature, float *results, struct error *error);

#endif
