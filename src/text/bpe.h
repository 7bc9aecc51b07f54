// Byte-pair merging: the neighbours with the lowest rank are merged, the leftmost first, until no pair is in
// the table.
#ifndef GLOBE_TEXT_BPE_H
#define GLOBE_TEXT_BPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "text/ids.h"

// Open addressing over pairs of ids; rank BPE_NO_RANK marks a free slot.
#define BPE_NO_RANK UINT32_MAX
struct bpe_merge {
    int32_t left, right;
    uint32_t rank;
    int32_t merged;
};

struct bpe {
    struct bpe_merge *slots;
    size_t slot_count;       // a power of two
    struct bpe_merge *bytes; // [256 * 256] the merges of two single bytes, which are looked up most
    const int32_t *byte_ids; // [256] the token of each byte (kept by the caller)
};

int bpe_start(struct bpe *bpe, size_t merges, const int32_t *byte_ids, struct error *error);
// Ranks count up from 0. A pair that is there already takes the later rank, as in the reference.
void bpe_add(struct bpe *bpe, int32_t left, int32_t right, uint32_t rank, int32_t merged);
void bpe_finish(struct bpe *bpe); // call after the last bpe_add
void bpe_free(struct bpe *bpe);

// Scratch memory, kept from one piece to the next. Start from {0}.
struct bpe_work {
    struct bpe_symbol *symbols;
    uint64_t *heap;
    size_t capacity;
};
void bpe_work_free(struct bpe_work *work);

// Appends the ids of one piece of text. Time n log n in its length.
int bpe_encode(const struct bpe *bpe, struct bpe_work *work, const char *piece, size_t length,
               struct ids *ids, struct error *error);

#endif
