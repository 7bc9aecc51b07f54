#include "text/bpe.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    MAX_PIECE = 256 * 1024 * 1024, // bytes without a place to split: more is an attack or an accident
};

int bpe_start(struct bpe *bpe, size_t merges, const int32_t *byte_ids, struct error *error) {
    *bpe = (struct bpe){.byte_ids = byte_ids, .slot_count = 1024};
    while (bpe->slot_count < merges * 2) bpe->slot_count *= 2;
    bpe->slots = memory_new(bpe->slot_count, sizeof *bpe->slots, "merges", error);
    bpe->bytes = memory_new(256 * 256, sizeof *bpe->bytes, "merges", error);
    if (!bpe->slots || !bpe->bytes) {
        bpe_free(bpe);
        return -1;
    }
    for (size_t i = 0; i < bpe->slot_count; i++) bpe->slots[i].rank = BPE_NO_RANK;
    return 0;
}

// The slot of a pair, or the free one where it belongs.
static struct bpe_merge *find(const struct bpe *bpe, int32_t left, int32_t right) {
    uint64_t hash = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    size_t mask = bpe->slot_count - 1;
    for (size_t i = (hash ^ hash >> 32) & mask;; i = (i + 1) & mask) {
        struct bpe_merge *slot = &bpe->slots[i];
        if (slot->rank == BPE_NO_RANK || (slot->left == left && slot->right == right)) return slot;
    }
}

void bpe_add(struct bpe *bpe, int32_t left, int32_t right, uint32_t rank, int32_t merged) {
    *find(bpe, left, right) = (struct bpe_merge){left, right, rank, merged};
}

void bpe_finish(struct bpe *bpe) {
    for (size_t i = 0; i < 256 * 256; i++)
        bpe->bytes[i] = *find(bpe, bpe->byte_ids[i >> 8], bpe->byte_ids[i & 255]);
}

void bpe_free(struct bpe *bpe) {
    free(bpe->slots);
    free(bpe->bytes);
    *bpe = (struct bpe){0};
}

void bpe_work_free(struct bpe_work *work) {
    free(work->symbols);
    free(work->heap);
    *work = (struct bpe_work){0};
}

// The piece as a doubly linked list in an array. A symbol that was merged into its left neighbour has id -1.
struct bpe_symbol {
    int32_t id;
    int32_t before, after; // -1 at the ends
    uint32_t rank;         // of the pair with the next symbol, BPE_NO_RANK when they do not merge
    int32_t merged;        // what that pair becomes
};

// A binary heap of rank << 32 | position: the lowest rank first, then the leftmost.
static void heap_push(uint64_t *heap, size_t *count, uint64_t value) {
    size_t i = (*count)++;
    while (i > 0 && heap[(i - 1) / 2] > value) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = value;
}

static uint64_t heap_pop(uint64_t *heap, size_t *count) {
    uint64_t top = heap[0], last = heap[--*count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= *count) break;
        if (child + 1 < *count && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= last) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

static int reserve(struct bpe_work *work, size_t length, struct error *error) {
    if (length <= work->capacity) return 0;
    if (length > MAX_PIECE)
        return error_set(error, ERROR_LIMIT, "a piece of text of %zu bytes without a place to split it",
                         length);
    size_t capacity = length < 256 ? 256 : length * 2;
    void *symbols = memory_grow(work->symbols, capacity, sizeof *work->symbols, "text to encode", error);
    if (!symbols) return -1;
    work->symbols = symbols;
    // At most one entry per symbol at the start and two per merge.
    void *heap = memory_grow(work->heap, 3 * capacity, sizeof *work->heap, "text to encode", error);
    if (!heap) return -1;
    work->heap = heap;
    work->capacity = capacity;
    return 0;
}

static void set_pair(struct bpe_work *work, size_t *heap_count, int32_t position,
                     const struct bpe_merge *merge) {
    struct bpe_symbol *symbol = &work->symbols[position];
    symbol->rank = merge->rank;
    symbol->merged = merge->merged;
    if (merge->rank != BPE_NO_RANK)
        heap_push(work->heap, heap_count, (uint64_t)merge->rank << 32 | (uint32_t)position);
}

static size_t start_symbols(const struct bpe *bpe, struct bpe_work *work, const unsigned char *piece,
                            int32_t count) {
    size_t heap_count = 0;
    for (int32_t i = 0; i < count; i++) {
        work->symbols[i] = (struct bpe_symbol){.id = bpe->byte_ids[piece[i]],
                                               .before = i - 1,
                                               .after = i + 1 < count ? i + 1 : -1,
                                               .rank = BPE_NO_RANK};
        if (i + 1 < count) set_pair(work, &heap_count, i, &bpe->bytes[piece[i] << 8 | piece[i + 1]]);
    }
    return heap_count;
}

// Joins the symbol with the next one and looks at its two new pairs.
static void merge_at(const struct bpe *bpe, struct bpe_work *work, size_t *heap_count, int32_t position) {
    struct bpe_symbol *symbols = work->symbols, *left = &symbols[position], *right = &symbols[left->after];
    left->id = left->merged;
    left->after = right->after;
    left->rank = BPE_NO_RANK;
    right->id = -1;
    if (left->after >= 0) {
        symbols[left->after].before = position;
        set_pair(work, heap_count, position, find(bpe, left->id, symbols[left->after].id));
    }
    if (left->before >= 0)
        set_pair(work, heap_count, left->before, find(bpe, symbols[left->before].id, left->id));
}

int bpe_encode(const struct bpe *bpe, struct bpe_work *work, const char *piece, size_t length,
               struct ids *ids, struct error *error) {
    const unsigned char *bytes = (const unsigned char *)piece;
    if (length == 0) return 0;
    if (length == 1) return ids_add(ids, bpe->byte_ids[bytes[0]], error);
    if (reserve(work, length, error)) return -1;

    size_t heap_count = start_symbols(bpe, work, bytes, (int32_t)length);
    while (heap_count > 0) {
        uint64_t top = heap_pop(work->heap, &heap_count);
        int32_t position = (int32_t)(top & UINT32_MAX);
        const struct bpe_symbol *symbol = &work->symbols[position];
        // An entry is out of date when its symbol is gone or has another neighbour by now.
        if (symbol->id >= 0 && symbol->rank == top >> 32) merge_at(bpe, work, &heap_count, position);
    }
    for (int32_t i = 0; i >= 0; i = work->symbols[i].after)
        if (ids_add(ids, work->symbols[i].id, error)) return -1;
    return 0;
}
