#include "reward/atlas.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/name_map.h"
#include "base/utf8.h"
#include "geo/place_hedge.h"
#include "geo/place_name.h"

enum { MOST_KEPT = 1 << 16, LARGE_CITY = 50000 };

struct entry {
    char *key;
    struct place place;
};

struct atlas {
    struct gazetteer *gazetteer;
    struct gazetteer_answer *answer; // large
    struct name_map map;
    struct entry *entries;
    size_t count, capacity;
    bool own; // the gazetteer
};

struct atlas *atlas_over(struct gazetteer *gazetteer, struct error *error) {
    struct atlas *atlas = memory_new(1, sizeof *atlas, "atlas", error);
    if (!atlas) return NULL;
    atlas->gazetteer = gazetteer;
    atlas->answer = memory_new(1, sizeof *atlas->answer, "atlas", error);
    if (atlas->answer) return atlas;
    atlas_close(atlas);
    return NULL;
}

struct atlas *atlas_open(const char *path, struct error *error) {
    struct gazetteer *gazetteer = gazetteer_open(path, error);
    struct atlas *atlas = gazetteer ? atlas_over(gazetteer, error) : NULL;
    if (atlas)
        atlas->own = true;
    else
        gazetteer_close(gazetteer);
    return atlas;
}

static void forget(struct atlas *atlas) {
    for (size_t i = 0; i < atlas->count; i++) free(atlas->entries[i].key);
    atlas->count = 0;
    name_map_free(&atlas->map);
    atlas->map = (struct name_map){0};
}

void atlas_close(struct atlas *atlas) {
    if (!atlas) return;
    forget(atlas);
    free(atlas->entries);
    if (atlas->own) gazetteer_close(atlas->gazetteer);
    free(atlas->answer);
    free(atlas);
}

struct gazetteer *atlas_gazetteer(struct atlas *atlas) {
    return atlas->gazetteer;
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

static int look_up(struct atlas *atlas, const char *city, const char *country, struct place *place,
                   struct error *error) {
    struct gazetteer_answer *answer = atlas->answer;
    if (country[0] && gazetteer_country_code(atlas->gazetteer, country, place->code, error)) return -1;
    const struct gazetteer_query query = {.city = city, .country = country, .limit = 1};
    if (gazetteer_lookup(atlas->gazetteer, &query, answer, error)) return -1;
    if (answer->count == 0) return 0;
    const struct gazetteer_candidate *best = &answer->candidates[0];
    place->conflicts = answer->outcome == LOOKUP_CONFLICT && place->code[0];
    if (place->conflicts) { // the country counts, as it was named
        char code[3];
        memcpy(code, place->code, sizeof code);
        const struct gazetteer_query whole = {.country = code, .limit = 1};
        if (gazetteer_lookup(atlas->gazetteer, &whole, answer, error)) return -1;
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

static int look_up_large(struct atlas *atlas, const char *name, struct place *place, struct error *error) {
    struct gazetteer_answer *answer = atlas->answer;
    const struct gazetteer_query query = {.city = name, .exact_only = true};
    if (gazetteer_lookup(atlas->gazetteer, &query, answer, error)) return -1;
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

static int look_up_named(struct atlas *atlas, const char *name, struct place *place, struct error *error) {
    struct gazetteer_answer *answer = atlas->answer;
    const struct gazetteer_query query = {.country = name, .exact_only = true, .limit = 1};
    if (gazetteer_lookup(atlas->gazetteer, &query, answer, error)) return -1;
    if (answer->count == 0 || answer->candidates[0].place.kind != PLACE_COUNTRY) return 0;
    take(place, &answer->candidates[0]);
    return 0;
}

// Keeps *place under the key; takes the key.
static int keep(struct atlas *atlas, char *key, const struct place *place, struct error *error) {
    if (atlas->count == MOST_KEPT) forget(atlas);
    if (atlas->count == atlas->capacity) {
        size_t capacity = atlas->capacity ? 2 * atlas->capacity : 256;
        struct entry *grown = memory_grow(atlas->entries, capacity, sizeof *grown, "atlas", error);
        if (!grown) return -1;
        atlas->entries = grown, atlas->capacity = capacity;
    }
    if (name_map_add(&atlas->map, key, atlas->count, error)) return -1;
    atlas->entries[atlas->count++] = (struct entry){key, *place};
    return 0;
}

enum question { QUESTION_PLACE, QUESTION_COUNTRY, QUESTION_NAMED, QUESTION_LARGE };

static int ask(struct atlas *atlas, enum question question, const char *city, const char *country,
               struct place *place, struct error *error) {
    size_t at;
    *place = (struct place){0};
    if (!can_be_name(city) || !can_be_name(country)) return 0;
    struct buffer key = {0};
    buffer_format(&key, "%d\n%s\n%s", (int)question, city, country);
    char *name = buffer_take(&key);
    if (!name) return error_set(error, ERROR_MEMORY, "atlas: out of memory");
    if (name_map_find(&atlas->map, name, &at)) {
        *place = atlas->entries[at].place;
        free(name);
        return 0;
    }
    int result = question == QUESTION_PLACE ? look_up(atlas, city, country, place, error)
                 : question == QUESTION_COUNTRY
                     ? gazetteer_country_code(atlas->gazetteer, country, place->code, error)
                 : question == QUESTION_NAMED ? look_up_named(atlas, country, place, error)
                                              : look_up_large(atlas, city, place, error);
    if (result == 0) result = keep(atlas, name, place, error);
    if (result) free(name);
    return result;
}

int atlas_find(struct atlas *atlas, const char *city, const char *country, struct place *place,
               struct error *error) {
    return ask(atlas, QUESTION_PLACE, city, country, place, error);
}

int atlas_country(struct atlas *atlas, const char *name, char code[3], struct error *error) {
    struct place place;
    int result = ask(atlas, QUESTION_COUNTRY, "", name, &place, error);
    memcpy(code, place.code, sizeof place.code);
    return result;
}

int atlas_named_country(struct atlas *atlas, const char *name, char code[3], struct error *error) {
    struct place place;
    int result = ask(atlas, QUESTION_NAMED, "", name, &place, error);
    memcpy(code, place.code, sizeof place.code);
    return result;
}

int atlas_large_city(struct atlas *atlas, const char *name, struct place *place, struct error *error) {
    return ask(atlas, QUESTION_LARGE, name, "", place, error);
}

bool atlas_same_name(const char *a, const char *b) {
    char one[PLACE_KEY_SIZE], other[PLACE_KEY_SIZE];
    struct error ignored;
    if (!*a || !*b || place_key(a, strlen(a), false, one, &ignored) ||
        place_key(b, strlen(b), false, other, &ignored))
        return false;
    return *one && strcmp(one, other) == 0;
}
