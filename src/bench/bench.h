// `globe bench`: how fast a model runs here, beside what the machine can do at best, measured in the same
// run.
#ifndef GLOBE_BENCH_BENCH_H
#define GLOBE_BENCH_BENCH_H

#include "model/model.h"

enum { BENCH_MAX_BATCHES = 8 };

struct bench_options {
    size_t image_width, image_height;  // of the picture that is read; resized as for any photo
    size_t text_tokens;                // of the prompt around it, roughly
    size_t decode_tokens;              // per sequence
    size_t batches[BENCH_MAX_BATCHES]; // sequences over one prompt
    size_t batch_count;
    size_t prompts; // different prompts in flight, one sequence each, with small pictures; 0: not measured
    int repeats;    // the best of so many counts
};

struct bench_decode {
    size_t prompts, sequences; // sequences over each prompt
    double tokens_per_second;  // all sequences together
    double bandwidth;          // weights read per second, bytes
};

struct bench_result {
    // The machine.
    double read_bandwidth; // bytes per second
    double vision_matmul;  // oneDNN's FLOP/s over the linear layers of the tower, at this picture's size
    double prefill_matmul; // and over those of the language model, at this prompt's length
    // The model.
    size_t weight_bytes, decode_bytes; // of the whole checkpoint; read for one token
    size_t patches, prompt_tokens, image_tokens;
    double load_seconds;
    double vision_seconds, prefill_seconds, first_token_seconds; // the last from decoded pixels on
    double vision_flops,
        prefill_flops; // of the linear layers alone: attention and the rest count as overhead
    struct bench_decode decode[BENCH_MAX_BATCHES + 1];
    size_t decode_count;
    size_t peak_bytes; // resident memory at its highest, mapped weights included
};

struct bench_options bench_options_default(void);

// `load_seconds` is what opening the model took. Prints nothing; `report` (may be NULL) is told what is being
// measured.
int bench_run(struct model *model, double load_seconds, const struct bench_options *options,
              struct bench_result *result, void (*report)(const char *what), struct error *error);

#endif
