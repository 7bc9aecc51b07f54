// The language model: embeddings of new tokens go in, hidden states and logits come out, keys and values stay
// in caches (qwen2_5_vl.md section 7).
#ifndef GLOBE_MODEL_DECODER_H
#define GLOBE_MODEL_DECODER_H

#include "base/memory.h"
#include "model/checkpoint.h"
#include "model/kv_cache.h"
#include "model/trace.h"
#include "tensor/device.h"
#include "tensor/workspace.h"

struct decoder;
struct linear_additions;

// Resolves and checks all tensors of the language model, which the device adopts. Both must outlive it.
// Without weights: parts_load fills them in, or they stay room for gradients.
struct decoder *decoder_new(const struct decoder_config *config, struct error *error);
void decoder_free(struct decoder *decoder);

// x [sum of tokens, hidden] F32: embeddings in, the residual stream after the last layer out. Positions are
// [3, rows], host memory. All matrices are computed in `type`. The adapters of the sequences (own->adapter)
// come as additions (model/lora_spans.h).
int decoder_run(const struct decoder *decoder, const struct linear_additions *additions,
                struct device *device, enum dtype type, struct matrix x, const int32_t *positions,
                const struct decoder_sequence *sequences, size_t count, struct workspace *workspace,
                const struct trace *trace, struct error *error);

// The embedding rows of ids into x [count, hidden] F32.
void decoder_embed(const struct decoder *decoder, struct device *device, struct matrix x, const int32_t *ids);
// y = final norm of x, in y's type.
void decoder_norm(const struct decoder *decoder, struct device *device, struct matrix y, struct matrix x);
// logits [rows, vocab] F32 of normed rows.
void decoder_logits(const struct decoder *decoder, struct device *device, struct matrix logits,
                    struct matrix normed);
// Device memory: out[i] = log softmax(normed[i] * lm_head^T / temperature)[targets[i]]
void decoder_log_probs(const struct decoder *decoder, struct device *device, float *out, struct matrix normed,
                       const int32_t *targets, float temperature);

#endif
