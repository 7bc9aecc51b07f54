// Which adapter the rows of a pass go through, as the layers want to know it.
#ifndef GLOBE_MODEL_LORA_SPANS_H
#define GLOBE_MODEL_LORA_SPANS_H

#include "model/decoder.h"
#include "model/linear.h"
#include "model/lora.h"
#include "tensor/workspace.h"

// Room for `most` spans, in the workspace.
int lora_spans_open(struct linear_additions *additions, size_t most, struct workspace *workspace,
                    struct error *error);
// The next rows go through this adapter, NULL: the model's own. Neighbours with the same adapter are one span.
// ERROR_INTERNAL for an adapter of a model of another shape.
int lora_spans_add(struct linear_additions *additions, const struct model *model, const struct lora *adapter,
                   size_t rows, struct error *error);
// All rows of a pass through one adapter.
int lora_spans_one(struct linear_additions *additions, const struct model *model, const struct lora *adapter,
                   size_t rows, struct workspace *workspace, struct error *error);
// The rows of sequences through the adapters of their caches. ERROR_INTERNAL when a prefix went through another.
int lora_spans_sequences(struct linear_additions *additions, const struct model *model,
                         const struct decoder_sequence *sequences, size_t count, struct workspace *workspace,
                         struct error *error);

#endif
