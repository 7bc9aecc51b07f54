// Names of places as rewards ask for them: through the gazetteer, each name once. Completions of a group name the same few
// places again and again.
#ifndef GLOBE_REWARD_ATLAS_H
#define GLOBE_REWARD_ATLAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "geo/gazetteer.h"

struct atlas;

struct place {
    struct point position; // of the smallest place that was found; for a conflict, of the country
    int64_t id;            // of the city
    int64_t population;    // of the city
    bool found;            // the gazetteer knows what was named
    bool has_city;         // and it is a city or the like, in the country that was named
    bool conflicts;        // the city exists, but only in other countries than the one that was named
    char code[3];          // of the country; "" where there is none
    char region[160];      // "" where not known
};

// path as gazetteer_open. One thread at a time.
struct atlas *atlas_open(const char *path, struct error *error);
// Over a gazetteer that stays the caller's, and open.
struct atlas *atlas_over(struct gazetteer *gazetteer, struct error *error);
void atlas_close(struct atlas *atlas); // NULL is fine
struct gazetteer *atlas_gazetteer(struct atlas *atlas);

// What a city and a country, each "" or a name in any language, mean together. A text that can be no name is not found.
// Fails when the gazetteer cannot be read, and for want of memory.
int atlas_find(struct atlas *atlas, const char *city, const char *country, struct place *place,
               struct error *error);
// The code of a country, "" when it is none.
int atlas_country(struct atlas *atlas, const char *name, char code[3], struct error *error);
// The same for a name that stands in a text: no guesses, and nothing that only lies in a country ("Scotland" does not name one).
int atlas_named_country(struct atlas *atlas, const char *name, char code[3], struct error *error);
// A large city by its name alone, as the gazetteer writes it: no guesses, and nothing below 50,000 people.
int atlas_large_city(struct atlas *atlas, const char *name, struct place *place, struct error *error);

// Whether two names read the same (geo/place_name.h).
bool atlas_same_name(const char *a, const char *b);

#endif
