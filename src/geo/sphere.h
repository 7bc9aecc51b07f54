// Points on the Earth: distances, means, destinations. Degrees, latitude first, WGS-84; distances in km.
// Longitudes may be any finite number (190 is -170); latitudes must lie in [-90, 90].
#ifndef GLOBE_GEO_SPHERE_H
#define GLOBE_GEO_SPHERE_H

#include <stddef.h>

#include "base/error.h"

#define SPHERE_RADIUS_KM 6371.0088 // mean radius of the Earth, IUGG

struct point {
    double lat, lon;
};

// 0 when both numbers are finite and |lat| <= 90, otherwise ERROR_INPUT with the value. The functions below
// expect points that passed.
int sphere_check(struct point point, struct error *error);

double sphere_wrap_longitude(double lon); // the same meridian in [-180, 180)

// Great-circle distance (haversine) on the sphere: what the benchmarks of geo-localization use.
double sphere_distance(struct point a, struct point b);

// Geodesic distance on the WGS-84 ellipsoid (Karney's algorithm, from PROJ): what GeoCLIP's evaluator uses.
double sphere_geodesic(struct point a, struct point b);

// The point `distance` km from `start` in direction `bearing` (degrees clockwise from north), on the sphere.
struct point sphere_destination(struct point start, double bearing, double distance);

// Mean of the points as vectors, back on the surface. weights NULL means equal weights; otherwise they must
// be finite, >= 0 and not all 0. ERROR_INPUT also where the mean is undefined (the points cancel out).
int sphere_mean(const struct point *points, const double *weights, size_t count, struct point *mean,
                struct error *error);

#endif
