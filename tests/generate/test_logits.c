#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "generate/logits.h"

static const size_t sizes[] = {1, 2, 15, 16, 17, 63, 64, 65, 200, 1000, 4099};
enum { SIZES = sizeof sizes / sizeof *sizes, MOST = 4099 };

// Few different values when `levels` is not 0: ties everywhere.
static void fill(float *values, size_t count, uint64_t seed, unsigned levels) {
    struct random random;
    random_start(&random, seed, 1);
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)(random_normal(&random) * 4);
        if (levels) values[i] = (float)random_below(&random, levels);
    }
}

static int compare_descending(const void *left, const void *right) {
    float a = *(const float *)left, b = *(const float *)right;
    return (a < b) - (a > b);
}

static void finds_what_is_not_finite(void **state) {
    (void)state;
    static float values[MOST];
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    fill(values, MOST, 1, 0);
    assert_true(logits_are_finite(values, MOST));
    for (size_t i = 0; i < MOST; i += 37) {
        float kept = values[i];
        values[i] = bad[i % 4];
        assert_false(logits_are_finite(values, MOST));
        values[i] = kept;
    }
    values[MOST - 1] = 3.4e38f;
    assert_true(logits_are_finite(values, MOST));
}

static void agrees_with_sorting(void **state) {
    (void)state;
    static float values[MOST], sorted[MOST], scratch[MOST];
    for (unsigned levels = 0; levels < 6; levels++)
        for (int s = 0; s < SIZES; s++) {
            size_t count = sizes[s];
            fill(values, count, (uint64_t)s, levels);
            if (levels == 5 && count > 3) values[2] = -INFINITY;
            memcpy(sorted, values, sizeof sorted);
            qsort(sorted, count, sizeof *sorted, compare_descending);
            assert_true(logits_max(values, count) == sorted[0]);
            size_t first = logits_find(values, count, sorted[0]);
            assert_true(values[first] == sorted[0]);
            for (size_t i = 0; i < first; i++) assert_true(values[i] < sorted[0]);
            for (size_t k = 1; k <= count; k += 1 + k / 3)
                assert_true(logits_kth_largest(values, count, k, scratch) == sorted[k - 1]);
            size_t above = 0;
            for (size_t i = 0; i < count; i++) above += values[i] > sorted[count / 2];
            assert_int_equal(logits_count_above(values, count, sorted[count / 2]), above);
        }
}

static void lists_the_top(void **state) {
    (void)state;
    static float values[MOST];
    for (unsigned levels = 0; levels < 4; levels++)
        for (int s = 0; s < SIZES; s++) {
            size_t count = sizes[s];
            int top = count < 20 ? (int)count : 20;
            int32_t ids[20];
            fill(values, count, (uint64_t)s + 50, levels);
            logits_top(values, count, top, ids);
            for (int i = 0; i < top; i++) {
                // Exactly i values come before it: larger, or equal with a lower index.
                int before = 0;
                for (size_t j = 0; j < count; j++)
                    before +=
                        values[j] > values[ids[i]] || (values[j] == values[ids[i]] && (int32_t)j < ids[i]);
                assert_int_equal(before, i);
            }
        }
}

static void exponentials_are_accurate(void **state) {
    (void)state;
    static float values[MOST], weights[MOST];
    for (int i = 0; i < MOST; i++) values[i] = -90.0f * (float)i / MOST;
    double sum = 0, total = logits_weigh(values, MOST, 0, 1, -INFINITY, weights);
    for (int i = 0; i < MOST; i++) {
        double expected = exp((double)values[i]);
        sum += expected;
        if (values[i] < -87.0f)
            assert_true(weights[i] == 0);
        else if (fabs(weights[i] / expected - 1) > 3e-7)
            fail_msg("exp(%g) is %g, expected %g", (double)values[i], (double)weights[i], expected);
    }
    assert_true(fabs(total / sum - 1) < 2e-7);
    assert_true(fabs(logits_sum_exp(values, MOST, 0) / sum - 1) < 2e-7);
    assert_true(weights[0] == 1);

    // Scale and threshold; -inf weighs nothing.
    values[5] = -INFINITY;
    total = logits_weigh(values, 100, 0, 3, -1, weights);
    for (int i = 0; i < 100; i++) {
        double expected = values[i] < -1 ? 0 : exp(3 * (double)values[i]);
        assert_true(fabs(weights[i] - expected) < 1e-6);
        total -= expected;
    }
    assert_true(fabs(total) < 1e-5);
}

static void collects_above_a_cut(void **state) {
    (void)state;
    static float values[MOST];
    static int32_t ids[MOST];
    for (int s = 0; s < SIZES; s++) {
        fill(values, sizes[s], (uint64_t)s, 0);
        size_t count = logits_collect(values, sizes[s], 4, ids), at = 0;
        for (size_t i = 0; i < sizes[s]; i++)
            if (values[i] > 4) assert_int_equal(ids[at++], i);
        assert_int_equal(count, at);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_not_finite),
        cmocka_unit_test(agrees_with_sorting),
        cmocka_unit_test(lists_the_top),
        cmocka_unit_test(exponentials_are_accurate),
        cmocka_unit_test(collects_above_a_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
