#include "model/lora_config.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

enum { MAX_CONFIG = 16 << 20 };

// ---- what is refused ------------------------------------------------------------------------------------

// Honoured, checked below, or without a say in what is computed once the adapter is trained.
static const char *const known[] = {"r",
                                    "lora_alpha",
                                    "lora_dropout",
                                    "use_rslora",
                                    "rank_pattern",
                                    "alpha_pattern",
                                    "target_modules",
                                    "exclude_modules",
                                    "layers_to_transform",
                                    "layers_pattern",
                                    "peft_type",
                                    "bias",
                                    "init_lora_weights",
                                    "base_model_name_or_path",
                                    "task_type",
                                    "auto_mapping",
                                    "peft_version",
                                    "revision",
                                    "inference_mode",
                                    "megatron_core",
                                    "loftq_config",
                                    "eva_config",
                                    "corda_config",
                                    "lora_ga_config",
                                    "qalora_group_size",
                                    "runtime_config",
                                    "ensure_weight_tying",
                                    "lora_dtype",
                                    "lorap_lr_ratio",
                                    "lorap_emb_lr",
                                    NULL};

static const struct {
    const char *key, *meaning;
} refused[] = {
    {"use_dora", "DoRA"},
    {"use_qalora", "QA-LoRA"},
    {"use_bdlora", "block-diagonal LoRA"},
    {"lora_bias", "LoRA with biases"},
    {"fan_in_fan_out", "transposed weights"},
    {"alora_invocation_tokens", "activated LoRA, on after a call only"},
    {"invocation_string", "activated LoRA, on after a call only"},
    {"modules_to_save", "whole modules beside LoRA"},
    {"trainable_token_indices", "trained embeddings"},
    {"target_parameters", "LoRA of parameters that are no linear layers"},
    {"layer_replication", "repeated layers"},
    {"megatron_config", "parallel layers of Megatron"},
    {"arrow_config", "several adapters routed by Arrow"},
};

static int refuse_extras(const json_t *json, const char *name, struct error *error) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (!json_is_unset(json_object_get(json, refused[i].key)))
            return error_set(error, ERROR_MODEL, "%s: \"%s\" is not supported (%s)", name, refused[i].key,
                             refused[i].meaning);
    return 0;
}

static bool is_known(const char *key) {
    for (size_t i = 0; known[i]; i++)
        if (strcmp(known[i], key) == 0) return true;
    return false;
}

// PEFT grows: a new switch that is on, or a new group of settings, would change what is computed.
static int refuse_unknown(const json_t *json, const char *name, struct error *error) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)json, key, value) {
        if (is_known(key) || json_is_unset(value)) continue;
        if (json_is_true(value) || json_is_object(value) || json_is_array(value))
            return error_set(error, ERROR_MODEL, "%s: \"%.80s\" is not known here, and it is set", name, key);
    }
    return 0;
}

// How training began matters when it changed the base weights: the adapter then is the difference to other
// weights than the checkpoint's.
static int check_start(const json_t *json, const char *name, struct error *error) {
    static const char *const harmless[] = {"gaussian", "orthogonal", "eva", "true", "false"};
    const json_t *start = json_object_get(json, "init_lora_weights");
    if (!start || json_is_null(start) || json_is_boolean(start)) return 0;
    const char *text = json_string_value(start);
    for (size_t i = 0; text && i < sizeof harmless / sizeof *harmless; i++)
        if (strcmp(text, harmless[i]) == 0) return 0;
    return error_set(
        error, ERROR_MODEL,
        "%s: \"init_lora_weights\" is \"%.40s\": such training changes the base weights, or may; "
        "convert the adapter to plain LoRA (PEFT's path_initial_model_for_weight_conversion), or "
        "say true there if --model is the changed base",
        name, text ? text : "(not a text)");
}

static int check_type(const json_t *json, const char *name, struct error *error) {
    const char *type = "LORA", *bias = "none";
    if (json_get_string(json, "peft_type", &type, name, error) ||
        json_get_string(json, "bias", &bias, name, error))
        return -1;
    if (strcmp(type, "LORA") != 0)
        return error_set(error, ERROR_MODEL, "%s: \"peft_type\" is \"%.60s\", expected LORA", name, type);
    if (strcmp(bias, "none") != 0)
        return error_set(error, ERROR_MODEL, "%s: \"bias\" is \"%.60s\", expected none", name, bias);
    return 0;
}

// ---- patterns -------------------------------------------------------------------------------------------

static pcre2_code *compile(const char *text, uint32_t options) {
    int code;
    PCRE2_SIZE offset;
    return pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options | PCRE2_UTF, &code, &offset, NULL);
}

// 1 when it matches, 0 when not, -1 when the expression cannot be used. The first group's number, if wanted.
static int match(const char *expression, uint32_t options, const char *name, long *group) {
    pcre2_code *code = compile(expression, options);
    pcre2_match_data *data = code ? pcre2_match_data_create_from_pattern(code, NULL) : NULL;
    int found = data ? pcre2_match(code, (PCRE2_SPTR)name, PCRE2_ZERO_TERMINATED, 0, 0, data, NULL) : 0;
    int result = !data ? -1 : found >= 0 ? 1 : found == PCRE2_ERROR_NOMATCH ? 0 : -1;
    if (result == 1 && group && found > 1)
        *group = strtol(name + pcre2_get_ovector_pointer(data)[2], NULL, 10);
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return result;
}

// PEFT: re.match(r"(.*\.)?(KEY)$", name); the first key that matches counts.
static bool key_matches(const char *key, const char *name) {
    char expression[512];
    snprintf(expression, sizeof expression, "(.*\\.)?(%.480s)\\z", key);
    return match(expression, PCRE2_ANCHORED, name, NULL) == 1;
}

static const json_t *find_pattern(const struct lora_config *config, const char *group, const char *name,
                                  const char *published) {
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(config->json, group), key, value) {
        if (key_matches(key, name) || key_matches(key, published)) return value;
    }
    return NULL;
}

size_t lora_config_rank(const struct lora_config *config, const char *name, const char *published) {
    const json_t *rank = find_pattern(config, "rank_pattern", name, published);
    return rank ? (size_t)json_integer_value(rank) : (size_t)config->rank;
}

double lora_config_alpha(const struct lora_config *config, const char *name, const char *published) {
    const json_t *alpha = find_pattern(config, "alpha_pattern", name, published);
    return alpha ? json_number_value(alpha) : config->alpha;
}

// Values within the same bounds as "r" and "lora_alpha", keys that can be used.
static int check_patterns(const json_t *json, const char *group, double low, double high, bool whole,
                          const char *name, struct error *error) {
    json_t *patterns = json_object_get(json, group), *value;
    const char *key;
    if (json_is_unset(patterns)) return 0;
    if (!json_is_object(patterns))
        return error_set(error, ERROR_MODEL, "%s: \"%s\" is not an object", name, group);
    json_object_foreach(patterns, key, value) {
        double number = json_number_value(value);
        if (whole ? !json_is_integer(value) : !json_is_number(value))
            return error_set(error, ERROR_MODEL, "%s: \"%s\": \"%.120s\" is not a number", name, group, key);
        if (!(number >= low && number <= high))
            return error_set(error, ERROR_MODEL, "%s: \"%s\": \"%.120s\" is %g, expected %g to %g", name,
                             group, key, number, low, high);
        pcre2_code *code = strlen(key) < 480 ? compile(key, 0) : NULL;
        if (!code)
            return error_set(error, ERROR_MODEL, "%s: \"%s\": \"%.120s\" is no expression that can be used",
                             name, group, key);
        pcre2_code_free(code);
    }
    return 0;
}

// ---- targets --------------------------------------------------------------------------------------------

static bool ends_with_part(const char *name, const char *part) {
    size_t length = strlen(name), tail = strlen(part);
    if (length == tail) return strcmp(name, part) == 0;
    return length > tail && name[length - tail - 1] == '.' && strcmp(name + length - tail, part) == 0;
}

// A text is an expression for whole names, a list holds last parts.
static int is_listed(const json_t *list, const char *name) {
    if (json_is_string(list)) {
        if (strcmp(json_string_value(list), "all-linear") == 0) return 1;
        return match(json_string_value(list), PCRE2_ANCHORED | PCRE2_ENDANCHORED, name, NULL);
    }
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item) {
        if (json_is_string(item) && ends_with_part(name, json_string_value(item))) return 1;
    }
    return 0;
}

static bool is_in_layers(const struct lora_config *config, const char *name) {
    const json_t *layers = json_object_get(config->json, "layers_to_transform");
    const json_t *patterns = json_object_get(config->json, "layers_pattern");
    if (!layers || json_is_null(layers) || (json_is_array(layers) && json_array_size(layers) == 0))
        return true;
    long layer = -1;
    size_t count = json_is_array(patterns) ? json_array_size(patterns) : 1;
    for (size_t i = 0; i < count && layer < 0; i++) {
        char expression[300];
        const char *pattern =
            json_string_value(json_is_array(patterns) ? json_array_get(patterns, i) : patterns);
        snprintf(expression, sizeof expression, ".*\\.%.240s\\.(\\d+)\\.",
                 pattern && *pattern ? pattern : "[^.]*");
        match(expression, PCRE2_ANCHORED, name, &layer);
    }
    if (json_is_integer(layers)) return layer == (long)json_integer_value(layers);
    for (size_t i = 0; i < json_array_size(layers); i++)
        if (layer == (long)json_integer_value(json_array_get(layers, i))) return true;
    return false;
}

bool lora_config_targets(const struct lora_config *config, const char *name) {
    const json_t *targets = json_object_get(config->json, "target_modules");
    const json_t *excluded = json_object_get(config->json, "exclude_modules");
    if (!json_is_unset(excluded) && is_listed(excluded, name) == 1) return false;
    if (json_is_unset(targets)) return true;
    if (is_listed(targets, name) == 0) return false;
    return json_is_string(targets) || is_in_layers(config, name);
}

// ---- the whole ------------------------------------------------------------------------------------------

static int read_config(struct lora_config *config, const char *name, struct warnings *warnings,
                       struct error *error) {
    const json_t *json = config->json;
    int64_t rank = 8; // PEFT's defaults
    config->alpha = 8;
    if (!json_is_object(json)) return error_set(error, ERROR_MODEL, "%s: expected an object", name);
    if (json_get_integer(json, "r", 1, 65536, &rank, name, error) ||
        json_get_number(json, "lora_alpha", -1e6, 1e6, &config->alpha, name, error) ||
        json_get_number(json, "lora_dropout", 0, 0.999, &config->dropout, name, error) ||
        json_get_boolean(json, "use_rslora", &config->rs, name, error) ||
        json_get_string(json, "base_model_name_or_path", &config->base, name, error) ||
        check_type(json, name, error) || refuse_extras(json, name, error) || check_start(json, name, error) ||
        refuse_unknown(json, name, error) ||
        check_patterns(json, "rank_pattern", 1, 65536, true, name, error) ||
        check_patterns(json, "alpha_pattern", -1e6, 1e6, false, name, error))
        return -1;
    config->rank = (int)rank;
    warnings_add_unknown(warnings, json, known, name);
    return 0;
}

static int finish(struct lora_config *config, const char *name, struct warnings *warnings,
                  struct error *error) {
    int result = config->json ? read_config(config, name, warnings, error) : -1;
    if (result && error && error->code == ERROR_INPUT)
        error->code = ERROR_MODEL; // part of a model, not an input
    if (result) lora_config_free(config);
    return result;
}

int lora_config_parse(struct lora_config *config, const char *text, size_t length, const char *name,
                      struct warnings *warnings, struct error *error) {
    *config = (struct lora_config){.json = json_read_buffer(text, length, name, error)};
    return finish(config, name, warnings, error);
}

int lora_config_read(struct lora_config *config, const char *folder, struct warnings *warnings,
                     struct error *error) {
    char *path = file_join(folder, "adapter_config.json", error);
    *config = (struct lora_config){.json = path ? json_read_file(path, MAX_CONFIG, error) : NULL};
    int result = path ? finish(config, path, warnings, error) : -1;
    free(path);
    return result;
}

void lora_config_free(struct lora_config *config) {
    json_decref(config->json);
    *config = (struct lora_config){0};
}
