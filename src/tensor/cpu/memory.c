// Memory of the CPU device: the host's own.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "tensor/cpu/cpu_internal.h"

enum { PARALLEL_BYTES = 1 << 20 }; // below, a parallel region costs more than it saves

void *cpu_allocate(struct device *device, size_t bytes, enum device_memory kind) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    struct error error = {0};
    if (cpu->guard) return cpu_guard_allocate(cpu->guard, bytes);
    if (kind == DEVICE_DENSE) return memory_new_aligned(bytes, 1, "tensors", &error);
    void *data =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return data == MAP_FAILED ? NULL : data;
}

void *cpu_adopt(struct device *device, const void *host, size_t bytes) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    if (!cpu->guard) return (void *)(uintptr_t)host;
    void *copy = cpu_guard_allocate(cpu->guard, bytes ? bytes : 1);
    if (!copy) return NULL;
    cpu_guard_open(cpu->guard);
    memcpy(copy, host, bytes);
    cpu_guard_shut(cpu->guard);
    return copy;
}

void cpu_release(struct device *device, const struct device_block *block) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    if (cpu->guard)
        cpu_guard_release(cpu->guard, block->data);
    else if (block->host)
        return;
    else if (block->kind == DEVICE_SPARSE)
        munmap(block->data, block->bytes);
    else
        free(block->data);
}

static char *row_of(struct matrix m, size_t row) {
    return (char *)m.data + row * m.stride * dtype_size(m.dtype);
}

// Rows of `bytes`, `step` bytes apart.
static void copy_rows(int threads, char *to, size_t to_step, const char *from, size_t from_step, size_t bytes,
                      size_t rows) {
    if (to_step == bytes && from_step == bytes && rows * bytes < PARALLEL_BYTES) {
        memcpy(to, from, rows * bytes);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * bytes >= PARALLEL_BYTES)
    for (size_t r = 0; r < rows; r++) memcpy(to + r * to_step, from + r * from_step, bytes);
}

void cpu_upload(struct device *device, struct matrix to, const void *from) {
    size_t size = dtype_size(to.dtype), bytes = to.columns * size;
    copy_rows(device->threads, to.data, to.stride * size, from, bytes, bytes, to.rows);
}

void cpu_download(struct device *device, void *to, struct matrix from) {
    size_t size = dtype_size(from.dtype), bytes = from.columns * size;
    copy_rows(device->threads, to, bytes, from.data, from.stride * size, bytes, from.rows);
}

void cpu_copy_all(struct device *device, const struct device_copy *copies, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct matrix to = copies[i].to, from = copies[i].from;
        size_t size = dtype_size(to.dtype);
        if (to.rows && to.columns)
            copy_rows(device->threads, to.data, to.stride * size, from.data, from.stride * size,
                      to.columns * size, to.rows);
    }
}

void cpu_clear(struct device *device, struct matrix matrix) {
    size_t bytes = matrix.columns * dtype_size(matrix.dtype);
#pragma omp parallel for num_threads(device->threads) \
    schedule(static) if (matrix.rows * bytes >= PARALLEL_BYTES)
    for (size_t r = 0; r < matrix.rows; r++) memset(row_of(matrix, r), 0, bytes);
}
