// Private to model/: what its own files share about a model.
#ifndef GLOBE_MODEL_MODEL_INTERNAL_H
#define GLOBE_MODEL_MODEL_INTERNAL_H

#include "model/checkpoint.h"
#include "model/decoder.h"
#include "model/model.h"
#include "model/mrope.h"
#include "model/parts.h"
#include "model/vision.h"

struct model {
    struct checkpoint *checkpoint;
    const struct model_config *config;
    struct tokenizer *tokenizer;
    struct photo_preprocessor preprocessor;
    struct device *device;
    struct vision *vision;
    struct decoder *decoder;
    enum dtype type;
    struct workspace *workspace;
    int32_t stops[GENERATION_MAX_EOS]; // tokens that end an answer
    size_t stop_count;
    struct model_facts facts;
    struct warnings warnings; // odd but harmless, or not honoured, about the files of the model
    size_t tensor_count;      // in its list of tensors
    struct lora *adapter;     // its own (lora_use), or NULL
    struct lora *own_adapter; // one that lives as long as the model: what training leaves behind
    void **kept;              // device memory: trained weights, in the place of the checkpoint's
    size_t kept_count;
};

// A block of the device is released with the model; at once when there is no memory to remember it.
int model_keep(struct model *model, void *block, struct error *error);

// facts.c: fills model->facts from all that is open.
void model_gather_facts(struct model *model, const struct part *parts, size_t count);

// decoder_run of the whole model, in its type and workspace, each sequence through the adapter of its cache.
int model_run(struct model *model, struct matrix x, const int32_t *positions,
              const struct decoder_sequence *sequences, size_t count, const struct trace *trace,
              struct error *error);

#endif
