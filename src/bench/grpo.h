// `globe bench grpo`: a step of GRPO over one prompt and its parts, with the prompt computed once for the group and with
// every completion as a row by itself, in the same run.
#ifndef GLOBE_BENCH_GRPO_H
#define GLOBE_BENCH_GRPO_H

#include "model/model.h"

struct bench_grpo_options {
    size_t prompt_tokens, completion_tokens; // the prompt's roughly
    size_t group;
    int lora_rank; // 0: all weights of the language model
    bool checkpoint_activations;
    bool alone; // also without sharing
};

struct bench_grpo_parts {
    double rollout, rewards, log_probs, backward, update; // seconds; backward: forward and backward
};

struct bench_grpo_result {
    struct bench_grpo_parts shared, apart;
    size_t prompt_tokens;     // exactly
    size_t shared_rows, rows; // tokens that go through the layers in a pass over the group
    double layers, head;      // operations for one token, forward: of the layers, and of the head
    double gradients_apart;   // relative distance of the gradients of both
    size_t trained, peak_bytes;
};

int bench_grpo_run(struct model *model, const struct bench_grpo_options *options,
                   struct bench_grpo_result *result, void (*say)(const char *what), struct error *error);

#endif
