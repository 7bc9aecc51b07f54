// The language model in training: a forward pass that keeps what the backward pass needs, and that pass.
#ifndef GLOBE_MODEL_DECODER_BACKWARD_H
#define GLOBE_MODEL_DECODER_BACKWARD_H

#include "base/memory.h"
#include "model/decoder_internal.h"

// What a forward pass keeps. All: everything. Inputs: the residual stream before each layer; the backward
// pass computes the layer again (gradient checkpointing). Nothing: there will be no backward pass.
enum tape_keep { TAPE_NOTHING, TAPE_INPUTS, TAPE_ALL };

// Consecutive rows that see each other causally, and all rows of a prefix before them (prefix_rows 0: none).
struct decoder_span {
    size_t first, rows;
    size_t prefix_first, prefix_rows;
};

// Lives in the workspace it was made from, and is valid as long as x and spans are.
struct decoder_tape;

// x [rows, hidden] F32: embeddings in, the residual stream after the last layer out. Positions are [3, rows].
// Additions of all rows, with their gradients; the spans must stay valid as long as the tape.
struct decoder_tape *decoder_tape_run(const struct decoder *decoder, const struct linear_additions *additions,
                                      struct device *device, enum dtype type, struct matrix x,
                                      const int32_t *positions, const struct decoder_span *spans,
                                      size_t span_count, enum tape_keep keep, struct workspace *workspace,
                                      struct error *error);

// dx [rows, hidden] F32: gradient of the output in, gradient of the embeddings out (left undefined unless
// `input_wanted`). Gradients of weights are added to what has data in `gradients`. Once per tape.
int decoder_tape_backward(struct decoder_tape *tape, const struct decoder *gradients, struct matrix dx,
                          bool input_wanted, struct error *error);

#endif
