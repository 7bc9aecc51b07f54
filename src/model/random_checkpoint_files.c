#include "model/random_checkpoint_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

int random_checkpoint_write_json(const char *folder, const char *name, json_t *value, struct error *error) {
    char *text = value ? json_dumps(value, JSON_INDENT(1)) : NULL;
    char *path = file_join(folder, name, error);
    int result = -1;
    if (!text)
        error_set(error, ERROR_MEMORY, "%s: out of memory", name);
    else if (path)
        result = file_write(path, text, strlen(text), error);
    free(path);
    free(text);
    json_decref(value);
    return result;
}

// ---- configuration
// ------------------------------------------------------------------------------------------------

static json_t *vision_json(const struct qwen_vision_config *vision) {
    json_t *full = json_array();
    for (int i = 0; i < vision->full_count; i++)
        json_array_append_new(full, json_integer(vision->full_blocks[i]));
    return json_pack("{s:i, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:o, s:f, s:i}", "depth",
                     vision->depth, "hidden_act", "silu", "hidden_size", vision->hidden, "intermediate_size",
                     vision->intermediate, "num_heads", vision->heads, "in_chans", vision->in_channels,
                     "out_hidden_size", vision->out_hidden, "patch_size", vision->patch, "spatial_merge_size",
                     vision->merge, "spatial_patch_size", vision->patch, "window_size", vision->window,
                     "fullatt_block_indexes", full, "tokens_per_second", vision->tokens_per_second,
                     "temporal_patch_size", vision->temporal_patch);
}

// The flat layout of the published files.
static json_t *config_json(const struct qwen_config *config) {
    const struct qwen_text_config *text = &config->text;
    json_t *root = json_pack("{s:[s], s:s, s:s, s:f, s:s, s:s, s:b, s:b, s:i}", "architectures",
                             "Qwen2_5_VLForConditionalGeneration", "model_type", "qwen2_5_vl", "hidden_act",
                             "silu", "attention_dropout", 0.0, "torch_dtype",
                             config->dtype == DTYPE_F32 ? "float32" : "bfloat16", "transformers_version",
                             "4.49.0", "use_cache", 1, "use_sliding_window", 0, "sliding_window", 32768);
    json_t *sizes = json_pack(
        "{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:b, s:{s:s, s:[i, i, i]}}", "hidden_size",
        text->hidden, "intermediate_size", text->intermediate, "num_hidden_layers", text->layers,
        "max_window_layers", text->layers, "num_attention_heads", text->heads, "num_key_value_heads",
        text->kv_heads, "vocab_size", text->vocab, "max_position_embeddings", text->max_positions,
        "rms_norm_eps", 1e-6, "rope_theta", text->rope_theta, "initializer_range", 0.02,
        "tie_word_embeddings", text->tie_embeddings, "rope_scaling", "type", "mrope", "mrope_section",
        text->mrope_section[0], text->mrope_section[1], text->mrope_section[2]);
    json_t *ids = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:o}", "bos_token_id", text->bos,
                            "eos_token_id", text->eos, "vision_start_token_id", config->vision_start_id,
                            "vision_end_token_id", config->vision_end_id, "vision_token_id",
                            config->vision_end_id + 1, "image_token_id", config->image_id, "video_token_id",
                            config->video_id, "vision_config", vision_json(&config->vision));
    if (json_object_update(root, sizes) || json_object_update(root, ids)) {
        json_decref(root);
        root = NULL;
    }
    json_decref(sizes);
    json_decref(ids);
    return root;
}

static json_t *generation_json(const struct qwen_text_config *text) {
    return json_pack("{s:i, s:i, s:b, s:[i, i], s:f, s:f}", "bos_token_id", text->bos, "pad_token_id",
                     text->bos, "do_sample", 1, "eos_token_id", text->eos, text->bos, "repetition_penalty",
                     1.05, "temperature", 1e-6);
}

static json_t *preprocessor_json(const struct qwen_vision_config *vision) {
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:[f, f, f], s:[f, f, f], s:s, s:s}", "min_pixels", 3136,
                     "max_pixels", 12845056, "patch_size", vision->patch, "temporal_patch_size",
                     vision->temporal_patch, "merge_size", vision->merge, "image_mean", 0.48145466, 0.4578275,
                     0.40821073, "image_std", 0.26862954, 0.26130258, 0.27577711, "image_processor_type",
                     "Qwen2VLImageProcessor", "processor_class", "Qwen2_5_VLProcessor");
}

// ---- tokenizer
// ----------------------------------------------------------------------------------------------------

static const char *const added_tokens[] = {
    "<|endoftext|>",  "<|im_start|>",   "<|im_end|>",     "<|object_ref_start|>", "<|object_ref_end|>",
    "<|box_start|>",  "<|box_end|>",    "<|quad_start|>", "<|quad_end|>",         "<|vision_start|>",
    "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>",  "<|video_pad|>",        "<tool_call>",
    "</tool_call>",   "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>",       "<|fim_pad|>",
    "<|repo_name|>",  "<|file_sep|>",
};
enum { ADDED = sizeof added_tokens / sizeof *added_tokens, SPECIAL = 14, BYTES = 256 };

static const char pattern[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
    "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

static json_t *added_json(int32_t first) {
    json_t *list = json_array();
    for (int i = 0; i < ADDED; i++)
        json_array_append_new(list, json_pack("{s:i, s:s, s:b, s:b, s:b, s:b, s:b}", "id", first + i,
                                              "content", added_tokens[i], "single_word", 0, "lstrip", 0,
                                              "rstrip", 0, "normalized", 0, "special", i < SPECIAL));
    return list;
}

// The printable character that stands for a byte in byte-level BPE, as UTF-8: its own code point, or for the
// 68 bytes without a visible one, U+0100 and on. Two bytes at most.
static void byte_character(int code, char text[3]) {
    text[code < 0x80 ? 1 : 2] = 0;
    if (code < 0x80) {
        text[0] = (char)code;
    } else {
        text[0] = (char)(0xC0 | code >> 6);
        text[1] = (char)(0x80 | (code & 0x3F));
    }
}

static int is_visible(int byte) {
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

// Ids in the published order: the visible bytes, then the others.
static int add_bytes(json_t *vocab) {
    int id = 0, failed = 0;
    char text[3];
    for (int byte = 0; byte < BYTES; byte++) {
        if (!is_visible(byte)) continue;
        byte_character(byte, text);
        failed |= json_object_set_new(vocab, text, json_integer(id++));
    }
    for (int code = 0x100; id < BYTES; code++) {
        byte_character(code, text);
        failed |= json_object_set_new(vocab, text, json_integer(id++));
    }
    return failed;
}

#define SPACE "\xC4\xA0" // U+0120: byte 32

// Bytes, the one merge (two spaces), then " w257", " w258", ... so that random ids decode to something.
static json_t *vocab_json(int32_t size) {
    json_t *vocab = json_object();
    int failed = add_bytes(vocab) || json_object_set_new(vocab, SPACE SPACE, json_integer(BYTES));
    for (int32_t id = BYTES + 1; id < size && !failed; id++) {
        char text[24];
        snprintf(text, sizeof text, SPACE "w%d", (int)id);
        failed = json_object_set_new(vocab, text, json_integer(id));
    }
    if (!failed) return vocab;
    json_decref(vocab);
    return NULL;
}

static json_t *tokenizer_json(int32_t first_added) {
    json_t *level = json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0,
                              "trim_offsets", 0, "use_regex", 0);
    json_t *split = json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern", "Regex", pattern,
                              "behavior", "Isolated", "invert", 0);
    json_t *model = json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:[s]}", "type", "BPE",
                              "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                              "fuse_unk", 0, "byte_fallback", 0, "ignore_merges", 0, "vocab",
                              vocab_json(first_added), "merges", SPACE " " SPACE);
    return json_pack("{s:s, s:n, s:n, s:o, s:{s:s}, s:{s:s, s:[o, O]}, s:O, s:o, s:o}", "version", "1.0",
                     "truncation", "padding", "added_tokens", added_json(first_added), "normalizer", "type",
                     "NFC", "pre_tokenizer", "type", "Sequence", "pretokenizers", split, level,
                     "post_processor", level, "decoder", level, "model", model);
}

int random_checkpoint_write_files(const char *folder, const struct qwen_config *config, int32_t first_added,
                                  struct error *error) {
    if (random_checkpoint_write_json(folder, "config.json", config_json(config), error) ||
        random_checkpoint_write_json(folder, "generation_config.json", generation_json(&config->text),
                                     error) ||
        random_checkpoint_write_json(folder, "preprocessor_config.json", preprocessor_json(&config->vision),
                                     error))
        return -1;
    return random_checkpoint_write_json(folder, "tokenizer.json", tokenizer_json(first_added), error);
}
