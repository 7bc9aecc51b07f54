#include "train/recipe.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/memory.h"
#include "model/lora.h"
#include "model/model.h"
#include "train/adamw.h"
#include "train/schedule.h"

// NOLINTBEGIN(bugprone-macro-parentheses): members, not expressions
#define SETTING(section, member, kind, value, low, high, choices, help, kept)                           \
    {                                                                                                   \
#section "." #member, kind, value, low, high, choices, help,                                    \
            offsetof(struct recipe, section.member), sizeof(((struct recipe *)0)->section.member), kept \
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
    INTEGER(run, eval_every, "200", 0, 1e9, "steps between evaluations; 0: only at the end"),
    FLAG(run, tensorboard, "true", "write event files beside metrics.jsonl"),
    NUMBER(run, rank_timeout, "1800", 0, 1e7, "seconds to wait for other ranks; 0: for ever"),
    {0},
};

// The enums count as the choices above do.
_Static_assert(MODEL_TYPE_AUTO == 0 && MODEL_TYPE_F32 == 1 && MODEL_TYPE_BF16 == 2, "model.dtype");
_Static_assert(LORA_NAMES_NEW == 0 && LORA_NAMES_OLD == 1, "save.adapter_names");
_Static_assert(ADAMW_DECAY_ALL == 0 && ADAMW_DECAY_A == 1 && ADAMW_DECAY_B == 2 && ADAMW_DECAY_C == 3,
               "optimizer.decay");
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

struct recipe *recipe_read(const char *path, const char *const *overrides, size_t override_count, char **text,
                           struct error *error) {
    struct buffer buffer = {0};
    struct recipe *recipe = memory_new(1, sizeof *recipe, "recipe", error);
    *text = NULL;
    if (recipe &&
        settings_read(recipe, &buffer, recipe_settings, path, overrides, override_count, error) == 0 &&
        check_together(recipe, path, error) == 0) {
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
