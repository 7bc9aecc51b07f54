#include "text/qwen2_rules.h"

#include <stdio.h>

#include "text/vocabulary.h"

const char *const qwen2_added_tokens[QWEN2_ADDED] = {
    "<|endoftext|>",  "<|im_start|>",   "<|im_end|>",     "<|object_ref_start|>", "<|object_ref_end|>",
    "<|box_start|>",  "<|box_end|>",    "<|quad_start|>", "<|quad_end|>",         "<|vision_start|>",
    "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>",  "<|video_pad|>",        "<tool_call>",
    "</tool_call>",   "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>",       "<|fim_pad|>",
    "<|repo_name|>",  "<|file_sep|>",
};

static const char split_regex[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
    "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const char qwen2_chat_template[] =
    "{% set seen = namespace(images=0, videos=0) %}{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' or 'image' in part or 'image_url' in part %}"
    "{% set seen.images = seen.images + 1 %}{% if add_vision_id %}Picture {{ seen.images }}: {% endif %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'video' or 'video' in part %}"
    "{% set seen.videos = seen.videos + 1 %}{% if add_vision_id %}Video {{ seen.videos }}: {% endif %}"
    "<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

static json_t *byte_level(int spaces_and_regex) {
    return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", spaces_and_regex,
                     "trim_offsets", spaces_and_regex, "use_regex", spaces_and_regex);
}

json_t *qwen2_rules_json(void) {
    json_t *split = json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern", "Regex", split_regex,
                              "behavior", "Isolated", "invert", 0);
    return json_pack("{s:{s:s}, s:{s:s, s:[o, o]}, s:o, s:o}", "normalizer", "type", "NFC", "pre_tokenizer",
                     "type", "Sequence", "pretokenizers", split, byte_level(0), "post_processor",
                     byte_level(0), "decoder", byte_level(1));
}

static int is_visible(int byte) {
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

json_t *qwen2_byte_vocabulary(void) {
    json_t *vocab = json_object();
    int id = 0, failed = 0;
    for (int visible = 1; visible >= 0; visible--)
        for (int byte = 0; byte < 256; byte++) {
            if (is_visible(byte) != visible) continue;
            char raw = (char)byte;
            struct buffer spelling = {0};
            vocabulary_spell(&spelling, &raw, 1);
            failed |= spelling.failed || json_object_set_new(vocab, spelling.data, json_integer(id++));
            buffer_free(&spelling);
        }
    if (!failed) return vocab;
    json_decref(vocab);
    return NULL;
}

static json_t *added_json(int32_t first) {
    json_t *list = json_array();
    for (int i = 0; i < QWEN2_ADDED; i++)
        json_array_append_new(list, json_pack("{s:i, s:s, s:b, s:b, s:b, s:b, s:b}", "id", first + i,
                                              "content", qwen2_added_tokens[i], "single_word", 0, "lstrip", 0,
                                              "rstrip", 0, "normalized", 0, "special", i < QWEN2_SPECIAL));
    return list;
}

json_t *qwen2_tokenizer_json(json_t *vocab, json_t *merges, int32_t first_added) {
    json_t *root = json_pack("{s:s, s:n, s:n, s:o}", "version", "1.0", "truncation", "padding",
                             "added_tokens", added_json(first_added));
    json_t *rules = qwen2_rules_json();
    json_t *model = json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout",
                              "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0,
                              "byte_fallback", 0, "ignore_merges", 0, "vocab", vocab, "merges", merges);
    int failed = json_object_update(root, rules) || json_object_set(root, "model", model);
    json_decref(rules);
    json_decref(model);
    if (!failed) return root;
    json_decref(root);
    return NULL;
}

static json_t *added_decoder_json(int32_t first) {
    json_t *tokens = json_object();
    for (int i = 0; i < QWEN2_ADDED; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", (int)first + i);
        json_object_set_new(tokens, id,
                            json_pack("{s:s, s:b, s:b, s:b, s:b, s:b}", "content", qwen2_added_tokens[i],
                                      "lstrip", 0, "normalized", 0, "rstrip", 0, "single_word", 0, "special",
                                      i < QWEN2_SPECIAL));
    }
    return tokens;
}

json_t *qwen2_tokenizer_config_json(int32_t first_added) {
    json_t *special = json_array(); // all but <|endoftext|>, which is the padding
    for (int i = 1; i < QWEN2_SPECIAL; i++)
        json_array_append_new(special, json_string(qwen2_added_tokens[i]));
    return json_pack("{s:b, s:b, s:o, s:o, s:n, s:s, s:b, s:s, s:s, s:i, s:s, s:b, s:s, s:n}",
                     "add_bos_token", 0, "add_prefix_space", 0, "added_tokens_decoder",
                     added_decoder_json(first_added), "additional_special_tokens", special, "bos_token",
                     "chat_template", qwen2_chat_template, "clean_up_tokenization_spaces", 0, "eos_token",
                     "<|im_end|>", "errors", "replace", "model_max_length", 131072, "pad_token",
                     "<|endoftext|>", "split_special_tokens", 0, "tokenizer_class", "Qwen2Tokenizer",
                     "unk_token");
}
