// A device: memory and operations. model/ and train/ compute through the functions of this header alone;
// nothing above tensor/ knows which processor it is, or reads and writes what the device holds.
//
// Memory. Every matrix that an operation reads or writes lies in blocks of the device: allocated here, or
// adopted from a mapped file. Addresses in them may be computed (rows and columns of a matrix are views), but
// only the device follows them: what the host has goes in by device_upload, what it wants to see comes out by
// device_download. The CPU's own device uses the host's memory as it is; do not count on it: the guard device
// (device_open_cpu) makes its blocks unreadable outside of operations.
// Small arrays that steer an operation (ids, indices, targets, segments, positions, frequencies, ...) are
// host memory. They are copied on call: the caller may change or free them as soon as the function returns.
//
// Order. Operations run one after the other in the order of the calls, possibly later than the call: only
// device_download, device_finish and device_check wait.
//
// Errors. Operations do not return errors. The first failure (shapes that do not fit, out of memory, a
// refused primitive) stays in the device, every later operation of any kind does nothing, outputs keep what
// they held, and the caller asks once per pass: device_check() tells and clears it. A device that is lost
// (device_lose) stays failed. Shapes, types and ids are checked here, once, for all devices: what reaches the
// table fits.
//
// Threads. One thread at a time, but any thread: an operation runs on as many threads as the device was
// opened with, whoever calls it.
//
// Types: weights are F32, BF16 or F16 as the checkpoint stores them. Activations are of the compute type (F32
// or BF16); the residual stream and everything that is summed over many terms is F32. Matrices are row-major
// [rows, columns]; a row is a token or a patch. One without rows or columns is left alone.
#ifndef GLOBE_TENSOR_DEVICE_H
#define GLOBE_TENSOR_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "tensor/tensor.h"

struct device_operations; // tensor/device_internal.h: what a new device has to implement
struct device_block;

struct device {
    const struct device_operations *operations;
    enum dtype fast_type; // BF16 where the processor multiplies it faster than F32
    int threads;
    bool exact;         // see device_set_exact
    bool composed;      // device_can_decode says no: to compare with the operations one by one
    struct error error; // sticky; to be read, for instance to leave a loop early
    bool lost;          // the error is for good
    char description[160];
    struct device_block *blocks; // all memory that is held
    size_t block_count, block_room;
};

// threads 0: all processors. `isa` NULL: the best there is; else "portable", "avx2", "avx512" or "amx" (for
// tests). "guard" is the best there is with memory that nobody can read or write between operations, to find
// who tries.
struct device *device_open_cpu(int threads, const char *isa, struct error *error);
// Releases what is still held: weights live as long as their device.
void device_close(struct device *device);

// 0, or -1 with the first failure since the last check (which is cleared unless the device is lost).
int device_check(struct device *device, struct error *error);
// For operations: remembers the first failure.
void device_fail(struct device *device, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// The same, but nothing will work again: device_check reports it for ever, memory cannot be had.
void device_lose(struct device *device, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool device_can_train(const struct device *device); // has the operations of training

// Forward operations give a row the same bits whatever other rows are computed with it: one order of summation for
// one row and for many, so that decoding, prefill and training agree exactly. Slower for large models. Before the
// first operation; ERROR_USAGE where the device cannot.
int device_set_exact(struct device *device, bool exact, struct error *error);
// An exact device may add up products over so many inputs in another order than shorter ones (tiles).
enum { DEVICE_LONG_SUM = 2048 };

// ---- memory

enum device_memory {
    DEVICE_DENSE, // all of it will be used
    DEVICE_SPARSE // much may never be: pages are taken as they are written, where the device can do that
};

// Not cleared; aligned for every type. NULL with ERROR_MEMORY ("what: ...").
void *device_allocate(struct device *device, size_t bytes, enum device_memory kind, const char *what,
                      struct error *error);
// A block of device_allocate or device_adopt; NULL is allowed.
void device_release(struct device *device, void *block);
// Host memory that never changes and outlives the device, as a block: the same address where the device reads
// host memory, a copy elsewhere. The same memory again is the same block.
void *device_adopt(struct device *device, const void *host, size_t bytes, struct error *error);
size_t device_memory_held(const struct device *device); // bytes allocated, not adopted

// Between host memory, contiguous and of the matrix's type, and the device.
void device_upload(struct device *device, struct matrix to, const void *from); // `from` is free on return
void device_download(struct device *device, void *to, struct matrix from);     // waits
struct device_copy {
    struct matrix to, from; // of one type and shape
};
void device_copy(struct device *device, struct matrix to, struct matrix from);
void device_copy_all(struct device *device, const struct device_copy *copies,
                     size_t count);                             // they do not overlap
void device_clear(struct device *device, struct matrix matrix); // all bytes 0
void device_finish(struct device *device); // waits until everything that was asked for is done

// ---- operands

// A weight matrix [out, in] as a checkpoint stores it.
enum weight_format { WEIGHT_PLAIN }; // values are the weights
struct weight {
    struct matrix values;
    enum weight_format format;
    struct matrix scales, zeros; // of quantised formats: one per output and group; data NULL
    size_t group;                // inputs that share a scale; 0: all
};
struct weight weight_of(struct matrix values); // a plain one

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
    float scale;                              // 1 / sqrt(head_dim)
    const struct attention_segment *segments; // host memory; no two have a query in common
    size_t segment_count;
    float *log_sums; // NULL, or device memory [rows, heads] for the backward pass: log2 of the sum of
                     // exp(scores)
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

// A step of decoding: one row is the next token of one sequence, and goes through all layers of a language model on
// its own. What a device needs to do that in one go (device_decode).
struct step_linear {
    const struct weight *weight;
    struct matrix bias; // data NULL: none
    size_t number;      // of its low-rank addition in the tables of the spans
};

struct step_layer {
    struct matrix input_norm, post_norm; // [1, hidden]
    struct step_linear q, k, v, o, gate, up, down;
};

// Keys and values of a sequence: those of layer l are [rows, kv_heads * head_dim] at data + 2 l plane bytes, and
// another plane further on.
struct step_cache {
    void *data;
    size_t plane, rows; // of the own cache without the new row, for which there is room
};
struct step_sequence {
    struct step_cache prefix, own; // prefix.rows 0: none
};

struct step_span {
    size_t rows;                  // the next ones
    const struct low_rank *table; // by the layers' numbers; a.data NULL: none; NULL: none at all
};

struct decode_step {
    struct matrix
        x; // [rows, hidden] F32, contiguous: embeddings in, the residual stream after the last layer out
    enum dtype type; // of the computing, and of the caches
    const struct step_layer *layers;
    size_t layer_count;
    size_t heads, kv_heads, head_dim;
    float eps, scale;
    struct matrix cosine, sine;            // [rows, head_dim / 2] F32
    const struct step_sequence *sequences; // [rows]
    const struct step_span *spans;         // rows behind the last one have no additions
    size_t span_count;
    struct matrix final_norm;
    const struct weight *head;
    struct matrix logits; // [rows, vocabulary] F32; data NULL: not wanted
};

// How much each query looked at some of its keys; see device_attention_shares.
struct attention_shares {
    struct matrix sums;   // F32 [rows, watched]: added to
    struct matrix scores; // F32 [rows, keys]: products of queries and keys; overwritten
    float scale;          // of the scores
    size_t seen;          // row r sees keys [0, seen + r)
    size_t first;         // the watched keys are [first, first + watched)
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

// Angles of rotary embeddings: of row r and pair f, positions[axes[f]][r] * frequencies[f], in F32.
struct rotary {
    const float *frequencies; // [pairs]
    const uint8_t *axes;      // [pairs]
    const int32_t *positions; // [axis, position_stride], of which the first `rows` count
    size_t position_stride;
};

// One step of AdamW with everything that is the same for all its values (train/adamw.h):
//   g = scale gradient;  m = beta1 m + rest1 g;  v = beta2 v + rest2 g^2
//   value = value keep - rate m / (sqrt(v) / root + epsilon)
struct adamw_factors {
    float scale, beta1, rest1, beta2, rest2, keep, rate, root, epsilon;
};

enum linear_flags {
    LINEAR_ADD = 1 // y += instead of y =
};

// ---- operations

// y[m, n] = x[m, k] * w[n, k]^T + bias[n]. bias may be none (data NULL). x: F32 or BF16; y: F32, or as x.
void device_linear(struct device *device, struct matrix y, struct matrix x, const struct weight *w,
                   struct matrix bias, unsigned flags);
// y = x / sqrt(mean(x^2) + eps) * weight, per row. x: F32 (the residual stream) or the compute type.
void device_rms_norm(struct device *device, struct matrix y, struct matrix x, struct matrix weight,
                     float eps);
// cosine and sine [rows, pairs] F32 of a rotary's angles.
void device_rotary(struct device *device, struct matrix cosine, struct matrix sine,
                   const struct rotary *rotary);
// Rotates heads [head_dim] of x in place, pairs (i, i + head_dim / 2), by angles given as cosine and sine
// [rows, head_dim / 2] F32. `inverse` rotates back (the gradient).
void device_rope(struct device *device, struct matrix x, size_t head_dim, struct matrix cosine,
                 struct matrix sine, bool inverse);
void device_attention(struct device *device, const struct attention *attention);
// sums[r, k] += softmax over what row r sees of (scale * scores[r])[first + k].
void device_attention_shares(struct device *device, const struct attention_shares *shares);
// y = silu(gate) * up. y may be gate.
void device_swiglu(struct device *device, struct matrix y, struct matrix gate, struct matrix up);
// y = x * Phi(x), exact (erf). In place allowed.
void device_gelu(struct device *device, struct matrix y, struct matrix x);
// y[i] = table[ids[i]].
void device_embed(struct device *device, struct matrix y, struct matrix table, const int32_t *ids);
// y[i] = x[index[i]], with conversion of type (to F32 or BF16, or none); index NULL: row i.
void device_gather(struct device *device, struct matrix y, struct matrix x, const size_t *index);
// y[index[i]] = x[i]: the inverse permutation.
void device_scatter(struct device *device, struct matrix y, struct matrix x, const size_t *index);
// out[i] = log softmax(x[i] * w^T / temperature)[targets[i]], in chunks of the vocabulary: the [rows,
// vocabulary] matrix never exists. log_sums (may be NULL): log of the sum of exp(x[i] * w^T / temperature),
// for the backward pass; entropies (may be NULL): of that softmax. All are device memory [rows].
void device_log_probs(struct device *device, float *out, float *log_sums, float *entropies, struct matrix x,
                      const struct weight *w, const int32_t *targets, float temperature);
// out[i] = log softmax(logits[i] / temperatures[i])[targets[i]], as device_log_probs computes it. logits [rows,
// vocabulary] F32; out is device memory [rows].
void device_log_softmax(struct device *device, float *out, struct matrix logits, const int32_t *targets,
                        const float *temperatures);
// All layers, the final norm and the head for rows that are sequences of their own, so that no row waits for another
// between operations. Worth it for models whose weights fit the caches. Only where device_can_decode, and with
// fewer than DEVICE_LONG_SUM inputs to a layer.
void device_decode(struct device *device, const struct decode_step *step);
bool device_can_decode(const struct device *device);
// y += scale * (dropout(x) a^T) b^T. a and b are of x's type, or F32: then all of it is computed in F32, and
// rounded once, when it is added to y.
void device_low_rank(struct device *device, struct matrix y, struct matrix x, const struct low_rank *adapter);

// Training: one beside each forward operation (qwen2_5_vl.md section 8). Gradients of weights are F32 and
// added to; those of inputs are written unless said otherwise; data NULL: not wanted. Only where
// device_can_train. The gradient of rope is rope with `inverse`, that of gather is scatter.
//
// dx (+)= dy w, dw += dy^T x, dbias += column sums of dy. dy may be F32 when x is BF16: the products then
// take it rounded. With LINEAR_ADD dx is added to. x.data is read only for dw, but x.dtype is the compute
// type.
void device_linear_backward(struct device *device, struct matrix dx, struct matrix dw, struct matrix dbias,
                            struct matrix dy, struct matrix x, const struct weight *w, unsigned flags);
// dx += ..., F32: the gradient of the residual stream. dweight: one row.
void device_rms_norm_backward(struct device *device, struct matrix dx, struct matrix dweight,
                              struct matrix dy, struct matrix x, struct matrix weight, float eps);
void device_attention_backward(struct device *device, const struct attention_gradient *gradient);
// All of one type; dgate may be gate, dup may be up.
void device_swiglu_backward(struct device *device, struct matrix dgate, struct matrix dup, struct matrix dy,
                            struct matrix gate, struct matrix up);
// dx may be x or dy.
void device_gelu_backward(struct device *device, struct matrix dx, struct matrix dy, struct matrix x);
// table[ids[i]] += dy[i], both F32; negative ids are passed over. The gradient of embed.
void device_embed_backward(struct device *device, struct matrix dtable, struct matrix dy, const int32_t *ids);
// With by_log_prob[i] = d loss / d log_probs[i], by_entropy[i] = d loss / d entropies[i]: dx (F32, written) and dw, in
// chunks of the vocabulary. What it reads is device memory [rows].
struct log_prob_gradients {
    const float *by_log_prob, *log_sums;
    const float *by_entropy, *entropies; // NULL: entropies are of no account
};
void device_log_probs_backward(struct device *device, struct matrix dx, struct matrix dw,
                               const struct log_prob_gradients *gradients, struct matrix x,
                               const struct weight *w, const int32_t *targets, float temperature);
// dx is added to; da and db too.
void device_low_rank_backward(struct device *device, struct matrix dx, struct matrix da, struct matrix db,
                              struct matrix dy, struct matrix x, const struct low_rank *adapter);

// The optimiser. All F32, of one shape; results do not depend on the number of threads.
void device_adamw(struct device *device, const struct adamw_factors *factors, struct matrix value,
                  struct matrix gradient, struct matrix m, struct matrix v);
// sum [1, 1] F64 += the sum of squares of values (F32), in double, in an order that depends on their number
// alone.
void device_square_sum(struct device *device, struct matrix sum, struct matrix values);

#endif
