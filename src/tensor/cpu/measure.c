// What this machine can do: see tensor/measure.h.
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "tensor/cpu/cpu_internal.h"

// Sums a block with enough independent chains to keep many loads in flight.
static uint64_t sum_words(const uint64_t *words, size_t count) {
    enum { CHAINS = 32 };
    uint64_t sums[CHAINS] = {0}, total = 0;
    for (size_t i = 0; i + CHAINS <= count; i += CHAINS)
        for (size_t c = 0; c < CHAINS; c++) sums[c] += words[i + c];
    for (size_t c = 0; c < CHAINS; c++) total += sums[c];
    return total;
}

double cpu_read_bandwidth(struct device *device) {
    enum { REPEATS = 5 };
    struct error error = {0};
    const size_t block = (size_t)256 << 20, words = block / sizeof(uint64_t);
    size_t blocks = (size_t)device->threads * 4; // beyond any cache
    if (blocks > 16) blocks = 16;
    uint64_t *data = memory_new_aligned(blocks * block, 1, "bandwidth measurement", &error);
    if (!data) {
        device_fail(device, error.code, "%s", error.message);
        return -1;
    }
#pragma omp parallel for num_threads(device->threads) schedule(static)
    for (size_t b = 0; b < blocks; b++)
        for (size_t i = 0; i < words; i++) data[b * words + i] = i;
    double best = 0;
    for (int r = 0; r < REPEATS; r++) {
        uint64_t total = 0;
        double start = clock_seconds();
#pragma omp parallel for num_threads(device->threads) schedule(static) reduction(+ : total)
        for (size_t b = 0; b < blocks; b++) total += sum_words(data + b * words, words);
        double rate = (double)(blocks * block) / (clock_seconds() - start);
        __asm__ volatile("" ::"r"(total)); // the sums are wanted
        best = rate > best ? rate : best;
    }
    free(data);
    return best;
}

static struct matrix new_matrix(size_t rows, size_t columns, enum dtype type, struct error *error) {
    struct matrix m = matrix_of(memory_new_aligned(rows * columns, dtype_size(type), "measurement", error),
                                type, rows, columns);
    for (size_t i = 0; m.data && i < rows * columns; i++) {
        float value = (float)(i % 251) / 251.0f - 0.5f;
        if (type == DTYPE_BF16)
            ((uint16_t *)m.data)[i] = f32_to_bf16(value);
        else
            ((float *)m.data)[i] = value;
    }
    return m;
}

double cpu_matmul_seconds(struct device *device, size_t m, size_t n, size_t k, enum dtype type, int repeats) {
    struct cpu_device *cpu = (struct cpu_device *)device;
    if (cpu->widen_bf16) type = DTYPE_F32; // the best there is, and what linear() does then
    struct error error = {0};
    struct matrix x = new_matrix(m, k, type, &error), w = new_matrix(n, k, type, &error),
                  y = new_matrix(m, n, type, &error);
    double best = -1;
    bool ok = x.data && w.data && y.data;
    for (int r = 0; ok && r < repeats; r++) {
        double start = clock_seconds();
        if (cpu_matmul_run(cpu->matmul, y, x, w, NULL, DTYPE_F32, false)) {
            error_set(&error, ERROR_INTERNAL, "oneDNN refused the measurement");
            ok = false;
        }
        double spent = clock_seconds() - start;
        if (ok && (best < 0 || spent < best)) best = spent;
    }
    if (error.code) device_fail(device, error.code, "%s", error.message);
    free(x.data);
    free(w.data);
    free(y.data);
    return ok ? best : -1;
}
