// The gazetteer's file: what the builder writes and the reader expects. A change here is a new
// GAZETTEER_VERSION. The reader takes no other schema, so that nothing foreign in a file is run.
#ifndef GLOBE_GEO_GAZETTEER_SCHEMA_H
#define GLOBE_GEO_GAZETTEER_SCHEMA_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GAZETTEER_APPLICATION_ID 0x474C4F42 // "GLOB"
#define GAZETTEER_VERSION 2                 // PRAGMA user_version
#define GAZETTEER_DEGREE 100000             // coordinates are stored as whole 1/100000 degrees, about a metre

// Countries and regions without a known GeoNames id get one from here on.
#define GAZETTEER_FIRST_OWN_ID 1000000000
#define GAZETTEER_FIRST_CURATED_ID 1200000000 // and places of data/gazetteer-curated.tsv from here on

enum name_source {
    NAME_MAIN = 0,      // place.name
    NAME_ALTERNATE = 1, // another name in the source, or the main name's other ASCII spelling (Muenchen)
    NAME_CURATED = 2,   // data/gazetteer-curated.tsv
};

// place.kind holds enum place_kind. place.region is the id of the region's own row, or 0. place.country is
// empty where an area belongs to no single country. curated: where a row of the curated layer is from, and
// whether more than one state claims it. cell: the cities and districts of each cell, see cell_of.
// name: every key (place_name.h) of every place. spelling: the distinct ASCII keys of SPELLING_SHORTEST to
// SPELLING_LONGEST bytes, numbered from 1 in the order of (length, key). gram: see gram_id.
#define GAZETTEER_TABLES                                                                                 \
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"                                      \
    "CREATE TABLE country(code TEXT PRIMARY KEY, id INTEGER, name TEXT) WITHOUT ROWID;"                  \
    "CREATE TABLE place(id INTEGER PRIMARY KEY, kind INTEGER, name TEXT, country TEXT, region INTEGER,"  \
    " population INTEGER, lat INTEGER, lon INTEGER, radius_m INTEGER);"                                  \
    "CREATE TABLE name(key TEXT, place INTEGER, source INTEGER, PRIMARY KEY(key, place)) WITHOUT ROWID;" \
    "CREATE TABLE spelling(id INTEGER PRIMARY KEY, key TEXT);"                                           \
    "CREATE TABLE gram(id INTEGER PRIMARY KEY, spellings BLOB);"                                         \
    "CREATE TABLE cell(id INTEGER, place INTEGER, lat INTEGER, lon INTEGER, population INTEGER,"         \
    " PRIMARY KEY(id, place)) WITHOUT ROWID;"                                                            \
    "CREATE TABLE curated(place INTEGER PRIMARY KEY, source TEXT, disputed INTEGER);"

// Cells of half a degree, numbered in bands from the south, each from the west: those of a band lie together.
#define CELL_COLUMNS 720
#define CELL_BANDS 360

static inline int64_t grid_cell(double degrees, double least, int64_t cells) {
    double cell = floor((degrees - least) * 2);
    return cell < 0 ? 0 : cell >= (double)cells ? cells - 1 : (int64_t)cell;
}
static inline int64_t cell_band(double lat) {
    return grid_cell(lat, -90, CELL_BANDS);
}
static inline int64_t cell_column(double lon) {
    return grid_cell(lon, -180, CELL_COLUMNS);
}

// The radius of a disc that houses so many people at 3,000 to the square kilometre, which is usual for towns
// of all sizes; no place is known to better than a kilometre.
static inline double built_up_radius(int64_t population) {
    return fmax(1, sqrt((double)population / (M_PI * 3000)));
}

#define SPELLING_SHORTEST 4
#define SPELLING_LONGEST 60

// A trigram of " key " (the ends count as characters of their own) together with the key's length: spellings
// are compared only with those of about their length. Its blob lists the spelling ids that contain it,
// rising, as differences in LEB128.
static inline uint32_t gram_id(char a, char b, char c, size_t length) {
    return (((uint32_t)(a & 127) << 14 | (uint32_t)(b & 127) << 7 | (uint32_t)(c & 127)) << 6) |
           (uint32_t)(length & 63);
}

// The distinct trigrams of a key, without its length (as gram_id with length 0). Returns how many.
static inline int key_grams(const char *key, size_t length, uint32_t grams[SPELLING_LONGEST]) {
    char padded[SPELLING_LONGEST + 2];
    padded[0] = 1;
    memcpy(padded + 1, key, length);
    padded[length + 1] = 2;
    int count = 0;
    for (size_t i = 0; i < length; i++) {
        uint32_t gram = gram_id(padded[i], padded[i + 1], padded[i + 2], 0);
        int seen = 0;
        while (seen < count && grams[seen] != gram) seen++;
        if (seen == count) grams[count++] = gram;
    }
    return count;
}

#endif
