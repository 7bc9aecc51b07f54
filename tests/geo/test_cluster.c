#include "support.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "geo/cluster.h"

static const struct point paris = {48.8566, 2.3522}, lyon = {45.764, 4.8357}, tokyo = {35.6762, 139.6503};

static void test_votes(void **state) {
    (void)state;
    struct error error;
    struct clusters clusters;
    const struct point points[] = {tokyo, paris, {48.86, 2.36}, paris, lyon, {48.85, 362.35}};
    assert_ok(clusters_find(points, NULL, 6, 50, &clusters, &error), error);
    assert_int_equal(clusters.count, 3);
    assert_float_equal(clusters.items[0].weight, 4, 0);
    assert_int_equal(clusters.items[0].members, 4);
    assert_true(sphere_distance(clusters.items[0].centre, paris) < 1);
    assert_int_equal(clusters.cluster_of[0], 1); // of two equals the one that came first
    assert_int_equal(clusters.cluster_of[4], 2);
    assert_int_equal(clusters.cluster_of[5], 0);
    assert_true(clusters.radius_50_km < 2); // 4 of 6 are in Paris
    double to_tokyo = sphere_distance(clusters.items[0].centre, tokyo);
    assert_float_equal(clusters.radius_90_km, to_tokyo, 1e-9);
    clusters_free(&clusters);
}

static void test_weights_decide(void **state) {
    (void)state;
    struct error error;
    struct clusters clusters;
    const struct point points[] = {paris, paris, tokyo};
    const double weights[] = {0.1, 0.2, 0.7};
    assert_ok(clusters_find(points, weights, 3, 10, &clusters, &error), error);
    assert_int_equal(clusters.count, 2);
    assert_int_equal(clusters.items[0].medoid, 2);
    assert_float_equal(clusters.radius_50_km, 0, 1e-9);
    assert_true(clusters.radius_90_km > 9000);
    clusters_free(&clusters);
}

static void test_radius_zero_joins_equal_points_only(void **state) {
    (void)state;
    struct error error;
    struct clusters clusters;
    const struct point points[] = {paris, {48.8566, 2.3522 - 360}, {48.8567, 2.3522}};
    assert_ok(clusters_find(points, NULL, 3, 0, &clusters, &error), error);
    assert_true(clusters.count >= 2);
    clusters_free(&clusters);
    assert_ok(clusters_find(points, NULL, 1, 0, &clusters, &error), error);
    assert_int_equal(clusters.count, 1);
    assert_float_equal(clusters.radius_90_km, 0, 0);
    clusters_free(&clusters);
}

// Plain agglomeration, one nearest pair after the other, as the definition says.
static size_t reference_clusters(const struct point *points, size_t count, double radius, size_t *group) {
    size_t groups = count;
    for (size_t i = 0; i < count; i++) group[i] = i;
    for (;;) {
        double best = INFINITY;
        size_t from = 0, to = 0;
        for (size_t a = 0; a < count; a++) {
            for (size_t b = a + 1; b < count; b++) {
                if (group[a] == group[b]) continue;
                double farthest = 0;
                for (size_t i = 0; i < count; i++)
                    for (size_t j = 0; j < count; j++)
                        if (group[i] == group[a] && group[j] == group[b])
                            farthest = fmax(farthest, sphere_distance(points[i], points[j]));
                if (farthest < best) best = farthest, to = group[a], from = group[b];
            }
        }
        if (best > radius) return groups;
        for (size_t i = 0; i < count; i++)
            if (group[i] == from) group[i] = to;
        groups--;
    }
}

static void test_against_the_definition(void **state) {
    (void)state;
    struct error error;
    struct random random;
    for (uint64_t round = 0; round < 30; round++) {
        struct point points[24];
        size_t group[24];
        struct clusters clusters;
        random_start(&random, 7, round);
        size_t count = 2 + random_below(&random, 23);
        for (size_t i = 0; i < count; i++)
            points[i] = (struct point){40 + 10 * random_unit(&random), 175 + 10 * random_unit(&random)};
        double radius = 100 + 500 * random_unit(&random);
        size_t expected = reference_clusters(points, count, radius, group);
        assert_ok(clusters_find(points, NULL, count, radius, &clusters, &error), error);
        assert_int_equal(clusters.count, expected);
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < count; j++)
                assert_int_equal(group[i] == group[j], clusters.cluster_of[i] == clusters.cluster_of[j]);
        clusters_free(&clusters);
    }
}

static void test_limit(void **state) {
    (void)state;
    struct error error;
    struct clusters clusters;
    struct point *points = calloc(CLUSTER_LIMIT + 1, sizeof *points);
    assert_non_null(points);
    for (size_t i = 0; i < CLUSTER_LIMIT; i++) points[i].lon = (double)i * 0.05;
    assert_ok(clusters_find(points, NULL, CLUSTER_LIMIT, 25, &clusters, &error), error);
    assert_true(clusters.count > 500 && clusters.count < CLUSTER_LIMIT);
    double sum = 0;
    for (size_t c = 0; c < clusters.count; c++) sum += clusters.items[c].weight;
    assert_float_equal(sum, CLUSTER_LIMIT, 1e-6);
    clusters_free(&clusters);
    assert_error(clusters_find(points, NULL, CLUSTER_LIMIT + 1, 25, &clusters, &error), error, ERROR_LIMIT,
                 "4097");
    free(points);
}

static void test_bad_input(void **state) {
    (void)state;
    struct error error;
    struct clusters clusters;
    const struct point good[] = {paris, tokyo}, bad[] = {{0, 0}, {95, 0}};
    const double negative[] = {1, -1}, zero[] = {0, 0}, infinite[] = {1, INFINITY}, huge[] = {1e308, 1e308};
    assert_error(clusters_find(good, NULL, 0, 1, &clusters, &error), error, ERROR_INPUT, "no points");
    assert_error(clusters_find(good, NULL, 2, -1, &clusters, &error), error, ERROR_INPUT, "radius -1");
    assert_error(clusters_find(good, NULL, 2, NAN, &clusters, &error), error, ERROR_INPUT, "radius");
    assert_error(clusters_find(bad, NULL, 2, 1, &clusters, &error), error, ERROR_INPUT,
                 "point 1: latitude 95");
    assert_error(clusters_find(good, negative, 2, 1, &clusters, &error), error, ERROR_INPUT, "weight -1");
    assert_error(clusters_find(good, zero, 2, 1, &clusters, &error), error, ERROR_INPUT, "sum to 0");
    assert_error(clusters_find(good, infinite, 2, 1, &clusters, &error), error, ERROR_INPUT, "weight inf");
    assert_error(clusters_find(good, huge, 2, 1, &clusters, &error), error, ERROR_INPUT, "sum to inf");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_votes),
        cmocka_unit_test(test_weights_decide),
        cmocka_unit_test(test_radius_zero_joins_equal_points_only),
        cmocka_unit_test(test_against_the_definition),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
