// A step of decoding in one operation of the device: for models so small that their weights stay in its caches, where
// what the operations one by one cost is waiting.
#ifndef GLOBE_MODEL_DECODER_STEP_H
#define GLOBE_MODEL_DECODER_STEP_H

#include "model/decoder.h"

// Whether decoder_step is the better way.
bool decoder_steps(const struct decoder *decoder, const struct device *device);

// decoder_run, decoder_norm and decoder_logits for sequences of one new token each. logits [count, vocab] F32 on the
// device; data NULL: not wanted.
int decoder_step(const struct decoder *decoder, const struct linear_additions *additions,
                 struct device *device, enum dtype type, struct matrix x, const int32_t *positions,
                 const struct decoder_sequence *sequences, size_t count, struct matrix logits,
                 struct workspace *workspace, struct error *error);

#endif
