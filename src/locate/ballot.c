#include "locate/ballot.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "geo/cluster.h"

static bool is_empty(const char *text) {
    return !text || !*text;
}

static bool same_text(const char *a, const char *b) {
    return !is_empty(a) && !is_empty(b) && strcasecmp(a, b) == 0;
}

bool ballot_same_country(const struct verdict_place *a, const struct verdict_place *b) {
    if (a->country_code[0] && b->country_code[0]) return strcmp(a->country_code, b->country_code) == 0;
    return same_text(a->country, b->country);
}

bool ballot_same_region(const struct verdict_place *a, const struct verdict_place *b) {
    // Some areas lie in no single country: Europe, the Sahara.
    bool none = is_empty(a->country) && is_empty(b->country);
    return (none || ballot_same_country(a, b)) && same_text(a->region, b->region);
}

// A city that the gazetteer does not know got its container's position, and two such cities are not the same.
static bool is_pinned(const struct verdict_place *place) {
    return place->has_position && !is_empty(place->city) &&
           (!place->match || strcmp(place->match, "container") != 0);
}

static bool same_city_names(const struct verdict_place *a, const struct verdict_place *b) {
    bool countries = is_empty(a->country) ? is_empty(b->country) : same_text(a->country, b->country);
    return countries && same_text(a->city, b->city);
}

// Numbers the votes with a city by cluster, from 0; *clusters: how many there are.
static int find_cities(const struct verdict_vote *votes, size_t count, double cluster_km, size_t *city_of,
                       size_t *clusters, struct error *error) {
    struct point *points = memory_new(count + 1, sizeof *points, "votes", error);
    double *weights = memory_new(count + 1, sizeof *weights, "votes", error);
    struct clusters found = {0};
    size_t placed = 0;
    int result = points && weights ? 0 : -1;
    *clusters = 0;
    for (size_t i = 0; result == 0 && i < count; i++) {
        city_of[i] = SIZE_MAX;
        if (!is_pinned(&votes[i].place)) continue;
        points[placed] = votes[i].place.position;
        weights[placed++] = (double)votes[i].count;
    }
    if (result == 0 && placed) result = clusters_find(points, weights, placed, cluster_km, &found, error);
    placed = 0;
    for (size_t i = 0; result == 0 && i < count; i++)
        if (is_pinned(&votes[i].place)) city_of[i] = found.cluster_of[placed++];
    *clusters = found.count;
    for (size_t i = 0; result == 0 && i < count; i++) {
        const struct verdict_place *place = &votes[i].place;
        if (city_of[i] != SIZE_MAX || is_empty(place->city)) continue;
        size_t same = 0;
        while (same < i && (is_pinned(&votes[same].place) || !same_city_names(&votes[same].place, place)))
            same++;
        city_of[i] = same < i ? city_of[same] : (*clusters)++;
    }
    clusters_free(&found);
    free(points);
    free(weights);
    return result;
}

// Numbers the votes by what `same` holds for one place; those that it does not hold for even with themselves
// name nothing at this level.
static size_t find_same(const struct verdict_vote *votes, size_t count, size_t *group_of,
                        bool (*same)(const struct verdict_place *, const struct verdict_place *)) {
    size_t groups = 0;
    for (size_t i = 0; i < count; i++) {
        group_of[i] = SIZE_MAX;
        if (!same(&votes[i].place, &votes[i].place)) continue;
        size_t k = 0;
        while (k < i && (group_of[k] == SIZE_MAX || !same(&votes[k].place, &votes[i].place))) k++;
        group_of[i] = k < i ? group_of[k] : groups++;
    }
    return groups;
}

struct tally {
    struct ballot_group group;
    size_t number, first, most;
};

static int compare_tallies(const void *a, const void *b) {
    const struct tally *x = a, *y = b;
    if (x->group.count != y->group.count) return x->group.count > y->group.count ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

// Adds up the groups, puts them in order, and renumbers group_of.
static int add_up(struct ballot_level *level, const struct verdict_vote *votes, size_t count,
                  size_t *group_of, size_t groups, struct error *error) {
    struct tally *tallies = memory_new(groups + 1, sizeof *tallies, "votes", error);
    size_t *rank = memory_new(groups + 1, sizeof *rank, "votes", error);
    level->groups = memory_new(groups + 1, sizeof *level->groups, "votes", error);
    int result = tallies && rank && level->groups ? 0 : -1;
    for (size_t i = 0; result == 0 && i < count; i++) {
        if (group_of[i] == SIZE_MAX) continue;
        struct tally *tally = &tallies[group_of[i]];
        if (tally->group.count == 0) *tally = (struct tally){.number = group_of[i], .first = i};
        tally->group.count += votes[i].count;
        if (votes[i].count > tally->most) {
            tally->most = votes[i].count;
            tally->group.chosen = i;
        }
    }
    if (result == 0) {
        qsort(tallies, groups, sizeof *tallies, compare_tallies);
        level->count = groups;
        for (size_t g = 0; g < groups; g++) {
            level->groups[g] = tallies[g].group;
            rank[tallies[g].number] = g;
        }
        for (size_t i = 0; i < count; i++)
            if (group_of[i] != SIZE_MAX) group_of[i] = rank[group_of[i]];
    }
    free(tallies);
    free(rank);
    return result;
}

int ballot_count(struct ballot *ballot, const struct verdict_vote *votes, size_t count, double cluster_km,
                 struct error *error) {
    *ballot = (struct ballot){0};
    size_t *group_of = memory_new(count + 1, sizeof *group_of, "votes", error), cities;
    ballot->city_of = memory_new(count + 1, sizeof *ballot->city_of, "votes", error);
    int result = group_of && ballot->city_of ? 0 : -1;
    if (result == 0) result = find_cities(votes, count, cluster_km, ballot->city_of, &cities, error);
    if (result == 0)
        result = add_up(&ballot->levels[LEVEL_CITY], votes, count, ballot->city_of, cities, error);
    if (result == 0)
        result = add_up(&ballot->levels[LEVEL_REGION], votes, count, group_of,
                        find_same(votes, count, group_of, ballot_same_region), error);
    if (result == 0)
        result = add_up(&ballot->levels[LEVEL_COUNTRY], votes, count, group_of,
                        find_same(votes, count, group_of, ballot_same_country), error);
    free(group_of);
    if (result) ballot_free(ballot);
    return result;
}

void ballot_free(struct ballot *ballot) {
    for (size_t i = 0; i < VERDICT_LEVELS; i++) free(ballot->levels[i].groups);
    free(ballot->city_of);
    *ballot = (struct ballot){0};
}
