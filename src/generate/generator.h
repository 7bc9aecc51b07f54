// Decoding many sequences together. Every request is read once into a shared cache; its samples, and those of
// other requests, then advance one token per step as one batch, so that the weights are read once per step. What else
// is in flight changes an answer by the rounding of matrix products of another height at most (on the CPU: of more than
// 16 rows), never by draws or pieces; of small models and of exact ones (model_options.exact) by nothing.
#ifndef GLOBE_GENERATE_GENERATOR_H
#define GLOBE_GENERATE_GENERATOR_H

#include <stdbool.h>

#include "generate/sampler.h"
#include "model/model.h"

enum finish { FINISH_STOP, FINISH_LENGTH, FINISH_CANCELLED };
const char *finish_name(enum finish finish); // "stop", "length", "cancelled"

// One finished sample. Belongs to the generator; valid during the callback.
struct completion {
    const int32_t *ids; // without the stop token, which lies behind them when there is one
    size_t count;
    const struct sampled *tokens; // [count]: log-probs and alternatives
    const struct sampled *stop;   // the stop token that was drawn, with its log-probs: ids[count] and
                                  // tokens[count]; NULL: none was, the answer was cut
    const char *text;             // special tokens left out
    size_t length;
    const size_t
        *ends; // [count]: where in the text each token ends; a character cut by tokens counts with its last
    enum finish finish;
    const struct kv_cache *prefix; // of the prompt
};

struct generation {
    const struct prompt
        *prompt; // must live until it is read (on_read), or the request has failed or was cancelled
    const struct lora *adapter; // must live as long as the samples; NULL: the model's own (model/lora.h)
    struct matrix image_embeds; // as in model/score.h, must live as long as the prompt; data NULL: computed
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
    void (*on_read)(void *context); // the prompt is read and no longer needed. May be NULL.
    // A queued request cannot be read; none of its samples goes on. May be NULL.
    void (*on_failure)(void *context, const struct error *error);
    void *context; // names the request, too: one of its own for each
};

struct generator;

struct generator *generator_new(struct model *model, struct error *error);
void generator_free(struct generator *generator); // unfinished samples are dropped without a callback

// Prompts are read in pieces of so many tokens, MODEL_PREFILL_PIECE unless set. Part of the arithmetic: see
// model/model.h. 0: as large as the model takes them.
void generator_set_piece(struct generator *generator, size_t tokens);

// Reads the prompt and draws the first token of each sample. times may be NULL. Not from within a callback.
int generator_submit(struct generator *generator, const struct generation *generation,
                     struct prefill_times *times, struct error *error);
// The same request for the steps to come: it waits until those before it are read. ERROR_LIMIT, ERROR_USAGE for one
// that could never be. From within callbacks, too.
int generator_queue(struct generator *generator, const struct generation *generation, struct error *error);
// One piece of the first prompt that waits, then one token for every live sample: who decodes does not stand still
// while a prompt is read. *live (may be NULL): as generator_live. After an error all live samples are gone, and those
// that wait with them.
int generator_step(struct generator *generator, size_t *live, struct error *error);
size_t generator_live(const struct generator *generator);    // samples that decode or wait
size_t generator_waiting(const struct generator *generator); // prompts that are not read to their end
// Ends all samples of the requests with this context (FINISH_CANCELLED; those that wait go without a word). None of
// their callbacks comes after that. At any time, from within callbacks, too.
void generator_cancel(struct generator *generator, const void *context);
// Steps until nothing is live.
int generator_finish(struct generator *generator, struct error *error);

#endif
