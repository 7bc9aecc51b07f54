// Votes counted per level: all votes for one country, within a country for one region, and cities by clusters
// on the sphere. 5 votes for Seoul, 2 for Busan and 1 for Tokyo are 7 for South Korea.
#ifndef GLOBE_LOCATE_BALLOT_H
#define GLOBE_LOCATE_BALLOT_H

#include "locate/verdict.h"

// The votes that mean one place at some level.
struct ballot_group {
    size_t count;  // of samples
    size_t chosen; // the vote that stands for it: the most frequent place, the earliest among equals
};

struct ballot_level {
    struct ballot_group *groups; // most votes first, the earliest among equals
    size_t count;
};

struct ballot {
    struct ballot_level levels[VERDICT_LEVELS];
    size_t *city_of; // per vote its group at LEVEL_CITY; SIZE_MAX when it names no city
};

// Votes of one country: the same code, or for want of codes the same name. Votes of one city: clusters of
// those within cluster_km of one another (geo/cluster.h); cities without a position of their own are told
// apart by name. ERROR_MEMORY, or ERROR_LIMIT for more than CLUSTER_LIMIT votes. Free with ballot_free.
int ballot_count(struct ballot *ballot, const struct verdict_vote *votes, size_t count, double cluster_km,
                 struct error *error);
void ballot_free(struct ballot *ballot);

// Whether two votes are for the same country. Ones that name none are for different ones.
bool ballot_same_country(const struct verdict_place *a, const struct verdict_place *b);
bool ballot_same_region(const struct verdict_place *a, const struct verdict_place *b);

#endif
