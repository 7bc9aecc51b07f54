// The points within some distance of a place, as polygons of longitude and latitude that no map draws wrong:
// cut where longitudes jump (RFC 7946 section 3.1.9) and closed along a pole that lies inside.
//
// At each longitude the points of a circle are one span of latitudes, those with
// sin(lat) sin(lat0) + cos(lat) cos(lat0) cos(lon - lon0) >= cos(radius). With A = sin(lat0) and
// B = cos(lat0) cos(lon - lon0) the left side is hypot(A, B) cos(lat - atan2(A, B)).
#include <math.h>
#include <stdlib.h>

#include "locate/writer_internal.h"

enum { STEPS = WRITER_CIRCLE_STEPS };

// Between polygons that would share an edge, which those of one geometry must not (OGC 06-103r4 6.1.14): some
// metres, so that it is there after rounding. In radians.
static const double GAP = 4e-7;
// A hole that is smaller is none: 25 km, where the radius is 20,000.
static const double SPECK = 0.004;

static double radians(double degrees) {
    return degrees * M_PI / 180;
}

static double degrees(double radians) {
    return radians * 180 / M_PI;
}

struct circle {
    double lat, lon, radius; // radians
};

// The span at `turn` radians east of the center; where the circle does not reach, its nearest point twice.
static void find_span(const struct circle *circle, double turn, double *low, double *high) {
    double a = sin(circle->lat), b = cos(circle->lat) * cos(turn);
    double middle = atan2(a, b), ratio = cos(circle->radius) / hypot(a, b);
    double half = acos(fmin(fmax(ratio, -1), 1));
    *low = middle - half;
    *high = middle + half;
}

static void add_corner(struct writer_polygon *polygon, double lon, double lat) {
    lat = fmin(fmax(degrees(lat), -90), 90);
    lon = fmin(fmax(degrees(lon), -180), 180);
    polygon->points[polygon->count++] = (struct point){lat, lon};
}

// Counterclockwise: eastward along the lower edge, back along the upper one.
static void close_polygon(struct writer_polygon *polygon, const double *lon, const double *low,
                          const double *high, size_t count) {
    polygon->count = 0;
    for (size_t i = 0; i < count; i++) add_corner(polygon, lon[i], low[i]);
    for (size_t i = count; i > 0; i--) add_corner(polygon, lon[i - 1], high[i - 1]);
    polygon->points[polygon->count++] = polygon->points[0];
}

// Part of a circle without a pole, from one angle of its width to another (-pi/2 .. pi/2, denser at the
// ends, where the edge runs north). `shift` brings its longitudes into range.
static void add_part(struct writer_polygon *polygon, const struct circle *circle, double width, double from,
                     double to, double shift) {
    double lon[STEPS + 1], low[STEPS + 1], high[STEPS + 1];
    for (int i = 0; i <= STEPS; i++) {
        double turn = width * sin(from + (to - from) * i / STEPS);
        lon[i] = circle->lon + turn + shift;
        find_span(circle, turn, &low[i], &high[i]);
    }
    close_polygon(polygon, lon, low, high, STEPS + 1);
}

static size_t add_free(struct writer_polygon *polygons, const struct circle *circle) {
    double width = asin(fmin(sin(circle->radius) / cos(circle->lat), 1));
    double east = circle->lon + width - M_PI, west = -M_PI - (circle->lon - width);
    if (east <= 0 && west <= 0) {
        add_part(polygons, circle, width, -M_PI / 2, M_PI / 2, 0);
        return 1;
    }
    // The angle at which the circle crosses the line where longitudes jump.
    double at = asin(fmin(fmax(((east > 0 ? M_PI : -M_PI) - circle->lon) / width, -1), 1));
    add_part(&polygons[0], circle, width, -M_PI / 2, at, east > 0 ? 0 : 2 * M_PI);
    add_part(&polygons[1], circle, width, at, M_PI / 2, east > 0 ? -2 * M_PI : 0);
    return 2;
}

// A circle around one pole reaches every longitude.
static size_t add_polar(struct writer_polygon *polygon, const struct circle *circle) {
    double lon[STEPS + 1], low[STEPS + 1], high[STEPS + 1];
    for (int i = 0; i <= STEPS; i++) {
        lon[i] = -M_PI + 2 * M_PI * i / STEPS;
        if (circle->lat > 0) {
            double ignored;
            find_span(circle, lon[i] - circle->lon, &low[i], &ignored);
            high[i] = M_PI / 2;
        } else { // the same, upside down
            const struct circle mirrored = {-circle->lat, circle->lon, circle->radius};
            double edge, ignored;
            find_span(&mirrored, lon[i] - circle->lon, &edge, &ignored);
            low[i] = -M_PI / 2;
            high[i] = -edge;
        }
    }
    close_polygon(polygon, lon, low, high, STEPS + 1);
    return 1;
}

static int compare_numbers(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

// Both poles lie inside: all but a circle around the other side of the Earth, as what is north and what is
// south of the parallel through that circle's ends.
static size_t add_all_but(struct writer_polygon *polygons, const struct circle *circle) {
    const struct circle hole = {-circle->lat, circle->lon + M_PI, fmax(M_PI - circle->radius, 0)};
    if (hole.radius < SPECK) {
        const double lon[] = {-M_PI, M_PI}, low[] = {-M_PI / 2, -M_PI / 2}, high[] = {M_PI / 2, M_PI / 2};
        close_polygon(&polygons[0], lon, low, high, 2);
        return 1;
    }
    double width = asin(fmin(sin(hole.radius) / cos(hole.lat), 1));
    double parallel = asin(fmin(fmax(sin(hole.lat) / cos(hole.radius), -1), 1));
    double lon[STEPS + 1], north[STEPS + 1], south[STEPS + 1], top[STEPS + 1], bottom[STEPS + 1];
    lon[0] = -M_PI;
    lon[1] = M_PI;
    for (int i = 2; i <= STEPS; i++) // denser where the hole's edge runs north
        lon[i] = remainder(hole.lon + width * sin(M_PI * ((i - 2.0) / (STEPS - 2) - 0.5)), 2 * M_PI);
    qsort(lon, STEPS + 1, sizeof *lon, compare_numbers);
    for (int i = 0; i <= STEPS; i++) {
        double turn = remainder(lon[i] - hole.lon, 2 * M_PI);
        north[i] = parallel + GAP;
        south[i] = parallel - GAP;
        if (fabs(turn) < width) find_span(&hole, turn, &south[i], &north[i]);
        top[i] = M_PI / 2;
        bottom[i] = -M_PI / 2;
    }
    close_polygon(&polygons[0], lon, north, top, STEPS + 1);
    close_polygon(&polygons[1], lon, bottom, south, STEPS + 1);
    return 2;
}

size_t writer_circle(struct point center, double radius_km, struct writer_polygon polygons[2]) {
    const struct circle circle = {radians(center.lat), radians(sphere_wrap_longitude(center.lon)),
                                  fmin(radius_km / SPHERE_RADIUS_KM, M_PI)};
    bool north = circle.radius >= M_PI / 2 - circle.lat, south = circle.radius >= M_PI / 2 + circle.lat;
    if (!(radius_km > 0)) return 0;
    if (north && south) return add_all_but(polygons, &circle);
    return north || south ? add_polar(polygons, &circle) : add_free(polygons, &circle);
}

size_t writer_circles(const struct verdict *view, struct writer_ring rings[2]) {
    const struct verdict_place *place = writer_shown_place(view);
    struct point ignored;
    if (!place || !writer_get_position(place, &ignored)) return 0;
    double half = writer_radius(view, view->radius_50_km), most = writer_radius(view, view->radius_90_km);
    size_t count = 0;
    if (writer_is_known(view->radius_50_km) && half > 0) rings[count++] = (struct writer_ring){0.5, half};
    if (writer_is_known(view->radius_90_km) && most > 0) rings[count++] = (struct writer_ring){0.9, most};
    if (count == 0 && writer_is_known(half) && half > 0) rings[count++] = (struct writer_ring){-1, half};
    return count;
}
