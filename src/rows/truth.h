// What is known of pictures: what evaluation holds answers against, and rewards.
//   images          one path, relative to the file's folder (needed in evaluation); other names as in rows/row.h
//   country, city   names; "unknown", null or missing when there is none
//   solution        GLOBE's: "<country>X</country><city>Y</city>", or X, a tab, Y; stands in where the keys above are missing
//   region          a name
//   country_code    ISO 3166-1 alpha-2
//   lat, lon        degrees; also latitude, longitude, lng
//   locatable       whether the picture can be placed at all; missing: it can
//   city_determined whether the city can be told; missing: it can
//   entities        [{"text": ...}, ...] or texts: what can be seen; missing: not known, and not asked for
//   elements        the same as a segmenter saw it
//   response        the reasoning
//   clues           [{"text": what it is, "detail": what is told of it, "says": what stands on it, "language": of these words,
//                   "places": ["FR", "Kyoto, JP"]}, ...]: what can be seen, and where that is so; without "places": anywhere
// A picture that can be placed needs a country, a city or a position. Any other key may be named to group the
// rows by.
#ifndef GLOBE_ROWS_TRUTH_H
#define GLOBE_ROWS_TRUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/name_map.h"
#include "geo/sphere.h"
#include "photo/source.h"

// One thing in the picture, and what it allows to conclude. Texts are "" where nothing is said.
struct truth_clue {
    char *thing;    // "flag"
    char *detail;   // "with a red disc on white", "keeps left"
    char *says;     // of signs: "ΑΘΗΝΑ"
    char *language; // "Greek"
    char **places;  // "FR", or "Kyoto, JP"; [0, place_count)
    size_t place_count;
    bool anywhere; // it tells nothing of the place
};

struct row_files;

struct truth {
    // The path to open, or of a picture in a shard its name ("s.tar:KEY"); "" where the conversation names the pictures.
    char *photo;
    char *country;  // "" when there is none
    char *city;     // likewise
    char *region;   // likewise
    char *solution; // country, a tab, city, as GLOBE's rewards want it; "" when the row has none
    char *response; // "" when there is none
    char *group;    // the value of the key to group by, as text; "" without one
    char **entities, **elements;
    size_t entity_count, element_count;
    struct truth_clue *clues;
    size_t clue_count;
    struct point position;
    char country_code[3];          // "" when not known
    const struct row_files *shard; // that has the picture, as the first of its row; NULL: it is a file
    size_t row;
    bool has_position, has_entities, has_elements, has_clues, locatable, city_determined;
};

struct truth_list {
    struct truth *rows;
    size_t count, capacity;
    struct name_map by_photo;  // row numbers
    struct row_files **shards; // of pictures
    size_t shard_count;
};

// Adds the rows of a file, as rows/row_files.h finds them; start from {0}. group_by may be NULL. Of all files together
// at most `limit` rows are taken. Keys that nothing is known of are warned of once. ERROR_INPUT names the file and the line: a row that cannot be used, or a picture that is there
// twice.
int truth_read(struct truth_list *list, const char *path, const char *group_by, size_t limit,
               struct error *error);
void truth_free(struct truth_list *list);
// The picture of a row of the list, wherever it is.
int truth_picture(const struct truth *truth, struct photo_source *source, struct error *error);

#endif
