#include "geo/gazetteer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/installed.h"
#include "base/memory.h"
#include "geo/gazetteer_internal.h"

#define MAPPED_BYTES (1 << 28)

static const char *const statement_texts[STATEMENTS] = {
    [GET_NAME] =
        "SELECT p.id, p.kind, p.country, p.region, p.population, n.source FROM name n CROSS JOIN place p"
        " ON p.id = n.place WHERE n.key = ?1",
    [GET_PLACE] = "SELECT p.kind, p.name, p.country, p.population, p.lat, p.lon, p.radius_m, r.name"
                  " FROM place p LEFT JOIN place r ON r.id = p.region WHERE p.id = ?1",
    [GET_BOX] =
        "SELECT p.id, p.lat, p.lon FROM box b CROSS JOIN place p ON p.id = b.id"
        " WHERE b.south >= ?1 AND b.north <= ?2 AND b.west >= ?3 AND b.east <= ?4 AND p.population >= ?5",
    [GET_GRAM] = "SELECT spellings FROM gram WHERE id = ?1",
    [GET_SPELLING] = "SELECT key FROM spelling WHERE id = ?1",
};

int gazetteer_failed(const struct gazetteer *gazetteer, struct error *error) {
    int code = sqlite3_errcode(gazetteer->db);
    return error_set(error, code == SQLITE_NOMEM ? ERROR_MEMORY : ERROR_INPUT, "%s: gazetteer is damaged: %s",
                     gazetteer->path, sqlite3_errmsg(gazetteer->db));
}

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

// The header of an SQLite file tells its page size and how many pages it has: enough to see a truncated copy.
static int check_header(const char *path, struct error *error) {
    unsigned char header[100];
    FILE *stream = fopen(path, "rbe");
    if (!stream) return error_set_errno(error, path, "cannot open gazetteer");
    struct stat status;
    int result = 0;
    if (fstat(fileno(stream), &status) || !S_ISREG(status.st_mode)) {
        result = error_set(error, ERROR_INPUT, "%s: not a regular file", path);
    } else if (fread(header, 1, sizeof header, stream) != sizeof header ||
               memcmp(header, "SQLite format 3", 16)) {
        result = error_set(error, ERROR_INPUT, "%s: not an SQLite file, so not a gazetteer", path);
    } else {
        uint64_t page = (uint64_t)header[16] << 8 | header[17];
        uint64_t pages =
            (uint64_t)header[28] << 24 | (uint64_t)header[29] << 16 | (uint64_t)header[30] << 8 | header[31];
        uint64_t size = (page == 1 ? 65536 : page) * pages;
        if ((uint64_t)status.st_size < size)
            result = error_set(error, ERROR_INPUT, "%s: gazetteer is truncated: %lld of %llu bytes", path,
                               (long long)status.st_size, (unsigned long long)size);
    }
    fclose(stream);
    return result;
}

static int read_number(struct gazetteer *gazetteer, const char *sql, int64_t *value, struct error *error) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(gazetteer->db, sql, -1, &statement, NULL))
        return gazetteer_failed(gazetteer, error);
    int step = sqlite3_step(statement);
    *value = step == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? 0 : gazetteer_failed(gazetteer, error);
}

static int check_version(struct gazetteer *gazetteer, struct error *error) {
    int64_t application, version;
    if (read_number(gazetteer, "PRAGMA application_id", &application, error) ||
        read_number(gazetteer, "PRAGMA user_version", &version, error))
        return -1;
    if (application != GAZETTEER_APPLICATION_ID)
        return error_set(error, ERROR_INPUT, "%s: an SQLite file, but not a gazetteer", gazetteer->path);
    if (version != GAZETTEER_VERSION)
        return error_set(error, ERROR_INPUT, "%s: gazetteer of version %lld, this program reads version %d",
                         gazetteer->path, (long long)version, GAZETTEER_VERSION);
    return 0;
}

static void copy_text(char *out, size_t size, const unsigned char *text) {
    snprintf(out, size, "%s", text ? (const char *)text : "");
}

static int load_countries(struct gazetteer *gazetteer, struct error *error) {
    sqlite3_stmt *statement;
    const char *sql = "SELECT code, id, name FROM country ORDER BY code";
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
        struct country_row *row = &gazetteer->countries[gazetteer->country_count++];
        copy_text(row->code, sizeof row->code, sqlite3_column_text(statement, 0));
        row->id = sqlite3_column_int64(statement, 1);
        copy_text(row->name, sizeof row->name, sqlite3_column_text(statement, 2));
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

static int prepare_fuzzy(struct gazetteer *gazetteer, struct error *error) {
    int64_t count;
    if (read_number(gazetteer, "SELECT max(id) FROM spelling", &count, error)) return -1;
    if (count < 0 || count > UINT32_MAX / 2)
        return error_set(error, ERROR_INPUT, "%s: gazetteer is damaged: %lld spellings", gazetteer->path,
                         (long long)count);
    gazetteer->spelling_count = (uint32_t)count;
    gazetteer->shared = memory_new((size_t)count + 1, 1, gazetteer->path, error);
    gazetteer->touched = memory_new((size_t)count + 1, sizeof *gazetteer->touched, gazetteer->path, error);
    return gazetteer->shared && gazetteer->touched ? 0 : -1;
}

// immutable: the file is replaced by rename, never changed, so no locks and no look at journals.
static int open_database(struct gazetteer *gazetteer, struct error *error) {
    struct buffer uri = {0};
    buffer_add_text(&uri, "file:");
    for (const char *c = gazetteer->path; *c; c++) {
        if (*c == '%' || *c == '?' || *c == '#') {
            buffer_format(&uri, "%%%02X", (unsigned)*c);
        } else {
            buffer_add(&uri, c, 1);
        }
    }
    buffer_add_text(&uri, "?immutable=1");
    if (uri.failed) {
        buffer_free(&uri);
        return error_set(error, ERROR_MEMORY, "%s: out of memory", gazetteer->path);
    }
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(uri.data, &gazetteer->db, flags, NULL);
    buffer_free(&uri);
    if (code) return gazetteer_failed(gazetteer, error);
    char pragma[64];
    snprintf(pragma, sizeof pragma, "PRAGMA mmap_size=%d;PRAGMA cell_size_check=ON", MAPPED_BYTES);
    return sqlite3_exec(gazetteer->db, pragma, NULL, NULL, NULL) ? gazetteer_failed(gazetteer, error) : 0;
}

struct gazetteer *gazetteer_open(const char *path, struct error *error) {
    struct gazetteer *gazetteer = memory_new(1, sizeof *gazetteer, "gazetteer", error);
    if (!gazetteer) return NULL;
    gazetteer->path = path ? memory_copy_string(path, strlen(path), error) : find_file(error);
    if (!gazetteer->path || check_header(gazetteer->path, error) || open_database(gazetteer, error) ||
        check_version(gazetteer, error) || prepare_statements(gazetteer, error) ||
        load_countries(gazetteer, error) || prepare_fuzzy(gazetteer, error)) {
        gazetteer_close(gazetteer);
        return NULL;
    }
    return gazetteer;
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

const char *gazetteer_path(const struct gazetteer *gazetteer) {
    return gazetteer->path;
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

int gazetteer_find_id(struct gazetteer *gazetteer, int64_t id, struct gazetteer_place *place,
                      struct error *error) {
    sqlite3_stmt *statement = gazetteer->statements[GET_PLACE];
    *place = (struct gazetteer_place){.id = id};
    sqlite3_bind_int64(statement, 1, id);
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW) {
        int kind = sqlite3_column_int(statement, 0);
        place->kind = kind >= PLACE_CITY && kind <= PLACE_COUNTRY ? (enum place_kind)kind : PLACE_CITY;
        copy_text(place->name, sizeof place->name, sqlite3_column_text(statement, 1));
        copy_text(place->country_code, sizeof place->country_code, sqlite3_column_text(statement, 2));
        place->population = sqlite3_column_int64(statement, 3);
        place->at.lat = sqlite3_column_double(statement, 4) / GAZETTEER_DEGREE;
        place->at.lon = sqlite3_column_double(statement, 5) / GAZETTEER_DEGREE;
        place->radius_km = place->kind <= PLACE_DISTRICT ? built_up_radius(place->population)
                                                         : sqlite3_column_double(statement, 6) / 1000;
        copy_text(place->region, sizeof place->region, sqlite3_column_text(statement, 7));
        const struct country_row *country = gazetteer_find_country(gazetteer, place->country_code);
        if (country) memcpy(place->country, country->name, sizeof place->country);
    }
    sqlite3_reset(statement);
    if (step == SQLITE_ROW) return 1;
    return step == SQLITE_DONE ? 0 : gazetteer_failed(gazetteer, error);
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
    int step, result = 0;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(statement, 0);
        if (already_there(hits, id)) continue;
        struct hit *hit = add_hit(hits, error);
        if (!hit) {
            result = -1;
            break;
        }
        *hit = (struct hit){.id = id, .match = match, .edits = edits};
        hit->kind = (enum place_kind)(sqlite3_column_int(statement, 1) & 3);
        copy_text(hit->country, sizeof hit->country, sqlite3_column_text(statement, 2));
        hit->region = sqlite3_column_int64(statement, 3);
        hit->population = sqlite3_column_int64(statement, 4);
        hit->source = (enum name_source)sqlite3_column_int(statement, 5);
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
    copy_text(out, size, step == SQLITE_ROW ? sqlite3_column_text(statement, 0) : NULL);
    sqlite3_finalize(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? 0 : gazetteer_failed(gazetteer, error);
}

int gazetteer_get_info(struct gazetteer *gazetteer, struct gazetteer_info *info, struct error *error) {
    *info = (struct gazetteer_info){.version = GAZETTEER_VERSION};
    if (read_number(gazetteer, "SELECT value FROM meta WHERE key='places'", &info->places, error) ||
        read_number(gazetteer, "SELECT value FROM meta WHERE key='districts'", &info->districts, error) ||
        read_number(gazetteer, "SELECT value FROM meta WHERE key='regions'", &info->regions, error) ||
        read_number(gazetteer, "SELECT value FROM meta WHERE key='countries'", &info->countries, error) ||
        read_number(gazetteer, "SELECT value FROM meta WHERE key='names'", &info->names, error))
        return -1;
    if (read_text(gazetteer, "source", info->source, sizeof info->source, error)) return -1;
    return read_text(gazetteer, "licence", info->licence, sizeof info->licence, error);
}

int gazetteer_check(struct gazetteer *gazetteer, struct error *error) {
    sqlite3_stmt *statement;
    char first[200] = "";
    if (sqlite3_prepare_v2(gazetteer->db, "PRAGMA quick_check(1)", -1, &statement, NULL))
        return gazetteer_failed(gazetteer, error);
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW) copy_text(first, sizeof first, sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    if (step != SQLITE_ROW) return gazetteer_failed(gazetteer, error);
    if (strcmp(first, "ok"))
        return error_set(error, ERROR_INPUT, "%s: gazetteer is damaged: %s", gazetteer->path, first);
    return 0;
}

const char *place_kind_name(enum place_kind kind) {
    static const char *const names[] = {"city", "district", "region", "country"};
    return names[kind];
}

const char *match_kind_name(enum match_kind kind) {
    static const char *const names[] = {"exact", "alternate", "simplified", "fuzzy", "container"};
    return names[kind];
}

const char *lookup_outcome_name(enum lookup_outcome outcome) {
    static const char *const names[] = {"not found", "found", "conflict", "container"};
    return names[outcome];
}
