// Shared by the files of the gazetteer's reader. Not for other rooms.
#ifndef GLOBE_GEO_GAZETTEER_INTERNAL_H
#define GLOBE_GEO_GAZETTEER_INTERNAL_H

#include <sqlite3.h>

#include "geo/gazetteer.h"
#include "geo/gazetteer_schema.h"
#include "geo/place_name.h"

// People from which a place elsewhere is not explained away by a village's similar name, and a city is meant
// rather than the region of its name.
#define WELL_KNOWN 50000

enum statement { GET_NAME, GET_PLACE, GET_CURATED, GET_CELLS, GET_GRAM, GET_SPELLING, STATEMENTS };

struct country_row {
    char code[3];
    int64_t id;
    char name[80];
};

// A part of a disputed area as one of its claimants' own.
struct claim {
    char code[3];
    struct point at;
    double km;
};
#define CLAIMS 256

struct gazetteer {
    sqlite3 *db;
    int64_t file_bytes, steps_left; // see gazetteer_start
    int64_t refused;                // rows left out so far
    struct claim claims[CLAIMS];
    int claim_count;
    char *path;
    sqlite3_stmt *statements[STATEMENTS];
    struct country_row *countries; // by code
    size_t country_count;
    uint32_t spelling_count;
    uint8_t *shared;   // [spelling_count + 1] trigrams shared with the query; all 0 between calls
    uint32_t *touched; // [spelling_count] spellings whose `shared` is not 0
};

// One place that a name led to; what ranking needs, without the texts.
struct hit {
    int64_t id, region, population;
    struct point at;
    enum place_kind kind;
    enum name_source source;
    char country[3];
    enum match_kind match;
    int edits;
    bool claimed; // lies in another country, but the one that was named claims it
};

struct hits {
    struct hit *items;
    size_t count, capacity;
};

// gazetteer_file.c
int gazetteer_open_file(struct gazetteer *gazetteer, struct error *error);
void gazetteer_start(struct gazetteer *gazetteer); // at the beginning of a call: so many steps it may take
int gazetteer_failed(const struct gazetteer *gazetteer, struct error *error); // from SQLite's last error
int gazetteer_read_number(struct gazetteer *gazetteer, const char *sql, int64_t *value, struct error *error);
// A text of the file without control characters and invalid bytes, cut between characters.
void gazetteer_copy_text(char *out, size_t size, const unsigned char *text);
// Whether a row's values can be; coordinates in 1/100000 degree. A row that is none is refused: told once.
bool gazetteer_is_place(int64_t kind, int64_t lat, int64_t lon, const char *country);
void gazetteer_refuse(struct gazetteer *gazetteer, int64_t id);

// gazetteer.c
// Adds the places that have this key; a place that is there already stays as it is.
int gazetteer_collect(struct gazetteer *gazetteer, const char *key, enum match_kind match, int edits,
                      struct hits *hits, struct error *error);
const struct country_row *gazetteer_find_country(const struct gazetteer *gazetteer, const char *code);

// gazetteer_fuzzy.c: keys of the gazetteer near to one, nearest first.
#define SIMILAR_KEYS 32
struct similar {
    char key[SPELLING_LONGEST + 1];
    int edits;
};
int gazetteer_similar(struct gazetteer *gazetteer, const char *key, struct similar similar[SIMILAR_KEYS],
                      int *count, struct error *error);

// gazetteer_country.c: whether code `part` is a territory of the state `whole`.
bool gazetteer_is_part_of(const char *part, const char *whole);
// What a country text means.
struct country_reading {
    char code[3];    // empty: not understood, or an area of no single country
    int64_t region;  // not 0 when the text names a region or area of that country (Scotland, Siberia)
    int64_t area;    // not 0 when it names an area or macro-region (Europe, Kashmir)
    struct point at; // of the area
    double km;
    int edits;   // away from the country's name
    bool hedged; // "possibly Japan"
};
int gazetteer_read_country(struct gazetteer *gazetteer, const char *text, struct country_reading *reading,
                           struct error *error);
int gazetteer_is_region(struct gazetteer *gazetteer, const char *text, bool *is_region, struct error *error);

// gazetteer_lookup without hedges: the names as they stand.
int gazetteer_look_up(struct gazetteer *gazetteer, const struct gazetteer_query *query,
                      struct gazetteer_answer *answer, struct error *error);

#endif
