#include "model/config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

enum { MAX_CONFIG = 4 << 20 }; // bytes; real ones have a few thousand

// An integer key of the file, where it goes and what it may be. A fallback of REQUIRED: the key must be
// there.
enum { REQUIRED = INT_MIN };
struct field {
    const char *key;
    size_t offset; // of an int
    int low, high, fallback;
};

#define TEXT(member) offsetof(struct decoder_config, member)
static const struct field text_fields[] = {
    {"hidden_size", TEXT(hidden), 1, 65536, REQUIRED},
    {"intermediate_size", TEXT(intermediate), 1, 1 << 20, REQUIRED},
    {"num_hidden_layers", TEXT(layers), 1, 1024, REQUIRED},
    {"num_attention_heads", TEXT(heads), 1, 1024, REQUIRED},
    {"num_key_value_heads", TEXT(kv_heads), 1, 1024, REQUIRED},
    {"head_dim", TEXT(head_dim), 1, 1024, 0},
    {"vocab_size", TEXT(vocab), 1, 1 << 22, REQUIRED},
    {"max_position_embeddings", TEXT(max_positions), 1, 1 << 24, 32768},
    {"bos_token_id", TEXT(bos), 0, (1 << 22) - 1, -1},
};
#undef TEXT

// The fallbacks are the library's, but for hidden_size: every real checkpoint that leaves it out means 1280.
#define VISION(member) offsetof(struct vision_config, member)
static const struct field vision_fields[] = {
    {"depth", VISION(depth), 1, 1024, 32},
    {"hidden_size", VISION(hidden), 1, 65536, 1280},
    {"intermediate_size", VISION(intermediate), 1, 1 << 20, 3420},
    {"num_heads", VISION(heads), 1, 1024, 16},
    {"patch_size", VISION(patch), 1, 256, 14},
    {"spatial_merge_size", VISION(merge), 1, 16, 2},
    {"temporal_patch_size", VISION(temporal_patch), 1, 16, 2},
    {"window_size", VISION(window), 1, 65536, 112},
    {"in_channels", VISION(in_channels), 3, 3, 3},
    {"in_chans", VISION(in_channels), 3, 3, 3},
    {"out_hidden_size", VISION(out_hidden), 1, 65536, 3584},
};
#undef VISION

// The parts of one config.json. Text keys are looked for in `text`, then in `top`.
struct parts {
    const char *name, *vision_name; // for messages
    const json_t *top, *text, *vision;
};

static bool has_key(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return value && !json_is_null(value);
}

// The object that holds a text key: text_config where there is one, else the top level.
static const json_t *holder(const struct parts *parts, const char *key) {
    return has_key(parts->text, key) ? parts->text : parts->top;
}

static int missing(const char *name, const char *key, struct error *error) {
    return error_set(error, ERROR_MODEL, "%s: \"%s\" is missing", name, key);
}

static int read_field(const json_t *object, const struct field *field, void *base, const char *name,
                      struct error *error) {
    int64_t value = field->fallback;
    if (field->fallback == REQUIRED && !has_key(object, field->key)) return missing(name, field->key, error);
    if (json_get_integer(object, field->key, field->low, field->high, &value, name, error)) return -1;
    *(int *)(void *)((char *)base + field->offset) = (int)value;
    return 0;
}

static int read_required_number(const json_t *object, const char *key, double low, double high, double *value,
                                const char *name, struct error *error) {
    if (!has_key(object, key)) return missing(name, key, error);
    return json_get_number(object, key, low, high, value, name, error);
}

// A list of at most `limit` integers, or one integer alone. A missing key leaves everything as it is.
static int read_list(const json_t *object, const char *key, int64_t low, int64_t high, int *list, int limit,
                     int *count, const char *name, struct error *error) {
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) return 0;
    size_t size = json_is_array(value) ? json_array_size(value) : 1;
    if (size > (size_t)limit)
        return error_set(error, ERROR_MODEL, "%s: \"%s\" lists %zu values, at most %d are supported", name,
                         key, size, limit);
    for (size_t i = 0; i < size; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_integer(item))
            return error_set(error, ERROR_MODEL, "%s: \"%s\" holds something that is not an integer", name,
                             key);
        json_int_t number = json_integer_value(item);
        if (number < low || number > high)
            return error_set(error, ERROR_MODEL, "%s: \"%s\" holds %lld, expected %lld to %lld", name, key,
                             (long long)number, (long long)low, (long long)high);
        list[i] = (int)number;
    }
    *count = (int)size;
    return 0;
}

// ---- what kind of model --------------------------------------------------------------------------------

static bool has_architecture(const json_t *top, const char *architecture) {
    const json_t *list = json_object_get(top, "architectures"), *value;
    size_t i;
    json_array_foreach(list, i, value) {
        const char *text = json_string_value(value);
        if (text && strcmp(text, architecture) == 0) return true;
    }
    return false;
}

static int check_type(const struct parts *parts, struct error *error) {
    const char *type = NULL;
    if (json_get_string(parts->top, "model_type", &type, parts->name, error)) return -1;
    if (!type && has_architecture(parts->top, "Qwen2_5_VLForConditionalGeneration")) return 0;
    if (!type || strcmp(type, "qwen2_5_vl") != 0)
        return error_set(error, ERROR_MODEL,
                         "%s: model_type is \"%.60s\", expected \"qwen2_5_vl\" (InternVL3 will come later)",
                         parts->name, type ? type : "(missing)");
    return 0;
}

static int check_activation(const json_t *object, const char *name, struct error *error) {
    const char *activation = "silu";
    if (json_get_string(object, "hidden_act", &activation, name, error)) return -1;
    if (strcmp(activation, "silu") != 0)
        return error_set(error, ERROR_MODEL, "%s: \"hidden_act\" is \"%.40s\", expected \"silu\"", name,
                         activation);
    return 0;
}

// Sliding windows would change what layers from max_window_layers on attend to.
static int check_sliding_window(const struct parts *parts, int layers, struct error *error) {
    bool sliding = false;
    int64_t full_layers = 0;
    if (json_get_boolean(holder(parts, "use_sliding_window"), "use_sliding_window", &sliding, parts->name,
                         error) ||
        json_get_integer(holder(parts, "max_window_layers"), "max_window_layers", 0, INT32_MAX, &full_layers,
                         parts->name, error))
        return -1;
    const json_t *types = json_object_get(holder(parts, "layer_types"), "layer_types");
    for (size_t i = 0; i < json_array_size(types); i++) {
        const char *type = json_string_value(json_array_get(types, i));
        if (!type || strcmp(type, "full_attention") != 0)
            return error_set(error, ERROR_MODEL,
                             "%s: \"layer_types\" holds \"%.40s\", expected full_attention", parts->name,
                             type ? type : "(not a text)");
    }
    if (sliding && full_layers < layers)
        return error_set(error, ERROR_MODEL, "%s: \"use_sliding_window\" is true, which is not supported",
                         parts->name);
    return 0;
}

// ---- text ----------------------------------------------------------------------------------------------

// rope_scaling (before version 5) or rope_parameters: M-RoPE is meant whenever mrope_section is there; a type
// that changes the frequencies themselves is not ours to ignore.
static int check_rope_type(const json_t *rope, const char *name, struct error *error) {
    static const char *const keys[] = {"type", "rope_type"};
    for (int i = 0; i < 2; i++) {
        const char *type = "default";
        if (json_get_string(rope, keys[i], &type, name, error)) return -1;
        if (strcmp(type, "default") != 0 && strcmp(type, "mrope") != 0)
            return error_set(error, ERROR_MODEL, "%s: rope scaling of type \"%.40s\" is not supported", name,
                             type);
    }
    return 0;
}

static int read_rope(const struct parts *parts, struct decoder_config *text, struct error *error) {
    const char *key =
        has_key(holder(parts, "rope_parameters"), "rope_parameters") ? "rope_parameters" : "rope_scaling";
    const json_t *rope = json_object_get(holder(parts, key), key);
    if (!json_is_object(rope)) return missing(parts->name, key, error);
    const json_t *theta = has_key(rope, "rope_theta") ? rope : holder(parts, "rope_theta");
    int count = 0;
    if (check_rope_type(rope, parts->name, error) ||
        read_required_number(theta, "rope_theta", 1, 1e12, &text->rope_theta, parts->name, error) ||
        read_list(rope, "mrope_section", 0, 1024, text->mrope_section, 3, &count, parts->name, error))
        return -1;
    if (count != 3)
        return error_set(error, ERROR_MODEL, "%s: \"mrope_section\" has %d values, expected 3", parts->name,
                         count);
    return 0;
}

static int read_end_token(const struct parts *parts, int32_t *eos, struct error *error) {
    int list[GENERATION_MAX_EOS], count = 0;
    if (read_list(holder(parts, "eos_token_id"), "eos_token_id", 0, INT32_MAX, list, GENERATION_MAX_EOS,
                  &count, parts->name, error))
        return -1;
    *eos = count ? list[0] : -1;
    return 0;
}

// The outer value decides, as in the library, where a file has both.
static int read_tie(const struct parts *parts, bool *tie, struct error *error) {
    const json_t *object = has_key(parts->top, "tie_word_embeddings") ? parts->top : parts->text;
    return object ? json_get_boolean(object, "tie_word_embeddings", tie, parts->name, error) : 0;
}

static int read_text(const struct parts *parts, struct decoder_config *text, struct error *error) {
    for (size_t i = 0; i < sizeof text_fields / sizeof *text_fields; i++)
        if (read_field(holder(parts, text_fields[i].key), &text_fields[i], text, parts->name, error))
            return -1;
    double eps = 0;
    if (read_required_number(holder(parts, "rms_norm_eps"), "rms_norm_eps", 1e-12, 0.1, &eps, parts->name,
                             error) ||
        read_rope(parts, text, error) || read_end_token(parts, &text->eos, error) ||
        read_tie(parts, &text->tie_embeddings, error) ||
        check_activation(holder(parts, "hidden_act"), parts->name, error) ||
        check_sliding_window(parts, text->layers, error))
        return -1;
    text->rms_eps = (float)eps;
    return 0;
}

static int check_text(struct decoder_config *text, const char *name, struct error *error) {
    if (!text->head_dim && text->hidden % text->heads)
        return error_set(error, ERROR_MODEL, "%s: \"hidden_size\" is %d, expected a multiple of the %d heads",
                         name, text->hidden, text->heads);
    if (!text->head_dim) text->head_dim = text->hidden / text->heads;
    if (text->heads % text->kv_heads)
        return error_set(
            error, ERROR_MODEL,
            "%s: \"num_key_value_heads\" is %d, expected a divisor of \"num_attention_heads\", %d", name,
            text->kv_heads, text->heads);
    int sum = text->mrope_section[0] + text->mrope_section[1] + text->mrope_section[2];
    if (sum * 2 != text->head_dim)
        return error_set(error, ERROR_MODEL,
                         "%s: \"mrope_section\" sums to %d, expected half of the head size, %d", name, sum,
                         text->head_dim);
    return 0;
}

// ---- vision --------------------------------------------------------------------------------------------

static int read_vision(const struct parts *parts, struct vision_config *vision, struct error *error) {
    static const int full_blocks[] = {7, 15, 23, 31};
    const json_t *object = parts->vision;
    const char *name = parts->vision_name;
    for (size_t i = 0; i < sizeof vision_fields / sizeof *vision_fields; i++)
        if (read_field(object, &vision_fields[i], vision, name, error)) return -1;
    vision->tokens_per_second = 4;
    vision->full_count = 4;
    memcpy(vision->full_blocks, full_blocks, sizeof full_blocks);
    if (json_get_number(object, "tokens_per_second", 0, 1e6, &vision->tokens_per_second, name, error) ||
        read_list(object, "fullatt_block_indexes", 0, vision->depth - 1, vision->full_blocks,
                  VISION_MAX_FULL_BLOCKS, &vision->full_count, name, error))
        return -1;
    return check_activation(object, name, error);
}

static int check_vision(const struct vision_config *vision, int text_hidden, const char *name,
                        struct error *error) {
    if (vision->hidden % vision->heads || vision->hidden / vision->heads % 4)
        return error_set(error, ERROR_MODEL,
                         "%s: \"hidden_size\" is %d, expected %d heads of a multiple of 4", name,
                         vision->hidden, vision->heads);
    if (vision->window % (vision->patch * vision->merge))
        return error_set(error, ERROR_MODEL,
                         "%s: \"window_size\" is %d, expected a multiple of patch x merge = %d", name,
                         vision->window, vision->patch * vision->merge);
    if (vision->out_hidden != text_hidden)
        return error_set(error, ERROR_MODEL,
                         "%s: \"out_hidden_size\" is %d, expected the text's hidden_size, %d", name,
                         vision->out_hidden, text_hidden);
    for (int i = 0; i < vision->full_count; i++)
        if (vision->full_blocks[i] >= vision->depth)
            return error_set(error, ERROR_MODEL,
                             "%s: \"fullatt_block_indexes\" is missing, and block %d does not exist", name,
                             vision->full_blocks[i]);
    return 0;
}

bool vision_is_full(const struct vision_config *vision, int block) {
    for (int i = 0; i < vision->full_count; i++)
        if (vision->full_blocks[i] == block) return true;
    return false;
}

// ---- the whole -----------------------------------------------------------------------------------------

static int read_token_ids(const struct parts *parts, struct model_config *config, struct error *error) {
    const struct field fields[] = {
        {"vision_start_token_id", offsetof(struct model_config, vision_start_id), 0, config->text.vocab - 1,
         151652},
        {"vision_end_token_id", offsetof(struct model_config, vision_end_id), 0, config->text.vocab - 1,
         151653},
        {"image_token_id", offsetof(struct model_config, image_id), 0, config->text.vocab - 1, 151655},
        {"video_token_id", offsetof(struct model_config, video_id), 0, config->text.vocab - 1, 151656},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const json_t *object = holder(parts, fields[i].key);
        if (!has_key(object, fields[i].key) && fields[i].fallback > fields[i].high)
            return missing(parts->name, fields[i].key, error);
        if (read_field(object, &fields[i], config, parts->name, error)) return -1;
    }
    return 0;
}

static int check_id(int32_t id, const char *key, int vocab, const char *name, struct error *error) {
    if (id >= vocab)
        return error_set(error, ERROR_MODEL, "%s: \"%s\" is %d, expected less than \"vocab_size\", %d", name,
                         key, (int)id, vocab);
    return 0;
}

static int read_dtype(const struct parts *parts, enum dtype *dtype, struct error *error) {
    const char *key = has_key(holder(parts, "dtype"), "dtype") ? "dtype" : "torch_dtype";
    const char *text = "bfloat16";
    if (json_get_string(holder(parts, key), key, &text, parts->name, error)) return -1;
    if (strcmp(text, "bfloat16") == 0)
        *dtype = DTYPE_BF16;
    else if (strcmp(text, "float16") == 0)
        *dtype = DTYPE_F16;
    else if (strcmp(text, "float32") == 0)
        *dtype = DTYPE_F32;
    else
        return error_set(error, ERROR_MODEL, "%s: \"%s\" is \"%.40s\", expected bfloat16, float16 or float32",
                         parts->name, key, text);
    return 0;
}

// A nested object; *part stays NULL when there is none.
static int find_part(const json_t *top, const char *key, const json_t **part, const char *name,
                     struct error *error) {
    if (!has_key(top, key)) return 0;
    *part = json_object_get(top, key);
    if (!json_is_object(*part))
        return error_set(error, ERROR_MODEL, "%s: \"%s\" is not an object", name, key);
    return 0;
}

// Weights of other types than numbers.
static int check_quantisation(const struct parts *parts, struct error *error) {
    static const char *const keys[] = {"quantization_config", "quantization", "compression_config"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *group = json_object_get(holder(parts, keys[i]), keys[i]);
        if (!group || json_is_null(group)) continue;
        const char *method = json_string_value(json_object_get(group, "quant_method"));
        return error_set(error, ERROR_MODEL,
                         "%s: \"%s\": quantised weights (%.40s) are not supported; use the BF16 checkpoint",
                         parts->name, keys[i], method ? method : "unknown method");
    }
    return 0;
}

static int read_config(struct model_config *config, const json_t *top, const char *name,
                       struct error *error) {
    char vision_name[400];
    snprintf(vision_name, sizeof vision_name, "%.360s: vision_config", name);
    struct parts parts = {.name = name, .vision_name = vision_name, .top = top};
    *config = (struct model_config){0};
    if (!json_is_object(top)) return error_set(error, ERROR_MODEL, "%s: not a JSON object", name);
    if (check_type(&parts, error) || check_quantisation(&parts, error) ||
        find_part(top, "text_config", &parts.text, name, error) ||
        find_part(top, "vision_config", &parts.vision, name, error))
        return -1;
    if (!parts.vision) return missing(name, "vision_config", error);
    if (read_text(&parts, &config->text, error) || check_text(&config->text, name, error) ||
        read_vision(&parts, &config->vision, error) ||
        check_vision(&config->vision, config->text.hidden, vision_name, error) ||
        read_token_ids(&parts, config, error) || read_dtype(&parts, &config->dtype, error))
        return -1;
    const char *itself = "";
    if (json_get_string(top, "_name_or_path", &itself, name, error)) return -1;
    snprintf(config->name, sizeof config->name, "%s", itself);
    if (check_id(config->text.bos, "bos_token_id", config->text.vocab, name, error)) return -1;
    return check_id(config->text.eos, "eos_token_id", config->text.vocab, name, error);
}

// Whatever is wrong with these files is wrong with the model.
static int as_model_error(int result, struct error *error) {
    if (result && error && error->code == ERROR_INPUT) error->code = ERROR_MODEL;
    return result;
}

int model_config_parse(struct model_config *config, const char *json, size_t length, const char *name,
                       struct error *error) {
    json_t *top = json_read_buffer(json, length, name, error);
    int result = top ? read_config(config, top, name, error) : -1;
    json_decref(top);
    return as_model_error(result, error);
}

int model_config_read(struct model_config *config, const char *folder, struct error *error) {
    char *path = file_join(folder, "config.json", error);
    json_t *top = path ? json_read_file(path, MAX_CONFIG, error) : NULL;
    int result = top ? read_config(config, top, path, error) : -1;
    json_decref(top);
    free(path);
    return as_model_error(result, error);
}

// ---- generation_config.json ----------------------------------------------------------------------------

static int read_default(const json_t *object, const char *key, double low, double high, bool *has,
                        double *value, const char *name, struct error *error) {
    *has = has_key(object, key);
    return json_get_number(object, key, low, high, value, name, error);
}

static int read_default_integer(const json_t *object, const char *key, int low, bool *has, int *value,
                                const char *name, struct error *error) {
    int64_t number = *value;
    *has = has_key(object, key);
    if (json_get_integer(object, key, low, INT32_MAX, &number, name, error)) return -1;
    *value = (int)number;
    return 0;
}

static int read_defaults(struct generation_defaults *defaults, const json_t *top, const char *name,
                         struct error *error) {
    struct generation_defaults *d = defaults;
    *d = (struct generation_defaults){0};
    if (!json_is_object(top)) return error_set(error, ERROR_MODEL, "%s: not a JSON object", name);
    d->has_do_sample = has_key(top, "do_sample");
    if (read_list(top, "eos_token_id", 0, INT32_MAX, d->eos, GENERATION_MAX_EOS, &d->eos_count, name,
                  error) ||
        json_get_boolean(top, "do_sample", &d->do_sample, name, error) ||
        read_default(top, "temperature", 0, 100, &d->has_temperature, &d->temperature, name, error) ||
        read_default(top, "top_p", 0, 1, &d->has_top_p, &d->top_p, name, error) ||
        read_default(top, "min_p", 0, 1, &d->has_min_p, &d->min_p, name, error) ||
        read_default(top, "repetition_penalty", 0.01, 100, &d->has_repetition_penalty, &d->repetition_penalty,
                     name, error) ||
        read_default_integer(top, "top_k", -1, &d->has_top_k, &d->top_k, name, error) ||
        read_default_integer(top, "max_new_tokens", 1, &d->has_max_new_tokens, &d->max_new_tokens, name,
                             error))
        return -1;
    if (d->top_k < 0) d->top_k = 0; // vLLM writes "all" as -1
    return 0;
}

int generation_defaults_parse(struct generation_defaults *defaults, const char *json, size_t length,
                              const char *name, struct error *error) {
    json_t *top = json_read_buffer(json, length, name, error);
    int result = top ? read_defaults(defaults, top, name, error) : -1;
    json_decref(top);
    return as_model_error(result, error);
}

int generation_defaults_read(struct generation_defaults *defaults, const char *folder, struct error *error) {
    *defaults = (struct generation_defaults){0};
    char *path = file_join(folder, "generation_config.json", error);
    if (!path) return -1;
    int result = 0;
    if (file_exists(path)) {
        json_t *top = json_read_file(path, MAX_CONFIG, error);
        result = top ? read_defaults(defaults, top, path, error) : -1;
        json_decref(top);
    }
    free(path);
    return as_model_error(result, error);
}
