// What is known of the pictures that a model is examined with: rows of JSON lines, as `globe postcards`
// writes them.
//   images          one path, relative to the file's folder (needed); other names as in rows/row.h
//   country, city   names; "unknown", null or missing when there is none
//   country_code    ISO 3166-1 alpha-2
//   lat, lon        degrees; also latitude, longitude, lng
//   locatable       whether the picture can be placed at all; missing: it can
//   city_determined whether the city can be told; missing: it can
//   entities        [{"text": ...}, ...]: what can be seen; missing: not known, and not asked for
// A picture that can be placed needs a country, a city or a position. Any other key may be named to group the
// rows by.
#ifndef GLOBE_ROWS_TRUTH_H
#define GLOBE_ROWS_TRUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/name_map.h"
#include "geo/sphere.h"

struct truth {
    char *photo;   // the path to open
    char *country; // "" when there is none
    char *city;    // likewise
    char *group;   // the value of the key to group by, as text; "" without one
    char **entities;
    size_t entity_count;
    struct point position;
    char country_code[3]; // "" when not known
    bool has_position, has_entities, locatable, city_determined;
};

struct truth_list {
    struct truth *rows;
    size_t count, capacity;
    struct name_map by_photo; // row numbers
};

// Adds the rows of a file; start from {0}. group_by may be NULL. Of all files together at most `limit` rows
// are taken. ERROR_INPUT names the file and the line: a row that cannot be used, or a picture that is there
// twice.
int truth_read(struct truth_list *list, const char *path, const char *group_by, size_t limit,
               struct error *error);
void truth_free(struct truth_list *list);

#endif
