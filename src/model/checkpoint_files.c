#include "model/checkpoint_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "model/family.h"

int checkpoint_write_json(const char *folder, const char *name, json_t *value, struct error *error) {
    char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : NULL;
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

// ---- configuration -------------------------------------------------------------------------------------

static json_t *vision_json(const struct vision_config *vision) {
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
json_t *checkpoint_config_json(const struct model_config *config) {
    const struct decoder_config *text = &config->text;
    json_t *root = json_pack("{s:[s], s:s, s:s, s:f, s:s, s:s, s:b, s:b, s:i}", "architectures",
                             config->family->architecture, "model_type", config->family->name, "hidden_act",
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

json_t *checkpoint_generation_json(const struct decoder_config *text) {
    return json_pack("{s:i, s:i, s:b, s:[i, i], s:f, s:f, s:s}", "bos_token_id", text->bos, "pad_token_id",
                     text->bos, "do_sample", 1, "eos_token_id", text->eos, text->bos, "repetition_penalty",
                     1.05, "temperature", 1e-6, "transformers_version", "4.49.0");
}

json_t *checkpoint_preprocessor_json(const struct vision_config *vision, int64_t min_pixels,
                                     int64_t max_pixels) {
    return json_pack("{s:I, s:I, s:i, s:i, s:i, s:[f, f, f], s:[f, f, f], s:s, s:s}", "min_pixels",
                     (json_int_t)min_pixels, "max_pixels", (json_int_t)max_pixels, "patch_size",
                     vision->patch, "temporal_patch_size", vision->temporal_patch, "merge_size",
                     vision->merge, "image_mean", 0.48145466, 0.4578275, 0.40821073, "image_std", 0.26862954,
                     0.26130258, 0.27577711, "image_processor_type", "Qwen2VLImageProcessor",
                     "processor_class", "Qwen2_5_VLProcessor");
}
