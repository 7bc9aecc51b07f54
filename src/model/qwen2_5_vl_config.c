// config.json of Qwen2.5-VL, in all its spellings (qwen2_5_vl.md sections 1 and 11).
#include <stdio.h>
#include <string.h>

#include "model/config_internal.h"
#include "model/qwen2_5_vl_internal.h"

const char *const qwen2_5_vl_text_keys[] = {"hidden_size",
                                            "intermediate_size",
                                            "num_hidden_layers",
                                            "num_attention_heads",
                                            "num_key_value_heads",
                                            "head_dim",
                                            "vocab_size",
                                            "max_position_embeddings",
                                            "rms_norm_eps",
                                            "rope_theta",
                                            "rope_scaling",
                                            "rope_parameters",
                                            "hidden_act",
                                            "use_sliding_window",
                                            "sliding_window",
                                            "max_window_layers",
                                            "layer_types",
                                            "tie_word_embeddings",
                                            "bos_token_id",
                                            "eos_token_id",
                                            "vision_start_token_id",
                                            "vision_end_token_id",
                                            "vision_token_id",
                                            "image_token_id",
                                            "video_token_id",
                                            "use_mrope",
                                            NULL};

const char *const qwen2_5_vl_vision_keys[] = {"depth",
                                              "hidden_size",
                                              "intermediate_size",
                                              "num_heads",
                                              "patch_size",
                                              "spatial_merge_size",
                                              "temporal_patch_size",
                                              "window_size",
                                              "in_channels",
                                              "in_chans",
                                              "out_hidden_size",
                                              "hidden_act",
                                              "fullatt_block_indexes",
                                              "tokens_per_second",
                                              "spatial_patch_size",
                                              NULL};

#define TEXT(member) offsetof(struct decoder_config, member)
static const struct config_field text_fields[] = {
    {"hidden_size", TEXT(hidden), 1, 65536, CONFIG_REQUIRED},
    {"intermediate_size", TEXT(intermediate), 1, 1 << 20, CONFIG_REQUIRED},
    {"num_hidden_layers", TEXT(layers), 1, 1024, CONFIG_REQUIRED},
    {"num_attention_heads", TEXT(heads), 1, 1024, CONFIG_REQUIRED},
    {"num_key_value_heads", TEXT(kv_heads), 1, 1024, CONFIG_REQUIRED},
    {"head_dim", TEXT(head_dim), 1, 1024, 0},
    {"vocab_size", TEXT(vocab), 1, 1 << 22, CONFIG_REQUIRED},
    {"max_position_embeddings", TEXT(max_positions), 1, 1 << 24, 32768},
    {"bos_token_id", TEXT(bos), 0, (1 << 22) - 1, -1},
};
#undef TEXT

// The fallbacks are the library's, but for hidden_size: every real checkpoint that leaves it out means 1280.
#define VISION(member) offsetof(struct vision_config, member)
static const struct config_field vision_fields[] = {
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

static int check_activation(const json_t *object, const char *name, struct error *error) {
    const char *activation = "silu";
    if (json_get_string(object, "hidden_act", &activation, name, error)) return -1;
    if (strcmp(activation, "silu") != 0)
        return error_set(error, ERROR_MODEL, "%s: \"hidden_act\" is \"%.40s\", expected \"silu\"", name,
                         activation);
    return 0;
}

// Sliding windows would change what layers from max_window_layers on attend to.
static int check_sliding_window(const struct config_file *file, int layers, struct error *error) {
    bool sliding = false;
    int64_t full_layers = 0;
    if (json_get_boolean(config_holder(file, "use_sliding_window"), "use_sliding_window", &sliding,
                         file->name, error) ||
        json_get_integer(config_holder(file, "max_window_layers"), "max_window_layers", 0, INT32_MAX,
                         &full_layers, file->name, error))
        return -1;
    const json_t *types = json_object_get(config_holder(file, "layer_types"), "layer_types");
    for (size_t i = 0; i < json_array_size(types); i++) {
        const char *type = json_string_value(json_array_get(types, i));
        if (!type || strcmp(type, "full_attention") != 0)
            return error_set(error, ERROR_MODEL,
                             "%s: \"layer_types\" holds \"%.40s\", expected full_attention", file->name,
                             type ? type : "(not a text)");
    }
    if (sliding && full_layers < layers)
        return error_set(error, ERROR_MODEL, "%s: \"use_sliding_window\" is true, which is not supported",
                         file->name);
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

static int read_rope(const struct config_file *file, struct decoder_config *text, struct error *error) {
    const char *key = config_has_key(config_holder(file, "rope_parameters"), "rope_parameters")
                          ? "rope_parameters"
                          : "rope_scaling";
    const json_t *rope = json_object_get(config_holder(file, key), key);
    if (!json_is_object(rope)) return config_missing(file->name, key, error);
    const json_t *theta = config_has_key(rope, "rope_theta") ? rope : config_holder(file, "rope_theta");
    int count = 0;
    if (check_rope_type(rope, file->name, error) ||
        config_read_number(theta, "rope_theta", 1, 1e12, &text->rope_theta, file->name, error) ||
        config_read_list(rope, "mrope_section", 0, 1024, text->mrope_section, 3, &count, file->name, error))
        return -1;
    if (count != 3)
        return error_set(error, ERROR_MODEL, "%s: \"mrope_section\" has %d values, expected 3", file->name,
                         count);
    return 0;
}

static int read_end_token(const struct config_file *file, int32_t *eos, struct error *error) {
    int list[GENERATION_MAX_EOS], count = 0;
    if (config_read_list(config_holder(file, "eos_token_id"), "eos_token_id", 0, INT32_MAX, list,
                         GENERATION_MAX_EOS, &count, file->name, error))
        return -1;
    *eos = count ? list[0] : -1;
    return 0;
}

// The outer value decides, as in the library, where a file has both.
static int read_tie(const struct config_file *file, bool *tie, struct error *error) {
    const json_t *object = config_has_key(file->top, "tie_word_embeddings") ? file->top : file->text;
    return object ? json_get_boolean(object, "tie_word_embeddings", tie, file->name, error) : 0;
}

static int read_text(const struct config_file *file, struct decoder_config *text, struct error *error) {
    for (size_t i = 0; i < sizeof text_fields / sizeof *text_fields; i++)
        if (config_read_field(config_holder(file, text_fields[i].key), &text_fields[i], text, file->name,
                              error))
            return -1;
    double eps = 0;
    if (config_read_number(config_holder(file, "rms_norm_eps"), "rms_norm_eps", 1e-12, 0.1, &eps, file->name,
                           error) ||
        read_rope(file, text, error) || read_end_token(file, &text->eos, error) ||
        read_tie(file, &text->tie_embeddings, error) ||
        check_activation(config_holder(file, "hidden_act"), file->name, error) ||
        check_sliding_window(file, text->layers, error))
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

static int read_vision(const struct config_file *file, struct vision_config *vision, struct error *error) {
    static const int full_blocks[] = {7, 15, 23, 31};
    const json_t *object = file->vision;
    const char *name = file->vision_name;
    for (size_t i = 0; i < sizeof vision_fields / sizeof *vision_fields; i++)
        if (config_read_field(object, &vision_fields[i], vision, name, error)) return -1;
    vision->tokens_per_second = 4;
    vision->full_count = 4;
    memcpy(vision->full_blocks, full_blocks, sizeof full_blocks);
    if (json_get_number(object, "tokens_per_second", 0, 1e6, &vision->tokens_per_second, name, error) ||
        config_read_list(object, "fullatt_block_indexes", 0, vision->depth - 1, vision->full_blocks,
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

// ---- the whole -----------------------------------------------------------------------------------------

static int read_token_ids(const struct config_file *file, struct model_config *config, struct error *error) {
    const struct config_field fields[] = {
        {"vision_start_token_id", offsetof(struct model_config, vision_start_id), 0, config->text.vocab - 1,
         151652},
        {"vision_end_token_id", offsetof(struct model_config, vision_end_id), 0, config->text.vocab - 1,
         151653},
        {"image_token_id", offsetof(struct model_config, image_id), 0, config->text.vocab - 1, 151655},
        {"video_token_id", offsetof(struct model_config, video_id), 0, config->text.vocab - 1, 151656},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const json_t *object = config_holder(file, fields[i].key);
        if (!config_has_key(object, fields[i].key) && fields[i].fallback > fields[i].high)
            return config_missing(file->name, fields[i].key, error);
        if (config_read_field(object, &fields[i], config, file->name, error)) return -1;
    }
    return 0;
}

int qwen2_5_vl_read_config(struct model_config *config, const struct config_file *file, struct error *error) {
    return read_text(file, &config->text, error) || check_text(&config->text, file->name, error) ||
                   read_vision(file, &config->vision, error) ||
                   check_vision(&config->vision, config->text.hidden, file->vision_name, error) ||
                   read_token_ids(file, config, error)
               ? -1
               : 0;
}
