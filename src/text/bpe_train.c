#include "text/bpe_train.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "text/added.h"
#include "text/bpe_train_internal.h"
#include "text/nfc.h"
#include "text/qwen2_rules.h"
#include "text/split.h"

struct bpe_trainer *bpe_trainer_new(struct error *error) {
    struct bpe_trainer *trainer = memory_new(1, sizeof *trainer, "training of a tokenizer", error);
    json_t *rules = trainer ? qwen2_rules_json() : NULL;
    const json_t *split =
        json_array_get(json_object_get(json_object_get(rules, "pre_tokenizer"), "pretokenizers"), 0);
    const json_t *regex = json_object_get(json_object_get(split, "pattern"), "Regex");
    int failed = trainer == NULL;
    if (trainer && !regex) failed = error_set(error, ERROR_MEMORY, "training of a tokenizer: out of memory");
    if (!failed) {
        trainer->rule = split_rule_new(json_string_value(regex), json_string_length(regex), "Qwen2", error);
        failed = !trainer->rule || split_open(&trainer->split, trainer->rule, error);
    }
    for (int i = 0; i < QWEN2_ADDED && !failed; i++)
        failed = added_insert(&trainer->added, qwen2_added_tokens[i], strlen(qwen2_added_tokens[i]), i,
                              "Qwen2", error);
    json_decref(rules);
    if (!failed) return trainer;
    bpe_trainer_free(trainer);
    return NULL;
}

void bpe_trainer_free(struct bpe_trainer *trainer) {
    if (!trainer) return;
    split_close(&trainer->split);
    split_rule_free(trainer->rule);
    added_free(&trainer->added);
    buffer_free(&trainer->normal);
    buffer_free(&trainer->letters);
    free(trainer->words);
    free(trainer->slots);
    buffer_free(&trainer->spelt);
    free(trainer->tokens);
    free(trainer->merges);
    free(trainer);
}

// ---- counting words -------------------------------------------------------------------------------------

static uint64_t hash_word(const char *word, size_t length) {
    uint64_t hash = 0xCBF29CE484222325u; // FNV-1a, then mixed, as only the low bits are used
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)word[i]) * 0x100000001B3u;
    hash ^= hash >> 32;
    return hash * 0x9E3779B97F4A7C15u >> 20;
}

// The slot of a word, or the free one where it belongs. Slots hold the word's number + 1.
static uint32_t *find_slot(const struct bpe_trainer *trainer, const char *word, size_t length) {
    size_t mask = trainer->slot_count - 1;
    for (size_t i = hash_word(word, length) & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &trainer->slots[i];
        if (*slot == 0) return slot;
        const struct trained_word *known = &trainer->words[*slot - 1];
        if (known->length == length && memcmp(trainer->letters.data + known->start, word, length) == 0)
            return slot;
    }
}

// Words and slots double together; the slots are never more than half full.
static int grow_words(struct bpe_trainer *trainer, struct error *error) {
    size_t capacity = trainer->word_capacity ? trainer->word_capacity * 2 : 1 << 14;
    if (capacity > UINT32_MAX / 2)
        return error_set(error, ERROR_LIMIT, "training of a tokenizer: too many different words");
    void *grown = memory_grow(trainer->words, capacity, sizeof *trainer->words, "word list", error);
    if (!grown) return -1;
    trainer->words = grown;
    uint32_t *slots = memory_new(capacity * 2, sizeof *slots, "word list", error);
    if (!slots) return -1;
    free(trainer->slots);
    trainer->slots = slots;
    trainer->slot_count = capacity * 2;
    trainer->word_capacity = capacity;
    for (size_t i = 0; i < trainer->word_count; i++) {
        const struct trained_word *word = &trainer->words[i];
        *find_slot(trainer, trainer->letters.data + word->start, word->length) = (uint32_t)i + 1;
    }
    return 0;
}

static int count_word(struct bpe_trainer *trainer, const char *text, size_t length, struct error *error) {
    if (trainer->word_count == trainer->word_capacity && grow_words(trainer, error)) return -1;
    trainer->bytes += length;
    uint32_t *slot = find_slot(trainer, text, length);
    if (*slot) {
        trainer->words[*slot - 1].count++;
        return 0;
    }
    if (trainer->letters.length + length >= UINT32_MAX)
        return error_set(error, ERROR_LIMIT, "training of a tokenizer: the words are longer than 4 GiB");
    trainer->words[trainer->word_count] = (struct trained_word){
        .start = (uint32_t)trainer->letters.length, .length = (uint32_t)length, .count = 1};
    buffer_add(&trainer->letters, text, length);
    if (trainer->letters.failed) return error_set(error, ERROR_MEMORY, "word list: out of memory");
    *slot = (uint32_t)++trainer->word_count;
    return 0;
}

static int count_plain(struct bpe_trainer *trainer, const char *text, size_t length, struct error *error) {
    if (!nfc_is_certain(text, length)) {
        buffer_clear(&trainer->normal);
        if (nfc_add(&trainer->normal, text, length, error)) return -1;
        text = trainer->normal.data;
        length = trainer->normal.length;
    }
    const char *word;
    size_t word_length;
    int more;
    split_text(&trainer->split, text, length);
    while ((more = split_next(&trainer->split, &word, &word_length, error)) > 0)
        if (count_word(trainer, word, word_length, error)) return -1;
    return more;
}

static int count_valid(struct bpe_trainer *trainer, const char *text, size_t length, struct error *error) {
    while (length > 0) {
        size_t match = 0;
        int32_t id;
        size_t before = added_search(&trainer->added, text, length, &match, &id);
        if (before > 0 && count_plain(trainer, text, before, error)) return -1;
        text += before + match;
        length -= before + match;
    }
    return 0;
}

int bpe_trainer_add(struct bpe_trainer *trainer, const char *text, size_t length, struct error *error) {
    if (utf8_is_valid(text, length)) return count_valid(trainer, text, length, error);
    struct buffer valid = {0};
    utf8_add_valid(&valid, text, length);
    int result = valid.failed ? error_set(error, ERROR_MEMORY, "text to learn from: out of memory")
                              : count_valid(trainer, valid.data, valid.length, error);
    buffer_free(&valid);
    return result;
}

size_t bpe_trainer_words(const struct bpe_trainer *trainer) {
    return trainer->word_count;
}

size_t bpe_trainer_bytes(const struct bpe_trainer *trainer) {
    return trainer->bytes;
}

size_t bpe_trainer_size(const struct bpe_trainer *trainer) {
    return trainer->token_count + QWEN2_ADDED;
}

uint64_t bpe_trainer_encoded(const struct bpe_trainer *trainer) {
    return trainer->encoded;
}
