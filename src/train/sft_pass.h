// Supervised passes: the cross entropy of the trained tokens, summed (not averaged: the mean is over the
// whole optimiser step, see grpo.md section 5), and its gradients.
#ifndef GLOBE_TRAIN_SFT_PASS_H
#define GLOBE_TRAIN_SFT_PASS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/training.h"
#include "train/sample.h"

struct sft_row {
    const struct sample *sample;
    struct matrix embeds; // cached features; data NULL: none
};

struct sft_totals {
    double loss;   // sum of -log p over the trained tokens
    double labels; // trained tokens
    double tokens; // all tokens that went through the model
};

// Adds to the totals, and with `learn` to the gradients. ERROR_INPUT when the loss is not a number.
int sft_pass(struct training *training, const struct sft_row *rows, size_t count, bool learn,
             struct sft_totals *totals, struct error *error);

#endif
