#include "reward/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/name_map.h"
#include "base/utf8.h"
#include "geo/place_hedge.h"
#include "geo/place_name.h"

enum { MOST_KEPT = 1 << 16, LARGE_CITY = 100000 };

struct entry {
    char *key;
    struct place place;
};

struct places {
    struct gazetteer *gazetteer;
    struct gazetteer_answer *answer; // large
    struct name_map map;
    struct entry *entries;
    size_t count, capacity;
};

struct places *places_open(const char *path, struct error *error) {
    struct places *places = memory_new(1, sizeof *places, "places", error);
    if (!places) return NULL;
    places->answer = memory_new(1, sizeof *places->answer, "places", error);
    places->gazetteer = places->answer ? gazetteer_open(path, error) : NULL;
    if (places->gazetteer) return places;
    places_close(places);
    return NULL;
}

static void forget(struct places *places) {
    for (size_t i = 0; i < places->count; i++) free(places->entries[i].key);
    places->count = 0;
    name_map_free(&places->map);
    places->map = (struct name_map){0};
}

void places_close(struct places *places) {
    if (!places) return;
    forget(places);
    free(places->entries);
    gazetteer_close(places->gazetteer);
    free(places->answer);
    free(places);
}

struct gazetteer *places_gazetteer(struct places *places) {
    return places->gazetteer;
}

// The gazetteer refuses other texts, and no place has such a name.
static bool can_be_name(const char *text) {
    size_t length = strlen(text);
    return length <= PLACE_NAME_LIMIT && utf8_is_valid(text, length);
}

static void take(struct place *place, const struct gazetteer_candidate *best) {
    place->found = true;
    place->position = best->place.at;
    memcpy(place->code, best->place.country_code, sizeof place->code);
    memcpy(place->region, best->place.region, sizeof place->region);
}

static int look_up(struct places *places, const char *city, const char *country, struct place *place,
                   struct error *error) {
    struct gazetteer_answer *answer = places->answer;
    if (country[0] && gazetteer_country_code(places->gazetteer, country, place->code, error)) return -1;
    const struct gazetteer_query query = {.city = city, .country = country, .limit = 1};
    if (gazetteer_lookup(places->gazetteer, &query, answer, error)) return -1;
    if (answer->count == 0) return 0;
    const struct gazetteer_candidate *best = &answer->candidates[0];
    place->conflicts = answer->outcome == LOOKUP_CONFLICT && place->code[0];
    if (place->conflicts) { // the country counts, as it was named
        char code[3];
        memcpy(code, place->code, sizeof code);
        const struct gazetteer_query whole = {.country = code, .limit = 1};
        if (gazetteer_lookup(places->gazetteer, &whole, answer, error)) return -1;
        if (answer->count) take(place, best);
        place->region[0] = 0;
        memcpy(place->code, code, sizeof code);
        return 0;
    }
    char named[3];
    memcpy(named, place->code, sizeof named);
    take(place, best);
    place->has_city = city[0] && !place_is_unknown(city) && place_kind_is_point(best->place.kind);
    if (place->has_city) place->id = best->place.id, place->population = best->place.population;
    if (named[0] && !place->has_city) memcpy(place->code, named, sizeof named);
    return 0;
}

static int look_up_large(struct places *places, const char *name, struct place *place, struct error *error) {
    struct gazetteer_answer *answer = places->answer;
    const struct gazetteer_query query = {.city = name, .exact_only = true};
    if (gazetteer_lookup(places->gazetteer, &query, answer, error)) return -1;
    for (int i = 0; i < answer->count; i++) {
        const struct gazetteer_place *found = &answer->candidates[i].place;
        if (found->kind != PLACE_CITY || found->population < LARGE_CITY ||
            found->population <= place->population)
            continue;
        take(place, &answer->candidates[i]);
        place->has_city = true, place->id = found->id, place->population = found->population;
    }
    return 0;
}

// Keeps *place under the key; takes the key.
static int keep(struct places *places, char *key, const struct place *place, struct error *error) {
    if (places->count == MOST_KEPT) forget(places);
    if (places->count == places->capacity) {
        size_t capacity = places->capacity ? 2 * places->capacity : 256;
        struct entry *grown = memory_grow(places->entries, capacity, sizeof *grown, "places", error);
        if (!grown) return -1;
        places->entries = grown, places->capacity = capacity;
    }
    if (name_map_add(&places->map, key, places->count, error)) return -1;
    places->entries[places->count++] = (struct entry){key, *place};
    return 0;
}

enum question { QUESTION_PLACE, QUESTION_COUNTRY, QUESTION_LARGE };

static int ask(struct places *places, enum question question, const char *city, const char *country,
               struct place *place, struct error *error) {
    size_t at;
    *place = (struct place){0};
    if (!can_be_name(city) || !can_be_name(country)) return 0;
    struct buffer key = {0};
    buffer_format(&key, "%d\n%s\n%s", (int)question, city, country);
    char *name = buffer_take(&key);
    if (!name) return error_set(error, ERROR_MEMORY, "places: out of memory");
    if (name_map_find(&places->map, name, &at)) {
        *place = places->entries[at].place;
        free(name);
        return 0;
    }
    int result = question == QUESTION_PLACE ? look_up(places, city, country, place, error)
                 : question == QUESTION_COUNTRY
                     ? gazetteer_country_code(places->gazetteer, country, place->code, error)
                     : look_up_large(places, city, place, error);
    if (result == 0) result = keep(places, name, place, error);
    if (result) free(name);
    return result;
}

int places_find(struct places *places, const char *city, const char *country, struct place *place,
                struct error *error) {
    return ask(places, QUESTION_PLACE, city, country, place, error);
}

int places_country(struct places *places, const char *name, char code[3], struct error *error) {
    struct place place;
    int result = ask(places, QUESTION_COUNTRY, "", name, &place, error);
    memcpy(code, place.code, sizeof place.code);
    return result;
}

int places_large_city(struct places *places, const char *name, struct place *place, struct error *error) {
    return ask(places, QUESTION_LARGE, name, "", place, error);
}

bool places_same_name(const char *a, const char *b) {
    char one[PLACE_KEY_SIZE], other[PLACE_KEY_SIZE];
    struct error ignored;
    if (!*a || !*b || place_key(a, strlen(a), false, one, &ignored) ||
        place_key(b, strlen(b), false, other, &ignored))
        return false;
    return *one && strcmp(one, other) == 0;
}
