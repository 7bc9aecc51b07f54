// The drawn world: 24 countries, 48 real cities, and what is true of each place. A clue speaks for the cities
// that have it in these tables; several clues together leave fewer. docs/postcards.md has the sources and how
// to add a city.
#ifndef GLOBE_POSTCARDS_WORLD_H
#define GLOBE_POSTCARDS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "postcards/canvas.h"
#include "postcards/things.h"

enum { COUNTRY_COUNT = 24, CITY_COUNT = 48, COUNTRY_THINGS = 14, CITY_THINGS = 18 };

// One bit a city: a set of places that are still possible.
typedef uint64_t places;
static const places EVERYWHERE = (UINT64_C(1) << CITY_COUNT) - 1;

struct country {
    const char *name;
    const char *code; // ISO 3166-1 alpha-2
    bool article;     // "the Netherlands"
    bool keep_left;
    uint32_t board, ink;               // colours of its street name signs
    enum thing things[COUNTRY_THINGS]; // true of all its cities; ended by THING_NONE
};

struct city {
    const char *name;
    double latitude, longitude; // degrees, WGS-84
    int country;                // index into countries
    enum thing landmark;
    enum thing things[CITY_THINGS]; // besides those of the country; ended by THING_NONE
};

// A word on a sign. Either a city's own (city >= 0) or usual in some countries.
struct word {
    const char *text;
    const char *second;   // a second line in Latin letters, or NULL
    const char *script;   // "Greek letters"; NULL for Latin ones
    const char *language; // "French": of a Latin word, or of a word that only one language has; else NULL
    int city;             // -1: of the countries
    uint32_t countries;   // bits
    enum face face;
    bool stop; // stands on the stop sign
};

extern const struct country countries[COUNTRY_COUNT];
extern const struct city cities[CITY_COUNT]; // those of a country follow each other, the largest first
extern const struct word sign_words[];       // ended by a NULL text

bool city_has(int city, enum thing thing);
bool city_writes(int city, const struct word *word);
places places_with(enum thing thing); // EVERYWHERE for what tells nothing
places places_writing(const struct word *word);
places places_keeping(bool left);
places places_of_country(int country);

int places_count(places set);
int places_country(places set);                             // the country that holds them all, or -1
int places_countries(places set, int found[COUNTRY_COUNT]); // how many, and which
int country_first_city(int country);                        // its largest

#endif
