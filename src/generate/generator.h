// Decoding many sequences together. Every request is read once into a shared cache; its samples, and those of
// other requests, then advance one token per step as one batch, so that the weights are read once per step.
#ifndef GLOBE_GENERATE_GENERATOR_H
#define GLOBE_GENERATE_GENERATOR_H

#include <stdbool.h>

#include "generate/sampler.h"
#include "model/model.h"

enum finish { FINISH_STOP, FINISH_LENGTH, FINISH_CANCELLED };
const char *finish_name(enum finish finish); // "stop", "length", "cancelled"

// One finished sample. Belongs to the generator; valid during the callback.
struct completion {
    const int32_t *ids; // without the stop token
    size_t count;
    const struct sampled *tokens; // [count]: log-probs and alternatives
    const char *text;             // special tokens left out
    size_t length;
    enum finish finish;
    const struct kv_cache *prefix; // of the prompt
};

struct generation {
    const struct prompt *prompt; // must live until generator_submit returns
    const struct lora *adapter;  // that prompt and samples go through (model/lora.h); NULL: the model's own
    struct sampling sampling;
    size_t samples;
    size_t max_tokens; // per sample; cut to what the context leaves
    size_t min_tokens; // no stop token before that many
    bool ignore_stop;  // benchmarks
    // A token was drawn: `text` holds what became complete characters, possibly nothing. May be NULL.
    void (*on_token)(void *context, size_t sample, const struct sampled *token, const char *text,
                     size_t length);
    // A sample ended. May be NULL.
    void (*on_done)(void *context, size_t sample, const struct completion *completion);
    void *context;
};

struct generator;

struct generator *generator_new(struct model *model, struct error *error);
void generator_free(struct generator *generator); // unfinished samples are dropped without a callback

// Reads the prompt and draws the first token of each sample. times may be NULL.
int generator_submit(struct generator *generator, const struct generation *generation,
                     struct prefill_times *times, struct error *error);
// One token for every live sample. *live: how many remain. After an error all live samples are gone.
int generator_step(struct generator *generator, size_t *live, struct error *error);
size_t generator_live(const struct generator *generator);
// Ends all samples of the requests with this context (FINISH_CANCELLED).
void generator_cancel(struct generator *generator, const void *context);
// Steps until nothing is live.
int generator_finish(struct generator *generator, struct error *error);

#endif
