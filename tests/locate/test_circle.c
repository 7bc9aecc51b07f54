// Circles as polygons: a point lies inside one of them exactly when it is so near to the center.
#include "support.h"

#include <math.h>

#include "locate/writer_internal.h"

static bool is_inside(const struct writer_polygon *polygon, struct point at) {
    bool inside = false;
    for (size_t i = 0; i + 1 < polygon->count; i++) {
        struct point a = polygon->points[i], b = polygon->points[i + 1];
        if ((a.lat > at.lat) != (b.lat > at.lat) &&
            at.lon < a.lon + (b.lon - a.lon) * (at.lat - a.lat) / (b.lat - a.lat))
            inside = !inside;
    }
    return inside;
}

static double signed_area(const struct writer_polygon *polygon) {
    double area = 0;
    for (size_t i = 0; i + 1 < polygon->count; i++) {
        struct point a = polygon->points[i], b = polygon->points[i + 1];
        area += a.lon * b.lat - b.lon * a.lat;
    }
    return area / 2;
}

static void check_circle(struct point center, double radius) {
    struct writer_polygon polygons[2];
    size_t count = writer_circle(center, radius, polygons);
    assert_in_range(count, 1, 2);
    for (size_t i = 0; i < count; i++) {
        const struct writer_polygon *polygon = &polygons[i];
        assert_memory_equal(&polygon->points[0], &polygon->points[polygon->count - 1], sizeof(struct point));
        assert_true(signed_area(polygon) > 0); // counterclockwise
        for (size_t k = 0; k < polygon->count; k++)
            assert_true(fabs(polygon->points[k].lat) <= 90 && fabs(polygon->points[k].lon) <= 180);
    }
    double margin = fmax(0.02 * radius, 60); // the edges are chords
    size_t inside = 0;
    for (int row = 0; row < 106; row++)
        for (int column = 0; column < 157; column++) {
            struct point at = {-89.5 + 1.7 * row, -179.3 + 2.3 * column};
            double distance = sphere_distance(center, at);
            bool found = is_inside(&polygons[0], at) || (count == 2 && is_inside(&polygons[1], at));
            inside += found;
            if (fabs(distance - radius) < margin || found == (distance < radius)) continue;
            fail_msg("circle of %g km around %g %g: %g %g is %s, %g km away", radius, center.lat, center.lon,
                     at.lat, at.lon, found ? "inside" : "outside", distance);
        }
    assert_true(radius < 1000 || inside > 0);
}

// Two polygons of one circle share no stretch of an edge: such a geometry is not valid.
static void polygons_touch_in_points_only(void **state) {
    (void)state;
    struct writer_polygon polygons[2];
    for (int step = 0; step < 18; step++) {
        size_t count = writer_circle((struct point){12, 34}, 11400 + 490 * step, polygons), shared = 0;
        assert_int_equal(count, 2);
        for (size_t i = 0; i + 1 < polygons[0].count; i++)
            for (size_t k = 0; k + 1 < polygons[1].count; k++) {
                const struct point *a = &polygons[0].points[i], *b = &polygons[1].points[k];
                bool level = a[0].lat == a[1].lat && b[0].lat == b[1].lat && a[0].lat == b[0].lat;
                shared += level && fabs(a[0].lon - a[1].lon) > 0 &&
                          fmin(a[0].lon, a[1].lon) < fmax(b[0].lon, b[1].lon) &&
                          fmin(b[0].lon, b[1].lon) < fmax(a[0].lon, a[1].lon);
            }
        assert_int_equal(shared, 0);
    }
    assert_int_equal(writer_circle((struct point){12, 34}, 20010, polygons), 1); // all of the Earth
    assert_near(signed_area(&polygons[0]), 360.0 * 180, 1e-6);
}

static void circles_are_right_everywhere(void **state) {
    (void)state;
    static const double lats[] = {0, 38.7, -41, 64, -78, 89, -90, 90},
                        lons[] = {0, -9.1, 174, 179.9, -179.99, 180, 190},
                        radii[] = {900, 2700, 6000, 9900, 10100, 14000, 17000, 19000};
    for (size_t i = 0; i < sizeof lats / sizeof *lats; i++)
        for (size_t j = 0; j < sizeof lons / sizeof *lons; j++)
            for (size_t k = 0; k < sizeof radii / sizeof *radii; k++)
                check_circle((struct point){lats[i], lons[j]}, radii[k]);
    check_circle((struct point){52, 13}, 30000); // further than the Earth is large: all of it
}

static void small_circles_are_exact(void **state) {
    (void)state;
    struct writer_polygon polygons[2];
    const struct point lisbon = {38.7169, -9.1399};
    assert_int_equal(writer_circle(lisbon, 12, polygons), 1);
    for (size_t i = 0; i < polygons[0].count; i++)
        assert_float_equal(sphere_distance(lisbon, polygons[0].points[i]), 12, 1e-6);
    assert_int_equal(writer_circle(lisbon, 0, polygons), 0);
    assert_int_equal(writer_circle(lisbon, -1, polygons), 0);
    const struct point fiji = {-17.7, 179.99};
    assert_int_equal(writer_circle(fiji, 12, polygons), 2);
    for (size_t p = 0; p < 2; p++)
        for (size_t i = 0; i < polygons[p].count; i++)
            assert_true(sphere_distance(fiji, polygons[p].points[i]) < 12.001);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(circles_are_right_everywhere),
                                       cmocka_unit_test(polygons_touch_in_points_only),
                                       cmocka_unit_test(small_circles_are_exact)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
