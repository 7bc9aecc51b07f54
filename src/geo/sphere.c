#include "geo/sphere.h"

#include <geodesic.h>
#include <math.h>
#include <threads.h>

#define DEGREE (M_PI / 180)

static struct geod_geodesic wgs84;
static once_flag wgs84_once = ONCE_FLAG_INIT;

static void init_wgs84(void) {
    geod_init(&wgs84, 6378137, 1 / 298.257223563);
}

int sphere_check(struct point point, struct error *error) {
    if (!isfinite(point.lat) || !isfinite(point.lon))
        return error_set(error, ERROR_INPUT, "coordinates %g, %g are not finite numbers", point.lat,
                         point.lon);
    if (fabs(point.lat) > 90)
        return error_set(error, ERROR_INPUT, "latitude %g is outside [-90, 90]", point.lat);
    return 0;
}

double sphere_wrap_longitude(double lon) {
    if (lon >= -180 && lon < 180) return lon;
    double wrapped = fmod(lon + 180, 360);
    return wrapped < 0 ? wrapped + 180 : wrapped - 180;
}

double sphere_distance(struct point a, struct point b) {
    double north = sin((b.lat - a.lat) * DEGREE / 2);
    // Wrapped first: fmod is exact, the sine of a huge angle is not the sine we mean.
    double east = sin(sphere_wrap_longitude(b.lon - a.lon) * DEGREE / 2);
    double h = north * north + cos(a.lat * DEGREE) * cos(b.lat * DEGREE) * east * east;
    if (h > 1) h = 1;
    return 2 * SPHERE_RADIUS_KM * atan2(sqrt(h), sqrt(1 - h)); // unlike asin, exact near the antipode
}

double sphere_geodesic(struct point a, struct point b) {
    call_once(&wgs84_once, init_wgs84);
    double metres = 0;
    geod_inverse(&wgs84, a.lat, sphere_wrap_longitude(a.lon), b.lat, sphere_wrap_longitude(b.lon), &metres,
                 NULL, NULL);
    return metres / 1000;
}

struct point sphere_destination(struct point start, double bearing, double distance) {
    double angle = distance / SPHERE_RADIUS_KM, azimuth = bearing * DEGREE, lat = start.lat * DEGREE;
    double sine = sin(lat) * cos(angle) + cos(lat) * sin(angle) * cos(azimuth);
    double turn = atan2(sin(azimuth) * sin(angle) * cos(lat), cos(angle) - sin(lat) * sine);
    return (struct point){
        .lat = asin(fmax(-1, fmin(1, sine))) / DEGREE,
        .lon = sphere_wrap_longitude(start.lon + turn / DEGREE),
    };
}

int sphere_mean(const struct point *points, const double *weights, size_t count, struct point *mean,
                struct error *error) {
    double x = 0, y = 0, z = 0, total = 0;
    for (size_t i = 0; i < count; i++) {
        double weight = weights ? weights[i] : 1;
        if (sphere_check(points[i], error)) return -1;
        if (!(weight >= 0) || !isfinite(weight))
            return error_set(error, ERROR_INPUT, "weight %g of point %zu is not a number >= 0", weight, i);
        double lat = points[i].lat * DEGREE, lon = sphere_wrap_longitude(points[i].lon) * DEGREE;
        x += weight * cos(lat) * cos(lon);
        y += weight * cos(lat) * sin(lon);
        z += weight * sin(lat);
        total += weight;
    }
    if (!(total > 0)) return error_set(error, ERROR_INPUT, "mean of no points, or of points without weight");
    if (sqrt(x * x + y * y + z * z) < 1e-9 * total)
        return error_set(error, ERROR_INPUT, "the mean of these %zu points is undefined: they cancel out",
                         count);
    mean->lat = atan2(z, hypot(x, y)) / DEGREE;
    mean->lon = sphere_wrap_longitude(atan2(y, x) / DEGREE);
    return 0;
}
