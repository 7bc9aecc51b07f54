// Learning a byte-level BPE from texts: which pairs of neighbouring tokens to merge, the most frequent first
// (Sennrich et al. 2016, on bytes as in GPT-2).
//
//     struct bpe_trainer *trainer = bpe_trainer_new(&error);
//     bpe_trainer_add(trainer, text, length, &error); // as often as wanted
//     bpe_trainer_learn(trainer, 3000, &error);
//     bpe_trainer_save(trainer, "tokenizer", &error);
//     bpe_trainer_free(trainer);
//
// Texts are cut into words as the tokenizer that comes out will cut them (text/qwen2_rules.h): added tokens
// split out, NFC, the regular expression. Merges never cross the borders of words. Of equally frequent pairs
// the one whose left token, then whose right token comes first in byte order is merged, so the result depends
// on nothing but the words and their counts. A pair that would spell a token which is there already is passed
// over: every token is the result of one merge, as in the published files.
#ifndef GLOBE_TEXT_BPE_TRAIN_H
#define GLOBE_TEXT_BPE_TRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    BPE_TRAINER_LEAST_SIZE = 256 + 22,   // bytes and added tokens
    BPE_TRAINER_MOST_SIZE = 1000 * 1000, // more tokens than any published vocabulary
    BPE_TRAINER_LEAST_COUNT = 2,         // a pair that occurs once says nothing about other texts
};

struct bpe_trainer;
struct bpe_trainer *bpe_trainer_new(struct error *error);
void bpe_trainer_free(struct bpe_trainer *trainer); // NULL is fine

// Counts the words of text[0, length) (UTF-8; invalid bytes are U+FFFD, as when encoding). Words do not go on
// from one text to the next. ERROR_LIMIT when the different words together exceed 4 GiB, ERROR_MEMORY.
int bpe_trainer_add(struct bpe_trainer *trainer, const char *text, size_t length, struct error *error);

// Learns until there are `size` tokens, bytes and added tokens included, or no pair occurs twice; once, after
// the last text. ERROR_USAGE when size is out of range, ERROR_INPUT when there were no words.
int bpe_trainer_learn(struct bpe_trainer *trainer, size_t size, struct error *error);

size_t bpe_trainer_words(const struct bpe_trainer *trainer); // different words
size_t bpe_trainer_bytes(const struct bpe_trainer *trainer); // of all texts, without added tokens
size_t bpe_trainer_size(const struct bpe_trainer *trainer);  // tokens, added ones included
// Tokens that the texts come to when they are encoded, without added tokens.
uint64_t bpe_trainer_encoded(const struct bpe_trainer *trainer);

// tokenizer.json, tokenizer_config.json and chat_template.json in FOLDER, which is made if need be.
int bpe_trainer_save(const struct bpe_trainer *trainer, const char *folder, struct error *error);

#endif
