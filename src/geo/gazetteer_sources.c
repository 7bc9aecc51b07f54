// The GeoNames dump files: which columns mean what is told in the readme.txt beside them on GeoNames' server.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "geo/gazetteer_draft.h"
#include "geo/place_name.h"

// Names longer than this are sentences; the places have shorter ones.
#define NAME_BYTES 150

static bool is_country_code(const char *text) {
    return text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z' && !text[2];
}

static int add_name_of_length(struct gazetteer_draft *draft, const struct table_reader *table, int64_t id,
                              const char *name, enum name_source source, struct error *error) {
    if (strlen(name) > NAME_BYTES) return 0;
    if (draft_add_name(draft, id, name, source, error))
        return error_prefix(error, "%s:%zu", table->path, table->number);
    return 0;
}

// countryInfo.txt: 0 ISO, 1 ISO3, 4 name, 16 geonameid
static int read_country(struct gazetteer_draft *draft, const struct table_reader *table,
                        struct error *error) {
    struct draft_place country = {.kind = PLACE_COUNTRY, .admin1 = ""};
    if (table->count < 17)
        return table_error(table, error, "expected 19 columns, found fewer after", table->columns[0]);
    if (!is_country_code(table->columns[0]))
        return table_error(table, error, "expected a country code, found", table->columns[0]);
    if (strlen(table->columns[4]) >= sizeof((struct gazetteer_place *)0)->country)
        return table_error(table, error, "country name too long:", table->columns[4]);
    memcpy(country.country, table->columns[0], 3);
    country.name = table->columns[4];
    if (table_integer(table, 16, &country.id, error)) return -1;
    if (country.id == 0) return 0; // former countries
    if (draft_add_place(draft, &country, error)) return -1;
    if (add_name_of_length(draft, table, country.id, country.name, NAME_MAIN, error)) return -1;
    return add_name_of_length(draft, table, country.id, table->columns[1], NAME_ALTERNATE, error);
}

// admin1CodesASCII.txt: 0 "US.CA", 1 name, 2 name in ASCII, 3 geonameid
static int read_region(struct gazetteer_draft *draft, const struct table_reader *table, struct error *error) {
    struct draft_place region = {.kind = PLACE_REGION, .name = table->columns[1]};
    char *point = strchr(table->columns[0], '.');
    if (table->count < 4)
        return table_error(table, error, "expected 4 columns, found fewer after", table->columns[0]);
    if (!point || point - table->columns[0] != 2)
        return table_error(table, error, "expected a region code like US.CA, found", table->columns[0]);
    memcpy(region.country, table->columns[0], 2);
    region.admin1 = point + 1;
    if (strlen(region.name) > NAME_BYTES)
        return table_error(table, error, "region name too long:", region.name);
    if (table_integer(table, 3, &region.id, error) || draft_add_place(draft, &region, error)) return -1;
    if (add_name_of_length(draft, table, region.id, region.name, NAME_MAIN, error)) return -1;
    if (add_name_of_length(draft, table, region.id, table->columns[2], NAME_ALTERNATE, error)) return -1;
    // Where the code is letters it is the usual abbreviation (TX, ENG).
    bool letters = true;
    for (const char *c = region.admin1; *c; c++) letters = letters && *c >= 'A' && *c <= 'Z';
    return letters ? add_name_of_length(draft, table, region.id, region.admin1, NAME_ALTERNATE, error) : 0;
}

static int add_alternates(struct gazetteer_draft *draft, const struct table_reader *table, int64_t id,
                          char *list, struct error *error) {
    for (char *name = list, *next; name && *name; name = next) {
        next = strchr(name, ',');
        if (next) *next++ = 0;
        if (add_name_of_length(draft, table, id, name, NAME_ALTERNATE, error)) return -1;
    }
    return 0;
}

// Historical places would only be in the way of living namesakes; abandoned ones (Pripyat) are photographed.
static bool is_wanted_place(const char *class, const char *code) {
    return !strcmp(class, "P") && strcmp(code, "PPLH") && strcmp(code, "PPLCH");
}

static bool is_area(const char *class, const char *code) {
    return !strcmp(class, "A") &&
           (!strcmp(code, "ADM1") || !strncmp(code, "PCL", 3) || !strcmp(code, "TERR"));
}

// allCountries.txt and cities*.txt: 0 geonameid, 1 name, 3 alternate names, 4 latitude, 5 longitude, 6
// feature class, 7 feature code, 8 country, 10 admin1 code, 14 population. Countries and regions without a
// city get their coordinates from here, too.
static int read_place(struct gazetteer_draft *draft, const struct table_reader *table, size_t areas,
                      int64_t min_population, struct error *error) {
    struct draft_place place = {.name = table->columns[1], .located = true};
    if (table->count < 15)
        return table_error(table, error, "expected 19 columns, found fewer after", table->columns[0]);
    const char *class = table->columns[6], *code = table->columns[7];
    bool wanted = is_wanted_place(class, code), area = is_area(class, code);
    if (!wanted && !area) return 0;
    if (table_integer(table, 0, &place.id, error) || table_degrees(table, 4, 90, &place.at.lat, error) ||
        table_degrees(table, 5, 180, &place.at.lon, error) ||
        (table->columns[14][0] && table_integer(table, 14, &place.population, error)))
        return -1;
    for (size_t i = 0; area && i < areas; i++) {
        struct draft_place *known = &draft->places[i];
        if (known->id != place.id) continue;
        known->at = place.at;
        known->located = true;
        known->radius_km =
            known->kind == PLACE_COUNTRY ? 300 : 50; // nothing in the dumps says how large it is
        return add_alternates(draft, table, place.id, table->columns[3], error);
    }
    if (!wanted || place.population < min_population || strlen(place.name) > NAME_BYTES) return 0;
    if (!is_country_code(table->columns[8])) return 0; // no man's land
    memcpy(place.country, table->columns[8], 3);
    place.admin1 = table->columns[10];
    place.kind = strcmp(code, "PPLX") ? PLACE_CITY : PLACE_DISTRICT;
    if (draft_add_place(draft, &place, error)) return -1;
    if (add_name_of_length(draft, table, place.id, place.name, NAME_MAIN, error)) return -1;
    return add_alternates(draft, table, place.id, table->columns[3], error);
}

// Pseudo-languages of alternateNamesV2.txt that are codes and links rather than names.
static bool is_code_language(const char *language) {
    static const char *const codes[] = {"link", "wkdt", "post", "iata", "icao",
                                        "faac", "unlc", "tcid", "phon"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (!strcmp(language, codes[i])) return true;
    return false;
}

// Japanese and Chinese names of countries often end in their form of government, which people leave out.
static int add_short_name(struct gazetteer_draft *draft, const struct table_reader *table, int64_t id,
                          char *name, struct error *error) {
    static const char *const endings[] = {"連邦共和国", "人民共和国", "共和国", "王国", "連邦"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t size = strlen(endings[i]);
        if (length < size + 6 || strcmp(name + length - size, endings[i]))
            continue; // two characters remain at least
        name[length - size] = 0;
        return add_name_of_length(draft, table, id, name, NAME_ALTERNATE, error);
    }
    return 0;
}

// alternateNamesV2.txt: 1 geonameid, 2 language, 3 name
static int read_alternate(struct gazetteer_draft *draft, const struct table_reader *table,
                          struct error *error) {
    int64_t id;
    if (table->count < 4)
        return table_error(table, error, "expected 10 columns, found fewer after", table->columns[0]);
    if (is_code_language(table->columns[2])) return 0;
    if (table_integer(table, 1, &id, error)) return -1;
    const struct draft_place *place = draft_find(draft, id);
    if (!place) return 0;
    if (add_name_of_length(draft, table, id, table->columns[3], NAME_ALTERNATE, error)) return -1;
    return place->kind == PLACE_COUNTRY ? add_short_name(draft, table, id, table->columns[3], error) : 0;
}

enum dump { DUMP_COUNTRIES, DUMP_REGIONS, DUMP_PLACES, DUMP_NAMES };

static int read_dump(struct gazetteer_draft *draft, const struct gazetteer_build_options *options,
                     const char *name, enum dump dump, bool required, struct error *error) {
    char *path = file_join(options->folder, name, error);
    struct table_reader table;
    int row = -1;
    size_t areas = draft->place_count;
    if (path && !required && !file_exists(path)) {
        row = 0;
    } else if (path && !table_open(&table, path, error)) {
        while ((row = table_next(&table, error)) > 0) {
            int failed = dump == DUMP_COUNTRIES ? read_country(draft, &table, error)
                         : dump == DUMP_REGIONS ? read_region(draft, &table, error)
                         : dump == DUMP_PLACES
                             ? read_place(draft, &table, areas, options->min_population, error)
                             : read_alternate(draft, &table, error);
            if (failed) break;
        }
        if (row > 0) row = -1;
        table_close(&table);
    }
    free(path);
    return row;
}

static const char *find_places(const char *folder) {
    static const char *const names[] = {"allCountries.txt", "cities500.txt", "cities1000.txt",
                                        "cities5000.txt", "cities15000.txt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = file_join(folder, names[i], NULL);
        bool found = path && file_exists(path);
        free(path);
        if (found) return names[i];
    }
    return NULL;
}

int draft_read_dumps(struct gazetteer_draft *draft, const struct gazetteer_build_options *options,
                     struct error *error) {
    const char *places = find_places(options->folder);
    if (!places)
        return error_set(error, ERROR_INPUT,
                         "%s: holds none of allCountries.txt, cities500.txt, cities1000.txt, cities5000.txt, "
                         "cities15000.txt",
                         options->folder);
    if (read_dump(draft, options, "countryInfo.txt", DUMP_COUNTRIES, true, error) ||
        read_dump(draft, options, "admin1CodesASCII.txt", DUMP_REGIONS, false, error) ||
        read_dump(draft, options, places, DUMP_PLACES, true, error) || draft_index(draft, error))
        return -1;
    return read_dump(draft, options, "alternateNamesV2.txt", DUMP_NAMES, false, error);
}
