// Private to model/: what its own files share about a model.
#ifndef GLOBE_MODEL_MODEL_INTERNAL_H
#define GLOBE_MODEL_MODEL_INTERNAL_H

#include "model/model.h"
#include "model/parts.h"

// facts.c: fills model->facts from all that is open.
void model_gather_facts(struct model *model, const struct part *parts, size_t count);

// decoder_run of the whole model, in its type and workspace, each sequence through the adapter of its cache.
int model_run(struct model *model, struct matrix x, const int32_t *positions,
              const struct decoder_sequence *sequences, size_t count, const struct trace *trace,
              struct error *error);

#endif
