// AdamW with decoupled weight decay, on a device (grpo.md section 7):
//   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
//   value = value (1 - rate decay) - rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
// All in F32. Results do not depend on the number of threads.
#ifndef GLOBE_TRAIN_ADAMW_H
#define GLOBE_TRAIN_ADAMW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tensor/device.h"

// Which tensors the weight decay leaves alone: three historical rules of the reference trainer, and none.
enum adamw_decay {
    ADAMW_DECAY_ALL, // every tensor is decayed
    ADAMW_DECAY_A,   // not those with "bias" in the name
    ADAMW_DECAY_B,   // nor those with "layernorm" or "rmsnorm"
    ADAMW_DECAY_C    // nor those with a path component "norm" or "..._norm"
};
bool adamw_decays(enum adamw_decay rule, const char *name);

struct adamw {
    double beta1, beta2, epsilon;
    double weight_decay;
};

struct adamw_step {
    double rate;     // learning rate of this step
    double scale;    // gradients are multiplied by it first (token mean, clipping)
    uint64_t number; // t, from 1
    bool decay;      // false: weight_decay is taken as 0
};

// What device_adamw wants to know for one step of values with their gradients and moments.
struct adamw_factors adamw_factors(const struct adamw *adamw, const struct adamw_step *step);

// What to multiply gradients of this global norm by: min(1, limit / (norm + 1e-6)); limit 0 does not clip.
double adamw_clip(double norm, double limit);

#endif
