// The guard: all blocks of a device in one reserved part of the address space, which can be read and written
// only while an operation runs. Whoever follows an address of the device from outside ends with SIGSEGV at
// that line. Blocks are as far apart as pages are, end at the end of a page, and are filled with NaN, so that
// what is read before it was written shows.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "tensor/cpu/cpu_internal.h"

struct piece {
    size_t start, size; // in the reserved part, whole pages
    bool taken;
};

struct cpu_guard {
    void *mapping;
    char *base; // in the mapping, at a huge page
    size_t reserved, page;
    size_t used; // up to the end of the last piece
    struct piece *pieces;
    size_t count, room;
};

enum {
    ALIGNMENT = 64,   // of what is handed out
    HUGE = 2 << 20,   // huge pages, where there are some: few entries to change at every operation
    FILLED = 64 << 20 // larger blocks stay as the system gives them
};

struct cpu_guard *cpu_guard_new(struct error *error) {
    struct cpu_guard *guard = memory_new(1, sizeof *guard, "guard", error);
    if (!guard) return NULL;
    guard->page = (size_t)sysconf(_SC_PAGESIZE);
    guard->reserved = (size_t)64 << 30;
    guard->mapping =
        mmap(NULL, guard->reserved + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (guard->mapping == MAP_FAILED) {
        error_set(error, ERROR_MEMORY, "guard: no address space");
        free(guard);
        return NULL;
    }
    guard->base = (char *)guard->mapping + (HUGE - (uintptr_t)guard->mapping % HUGE);
    madvise(guard->base, guard->reserved, MADV_HUGEPAGE);
    return guard;
}

void cpu_guard_free(struct cpu_guard *guard) {
    if (!guard) return;
    munmap(guard->mapping, guard->reserved + HUGE);
    free(guard->pieces);
    free(guard);
}

static void protect(struct cpu_guard *guard, int protection) {
    if (guard->used) mprotect(guard->base, (guard->used + HUGE - 1) / HUGE * HUGE, protection);
}

void cpu_guard_open(struct cpu_guard *guard) {
    protect(guard, PROT_READ | PROT_WRITE);
}

void cpu_guard_shut(struct cpu_guard *guard) {
    protect(guard, PROT_NONE);
}

// A free piece of exactly this size, or a new one at the end: training and decoding ask for the same sizes
// again.
static struct piece *find(struct cpu_guard *guard, size_t size) {
    struct error error = {0};
    for (size_t i = 0; i < guard->count; i++)
        if (!guard->pieces[i].taken && guard->pieces[i].size == size) return &guard->pieces[i];
    if (size > guard->reserved - guard->used) return NULL;
    if (guard->count == guard->room) {
        size_t room = guard->room ? 2 * guard->room : 64;
        void *grown = memory_grow(guard->pieces, room, sizeof *guard->pieces, "guard", &error);
        if (!grown) return NULL;
        guard->pieces = grown;
        guard->room = room;
    }
    struct piece *piece = &guard->pieces[guard->count++];
    *piece = (struct piece){.start = guard->used, .size = size};
    guard->used += size;
    return piece;
}

void *cpu_guard_allocate(struct cpu_guard *guard, size_t bytes) {
    if (bytes > guard->reserved) return NULL;
    size_t wanted = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t size = (wanted + guard->page - 1) / guard->page * guard->page;
    struct piece *piece = find(guard, size);
    if (!piece) return NULL;
    piece->taken = true;
    char *start = guard->base + piece->start;
    if (size <= FILLED) {
        cpu_guard_open(guard);
        memset(start, 0xFF, size);
        cpu_guard_shut(guard);
    }
    return start + (size - wanted);
}

void cpu_guard_release(struct cpu_guard *guard, void *data) {
    size_t offset = (size_t)((char *)data - guard->base);
    for (size_t i = 0; i < guard->count; i++) {
        struct piece *piece = &guard->pieces[i];
        if (offset < piece->start || offset - piece->start >= piece->size) continue;
        if (piece->size > FILLED) madvise(guard->base + piece->start, piece->size, MADV_DONTNEED);
        piece->taken = false;
        return;
    }
}
