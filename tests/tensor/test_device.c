// What all devices promise: memory, sticky errors, checks in front of every operation, threads, and the guard.
#include "support.h"

#include <dirent.h>
#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tensor/device_internal.h"
#include "tensor/measure.h"
#include "tensor/workspace.h"

static struct device *open_device(int threads, const char *isa) {
    struct error error = {0};
    struct device *device = device_open_cpu(threads, isa, &error);
    assert_got(device, error);
    return device;
}

// ---- every operation, on operands that fit

// All operands lie in one block, so that one look shows whether anything was written.
enum {
    ROWS = 64,
    WIDTH = 64,
    VOCABULARY = 96,
    HEADS = 4,
    DIM = WIDTH / HEADS,
    MATRICES = 12,
    POOL = 1 << 17
};

struct scene {
    float *pool;                 // on the device, POOL values
    struct matrix m[MATRICES];   // [ROWS, WIDTH] F32
    struct matrix table, dtable; // [VOCABULARY, WIDTH]
    struct matrix half, angles[2];
    struct matrix row[4]; // [1, WIDTH]
    struct matrix sum;    // [1, 1] F64
    int32_t ids[ROWS];
    size_t index[ROWS];
    float *host; // [POOL]
};

static struct matrix take(struct scene *s, size_t *at, size_t rows, size_t columns) {
    struct matrix m = matrix_of(s->pool + *at, DTYPE_F32, rows, columns);
    *at += rows * columns;
    assert_true(*at <= POOL);
    return m;
}

static void fill(struct device *device, struct scene *s) {
    for (size_t i = 0; i < POOL; i++) s->host[i] = 0.1f + (float)(i * 7 % 23) / 40;
    device_upload(device, matrix_of(s->pool, DTYPE_F32, 1, POOL), s->host);
    device_clear(device, s->sum);
}

static void open_scene(struct device *device, struct scene *s) {
    struct error error = {0};
    size_t at = 0;
    *s = (struct scene){.pool = device_allocate(device, POOL * sizeof(float), DEVICE_DENSE, "scene", &error),
                        .host = malloc(POOL * sizeof(float))};
    assert_got(s->pool, error);
    s->sum = matrix_of(s->pool, DTYPE_F64, 1, 1);
    at += 2;
    for (size_t i = 0; i < MATRICES; i++) s->m[i] = take(s, &at, ROWS, WIDTH);
    s->table = take(s, &at, VOCABULARY, WIDTH);
    s->dtable = take(s, &at, VOCABULARY, WIDTH);
    s->half = take(s, &at, ROWS / 2, WIDTH);
    for (size_t i = 0; i < 2; i++) s->angles[i] = take(s, &at, ROWS, DIM / 2);
    for (size_t i = 0; i < 4; i++) s->row[i] = take(s, &at, 1, WIDTH);
    for (size_t i = 0; i < ROWS; i++) {
        s->ids[i] = (int32_t)(i * 5 % VOCABULARY);
        s->index[i] = ROWS - 1 - i;
    }
    fill(device, s);
    assert_ok(device_check(device, &error), error);
}

static void close_scene(struct device *device, struct scene *s) {
    device_release(device, s->pool);
    free(s->host);
}

// `cut` makes an operand that is written too narrow.
static struct matrix narrow(struct matrix m, size_t cut) {
    m.columns -= cut;
    return m;
}

static struct attention_segment causal(const struct scene *s) {
    return (struct attention_segment){
        .queries = ROWS, .own = {s->m[1].data, s->m[2].data, ROWS, WIDTH}, .causal = true};
}

static struct attention attention_of(const struct scene *s, const struct attention_segment *segment,
                                     size_t cut) {
    return (struct attention){.out = narrow(s->m[3], cut),
                              .queries = s->m[0],
                              .span_type = DTYPE_F32,
                              .heads = HEADS,
                              .kv_heads = HEADS,
                              .head_dim = DIM,
                              .scale = 0.25f,
                              .segments = segment,
                              .segment_count = 1,
                              .log_sums = s->m[4].data};
}

static struct low_rank adapter_of(const struct scene *s) {
    return (struct low_rank){.a = matrix_of(s->m[8].data, DTYPE_F32, 4, WIDTH),
                             .b = matrix_of(s->m[9].data, DTYPE_F32, WIDTH, 4),
                             .scale = 2};
}

static void run_upload(struct device *d, struct scene *s, size_t cut) {
    struct matrix to = s->m[0];
    if (cut) to.data = NULL;
    device_upload(d, to, s->host + 100);
}
static void run_download(struct device *d, struct scene *s, size_t cut) { // its output is on the host
    struct matrix from = s->m[1];
    if (cut) from.data = NULL;
    device_download(d, s->host, from);
}
static void run_copy(struct device *d, struct scene *s, size_t cut) {
    device_copy(d, narrow(s->m[0], cut), s->m[1]);
}
static void run_clear(struct device *d, struct scene *s, size_t cut) {
    struct matrix m = s->m[0];
    if (cut) m.stride = 3;
    device_clear(d, m);
}
static void run_finish(struct device *d, struct scene *s, size_t cut) {
    (void)s;
    if (!cut) device_finish(d);
}
static void run_linear(struct device *d, struct scene *s, size_t cut) {
    const struct weight w = weight_of(s->m[2]);
    device_linear(d, narrow(s->m[0], cut), s->m[1], &w, s->row[0], LINEAR_ADD);
}
static void run_rms_norm(struct device *d, struct scene *s, size_t cut) {
    device_rms_norm(d, narrow(s->m[0], cut), s->m[1], s->row[0], 1e-6f);
}
static void run_rotary(struct device *d, struct scene *s, size_t cut) {
    float frequencies[DIM / 2];
    uint8_t axes[DIM / 2] = {0};
    for (size_t i = 0; i < DIM / 2; i++) frequencies[i] = 1.0f / (float)(i + 1);
    const struct rotary rotary = {frequencies, axes, s->ids, ROWS};
    device_rotary(d, narrow(s->angles[0], cut), s->angles[1], &rotary);
}
static void run_rope(struct device *d, struct scene *s, size_t cut) {
    device_rope(d, narrow(s->m[0], cut), DIM, s->angles[0], s->angles[1], false);
}
static void run_attention(struct device *d, struct scene *s, size_t cut) {
    const struct attention_segment segment = causal(s);
    const struct attention a = attention_of(s, &segment, cut);
    device_attention(d, &a);
}
static void run_attention_shares(struct device *d, struct scene *s, size_t cut) {
    enum { SEEN = 8 };
    const struct attention_shares shares = {
        .sums = matrix_columns(matrix_rows(s->m[0], 0, ROWS + 1 - SEEN), 0, SEEN),
        .scores = matrix_rows(s->m[1], 0, ROWS + 1 - SEEN - cut),
        .scale = 0.5f,
        .seen = SEEN};
    device_attention_shares(d, &shares);
}
static void run_swiglu(struct device *d, struct scene *s, size_t cut) {
    device_swiglu(d, narrow(s->m[0], cut), s->m[1], s->m[2]);
}
static void run_gelu(struct device *d, struct scene *s, size_t cut) {
    device_gelu(d, narrow(s->m[0], cut), s->m[1]);
}
static void run_embed(struct device *d, struct scene *s, size_t cut) {
    device_embed(d, narrow(s->m[0], cut), s->table, s->ids);
}
static void run_gather(struct device *d, struct scene *s, size_t cut) {
    device_gather(d, narrow(s->m[0], cut), s->m[1], s->index);
}
static void run_scatter(struct device *d, struct scene *s, size_t cut) {
    device_scatter(d, narrow(s->m[0], cut), s->m[1], s->index);
}
static void run_log_probs(struct device *d, struct scene *s, size_t cut) {
    const struct weight w = weight_of(s->table);
    device_log_probs(d, s->row[0].data, s->row[1].data, NULL, narrow(s->m[1], cut), &w, s->ids, 0.7f);
}
static void run_log_softmax(struct device *d, struct scene *s, size_t cut) {
    int32_t targets[ROWS];
    float temperatures[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        targets[i] = (int32_t)(i % 8);
        temperatures[i] = cut ? 0 : 0.5f;
    }
    device_log_softmax(d, s->row[0].data, s->m[1], targets, temperatures);
}
// One layer whose seven products have the same weights; keys and values go into two matrices, a row for each sequence.
static void run_decode(struct device *d, struct scene *s, size_t cut) {
    const struct weight w = weight_of(s->m[2]);
    const struct step_linear linear = {.weight = &w};
    const struct step_layer layer = {s->row[0], s->row[1], linear, linear, linear,
                                     linear,    linear,    linear, linear};
    struct step_sequence sequences[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        sequences[i] = (struct step_sequence){
            .own = {.data = matrix_rows(s->m[5], i, 1).data,
                    .plane = (size_t)((const char *)s->m[6].data - (const char *)s->m[5].data)}};
    const struct decode_step step = {.x = narrow(s->m[0], cut),
                                     .type = DTYPE_F32,
                                     .layers = &layer,
                                     .layer_count = 1,
                                     .heads = HEADS,
                                     .kv_heads = HEADS,
                                     .head_dim = DIM,
                                     .eps = 1e-6f,
                                     .scale = 0.25f,
                                     .cosine = s->angles[0],
                                     .sine = s->angles[1],
                                     .sequences = sequences};
    device_decode(d, &step);
}
static void run_low_rank(struct device *d, struct scene *s, size_t cut) {
    const struct low_rank adapter = adapter_of(s);
    device_low_rank(d, narrow(s->m[0], cut), s->m[1], &adapter);
}
static void run_linear_backward(struct device *d, struct scene *s, size_t cut) {
    const struct weight w = weight_of(s->m[4]);
    device_linear_backward(d, narrow(s->m[0], cut), s->m[1], s->row[0], s->m[2], s->m[3], &w, 0);
}
static void run_rms_norm_backward(struct device *d, struct scene *s, size_t cut) {
    device_rms_norm_backward(d, narrow(s->m[0], cut), s->row[0], s->m[1], s->m[2], s->row[1], 1e-6f);
}
static void run_attention_backward(struct device *d, struct scene *s, size_t cut) {
    const struct attention_segment segment = causal(s);
    const struct attention a = attention_of(s, &segment, 0);
    const struct attention_gradient gradient = {.forward = &a,
                                                .keys = s->m[1],
                                                .values = s->m[2],
                                                .dout = s->m[5],
                                                .dqueries = narrow(s->m[6], cut),
                                                .dkeys = s->m[7],
                                                .dvalues = s->m[10]};
    device_attention_backward(d, &gradient);
}
static void run_swiglu_backward(struct device *d, struct scene *s, size_t cut) {
    device_swiglu_backward(d, narrow(s->m[0], cut), s->m[1], s->m[2], s->m[3], s->m[4]);
}
static void run_gelu_backward(struct device *d, struct scene *s, size_t cut) {
    device_gelu_backward(d, narrow(s->m[0], cut), s->m[1], s->m[2]);
}
static void run_embed_backward(struct device *d, struct scene *s, size_t cut) {
    device_embed_backward(d, narrow(s->dtable, cut), s->m[1], s->ids);
}
static void run_log_probs_backward(struct device *d, struct scene *s, size_t cut) {
    const struct weight w = weight_of(s->table);
    const struct log_prob_gradients gradients = {.by_log_prob = s->row[0].data, .log_sums = s->row[1].data};
    device_log_probs_backward(d, narrow(s->m[0], cut), s->dtable, &gradients, s->m[1], &w, s->ids, 0.7f);
}
static void run_low_rank_backward(struct device *d, struct scene *s, size_t cut) {
    const struct low_rank adapter = adapter_of(s);
    device_low_rank_backward(d, narrow(s->m[0], cut), matrix_of(s->m[10].data, DTYPE_F32, 4, WIDTH),
                             matrix_of(s->m[11].data, DTYPE_F32, WIDTH, 4), s->m[1], s->m[2], &adapter);
}
static void run_adamw(struct device *d, struct scene *s, size_t cut) {
    const struct adamw_factors factors = {1, 0.9f, 0.1f, 0.95f, 0.05f, 0.99f, 0.01f, 1, 1e-8f};
    device_adamw(d, &factors, narrow(s->m[0], cut), s->m[1], s->m[2], s->m[3]);
}
static void run_square_sum(struct device *d, struct scene *s, size_t cut) {
    struct matrix sum = s->sum;
    if (cut) sum.dtype = DTYPE_F32;
    device_square_sum(d, sum, s->m[0]);
}

static const struct operation {
    const char *name;
    void (*run)(struct device *device, struct scene *scene, size_t cut);
    bool quiet; // writes nothing on the device
} operations[] = {
    {"upload", run_upload, false},
    {"download", run_download, true},
    {"copy", run_copy, false},
    {"clear", run_clear, false},
    {"finish", run_finish, true},
    {"linear", run_linear, false},
    {"rms_norm", run_rms_norm, false},
    {"rotary", run_rotary, false},
    {"rope", run_rope, false},
    {"attention", run_attention, false},
    {"attention_shares", run_attention_shares, false},
    {"swiglu", run_swiglu, false},
    {"gelu", run_gelu, false},
    {"embed", run_embed, false},
    {"gather", run_gather, false},
    {"scatter", run_scatter, false},
    {"log_probs", run_log_probs, false},
    {"log_softmax", run_log_softmax, false},
    {"decode", run_decode, false},
    {"low_rank", run_low_rank, false},
    {"linear_backward", run_linear_backward, false},
    {"rms_norm_backward", run_rms_norm_backward, false},
    {"attention_backward", run_attention_backward, false},
    {"swiglu_backward", run_swiglu_backward, false},
    {"gelu_backward", run_gelu_backward, false},
    {"embed_backward", run_embed_backward, false},
    {"log_probs_backward", run_log_probs_backward, false},
    {"low_rank_backward", run_low_rank_backward, false},
    {"adamw", run_adamw, false},
    {"square_sum", run_square_sum, false},
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

static void look(struct device *device, const struct scene *s, float *seen) {
    struct error error = {0};
    device_download(device, seen, matrix_of(s->pool, DTYPE_F32, 1, POOL));
    assert_ok(device_check(device, &error), error);
}

static bool same_bits(const void *a, const void *b) {
    return memcmp(a, b, POOL * sizeof(float)) == 0;
}

// A new entry of the table has to come into the list above: all but name, exact, free, allocate, adopt, release, begin,
// end, and the two measurements.
static void test_list_is_complete(void **state) {
    (void)state;
    assert_int_equal(sizeof(struct device_operations) / sizeof(void *), OPERATIONS + 10);
}

// Each writes where it should, nothing when its operands do not fit, and nothing when the device has failed.
static void test_sticky_error(void **state) {
    (void)state;
    struct error error = {0};
    struct device *device = open_device(2, NULL);
    struct scene s;
    open_scene(device, &s);
    float *before = malloc(POOL * sizeof *before), *after = malloc(POOL * sizeof *after),
          *host = malloc(POOL * sizeof *host);
    for (size_t i = 0; i < OPERATIONS; i++) {
        const struct operation *o = &operations[i];
        fill(device, &s);
        look(device, &s, before);
        o->run(device, &s, 0);
        if (device_check(device, &error)) fail_msg("%s: %s", o->name, error.message);
        look(device, &s, after);
        bool changed = !same_bits(before, after);
        if (changed == o->quiet) fail_msg("%s: %s", o->name, changed ? "wrote" : "did nothing");

        fill(device, &s);
        memcpy(host, s.host, POOL * sizeof *host);
        if (o->run != run_finish) {
            o->run(device, &s, 1);
            if (!device_check(device, &error)) fail_msg("%s took what does not fit", o->name);
            if (!strstr(error.message, "cpu: ")) fail_msg("%s: \"%s\"", o->name, error.message);
        }
        device_fail(device, ERROR_MEMORY, "the first failure");
        o->run(device, &s, 0);
        o->run(device, &s, 1); // what else is wrong is not told
        assert_error(device_check(device, &error), error, ERROR_MEMORY, "the first failure");
        look(device, &s, after);
        if (!same_bits(before, after)) fail_msg("%s wrote after a failure", o->name);
        assert_memory_equal(host, s.host, POOL * sizeof *host);
    }
    device_fail(device, ERROR_MEMORY, "the first failure");
    assert_true(measure_matmul(device, 8, 8, 8, DTYPE_F32, 1, &error) == -1);
    assert_error(-1, error, ERROR_MEMORY, "the first failure");
    device_fail(device, ERROR_MEMORY, "the first failure");
    assert_true(measure_read_bandwidth(device, &error) == -1);
    assert_error(-1, error, ERROR_MEMORY, "the first failure");
    assert_true(measure_matmul(device, 8, 8, 8, DTYPE_F32, 1, &error) > 0);
    free(before), free(after), free(host);
    close_scene(device, &s);
    device_close(device);
}

static void test_lost(void **state) {
    (void)state;
    struct error error = {0};
    struct device *device = open_device(1, NULL);
    struct scene s;
    open_scene(device, &s);
    float before[ROWS * WIDTH], after[ROWS * WIDTH];
    device_download(device, before, s.m[0]);
    device_lose(device, ERROR_INTERNAL, "it fell off the bus");
    for (int i = 0; i < 3; i++)
        assert_error(device_check(device, &error), error, ERROR_INTERNAL, "cpu: it fell off the bus");
    for (size_t i = 0; i < OPERATIONS; i++) operations[i].run(device, &s, 0);
    assert_null(device_allocate(device, 64, DEVICE_DENSE, "more", &error));
    assert_null(device_adopt(device, before, sizeof before, &error));
    assert_error(device_check(device, &error), error, ERROR_INTERNAL, "it fell off the bus");
    memcpy(after, s.m[0].data, sizeof after); // this device's memory is the host's
    assert_memory_equal(before, after, sizeof before);
    close_scene(device, &s);
    device_close(device);
}

// ---- operands that do not fit, beyond shapes

static void test_ids_and_types(void **state) {
    (void)state;
    struct error error = {0};
    struct device *device = open_device(1, NULL);
    struct scene s;
    open_scene(device, &s);
    s.ids[3] = VOCABULARY;
    run_embed(device, &s, 0);
    assert_error(device_check(device, &error), error, ERROR_INTERNAL,
                 "token id 96 is outside the vocabulary of 96");
    run_log_probs(device, &s, 0);
    assert_error(device_check(device, &error), error, ERROR_INTERNAL,
                 "token id 96 is outside the vocabulary of 96");
    run_embed_backward(device, &s, 0);
    assert_error(device_check(device, &error), error, ERROR_INTERNAL, "row 96 is outside the table of 96");
    s.ids[3] = -1; // passed over there, nowhere else
    run_embed_backward(device, &s, 0);
    assert_ok(device_check(device, &error), error);
    run_log_probs_backward(device, &s, 0);
    assert_error(device_check(device, &error), error, ERROR_INTERNAL, "token id -1 is outside");
    s.index[5] = ROWS;
    run_gather(device, &s, 0);
    assert_error(device_check(device, &error), error, ERROR_INTERNAL, "row 64 is outside a matrix of 64");
    run_scatter(device, &s, 0);
    assert_error(device_check(device, &error), error, ERROR_INTERNAL, "row 64 is outside a matrix of 64");
    struct matrix typed = s.m[0];
    typed.dtype = DTYPE_I32;
    const struct weight w = weight_of(s.m[2]), wrong = weight_of(typed);
    device_linear(device, typed, s.m[1], &w, (struct matrix){0}, 0);
    assert_error(device_check(device, &error), error, ERROR_INTERNAL, "linear: I32");
    device_linear(device, s.m[0], s.m[1], &wrong, (struct matrix){0}, 0);
    assert_error(device_check(device, &error), error, ERROR_INTERNAL, "by I32");
    struct attention_segment segment = causal(&s);
    segment.queries = ROWS + 1;
    struct attention a = attention_of(&s, &segment, 0);
    device_attention(device, &a);
    assert_error(device_check(device, &error), error, ERROR_INTERNAL, "attention: operands do not fit");
    segment = causal(&s);
    segment.own.rows = ROWS - 1; // a causal query that would see less than nothing
    device_attention(device, &a);
    assert_error(device_check(device, &error), error, ERROR_INTERNAL, "attention: operands do not fit");
    segment = causal(&s);
    segment.own.keys = s.m[5].data; // not in the matrix of keys
    const struct attention_gradient gradient = {.forward = &a,
                                                .keys = s.m[1],
                                                .values = s.m[2],
                                                .dout = s.m[5],
                                                .dqueries = s.m[6],
                                                .dkeys = s.m[7],
                                                .dvalues = s.m[10]};
    device_attention_backward(device, &gradient);
    assert_error(device_check(device, &error), error, ERROR_INTERNAL,
                 "attention_backward: operands do not fit");
    close_scene(device, &s);
    device_close(device);
}

// ---- memory

static void check_memory(const char *isa) {
    struct error error = {0};
    struct device *device = open_device(2, isa);
    float *block = device_allocate(device, 1000 * sizeof *block, DEVICE_DENSE, "block", &error),
          *sparse = device_allocate(device, (size_t)1 << 33, DEVICE_SPARSE, "sparse", &error);
    assert_true(block && sparse);
    assert_int_equal((uintptr_t)block % 64, 0);
    assert_int_equal((uintptr_t)sparse % 64, 0);
    assert_int_equal(device_memory_held(device), 1000 * sizeof *block + ((size_t)1 << 33));
    float from[60], to[60];
    for (int i = 0; i < 60; i++) from[i] = (float)i;
    struct matrix all = matrix_of(block, DTYPE_F32, 10, 100), view = matrix_columns(all, 3, 6),
                  far = matrix_of(sparse + ((size_t)1 << 30), DTYPE_F32, 10, 6);
    device_clear(device, all);
    device_upload(device, view, from);
    device_copy(device, far, view);
    device_clear(device, matrix_columns(all, 4, 1));
    memset(from, 0xEE, sizeof from); // the upload has its own copy
    device_download(device, to, far);
    for (int i = 0; i < 60; i++) assert_true(to[i] == (float)i);
    device_download(device, to, view);
    for (int i = 0; i < 60; i++) assert_true(to[i] == (i % 6 == 1 ? 0 : (float)i));
    assert_ok(device_check(device, &error), error);
    const float weights[4] = {1, 2, 3, 4};
    float *adopted = device_adopt(device, weights, sizeof weights, &error);
    assert_got(adopted, error);
    assert_true((adopted == weights) == !isa);
    assert_ptr_equal(device_adopt(device, weights, sizeof weights, &error), adopted);
    assert_int_equal(device_memory_held(device),
                     1000 * sizeof *block + ((size_t)1 << 33)); // adopted is not held
    device_download(device, to, matrix_of(adopted, DTYPE_F32, 2, 2));
    assert_memory_equal(to, weights, sizeof weights);
    device_release(device, sparse);
    device_release(device, NULL);
    assert_ok(device_check(device, &error), error);
    device_release(device, from);
    assert_error(device_check(device, &error), error, ERROR_INTERNAL, "does not hold");
    assert_null(device_allocate(device, SIZE_MAX - 100, DEVICE_DENSE, "the whole world", &error));
    assert_error(-1, error, ERROR_MEMORY, "the whole world: out of memory");
    device_close(device); // takes the rest along
}

static void test_memory(void **state) {
    (void)state;
    check_memory(NULL);
    check_memory("guard");
}

static void test_workspace(void **state) {
    (void)state;
    struct error error = {0};
    struct device *device = open_device(2, "guard");
    struct workspace *workspace = workspace_new(device, &error);
    assert_got(workspace, error);
    struct matrix first = workspace_matrix(workspace, DTYPE_F32, 7, 9, &error);
    struct workspace_mark mark = workspace_mark(workspace);
    struct matrix a = workspace_matrix(workspace, DTYPE_BF16, 300, 1000, &error);
    int *numbers = workspace_host(workspace, 10, sizeof *numbers, &error);
    assert_true(first.data && a.data && numbers);
    numbers[9] = 1; // host memory, on a device whose own nobody else can write
    workspace_rewind(workspace, mark);
    struct matrix b = workspace_matrix(workspace, DTYPE_F32, 10, 10, &error);
    assert_ptr_equal(b.data, a.data);
    assert_ptr_equal(workspace_host(workspace, 10, sizeof *numbers, &error), numbers);
    assert_int_equal(error.code, 0);
    assert_null(workspace_matrix(workspace, DTYPE_F32, SIZE_MAX / 2, 8, &error).data);
    assert_error(-1, error, ERROR_MEMORY, "too large");
    assert_null(workspace_matrix(workspace, DTYPE_F32, 1, 1, &error).data); // the error was set before
    workspace_free(workspace);
    assert_int_equal(device_memory_held(device), 0);
    device_close(device);
}

// ---- the guard

// Whether a child that does this is stopped by the system.
static bool faults(void (*act)(float *), float *data) {
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); // a sanitizer's own handler would turn it into an exit
        act(data);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void read_it(float *data) {
    *(volatile float *)data;
}
static void write_it(float *data) {
    *(volatile float *)data = 1;
}

static void test_guard(void **state) {
    (void)state;
    struct error error = {0};
    struct device *device = open_device(2, "guard");
    require(device->description);
    assert_non_null(strstr(device->description, "guarded"));
    static const float weights[4] = {1, 2, 3, 4};
    float *block = device_allocate(device, 4096, DEVICE_DENSE, "block", &error),
          *adopted = device_adopt(device, weights, sizeof weights, &error);
    require(block && adopted);
    assert_true(faults(read_it, block) && faults(write_it, block + 1023) && faults(read_it, adopted));
    float out[4];
    device_download(device, out, matrix_of(block, DTYPE_F32, 1, 4));
    assert_true(isnan(out[0])); // nobody wrote it
    device_copy(device, matrix_of(block, DTYPE_F32, 1, 4), matrix_of(adopted, DTYPE_F32, 1, 4));
    device_download(device, out, matrix_of(block, DTYPE_F32, 1, 4));
    assert_memory_equal(out, weights, sizeof weights);
    assert_true(faults(read_it, block)); // shut again after every operation
    device_fail(device, ERROR_INTERNAL, "failed");
    assert_true(faults(read_it, block));
    device_close(device);
}

// Everything works there as it does without.
static void test_guard_computes(void **state) {
    (void)state;
    struct error error = {0};
    struct device *devices[] = {open_device(2, NULL), open_device(2, "guard")};
    struct scene s[2];
    float *seen[2];
    for (int d = 0; d < 2; d++) {
        open_scene(devices[d], &s[d]);
        seen[d] = malloc(POOL * sizeof(float));
    }
    for (size_t i = 0; i < OPERATIONS; i++) {
        for (int d = 0; d < 2; d++) {
            fill(devices[d], &s[d]);
            operations[i].run(devices[d], &s[d], 0);
            if (device_check(devices[d], &error)) fail_msg("%s: %s", operations[i].name, error.message);
            look(devices[d], &s[d], seen[d]);
        }
        if (!same_bits(seen[0], seen[1])) fail_msg("%s differs", operations[i].name);
    }
    for (int d = 0; d < 2; d++) {
        close_scene(devices[d], &s[d]);
        device_close(devices[d]);
        free(seen[d]);
    }
}

// ---- threads

static int count_threads(void) {
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    int count = 0;
    for (struct dirent *entry = readdir(tasks); entry; entry = readdir(tasks))
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

struct elsewhere {
    struct device *device;
    int before, after, setting;
};

// OpenMP keeps the threads that it made for this one until it ends, so that they can be counted.
static void *run_elsewhere(void *context) {
    struct elsewhere *e = context;
    struct scene s;
    omp_set_num_threads(5); // this thread's own idea
    e->before = count_threads();
    open_scene(e->device, &s);
    for (size_t i = 0; i < OPERATIONS; i++) {
        fill(e->device, &s);
        operations[i].run(e->device, &s, 0);
    }
    struct error error = {0};
    double seconds =
        measure_matmul(e->device, 256, 256, 256, DTYPE_F32, 1, &error); // enough for many threads
    e->after = count_threads();
    e->setting = seconds > 0 ? omp_get_max_threads() : -1;
    close_scene(e->device, &s);
    return NULL;
}

// Opened here, run in another thread: as many threads as were asked for here, whatever OpenMP is told there.
static void test_threads(void **state) {
    (void)state;
    // Not more than these two: some runtimes keep what they made here for the next thread, which then makes none.
    for (int threads = 1; threads <= 4; threads += 3) {
        struct elsewhere e = {.device = open_device(threads, NULL)};
        int setting = omp_get_max_threads();
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, run_elsewhere, &e), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(e.after - e.before, threads - 1);
        assert_int_equal(e.setting, 5); // and as it was afterwards
        assert_int_equal(omp_get_max_threads(), setting);
        device_close(e.device);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_is_complete),
        cmocka_unit_test(test_sticky_error),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_ids_and_types),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_workspace),
        cmocka_unit_test(test_guard),
        cmocka_unit_test(test_guard_computes),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
