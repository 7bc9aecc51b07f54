// Matrix products by oneDNN, API 2.x or 3.x. Weights stay in the checkpoint's own [out, in] layout: a
// transposed operand to oneDNN, which packs blocks of it into its cache-sized scratch as it goes.
//
// Primitives are kept by shape: a language model asks for the same few dozen again and again, and for small
// models making one takes longer than running it.
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tensor/cpu/cpu_internal.h"

enum { CACHE_SIZE = 512, CACHE_WAYS = 4 };

struct key {
    size_t m, n, k, y_stride, x_stride, w_stride;
    enum dtype y_type, x_type, bias_type;
    bool bias, add;
    bool x_transposed; // x is stored [k, m]
    bool w_plain;      // w is stored [k, n], not [n, k]
};

struct entry {
    struct key key;
    uint64_t used; // for eviction
    dnnl_primitive_t primitive;
    dnnl_memory_t y, x, w, bias; // pointers are set at each run
};

struct cpu_matmul {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    uint64_t clock;
    struct entry entries[CACHE_SIZE];
};

static void clear_entry(struct entry *entry) {
    if (entry->primitive) dnnl_primitive_destroy(entry->primitive);
    if (entry->y) dnnl_memory_destroy(entry->y);
    if (entry->x) dnnl_memory_destroy(entry->x);
    if (entry->w) dnnl_memory_destroy(entry->w);
    if (entry->bias) dnnl_memory_destroy(entry->bias);
    *entry = (struct entry){0};
}

struct cpu_matmul *cpu_matmul_new(struct error *error) {
    struct cpu_matmul *matmul = memory_new(1, sizeof *matmul, "oneDNN", error);
    if (!matmul) return NULL;
    if (dnnl_engine_create(&matmul->engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&matmul->stream, matmul->engine, dnnl_stream_default_flags) != dnnl_success) {
        error_set(error, ERROR_INTERNAL, "oneDNN: no CPU engine");
        cpu_matmul_free(matmul);
        return NULL;
    }
    return matmul;
}

void cpu_matmul_free(struct cpu_matmul *matmul) {
    if (!matmul) return;
    for (int i = 0; i < CACHE_SIZE; i++) clear_entry(&matmul->entries[i]);
    if (matmul->stream) dnnl_stream_destroy(matmul->stream);
    if (matmul->engine) dnnl_engine_destroy(matmul->engine);
    free(matmul);
}

static dnnl_data_type_t dnnl_type(enum dtype type) {
    return type == DTYPE_BF16 ? dnnl_bf16 : dnnl_f32;
}

// The two generations of the API differ in who owns a memory descriptor and in whether there is an operation
// descriptor between it and the primitive.
#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t descriptor;

static bool describe(descriptor *out, int64_t rows, int64_t columns, dnnl_data_type_t type,
                     int64_t row_stride, int64_t column_stride) {
    dnnl_dims_t dims = {rows, columns}, strides = {row_stride, column_stride};
    return dnnl_memory_desc_create_with_strides(out, 2, dims, type, strides) == dnnl_success;
}
static void forget(descriptor *d) {
    if (*d) dnnl_memory_desc_destroy(*d);
}
static bool new_memory(dnnl_memory_t *memory, descriptor *d, dnnl_engine_t engine) {
    return dnnl_memory_create(memory, *d, engine, DNNL_MEMORY_NONE) == dnnl_success;
}
static bool new_matmul(dnnl_primitive_desc_t *out, dnnl_engine_t engine, descriptor *x, descriptor *w,
                       descriptor *bias, descriptor *y, dnnl_primitive_attr_t attributes) {
    return dnnl_matmul_primitive_desc_create(out, engine, *x, *w, bias ? *bias : NULL, *y, attributes) ==
           dnnl_success;
}
static void add_sum(dnnl_post_ops_t post) {
    dnnl_post_ops_append_sum(post, 1.0f, 0, dnnl_data_type_undef);
}

#else

typedef dnnl_memory_desc_t descriptor;

static bool describe(descriptor *out, int64_t rows, int64_t columns, dnnl_data_type_t type,
                     int64_t row_stride, int64_t column_stride) {
    dnnl_dims_t dims = {rows, columns}, strides = {row_stride, column_stride};
    return dnnl_memory_desc_init_by_strides(out, 2, dims, type, strides) == dnnl_success;
}
static void forget(descriptor *d) {
    (void)d;
}
static bool new_memory(dnnl_memory_t *memory, descriptor *d, dnnl_engine_t engine) {
    return dnnl_memory_create(memory, d, engine, DNNL_MEMORY_NONE) == dnnl_success;
}
static bool new_matmul(dnnl_primitive_desc_t *out, dnnl_engine_t engine, descriptor *x, descriptor *w,
                       descriptor *bias, descriptor *y, dnnl_primitive_attr_t attributes) {
    dnnl_matmul_desc_t operation;
    return dnnl_matmul_desc_init(&operation, x, w, bias, y) == dnnl_success &&
           dnnl_primitive_desc_create(out, &operation, attributes, engine, NULL) == dnnl_success;
}
static void add_sum(dnnl_post_ops_t post) {
    dnnl_post_ops_append_sum(post, 1.0f);
}

#endif

// Fills an entry for its key; false leaves it empty.
static bool build(struct cpu_matmul *matmul, struct entry *entry) {
    const struct key *key = &entry->key;
    int64_t m = (int64_t)key->m, n = (int64_t)key->n, k = (int64_t)key->k;
    descriptor x = {0}, w = {0}, y = {0}, bias = {0};
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t post = NULL;
    dnnl_primitive_desc_t made = NULL;
    int64_t x_stride = (int64_t)key->x_stride, w_stride = (int64_t)key->w_stride;
    bool ok = describe(&x, m, k, dnnl_type(key->x_type), key->x_transposed ? 1 : x_stride,
                       key->x_transposed ? x_stride : 1) &&
              describe(&w, k, n, dnnl_type(key->x_type), key->w_plain ? w_stride : 1,
                       key->w_plain ? 1 : w_stride) &&
              describe(&y, m, n, dnnl_type(key->y_type), (int64_t)key->y_stride, 1) &&
              describe(&bias, 1, n, dnnl_type(key->bias_type), n, 1) &&
              dnnl_primitive_attr_create(&attributes) == dnnl_success;
    if (ok && key->add) {
        ok = dnnl_post_ops_create(&post) == dnnl_success;
        if (ok) add_sum(post);
        ok = ok && dnnl_primitive_attr_set_post_ops(attributes, post) == dnnl_success;
    }
    ok = ok && new_matmul(&made, matmul->engine, &x, &w, key->bias ? &bias : NULL, &y, attributes) &&
         dnnl_primitive_create(&entry->primitive, made) == dnnl_success &&
         new_memory(&entry->x, &x, matmul->engine) && new_memory(&entry->w, &w, matmul->engine) &&
         new_memory(&entry->y, &y, matmul->engine) &&
         (!key->bias || new_memory(&entry->bias, &bias, matmul->engine));
    if (made) dnnl_primitive_desc_destroy(made);
    if (post) dnnl_post_ops_destroy(post);
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    forget(&x);
    forget(&w);
    forget(&y);
    forget(&bias);
    if (!ok) clear_entry(entry);
    return ok;
}

static bool same_key(const struct key *a, const struct key *b) {
    return a->m == b->m && a->n == b->n && a->k == b->k && a->y_stride == b->y_stride &&
           a->x_stride == b->x_stride && a->w_stride == b->w_stride && a->y_type == b->y_type &&
           a->x_type == b->x_type && a->bias_type == b->bias_type && a->bias == b->bias && a->add == b->add &&
           a->x_transposed == b->x_transposed && a->w_plain == b->w_plain;
}

static struct entry *find(struct cpu_matmul *matmul, const struct key *key) {
    uint64_t hash = key->m * 0x9E3779B97F4A7C15u;
    hash = (hash ^ key->n) * 0x9E3779B97F4A7C15u;
    hash = (hash ^ key->k) * 0x9E3779B97F4A7C15u;
    hash = (hash ^ (uint64_t)(key->add + 2 * key->bias + 4 * (key->y_type == DTYPE_F32) +
                              8 * key->x_transposed + 16 * key->w_plain)) *
           0x9E3779B97F4A7C15u;
    size_t set = (size_t)(hash >> 40) % (CACHE_SIZE / CACHE_WAYS) * CACHE_WAYS;
    struct entry *oldest = &matmul->entries[set];
    for (size_t i = set; i < set + CACHE_WAYS; i++) {
        struct entry *entry = &matmul->entries[i];
        if (entry->primitive && same_key(&entry->key, key)) return entry;
        if (entry->used < oldest->used) oldest = entry;
    }
    clear_entry(oldest);
    oldest->key = *key;
    return build(matmul, oldest) ? oldest : NULL;
}

static int execute(struct cpu_matmul *matmul, const struct key *key, void *y, void *x, void *w,
                   const void *bias) {
    struct entry *entry = find(matmul, key);
    if (!entry) return -1;
    entry->used = ++matmul->clock;
    dnnl_memory_set_data_handle(entry->x, x);
    dnnl_memory_set_data_handle(entry->w, w);
    dnnl_memory_set_data_handle(entry->y, y);
    dnnl_exec_arg_t args[4] = {
        {DNNL_ARG_SRC, entry->x}, {DNNL_ARG_WEIGHTS, entry->w}, {DNNL_ARG_DST, entry->y}};
    int count = 3;
    if (bias) {
        dnnl_memory_set_data_handle(entry->bias, (void *)(uintptr_t)bias);
        args[count++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, entry->bias};
    }
    if (dnnl_primitive_execute(entry->primitive, matmul->stream, count, args) != dnnl_success) return -1;
    return dnnl_stream_wait(matmul->stream) == dnnl_success ? 0 : -1;
}

int cpu_matmul_run(struct cpu_matmul *matmul, struct matrix y, struct matrix x, struct matrix w,
                   const void *bias, enum dtype bias_type, bool add) {
    struct key key = {.m = x.rows,
                      .n = w.rows,
                      .k = w.columns,
                      .y_stride = y.stride,
                      .x_stride = x.stride,
                      .w_stride = w.stride,
                      .y_type = y.dtype,
                      .x_type = x.dtype,
                      .bias_type = bias ? bias_type : DTYPE_F32,
                      .bias = bias != NULL,
                      .add = add};
    return execute(matmul, &key, y.data, x.data, w.data, bias);
}

int cpu_matmul_multiply(struct cpu_matmul *matmul, struct matrix y, struct matrix a, bool a_transposed,
                        struct matrix b, bool b_transposed, bool add) {
    struct key key = {.m = y.rows,
                      .n = y.columns,
                      .k = a_transposed ? a.rows : a.columns,
                      .y_stride = y.stride,
                      .x_stride = a.stride,
                      .w_stride = b.stride,
                      .y_type = y.dtype,
                      .x_type = a.dtype,
                      .bias_type = DTYPE_F32,
                      .add = add,
                      .x_transposed = a_transposed,
                      .w_plain = !b_transposed};
    return execute(matmul, &key, y.data, a.data, b.data, NULL);
}

bool cpu_matmul_takes_bf16(struct cpu_matmul *matmul) {
    struct entry probe = {.key = {.m = 32,
                                  .n = 32,
                                  .k = 32,
                                  .y_stride = 32,
                                  .x_stride = 32,
                                  .w_stride = 32,
                                  .y_type = DTYPE_F32,
                                  .x_type = DTYPE_BF16,
                                  .bias_type = DTYPE_F32}};
    bool takes = build(matmul, &probe);
    clear_entry(&probe);
    return takes;
}

bool cpu_matmul_has_bf16(void) {
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}
