// What a training run is: all that `globe train` reads from its YAML file. recipe.c declares every key once: name,
// kind, default, range, help, and whether a resumed run must keep it; docs/recipes.md explains them.
#ifndef GLOBE_TRAIN_RECIPE_H
#define GLOBE_TRAIN_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "train/settings.h"

enum recipe_too_long { RECIPE_TOO_LONG_DELETE, RECIPE_TOO_LONG_TRUNCATE, RECIPE_TOO_LONG_ERROR };
enum recipe_bad_rows { RECIPE_BAD_ROWS_SKIP, RECIPE_BAD_ROWS_STOP };

// Choices are numbered as recipe.c lists them.
enum recipe_dtype { RECIPE_DTYPE_AUTO, RECIPE_DTYPE_F32, RECIPE_DTYPE_BF16, RECIPE_DTYPE_F16 };
enum recipe_lora_dtype { RECIPE_LORA_F32, RECIPE_LORA_BF16 };

struct recipe_model {
    char *folder;
    int dtype; // enum model_type
    uint64_t min_pixels, max_pixels;
    bool train_text, train_vision, train_merger, gradient_checkpointing;
};

// Which objective a recipe is read for: keys of the others are refused.
enum recipe_use { RECIPE_SFT = 1, RECIPE_REWARD = 2, RECIPE_GRPO = 4 };

enum recipe_auto { RECIPE_AUTO, RECIPE_TRUE, RECIPE_FALSE };

struct recipe_lora {
    int rank;       // 0: no LoRA, or the folder's
    double alpha;   // 0: 32, or the folder's
    double dropout; // below 0: 0.05, or the folder's
    int rs;         // enum recipe_auto: false, or the folder's
    int dtype;      // enum recipe_lora_dtype: what adapters multiply in where the model does so in BF16
    char *folder;   // "": a new adapter
    char *targets;  // "": the linear layers of the language model
};

struct recipe_data {
    struct setting_list train, eval;
    double eval_share;
    uint64_t eval_rows;
    uint64_t max_length;
    int too_long, bad_rows; // the enums above
    bool shuffle;
    uint64_t bucket_steps;
    int loaders;
    uint64_t feature_cache_mb;
};

struct recipe_batch {
    uint64_t rows, micro_rows;
};

struct recipe_optimizer {
    double learning_rate, beta1, beta2, epsilon, weight_decay;
    int decay; // enum adamw_decay
    double max_grad_norm;
};

struct recipe_schedule {
    int kind; // enum schedule_kind
    double warmup_ratio;
    uint64_t epochs, max_steps;
};

struct recipe_save {
    uint64_t every, keep_last;
    bool keep_best;
    int dtype;         // enum recipe_dtype
    int adapter_names; // enum lora_names
};

// Rollouts and their objective, under TRL's names (docs/training.md).
enum recipe_behaviour { RECIPE_BEHAVIOUR_FULL, RECIPE_BEHAVIOUR_HONEST };

struct recipe_grpo {
    int num_generations, num_generations_eval;
    uint64_t max_completion_length;
    double temperature;
    int top_k;
    double top_p, min_p, repetition_penalty;
    int behaviour; // enum recipe_behaviour
    bool swift_compat;
    int num_iterations, steps_per_generation;
    int loss_type;                 // enum policy_loss_type
    int importance_sampling_level; // 1: sequence
    double epsilon, epsilon_high;  // epsilon_high -1: epsilon
    double delta;                  // 0: none
    double beta;
    int kl_estimator; // enum kl_estimator
    bool kl_in_reward, use_bias_correction_kl;
    int scale_rewards, multi_objective_aggregation; // enum advantage_scale, advantage_aggregation
    bool mask_truncated_completions, dynamic_sample;
    int max_resample_times;
    double top_entropy_quantile, entropy_coef;
    double off_policy_mask_threshold;                // -1: none
    int sampler_correction;                          // enum sampler_correction
    double correction_clip_max, correction_clip_min; // 0: none
    double sapo_temperature_pos, sapo_temperature_neg;
    double vespo_k_pos, vespo_lambda_pos, vespo_k_neg, vespo_lambda_neg;
    uint64_t rollout_prompts;
    uint64_t log_completions, log_prompts;
};

struct recipe_reward {
    struct setting_list functions, weights;
    int failure; // 1: mask
    char *gazetteer;
    char *locatability;       // folder, or a server's address
    char *locatability_model; // its name there
};

// How rows become those of a reward model (train/reward_rows.h).
struct recipe_judge {
    double swapped;
    int swapped_as; // enum reward_swapped_as
    int learn;      // enum reward_learn
};

struct recipe_run {
    char *folder;
    uint64_t seed;
    int threads;
    bool exact;
    uint64_t eval_every;
    bool tensorboard;
    double rank_timeout;
};

struct recipe {
    enum recipe_use use;
    struct recipe_model model;
    struct recipe_lora lora;
    struct recipe_data data;
    struct recipe_batch batch;
    struct recipe_optimizer optimizer;
    struct recipe_schedule schedule;
    struct recipe_save save;
    struct recipe_run run;
    struct recipe_grpo grpo;
    struct recipe_reward reward;
    struct recipe_judge judge;
};

extern const struct setting recipe_settings[]; // ended by a NULL key

// *text receives the complete recipe as YAML (free() it). ERROR_INPUT or ERROR_USAGE as settings_read.
struct recipe *recipe_read(enum recipe_use use, const char *path, const char *const *overrides,
                           size_t override_count, char **text, struct error *error);
void recipe_free(struct recipe *recipe);

#endif
