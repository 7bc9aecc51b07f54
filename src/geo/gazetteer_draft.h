// Inside the builder: what the sources say, in memory, before it is written. Not for other rooms.
#ifndef GLOBE_GEO_GAZETTEER_DRAFT_H
#define GLOBE_GEO_GAZETTEER_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "geo/gazetteer.h"
#include "geo/gazetteer_build.h"
#include "geo/gazetteer_schema.h"

struct draft_place {
    int64_t id;
    enum place_kind kind;
    bool located; // has coordinates
    bool fixed;   // and keeps them: a curated centre
    char country[3];
    const char *name;
    const char *admin1; // code within the country
    int64_t region;     // id
    int64_t population;
    struct point at;
    double radius_km;
    const char *source; // of the curated layer; NULL elsewhere
    bool disputed;
};

struct draft_name {
    const char *key;
    int64_t place;
    enum name_source source;
};

struct gazetteer_draft {
    struct draft_place *places; // by rising id once draft_index has run
    size_t place_count, place_capacity;
    size_t indexed_count;     // how many of them were there at the last draft_index: those draft_find knows
    struct draft_name *names; // distinct, by (key, place) once draft_sort_names has run
    size_t name_count, name_capacity;
    struct gazetteer_build_report *report;
    char *text, *text_end; // the rest of the current block of strings
    struct arena *arena;
};

// gazetteer_draft.c
int draft_add_place(struct gazetteer_draft *draft, const struct draft_place *place, struct error *error);
int draft_add_name(struct gazetteer_draft *draft, int64_t place, const char *name, enum name_source source,
                   struct error *error); // adds the key, and its expanded form when that differs
const char *draft_copy(struct gazetteer_draft *draft, const char *text, size_t length, struct error *error);
int draft_index(struct gazetteer_draft *draft, struct error *error); // sorts by id; a double id is an error
struct draft_place *draft_find(struct gazetteer_draft *draft, int64_t id);
struct draft_place *draft_find_country(struct gazetteer_draft *draft, const char *code);
struct draft_place *draft_find_region(struct gazetteer_draft *draft, const char *country, const char *admin1);
int draft_settle_areas(struct gazetteer_draft *draft,
                       struct error *error); // region ids, centres, sums, radii
void draft_sort_names(struct gazetteer_draft *draft);
void draft_free(struct gazetteer_draft *draft);

// gazetteer_sources.c
int draft_read_dumps(struct gazetteer_draft *draft, const struct gazetteer_build_options *options,
                     struct error *error);
// gazetteer_curated.c
int draft_read_curated(struct gazetteer_draft *draft, const char *path, struct error *error);

// Lines of tab-separated columns, for both of them.
struct table_reader {
    void *stream;
    const char *path;
    char *line;
    size_t capacity, number; // number of the line, from 1
    char *columns[24];
    int count;
};
int table_open(struct table_reader *table, const char *path, struct error *error);
int table_next(struct table_reader *table,
               struct error *error); // 1 = a row, 0 = the end, -1; skips '#' and empty
void table_close(struct table_reader *table);
int table_error(const struct table_reader *table, struct error *error, const char *what, const char *value);
int table_integer(const struct table_reader *table, int column, int64_t *value, struct error *error);
int table_degrees(const struct table_reader *table, int column, double limit, double *value,
                  struct error *error);

#endif
