#include "support.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"

// Known answers of Philox4x32-10, as published with Random123 (counter and key all zeros, all ones, digits of
// pi).
static void philox_gives_the_published_blocks(void **state) {
    (void)state;
    static const struct {
        uint64_t seed, stream, counter;
        uint32_t out[4];
    } cases[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822,
         0x0370734413198a2e,
         0x85a308d3243f6a88,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t out[4];
        random_block(cases[i].seed, cases[i].stream, cases[i].counter, out);
        assert_memory_equal(out, cases[i].out, sizeof out);
    }
}

static void a_stream_is_its_blocks_in_order(void **state) {
    (void)state;
    struct random random;
    random_start(&random, 5, 9);
    for (uint64_t counter = 0; counter < 10; counter++) {
        uint32_t block[4];
        random_block(5, 9, counter, block);
        for (int i = 0; i < 4; i++) assert_int_equal(random_u32(&random), block[i]);
    }
    struct random other;
    random_start(&random, 5, 9);
    random_start(&other, 5, 10);
    int same = 0;
    for (int i = 0; i < 1000; i++) same += random_u32(&random) == random_u32(&other);
    assert_true(same <= 1);
}

static void below_is_uniform(void **state) {
    (void)state;
    struct random random;
    random_start(&random, 1, 0);
    enum { SIDES = 7, THROWS = 70000 };
    int counts[SIDES] = {0};
    for (int i = 0; i < THROWS; i++) {
        uint64_t side = random_below(&random, SIDES);
        assert_in_range(side, 0, SIDES - 1);
        counts[side]++;
    }
    double chi_squared = 0, expected = (double)THROWS / SIDES;
    for (int i = 0; i < SIDES; i++) chi_squared += (counts[i] - expected) * (counts[i] - expected) / expected;
    assert_true(chi_squared < 22.5); // 6 degrees of freedom: exceeded once in a thousand seeds
    assert_int_equal(random_below(&random, 1), 0);
    uint64_t large = UINT64_MAX / 2 + 2; // half of all draws are thrown away
    for (int i = 0; i < 100; i++) assert_true(random_below(&random, large) < large);
}

static void unit_is_uniform_and_open(void **state) {
    (void)state;
    struct random random;
    random_start(&random, 2, 0);
    enum { DRAWS = 100000, BINS = 20 };
    int counts[BINS] = {0};
    double sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        double value = random_unit(&random);
        assert_true(value > 0 && value < 1);
        sum += value;
        counts[(int)(value * BINS)]++;
    }
    assert_near(sum / DRAWS, 0.5, 0.004); // four deviations of the mean
    for (int i = 0; i < BINS; i++) assert_true(abs(counts[i] - DRAWS / BINS) < 300);
}

static void normal_has_its_moments(void **state) {
    (void)state;
    struct random random;
    random_start(&random, 3, 0);
    enum { DRAWS = 100000 };
    double sum = 0, squares = 0;
    int beyond_two = 0;
    for (int i = 0; i < DRAWS; i++) {
        double value = random_normal(&random);
        assert_true(isfinite(value));
        sum += value;
        squares += value * value;
        beyond_two += fabs(value) > 2;
    }
    assert_true(fabs(sum / DRAWS) < 0.013);
    assert_near(squares / DRAWS, 1, 0.018);
    assert_true(abs(beyond_two - 4550) < 270);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_blocks),
        cmocka_unit_test(a_stream_is_its_blocks_in_order),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(unit_is_uniform_and_open),
        cmocka_unit_test(normal_has_its_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
