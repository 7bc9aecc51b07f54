// Log-probs of completions over their prompts: forward only, so every model that is open can be scored (policy,
// reference, reward models, evaluation), each group through its own adapter.
//
// A group is one prompt and its completions. The prompt is computed once for all of them: exact, not an
// approximation (attention over segments with a shared prefix).
#ifndef GLOBE_MODEL_SCORE_H
#define GLOBE_MODEL_SCORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/lora.h"
#include "model/model.h"

struct prompt_completion {
    const int32_t *ids; // what the model is to say, stop token included
    size_t count;
};

struct prompt_group {
    const struct prompt *prompt;
    const struct prompt_completion *completions;
    size_t completion_count;
    struct matrix image_embeds; // cached tower output (vision frozen), host memory: [rows, hidden] F32,
                                // contiguous; data NULL: computed
    const struct lora
        *adapter; // that prompt and completions go through; NULL: the model's own, or the one that
                  // is trained; lora_none(): none. training_pass takes no other than NULL.
};

// log_probs[i]: of completion token i, all groups' completions one after the other, at the given temperature.
// ERROR_INPUT for an empty prompt, for no completion and for ids outside the vocabulary, ERROR_LIMIT beyond the
// context.
int model_score_groups(struct model *model, const struct prompt_group *groups, size_t count,
                       float temperature, float *log_probs, struct error *error);

// What comes after each whole completion: logits [completions of all groups, vocab] F32. An empty completion is the
// prompt's own end. One pass, in which the completions of a group share their prompt. Errors as above.
int model_next_logits(struct model *model, const struct prompt_group *groups, size_t count, float *logits,
                      struct error *error);

#endif
