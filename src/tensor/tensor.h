// A tensor is a shape, a type and a pointer: row-major, contiguous unless row_stride says otherwise.
#ifndef GLOBE_TENSOR_TENSOR_H
#define GLOBE_TENSOR_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dtype {
    DTYPE_F32,
    DTYPE_BF16,
    DTYPE_F16,
    DTYPE_F64,
    DTYPE_I8,
    DTYPE_U8,
    DTYPE_I16,
    DTYPE_I32,
    DTYPE_I64,
    DTYPE_BOOL,
    DTYPE_COUNT // room for quantised weights: a type with its own block size and bytes per block
};

enum { TENSOR_MAX_DIMS = 8 };

struct tensor {
    void *data;
    enum dtype dtype;
    int dims;
    size_t shape[TENSOR_MAX_DIMS];
};

// A view of rows of a tensor: what the operations of the device table read and write. Element (r, c) lies at
// data[r * stride + c].
struct matrix {
    void *data;
    enum dtype dtype;
    size_t rows;
    size_t columns;
    size_t stride; // elements from one row to the next, >= columns
};

size_t dtype_size(enum dtype dtype);      // bytes per element
const char *dtype_name(enum dtype dtype); // "F32", "BF16", ... as safetensors spells them
bool dtype_find(const char *name, enum dtype *dtype);

size_t tensor_count(const struct tensor *tensor); // elements; 1 for a scalar
size_t tensor_bytes(const struct tensor *tensor);
size_t tensor_columns(const struct tensor *tensor); // last dimension (1 for a scalar)
size_t tensor_rows(const struct tensor *tensor);    // everything before it
// "[3, 4]" into text.
void tensor_describe_shape(const struct tensor *tensor, char *text, size_t size);

struct matrix matrix_of(void *data, enum dtype dtype, size_t rows, size_t columns); // contiguous
struct matrix matrix_of_tensor(const struct tensor *tensor); // [rows, columns] as above
struct matrix matrix_rows(struct matrix matrix, size_t first, size_t count);
struct matrix matrix_columns(struct matrix matrix, size_t first, size_t count);

// bfloat16 is the upper half of a float32; rounding is to nearest even, NaN stays NaN.
static inline float bf16_to_f32(uint16_t value) {
    union {
        uint32_t u;
        float f;
    } x = {.u = (uint32_t)value << 16};
    return x.f;
}
static inline uint16_t f32_to_bf16(float value) {
    union {
        float f;
        uint32_t u;
    } x = {.f = value};
    if ((x.u & 0x7FFFFFFFu) > 0x7F800000u) return (uint16_t)(x.u >> 16 | 64);
    return (uint16_t)((x.u + 0x7FFFu + (x.u >> 16 & 1)) >> 16);
}

#endif
