// Shared by the files of the gazetteer's reader. Not for other rooms.
#ifndef GLOBE_GEO_GAZETTEER_INTERNAL_H
#define GLOBE_GEO_GAZETTEER_INTERNAL_H

#include <sqlite3.h>

#include "geo/gazetteer.h"
#include "geo/gazetteer_schema.h"
#include "geo/place_name.h"

enum statement { GET_NAME, GET_PLACE, GET_BOX, GET_GRAM, GET_SPELLING, STATEMENTS };

struct country_row {
    char code[3];
    int64_t id;
    char name[80];
};

struct gazetteer {
    sqlite3 *db;
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
    enum place_kind kind;
    enum name_source source;
    char country[3];
    enum match_kind match;
    int edits;
};

struct hits {
    struct hit *items;
    size_t count, capacity;
};

int gazetteer_failed(const struct gazetteer *gazetteer, struct error *error); // from SQLite's last error
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
    char code[3];   // empty: not understood
    int64_t region; // not 0 when the text names a region of that country (Scotland)
};
int gazetteer_read_country(struct gazetteer *gazetteer, const char *text, struct country_reading *reading,
                           struct error *error);
int gazetteer_is_region(struct gazetteer *gazetteer, const char *text, bool *is_region, struct error *error);

#endif
