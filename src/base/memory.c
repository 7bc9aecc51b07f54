#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool memory_multiply(size_t a, size_t b, size_t *result) {
    return !__builtin_mul_overflow(a, b, result);
}

static void *fail(size_t count, size_t size, const char *what, struct error *error) {
    error_set(error, ERROR_MEMORY, "%s: out of memory (%zu x %zu bytes asked for)", what, count, size);
    return NULL;
}

void *memory_new(size_t count, size_t size, const char *what, struct error *error) {
    size_t bytes;
    if (!memory_multiply(count, size, &bytes)) return fail(count, size, what, error);
    void *block = calloc(1, bytes ? bytes : 1);
    if (!block) return fail(count, size, what, error);
    return block;
}

void *memory_grow(void *block, size_t count, size_t size, const char *what, struct error *error) {
    size_t bytes;
    if (!memory_multiply(count, size, &bytes)) return fail(count, size, what, error);
    void *grown = realloc(block, bytes ? bytes : 1);
    if (!grown) return fail(count, size, what, error);
    return grown;
}

void *memory_new_aligned(size_t count, size_t size, const char *what, struct error *error) {
    size_t bytes;
    if (!memory_multiply(count, size, &bytes) || bytes > SIZE_MAX - 4096)
        return fail(count, size, what, error);
    // Large blocks on huge-page boundaries: fewer TLB misses where activations are streamed.
    size_t align = bytes >= (4u << 20) ? (2u << 20) : 64;
    bytes = (bytes + align) & ~(align - 1);
    void *block = NULL;
    if (posix_memalign(&block, align, bytes)) return fail(count, size, what, error);
    if (align > 64) madvise(block, bytes, MADV_HUGEPAGE);
    return block;
}

char *memory_copy_string(const char *text, size_t length, struct error *error) {
    char *copy = memory_new(length + 1, 1, "text", error);
    if (copy) memcpy(copy, text, length);
    return copy;
}

// Blocks double in size, so few are ever needed; positions count through them as if they were one.
enum { MAX_BLOCKS = 256 };

struct arena {
    struct arena_source source;
    struct {
        char *data;
        size_t size;
    } blocks[MAX_BLOCKS];
    int count;                 // blocks in existence
    int current;               // block that is being filled
    size_t used;               // bytes of it
    size_t starts[MAX_BLOCKS]; // position of each block's first byte
};

static void *get_block(void *context, size_t bytes, struct error *error) {
    (void)context;
    return memory_new_aligned(bytes, 1, "arena", error);
}

static void put_block(void *context, void *block) {
    (void)context;
    free(block);
}

struct arena *arena_new_from(struct arena_source source, struct error *error) {
    struct arena *arena = memory_new(1, sizeof *arena, "arena", error);
    if (arena) arena->source = source;
    return arena;
}

struct arena *arena_new(struct error *error) {
    return arena_new_from((struct arena_source){.get = get_block, .put = put_block}, error);
}

void *arena_get(struct arena *arena, size_t count, size_t size, struct error *error) {
    size_t bytes;
    if (!memory_multiply(count, size, &bytes) || bytes > SIZE_MAX / 4)
        return fail(count, size, "arena", error);
    bytes = (bytes + 63) & ~(size_t)63;
    if (!bytes) bytes = 64;
    while (arena->current < arena->count && arena->used + bytes > arena->blocks[arena->current].size) {
        if (arena->current + 1 == arena->count) break;
        arena->current++;
        arena->used = 0;
    }
    if (arena->count == 0 || arena->used + bytes > arena->blocks[arena->current].size) {
        if (arena->count == MAX_BLOCKS) return fail(count, size, "arena", error);
        size_t want = arena->count ? arena->blocks[arena->count - 1].size * 2 : (size_t)1 << 20;
        if (want > ((size_t)256 << 20)) want = (size_t)256 << 20;
        if (want < bytes) want = bytes;
        char *data = arena->source.get(arena->source.context, want, error);
        if (!data) return NULL;
        int next = arena->count++;
        arena->blocks[next].data = data;
        arena->blocks[next].size = want;
        arena->starts[next] = next ? arena->starts[next - 1] + arena->blocks[next - 1].size : 0;
        arena->current = next;
        arena->used = 0;
    }
    void *result = arena->blocks[arena->current].data + arena->used;
    arena->used += bytes;
    return result;
}

size_t arena_mark(const struct arena *arena) {
    return arena->count ? arena->starts[arena->current] + arena->used : 0;
}

void arena_rewind(struct arena *arena, size_t mark) {
    arena->current = 0;
    while (arena->current + 1 < arena->count && arena->starts[arena->current + 1] <= mark) arena->current++;
    arena->used = arena->count ? mark - arena->starts[arena->current] : 0;
}

void arena_reset(struct arena *arena) {
    arena_rewind(arena, 0);
}

void arena_free(struct arena *arena) {
    if (!arena) return;
    for (int i = 0; i < arena->count; i++) arena->source.put(arena->source.context, arena->blocks[i].data);
    free(arena);
}
