// Matrices that live for one forward pass.
#ifndef GLOBE_MODEL_WORKSPACE_H
#define GLOBE_MODEL_WORKSPACE_H

#include "base/memory.h"
#include "tensor/tensor.h"

// A contiguous matrix from the arena, not zeroed; data is NULL (and *error set) when memory ran out.
static inline struct matrix workspace_matrix(struct arena *arena, enum dtype type, size_t rows,
                                             size_t columns, struct error *error) {
    size_t values;
    struct matrix matrix = matrix_of(NULL, type, rows, columns);
    if (!memory_multiply(rows, columns, &values))
        error_set(error, ERROR_MEMORY, "a matrix of %zu by %zu is too large", rows, columns);
    else if (!error->code)
        matrix.data = arena_get(arena, values, dtype_size(type), error);
    return matrix;
}

#endif
