#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "locate/writer_internal.h"

enum { COARSE_DECIMALS = 2 }; // of a degree: about a kilometre

static void round_position(struct verdict_place *place) {
    place->position.lat = writer_round(place->position.lat, COARSE_DECIMALS);
    place->position.lon = writer_round(place->position.lon, COARSE_DECIMALS);
}

static double at_least(double radius, double least) {
    return writer_is_known(radius) && writer_is_known(least) ? fmax(radius, least) : radius;
}

static void coarsen_to_city(struct verdict_place *place) {
    round_position(place);
    place->radius_km = at_least(place->radius_km, 1);
}

static void coarsen_to_country(struct verdict_place *place) {
    bool is_country = writer_is_empty(place->city) && writer_is_empty(place->region);
    if (place->has_country_position) {
        place->has_position = true;
        place->position = place->country_position;
        place->radius_km = place->country_radius_km;
    } else if (!is_country) {
        place->has_position = false;
        place->position = (struct point){0};
        place->radius_km = -1;
    }
    round_position(place);
    place->city = place->region = NULL;
    place->match = "";
}

static bool same_country(const struct verdict_place *a, const struct verdict_place *b) {
    if (a->country_code[0] && b->country_code[0]) return strcmp(a->country_code, b->country_code) == 0;
    return strcasecmp(a->country ? a->country : "", b->country ? b->country : "") == 0;
}

static struct verdict_place *find_country(struct verdict *view, size_t count,
                                          const struct verdict_place *place) {
    if (same_country(&view->place, place)) return &view->place;
    for (size_t i = 0; i < count; i++)
        if (same_country(&view->alternatives[i], place)) return &view->alternatives[i];
    return NULL;
}

static double add_share(double share, double more) {
    return writer_is_known(share) && writer_is_known(more) ? fmin(share + more, 1) : share;
}

// Of two cities in one country, one country is left, with the shares of both.
static void merge_countries(struct verdict *view) {
    size_t kept = 0;
    for (size_t i = 0; i < view->alternative_count; i++) {
        struct verdict_place *place = &view->alternatives[i];
        struct verdict_place *same = find_country(view, kept, place);
        if (!same) {
            view->alternatives[kept++] = *place;
            continue;
        }
        same->share = add_share(same->share, place->share);
        if (same == &view->place && view->samples > 1)
            view->confidence = add_share(view->confidence, place->share);
    }
    view->alternative_count = kept;
}

// Cities and regions are as good as gone: their votes are those of their countries.
static void merge_votes(struct verdict *view) {
    size_t kept = 0;
    for (size_t i = 0; i < view->vote_count; i++) {
        size_t same = 0;
        while (same < kept && !same_country(&view->votes[same].place, &view->votes[i].place)) same++;
        if (same == kept)
            view->votes[kept++] = view->votes[i];
        else
            view->votes[same].count += view->votes[i].count;
    }
    view->vote_count = kept;
}

static void leave_out_levels(struct verdict *view) {
    view->level = LEVEL_COUNTRY;
    view->confidence = view->standings[LEVEL_COUNTRY].confidence;
    view->place.share = view->standings[LEVEL_COUNTRY].share;
    for (enum verdict_level level = LEVEL_REGION; level < VERDICT_LEVELS; level++)
        view->standings[level] = (struct verdict_standing){.share = -1, .confidence = -1};
}

static void leave_out_reasons(struct verdict *view) {
    view->reasoning = view->answer = view->evidence = NULL;
    view->clues = NULL;
    view->clue_count = 0;
    view->same_name_countries = 0; // tells the city's name
}

int writer_coarsen(struct verdict *view, const struct verdict *verdict, enum writer_precision precision,
                   struct error *error) {
    *view = *verdict;
    size_t count = verdict->alternative_count;
    view->alternatives = memory_new(count, sizeof *view->alternatives, "alternatives", error);
    if (!view->alternatives) return -1;
    for (size_t i = 0; i < count; i++) view->alternatives[i] = verdict->alternatives[i];
    view->votes = memory_new(verdict->vote_count + 1, sizeof *view->votes, "votes", error);
    if (!view->votes) {
        free(view->alternatives);
        return -1;
    }
    for (size_t i = 0; i < verdict->vote_count; i++) view->votes[i] = verdict->votes[i];
    if (precision == PRECISION_FULL) return 0;

    void (*coarsen)(struct verdict_place *) =
        precision == PRECISION_COUNTRY ? coarsen_to_country : coarsen_to_city;
    coarsen(&view->place);
    for (size_t i = 0; i < count; i++) coarsen(&view->alternatives[i]);
    for (size_t i = 0; i < view->vote_count; i++) coarsen(&view->votes[i].place);
    view->gps.lat = writer_round(view->gps.lat, COARSE_DECIMALS);
    view->gps.lon = writer_round(view->gps.lon, COARSE_DECIMALS);
    if (precision == PRECISION_COUNTRY) {
        view->has_gps = false; // whether it contradicts stays among the flags
        merge_countries(view);
        merge_votes(view);
        if (view->standings[LEVEL_COUNTRY].name) leave_out_levels(view);
        leave_out_reasons(view);
    }
    view->radius_50_km = at_least(view->radius_50_km, view->place.radius_km);
    view->radius_90_km = at_least(view->radius_90_km, view->place.radius_km);
    return 0;
}

void writer_release_view(struct verdict *view) {
    free(view->alternatives);
    free(view->votes);
    view->alternatives = NULL;
    view->votes = NULL;
}
