// Learning the merges. All different words lie one after the other in an array of symbols; every pair of
// neighbours knows how often it occurs and where. A merge touches only the places of its pair and their
// neighbours, so all merges together take little more than one walk over the words.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "text/bpe_train_internal.h"
#include "text/qwen2_rules.h"

enum { BYTES = 256, GONE = -1, NOWHERE = -1 };

// One token of a word. A symbol that was merged into its left neighbour is GONE.
struct symbol {
    int32_t id;
    uint32_t word;
    int64_t before, after; // NOWHERE at the ends of the word
};

// Two neighbours. Places are added in rising order and never twice; some are out of date: what stands there
// tells.
struct pair {
    int32_t left, right;
    int64_t count;
    uint32_t *places; // of the left symbol
    size_t place_count, place_capacity;
    bool done;   // merged or passed over
    bool queued; // in `changed`
};

// The heap's entries are promises: the pair's count may have fallen since.
struct offer {
    int64_t count;
    uint32_t pair;
};

struct learning {
    struct bpe_trainer *trainer;
    struct error *error;
    struct symbol *symbols;
    size_t symbol_count;
    struct pair *pairs;
    size_t pair_count, pair_capacity;
    uint32_t *pair_slots; // open addressing over (left, right); the pair's number + 1
    size_t pair_slot_count;
    int32_t *token_slots; // open addressing over the tokens' bytes; the id + 1
    size_t token_slot_count;
    struct offer *heap;
    size_t heap_count, heap_capacity;
    uint32_t *changed; // pairs that became more frequent in this step
    size_t changed_count, changed_capacity;
};

// The list with room for one more element, doubled when it is full; NULL when memory runs out.
static void *with_room(void *list, size_t count, size_t *capacity, size_t size, struct error *error) {
    if (count < *capacity) return list;
    size_t larger = *capacity ? *capacity * 2 : 4;
    void *grown = memory_grow(list, larger, size, "training of a tokenizer", error);
    if (grown) *capacity = larger;
    return grown;
}

// ---- tokens ---------------------------------------------------------------------------------------------

static const char *token_bytes(const struct learning *learning, int32_t id, size_t *length) {
    const struct trained_token *token = &learning->trainer->tokens[id];
    *length = token->length;
    return learning->trainer->spelt.data + token->start;
}

static int compare_tokens(const struct learning *learning, int32_t a, int32_t b) {
    size_t a_length, b_length;
    const char *a_bytes = token_bytes(learning, a, &a_length), *b_bytes = token_bytes(learning, b, &b_length);
    int order = memcmp(a_bytes, b_bytes, a_length < b_length ? a_length : b_length);
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static uint64_t mix(uint64_t hash) {
    hash = (hash ^ hash >> 32) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

static int32_t *find_token(const struct learning *learning, const char *bytes, size_t length) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001B3u;
    size_t mask = learning->token_slot_count - 1;
    for (size_t i = mix(hash) & mask;; i = (i + 1) & mask) {
        int32_t *slot = &learning->token_slots[i];
        if (*slot == 0) return slot;
        size_t known_length;
        const char *known = token_bytes(learning, *slot - 1, &known_length);
        if (known_length == length && memcmp(known, bytes, length) == 0) return slot;
    }
}

// The token of these bytes, which lie at the end of `spelt` already; false when there is one.
static bool keep_token(struct learning *learning, size_t start, size_t length) {
    struct bpe_trainer *trainer = learning->trainer;
    int32_t *slot = find_token(learning, trainer->spelt.data + start, length);
    if (*slot) return false;
    trainer->tokens[trainer->token_count] = (struct trained_token){start, length};
    *slot = (int32_t)++trainer->token_count;
    return true;
}

static int start_tokens(struct learning *learning, size_t most) {
    struct bpe_trainer *trainer = learning->trainer;
    learning->token_slot_count = 1024;
    while (learning->token_slot_count < most * 2) learning->token_slot_count *= 2;
    trainer->tokens = memory_new(most, sizeof *trainer->tokens, "tokens", learning->error);
    trainer->merges = memory_new(most, sizeof *trainer->merges, "merges", learning->error);
    learning->token_slots =
        memory_new(learning->token_slot_count, sizeof *learning->token_slots, "tokens", learning->error);
    if (!trainer->tokens || !trainer->merges || !learning->token_slots) return -1;
    for (int byte = 0; byte < BYTES; byte++) {
        char raw = (char)byte;
        buffer_add(&trainer->spelt, &raw, 1);
        if (trainer->spelt.failed) return error_set(learning->error, ERROR_MEMORY, "tokens: out of memory");
        keep_token(learning, (size_t)byte, 1);
    }
    return 0;
}

// ---- pairs ----------------------------------------------------------------------------------------------

static uint32_t *find_pair(const struct learning *learning, int32_t left, int32_t right) {
    size_t mask = learning->pair_slot_count - 1;
    uint64_t hash = mix((uint64_t)(uint32_t)left << 32 | (uint32_t)right);
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &learning->pair_slots[i];
        if (*slot == 0) return slot;
        const struct pair *pair = &learning->pairs[*slot - 1];
        if (pair->left == left && pair->right == right) return slot;
    }
}

static int grow_pairs(struct learning *learning) {
    size_t capacity = learning->pair_capacity ? learning->pair_capacity * 2 : 1 << 14;
    if (capacity > UINT32_MAX / 2)
        return error_set(learning->error, ERROR_LIMIT, "training of a tokenizer: too many different pairs");
    void *grown =
        memory_grow(learning->pairs, capacity, sizeof *learning->pairs, "pairs of tokens", learning->error);
    if (!grown) return -1;
    learning->pairs = grown;
    uint32_t *slots = memory_new(capacity * 2, sizeof *slots, "pairs of tokens", learning->error);
    if (!slots) return -1;
    free(learning->pair_slots);
    learning->pair_slots = slots;
    learning->pair_slot_count = capacity * 2;
    learning->pair_capacity = capacity;
    for (size_t i = 0; i < learning->pair_count; i++)
        *find_pair(learning, learning->pairs[i].left, learning->pairs[i].right) = (uint32_t)i + 1;
    return 0;
}

static struct pair *get_pair(struct learning *learning, int32_t left, int32_t right) {
    if (learning->pair_count == learning->pair_capacity && grow_pairs(learning)) return NULL;
    uint32_t *slot = find_pair(learning, left, right);
    if (*slot == 0) {
        learning->pairs[learning->pair_count] = (struct pair){.left = left, .right = right};
        *slot = (uint32_t)++learning->pair_count;
    }
    return &learning->pairs[*slot - 1];
}

static int64_t count_at(const struct learning *learning, int64_t place) {
    return (int64_t)learning->trainer->words[learning->symbols[place].word].count;
}

static int add_place(struct pair *pair, int64_t place, struct error *error) {
    uint32_t *places =
        with_room(pair->places, pair->place_count, &pair->place_capacity, sizeof *places, error);
    if (!places) return -1;
    pair->places = places;
    places[pair->place_count++] = (uint32_t)place;
    return 0;
}

static int note_change(struct learning *learning, struct pair *pair) {
    if (pair->queued) return 0;
    uint32_t *changed = with_room(learning->changed, learning->changed_count, &learning->changed_capacity,
                                  sizeof *changed, learning->error);
    if (!changed) return -1;
    learning->changed = changed;
    changed[learning->changed_count++] = (uint32_t)(pair - learning->pairs);
    pair->queued = true;
    return 0;
}

// The symbol at `place` and the one after it are neighbours from now on.
static int join(struct learning *learning, int64_t place) {
    const struct symbol *left = &learning->symbols[place];
    struct pair *pair = get_pair(learning, left->id, learning->symbols[left->after].id);
    if (!pair || add_place(pair, place, learning->error)) return -1;
    pair->count += count_at(learning, place);
    return note_change(learning, pair);
}

// ... and no longer are.
static void part(struct learning *learning, int64_t place) {
    const struct symbol *left = &learning->symbols[place];
    uint32_t slot = *find_pair(learning, left->id, learning->symbols[left->after].id);
    learning->pairs[slot - 1].count -= count_at(learning, place);
}

// ---- the heap: most frequent first, then in byte order --------------------------------------------------

static bool is_before(const struct learning *learning, struct offer a, struct offer b) {
    if (a.count != b.count) return a.count > b.count;
    const struct pair *x = &learning->pairs[a.pair], *y = &learning->pairs[b.pair];
    int order = compare_tokens(learning, x->left, y->left);
    return (order ? order : compare_tokens(learning, x->right, y->right)) < 0;
}

static int push(struct learning *learning, uint32_t pair) {
    struct offer *heap = with_room(learning->heap, learning->heap_count, &learning->heap_capacity,
                                   sizeof *heap, learning->error);
    if (!heap) return -1;
    learning->heap = heap;
    struct offer offer = {learning->pairs[pair].count, pair};
    size_t at = learning->heap_count++;
    for (; at > 0 && is_before(learning, offer, heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = offer;
    return 0;
}

static struct offer pop(struct learning *learning) {
    struct offer *heap = learning->heap, first = heap[0], last = heap[--learning->heap_count];
    size_t at = 0, count = learning->heap_count;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) break;
        if (child + 1 < count && is_before(learning, heap[child + 1], heap[child])) child++;
        if (!is_before(learning, heap[child], last)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return first;
}

static int push_changed(struct learning *learning) {
    for (size_t i = 0; i < learning->changed_count; i++) {
        struct pair *pair = &learning->pairs[learning->changed[i]];
        pair->queued = false;
        if (pair->count >= BPE_TRAINER_LEAST_COUNT && push(learning, learning->changed[i])) return -1;
    }
    learning->changed_count = 0;
    return 0;
}

// The pair to merge next, or NULL with *failed telling why.
static struct pair *best_pair(struct learning *learning, int *failed) {
    *failed = 0;
    while (learning->heap_count > 0) {
        struct offer offer = pop(learning);
        struct pair *pair = &learning->pairs[offer.pair];
        if (pair->done) continue;
        if (pair->count == offer.count) return pair;
        if (pair->count < BPE_TRAINER_LEAST_COUNT) continue;
        *failed = push(learning, offer.pair); // rarer than promised: back to where it belongs
        if (*failed) return NULL;
    }
    return NULL;
}

// ---- merging --------------------------------------------------------------------------------------------

static int merge_at(struct learning *learning, int64_t place, int32_t merged) {
    struct symbol *symbols = learning->symbols, *left = &symbols[place], *right = &symbols[left->after];
    if (left->before != NOWHERE) part(learning, left->before);
    if (right->after != NOWHERE) part(learning, left->after);
    left->id = merged;
    right->id = GONE;
    left->after = right->after;
    learning->trainer->encoded -= (uint64_t)count_at(learning, place);
    if (left->after != NOWHERE) symbols[left->after].before = place;
    if (left->before != NOWHERE && join(learning, left->before)) return -1;
    return left->after != NOWHERE ? join(learning, place) : 0;
}

static int merge_everywhere(struct learning *learning, struct trained_merge sides, uint32_t *places,
                            size_t count, int32_t merged) {
    for (size_t i = 0; i < count; i++) {
        const struct symbol *left = &learning->symbols[places[i]];
        if (left->id != sides.left || left->after == NOWHERE) continue; // out of date
        if (learning->symbols[left->after].id != sides.right) continue;
        if (merge_at(learning, places[i], merged)) return -1;
    }
    return push_changed(learning);
}

// Appends the token's bytes to `spelt`, where they are already; byte by byte, as `spelt` may move.
static void spell_again(struct bpe_trainer *trainer, struct trained_token token) {
    for (size_t i = 0; i < token.length && !trainer->spelt.failed; i++) {
        char byte = trainer->spelt.data[token.start + i];
        buffer_add(&trainer->spelt, &byte, 1);
    }
}

static int merge_pair(struct learning *learning, struct pair *pair) {
    struct bpe_trainer *trainer = learning->trainer;
    struct trained_merge sides = {pair->left, pair->right};
    uint32_t *places = pair->places;
    size_t count = pair->place_count, start = trainer->spelt.length;
    pair->done = true;
    pair->places = NULL;
    pair->place_count = pair->place_capacity = 0;
    spell_again(trainer, trainer->tokens[sides.left]);
    spell_again(trainer, trainer->tokens[sides.right]);
    int result = 0;
    if (trainer->spelt.failed) {
        result = error_set(learning->error, ERROR_MEMORY, "tokens: out of memory");
    } else if (keep_token(learning, start, trainer->spelt.length - start)) {
        trainer->merges[trainer->merge_count++] = sides;
        result = merge_everywhere(learning, sides, places, count, (int32_t)trainer->token_count - 1);
    } else {
        trainer->spelt.length = start;
    }
    free(places);
    return result;
}

// ---- all together ---------------------------------------------------------------------------------------

static int start_symbols(struct learning *learning) {
    struct bpe_trainer *trainer = learning->trainer;
    learning->symbols =
        memory_new(trainer->letters.length, sizeof *learning->symbols, "words", learning->error);
    if (!learning->symbols) return -1;
    for (size_t w = 0; w < trainer->word_count; w++) {
        const struct trained_word *word = &trainer->words[w];
        int64_t first = word->start, end = first + word->length;
        for (int64_t at = first; at < end; at++)
            learning->symbols[at] = (struct symbol){.id = (unsigned char)trainer->letters.data[at],
                                                    .word = (uint32_t)w,
                                                    .before = at == first ? NOWHERE : at - 1,
                                                    .after = at + 1 == end ? NOWHERE : at + 1};
        trainer->encoded += word->length * word->count;
        for (int64_t at = first; at + 1 < end; at++)
            if (join(learning, at)) return -1;
    }
    return push_changed(learning);
}

static int learn(struct learning *learning, size_t size) {
    size_t most = size - QWEN2_ADDED;
    if (start_tokens(learning, most) || start_symbols(learning)) return -1;
    while (learning->trainer->token_count < most) {
        int failed;
        struct pair *pair = best_pair(learning, &failed);
        if (!pair) return failed;
        if (merge_pair(learning, pair)) return -1;
    }
    return 0;
}

static void free_learning(struct learning *learning) {
    for (size_t i = 0; i < learning->pair_count; i++) free(learning->pairs[i].places);
    free(learning->symbols);
    free(learning->pairs);
    free(learning->pair_slots);
    free(learning->token_slots);
    free(learning->heap);
    free(learning->changed);
}

int bpe_trainer_learn(struct bpe_trainer *trainer, size_t size, struct error *error) {
    if (size < BPE_TRAINER_LEAST_SIZE || size > BPE_TRAINER_MOST_SIZE)
        return error_set(error, ERROR_USAGE, "a vocabulary of %zu tokens, expected %d to %d", size,
                         (int)BPE_TRAINER_LEAST_SIZE, (int)BPE_TRAINER_MOST_SIZE);
    if (trainer->word_count == 0)
        return error_set(error, ERROR_INPUT, "there is no text to learn a vocabulary from");
    struct learning learning = {.trainer = trainer, .error = error};
    int result = learn(&learning, size);
    free_learning(&learning);
    return result;
}
