// What a trainer of tokenizers holds, for the files that count words, learn merges and write the result.
#ifndef GLOBE_TEXT_BPE_TRAIN_INTERNAL_H
#define GLOBE_TEXT_BPE_TRAIN_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "text/added.h"
#include "text/bpe_train.h"
#include "text/split.h"

struct trained_word {
    uint32_t start, length; // its bytes within bpe_trainer.letters
    uint64_t count;
};

struct trained_token {
    size_t start, length; // its bytes within bpe_trainer.spelt
};

struct trained_merge {
    int32_t left, right; // the result is token 256 + the merge's number
};

struct bpe_trainer {
    // How texts are cut.
    struct split_rule *rule;
    struct split split;
    struct added added;
    struct buffer normal; // a piece in NFC
    // The different words. Slots: open addressing over their bytes.
    struct buffer letters;
    struct trained_word *words;
    size_t word_count, word_capacity;
    uint32_t *slots;
    size_t slot_count; // a power of two
    size_t bytes;
    // What was learnt. The tokens of single bytes are numbered by the byte here; files number them otherwise.
    struct buffer spelt;
    struct trained_token *tokens;
    size_t token_count;
    struct trained_merge *merges;
    size_t merge_count;
    uint64_t encoded;
};

#endif
