#include "geo/gazetteer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/installed.h"
#include "base/memory.h"
#include "geo/gazetteer_internal.h"

#define HITS 8192 // places that the names of one lookup lead to at most

static const char *const statement_texts[STATEMENTS] = {
    [GET_NAME] = "SELECT p.id, p.kind, p.country, p.region, p.population, n.source, p.lat, p.lon"
                 " FROM name n CROSS JOIN place p ON p.id = n.place WHERE n.key = ?1",
    [GET_PLACE] = "SELECT p.kind, p.name, p.country, p.population, p.lat, p.lon, p.radius_m, r.name"
                  " FROM place p LEFT JOIN place r ON r.id = p.region WHERE p.id = ?1",
    [GET_CURATED] = "SELECT source, disputed FROM curated WHERE place = ?1",
    [GET_CELLS] = "SELECT place, lat, lon FROM cell WHERE id BETWEEN ?1 AND ?2 AND lat BETWEEN ?3 AND ?4"
                  " AND lon BETWEEN ?5 AND ?6 AND population >= ?7",
    [GET_GRAM] = "SELECT spellings FROM gram WHERE id = ?1",
    [GET_SPELLING] = "SELECT key FROM spelling WHERE id = ?1",
};

// $GLOBE_GAZETTEER is taken as it is, so that a wrong value is told rather than passed over.
static char *find_file(struct error *error) {
    const char *variable = getenv("GLOBE_GAZETTEER");
    if (variable && *variable) return memory_copy_string(variable, strlen(variable), error);
    char *found = installed_find("data/gazetteer.sqlite", error);
    if (!found)
        error_set(
            error, ERROR_INPUT,
            "gazetteer.sqlite: not found beside the program or in ./data; set GLOBE_GAZETTEER to its path");
    return found;
}

static int load_countries(struct gazetteer *gazetteer, struct error *error) {
    sqlite3_stmt *statement;
    const char *sql = "SELECT code, id, name FROM country ORDER BY code LIMIT 676"; // 26 times 26 codes
    if (sqlite3_prepare_v2(gazetteer->db, sql, -1, &statement, NULL))
        return gazetteer_failed(gazetteer, error);
    int step, result = 0;
    size_t capacity = 0;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        if (gazetteer->country_count == capacity) {
            capacity = capacity ? capacity * 2 : 256;
            void *grown = memory_grow(gazetteer->countries, capacity, sizeof *gazetteer->countries,
                                      gazetteer->path, error);
            if (!grown) {
                result = -1;
                break;
            }
            gazetteer->countries = grown;
        }
        const char *code = (const char *)sqlite3_column_text(statement, 0);
        if (!code || !*code || !gazetteer_is_place(PLACE_COUNTRY, 0, 0, code)) {
            gazetteer_refuse(gazetteer, sqlite3_column_int64(statement, 1));
            continue;
        }
        struct country_row *row = &gazetteer->countries[gazetteer->country_count++];
        gazetteer_copy_text(row->code, sizeof row->code, sqlite3_column_text(statement, 0));
        row->id = sqlite3_column_int64(statement, 1);
        gazetteer_copy_text(row->name, sizeof row->name, sqlite3_column_text(statement, 2));
    }
    if (!result && step != SQLITE_DONE) result = gazetteer_failed(gazetteer, error);
    sqlite3_finalize(statement);
    return result;
}

static int prepare_statements(struct gazetteer *gazetteer, struct error *error) {
    for (int i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(gazetteer->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &gazetteer->statements[i], NULL))
            return gazetteer_failed(gazetteer, error);
    return 0;
}

// Few: the parts of disputed areas.
static int load_claims(struct gazetteer *gazetteer, struct error *error) {
    sqlite3_stmt *statement;
    const char *sql =
        "SELECT p.id, p.kind, p.lat, p.lon, p.country, p.radius_m FROM curated c CROSS JOIN place p"
        " ON p.id = c.place WHERE c.disputed";
    if (sqlite3_prepare_v2(gazetteer->db, sql, -1, &statement, NULL))
        return gazetteer_failed(gazetteer, error);
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW && gazetteer->claim_count < CLAIMS) {
        struct claim *claim = &gazetteer->claims[gazetteer->claim_count];
        int64_t lat = sqlite3_column_int64(statement, 2), lon = sqlite3_column_int64(statement, 3);
        const char *code = (const char *)sqlite3_column_text(statement, 4);
        if (!gazetteer_is_place(sqlite3_column_int64(statement, 1), lat, lon, code)) {
            gazetteer_refuse(gazetteer, sqlite3_column_int64(statement, 0));
            continue;
        }
        if (!code || !*code) continue; // the whole of it
        memcpy(claim->code, code, sizeof claim->code);
        claim->at = (struct point){(double)lat / GAZETTEER_DEGREE, (double)lon / GAZETTEER_DEGREE};
        claim->km = fmin(sqlite3_column_double(statement, 5) / 1000, 2000);
        gazetteer->claim_count++;
    }
    int failed = step != SQLITE_ROW && step != SQLITE_DONE ? gazetteer_failed(gazetteer, error) : 0;
    sqlite3_finalize(statement);
    return failed;
}

static int prepare_fuzzy(struct gazetteer *gazetteer, struct error *error) {
    int64_t count;
    if (gazetteer_read_number(gazetteer, "SELECT max(id) FROM spelling", &count, error)) return -1;
    // A spelling takes at least four bytes of the file: more of them is a lie that would only cost memory.
    if (count < 0 || count > gazetteer->file_bytes / 4 || count > UINT32_MAX / 2)
        return error_set(error, ERROR_INPUT, "%s: gazetteer is damaged: %lld spellings", gazetteer->path,
                         (long long)count);
    gazetteer->spelling_count = (uint32_t)count;
    gazetteer->shared = memory_new((size_t)count + 1, 1, gazetteer->path, error);
    gazetteer->touched = memory_new((size_t)count + 1, sizeof *gazetteer->touched, gazetteer->path, error);
    return gazetteer->shared && gazetteer->touched ? 0 : -1;
}

struct gazetteer *gazetteer_open(const char *path, struct error *error) {
    struct gazetteer *gazetteer = memory_new(1, sizeof *gazetteer, "gazetteer", error);
    if (!gazetteer) return NULL;
    gazetteer->path = path ? memory_copy_string(path, strlen(path), error) : find_file(error);
    if (!gazetteer->path || gazetteer_open_file(gazetteer, error) || prepare_statements(gazetteer, error) ||
        load_countries(gazetteer, error) || load_claims(gazetteer, error) ||
        prepare_fuzzy(gazetteer, error)) {
        gazetteer_close(gazetteer);
        return NULL;
    }
    return gazetteer;
}

const char *gazetteer_path(const struct gazetteer *gazetteer) {
    return gazetteer->path;
}

void gazetteer_close(struct gazetteer *gazetteer) {
    if (!gazetteer) return;
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(gazetteer->statements[i]);
    sqlite3_close(gazetteer->db);
    free(gazetteer->countries);
    free(gazetteer->shared);
    free(gazetteer->touched);
    free(gazetteer->path);
    free(gazetteer);
}

static int compare_codes(const void *left, const void *right) {
    return strcmp(((const struct country_row *)left)->code, ((const struct country_row *)right)->code);
}

const struct country_row *gazetteer_find_country(const struct gazetteer *gazetteer, const char *code) {
    struct country_row key = {0};
    if (strlen(code) != 2) return NULL;
    memcpy(key.code, code, 2);
    return bsearch(&key, gazetteer->countries, gazetteer->country_count, sizeof key, compare_codes);
}

// A place without a name that can be shown, or with one that nobody could look up, is no place.
static bool read_name(sqlite3_stmt *statement, int column, char name[GAZETTEER_NAME]) {
    gazetteer_copy_text(name, GAZETTEER_NAME, sqlite3_column_text(statement, column));
    return name[0] && sqlite3_column_bytes(statement, column) <= PLACE_NAME_LIMIT;
}

static bool read_place(struct gazetteer *gazetteer, sqlite3_stmt *statement, struct gazetteer_place *place) {
    static const double farthest_km = M_PI * SPHERE_RADIUS_KM;
    int64_t kind = sqlite3_column_int64(statement, 0), lat = sqlite3_column_int64(statement, 4),
            lon = sqlite3_column_int64(statement, 5);
    const char *code = (const char *)sqlite3_column_text(statement, 2);
    if (!gazetteer_is_place(kind, lat, lon, code) || !read_name(statement, 1, place->name)) {
        gazetteer_refuse(gazetteer, place->id);
        return false;
    }
    place->kind = (enum place_kind)kind;
    if (code) memcpy(place->country_code, code, strlen(code));
    place->population = sqlite3_column_int64(statement, 3);
    if (place->population < 0) place->population = 0;
    place->at.lat = (double)lat / GAZETTEER_DEGREE;
    place->at.lon = (double)lon / GAZETTEER_DEGREE;
    double radius = sqlite3_column_double(statement, 6) / 1000;
    if (kind == PLACE_CITY || (kind == PLACE_DISTRICT && radius <= 0))
        radius = built_up_radius(place->population);
    place->radius_km = radius >= 0 ? fmin(radius, farthest_km) : 0;
    gazetteer_copy_text(place->region, sizeof place->region, sqlite3_column_text(statement, 7));
    snprintf(place->source, sizeof place->source, "GeoNames");
    const struct country_row *country = gazetteer_find_country(gazetteer, place->country_code);
    if (country) memcpy(place->country, country->name, sizeof place->country);
    return true;
}

static int read_source(struct gazetteer *gazetteer, struct gazetteer_place *place, struct error *error) {
    sqlite3_stmt *statement = gazetteer->statements[GET_CURATED];
    sqlite3_bind_int64(statement, 1, place->id);
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW) {
        gazetteer_copy_text(place->source, sizeof place->source, sqlite3_column_text(statement, 0));
        place->disputed = sqlite3_column_int(statement, 1) != 0;
    }
    sqlite3_reset(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? 0 : gazetteer_failed(gazetteer, error);
}

int gazetteer_find_id(struct gazetteer *gazetteer, int64_t id, struct gazetteer_place *place,
                      struct error *error) {
    sqlite3_stmt *statement = gazetteer->statements[GET_PLACE];
    gazetteer_start(gazetteer);
    *place = (struct gazetteer_place){.id = id};
    sqlite3_bind_int64(statement, 1, id);
    int step = sqlite3_step(statement);
    bool valid = step == SQLITE_ROW && read_place(gazetteer, statement, place);
    sqlite3_reset(statement);
    if (step != SQLITE_ROW) return step == SQLITE_DONE ? 0 : gazetteer_failed(gazetteer, error);
    if (valid && id >= GAZETTEER_FIRST_CURATED_ID && read_source(gazetteer, place, error)) return -1;
    return valid;
}

static bool already_there(const struct hits *hits, int64_t id) {
    for (size_t i = 0; i < hits->count; i++)
        if (hits->items[i].id == id) return true;
    return false;
}

static struct hit *add_hit(struct hits *hits, struct error *error) {
    if (hits->count == hits->capacity) {
        size_t capacity = hits->capacity ? hits->capacity * 2 : 64;
        void *grown = memory_grow(hits->items, capacity, sizeof *hits->items, "gazetteer", error);
        if (!grown) return NULL;
        hits->items = grown;
        hits->capacity = capacity;
    }
    return &hits->items[hits->count++];
}

int gazetteer_collect(struct gazetteer *gazetteer, const char *key, enum match_kind match, int edits,
                      struct hits *hits, struct error *error) {
    sqlite3_stmt *statement = gazetteer->statements[GET_NAME];
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    int step = SQLITE_DONE, result = 0;
    while (hits->count < HITS && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(statement, 0), kind = sqlite3_column_int64(statement, 1),
                lat = sqlite3_column_int64(statement, 6), lon = sqlite3_column_int64(statement, 7);
        const char *country = (const char *)sqlite3_column_text(statement, 2);
        if (already_there(hits, id)) continue;
        if (!gazetteer_is_place(kind, lat, lon, country)) {
            gazetteer_refuse(gazetteer, id);
            continue;
        }
        struct hit *hit = add_hit(hits, error);
        if (!hit) {
            result = -1;
            break;
        }
        *hit = (struct hit){.id = id, .kind = (enum place_kind)kind, .match = match, .edits = edits};
        if (country) memcpy(hit->country, country, strlen(country));
        hit->region = sqlite3_column_int64(statement, 3);
        hit->population = sqlite3_column_int64(statement, 4);
        if (hit->population < 0) hit->population = 0;
        hit->source = (enum name_source)(sqlite3_column_int(statement, 5) & 3);
        hit->at = (struct point){(double)lat / GAZETTEER_DEGREE, (double)lon / GAZETTEER_DEGREE};
        if (match == MATCH_EXACT && hit->source != NAME_MAIN) hit->match = MATCH_ALTERNATE;
    }
    if (!result && step != SQLITE_ROW && step != SQLITE_DONE) result = gazetteer_failed(gazetteer, error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return result;
}

static int read_text(struct gazetteer *gazetteer, const char *key, char *out, size_t size,
                     struct error *error) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(gazetteer->db, "SELECT value FROM meta WHERE key = ?", -1, &statement, NULL))
        return gazetteer_failed(gazetteer, error);
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    int step = sqlite3_step(statement);
    gazetteer_copy_text(out, size, step == SQLITE_ROW ? sqlite3_column_text(statement, 0) : NULL);
    sqlite3_finalize(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? 0 : gazetteer_failed(gazetteer, error);
}

int gazetteer_get_info(struct gazetteer *gazetteer, struct gazetteer_info *info, struct error *error) {
    *info = (struct gazetteer_info){.version = GAZETTEER_VERSION};
    gazetteer_start(gazetteer);
    if (gazetteer_read_number(gazetteer, "SELECT value FROM meta WHERE key='places'", &info->places, error) ||
        gazetteer_read_number(gazetteer, "SELECT value FROM meta WHERE key='districts'", &info->districts,
                              error) ||
        gazetteer_read_number(gazetteer, "SELECT value FROM meta WHERE key='regions'", &info->regions,
                              error) ||
        gazetteer_read_number(gazetteer, "SELECT value FROM meta WHERE key='countries'", &info->countries,
                              error) ||
        gazetteer_read_number(gazetteer, "SELECT value FROM meta WHERE key='areas'", &info->areas, error) ||
        gazetteer_read_number(gazetteer, "SELECT value FROM meta WHERE key='names'", &info->names, error))
        return -1;
    if (read_text(gazetteer, "source", info->source, sizeof info->source, error)) return -1;
    return read_text(gazetteer, "licence", info->licence, sizeof info->licence, error);
}

static int check_places(struct gazetteer *gazetteer, struct error *error) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(gazetteer->db, "SELECT id, kind, lat, lon, country, name FROM place", -1,
                           &statement, NULL))
        return gazetteer_failed(gazetteer, error);
    int step, result = 0;
    char name[GAZETTEER_NAME];
    while (!result && (step = sqlite3_step(statement)) == SQLITE_ROW)
        if (!gazetteer_is_place(sqlite3_column_int64(statement, 1), sqlite3_column_int64(statement, 2),
                                sqlite3_column_int64(statement, 3),
                                (const char *)sqlite3_column_text(statement, 4)) ||
            !read_name(statement, 5, name))
            result =
                error_set(error, ERROR_INPUT, "%s: gazetteer is damaged: place %lld has impossible values",
                          gazetteer->path, (long long)sqlite3_column_int64(statement, 0));
    if (!result && step != SQLITE_DONE) result = gazetteer_failed(gazetteer, error);
    sqlite3_finalize(statement);
    return result;
}

int gazetteer_check(struct gazetteer *gazetteer, struct error *error) {
    sqlite3_stmt *statement;
    char first[200] = "";
    gazetteer_start(gazetteer);
    if (sqlite3_prepare_v2(gazetteer->db, "PRAGMA quick_check(1)", -1, &statement, NULL))
        return gazetteer_failed(gazetteer, error);
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW) gazetteer_copy_text(first, sizeof first, sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    if (step != SQLITE_ROW) return gazetteer_failed(gazetteer, error);
    if (strcmp(first, "ok"))
        return error_set(error, ERROR_INPUT, "%s: gazetteer is damaged: %s", gazetteer->path, first);
    return check_places(gazetteer, error);
}

const char *place_kind_name(enum place_kind kind) {
    static const char *const names[] = {"city", "district", "region",      "country",
                                        "area", "landmark", "macro-region"};
    return names[kind];
}

bool place_kind_is_point(enum place_kind kind) {
    return kind == PLACE_CITY || kind == PLACE_DISTRICT || kind == PLACE_LANDMARK;
}

const char *match_kind_name(enum match_kind kind) {
    static const char *const names[] = {"exact", "alternate", "simplified", "fuzzy", "container"};
    return names[kind];
}

const char *lookup_outcome_name(enum lookup_outcome outcome) {
    static const char *const names[] = {"not found", "found", "conflict", "container"};
    return names[outcome];
}

const char *lookup_fallback_name(enum lookup_fallback fallback) {
    static const char *const names[] = {NULL, "city", "region", "country"};
    return names[fallback];
}
