// The training half of a model: forward with everything kept that the backward pass needs, and gradients of
// every trainable parameter. What to maximise is the caller's: it sees the log-prob of every completion token
// and answers with its derivative, so SFT, reward models and GRPO use the same pass (grpo.md sections 4 and
// 5).
//
// Groups are those of model/score.h; the prompt is computed once for all of its completions, forward and
// backward.
#ifndef GLOBE_MODEL_TRAINING_H
#define GLOBE_MODEL_TRAINING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/lora.h"
#include "model/model.h"
#include "model/score.h"

struct training_options {
    bool train_text;             // language model, embedding and head
    bool train_vision;           // visual.* without the merger; off in the reference
    bool train_merger;           // visual.merger.*; off in the reference
    bool checkpoint_activations; // keep one row per block and token, compute the rest again (gradient
                                 // checkpointing)
    // LoRA instead of the weights themselves: rank 0 means none (grpo.md section 6).
    int lora_rank;
    double lora_alpha, lora_dropout;
    bool lora_bf16;           // where the model computes in BF16, adapters do so, too; PEFT keeps them in F32
    bool lora_rs;             // scale alpha / sqrt(rank)
    const char *lora_targets; // PCRE2 that whole published names without ".weight" match; NULL: all linear
                              // layers of the language model
    const char *lora_folder;  // a PEFT folder to go on from: rank, alpha, rs and targets are its own; NULL:
                              // a new adapter
    uint64_t seed;            // of LoRA's A and of dropout
};

// One trainable tensor. Values and gradients are F32 whatever the checkpoint's type; `weight` is what the
// model computes with (BF16 copies are refreshed by training_refresh).
struct parameter {
    const char *name; // published: "model.layers.0.mlp.up_proj.weight", "base_model.model....lora_A.weight"
    int dims;
    size_t shape[TENSOR_MAX_DIMS];
    size_t count;
    // On the device: [count] each.
    float *value;    // master copy
    float *gradient; // summed over passes until training_zero_gradients
};

struct training;

// The model's weights that are trained become private copies; the checkpoint on disk is never written. One
// training per model at a time. The same passes with the same number of threads give the same bits.
// The weights of before stay where they are, mapped, as the reference (training_log_probs).
// Memory: 4 + 4 bytes per trained value, + 2 where the model computes in BF16.
struct training *training_open(struct model *model, const struct training_options *options,
                               struct error *error);
void training_close(struct training *training); // the model keeps the trained weights until it is closed
// What training_open would take, in bytes, for `trained` values and `rows` tokens (patches) in a pass: to warn
// before starting.
size_t training_memory(const struct model *model, const struct training_options *options, size_t trained,
                       size_t rows, size_t patches);

// Values that training_open would train; not of lora_folder, which has to be read.
size_t training_values(const struct model *model, const struct training_options *options);

size_t training_parameter_count(const struct training *training);
struct parameter *training_parameter(struct training *training,
                                     size_t index); // stable order, by name in the checkpoint

// Whether gradients go through the vision tower or the merger: if not, a picture's embeddings stay the same.
bool training_has_vision(const struct training *training);

// log_probs[i]: of completion token i, all groups' completions one after the other, at the given temperature.
// The objective fills derivatives[i] = d loss / d log_prob[i] and returns the loss (NaN stops the pass:
// ERROR_INPUT).
typedef double training_objective(void *context, const float *log_probs, float *derivatives, size_t count);

// The same with the entropy of what every completion token was drawn from (at the temperature), and its derivatives,
// which are 0 before.
typedef double training_entropic_objective(void *context, const float *log_probs, const float *entropies,
                                           float *by_log_prob, float *by_entropy, size_t count);

// Forward and backward over the groups together; gradients are added to. The loss goes to *loss.
int training_pass(struct training *training, const struct prompt_group *groups, size_t count,
                  float temperature, training_objective *objective, void *context, double *loss,
                  struct error *error);
int training_pass_entropic(struct training *training, const struct prompt_group *groups, size_t count,
                           float temperature, training_entropic_objective *objective, void *context,
                           double *loss, struct error *error);
// Forward only: log-probs. With `base`, of the model as it was at training_open: with its weights of then, without
// an adapter (reference policy); a group that names an adapter goes through that.
int training_log_probs(struct training *training, const struct prompt_group *groups, size_t count,
                       float temperature, bool base, float *log_probs, struct error *error);
// The same of what comes after each whole completion (model_next_logits): how a reward model over the weights of
// before is asked while others are trained.
int training_next_logits(struct training *training, const struct prompt_group *groups, size_t count,
                         bool base, float *logits, struct error *error);

// How a training is saved.
struct training_form {
    bool convert; // to `type`; else weights keep the checkpoint's types, and adapters are F32
    enum dtype type;
    enum lora_names names;
};
// A whole checkpoint folder with the trained weights rounded to the types of the form, or, with LoRA, a PEFT
// folder. Every file is written whole or not at all.
int training_save(const struct training *training, const char *folder, const struct training_form *form,
                  struct error *error);
// The adapter that is trained (model/lora.h), or NULL. It belongs to the model.
struct lora *training_adapter(const struct training *training);
// Passes made so far: dropout's masks depend on it. To be saved with a run and set when it is resumed.
uint64_t training_passes(const struct training *training);
void training_set_passes(struct training *training, uint64_t passes);

// Of a parameter, to or from the host: parameter_values(p) is all of its values as one row.
struct matrix parameter_values(const struct parameter *parameter);
struct matrix parameter_gradients(const struct parameter *parameter);
struct device *training_device(const struct training *training);

void training_zero_gradients(struct training *training);
// After the optimiser changed the values: the model's own copies follow.
void training_refresh(struct training *training);

#endif
