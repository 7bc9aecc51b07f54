// What a device implements, for src/tensor/ alone. device.h says what each operation means.
//
// The functions of device.h stand in front of this table and do what is the same for all devices: they ask
// whether the device has failed, check shapes, types, ids and indices, leave empty matrices alone, and put
// begin and end around the call. So an implementation gets operands that fit, and may call its own operations
// freely.
#ifndef GLOBE_TENSOR_DEVICE_INTERNAL_H
#define GLOBE_TENSOR_DEVICE_INTERNAL_H

#include "tensor/device.h"

struct device_block {
    void *data;
    size_t bytes;
    enum device_memory kind;
    const void *host; // adopted from here, or NULL
};

struct device_operations {
    const char *name;
    bool exact;                          // device_set_exact is possible
    void (*free)(struct device *device); // all blocks have been released

    // Memory. Blocks are never empty. NULL when they cannot be had.
    void *(*allocate)(struct device *device, size_t bytes, enum device_memory kind);
    void *(*adopt)(struct device *device, const void *host, size_t bytes);
    void (*release)(struct device *device, const struct device_block *block);

    // Around every operation below. May be NULL.
    void (*begin)(struct device *device);
    void (*end)(struct device *device);

    void (*upload)(struct device *device, struct matrix to, const void *from);
    void (*download)(struct device *device, void *to, struct matrix from);
    void (*copy_all)(struct device *device, const struct device_copy *copies, size_t count);
    void (*clear)(struct device *device, struct matrix matrix);
    void (*finish)(struct device *device);

    void (*linear)(struct device *device, struct matrix y, struct matrix x, const struct weight *w,
                   struct matrix bias, unsigned flags);
    void (*rms_norm)(struct device *device, struct matrix y, struct matrix x, struct matrix weight,
                     float eps);
    void (*rotary)(struct device *device, struct matrix cosine, struct matrix sine,
                   const struct rotary *rotary);
    void (*rope)(struct device *device, struct matrix x, size_t head_dim, struct matrix cosine,
                 struct matrix sine, bool inverse);
    void (*attention)(struct device *device, const struct attention *attention);
    void (*attention_shares)(struct device *device, const struct attention_shares *shares);
    void (*swiglu)(struct device *device, struct matrix y, struct matrix gate, struct matrix up);
    void (*gelu)(struct device *device, struct matrix y, struct matrix x);
    void (*embed)(struct device *device, struct matrix y, struct matrix table, const int32_t *ids);
    void (*gather)(struct device *device, struct matrix y, struct matrix x, const size_t *index);
    void (*scatter)(struct device *device, struct matrix y, struct matrix x, const size_t *index);
    void (*log_probs)(struct device *device, float *out, float *log_sums, float *entropies, struct matrix x,
                      const struct weight *w, const int32_t *targets, float temperature);
    void (*log_softmax)(struct device *device, float *out, struct matrix logits, const int32_t *targets,
                        const float *temperatures);
    void (*low_rank)(struct device *device, struct matrix y, struct matrix x, const struct low_rank *adapter);
    void (*decode)(struct device *device,
                   const struct decode_step *step); // NULL: it is composed of the others

    // Training: all of them, or NULL on a device that cannot train.
    void (*linear_backward)(struct device *device, struct matrix dx, struct matrix dw, struct matrix dbias,
                            struct matrix dy, struct matrix x, const struct weight *w, unsigned flags);
    void (*rms_norm_backward)(struct device *device, struct matrix dx, struct matrix dweight,
                              struct matrix dy, struct matrix x, struct matrix weight, float eps);
    void (*attention_backward)(struct device *device, const struct attention_gradient *gradient);
    void (*swiglu_backward)(struct device *device, struct matrix dgate, struct matrix dup, struct matrix dy,
                            struct matrix gate, struct matrix up);
    void (*gelu_backward)(struct device *device, struct matrix dx, struct matrix dy, struct matrix x);
    void (*embed_backward)(struct device *device, struct matrix dtable, struct matrix dy, const int32_t *ids);
    void (*log_probs_backward)(struct device *device, struct matrix dx, struct matrix dw,
                               const struct log_prob_gradients *gradients, struct matrix x,
                               const struct weight *w, const int32_t *targets, float temperature);
    void (*low_rank_backward)(struct device *device, struct matrix dx, struct matrix da, struct matrix db,
                              struct matrix dy, struct matrix x, const struct low_rank *adapter);
    void (*adamw)(struct device *device, const struct adamw_factors *factors, struct matrix value,
                  struct matrix gradient, struct matrix m, struct matrix v);
    void (*square_sum)(struct device *device, struct matrix sum, struct matrix values);

    // What the machine can do (tensor/measure.h). Negative after device_fail.
    double (*read_bandwidth)(struct device *device);
    double (*matmul_seconds)(struct device *device, size_t m, size_t n, size_t k, enum dtype type,
                             int repeats);
};

#endif
