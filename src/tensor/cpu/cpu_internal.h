// Private to the CPU device: its state, and the kernels that exist once per instruction set.
#ifndef GLOBE_TENSOR_CPU_CPU_INTERNAL_H
#define GLOBE_TENSOR_CPU_CPU_INTERNAL_H

#include "tensor/device_internal.h"

// Queries are processed in blocks of this many columns (a query of one head is a column).
enum { ATTENTION_COLUMNS = 32 };

enum { ROPE_LONGEST = 2048 }; // head_dim that rope can take

// One block of columns on its way through the keys: running maximum, sum and weighted values per column.
struct attention_block {
    float *values;  // [head_dim, ATTENTION_COLUMNS]: sum of exp(score - max) * value
    float *maximum; // [ATTENTION_COLUMNS], of scores times scale times log2(e)
    float *sum;     // [ATTENTION_COLUMNS]
    void *queries;  // packed: F32 [head_dim, ATTENTION_COLUMNS], or for AMX pairs [head_dim / 2, columns, 2]
                    // BF16
    float *scores;  // scratch [ATTENTION_KEYS, ATTENTION_COLUMNS]
    void *weights;  // scratch, AMX: exp(scores) as pairs
    float *keys;    // scratch, generic: converted keys or values [ATTENTION_KEYS, head_dim]
};

enum { ATTENTION_KEYS = 128 };

// Columns (a query of one head each) on their way through the keys, for the kernel that computes each alone.
enum { ROW_KEYS = 64 }; // at a time, counted from the start of a span
struct row_block {
    size_t columns;
    const float *queries; // [columns, head_dim]
    float *values;        // [columns, head_dim]: sums of weights times values, zero at first
    float *maximum, *sum; // [columns]: -INFINITY and zero at first
    float *scores;        // scratch [columns, ROW_KEYS]
    float *rows;          // scratch [2, ROW_KEYS, head_dim]
    // The keys are a prefix or a window, worth rearranging for many columns. The order of summation depends on it:
    // always the same for a kind of span.
    bool shared;
};

enum { ROW_PANEL = 4096 }; // values of w that are converted at a time; a panel is at least four rows

enum { DROPOUT_UNIT = 128 }; // columns that share 16 blocks of random numbers

// Kernels work on one row or one block in one thread. Pointers need no alignment.
struct cpu_kernels {
    const char *name;
    size_t row_lanes; // of a register: with fewer than 16 the row kernels are the better ones for attention
    void (*to_f32)(float *out, const void *in, enum dtype type, size_t n);
    void (*from_f32)(void *out, enum dtype type, const float *in, size_t n);
    void (*rms_norm)(void *y, enum dtype y_type, const void *x, enum dtype x_type, const float *weight,
                     size_t n, float eps);
    void (*rope)(void *x, enum dtype type, const float *cosine, const float *sine, size_t heads,
                 size_t head_dim, float sign);
    void (*swiglu)(void *y, const void *gate, const void *up, enum dtype type, size_t n);
    void (*gelu)(void *y, const void *x, enum dtype type, size_t n);
    // log(sum(exp(x))) and the like: the largest value, and the sum of exp(x - largest).
    void (*sum_exp)(const float *x, size_t n, float *largest, double *sum);
    // y[m, n] = x[m, k] * w[n, k]^T for few rows of x: reads w once.
    void (*small_linear)(float *y, size_t y_stride, const float *x, size_t x_stride, size_t m, const void *w,
                         enum dtype w_type, size_t w_stride, size_t n, size_t k);
    // The columns [0, columns) of a block go over `keys` rows of a span. limits[c]: column c sees keys [0,
    // limits[c]).
    void (*attend)(struct attention_block *block, size_t columns, const void *keys, const void *values,
                   enum dtype type, size_t stride, size_t rows, size_t head_dim, const int32_t *limits,
                   float scale);

    // The same operations with one order of summation for one row and for many (kernels_rows_body.h). panel: scratch
    // of ROW_PANEL + 4 k values. limits NULL: all columns see all rows.
    void (*row_linear)(float *y, size_t y_stride, const float *x, size_t x_stride, size_t m, const void *w,
                       enum dtype w_type, size_t w_stride, size_t n, size_t k, float *panel);
    void (*row_attend)(struct row_block *block, const void *keys, const void *values, enum dtype type,
                       size_t stride, size_t rows, size_t head_dim, const int32_t *limits, float scale);

    // Gradients. dx += ...; dweight += dy * x / rms unless NULL.
    void (*rms_norm_backward)(float *dx, float *dweight, const void *dy, enum dtype dy_type, const void *x,
                              enum dtype x_type, const float *weight, size_t n, float eps);
    void (*swiglu_backward)(void *dgate, void *dup, const void *dy, const void *gate, const void *up,
                            enum dtype type, size_t n);
    void (*gelu_backward)(void *dx, const void *dy, const void *x, enum dtype type, size_t n);
    // One column of attention: weights = exp2(scores * factor - log_sum) and dscores = weights * (dweights -
    // delta) * scale over the `seen` first of n keys, 0 over the rest. Results may lie where scores and
    // dweights do.
    void (*attention_backward)(void *weights, void *dscores, enum dtype type, const float *scores,
                               const float *dweights, size_t seen, size_t n, float scale, float log_sum,
                               float delta);
    // values[i] = 0 where 16 random bits are below `limit`, else times `keep`; n is a multiple of
    // DROPOUT_UNIT or the end of a row. Column c of a unit takes its bits from Philox block `counter` + c %
    // 16: of the eight halves of its four words, low half first, the one numbered c / 16.
    void (*dropout)(float *values, size_t n, const struct dropout *dropout, uint64_t counter, uint32_t limit,
                    float keep);
    // out = exp(logits * factor - log_sum) * scale
    void (*softmax)(void *out, enum dtype type, const float *logits, size_t n, float factor, float log_sum,
                    float scale);
};

extern const struct cpu_kernels cpu_kernels_portable, cpu_kernels_avx2, cpu_kernels_avx512;

struct cpu_matmul; // oneDNN and its cache of primitives

struct cpu_guard; // guard.c

struct cpu_device {
    struct device base;
    const struct cpu_kernels *kernels;
    bool amx;
    bool widen_bf16; // oneDNN takes no BF16: products are made in F32
    struct cpu_matmul *matmul;
    struct arena *arena;    // of the operation that is running
    struct arena *backward; // of the backward operation, which may call forward ones
    float **scratch;        // one slot per thread, then the shared ones; grown on demand
    size_t *scratch_size;
    int outer_threads;       // OpenMP's setting of the calling thread, while an operation runs
    struct cpu_guard *guard; // NULL unless memory is guarded
};

// Scratch of at least `count` floats, 64-byte aligned, in a slot of its own: slots [0, threads) belong to the
// threads, threads + 0 to operands, + 1 to biases, + 2 to logits. NULL after device_fail.
float *cpu_scratch(struct cpu_device *cpu, int slot, size_t count);
int cpu_thread(void); // the calling thread's number in its parallel region

// matmul.c: y[m, n] (+)= x[m, k] * w[n, k]^T + bias by oneDNN. Types: F32 throughout, or x, w BF16 with y F32
// or BF16.
struct cpu_matmul *cpu_matmul_new(struct error *error);
void cpu_matmul_free(struct cpu_matmul *matmul);
int cpu_matmul_run(struct cpu_matmul *matmul, struct matrix y, struct matrix x, struct matrix w,
                   const void *bias, enum dtype bias_type, bool add);
// y (+)= a b with either operand stored transposed ([k, m] and [n, k]); no bias. Operands share a type, F32
// or BF16.
int cpu_matmul_multiply(struct cpu_matmul *matmul, struct matrix y, struct matrix a, bool a_transposed,
                        struct matrix b, bool b_transposed, bool add);
bool cpu_matmul_has_bf16(void); // oneDNN multiplies BF16 natively here
// oneDNN multiplies BF16 at all: it refuses where there is no AVX-512, and operands are widened to F32 then.
bool cpu_matmul_takes_bf16(struct cpu_matmul *matmul);

// linear.c, attention.c, rows.c: the operations.
void cpu_linear(struct device *device, struct matrix y, struct matrix x, struct matrix w, struct matrix bias,
                unsigned flags);
void cpu_log_softmax(struct device *device, float *out, struct matrix logits, const int32_t *targets,
                     const float *temperatures);
void cpu_log_probs(struct device *device, float *out, float *log_sums, float *entropies, struct matrix x,
                   struct matrix w, const int32_t *targets, float temperature);
void cpu_attention(struct device *device, const struct attention *attention);
void cpu_rms_norm(struct device *device, struct matrix y, struct matrix x, struct matrix weight, float eps);
void cpu_rope(struct device *device, struct matrix x, size_t head_dim, struct matrix cosine,
              struct matrix sine, bool inverse);
void cpu_swiglu(struct device *device, struct matrix y, struct matrix gate, struct matrix up);
void cpu_gelu(struct device *device, struct matrix y, struct matrix x);
void cpu_embed(struct device *device, struct matrix y, struct matrix table, const int32_t *ids);
void cpu_gather(struct device *device, struct matrix y, struct matrix x, const size_t *index);
void cpu_scatter(struct device *device, struct matrix y, struct matrix x, const size_t *index);
void cpu_rotary(struct device *device, struct matrix cosine, struct matrix sine, const struct rotary *rotary);
void cpu_attention_shares(struct device *device, const struct attention_shares *shares);

// memory.c: blocks are the host's own memory.
void *cpu_allocate(struct device *device, size_t bytes, enum device_memory kind);
void *cpu_adopt(struct device *device, const void *host, size_t bytes);
void cpu_release(struct device *device, const struct device_block *block);
void cpu_upload(struct device *device, struct matrix to, const void *from);
void cpu_download(struct device *device, void *to, struct matrix from);
void cpu_copy_all(struct device *device, const struct device_copy *copies, size_t count);
void cpu_clear(struct device *device, struct matrix matrix);

// guard.c: blocks lie together in one part of the address space that is open only while an operation runs.
struct cpu_guard *cpu_guard_new(struct error *error);
void cpu_guard_free(struct cpu_guard *guard);
void cpu_guard_open(struct cpu_guard *guard);
void cpu_guard_shut(struct cpu_guard *guard);
void *cpu_guard_allocate(struct cpu_guard *guard, size_t bytes);
void cpu_guard_release(struct cpu_guard *guard, void *data);

// linear_backward.c, low_rank.c, attention_backward.c, rows_backward.c: the operations of training.
void cpu_linear_backward(struct device *device, struct matrix dx, struct matrix dw, struct matrix dbias,
                         struct matrix dy, struct matrix x, struct matrix w, unsigned flags);
void cpu_log_probs_backward(struct device *device, struct matrix dx, struct matrix dw,
                            const struct log_prob_gradients *gradients, struct matrix x, struct matrix w,
                            const int32_t *targets, float temperature);
void cpu_low_rank(struct device *device, struct matrix y, struct matrix x, const struct low_rank *adapter);
void cpu_low_rank_backward(struct device *device, struct matrix dx, struct matrix da, struct matrix db,
                           struct matrix dy, struct matrix x, const struct low_rank *adapter);
void cpu_attention_backward(struct device *device, const struct attention_gradient *gradient);
void cpu_rms_norm_backward(struct device *device, struct matrix dx, struct matrix dweight, struct matrix dy,
                           struct matrix x, struct matrix weight, float eps);
void cpu_swiglu_backward(struct device *device, struct matrix dgate, struct matrix dup, struct matrix dy,
                         struct matrix gate, struct matrix up);
void cpu_gelu_backward(struct device *device, struct matrix dx, struct matrix dy, struct matrix x);
void cpu_embed_backward(struct device *device, struct matrix dtable, struct matrix dy, const int32_t *ids);
void cpu_adamw(struct device *device, const struct adamw_factors *factors, struct matrix value,
               struct matrix gradient, struct matrix m, struct matrix v);
void cpu_square_sum(struct device *device, struct matrix sum, struct matrix values);

// exact.c: products with one order of summation for all numbers of rows.
void cpu_linear_exact(struct cpu_device *cpu, struct matrix y, struct matrix x, struct matrix w,
                      const float *bias, bool add);
// linear.c: y rows [m] x columns [first, first + count) from sums [m, count]: bias, the old y, conversion.
void cpu_finish_sums(const struct cpu_kernels *kernels, struct matrix y, size_t first, size_t count,
                     float *sums, const float *bias, bool add);
// decode.c
void cpu_decode(struct device *device, const struct decode_step *step);

// measure.c
double cpu_read_bandwidth(struct device *device);
double cpu_matmul_seconds(struct device *device, size_t m, size_t n, size_t k, enum dtype type, int repeats);

// For the above: y (+)= a b through cpu_matmul_multiply, widened to F32 where oneDNN takes no BF16. A refusal
// is kept in the device.
void cpu_multiply(struct cpu_device *cpu, struct matrix y, struct matrix a, bool a_transposed,
                  struct matrix b, bool b_transposed, bool add);
// A contiguous matrix from cpu->backward; data NULL after device_fail.
struct matrix cpu_temporary(struct cpu_device *cpu, enum dtype type, size_t rows, size_t columns);
// m itself if it is of that type, else a converted temporary.
struct matrix cpu_converted(struct cpu_device *cpu, struct matrix m, enum dtype type);

// amx.c: BF16 through tile registers (x86-64 with AMX-BF16 only).
extern const bool cpu_amx_compiled; // false: the functions below are empty
// One thread: rows [0, n) of w, m <= 16 columns packed by cpu_amx_pack_x; y[m, n] F32.
void cpu_amx_pack_x(uint16_t *packed, struct matrix x);
void cpu_amx_linear(float *y, size_t y_stride, const uint16_t *packed_x, size_t m, const uint16_t *w,
                    size_t w_stride, size_t n, size_t k);
// Attention: keys as rows of padded head_dim, values transposed, both padded with zeros to whole tiles.
void cpu_amx_pack_queries(uint16_t *packed, const uint16_t *const *columns, size_t count, size_t head_dim);
void cpu_amx_pack_keys(uint16_t *packed, const uint16_t *keys, size_t rows, size_t stride, size_t head_dim);
void cpu_amx_pack_values(uint16_t *packed, const uint16_t *values, size_t rows, size_t stride,
                         size_t head_dim);
size_t cpu_amx_padded_rows(size_t rows);          // to whole key tiles
size_t cpu_amx_padded_dim(size_t head_dim);       // to whole tiles, keys
size_t cpu_amx_padded_value_dim(size_t head_dim); // to whole tiles, values
void cpu_amx_attend(struct attention_block *block, size_t columns, const uint16_t *keys,
                    const uint16_t *values, size_t rows, size_t head_dim, const int32_t *limits, float scale);
void cpu_amx_store_columns(uint16_t *const *out, const float *values, const float *factors, size_t count,
                           size_t head_dim);
void cpu_amx_end(void); // releases the tile registers of this thread

#endif
