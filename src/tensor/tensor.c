#include "tensor/tensor.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} types[DTYPE_COUNT] = {
    [DTYPE_F32] = {"F32", 4}, [DTYPE_BF16] = {"BF16", 2}, [DTYPE_F16] = {"F16", 2}, [DTYPE_F64] = {"F64", 8},
    [DTYPE_I8] = {"I8", 1},   [DTYPE_U8] = {"U8", 1},     [DTYPE_I16] = {"I16", 2}, [DTYPE_I32] = {"I32", 4},
    [DTYPE_I64] = {"I64", 8}, [DTYPE_BOOL] = {"BOOL", 1},
};

size_t dtype_size(enum dtype dtype) {
    return types[dtype].size;
}

const char *dtype_name(enum dtype dtype) {
    return types[dtype].name;
}

bool dtype_find(const char *name, enum dtype *dtype) {
    for (int i = 0; i < DTYPE_COUNT; i++)
        if (strcmp(types[i].name, name) == 0) {
            *dtype = (enum dtype)i;
            return true;
        }
    return false;
}

size_t tensor_count(const struct tensor *tensor) {
    size_t count = 1;
    for (int i = 0; i < tensor->dims; i++) count *= tensor->shape[i];
    return count;
}

size_t tensor_bytes(const struct tensor *tensor) {
    return tensor_count(tensor) * dtype_size(tensor->dtype);
}

size_t tensor_columns(const struct tensor *tensor) {
    return tensor->dims ? tensor->shape[tensor->dims - 1] : 1;
}

size_t tensor_rows(const struct tensor *tensor) {
    size_t rows = 1;
    for (int i = 0; i + 1 < tensor->dims; i++) rows *= tensor->shape[i];
    return rows;
}

void tensor_describe_shape(const struct tensor *tensor, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "[");
    for (int i = 0; i < tensor->dims && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, i ? ", %zu" : "%zu", tensor->shape[i]);
    if (used < size) snprintf(text + used, size - used, "]");
}

struct matrix matrix_of(void *data, enum dtype dtype, size_t rows, size_t columns) {
    return (struct matrix){.data = data, .dtype = dtype, .rows = rows, .columns = columns, .stride = columns};
}

struct matrix matrix_of_tensor(const struct tensor *tensor) {
    return matrix_of(tensor->data, tensor->dtype, tensor_rows(tensor), tensor_columns(tensor));
}

struct matrix matrix_rows(struct matrix matrix, size_t first, size_t count) {
    matrix.data = (char *)matrix.data + first * matrix.stride * dtype_size(matrix.dtype);
    matrix.rows = count;
    return matrix;
}

struct matrix matrix_columns(struct matrix matrix, size_t first, size_t count) {
    matrix.data = (char *)matrix.data + first * dtype_size(matrix.dtype);
    matrix.columns = count;
    return matrix;
}
