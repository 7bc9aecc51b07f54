// Products whose results for a row of x are the same whatever rows are beside it: every device->exact forward
// operation, for one row (decoding) and for many (prefill, training).
#include "base/memory.h"
#include "tensor/cpu/cpu_internal.h"

enum {
    FEW_ROWS = 3,        // one pass over w, straight from the checkpoint
    FEW_BYTES = 1 << 18, // of w that a thread then takes at a time
    BLOCK_ROWS = 96,     // of x that stay in the second-level cache while panels of w pass by
    PANEL_ROWS = 64      // of w that one thread takes at a time with many rows
};

static void *element(struct matrix m, size_t row, size_t column) {
    return (char *)m.data + (row * m.stride + column) * dtype_size(m.dtype);
}

// What one thread computes: rows of x by rows of w.
struct product {
    struct cpu_device *cpu;
    struct matrix y, x, w; // x is F32
    const float *bias;
    bool add;
    size_t block, chunk;
};

static void run_part(const struct product *p, size_t part) {
    size_t blocks = (p->x.rows + p->block - 1) / p->block;
    size_t row = part % blocks * p->block, first = part / blocks * p->chunk;
    size_t m = p->x.rows - row < p->block ? p->x.rows - row : p->block;
    size_t n = p->w.rows - first < p->chunk ? p->w.rows - first : p->chunk;
    float *sums = p->cpu->scratch[cpu_thread()], *panel = sums + p->block * p->chunk;
    const struct matrix x = matrix_rows(p->x, row, m);
    p->cpu->kernels->row_linear(sums, n, x.data, x.stride, m, element(p->w, first, 0), p->w.dtype,
                                p->w.stride, n, p->w.columns, panel);
    cpu_finish_sums(p->cpu->kernels, matrix_rows(p->y, row, m), first, n, sums, p->bias, p->add);
}

static size_t at_least(size_t value, size_t least) {
    return value > least ? value : least;
}

void cpu_linear_exact(struct cpu_device *cpu, struct matrix y, struct matrix x, struct matrix w,
                      const float *bias, bool add) {
    size_t k = at_least(w.columns, 1), threads = (size_t)cpu->base.threads, mark = arena_mark(cpu->backward);
    struct product p = {
        .cpu = cpu, .y = y, .x = cpu_converted(cpu, x, DTYPE_F32), .w = w, .bias = bias, .add = add};
    if (x.rows <= FEW_ROWS) {
        size_t even = (w.rows + threads - 1) / threads;
        p.block = x.rows;
        p.chunk = at_least(FEW_BYTES / (k * dtype_size(w.dtype)) / 4 * 4, 4);
        if (p.chunk > even) p.chunk = at_least(even, 1);
    } else {
        p.block = BLOCK_ROWS;
        p.chunk = PANEL_ROWS;
        if (p.block > x.rows) p.block = x.rows;
    }
    bool ready = p.x.data != NULL;
    for (int t = 0; ready && t < cpu->base.threads; t++)
        ready = cpu_scratch(cpu, t, p.block * p.chunk + ROW_PANEL + 4 * k);
    size_t parts = (x.rows + p.block - 1) / p.block * ((w.rows + p.chunk - 1) / p.chunk);
    bool parallel = x.rows * w.rows * k > 1 << 15;
#pragma omp parallel for num_threads(cpu->base.threads) schedule(dynamic, 1) if (parallel)
    for (size_t part = 0; part < (ready ? parts : 0); part++) run_part(&p, part);
    arena_rewind(cpu->backward, mark);
}
