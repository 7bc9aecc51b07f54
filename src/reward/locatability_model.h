// The reward model of locatability (grpo.md section 8; Eq. 1 of the paper, R_loc(I, r) = P(y = 1 | I, r)): asked with
// the official system message, a picture and a whole completion about it, whether the picture can be placed, it says
// "yes" or "no"; the score is p(yes) / (p(yes) + p(no)) of its first token.
//
//     struct locatability_model *judge = locatability_model_open(model, "adapter", false, &error);
//     struct locatability_case one = {.name = "a.jpg", .image = &image, .texts = texts, .count = 16};
//     locatability_model_score(judge, NULL, &one, 1, scores, &error); // scores[16]
//
// In the process it is a LoRA adapter over the model that is open anyway: policy, reference and reward share one copy of
// the base weights. A picture is seen once, and read once, for all texts about it; several pictures go through one pass.
// Or it is a server with an OpenAI-compatible interface that tells log-probs.
//
// p(yes) is the sum over yes, Yes and YES, each also with a space before it, p(no) likewise, of all probability that there
// is. Where a tokenizer cuts a form into several tokens its first one counts, unless it begins forms of both sides.
// `compat` is the released function: of the five likeliest tokens those that are exactly yes, Yes, YES, no, No or NO, and
// 0 when none of them is there (reward/compat.h). Both are of raw log-probs, at temperature 1.
#ifndef GLOBE_REWARD_LOCATABILITY_MODEL_H
#define GLOBE_REWARD_LOCATABILITY_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "engine/engine.h"
#include "model/model.h"
#include "model/training.h"
#include "photo/image.h"

struct locatability_model;

// `adapter` is a PEFT folder, or the hub's name of one. The model must outlive it, and its own adapter stays what it is
// (a policy's). ERROR_MODEL for an adapter of another base, naming both, and for a tokenizer that cannot tell yes from no.
struct locatability_model *locatability_model_open(struct model *model, const char *adapter, bool compat,
                                                   struct error *error);
// A server; of the options `log_probs` is set here.
struct locatability_model *locatability_model_open_endpoint(const struct endpoint_options *options,
                                                            bool compat, struct error *error);
void locatability_model_close(struct locatability_model *judge);           // NULL is fine
bool locatability_model_is_remote(const struct locatability_model *judge); // it needs images
const char *
locatability_model_name(const struct locatability_model *judge); // of the adapter, or the server's model

// One picture, and what was said about it.
struct locatability_case {
    const char *name;           // for messages
    const struct image *image;  // decoded; a server needs it. NULL: `shown` has the picture
    const struct prompt *shown; // of the same model, with this picture and no other
    struct matrix
        embeds; // what the tower says of it, [tokens, hidden] F32 in host memory; data NULL: computed. Only
                // where no adapter and no training changes the tower
    const char *const *texts; // [count] whole completions, reasoning and answer
    size_t count;
};

// scores: of all texts, one case after the other, 0..1. `training` is the run whose model it is while weights are trained:
// then those of before are the base; NULL otherwise. -1 with the error of the first that could not be had (a text beyond
// the context, a server out of reach, one whose first tokens are neither yes nor no): its score is NaN, and all others
// that could be had are there.
int locatability_model_score(struct locatability_model *judge, struct training *training,
                             const struct locatability_case *cases, size_t count, double *scores,
                             struct error *error);

// Tokens that begin one of the two answers.
enum { LOCATABILITY_FORMS = 6 };
struct locatability_side {
    int32_t ids[LOCATABILITY_FORMS];
    size_t count;
};
// sides[0] is no, sides[1] yes. ERROR_MODEL for a tokenizer that cannot tell them apart.
int locatability_find_tokens(struct locatability_side sides[2], const struct model *model,
                             struct error *error);

// The chat that is asked, with the picture's place called `name`; training makes its rows of the same. Free it with
// chat_free.
int locatability_chat(struct chat *chat, const char *name, const char *text, struct error *error);

#endif
