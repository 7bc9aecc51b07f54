// config.json and generation_config.json of a checkpoint of any family, in all their spellings: flat, with
// text_config, with rope_parameters, re-saved with omissions (qwen2_5_vl.md sections 1 and 11). Every value
// is checked, so that sizes computed from a configuration cannot overflow and divisions come out even.
#ifndef GLOBE_MODEL_CONFIG_H
#define GLOBE_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "tensor/tensor.h"

enum { VISION_MAX_FULL_BLOCKS = 64, GENERATION_MAX_EOS = 16 };

// The language model; config keys in comments where they differ.
struct decoder_config {
    int hidden;       // hidden_size
    int intermediate; // intermediate_size
    int layers;       // num_hidden_layers
    int heads;        // num_attention_heads; a multiple of kv_heads
    int kv_heads;     // num_key_value_heads
    int head_dim;     // hidden / heads unless the file says otherwise; even
    int vocab;        // vocab_size, padding rows included
    float rms_eps;    // rms_norm_eps
    double rope_theta;
    int mrope_section[3]; // frequencies turned by t, h, w; sum = head_dim / 2
    bool tie_embeddings;  // tie_word_embeddings: lm_head is the embedding
    int max_positions;    // max_position_embeddings
    int32_t bos;          // bos_token_id, -1 when absent
    int32_t eos;          // eos_token_id (the first of a list), -1 when absent
};

// The vision tower (vision_config).
struct vision_config {
    int depth;
    int hidden;                              // hidden_size; a multiple of heads
    int intermediate;                        // intermediate_size
    int heads;                               // num_heads; hidden / heads is a multiple of 4
    int patch;                               // patch_size, pixels
    int merge;                               // spatial_merge_size: merge x merge patches become one token
    int temporal_patch;                      // temporal_patch_size, frames
    int window;                              // window_size, pixels; a multiple of patch * merge
    int in_channels;                         // in_channels or in_chans; 3
    int out_hidden;                          // out_hidden_size = text.hidden
    int full_blocks[VISION_MAX_FULL_BLOCKS]; // fullatt_block_indexes: blocks that attend to the whole image
    int full_count;
    double tokens_per_second; // video time scale
};

struct model_family;

struct model_config {
    const struct model_family *family; // model/family.h
    struct decoder_config text;
    struct vision_config vision;
    int32_t vision_start_id; // <|vision_start|>
    int32_t vision_end_id;   // <|vision_end|>
    int32_t image_id;        // <|image_pad|>
    int32_t video_id;        // <|video_pad|>
    char name[128];          // _name_or_path: what the file calls itself, or ""
    enum dtype dtype;        // torch_dtype (or dtype): F32, BF16 or F16; BF16 when absent
};

// FOLDER/config.json, or its text. ERROR_MODEL naming the key and the value that will not do.
int model_config_read(struct model_config *config, const char *folder, struct error *error);
int model_config_parse(struct model_config *config, const char *json, size_t length, const char *name,
                       struct error *error);
// Whether a vision block attends to the whole image rather than to its windows.
bool vision_is_full(const struct vision_config *vision, int block);

// What a request gets that does not ask for something else.
struct generation_defaults {
    int32_t eos[GENERATION_MAX_EOS]; // eos_token_id: one or a list
    int eos_count;
    bool has_do_sample, do_sample;
    bool has_temperature, has_top_p, has_top_k, has_min_p, has_repetition_penalty, has_max_new_tokens;
    double temperature, top_p, min_p, repetition_penalty;
    int top_k; // 0: all
    int max_new_tokens;
};

// FOLDER/generation_config.json, or its text; a missing file gives no defaults at all.
int generation_defaults_read(struct generation_defaults *defaults, const char *folder, struct error *error);
int generation_defaults_parse(struct generation_defaults *defaults, const char *json, size_t length,
                              const char *name, struct error *error);

#endif
