// Answers against the truth: counts that become the shares of a report.
#ifndef GLOBE_EVAL_SCORE_H
#define GLOBE_EVAL_SCORE_H

#include <jansson.h>

#include "geo/gazetteer.h"
#include "reward/consistency.h"
#include "rows/truth.h"

enum { SCORE_DISTANCES = 5 };
extern const double score_distances_km[SCORE_DISTANCES]; // 1, 25, 200, 750, 2500: street to continent

// Whole numbers, so that sums do not depend on the order of the answers.
struct score {
    size_t rows;        // answered, failures included
    size_t failed;      // the picture could not be read, or no answer came
    size_t well_formed; // the format reward's rule (text/answer.h)
    // A row is called locatable when a place is answered.
    size_t locatable, locatable_right; // rows that can be placed, and were called so
    size_t anywhere, anywhere_right;   // rows that cannot, and were called so
    // Names count where the truth has one; a row of coordinates alone has none.
    size_t countries, country_right;     // locatable rows with a country
    size_t cities, city_right;           // and with a city
    size_t determined, determined_right; // those whose city can be told
    // With those where there is no place; saying so is right there.
    size_t all_countries, all_country_right, all_cities, all_city_right;
    size_t placed, within[SCORE_DISTANCES]; // locatable rows with a position, and answers that near to it
    // Of all words in the reasoning that name something which can be drawn (postcards/things.h): how many
    // were named, how many of them can be seen; and how many things can be seen in all these rows.
    size_t named, named_right, visible;
    struct consistency_totals consistency; // of reasoning and answer; of none without an atlas
    size_t tokens;
    double seconds;
    // Mean confidence of answers with a right and a wrong country.
    double sure_right, sure_wrong;
    size_t sure_right_count, sure_wrong_count;
};

void score_sum(struct score *total, const struct score *part);

// Adds one answer, an object as `globe locate --jsonl` writes it. Countries are the same when their codes are
// (or their names, for want of a code), cities when their names read the same or lie within 25 km. The
// gazetteer, which may be NULL, reads the truth's names. ERROR_INPUT when it is no such object.
int score_add(struct score *score, const struct truth *truth, const json_t *answer,
              struct gazetteer *gazetteer, struct error *error);

// And whether its reasoning argues for its answer, by the names that the atlas knows; failed answers have none.
int score_add_consistency(struct score *score, const struct truth *truth, const json_t *answer,
                          struct atlas *atlas, struct error *error);

// What always giving the commonest answer among the rows would score: the yardstick of a model that cannot
// see.
struct chance {
    double country, city; // of the locatable rows that have one; NaN: none has
    double locatable;     // of all rows
};
int score_chance(struct chance *chance, const struct truth_list *rows, struct error *error);

#endif
