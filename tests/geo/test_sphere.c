#include "support.h"

#include <math.h>

#include "base/json.h"
#include "geo/sphere.h"

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void test_golden_distances(void **state) {
    (void)state;
    struct error error;
    json_t *root = json_read_file(golden_data("geo/distances.json"), 1 << 20, &error);
    assert_got(root, error);
    json_t *pair, *pairs = json_object_get(root, "pairs");
    size_t index;
    assert_true(json_array_size(pairs) > 0);
    json_array_foreach(pairs, index, pair) {
        struct point a = {number(pair, "lat1"), number(pair, "lon1")},
                     b = {number(pair, "lat2"), number(pair, "lon2")};
        double haversine = number(pair, "haversine_km"), geodesic = number(pair, "geodesic_km");
        // Near the antipode the haversine's derivative grows without bound.
        double tolerance = haversine > 19900 ? 1e-3 : 1e-6;
        if (fabs(sphere_distance(a, b) - haversine) > tolerance ||
            fabs(sphere_geodesic(a, b) - geodesic) > 1e-6)
            fail_msg("pair %zu: haversine %.9f not %.9f, or geodesic %.9f not %.9f", index,
                     sphere_distance(a, b), haversine, sphere_geodesic(a, b), geodesic);
    }
    json_decref(root);
}

static void test_check(void **state) {
    (void)state;
    struct error error;
    assert_ok(sphere_check((struct point){90, 0}, &error), error);
    assert_ok(sphere_check((struct point){-90, 540}, &error), error);
    assert_error(sphere_check((struct point){NAN, 0}, &error), error, ERROR_INPUT, "not finite");
    assert_error(sphere_check((struct point){0, INFINITY}, &error), error, ERROR_INPUT, "not finite");
    assert_error(sphere_check((struct point){90.001, 0}, &error), error, ERROR_INPUT, "latitude 90.001");
    assert_error(sphere_check((struct point){-1e300, 0}, &error), error, ERROR_INPUT, "outside [-90, 90]");
}

static void test_wrap(void **state) {
    (void)state;
    const double cases[][2] = {{0, 0},      {179.5, 179.5}, {180, -180}, {190, -170}, {-180, -180},
                               {-190, 170}, {540, -180},    {725, 5},    {-725, -5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_float_equal(sphere_wrap_longitude(cases[i][0]), cases[i][1], 1e-9);
    double far = sphere_wrap_longitude(1e17);
    assert_true(far >= -180 && far < 180);
}

static void test_longitudes_are_cyclic(void **state) {
    (void)state;
    struct point a = {35, 139}, b = {-33, -70}, c = {-33, 290}, d = {-33, -70 + 360e6};
    assert_float_equal(sphere_distance(a, b), sphere_distance(a, c), 1e-9);
    assert_float_equal(sphere_distance(a, b), sphere_distance(a, d), 1e-6);
    assert_float_equal(sphere_geodesic(a, b), sphere_geodesic(a, c), 1e-9);
}

static void test_destination(void **state) {
    (void)state;
    const struct point starts[] = {{0, 0}, {52, 13}, {-41, 174.8}, {89.9, 10}, {-90, 0}};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        for (int bearing = 0; bearing < 360; bearing += 37) {
            struct point end = sphere_destination(starts[i], bearing, 1234);
            assert_float_equal(sphere_distance(starts[i], end), 1234, 1e-6);
            assert_true(end.lon >= -180 && end.lon < 180);
        }
    }
    struct point north = sphere_destination((struct point){10, 20}, 0, SPHERE_RADIUS_KM * M_PI / 180);
    assert_float_equal(north.lat, 11, 1e-9);
    assert_float_equal(north.lon, 20, 1e-9);
}

static void test_mean(void **state) {
    (void)state;
    struct error error;
    struct point mean;
    const struct point date_line[] = {{0, 179}, {0, -179}};
    assert_ok(sphere_mean(date_line, NULL, 2, &mean, &error), error);
    assert_float_equal(fabs(mean.lon), 180, 1e-9);
    const double weights[] = {1, 3};
    const struct point pair[] = {{0, 0}, {0, 1}};
    assert_ok(sphere_mean(pair, weights, 2, &mean, &error), error);
    assert_float_equal(mean.lon, 0.75, 1e-4);
    const struct point antipodes[] = {{10, 20}, {-10, -160}};
    assert_error(sphere_mean(antipodes, NULL, 2, &mean, &error), error, ERROR_INPUT, "cancel out");
    const double bad[] = {1, NAN}, none[] = {0, 0}, negative[] = {2, -1};
    assert_error(sphere_mean(pair, bad, 2, &mean, &error), error, ERROR_INPUT, "of point 1");
    assert_error(sphere_mean(pair, none, 2, &mean, &error), error, ERROR_INPUT, "without weight");
    assert_error(sphere_mean(pair, negative, 2, &mean, &error), error, ERROR_INPUT, "weight -1");
    assert_error(sphere_mean(pair, NULL, 0, &mean, &error), error, ERROR_INPUT, "no points");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_distances),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_longitudes_are_cyclic),
        cmocka_unit_test(test_destination),
        cmocka_unit_test(test_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
