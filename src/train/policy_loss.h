// The objectives of GRPO and its relatives on log-probs: the loss and its derivative for every token (grpo.md
// sections 4 and 9). Options carry TRL's names and meanings.
#ifndef GLOBE_TRAIN_POLICY_LOSS_H
#define GLOBE_TRAIN_POLICY_LOSS_H

#include <stdbool.h>
#include <stddef.h>

enum policy_loss_type {
    POLICY_LOSS_GRPO,    // mean over sequences of the mean over their tokens
    POLICY_LOSS_BNPO,    // mean over the tokens of the pass
    POLICY_LOSS_DR_GRPO, // sum over tokens / (sequences * max_completion_length)
    POLICY_LOSS_DAPO,    // mean over all tokens of the step
    POLICY_LOSS_CISPO,
    POLICY_LOSS_SAPO,
    POLICY_LOSS_VESPO,
    POLICY_LOSS_LUSPO // sum over tokens / sequences
};

enum sampler_correction { // TRL's vllm_importance_sampling_mode
    SAMPLER_CORRECTION_NONE,
    SAMPLER_TOKEN_TRUNCATE,
    SAMPLER_TOKEN_MASK,
    SAMPLER_SEQUENCE_TRUNCATE,
    SAMPLER_SEQUENCE_MASK
};

// Of the KL to the reference, with d = log-prob - reference: exp(-d) + d - 1, d, d^2 / 2.
enum kl_estimator { KL_K3, KL_K1, KL_K2 };

struct policy_loss_options {
    enum policy_loss_type loss_type;
    bool sequence_level; // importance_sampling_level: sequence (GSPO)
    double epsilon;      // clip below 1 - epsilon
    double epsilon_high; // clip above 1 + epsilon_high; cispo: the ratio's largest value
    double delta;        // two-sided clipping: largest ratio of the unclipped branch; 0: none
    double beta;         // weight of KL to the reference; 0: no reference is read
    enum kl_estimator kl;
    bool use_bias_correction_kl; // KL times the ratio
    double top_entropy_quantile; // 1: all tokens
    double entropy_cut;  // with a quantile below 1: tokens below this entropy count not (policy_entropy_cut)
    double entropy_coef; // weight of the entropy bonus
    double
        off_policy_threshold; // a sequence with a negative advantage that drifted further is left out; NaN:
                              // none is
    enum sampler_correction correction;
    double correction_max, correction_min; // vllm_importance_sampling_clip_max and _min (0: none)
    double sapo_temperature_pos, sapo_temperature_neg;
    double vespo_k_pos, vespo_lambda_pos, vespo_k_neg, vespo_lambda_neg;
    size_t max_completion_length;
    // What sums are divided by, over all passes and ranks of a step; 0: of this pass.
    double sequences, tokens;
};
extern const struct policy_loss_options policy_loss_defaults; // TRL's, with loss_type grpo

// Completions one after the other; tokens [sum of lengths] in the same order.
struct policy_batch {
    size_t count;
    const size_t *lengths;
    const bool *masked; // [count] or NULL: the whole sequence does not count (truncated)
    const double *advantages;
    const double *log_probs; // of the policy that is trained
    const double *old;       // of the policy that sampled, as the trainer computes it; NULL: log_probs itself
    const double *reference; // read where beta is not 0
    const double *sampler;   // of the sampler itself; read by the correction and the off-policy mask
    const double *entropies; // read by the entropy bonus and the quantile
};

// Means over the tokens that count, except where said otherwise.
struct policy_report {
    double loss, kl, entropy;
    double clip_low, clip_high; // shares: clipped with a negative, with a positive advantage
    double ratio_mean, ratio_max;
    double correction_mean;
    double left_out; // share of sequences that the off-policy mask left out
};

// d_log_probs, and d_entropies unless NULL, are written: derivatives of the loss. Of a batch without any token
// that counts all is 0.
void policy_loss(const struct policy_batch *batch, const struct policy_loss_options *options,
                 double *d_log_probs, double *d_entropies, struct policy_report *report);

// The entropy below which tokens are left out: the (1 - top_entropy_quantile) quantile with linear
// interpolation, of `count` entropies of all ranks, which are sorted. NaN of none.
double policy_entropy_cut(double *entropies, size_t count, double top_entropy_quantile);

#endif
