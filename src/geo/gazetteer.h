// The gazetteer: names of places to coordinates and back, offline, from one SQLite file.
//
//     struct gazetteer *gazetteer = gazetteer_open(NULL, &error);
//     struct gazetteer_answer answer;
//     struct gazetteer_query query = {.city = "Cologne", .country = "Germany"};
//     if (gazetteer && !gazetteer_lookup(gazetteer, &query, &answer, &error) && answer.count > 0)
//         printf("%s %.4f %.4f\n", answer.candidates[0].place.name, ...);
//     gazetteer_close(gazetteer);
//
// A gazetteer belongs to one thread at a time; opening takes about a millisecond, so every thread opens its
// own. The file is read where it lies (memory-mapped pages), nothing is loaded. docs/gazetteer.md tells the
// matching rules in their order, the schema and where the data is from.
//
// Texts are UTF-8, at most PLACE_NAME_LIMIT (512) bytes each: longer is ERROR_LIMIT, invalid UTF-8
// ERROR_INPUT. A damaged file is ERROR_INPUT, from whichever call meets the damage. "Not found" is an answer,
// not an error.
//
// A file may come from anywhere: it is opened read-only, only with exactly our tables in it (no views, no
// triggers, no virtual tables), a call gives up after a number of steps that fits the file's size, names come
// without control characters, and rows with impossible values are left out with one warning.
#ifndef GLOBE_GEO_GAZETTEER_H
#define GLOBE_GEO_GAZETTEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "geo/sphere.h"

#define GAZETTEER_CANDIDATES 16 // an answer holds at most so many
#define GAZETTEER_NEAREST 64    // gazetteer_nearest gives at most so many

struct gazetteer;

enum place_kind {
    PLACE_CITY,     // city, town, village
    PLACE_DISTRICT, // a section of a city
    PLACE_REGION,   // first-level division: state, province, UK nation
    PLACE_COUNTRY,
    PLACE_AREA,     // an island, a landscape, a historic or disputed region; may lie in several countries
    PLACE_LANDMARK, // a sight, a park, a natural feature, to be found at a point
    PLACE_MACRO,    // a continent or a group of countries: never to be taken for a country
    PLACE_KINDS
};

enum { GAZETTEER_NAME = 160 };

struct gazetteer_place {
    int64_t id; // GeoNames id; from 1,000,000,000 for countries and regions whose GeoNames id is not known
    enum place_kind kind;
    char name[GAZETTEER_NAME]; // main name, as GeoNames writes it
    char country_code[3];      // ISO 3166-1 alpha-2 (XK for Kosovo); empty where there is no single one
    char country[80];          // in English; likewise
    char region[160];          // first-level division, in English where known; may be empty
    struct point at;           // of a region or country: a place inside it, near the mean of its people
    int64_t population;        // of a region or country: the sum over its places; 0 when not known
    double radius_km; // uncertainty: of a city about its built-up radius, of others the radius around `at`
                      // that holds 90 % of its people, of areas and landmarks about half their extent
    char source[40];  // "GeoNames", or where a row of the curated layer is from
    bool disputed;    // an area that more than one state claims
};

enum match_kind {
    MATCH_EXACT,      // the main name
    MATCH_ALTERNATE,  // another name: translation, exonym, former name
    MATCH_SIMPLIFIED, // after removing or adding words ("Greater", "City"), or transliterated
    MATCH_FUZZY,      // misspelt: `edits` away
    MATCH_CONTAINER,  // what was asked for was not found; this is the city, region or country named with it
};

struct gazetteer_candidate {
    struct gazetteer_place place;
    enum match_kind match;
    int edits;           // 0 unless MATCH_FUZZY
    bool country_agrees; // with the query's country (also its territories: Hong Kong for China); true without
                         // one
    bool region_agrees;  // with the query's region; true without one
    double score; // (0, 1]: how well the name matches, times this candidate's share among all that match
};

enum lookup_outcome {
    LOOKUP_NOT_FOUND, // nothing by that name, and no country or region to fall back on; no candidates
    LOOKUP_FOUND,     // candidates[0] has the name, and is where region and country say
    LOOKUP_CONFLICT,  // the name exists, but only outside the country or region named: both kinds are among
                      // the candidates
    LOOKUP_CONTAINER, // only what was named after it was found, see `fallback`
};

enum lookup_fallback { FALLBACK_NONE, FALLBACK_CITY, FALLBACK_REGION, FALLBACK_COUNTRY };

struct gazetteer_answer {
    enum lookup_outcome outcome;
    struct gazetteer_candidate candidates[GAZETTEER_CANDIDATES]; // best first
    int count;
    int same_name_places;    // how many cities bear the matched name in the whole gazetteer, whatever the
                             // country asked,
    int same_name_countries; // and in how many countries they lie
    char country_code[3];    // what the query's country was understood as; empty when not given or not known
    bool country_fuzzy;      // and that only by a similar name
    bool hedged; // the names were given as a guess or a choice; candidates are for the first that is known
    enum lookup_fallback fallback; // with LOOKUP_CONTAINER: "Old Mill, Bergen, Norway" is a city's
};

struct gazetteer_query {
    const char *city;    // may be NULL or empty: the region or country itself is looked up
    const char *region;  // NULL, or any first-level division, also abbreviated ("TX")
    const char *country; // NULL, or a name in any language, an alias, or an ISO code
    int limit;           // candidates wanted, 0 = all that fit
    bool exact_only;     // main and alternate names as they are: no simplification, no fuzzy matching
};

// path NULL: $GLOBE_GAZETTEER if set, else data/gazetteer.sqlite as it came with the program
// (base/installed.h).
// ERROR_INPUT when missing, not SQLite, truncated, not a gazetteer, or of another version: one line that
// names the file.
struct gazetteer *gazetteer_open(const char *path, struct error *error);
void gazetteer_close(struct gazetteer *gazetteer); // NULL is fine
const char *gazetteer_path(const struct gazetteer *gazetteer);

int gazetteer_lookup(struct gazetteer *gazetteer, const struct gazetteer_query *query,
                     struct gazetteer_answer *answer, struct error *error);

// Free text: "Paris", "Paris, France", "Springfield, Illinois, USA", also the country first.
int gazetteer_lookup_text(struct gazetteer *gazetteer, const char *text, struct gazetteer_answer *answer,
                          struct error *error);

// The ISO code of a country by any of its names, aliases or codes; also of a region that is taken for a
// country (Scotland is GB). code is empty when there is none.
int gazetteer_country_code(struct gazetteer *gazetteer, const char *text, char code[3], struct error *error);

// Whether code b is code a, or one lies under the other (Hong Kong and China, Puerto Rico and the United
// States).
bool gazetteer_same_country(const char *a, const char *b);

struct gazetteer_neighbour {
    struct gazetteer_place place;
    double distance_km; // great circle
};
// The k <= GAZETTEER_NEAREST cities and districts nearest to a point, nearest first, with at least
// min_population people; returns how many (fewer only when there are no more), -1 on error (bad coordinates,
// bad k).
int gazetteer_nearest(struct gazetteer *gazetteer, struct point at, int k, int64_t min_population,
                      struct gazetteer_neighbour *neighbours, struct error *error);

// A place by its id. 1 when found, 0 when there is none, -1 on error.
int gazetteer_find_id(struct gazetteer *gazetteer, int64_t id, struct gazetteer_place *place,
                      struct error *error);

struct gazetteer_info {
    int version;
    int64_t places, districts, regions, countries, areas, names; // areas: landmarks and macro-regions, too
    char source[400];                                            // where the data is from
    char licence[200];                                           // and its licence
};
int gazetteer_get_info(struct gazetteer *gazetteer, struct gazetteer_info *info, struct error *error);
int gazetteer_check(struct gazetteer *gazetteer,
                    struct error *error); // reads everything; ERROR_INPUT if damaged

const char *place_kind_name(enum place_kind kind);
const char *match_kind_name(enum match_kind kind);
const char *lookup_outcome_name(enum lookup_outcome outcome);
const char *lookup_fallback_name(enum lookup_fallback fallback); // NULL for FALLBACK_NONE
// Whether a place of this kind is told as a city's name is: by a point rather than an extent.
bool place_kind_is_point(enum place_kind kind);

#endif
