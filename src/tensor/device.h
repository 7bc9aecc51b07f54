// The device table: every operation that the model, and later the training, asks of a processor. model/ and
// train/ call through it; nothing above tensor/ knows which processor it is.
//
// Operations do not return errors. The first failure (out of memory, a refused primitive) stays in the
// device, later operations do nothing, and the caller asks once per forward pass: device_check().
//
// Types: weights are F32, BF16 or F16 as the checkpoint stores them and are never copied. Activations are of
// the compute type (F32 or BF16); the residual stream and everything that is summed over many terms is F32.
// Matrices are row-major [rows, columns]; a row is a token or a patch.
#ifndef GLOBE_TENSOR_DEVICE_H
#define GLOBE_TENSOR_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "tensor/tensor.h"

// A run of keys and values, one row per token: [rows, kv_heads * head_dim] each.
struct attention_span {
    const void *keys;
    const void *values;
    size_t rows;
    size_t stride; // elements between rows, the same for keys and values
};

// A block of queries that see the same keys: an optional shared prefix (all of it), then their own. In a
// causal segment the last query sees all own keys, the one before it all but one, and so on: queries are the
// last tokens of their own span.
//   a vision window: no prefix, own = the window, not causal
//   a prompt:        no prefix, own = the prompt, causal
//   G completions of one prompt: G segments with the same prefix, each with its own keys, causal
struct attention_segment {
    size_t first_query; // row of q
    size_t queries;
    struct attention_span prefix; // segments share work when they share prefix.keys
    struct attention_span own;
    bool causal;
};

struct attention {
    struct matrix out;     // [rows, heads * head_dim], compute type
    struct matrix queries; // the same shape and type
    enum dtype span_type;  // of keys and values
    size_t heads;
    size_t kv_heads; // query head h reads kv head h / (heads / kv_heads)
    size_t head_dim;
    float scale; // 1 / sqrt(head_dim)
    const struct attention_segment *segments;
    size_t segment_count;
    float *log_sums; // NULL, or [rows, heads] for the backward pass: log2 of the sum of exp(scores)
};

// The gradient of an attention whose spans all are rows of one matrix of keys and one of values. A prefix
// that several segments share receives the sum over all of them.
struct attention_gradient {
    const struct attention *forward; // with its log_sums and its out
    struct matrix keys, values;      // [key rows, kv_heads * head_dim]
    struct matrix dout;              // as forward->out
    struct matrix dqueries;          // as forward->queries, or F32; may be forward->queries. Written
    struct matrix dkeys, dvalues;    // F32 [key rows, kv_heads * head_dim]. Written
};

// Elements are zeroed with probability `rate` and the others divided by 1 - rate. Which ones is a function of
// seed, stream, row and column alone (Philox), so that the backward pass makes the same mask again.
struct dropout {
    uint64_t seed, stream;
    float rate; // in [0, 1); 0: none
};

// A low-rank addition to a linear layer (LoRA, arXiv 2106.09685).
struct low_rank {
    struct matrix a; // [rank, in], of the compute type
    struct matrix b; // [out, rank], of the compute type
    float scale;
    struct dropout dropout; // of x, only in training
};

enum linear_flags {
    LINEAR_ADD = 1 // y += instead of y =
};

struct device;

struct device_operations {
    const char *name;

    // y[m, n] = x[m, k] * w[n, k]^T + bias[n]. bias may be NULL (data == NULL). y: F32 or BF16; x: F32 or
    // BF16.
    void (*linear)(struct device *device, struct matrix y, struct matrix x, struct matrix w,
                   struct matrix bias, unsigned flags);
    // y = x / sqrt(mean(x^2) + eps) * weight, per row. x: F32 (the residual stream) or the compute type.
    void (*rms_norm)(struct device *device, struct matrix y, struct matrix x, struct matrix weight,
                     float eps);
    // Rotates heads [head_dim] of x in place, pairs (i, i + head_dim / 2), by angles given as cosine and sine
    // [rows, head_dim / 2] F32. `inverse` rotates back (the gradient).
    void (*rope)(struct device *device, struct matrix x, size_t head_dim, struct matrix cosine,
                 struct matrix sine, bool inverse);
    void (*attention)(struct device *device, const struct attention *attention);
    // y = silu(gate) * up. y may be gate.
    void (*swiglu)(struct device *device, struct matrix y, struct matrix gate, struct matrix up);
    // y = x * Phi(x), exact (erf). In place allowed.
    void (*gelu)(struct device *device, struct matrix y, struct matrix x);
    // y[i] = table[ids[i]]; ids outside the table are an internal error.
    void (*embed)(struct device *device, struct matrix y, struct matrix table, const int32_t *ids);
    // y[i] = x[index[i]], with conversion of type; index NULL: row i.
    void (*gather)(struct device *device, struct matrix y, struct matrix x, const size_t *index);
    // y[index[i]] = x[i]: the inverse permutation.
    void (*scatter)(struct device *device, struct matrix y, struct matrix x, const size_t *index);
    // out[i] = log softmax(x[i] * w^T / temperature)[targets[i]], in chunks of the vocabulary: the [rows,
    // vocabulary] matrix never exists. log_sums (may be NULL): log of the sum of exp(x[i] * w^T /
    // temperature), for the backward pass.
    void (*log_probs)(struct device *device, float *out, float *log_sums, struct matrix x, struct matrix w,
                      const int32_t *targets, float temperature);
    // y += scale * (dropout(x) a^T) b^T
    void (*low_rank)(struct device *device, struct matrix y, struct matrix x, const struct low_rank *adapter);

    // Training: one beside each forward operation (qwen2_5_vl.md section 8). Gradients of weights are F32 and
    // added to; those of inputs are written unless said otherwise; data NULL: not wanted. NULL on a device
    // that cannot train. The gradient of rope is rope with `inverse`, that of gather is scatter.
    //
    // dx (+)= dy w, dw += dy^T x, dbias += column sums of dy. dy may be F32 when x is BF16: the products then
    // take it rounded. With LINEAR_ADD dx is added to. x.data is read only for dw, but x.dtype is the compute
    // type.
    void (*linear_backward)(struct device *device, struct matrix dx, struct matrix dw, struct matrix dbias,
                            struct matrix dy, struct matrix x, struct matrix w, unsigned flags);
    // dx += ..., F32: the gradient of the residual stream. dweight: one row.
    void (*rms_norm_backward)(struct device *device, struct matrix dx, struct matrix dweight,
                              struct matrix dy, struct matrix x, struct matrix weight, float eps);
    void (*attention_backward)(struct device *device, const struct attention_gradient *gradient);
    // All of one type; dgate may be gate, dup may be up.
    void (*swiglu_backward)(struct device *device, struct matrix dgate, struct matrix dup, struct matrix dy,
                            struct matrix gate, struct matrix up);
    // dx may be x or dy.
    void (*gelu_backward)(struct device *device, struct matrix dx, struct matrix dy, struct matrix x);
    // table[ids[i]] += dy[i], both F32; negative ids are passed over. The gradient of embed.
    void (*embed_backward)(struct device *device, struct matrix dtable, struct matrix dy, const int32_t *ids);
    // With derivatives[i] = d loss / d log_probs[i]: dx (F32, written) and dw, in chunks of the vocabulary.
    void (*log_probs_backward)(struct device *device, struct matrix dx, struct matrix dw,
                               const float *derivatives, const float *log_sums, struct matrix x,
                               struct matrix w, const int32_t *targets, float temperature);
    // dx is added to; da and db too.
    void (*low_rank_backward)(struct device *device, struct matrix dx, struct matrix da, struct matrix db,
                              struct matrix dy, struct matrix x, const struct low_rank *adapter);

    void (*free)(struct device *device);
};

struct device {
    const struct device_operations *operations;
    enum dtype fast_type; // BF16 where the processor multiplies it faster than F32
    int threads;
    struct error error; // sticky
    char description[160];
};

// threads 0: all processors. `isa` NULL: the best there is; else "portable", "avx2", "avx512" or "amx" (for
// tests).
struct device *device_open_cpu(int threads, const char *isa, struct error *error);
void device_close(struct device *device);

// 0, or -1 with the first failure since the last check (which is cleared).
int device_check(struct device *device, struct error *error);
// For operations: remembers the first failure.
void device_fail(struct device *device, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
