// data/gazetteer-curated.tsv: names that the sources lack. Columns: kind, target, value ...
//   alias   TARGET  NAME...            other names of a place
//   alias?  TARGET  NAME...            the same, where the place's name depends on the edition of the source
//   name    TARGET  NAME               what to call a place, in place of the source's word for it
//   centre  CODE    LAT  LON  RADIUS   a country without any place in the source
//   place   ID      CODE  LAT  LON  NAME  NAME...   a place too small for the source; ids from 1,200,000,000
//   on
//   KIND    ID      PARTS RADIUS SOURCE NAME NAME...   with KIND district, area, disputed, landmark or macro:
//   the layer of what is no town. PARTS is CODE:LAT:LON, or several with commas between, one for each country
//   it lies in; *:LAT:LON is the whole of it. RADIUS in km, SOURCE says where the row is from.
// TARGET is a country code (GB), a region (GB.SCT, GB.=Scotland by its name), the most populous city of a
// name in a country (IN/Mumbai), or an id.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "geo/gazetteer_draft.h"
#include "geo/place_name.h"

// By bisection over the names, which are sorted when this runs.
static size_t first_name(const struct gazetteer_draft *draft, size_t sorted, const char *key) {
    size_t low = 0, high = sorted;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(draft->names[middle].key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct draft_place *find_named(struct gazetteer_draft *draft, size_t sorted, const char *country,
                                      const char *name, bool region, struct error *error) {
    char key[PLACE_KEY_SIZE];
    struct draft_place *best = NULL;
    if (place_key(name, strlen(name), false, key, error)) return NULL;
    for (size_t i = first_name(draft, sorted, key); i < sorted && !strcmp(draft->names[i].key, key); i++) {
        struct draft_place *place = draft_find(draft, draft->names[i].place);
        if (!place || strcmp(place->country, country)) continue;
        if (region ? place->kind != PLACE_REGION : place->kind > PLACE_DISTRICT) continue;
        if (!best || place->population > best->population) best = place;
    }
    return best;
}

static struct draft_place *find_target(struct gazetteer_draft *draft, size_t sorted, const char *target,
                                       struct error *error) {
    char country[3] = {0};
    if (target[0] >= '0' && target[0] <= '9') return draft_find(draft, strtoll(target, NULL, 10));
    if (strlen(target) < 2) return NULL;
    memcpy(country, target, 2);
    if (!target[2]) return draft_find_country(draft, country);
    if (target[2] == '/') return find_named(draft, sorted, country, target + 3, false, error);
    if (target[2] != '.') return NULL;
    if (target[3] == '=') return find_named(draft, sorted, country, target + 4, true, error);
    return draft_find_region(draft, country, target + 3);
}

// Not to be found by later lines: the index of the draft is not made anew.
static int read_new_place(struct gazetteer_draft *draft, const struct table_reader *table,
                          struct error *error) {
    struct draft_place place = {.kind = PLACE_CITY, .located = true, .admin1 = "", .source = "atlas"};
    if (table->count < 6)
        return table_error(table, error, "expected id, country, coordinates, name for", table->columns[1]);
    if (strlen(table->columns[2]) != 2)
        return table_error(table, error, "expected a country code, found", table->columns[2]);
    memcpy(place.country, table->columns[2], 2);
    place.name = table->columns[5];
    if (table_integer(table, 1, &place.id, error) || table_degrees(table, 3, 90, &place.at.lat, error) ||
        table_degrees(table, 4, 180, &place.at.lon, error) || draft_add_place(draft, &place, error))
        return -1;
    for (int i = 5; i < table->count; i++) {
        enum name_source source = i == 5 ? NAME_MAIN : NAME_CURATED;
        if (draft_add_name(draft, place.id, table->columns[i], source, error))
            return error_prefix(error, "%s:%zu", table->path, table->number);
    }
    return 0;
}

// One part of an area, as "CH:46.6:8.1".
static int read_part(const struct table_reader *table, char *text, struct draft_place *place,
                     struct error *error) {
    char *columns[3] = {text, NULL, NULL};
    for (int i = 1; i < 3; i++) {
        columns[i] = strchr(columns[i - 1], ':');
        if (!columns[i]) return table_error(table, error, "expected CODE:LAT:LON, found", text);
        *columns[i]++ = 0;
    }
    struct table_reader part = {.path = table->path, .number = table->number, .count = 3};
    memcpy(part.columns, columns, sizeof columns);
    if (table_degrees(&part, 1, 90, &place->at.lat, error) ||
        table_degrees(&part, 2, 180, &place->at.lon, error))
        return -1;
    memset(place->country, 0, sizeof place->country);
    if (!strcmp(text, "*") && (place->kind == PLACE_AREA || place->kind == PLACE_MACRO)) return 0;
    if (strlen(text) != 2) return table_error(table, error, "expected a country code, found", text);
    memcpy(place->country, text, 2);
    return 0;
}

static const struct {
    const char *name;
    enum place_kind kind;
} layer[] = {{"district", PLACE_DISTRICT},
             {"area", PLACE_AREA},
             {"disputed", PLACE_AREA},
             {"landmark", PLACE_LANDMARK},
             {"macro", PLACE_MACRO}};

// The parts get the ids ID, ID + 1 ...
static int read_layer(struct gazetteer_draft *draft, enum place_kind kind, const struct table_reader *table,
                      struct error *error) {
    struct draft_place place = {.kind = kind, .located = true, .fixed = true, .admin1 = ""};
    if (table->count < 6)
        return table_error(table, error, "expected id, parts, radius, source, name for", table->columns[1]);
    int64_t radius;
    place.disputed = !strcmp(table->columns[0], "disputed");
    place.source = draft_copy(draft, table->columns[4], strlen(table->columns[4]), error);
    place.name = table->columns[5];
    if (!place.source || table_integer(table, 1, &place.id, error) || table_integer(table, 3, &radius, error))
        return -1;
    if (radius > 20000) return table_error(table, error, "expected a radius in km, found", table->columns[3]);
    place.radius_km = (double)radius;
    char *rest = table->columns[2], *part;
    for (; (part = strsep(&rest, ",")); place.id++) {
        if (read_part(table, part, &place, error) || draft_add_place(draft, &place, error)) return -1;
        for (int i = 5; i < table->count; i++) {
            enum name_source source = i == 5 ? NAME_MAIN : NAME_CURATED;
            if (table->columns[i][0] && draft_add_name(draft, place.id, table->columns[i], source, error))
                return error_prefix(error, "%s:%zu", table->path, table->number);
        }
    }
    return 0;
}

// The division that a curated place lies in is that of the nearest city.
static void find_divisions(struct gazetteer_draft *draft) {
    for (size_t i = 0; i < draft->place_count; i++) {
        struct draft_place *place = &draft->places[i];
        bool small =
            place_kind_is_point(place->kind) || (place->kind == PLACE_AREA && place->radius_km <= 60);
        if (place->id < GAZETTEER_FIRST_CURATED_ID || !small || place->admin1[0]) continue;
        double best = 300;
        for (size_t j = 0; j < draft->place_count; j++) {
            const struct draft_place *city = &draft->places[j];
            if (city->kind != PLACE_CITY || !city->admin1[0] || strcmp(city->country, place->country))
                continue;
            if (fabs(city->at.lat - place->at.lat) * 111 > best) continue;
            double distance = sphere_distance(city->at, place->at);
            if (distance >= best) continue;
            best = distance;
            place->admin1 = city->admin1;
        }
    }
}

static void note_unresolved(struct gazetteer_build_report *report, const struct table_reader *table) {
    if (report->curated_unresolved++ == 0)
        snprintf(report->first_unresolved, sizeof report->first_unresolved, "line %zu: %.150s", table->number,
                 table->columns[1]);
}

static int read_row(struct gazetteer_draft *draft, size_t sorted, const struct table_reader *table,
                    struct error *error) {
    if (table->count < 3)
        return table_error(table, error, "expected kind, target, value; found", table->columns[0]);
    if (!strcmp(table->columns[0], "place")) return read_new_place(draft, table, error);
    for (size_t i = 0; i < sizeof layer / sizeof *layer; i++)
        if (!strcmp(table->columns[0], layer[i].name)) return read_layer(draft, layer[i].kind, table, error);
    struct draft_place *place = find_target(draft, sorted, table->columns[1], error);
    bool optional = !strcmp(table->columns[0], "alias?");
    if (!place) {
        if (!optional) note_unresolved(draft->report, table);
        return 0;
    }
    if (!strcmp(table->columns[0], "centre")) {
        if (table->count < 5)
            return table_error(table, error, "expected latitude, longitude, radius for", table->columns[1]);
        int64_t radius;
        if (table_degrees(table, 2, 90, &place->at.lat, error) ||
            table_degrees(table, 3, 180, &place->at.lon, error) || table_integer(table, 4, &radius, error))
            return -1;
        place->located = place->fixed = true;
        place->radius_km = (double)radius;
        return 0;
    }
    bool name = !strcmp(table->columns[0], "name");
    if (!optional && !name && strcmp(table->columns[0], "alias"))
        return table_error(
            table, error,
            "expected alias, alias?, name, centre, place, district, area, disputed, landmark or macro, found",
            table->columns[0]);
    if (name && !(place->name = draft_copy(draft, table->columns[2], strlen(table->columns[2]), error)))
        return -1;
    for (int i = 2; i < table->count; i++)
        if (draft_add_name(draft, place->id, table->columns[i], NAME_CURATED, error))
            return error_prefix(error, "%s:%zu", table->path, table->number);
    return 0;
}

int draft_read_curated(struct gazetteer_draft *draft, const char *path, struct error *error) {
    struct table_reader table;
    draft_sort_names(draft);
    size_t sorted = draft->name_count; // later names are not searched: aliases of aliases are not followed
    if (table_open(&table, path, error)) return -1;
    int row;
    while ((row = table_next(&table, error)) > 0)
        if (read_row(draft, sorted, &table, error)) {
            row = -1;
            break;
        }
    table_close(&table);
    if (row || draft_index(draft, error)) return -1;
    find_divisions(draft);
    return 0;
}
