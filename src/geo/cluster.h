// Clusters of weighted points on the sphere, for voting over sampled answers.
//
// Complete-link agglomerative clustering: two groups become one while their farthest members lie within the
// linking radius, nearest groups first, so any two members of a cluster are at most that far apart. The
// centre of a cluster is its weighted medoid, the member with the least weighted distance to the others: an
// answer that was really given, and on land where a mean of coastal answers might not be.
#ifndef GLOBE_GEO_CLUSTER_H
#define GLOBE_GEO_CLUSTER_H

#include <stddef.h>

#include "geo/sphere.h"

#define CLUSTER_LIMIT 4096 // points; memory grows with their square (32 MiB at the limit)

struct cluster {
    struct point centre;
    double weight;  // sum over the members
    size_t medoid;  // the member that is the centre
    size_t members; // how many
};

struct clusters {
    struct cluster *items; // heaviest first; among equals the one whose first member comes first
    size_t count;
    size_t *cluster_of; // [points] index into items
    // Around the centre of items[0]: the least radius (km) that holds at least half / nine tenths of the
    // weight of ALL points, so that votes for other clusters widen it.
    double radius_50_km, radius_90_km;
};

// weights NULL means equal weights; otherwise finite, >= 0 and not all 0. 1 <= count <= CLUSTER_LIMIT
// (ERROR_LIMIT above), radius_km finite and >= 0 (0 joins only identical points). Free with clusters_free.
int clusters_find(const struct point *points, const double *weights, size_t count, double radius_km,
                  struct clusters *clusters, struct error *error);
void clusters_free(struct clusters *clusters);

#endif
