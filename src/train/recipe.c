#include "train/recipe.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/memory.h"
#include "model/lora.h"
#include "model/model.h"
#include "train/adamw.h"
#include "train/advantage.h"
#include "train/policy_loss.h"
#include "train/reward_pass.h"
#include "train/reward_rows.h"
#include "train/schedule.h"

// NOLINTBEGIN(bugprone-macro-parentheses): members, not expressions
#define SETTING(section, member, kind, value, low, high, choices, help, kept)                              \
    {                                                                                                      \
#section "." #member, kind, value, low, high, choices, help,                                       \
            offsetof(struct recipe, section.member), sizeof(((struct recipe *)0)->section.member), kept, 0 \
    }
#define USED(uses, section, member, kind, value, low, high, choices, help, kept)                         \
    {                                                                                                    \
#section "." #member, kind, value, low, high, choices, help,                                     \
            offsetof(struct recipe, section.member), sizeof(((struct recipe *)0)->section.member), kept, \
            uses                                                                                         \
    }
// NOLINTEND(bugprone-macro-parentheses)
#define FLAG(section, member, value, help) \
    SETTING(section, member, SETTING_FLAG, value, 0, 0, NULL, help, false)
#define INTEGER(section, member, value, low, high, help) \
    SETTING(section, member, SETTING_INTEGER, value, low, high, NULL, help, false)
#define NUMBER(section, member, value, low, high, help) \
    SETTING(section, member, SETTING_NUMBER, value, low, high, NULL, help, false)
#define CHOICE(section, member, value, choices, help) \
    SETTING(section, member, SETTING_CHOICE, value, 0, 0, choices, help, false)
#define TEXT(section, member, value, help) \
    SETTING(section, member, SETTING_TEXT, value, 0, 0, NULL, help, false)
#define LIST(section, member, value, help) \
    SETTING(section, member, SETTING_LIST, value, 0, 0, NULL, help, false)
// What decides which rows are trained, and in which order.
#define KEPT_FLAG(section, member, value, help) \
    SETTING(section, member, SETTING_FLAG, value, 0, 0, NULL, help, true)
#define KEPT_INTEGER(section, member, value, low, high, help) \
    SETTING(section, member, SETTING_INTEGER, value, low, high, NULL, help, true)
#define KEPT_CHOICE(section, member, value, choices, help) \
    SETTING(section, member, SETTING_CHOICE, value, 0, 0, choices, help, true)
#define KEPT_LIST(section, member, value, help) \
    SETTING(section, member, SETTING_LIST, value, 0, 0, NULL, help, true)
// Keys of GRPO.
#define GRPO_FLAG(member, value, help) \
    USED(RECIPE_GRPO, grpo, member, SETTING_FLAG, value, 0, 0, NULL, help, false)
#define GRPO_INTEGER(member, value, low, high, help) \
    USED(RECIPE_GRPO, grpo, member, SETTING_INTEGER, value, low, high, NULL, help, false)
#define GRPO_KEPT(member, value, low, high, help) \
    USED(RECIPE_GRPO, grpo, member, SETTING_INTEGER, value, low, high, NULL, help, true)
#define GRPO_NUMBER(member, value, low, high, help) \
    USED(RECIPE_GRPO, grpo, member, SETTING_NUMBER, value, low, high, NULL, help, false)
#define GRPO_CHOICE(member, value, choices, help) \
    USED(RECIPE_GRPO, grpo, member, SETTING_CHOICE, value, 0, 0, choices, help, false)

const struct setting recipe_settings[] = {
    TEXT(model, folder, NULL, "checkpoint to start from, a Hugging Face folder"),
    CHOICE(model, dtype, "auto", "auto, f32, bf16", "arithmetic"),
    INTEGER(model, min_pixels, "0", 0, 16777216, "smallest picture the model sees; 0: the checkpoint's own"),
    INTEGER(model, max_pixels, "0", 0, 16777216,
            "largest picture the model sees, at most the checkpoint's own; 0: that"),
    FLAG(model, train_text, "true", "train the language model"),
    FLAG(model, train_vision, "false", "train the vision tower"),
    FLAG(model, train_merger, "false", "train what joins the two"),
    FLAG(model, gradient_checkpointing, "true", "compute activations again instead of keeping them"),

    INTEGER(lora, rank, "0", 0, 4096,
            "rank of LoRA adapters; 0: train the weights themselves, or lora.folder's rank"),
    NUMBER(lora, alpha, "0", 0, 1e6, "adapters count alpha / rank; 0: 32, or lora.folder's"),
    NUMBER(lora, dropout, "-1", -1, 0.99, "of the adapters' input; -1: 0.05, or lora.folder's"),
    CHOICE(lora, rs, "auto", "auto, true, false",
           "adapters count alpha / sqrt(rank) instead; auto: false, or lora.folder's"),
    CHOICE(lora, dtype, "f32", "f32, bf16", "what adapters multiply in where the model computes in bf16"),
    TEXT(lora, folder, "\"\"",
         "adapter to go on from, a PEFT folder; rank, alpha, dropout and targets are its own"),
    TEXT(lora, targets, "\"\"",
         "regular expression over module names; empty: the linear layers of the language model"),

    LIST(data, train, NULL, "JSONL files and WebDataset tar shards"),
    KEPT_LIST(data, eval, "[]", "the same for evaluation; empty: a share of the training rows is held out"),
    NUMBER(data, eval_share, "0.01", 0, 0.9, "that share; 0: no evaluation"),
    INTEGER(data, eval_rows, "0", 0, 1e9, "most rows of an evaluation; 0: all"),
    KEPT_INTEGER(data, max_length, "2048", 8, 1048576, "tokens of a row, prompt and answer together"),
    KEPT_CHOICE(data, too_long, "delete", "delete, truncate, error", "what to do with longer rows"),
    CHOICE(data, bad_rows, "skip", "skip, stop", "what to do with rows that cannot be used"),
    KEPT_FLAG(data, shuffle, "true", "a new order in every epoch, from run.seed"),
    KEPT_INTEGER(data, bucket_steps, "8", 0, 100000, "steps within which rows of like length meet; 0: off"),
    INTEGER(data, loaders, "2", 1, 256, "threads that read and resize pictures"),
    INTEGER(data, feature_cache_mb, "1024", 0, 1e7, "memory for features of a frozen vision tower"),

    KEPT_INTEGER(batch, rows, "64", 1, 1e6, "rows of one optimiser step, over all ranks"),
    INTEGER(batch, micro_rows, "1", 1, 1e6, "rows of one forward and backward pass"),

    NUMBER(optimizer, learning_rate, "1e-5", 0, 10, "at its peak"),
    NUMBER(optimizer, beta1, "0.9", 0, 0.999999, "of the first moment"),
    NUMBER(optimizer, beta2, "0.95", 0, 0.999999999, "of the second moment"),
    NUMBER(optimizer, epsilon, "1e-8", 1e-30, 1, "beside the root of the second moment"),
    NUMBER(optimizer, weight_decay, "0.1", 0, 10, "decoupled"),
    CHOICE(optimizer, decay, "c", "all, a, b, c", "which tensors are decayed (docs/training.md)"),
    NUMBER(optimizer, max_grad_norm, "1.0", 0, 1e9, "clip gradients to this global norm; 0: no clipping"),

    CHOICE(schedule, kind, "cosine", "constant, linear, cosine", "learning rate after the warm-up"),
    NUMBER(schedule, warmup_ratio, "0.05", 0, 1, "share of all steps in which it rises from 0"),
    INTEGER(schedule, epochs, "2", 1, 1e6, "passes over the training rows"),
    INTEGER(schedule, max_steps, "0", 0, 1e9, "end earlier, after so many steps; 0: after the epochs"),

    INTEGER(save, every, "200", 0, 1e9, "steps between checkpoints; 0: only at the end"),
    INTEGER(save, keep_last, "5", 1, 1e6, "how many checkpoints stay"),
    FLAG(save, keep_best, "true", "and the one with the least loss in evaluation"),
    CHOICE(save, dtype, "auto", "auto, f32, bf16, f16",
           "of saved weights; auto: the checkpoint's own, and f32 for adapters"),
    CHOICE(save, adapter_names, "new", "new, old",
           "modules of saved adapters as transformers calls them since 4.52, or as before"),

    TEXT(run, folder, NULL, "where checkpoints and metrics go"),
    KEPT_INTEGER(run, seed, "42", 0, 9e15, "of order, dropout and adapters"),
    INTEGER(run, threads, "0", 0, 1024, "of each rank; 0: all processors"),
    KEPT_FLAG(run, exact, "false", "sampling, scoring and training find the same log-probs, to the bit"),
    INTEGER(run, eval_every, "200", 0, 1e9, "steps between evaluations; 0: only at the end"),
    FLAG(run, tensorboard, "true", "write event files beside metrics.jsonl"),
    NUMBER(run, rank_timeout, "1800", 0, 1e7, "seconds to wait for other ranks; 0: for ever"),

    GRPO_KEPT(num_generations, "8", 1, 4096, "completions of a prompt: a group"),
    GRPO_INTEGER(num_generations_eval, "0", 0, 4096, "the same in evaluation; 0: as many"),
    GRPO_INTEGER(max_completion_length, "512", 1, 1048576,
                 "tokens of a completion, the stop token among them"),
    GRPO_NUMBER(temperature, "1.0", 1e-5, 100, "of sampling, and of all log-probs"),
    GRPO_INTEGER(top_k, "0", 0, 1e7, "sample among so many tokens; 0: all"),
    GRPO_NUMBER(top_p, "1.0", 1e-9, 1, "sample among the likeliest tokens with this share together"),
    GRPO_NUMBER(min_p, "0", 0, 1, "sample among tokens with this share of the likeliest one's"),
    GRPO_NUMBER(repetition_penalty, "1.0", 1e-6, 100, "of tokens that were there before; 1: none"),
    GRPO_CHOICE(
        behaviour, "full", "full, honest",
        "policy that sampled: over the whole vocabulary, or as top_k, top_p, min_p and penalties left it"),
    GRPO_FLAG(swift_compat, "false", "append the stop token to completions that were cut, as ms-swift does"),
    GRPO_KEPT(num_iterations, "1", 1, 1000, "how often a rollout is trained on"),
    GRPO_KEPT(steps_per_generation, "1", 1, 1000, "steps whose prompts are rolled out together"),
    GRPO_CHOICE(loss_type, "grpo", "grpo, bnpo, dr_grpo, dapo, cispo, sapo, vespo, luspo", "objective"),
    GRPO_CHOICE(importance_sampling_level, "token", "token, sequence", "of ratios; sequence: GSPO"),
    GRPO_NUMBER(epsilon, "0.2", 0, 1e6, "ratios are clipped below 1 - epsilon"),
    GRPO_NUMBER(epsilon_high, "-1", -1, 1e6,
                "and above 1 + epsilon_high; cispo: the largest ratio; -1: epsilon"),
    GRPO_NUMBER(delta, "0", 0, 1e6,
                "largest ratio where nothing else clips it (two-sided clipping); 0: none"),
    GRPO_NUMBER(beta, "0", 0, 1e6, "weight of the KL to the reference; 0: none is computed"),
    GRPO_CHOICE(kl_estimator, "k3", "k3, k1, k2", "of that KL"),
    GRPO_FLAG(kl_in_reward, "false", "take it off the rewards (k1) instead of adding it to the loss"),
    GRPO_FLAG(use_bias_correction_kl, "false", "KL times the ratio"),
    GRPO_CHOICE(scale_rewards, "group", "group, batch, none", "whose spread advantages are divided by"),
    GRPO_CHOICE(multi_objective_aggregation, "sum_then_normalize", "sum_then_normalize, normalize_then_sum",
                "of several rewards; normalize_then_sum: GDPO"),
    GRPO_FLAG(mask_truncated_completions, "false", "completions that were cut do not count in the loss"),
    GRPO_FLAG(dynamic_sample, "false", "other prompts take the place of groups without spread (DAPO)"),
    GRPO_INTEGER(max_resample_times, "3", 1, 100, "how often that is tried"),
    GRPO_NUMBER(top_entropy_quantile, "1.0", 0.001, 1,
                "share of the tokens of a pass, the most uncertain ones, that count"),
    GRPO_NUMBER(entropy_coef, "0", 0, 1e6, "weight of a bonus for entropy"),
    GRPO_NUMBER(off_policy_mask_threshold, "-1", -1, 1e6,
                "leave out completions with a negative advantage that drifted further; -1: none"),
    GRPO_CHOICE(sampler_correction, "none",
                "none, token_truncate, token_mask, sequence_truncate, sequence_mask",
                "for what sampler and trainer compute differently (TRL's vllm_importance_sampling_mode)"),
    GRPO_NUMBER(correction_clip_max, "3.0", 0, 1e6, "its largest ratio"),
    GRPO_NUMBER(correction_clip_min, "0", 0, 1e6, "its smallest; 0: none"),
    GRPO_NUMBER(sapo_temperature_pos, "1.0", 1e-6, 1e6, "sapo: of positive advantages"),
    GRPO_NUMBER(sapo_temperature_neg, "1.05", 1e-6, 1e6, "sapo: of negative advantages"),
    GRPO_NUMBER(vespo_k_pos, "2.0", 0, 1e6, "vespo: k of positive advantages"),
    GRPO_NUMBER(vespo_lambda_pos, "3.0", 0, 1e6, "vespo: lambda of positive advantages"),
    GRPO_NUMBER(vespo_k_neg, "3.0", 0, 1e6, "vespo: k of negative advantages"),
    GRPO_NUMBER(vespo_lambda_neg, "2.0", 0, 1e6, "vespo: lambda of negative advantages"),
    GRPO_INTEGER(rollout_prompts, "16", 0, 1e6,
                 "prompts that are rolled out side by side; 0: all of a rollout"),
    GRPO_INTEGER(log_completions, "10", 0, 1e9,
                 "steps between entries of completions.jsonl; 0: none are written"),
    GRPO_INTEGER(log_prompts, "4", 1, 1e6, "prompts of an entry, with all their completions"),

    USED(RECIPE_GRPO, reward, functions, SETTING_LIST, NULL, 0, 0, NULL,
         "rewards, as KIND[:KEY=VALUE,...] (docs/rewards.md)", false),
    USED(RECIPE_GRPO, reward, weights, SETTING_LIST, "[]", 0, 0, NULL,
         "one weight for each; empty: those in the texts, or 1", false),
    USED(RECIPE_GRPO, reward, failure, SETTING_CHOICE, "stop", 0, 0, "stop, mask",
         "when a reward fails: end the run, or leave the completions out", false),
    USED(RECIPE_GRPO, reward, gazetteer, SETTING_TEXT, "\"\"", 0, 0, NULL,
         "gazetteer of rewards that resolve names; empty: the program's own", false),
    USED(RECIPE_GRPO, reward, locatability, SETTING_TEXT, "\"\"", 0, 0, NULL,
         "reward model of locatability, where a reward asks for it: an adapter's folder, or a server's URL",
         false),
    USED(RECIPE_GRPO, reward, locatability_model, SETTING_TEXT, "\"\"", 0, 0, NULL,
         "the server's name for it", false),

    USED(RECIPE_REWARD, judge, swapped, SETTING_NUMBER, "0", 0, 1, NULL,
         "share of the rows that get another row's completion, so that the words alone do not tell", true),
    USED(RECIPE_REWARD, judge, swapped_as, SETTING_CHOICE, "no", 0, 0, "no, picture",
         "what is right then: no, for it does not place this picture; or what is true of the picture", true),
    USED(RECIPE_REWARD, judge, learn, SETTING_CHOICE, "answer", 0, 0, "answer, score",
         "the tokens of yes and no and the end of the turn, or what the score is read from alone", true),
    {0},
};

// The enums count as the choices above do.
_Static_assert(REWARD_LEARN_ANSWER == 0 && REWARD_LEARN_SCORE == 1, "judge.learn");
_Static_assert(REWARD_SWAPPED_NO == 0 && REWARD_SWAPPED_PICTURE == 1, "judge.swapped_as");
_Static_assert(MODEL_TYPE_AUTO == 0 && MODEL_TYPE_F32 == 1 && MODEL_TYPE_BF16 == 2, "model.dtype");
_Static_assert(LORA_NAMES_NEW == 0 && LORA_NAMES_OLD == 1, "save.adapter_names");
_Static_assert(ADAMW_DECAY_ALL == 0 && ADAMW_DECAY_A == 1 && ADAMW_DECAY_B == 2 && ADAMW_DECAY_C == 3,
               "optimizer.decay");
_Static_assert(ADVANTAGE_SCALE_GROUP == 0 && ADVANTAGE_SCALE_BATCH == 1 && ADVANTAGE_SCALE_NONE == 2 &&
                   ADVANTAGE_SUM_THEN_NORMALIZE == 0 && ADVANTAGE_NORMALIZE_THEN_SUM == 1,
               "grpo.scale_rewards, grpo.multi_objective_aggregation");
_Static_assert(POLICY_LOSS_GRPO == 0 && POLICY_LOSS_BNPO == 1 && POLICY_LOSS_DR_GRPO == 2 &&
                   POLICY_LOSS_DAPO == 3 && POLICY_LOSS_CISPO == 4 && POLICY_LOSS_SAPO == 5 &&
                   POLICY_LOSS_VESPO == 6 && POLICY_LOSS_LUSPO == 7,
               "grpo.loss_type");
_Static_assert(SAMPLER_CORRECTION_NONE == 0 && SAMPLER_TOKEN_TRUNCATE == 1 && SAMPLER_TOKEN_MASK == 2 &&
                   SAMPLER_SEQUENCE_TRUNCATE == 3 && SAMPLER_SEQUENCE_MASK == 4,
               "grpo.sampler_correction");
_Static_assert(KL_K1 == 1 && KL_K2 == 2 && KL_K3 == 0, "grpo.kl_estimator");
_Static_assert(SCHEDULE_CONSTANT == 0 && SCHEDULE_LINEAR == 1 && SCHEDULE_COSINE == 2, "schedule.kind");

static int check_together(const struct recipe *recipe, const char *path, struct error *error) {
    const struct recipe_model *model = &recipe->model;
    bool lora = recipe->lora.rank > 0 || recipe->lora.folder[0];
    if (!lora && !model->train_text && !model->train_vision && !model->train_merger)
        return error_set(error, ERROR_INPUT, "%s: nothing to train: model.train_* are all false", path);
    if (recipe->lora.folder[0] && recipe->lora.targets[0])
        return error_set(error, ERROR_INPUT,
                         "%s: lora.targets is given, but the adapter of lora.folder has targets of its own",
                         path);
    if (model->max_pixels && model->min_pixels > model->max_pixels)
        return error_set(error, ERROR_INPUT, "%s: model.min_pixels is more than model.max_pixels", path);
    if (recipe->data.train.count == 0)
        return error_set(error, ERROR_INPUT, "%s: data.train names no file", path);
    if (!recipe->model.folder[0] || !recipe->run.folder[0])
        return error_set(error, ERROR_INPUT, "%s: %s.folder is empty", path,
                         recipe->run.folder[0] ? "model" : "run");
    if (recipe->batch.micro_rows > recipe->batch.rows)
        return error_set(error, ERROR_INPUT, "%s: batch.micro_rows is more than batch.rows", path);
    return 0;
}

// What would run for hours and mean nothing.
static int check_grpo(const struct recipe *recipe, const char *path, struct error *error) {
    const struct recipe_grpo *g = &recipe->grpo;
    bool truncates = g->top_k > 0 || g->top_p < 1 || g->min_p > 0 || g->repetition_penalty != 1; // NOLINT
    const struct {
        bool wrong;
        const char *why;
    } rules[] = {
        {g->num_generations < 2,
         "grpo.num_generations is 1: an advantage is what a completion is better than the "
         "others of its prompt, so there must be two at least"},
        {recipe->reward.functions.count == 0,
         "reward.functions names no reward: there is nothing to learn from"},
        {recipe->reward.weights.count && recipe->reward.weights.count != recipe->reward.functions.count,
         "reward.weights must have one number for each of reward.functions, or none at all"},
        {recipe->data.too_long == RECIPE_TOO_LONG_TRUNCATE,
         "data.too_long: truncate cuts answers, and rollouts have none: delete or error"},
        {g->beta == 0 && g->kl_in_reward, "grpo.kl_in_reward needs a grpo.beta above 0"},
        {g->beta == 0 && g->use_bias_correction_kl, "grpo.use_bias_correction_kl needs a grpo.beta above 0"},
        {g->kl_in_reward && g->kl_estimator != KL_K1,
         "grpo.kl_in_reward takes the plain log-ratio: grpo.kl_estimator must be k1"},
        {g->kl_in_reward && g->use_bias_correction_kl,
         "grpo.use_bias_correction_kl is for the KL in the loss, but grpo.kl_in_reward takes it off the "
         "rewards"},
        {g->correction_clip_min > g->correction_clip_max,
         "grpo.correction_clip_min is more than grpo.correction_clip_max"},
        {g->delta > 0 && g->epsilon_high >= 0 && g->delta < 1 + g->epsilon_high,
         "grpo.delta must be more than 1 + grpo.epsilon_high: it bounds what that leaves unclipped"},
        {g->delta > 0 && g->loss_type >= POLICY_LOSS_CISPO && g->loss_type != POLICY_LOSS_LUSPO,
         "grpo.delta is for losses that clip ratios: not cispo, sapo or vespo"},
        {g->loss_type == POLICY_LOSS_VESPO && g->importance_sampling_level,
         "grpo.loss_type vespo weighs sequences by itself: grpo.importance_sampling_level must be token"},
        {g->scale_rewards != ADVANTAGE_SCALE_GROUP &&
             g->multi_objective_aggregation == ADVANTAGE_NORMALIZE_THEN_SUM,
         "grpo.multi_objective_aggregation: normalize_then_sum scales by itself: grpo.scale_rewards must be "
         "group"},
        {g->swift_compat && g->mask_truncated_completions,
         "grpo.swift_compat trains on an invented stop token of completions that "
         "grpo.mask_truncated_completions leaves out: choose one"},
        {g->behaviour == RECIPE_BEHAVIOUR_HONEST && !truncates,
         "grpo.behaviour: honest says that top_k, top_p, min_p or repetition_penalty shape the sampler, but "
         "none is "
         "set"},
        {recipe->run.exact && (recipe->lora.rank > 0 || recipe->lora.folder[0]) && recipe->lora.dropout != 0,
         "run.exact needs lora.dropout: 0: what dropout leaves out in training was there in sampling"},
        {recipe->data.max_length <= g->max_completion_length,
         "grpo.max_completion_length leaves no token of data.max_length for the prompt"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].wrong) return error_set(error, ERROR_INPUT, "%s: %s", path, rules[i].why);
    return 0;
}

struct recipe *recipe_read(enum recipe_use use, const char *path, const char *const *overrides,
                           size_t override_count, char **text, struct error *error) {
    const struct settings_reader reader = {use, use == RECIPE_GRPO     ? "globe train grpo"
                                                : use == RECIPE_REWARD ? "globe train reward"
                                                                       : "globe train sft"};
    struct buffer buffer = {0};
    struct recipe *recipe = memory_new(1, sizeof *recipe, "recipe", error);
    *text = NULL;
    if (recipe) recipe->use = use;
    if (recipe &&
        settings_read(recipe, &buffer, recipe_settings, &reader, path, overrides, override_count, error) ==
            0 &&
        check_together(recipe, path, error) == 0 &&
        (use != RECIPE_GRPO || check_grpo(recipe, path, error) == 0)) {
        *text = buffer_take(&buffer);
        return recipe;
    }
    recipe_free(recipe);
    buffer_free(&buffer);
    return NULL;
}

void recipe_free(struct recipe *recipe) {
    if (recipe) settings_free(recipe, recipe_settings);
    free(recipe);
}
