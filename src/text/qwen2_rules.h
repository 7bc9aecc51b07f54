// What stands in the tokenizer files of the Qwen2 family beside the vocabulary and the merges, for whoever
// writes such files (spec: qwen2_5_vl.md sections 9 and 10).
#ifndef GLOBE_TEXT_QWEN2_RULES_H
#define GLOBE_TEXT_QWEN2_RULES_H

#include <jansson.h>
#include <stdint.h>

enum {
    QWEN2_ADDED = 22,   // added tokens, <|endoftext|> first; their ids follow one another
    QWEN2_SPECIAL = 14, // the first of them are special
};
extern const char *const qwen2_added_tokens[QWEN2_ADDED];
extern const char qwen2_chat_template[]; // Jinja; writes what chat_render writes

// All functions give a new reference, or NULL when memory runs out. The first added token has the id
// `first_added`.

// "normalizer", "pre_tokenizer", "post_processor" and "decoder" of a tokenizer.json.
json_t *qwen2_rules_json(void);
// The vocabulary of single bytes: ids 0 to 255 in the published order, visible bytes first.
json_t *qwen2_byte_vocabulary(void);
// A whole tokenizer.json. Takes over `vocab` {token: id} and `merges` ["left right", ...]; NULL is passed on.
json_t *qwen2_tokenizer_json(json_t *vocab, json_t *merges, int32_t first_added);
json_t *qwen2_tokenizer_config_json(int32_t first_added); // tokenizer_config.json

#endif
