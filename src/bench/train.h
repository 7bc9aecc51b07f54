// `globe bench train`: forward and backward passes, beside oneDNN's rate at the same shapes in the same run.
#ifndef GLOBE_BENCH_TRAIN_H
#define GLOBE_BENCH_TRAIN_H

#include "model/model.h"

struct bench_train_options {
    size_t prompt_tokens, completion_tokens; // roughly, of one row of text
    int lora_rank;                           // 0: all weights of the language model
    bool checkpoint_activations;
    int repeats; // the best of so many counts
};

struct bench_train_result {
    size_t rows;            // tokens in a pass
    size_t trained;         // values
    double forward_seconds; // log-probs alone
    double pass_seconds;    // forward and backward
    double forward_flops;   // of the linear layers and the head, per second
    double pass_flops;      // the same, with the gradients that are needed (no recomputation counted)
    double matmul_flops;    // oneDNN's rate over the forward shapes
    size_t peak_bytes;
};

int bench_train_run(struct model *model, const struct bench_train_options *options,
                    struct bench_train_result *result, struct error *error);

#endif
