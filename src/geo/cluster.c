#include "geo/cluster.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

// Work space of the agglomeration. Groups are named by one of their points.
struct linkage {
    size_t count;
    float *distance; // [count * (count - 1) / 2] km between groups, upper triangle
    size_t *parent;  // [count] disjoint sets of the groups that were joined
    size_t *chain;   // [count]
    bool *gone;      // [count] group was joined to another
};

static float *between(const struct linkage *linkage, size_t a, size_t b) {
    size_t low = a < b ? a : b, high = a < b ? b : a;
    return &linkage->distance[low * (2 * linkage->count - low - 1) / 2 + high - low - 1];
}

static size_t find_root(size_t *parent, size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}

static int check_input(const struct point *points, const double *weights, size_t count, double radius_km,
                       struct error *error) {
    double total = 0;
    if (count == 0) return error_set(error, ERROR_INPUT, "clusters of no points");
    if (count > CLUSTER_LIMIT)
        return error_set(error, ERROR_LIMIT, "clusters of %zu points, at most %d are supported", count,
                         CLUSTER_LIMIT);
    if (!isfinite(radius_km) || radius_km < 0)
        return error_set(error, ERROR_INPUT, "linking radius %g km is not a number >= 0", radius_km);
    for (size_t i = 0; i < count; i++) {
        double weight = weights ? weights[i] : 1;
        if (sphere_check(points[i], error)) return error_prefix(error, "point %zu", i);
        if (!isfinite(weight) || weight < 0)
            return error_set(error, ERROR_INPUT, "weight %g of point %zu is not a number >= 0", weight, i);
        total += weight;
    }
    if (!(total > 0) || !isfinite(total))
        return error_set(error, ERROR_INPUT, "the weights of the %zu points sum to %g", count, total);
    return 0;
}

// The nearest group to `group`; `before` (the chain's previous element, or `group`) wins ties, so chains end.
static size_t nearest_group(const struct linkage *linkage, size_t group, size_t before) {
    size_t best = before;
    float least = before == group ? INFINITY : *between(linkage, group, before);
    for (size_t other = 0; other < linkage->count; other++) {
        if (other == group || linkage->gone[other]) continue;
        float distance = *between(linkage, group, other);
        if (distance < least) least = distance, best = other;
    }
    return best;
}

// Complete link: the distance to the union is the larger of the two.
static void join_groups(struct linkage *linkage, size_t kept, size_t joined) {
    linkage->gone[joined] = true;
    for (size_t other = 0; other < linkage->count; other++) {
        if (other == kept || linkage->gone[other]) continue;
        float distance = *between(linkage, joined, other), *mine = between(linkage, kept, other);
        if (distance > *mine) *mine = distance;
    }
}

// Nearest-neighbour chain (Murtagh 1983): follow nearest neighbours until two groups are each other's nearest
// and join these. Finds the same tree as joining the globally nearest pair first, in time n^2. A pair farther
// apart than the radius still takes part in the tree, but not in the clusters: later joins above it are
// farther still.
static void agglomerate(struct linkage *linkage, double radius_km) {
    size_t left = linkage->count, length = 0, first = 0;
    while (left > 1) {
        if (length == 0) {
            while (linkage->gone[first]) first++;
            linkage->chain[length++] = first;
        }
        size_t top = linkage->chain[length - 1], before = length > 1 ? linkage->chain[length - 2] : top;
        size_t next = nearest_group(linkage, top, before);
        if (next != before || length == 1) {
            linkage->chain[length++] = next;
            continue;
        }
        if ((double)*between(linkage, top, next) <= radius_km)
            linkage->parent[find_root(linkage->parent, top)] = find_root(linkage->parent, next);
        join_groups(linkage, next < top ? next : top, next < top ? top : next);
        length -= 2;
        left--;
    }
}

static void measure_distances(struct linkage *linkage, const struct point *points) {
    for (size_t a = 0; a < linkage->count; a++)
        for (size_t b = a + 1; b < linkage->count; b++)
            *between(linkage, a, b) = (float)sphere_distance(points[a], points[b]);
}

static void collect_clusters(struct linkage *linkage, const double *weights, struct clusters *clusters) {
    const size_t none = SIZE_MAX;
    size_t *index_of = linkage->chain; // free again: root -> cluster
    for (size_t i = 0; i < linkage->count; i++) index_of[i] = none;
    for (size_t i = 0; i < linkage->count; i++) {
        size_t root = find_root(linkage->parent, i);
        if (index_of[root] == none) index_of[root] = clusters->count++;
        struct cluster *cluster = &clusters->items[index_of[root]];
        clusters->cluster_of[i] = index_of[root];
        cluster->weight += weights ? weights[i] : 1;
        cluster->members++;
    }
}

static double weighted_distance(size_t from, const struct point *points, const double *weights,
                                const struct clusters *clusters, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        if (clusters->cluster_of[i] == clusters->cluster_of[from])
            sum += (weights ? weights[i] : 1) * sphere_distance(points[from], points[i]);
    return sum;
}

static void choose_medoids(const struct point *points, const double *weights, size_t count, double *least,
                           struct clusters *clusters) {
    for (size_t c = 0; c < clusters->count; c++) least[c] = INFINITY;
    for (size_t i = 0; i < count; i++) {
        size_t c = clusters->cluster_of[i];
        double sum = weighted_distance(i, points, weights, clusters, count);
        if (sum < least[c]) {
            least[c] = sum;
            clusters->items[c].medoid = i;
            clusters->items[c].centre = (struct point){points[i].lat, sphere_wrap_longitude(points[i].lon)};
        }
    }
}

struct ranked {
    double key;   // sorts downwards
    size_t index; // then upwards
};

static int compare_ranked(const void *left, const void *right) {
    const struct ranked *a = left, *b = right;
    if (a->key != b->key) return a->key > b->key ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static int sort_by_weight(struct clusters *clusters, size_t count, struct error *error) {
    struct ranked *order = memory_new(clusters->count, sizeof *order, "clusters", error);
    struct cluster *sorted = memory_new(clusters->count, sizeof *sorted, "clusters", error);
    size_t *new_index = memory_new(clusters->count, sizeof *new_index, "clusters", error);
    int result = order && sorted && new_index ? 0 : -1;
    if (!result) {
        for (size_t c = 0; c < clusters->count; c++) order[c] = (struct ranked){clusters->items[c].weight, c};
        qsort(order, clusters->count, sizeof *order, compare_ranked);
        for (size_t c = 0; c < clusters->count; c++) {
            sorted[c] = clusters->items[order[c].index];
            new_index[order[c].index] = c;
        }
        memcpy(clusters->items, sorted, clusters->count * sizeof *sorted);
        for (size_t i = 0; i < count; i++) clusters->cluster_of[i] = new_index[clusters->cluster_of[i]];
    }
    free(order);
    free(sorted);
    free(new_index);
    return result;
}

static int measure_radii(const struct point *points, const double *weights, size_t count,
                         struct clusters *clusters, struct error *error) {
    struct ranked *order = memory_new(count, sizeof *order, "clusters", error);
    if (!order) return -1;
    double total = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        order[i] = (struct ranked){-sphere_distance(clusters->items[0].centre, points[i]), i};
        total += weights ? weights[i] : 1;
    }
    qsort(order, count, sizeof *order, compare_ranked);
    clusters->radius_50_km = clusters->radius_90_km = -1;
    for (size_t i = 0; i < count; i++) {
        sum += weights ? weights[order[i].index] : 1;
        // A rounding error must not push "exactly half" to the next point.
        if (clusters->radius_50_km < 0 && sum >= 0.5 * total * (1 - 1e-12))
            clusters->radius_50_km = -order[i].key;
        if (clusters->radius_90_km < 0 && sum >= 0.9 * total * (1 - 1e-12))
            clusters->radius_90_km = -order[i].key;
    }
    free(order);
    return 0;
}

int clusters_find(const struct point *points, const double *weights, size_t count, double radius_km,
                  struct clusters *clusters, struct error *error) {
    *clusters = (struct clusters){0};
    if (check_input(points, weights, count, radius_km, error)) return -1;
    struct linkage linkage = {.count = count};
    linkage.distance = memory_new(count * (count - 1) / 2 + 1, sizeof(float), "clusters", error);
    linkage.parent = memory_new(count, sizeof(size_t), "clusters", error);
    linkage.chain = memory_new(count, sizeof(size_t), "clusters", error);
    linkage.gone = memory_new(count, sizeof(bool), "clusters", error);
    double *least = memory_new(count, sizeof(double), "clusters", error);
    clusters->items = memory_new(count, sizeof *clusters->items, "clusters", error);
    clusters->cluster_of = memory_new(count, sizeof(size_t), "clusters", error);
    int result = -1;
    if (linkage.distance && linkage.parent && linkage.chain && linkage.gone && least && clusters->items &&
        clusters->cluster_of) {
        for (size_t i = 0; i < count; i++) linkage.parent[i] = i;
        measure_distances(&linkage, points);
        agglomerate(&linkage, radius_km);
        collect_clusters(&linkage, weights, clusters);
        choose_medoids(points, weights, count, least, clusters);
        result = sort_by_weight(clusters, count, error);
        if (!result) result = measure_radii(points, weights, count, clusters, error);
    }
    free(linkage.distance);
    free(linkage.parent);
    free(linkage.chain);
    free(linkage.gone);
    free(least);
    if (result) clusters_free(clusters);
    return result;
}

void clusters_free(struct clusters *clusters) {
    free(clusters->items);
    free(clusters->cluster_of);
    *clusters = (struct clusters){0};
}
