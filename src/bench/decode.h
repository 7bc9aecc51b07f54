// `globe bench decode`: answers drawn for groups of prompts, as in GRPO's rollouts, and their log-probs computed again,
// with an ordinary and an exact model (model_options.exact) by turns in the same run.
#ifndef GLOBE_BENCH_DECODE_H
#define GLOBE_BENCH_DECODE_H

#include "model/model.h"

struct bench_decode_options {
    size_t prompts, samples; // answers to each prompt
    size_t in_flight;        // answers that are decoded together, at most
    size_t text_tokens;      // of a prompt beside its picture, roughly
    size_t tokens;           // of an answer: stop tokens do not end it
    int repeats;             // the best of so many counts
};

struct bench_decode_times {
    double generate, score;    // seconds: reading the prompts and drawing; log-probs of all that was drawn
    double mean_gap, most_gap; // between the log-probs of drawing and those of scoring
};

struct bench_decode_result {
    size_t prompt_tokens, answer_tokens; // of one prompt; of all answers
    struct bench_decode_times normal, exact;
};

int bench_decode_run(struct model *normal, struct model *exact, const struct bench_decode_options *options,
                     struct bench_decode_result *result, struct error *error);

#endif
