#include "train/recipe.h"

#include <cyaml/cyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/lora.h"
#include "model/model.h"
#include "train/adamw.h"
#include "train/schedule.h"

#define FLAG(key, value, help) \
    { key, SETTING_FLAG, value, 0, 0, NULL, help }
#define INTEGER(key, value, low, high, help) \
    { key, SETTING_INTEGER, value, low, high, NULL, help }
#define NUMBER(key, value, low, high, help) \
    { key, SETTING_NUMBER, value, low, high, NULL, help }
#define CHOICE(key, value, choices, help) \
    { key, SETTING_CHOICE, value, 0, 0, choices, help }
#define TEXT(key, value, help) \
    { key, SETTING_TEXT, value, 0, 0, NULL, help }
#define LIST(key, value, help) \
    { key, SETTING_LIST, value, 0, 0, NULL, help }

const struct setting recipe_settings[] = {
    TEXT("model.folder", NULL, "checkpoint to start from, a Hugging Face folder"),
    CHOICE("model.dtype", "auto", "auto, f32, bf16", "arithmetic"),
    INTEGER("model.min_pixels", "0", 0, 16777216, "smallest picture the model sees; 0: the checkpoint's own"),
    INTEGER("model.max_pixels", "0", 0, 16777216,
            "largest picture the model sees, at most the checkpoint's own; 0: that"),
    FLAG("model.train_text", "true", "train the language model"),
    FLAG("model.train_vision", "false", "train the vision tower"),
    FLAG("model.train_merger", "false", "train what joins the two"),
    FLAG("model.gradient_checkpointing", "true", "compute activations again instead of keeping them"),

    INTEGER("lora.rank", "0", 0, 4096,
            "rank of LoRA adapters; 0: train the weights themselves, or lora.folder's rank"),
    NUMBER("lora.alpha", "0", 0, 1e6, "adapters count alpha / rank; 0: 32, or lora.folder's"),
    NUMBER("lora.dropout", "-1", -1, 0.99, "of the adapters' input; -1: 0.05, or lora.folder's"),
    CHOICE("lora.rs", "auto", "auto, true, false",
           "adapters count alpha / sqrt(rank) instead; auto: false, or lora.folder's"),
    CHOICE("lora.dtype", "f32", "f32, bf16", "what adapters multiply in where the model computes in bf16"),
    TEXT("lora.folder", "\"\"",
         "adapter to go on from, a PEFT folder; rank, alpha, dropout and targets are its own"),
    TEXT("lora.targets", "\"\"",
         "regular expression over module names; empty: the linear layers of the language model"),

    LIST("data.train", NULL, "JSONL files and WebDataset tar shards"),
    LIST("data.eval", "[]", "the same for evaluation; empty: a share of the training rows is held out"),
    NUMBER("data.eval_share", "0.01", 0, 0.9, "that share; 0: no evaluation"),
    INTEGER("data.eval_rows", "0", 0, 1e9, "most rows of an evaluation; 0: all"),
    INTEGER("data.max_length", "2048", 8, 1048576, "tokens of a row, prompt and answer together"),
    CHOICE("data.too_long", "delete", "delete, truncate, error", "what to do with longer rows"),
    CHOICE("data.bad_rows", "skip", "skip, stop", "what to do with rows that cannot be used"),
    FLAG("data.shuffle", "true", "a new order in every epoch, from run.seed"),
    INTEGER("data.bucket_steps", "8", 0, 100000, "steps within which rows of like length meet; 0: off"),
    INTEGER("data.loaders", "2", 1, 256, "threads that read and resize pictures"),
    INTEGER("data.feature_cache_mb", "1024", 0, 1e7, "memory for features of a frozen vision tower"),

    INTEGER("batch.rows", "64", 1, 1e6, "rows of one optimiser step, over all ranks"),
    INTEGER("batch.micro_rows", "1", 1, 1e6, "rows of one forward and backward pass"),

    NUMBER("optimizer.learning_rate", "1e-5", 0, 10, "at its peak"),
    NUMBER("optimizer.beta1", "0.9", 0, 0.999999, "of the first moment"),
    NUMBER("optimizer.beta2", "0.95", 0, 0.999999999, "of the second moment"),
    NUMBER("optimizer.epsilon", "1e-8", 1e-30, 1, "beside the root of the second moment"),
    NUMBER("optimizer.weight_decay", "0.1", 0, 10, "decoupled"),
    CHOICE("optimizer.decay", "c", "all, a, b, c", "which tensors are decayed (docs/training.md)"),
    NUMBER("optimizer.max_grad_norm", "1.0", 0, 1e9, "clip gradients to this global norm; 0: no clipping"),

    CHOICE("schedule.kind", "cosine", "constant, linear, cosine", "learning rate after the warm-up"),
    NUMBER("schedule.warmup_ratio", "0.05", 0, 1, "share of all steps in which it rises from 0"),
    INTEGER("schedule.epochs", "2", 1, 1e6, "passes over the training rows"),
    INTEGER("schedule.max_steps", "0", 0, 1e9, "end earlier, after so many steps; 0: after the epochs"),

    INTEGER("save.every", "200", 0, 1e9, "steps between checkpoints; 0: only at the end"),
    INTEGER("save.keep_last", "5", 1, 1e6, "how many checkpoints stay"),
    FLAG("save.keep_best", "true", "and the one with the least loss in evaluation"),
    CHOICE("save.dtype", "auto", "auto, f32, bf16, f16",
           "of saved weights; auto: the checkpoint's own, and f32 for adapters"),
    CHOICE("save.adapter_names", "new", "new, old",
           "modules of saved adapters as transformers calls them since 4.52, or as before"),

    TEXT("run.folder", NULL, "where checkpoints and metrics go"),
    INTEGER("run.seed", "42", 0, 9e15, "of order, dropout and adapters"),
    INTEGER("run.threads", "0", 0, 1024, "of each rank; 0: all processors"),
    INTEGER("run.eval_every", "200", 0, 1e9, "steps between evaluations; 0: only at the end"),
    FLAG("run.tensorboard", "true", "write event files beside metrics.jsonl"),
    NUMBER("run.rank_timeout", "1800", 0, 1e7, "seconds to wait for other ranks; 0: for ever"),
    {0},
};

// ---- libcyaml fills the struct --------------------------------------------------------------------------

static const cyaml_strval_t dtypes[] = {
    {"auto", MODEL_TYPE_AUTO}, {"f32", MODEL_TYPE_F32}, {"bf16", MODEL_TYPE_BF16}};
static const cyaml_strval_t autos[] = {{"auto", RECIPE_AUTO}, {"false", RECIPE_FALSE}, {"true", RECIPE_TRUE}};
static const cyaml_strval_t lora_dtypes[] = {{"f32", RECIPE_DTYPE_F32}, {"bf16", RECIPE_DTYPE_BF16}};
static const cyaml_strval_t save_dtypes[] = {{"auto", RECIPE_DTYPE_AUTO},
                                             {"f32", RECIPE_DTYPE_F32},
                                             {"bf16", RECIPE_DTYPE_BF16},
                                             {"f16", RECIPE_DTYPE_F16}};
static const cyaml_strval_t adapter_names[] = {{"new", LORA_NAMES_NEW}, {"old", LORA_NAMES_OLD}};
static const cyaml_strval_t too_long[] = {{"delete", RECIPE_TOO_LONG_DELETE},
                                          {"truncate", RECIPE_TOO_LONG_TRUNCATE},
                                          {"error", RECIPE_TOO_LONG_ERROR}};
static const cyaml_strval_t bad_rows[] = {{"skip", RECIPE_BAD_ROWS_SKIP}, {"stop", RECIPE_BAD_ROWS_STOP}};
static const cyaml_strval_t decays[] = {
    {"all", ADAMW_DECAY_ALL}, {"a", ADAMW_DECAY_A}, {"b", ADAMW_DECAY_B}, {"c", ADAMW_DECAY_C}};
static const cyaml_strval_t kinds[] = {
    {"constant", SCHEDULE_CONSTANT}, {"linear", SCHEDULE_LINEAR}, {"cosine", SCHEDULE_COSINE}};

#define DEFAULT CYAML_FLAG_DEFAULT
#define ENUM(structure, member, strings) \
    CYAML_FIELD_ENUM(#member, CYAML_FLAG_STRICT, structure, member, strings, CYAML_ARRAY_LEN(strings))
#define STRING(structure, member) \
    CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER, structure, member, 0, SETTINGS_MAX_FILE)
#define UINT(structure, member) CYAML_FIELD_UINT(#member, DEFAULT, structure, member)
#define INT(structure, member) CYAML_FIELD_INT(#member, DEFAULT, structure, member)
#define FLOAT(structure, member) CYAML_FIELD_FLOAT(#member, DEFAULT, structure, member)
#define BOOL(structure, member) CYAML_FIELD_BOOL(#member, DEFAULT, structure, member)
#define SECTION(member) CYAML_FIELD_MAPPING(#member, DEFAULT, struct recipe, member, member##_fields)

static const cyaml_schema_value_t string_item = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, SETTINGS_MAX_FILE)};

static const cyaml_schema_field_t model_fields[] = {
    STRING(struct recipe_model, folder),
    ENUM(struct recipe_model, dtype, dtypes),
    UINT(struct recipe_model, min_pixels),
    UINT(struct recipe_model, max_pixels),
    BOOL(struct recipe_model, train_text),
    BOOL(struct recipe_model, train_vision),
    BOOL(struct recipe_model, train_merger),
    BOOL(struct recipe_model, gradient_checkpointing),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t lora_fields[] = {
    INT(struct recipe_lora, rank),
    FLOAT(struct recipe_lora, alpha),
    FLOAT(struct recipe_lora, dropout),
    ENUM(struct recipe_lora, rs, autos),
    ENUM(struct recipe_lora, dtype, lora_dtypes),
    STRING(struct recipe_lora, folder),
    STRING(struct recipe_lora, targets),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t data_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("train", CYAML_FLAG_POINTER, struct recipe_data, train.items, train.count,
                               &string_item, 0, 1000000),
    CYAML_FIELD_SEQUENCE_COUNT("eval", CYAML_FLAG_POINTER, struct recipe_data, eval.items, eval.count,
                               &string_item, 0, 1000000),
    FLOAT(struct recipe_data, eval_share),
    UINT(struct recipe_data, eval_rows),
    UINT(struct recipe_data, max_length),
    ENUM(struct recipe_data, too_long, too_long),
    ENUM(struct recipe_data, bad_rows, bad_rows),
    BOOL(struct recipe_data, shuffle),
    UINT(struct recipe_data, bucket_steps),
    INT(struct recipe_data, loaders),
    UINT(struct recipe_data, feature_cache_mb),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t batch_fields[] = {
    UINT(struct recipe_batch, rows),
    UINT(struct recipe_batch, micro_rows),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t optimizer_fields[] = {
    FLOAT(struct recipe_optimizer, learning_rate), FLOAT(struct recipe_optimizer, beta1),
    FLOAT(struct recipe_optimizer, beta2),         FLOAT(struct recipe_optimizer, epsilon),
    FLOAT(struct recipe_optimizer, weight_decay),  ENUM(struct recipe_optimizer, decay, decays),
    FLOAT(struct recipe_optimizer, max_grad_norm), CYAML_FIELD_END,
};
static const cyaml_schema_field_t schedule_fields[] = {
    ENUM(struct recipe_schedule, kind, kinds),
    FLOAT(struct recipe_schedule, warmup_ratio),
    UINT(struct recipe_schedule, epochs),
    UINT(struct recipe_schedule, max_steps),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t save_fields[] = {
    UINT(struct recipe_save, every),
    UINT(struct recipe_save, keep_last),
    BOOL(struct recipe_save, keep_best),
    ENUM(struct recipe_save, dtype, save_dtypes),
    ENUM(struct recipe_save, adapter_names, adapter_names),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t run_fields[] = {
    STRING(struct recipe_run, folder),
    UINT(struct recipe_run, seed),
    INT(struct recipe_run, threads),
    UINT(struct recipe_run, eval_every),
    BOOL(struct recipe_run, tensorboard),
    FLOAT(struct recipe_run, rank_timeout),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t recipe_fields[] = {
    SECTION(model),    SECTION(lora), SECTION(data), SECTION(batch),  SECTION(optimizer),
    SECTION(schedule), SECTION(save), SECTION(run),  CYAML_FIELD_END,
};
static const cyaml_schema_value_t recipe_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct recipe, recipe_fields)};

// The first thing that libcyaml has to say.
__attribute__((format(printf, 3, 0))) static void take_message(cyaml_log_t level, void *context,
                                                               const char *format, va_list args) {
    char *message = context;
    (void)level;
    if (!message[0]) vsnprintf(message, 200, format, args);
}

static cyaml_config_t configuration(char message[200]) {
    return (cyaml_config_t){
        .log_fn = take_message, .log_ctx = message, .mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};
}

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
    struct recipe *recipe = NULL;
    char message[200] = "";
    cyaml_config_t config = configuration(message);
    *text = NULL;
    if (settings_merge(&buffer, recipe_settings, path, overrides, override_count, error)) {
        buffer_free(&buffer);
        return NULL;
    }
    cyaml_err_t status = cyaml_load_data((const uint8_t *)buffer.data, buffer.length, &config, &recipe_schema,
                                         (cyaml_data_t **)&recipe, NULL);
    if (status != CYAML_OK) {
        message[strcspn(message, "\n")] = 0;
        error_set(error, ERROR_INPUT, "%s: %s: %s", path, cyaml_strerror(status), message);
        buffer_free(&buffer);
        return NULL;
    }
    if (check_together(recipe, path, error)) {
        recipe_free(recipe);
        buffer_free(&buffer);
        return NULL;
    }
    *text = buffer_take(&buffer);
    return recipe;
}

void recipe_free(struct recipe *recipe) {
    char message[200] = "";
    cyaml_config_t config = configuration(message);
    if (recipe) cyaml_free(&config, &recipe_schema, recipe, 0);
}
