// How the weights of a scope are found, and what is done to pictures on the way.
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "eval/scope_head.h"
#include "eval/scope_others.h"
#include "eval/scope_vary.h"

enum { FEATURES = 24, OWN = 2000, OTHERS = 1500 };

static struct error error;
static float values[OWN + OTHERS][FEATURES];
static const float *rows[OWN + OTHERS];

// Own rows are normal; of the others some have one feature shifted, some one that is too far off on either side.
static void draw_rows(uint64_t seed) {
    struct random random;
    random_start(&random, seed, 0);
    for (int i = 0; i < OWN + OTHERS; i++) {
        rows[i] = values[i];
        for (int k = 0; k < FEATURES; k++) values[i][k] = (float)(5 + 0.5 * random_normal(&random));
        if (i < OWN) continue;
        if (i % 2)
            values[i][3] += 3;
        else
            values[i][8] += random_unit(&random) < 0.5 ? 3 : -3;
    }
}

static double share_above(const struct scope *scope, int first, int count, double threshold) {
    int above = 0;
    for (int i = first; i < first + count; i++) above += scope_score(scope, values[i]) > threshold;
    return (double)above / count;
}

static void others_are_told_by_shifts_and_by_being_unusual(void **state) {
    (void)state;
    struct scope scope, again;
    draw_rows(1);
    assert_ok(scope_head_fit(&scope, rows, OWN, rows + OWN, OTHERS, FEATURES, &error), error);
    assert_ok(scope_head_fit(&again, rows, OWN, rows + OWN, OTHERS, FEATURES, &error), error);
    assert_memory_equal(scope.mean, again.mean, 4 * sizeof(float) * FEATURES);
    assert_near(scope.mean[0], 5, 0.1);
    assert_near(scope.scale[0], 0.5, 0.05);
    assert_true(scope.slope[3] > 0.05F);
    assert_true(scope.bend[8] > 0.05F);
    assert_true(fabsf(scope.slope[8]) < scope.bend[8]);
    draw_rows(2); // fresh ones
    double threshold = scope.base;
    while (share_above(&scope, 0, OWN, threshold) > 0.005) threshold += 0.1;
    double found = share_above(&scope, OWN, OTHERS, threshold);
    if (found < 0.9) fail_msg("%f of the others are found", found);
    scope_free(&scope);
    scope_free(&again);
}

static void variations_keep_the_picture(void **state) {
    (void)state;
    struct image image, varied, again;
    assert_ok(image_new(&image, 80, 60, &error), error);
    for (int i = 0; i < 80 * 60 * 3; i++) image.rgb[i] = (uint8_t)(i / 3 % 80 * 2 + i % 3 * 20);
    for (int v = 0; v < SCOPE_VARIATIONS; v++)
        for (uint64_t draw = 0; draw < 5; draw++) {
            assert_ok(scope_vary(&varied, &image, (enum scope_variation)v, draw, &error), error);
            assert_ok(scope_vary(&again, &image, (enum scope_variation)v, draw, &error), error);
            assert_int_equal(varied.width, again.width);
            assert_memory_equal(varied.rgb, again.rgb, varied.width * varied.height * 3);
            bool less = v == VARIATION_SMALLER || v == VARIATION_CROPPED;
            assert_in_range(varied.width, less ? 40 : 80, v == VARIATION_LARGER ? 120 : 80);
            // Still dark on the left and bright on the right.
            const uint8_t *row = varied.rgb + 3 * (varied.height / 2) * varied.width;
            assert_true(row[3 * (varied.width - 2)] > row[3] + 40);
            assert_string_not_equal(scope_variation_name((enum scope_variation)v), "unknown");
            image_free(&varied);
            image_free(&again);
        }
    image_free(&image);
}

static void others_are_the_same_each_time(void **state) {
    (void)state;
    struct scope_others *others = scope_others_new(&error);
    if (!others) skip(); // no fonts, or a build that cannot draw
    for (uint64_t i = 0; i < 12; i++) {
        struct image one, two;
        assert_ok(scope_others_draw(others, i, &one, &error), error);
        assert_ok(scope_others_draw(others, i, &two, &error), error);
        assert_int_equal(one.width, two.width);
        assert_memory_equal(one.rgb, two.rgb, one.width * one.height * 3);
        assert_in_range(scope_others_kind(i), 0, scope_others_kinds() - 1);
        image_free(&one);
        image_free(&two);
    }
    scope_others_free(others);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(others_are_told_by_shifts_and_by_being_unusual),
                                       cmocka_unit_test(variations_keep_the_picture),
                                       cmocka_unit_test(others_are_the_same_each_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
