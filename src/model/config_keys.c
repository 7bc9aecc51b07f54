#include "model/config_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "model/family.h"

enum { MAX_FILE = 16 << 20 };

// Of any model, read by config.c or without a say in what a forward pass computes; families add what they read.
static const char *const common_keys[] = {
    "model_type", "torch_dtype", "dtype", "text_config", "vision_config", "quantization_config",
    "_name_or_path",
    // for training, for other tasks, for other programs
    "architectures", "transformers_version", "initializer_range", "attention_dropout", "use_cache",
    "pad_token_id", "_attn_implementation", "_attn_implementation_autoset", "attn_implementation",
    "output_attentions", "output_hidden_states", "return_dict", "id2label", "label2id", "num_labels",
    "problem_type", "task_specific_params", "finetuning_task", "tokenizer_class", "torchscript",
    "use_bfloat16", "pruned_heads", "chunk_size_feed_forward", "is_encoder_decoder", "sep_token_id",
    "decoder_start_token_id", "prefix", "tf_legacy_loss", "is_decoder", "unsloth_fixed", "unsloth_version",
    "hidden_dropout",
    // generation settings that old versions wrote here, at values that do nothing unless changed
    "max_length", "min_length", "num_beams", "num_beam_groups", "num_return_sequences", "temperature",
    "top_k", "top_p", "typical_p", "length_penalty", "diversity_penalty", "repetition_penalty",
    "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", NULL};

static const char *const common_vision_keys[] = {"model_type",
                                                 "torch_dtype",
                                                 "dtype",
                                                 "initializer_range",
                                                 "_attn_implementation_autoset",
                                                 "_attn_implementation",
                                                 "transformers_version",
                                                 "use_cache",
                                                 "return_dict",
                                                 "chunk_size_feed_forward",
                                                 "id2label",
                                                 "label2id",
                                                 "num_labels",
                                                 "max_length",
                                                 "num_beams",
                                                 "num_beam_groups",
                                                 "num_return_sequences",
                                                 "temperature",
                                                 "top_k",
                                                 "top_p",
                                                 "typical_p",
                                                 "length_penalty",
                                                 "repetition_penalty",
                                                 NULL};

// Ids and sampling, for which there are options; the rest bounds or describes the output.
static const char *const generation_keys[] = {"eos_token_id",
                                              "bos_token_id",
                                              "pad_token_id",
                                              "do_sample",
                                              "temperature",
                                              "top_p",
                                              "top_k",
                                              "min_p",
                                              "repetition_penalty",
                                              "max_new_tokens",
                                              "max_length",
                                              "transformers_version",
                                              "_from_model_config",
                                              "use_cache",
                                              "num_return_sequences",
                                              "output_scores",
                                              "output_logits",
                                              "output_attentions",
                                              "output_hidden_states",
                                              "return_dict_in_generate",
                                              "cache_implementation",
                                              "cache_config",
                                              "attn_implementation",
                                              "chat_format",
                                              "max_window_size",
                                              "user_model_name",
                                              "prefill_chunk_size",
                                              "disable_compile",
                                              "num_assistant_tokens",
                                              "num_assistant_tokens_schedule",
                                              "assistant_confidence_threshold",
                                              "assistant_lookbehind",
                                              "target_lookbehind",
                                              "assistant_early_exit",
                                              NULL};

// Those whose usual value does nothing.
static const struct {
    const char *key;
    double nothing;
} generation_defaults_of[] = {
    {"num_beams", 1},
    {"num_beam_groups", 1},
    {"length_penalty", 1},
    {"typical_p", 1},
    {"diversity_penalty", 0},
    {"epsilon_cutoff", 0},
    {"eta_cutoff", 0},
    {"no_repeat_ngram_size", 0},
    {"min_length", 0},
    {"guidance_scale", 1},
    {"min_new_tokens", 0},
    {"penalty_alpha", 0},
    {"presence_penalty", 0},
    {"frequency_penalty", 0},
    {"encoder_repetition_penalty", 1},
    {"encoder_no_repeat_ngram_size", 0},
};

static const char *const tokenizer_keys[] = {"added_tokens_decoder",
                                             "additional_special_tokens",
                                             "extra_special_tokens",
                                             "bos_token",
                                             "eos_token",
                                             "pad_token",
                                             "unk_token",
                                             "cls_token",
                                             "sep_token",
                                             "mask_token",
                                             "image_token",
                                             "video_token",
                                             "vision_bos_token",
                                             "vision_eos_token",
                                             "chat_template",
                                             "model_max_length",
                                             "tokenizer_class",
                                             "processor_class",
                                             "errors",
                                             "padding_side",
                                             "truncation_side",
                                             "tokenizer_file",
                                             "name_or_path",
                                             "special_tokens_map_file",
                                             "backend",
                                             "is_local",
                                             "max_length",
                                             "stride",
                                             "truncation_strategy",
                                             "pad_to_multiple_of",
                                             "pad_token_type_id",
                                             "model_input_names",
                                             "vocab_file",
                                             "merges_file",
                                             "model_specific_special_tokens",
                                             "return_token_type_ids",
                                             "fix_mistral_regex",
                                             NULL};

static json_t *read_file(const char *folder, const char *file, char **path) {
    *path = file_join(folder, file, NULL);
    json_t *json = *path && file_exists(*path) ? json_read_file(*path, MAX_FILE, NULL) : NULL;
    if (json) return json;
    free(*path);
    *path = NULL;
    return NULL;
}

static void check_keys(const json_t *object, const char *const *common, const char *const *own,
                       const char *name, struct warnings *warnings) {
    enum { MOST = 160 };
    const char *known[MOST + 1] = {0};
    size_t count = 0;
    for (; *common && count < MOST; common++) known[count++] = *common;
    for (; *own && count < MOST; own++) known[count++] = *own;
    warnings_add_unknown(warnings, object, known, name);
}

static void check_config(const json_t *json, const struct model_family *family, const char *path,
                         struct warnings *warnings) {
    char name[400];
    check_keys(json, common_keys, family->text_keys, path, warnings);
    snprintf(name, sizeof name, "%.360s: text_config", path);
    check_keys(json_object_get(json, "text_config"), common_keys, family->text_keys, name, warnings);
    snprintf(name, sizeof name, "%.360s: vision_config", path);
    check_keys(json_object_get(json, "vision_config"), common_vision_keys, family->vision_keys, name,
               warnings);
}

static void check_generation(json_t *json, const char *path, struct warnings *warnings) {
    for (size_t i = 0; i < sizeof generation_defaults_of / sizeof *generation_defaults_of; i++) {
        const json_t *value = json_object_get(json, generation_defaults_of[i].key);
        double difference = json_number_value(value) - generation_defaults_of[i].nothing;
        if (json_is_number(value) && difference < 1e-9 && difference > -1e-9)
            json_object_del(json, generation_defaults_of[i].key);
    }
    warnings_add_unknown(warnings, json, generation_keys, path);
}

static void check_tokenizer(const json_t *json, const char *path, struct warnings *warnings) {
    const char *kind = json_string_value(json_object_get(json, "tokenizer_class"));
    static const char *const kinds[] = {"Qwen2Tokenizer", "Qwen2TokenizerFast", "PreTrainedTokenizerFast",
                                        "TokenizersBackend"};
    bool known = !kind;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !known; i++) known = strcmp(kind, kinds[i]) == 0;
    if (!known)
        warnings_add(warnings, "%s: \"tokenizer_class\" is \"%.60s\"; read as Qwen2Tokenizer", path, kind);
    warnings_add_unknown(warnings, json, tokenizer_keys, path);
}

void config_keys_check(const char *folder, const struct model_family *family, struct warnings *warnings) {
    char *path;
    json_t *json = read_file(folder, "config.json", &path);
    if (json) check_config(json, family, path, warnings);
    json_decref(json);
    free(path);
    json = read_file(folder, "generation_config.json", &path);
    if (json) check_generation(json, path, warnings);
    json_decref(json);
    free(path);
    json = read_file(folder, "tokenizer_config.json", &path);
    if (json) check_tokenizer(json, path, warnings);
    json_decref(json);
    free(path);
}
