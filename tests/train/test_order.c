// The order of rows: complete, reproducible, bucketed; and the loader that follows it.
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "train/loader.h"
#include "train/order.h"

enum { ROWS = 103 };

static void expect_permutation(const size_t *sequence, size_t count) {
    bool seen[ROWS] = {false};
    for (size_t i = 0; i < count; i++) {
        assert_true(sequence[i] < count);
        assert_false(seen[sequence[i]]);
        seen[sequence[i]] = true;
    }
}

static void test_epochs(void **state) {
    (void)state;
    struct error error = {0};
    size_t lengths[ROWS], a[ROWS], b[ROWS], c[ROWS];
    for (size_t i = 0; i < ROWS; i++) lengths[i] = i * 7919 % 50;
    struct order order = {.rows = ROWS, .batch = 8, .bucket_steps = 4, .shuffle = true, .seed = 1};
    assert_int_equal(order_steps(&order), 13);
    assert_ok(order_epoch(&order, 0, lengths, a, &error), error);
    assert_ok(order_epoch(&order, 0, lengths, b, &error), error);
    assert_ok(order_epoch(&order, 1, lengths, c, &error), error);
    expect_permutation(a, ROWS);
    expect_permutation(c, ROWS);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    for (size_t i = 0; i < ROWS; i++) // sorted within a step
        if (i % 8) assert_true(lengths[a[i]] >= lengths[a[i - 1]]);
    order.seed = 2;
    assert_ok(order_epoch(&order, 0, lengths, b, &error), error);
    assert_memory_not_equal(a, b, sizeof a);
    order.bucket_steps = 0;
    assert_ok(order_epoch(&order, 0, NULL, b, &error), error);
    expect_permutation(b, ROWS);
    order.shuffle = false;
    assert_ok(order_epoch(&order, 5, NULL, b, &error), error);
    for (size_t i = 0; i < ROWS; i++) assert_int_equal(b[i], i);
}

static void test_split(void **state) {
    (void)state;
    struct error error = {0};
    size_t sequence[ROWS];
    assert_ok(order_split(ROWS, 10, 3, sequence, &error), error);
    expect_permutation(sequence, ROWS);
    for (size_t i = 1; i < ROWS; i++)
        if (i != ROWS - 10) assert_true(sequence[i] > sequence[i - 1]);
    assert_true(sequence[ROWS - 10] < 93); // by chance, not the last ones
    assert_error(order_split(3, 4, 0, sequence, &error), error, ERROR_INTERNAL, "held out");
}

static int load(const void *context, size_t row, struct sample *sample, struct error *error) {
    (void)context;
    usleep((useconds_t)(row * 37 % 11) * 200); // threads finish in another order
    if (row == 13) return error_set(error, ERROR_INPUT, "row 13 is unlucky");
    sample->labels = row + 1;
    sample->trained = malloc(16);
    return 0;
}

static bool skip_row(const void *context, size_t row) {
    (void)context;
    return row == 20;
}

static void test_loader(void **state) {
    (void)state;
    struct error error = {0};
    size_t rows[ROWS];
    for (size_t i = 0; i < ROWS; i++) rows[i] = (i * 5) % ROWS;
    const struct loader_source source = {.load = load, .skip = skip_row};
    for (size_t threads = 1; threads < 5; threads++) {
        struct loader *loader = loader_start(&source, rows, ROWS, threads, 3, &error);
        assert_got(loader, error);
        for (size_t i = 0; i < ROWS; i++) {
            struct sample sample;
            size_t row;
            int result = loader_next(loader, &row, &sample, &error);
            assert_int_equal(row, rows[i]);
            if (row == 13)
                assert_error(result, error, ERROR_INPUT, "unlucky");
            else
                assert_int_equal(sample.labels, row == 20 ? 0 : row + 1);
            sample_free(&sample);
        }
        size_t row;
        struct sample sample;
        assert_error(loader_next(loader, &row, &sample, &error), error, ERROR_INTERNAL, "no more rows");
        loader_stop(loader);
    }
}

static void test_loader_stops_early(void **state) {
    (void)state;
    struct error error = {0};
    size_t rows[ROWS] = {0};
    const struct loader_source source = {.load = load};
    for (size_t taken = 0; taken < 6; taken++) {
        struct loader *loader = loader_start(&source, rows, ROWS, 3, 4, &error);
        assert_got(loader, error);
        for (size_t i = 0; i < taken; i++) {
            struct sample sample;
            size_t row;
            assert_ok(loader_next(loader, &row, &sample, &error), error);
            sample_free(&sample);
        }
        loader_stop(loader);
    }
    loader_stop(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_loader),
        cmocka_unit_test(test_loader_stops_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
