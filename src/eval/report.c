#include "eval/report.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_GROUPS = 6, DIGITS = 6 };

static double share(size_t part, size_t whole) {
    return whole ? (double)part / (double)whole : NAN;
}

static double mean(double sum, size_t count) {
    return count ? sum / (double)count : NAN;
}

// The measures of a report: JSON key, words for people, value; `chance` is the yardstick's place.
struct measure {
    const char *key, *words;
    double value, chance;
};

enum { MEASURES = 23 };

static void measure(struct measure list[MEASURES], const struct exam *exam, const struct score *s,
                    const struct chance *chance) {
    size_t placed = exam->no_distances ? 0 : s->placed;
    const struct consistency_totals *c = &s->consistency;
    const struct measure all[MEASURES] = {
        {"well_formed", "well-formed answers", share(s->well_formed, s->rows), NAN},
        {"locatability", "locatable or not", share(s->locatable_right + s->anywhere_right, s->rows),
         chance ? chance->locatable : NAN},
        {"locatable_found", "  of those that are", share(s->locatable_right, s->locatable), NAN},
        {"not_locatable_found", "  of those that are not", share(s->anywhere_right, s->anywhere), NAN},
        {"country", "country", share(s->country_right, s->countries), chance ? chance->country : NAN},
        {"city", "city", share(s->city_right, s->cities), chance ? chance->city : NAN},
        {"city_when_determined", "  where it can be told", share(s->determined_right, s->determined), NAN},
        {"country_all", "country, of all rows", share(s->all_country_right, s->all_countries), NAN},
        {"city_all", "city, of all rows", share(s->all_city_right, s->all_cities), NAN},
        {"within_1_km", "within 1 km", share(s->within[0], placed), NAN},
        {"within_25_km", "within 25 km", share(s->within[1], placed), NAN},
        {"within_200_km", "within 200 km", share(s->within[2], placed), NAN},
        {"within_750_km", "within 750 km", share(s->within[3], placed), NAN},
        {"within_2500_km", "within 2500 km", share(s->within[4], placed), NAN},
        {"mention_precision", "named things that are there", share(s->named_right, s->named), NAN},
        {"mention_recall", "things there that are named", share(s->named_right, s->visible), NAN},
        {"contradictions", "contradicts its answer", share(c->contradictions, c->reasonings), NAN},
        {"invalid_inferences", "infers what no clue allows", share(c->with_invalid, c->with_clues), NAN},
        {"unsupported_inferences", "  or from what is not there", share(c->with_unsupported, c->with_clues),
         NAN},
        {"signs_read", "quoted signs read right", share(c->signs_right, c->signs), NAN},
        {"confidence_right", "confidence, country right", mean(s->sure_right, s->sure_right_count), NAN},
        {"confidence_wrong", "confidence, country wrong", mean(s->sure_wrong, s->sure_wrong_count), NAN},
        {"seconds", "seconds from file to answer", mean(s->seconds, s->rows), NAN},
    };
    memcpy(list, all, sizeof all);
}

static bool is_share(const struct measure *m) {
    return strcmp(m->key, "seconds") != 0 && strncmp(m->key, "confidence", 10) != 0;
}

static void add_value(struct buffer *out, double value, bool percent) {
    if (isnan(value))
        buffer_format(out, "%10s", "-");
    else if (percent)
        buffer_format(out, "%8.1f %%", 100 * value);
    else
        buffer_format(out, "%10.2f", value);
}

static void add_heading(struct buffer *out, const struct exam *exam, size_t groups) {
    buffer_format(out, "%s: %zu picture%s", exam->model, exam->total.rows, exam->total.rows == 1 ? "" : "s");
    if (exam->total.failed) buffer_format(out, ", %zu failed (they count as wrong)", exam->total.failed);
    buffer_format(out, "\n%-29s%10s", "", "all");
    for (size_t g = 0; g < groups; g++) buffer_format(out, "%10.9s", exam->groups[g].name);
    buffer_format(out, "%10s\n%-29s%10zu", "chance", "pictures", exam->total.rows);
    for (size_t g = 0; g < groups; g++) buffer_format(out, "%10zu", exam->groups[g].score.rows);
    buffer_add_text(out, "\n");
}

void report_text(struct buffer *out, const struct exam *exam) {
    size_t groups = exam->group_count > 1 ? exam->group_count : 0;
    size_t shown = groups < SHOWN_GROUPS ? groups : SHOWN_GROUPS;
    struct measure all[MEASURES], parts[SHOWN_GROUPS][MEASURES];
    measure(all, exam, &exam->total, &exam->chance);
    for (size_t g = 0; g < shown; g++) measure(parts[g], exam, &exam->groups[g].score, NULL);
    add_heading(out, exam, shown);
    for (size_t m = 0; m < MEASURES; m++) {
        if (isnan(all[m].value)) continue;
        buffer_format(out, "%-29s", all[m].words);
        add_value(out, all[m].value, is_share(&all[m]));
        for (size_t g = 0; g < shown; g++) add_value(out, parts[g][m].value, is_share(&all[m]));
        if (!isnan(all[m].chance)) add_value(out, all[m].chance, true);
        buffer_add_text(out, "\n");
    }
    if (shown < groups) buffer_format(out, "(%zu more groups: --json has them all)\n", groups - shown);
    buffer_add_text(out,
                    "Country, city and distances are of the pictures that can be placed. Chance: always the "
                    "commonest answer.\n");
    const struct score *s = &exam->total;
    if (s->countries < s->locatable)
        buffer_format(out,
                      "%zu of them have no known country and %zu no known city: they do not count there.\n",
                      s->locatable - s->countries, s->locatable - s->cities);
    if (exam->blind) buffer_add_text(out, "Blind: the model saw grey instead of every picture.\n");
}

// ---- JSON ----

static int set(json_t *object, const char *key, json_t *value) {
    return value ? json_object_set_new(object, key, value) : -1;
}

static json_t *number(double value) {
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *score_object(const struct exam *exam, const struct score *score) {
    struct measure all[MEASURES];
    json_t *object = json_object();
    int failed = !object || set(object, "pictures", json_integer((json_int_t)score->rows)) ||
                 set(object, "failed", json_integer((json_int_t)score->failed)) ||
                 set(object, "with_country", json_integer((json_int_t)score->countries)) ||
                 set(object, "with_city", json_integer((json_int_t)score->cities)) ||
                 set(object, "with_position", json_integer((json_int_t)score->placed));
    measure(all, exam, score, NULL);
    for (size_t m = 0; !failed && m < MEASURES; m++) failed = set(object, all[m].key, number(all[m].value));
    if (!failed) failed = set(object, "tokens", json_integer((json_int_t)score->tokens));
    if (!failed) return object;
    json_decref(object);
    return NULL;
}

static json_t *groups_object(const struct exam *exam) {
    json_t *object = json_object();
    int failed = !object;
    for (size_t g = 0; !failed && g < exam->group_count; g++)
        failed = set(object, exam->groups[g].name, score_object(exam, &exam->groups[g].score));
    if (!failed) return object;
    json_decref(object);
    return NULL;
}

int report_json(struct buffer *out, const struct exam *exam, struct error *error) {
    json_t *object = json_object();
    int failed = !object || set(object, "model", json_string(exam->model)) ||
                 set(object, "blind", json_boolean(exam->blind)) ||
                 set(object, "all", score_object(exam, &exam->total)) ||
                 set(object, "groups", groups_object(exam)) ||
                 set(object, "chance",
                     json_pack("{s:f, s:o, s:o}", "locatability", exam->chance.locatable, "country",
                               number(exam->chance.country), "city", number(exam->chance.city)));
    char *text = failed ? NULL : json_dumps(object, JSON_REAL_PRECISION(DIGITS) | JSON_INDENT(2));
    json_decref(object);
    if (!text) return error_set(error, ERROR_MEMORY, "report: out of memory");
    buffer_add_text(out, text);
    buffer_add_text(out, "\n");
    free(text);
    return out->failed ? error_set(error, ERROR_MEMORY, "report: out of memory") : 0;
}
