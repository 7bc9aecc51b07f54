// Private to training*.c.
#ifndef GLOBE_MODEL_TRAINING_INTERNAL_H
#define GLOBE_MODEL_TRAINING_INTERNAL_H

#include "model/lora.h"
#include "model/model_internal.h"
#include "model/training.h"

// What stands behind a parameter.
struct trained {
    char name[160];
    void *working; // BF16 copy that the model computes with; NULL when that is the value itself, and LoRA
    struct matrix *place, original; // of a weight: where the model reads it, and what it read before
    bool own_value;                 // the value is freed with the training, not with the model
};

struct training {
    struct model *model;
    struct training_options options;
    struct parameter *parameters;
    struct trained *trained;
    size_t count;
    // Shaped like the model; data only where something is trained.
    struct decoder *text;
    struct vision *vision;
    bool embedding_trained, blocks_trained,
        merger_trained; // what of the part before the layers needs gradients
    struct lora *lora;
    struct low_rank *adapter_gradients; // of its modules, by the layers' numbers
    struct workspace *workspace;
    uint64_t passes;
};

// training_parameters.c: fills parameters, trained, text, vision, lora.
int training_take_parameters(struct training *training, struct error *error);
void training_free_parameters(struct training *training);
// The model computes with the weights of before training_open; after a second call, with the trained ones again.
void training_exchange_weights(struct training *training);
// Whether a tensor is trained when there is no LoRA.
bool training_is_trained(const struct training_options *options, const struct part *part);

#endif
