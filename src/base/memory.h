// Memory: checked sizes, aligned blocks for tensors, and arenas for what lives as long as one request or
// step.
#ifndef GLOBE_BASE_MEMORY_H
#define GLOBE_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

// count * size bytes, zeroed; NULL with ERROR_MEMORY ("what: ...") when it overflows or cannot be had.
void *memory_new(size_t count, size_t size, const char *what, struct error *error);
// Like realloc for count * size bytes; on failure the old block stays valid and NULL is returned.
void *memory_grow(void *block, size_t count, size_t size, const char *what, struct error *error);
// The same, 64-byte aligned (a cache line, an AVX-512 register); free() it. Not zeroed.
void *memory_new_aligned(size_t count, size_t size, const char *what, struct error *error);
char *memory_copy_string(const char *text, size_t length, struct error *error); // NUL-terminated copy

// a * b into *result; false when it does not fit a size_t.
bool memory_multiply(size_t a, size_t b, size_t *result);

// Arena: allocations are 64-byte aligned and freed all together. Reset keeps the blocks for the next step.
struct arena;
struct arena *arena_new(struct error *error);
// One that takes its blocks from elsewhere, and never looks into them. `get` returns 64-byte aligned memory,
// or NULL with the error.
struct arena_source {
    void *(*get)(void *context, size_t bytes, struct error *error);
    void (*put)(void *context, void *block);
    void *context;
};
struct arena *arena_new_from(struct arena_source source, struct error *error);
void *arena_get(struct arena *arena, size_t count, size_t size, struct error *error); // not zeroed
size_t arena_mark(const struct arena *arena);                                         // a point to go back to
void arena_rewind(struct arena *arena, size_t mark); // forgets everything taken since the mark
void arena_reset(struct arena *arena);
void arena_free(struct arena *arena);

#endif
