#include "eval/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "geo/place_name.h"
#include "postcards/things.h"
#include "text/answer.h"

const double score_distances_km[SCORE_DISTANCES] = {1, 25, 200, 750, 2500};
static const double same_city_km = 25;

void score_sum(struct score *total, const struct score *part) {
    total->rows += part->rows, total->failed += part->failed, total->well_formed += part->well_formed;
    total->locatable += part->locatable, total->locatable_right += part->locatable_right;
    total->anywhere += part->anywhere, total->anywhere_right += part->anywhere_right;
    total->countries += part->countries, total->country_right += part->country_right;
    total->cities += part->cities, total->city_right += part->city_right;
    total->determined += part->determined, total->determined_right += part->determined_right;
    total->all_countries += part->all_countries, total->all_country_right += part->all_country_right;
    total->all_cities += part->all_cities, total->all_city_right += part->all_city_right;
    total->placed += part->placed;
    for (int i = 0; i < SCORE_DISTANCES; i++) total->within[i] += part->within[i];
    total->named += part->named, total->named_right += part->named_right, total->visible += part->visible;
    consistency_sum(&total->consistency, &part->consistency);
    total->tokens += part->tokens, total->seconds += part->seconds;
    total->sure_right += part->sure_right, total->sure_right_count += part->sure_right_count;
    total->sure_wrong += part->sure_wrong, total->sure_wrong_count += part->sure_wrong_count;
}

// The parts of an answer that count.
struct given {
    const char *outcome, *country, *code, *city, *reasoning, *text;
    bool has_position;
    struct point position;
    double confidence, seconds;
    int64_t tokens;
};

static int read_place(struct given *given, const json_t *place, struct error *error) {
    const char *name = "answer";
    double lat = NAN, lon = NAN;
    if (!place || json_is_null(place)) return 0;
    if (!json_is_object(place)) return error_set(error, ERROR_INPUT, "answer: \"place\" is no object");
    if (json_get_string(place, "country", &given->country, name, error) ||
        json_get_string(place, "country_code", &given->code, name, error) ||
        json_get_string(place, "city", &given->city, name, error) ||
        json_get_number(place, "latitude", -90, 90, &lat, name, error) ||
        json_get_number(place, "longitude", -180, 180, &lon, name, error))
        return -1;
    given->has_position = !isnan(lat) && !isnan(lon);
    if (given->has_position) given->position = (struct point){lat, lon};
    return 0;
}

static int read_answer(struct given *given, const json_t *answer, struct error *error) {
    const char *name = "answer";
    *given =
        (struct given){.country = "", .code = "", .city = "", .reasoning = "", .text = "", .confidence = -1};
    if (json_get_string(answer, "outcome", &given->outcome, name, error) ||
        json_get_string(answer, "reasoning", &given->reasoning, name, error) ||
        json_get_string(answer, "answer", &given->text, name, error) ||
        json_get_number(answer, "confidence", 0, 1, &given->confidence, name, error) ||
        json_get_number(answer, "seconds", 0, 1e9, &given->seconds, name, error) ||
        json_get_integer(answer, "tokens", 0, INT64_MAX, &given->tokens, name, error))
        return -1;
    if (!given->outcome) return error_set(error, ERROR_INPUT, "not a verdict of globe locate --jsonl");
    // A place that is withheld for want of confidence is no answer: the model declined.
    return read_place(given, json_object_get(answer, "place"), error);
}

static bool same_name(const char *a, const char *b) {
    char key_a[PLACE_KEY_SIZE], key_b[PLACE_KEY_SIZE];
    struct error ignored;
    if (!*a || !*b || place_key(a, strlen(a), false, key_a, &ignored) ||
        place_key(b, strlen(b), false, key_b, &ignored))
        return false;
    return *key_a && strcmp(key_a, key_b) == 0;
}

static int same_country(const struct truth *truth, const struct given *given, struct gazetteer *gazetteer,
                        bool *same, struct error *error) {
    char code[3] = "";
    *same = false;
    if (!*truth->country && !*truth->country_code) return 0;
    if (*truth->country_code)
        memcpy(code, truth->country_code, sizeof code);
    else if (gazetteer && gazetteer_country_code(gazetteer, truth->country, code, error))
        return -1;
    *same = *code && *given->code ? gazetteer_same_country(code, given->code)
                                  : same_name(truth->country, given->country);
    return 0;
}

static bool same_city(const struct truth *truth, const struct given *given) {
    if (!*given->city || !*truth->city) return false;
    if (same_name(truth->city, given->city)) return true;
    return truth->has_position && given->has_position &&
           sphere_distance(truth->position, given->position) <= same_city_km;
}

static bool can_be_seen(const struct truth *truth, const char *text) {
    for (size_t i = 0; i < truth->entity_count; i++)
        if (strcmp(truth->entities[i], text) == 0) return true;
    return false;
}

static void score_reasoning(struct score *score, const struct truth *truth, const char *reasoning) {
    enum thing found[THING_COUNT];
    if (!truth->has_entities) return;
    size_t count = things_mentioned(reasoning, found, THING_COUNT);
    for (size_t i = 0; i < count; i++) score->named_right += can_be_seen(truth, thing_facts(found[i])->text);
    score->named += count;
    for (size_t i = 0; i < truth->entity_count; i++) { // two signs are one thing
        size_t k = 0;
        while (k < i && strcmp(truth->entities[k], truth->entities[i]) != 0) k++;
        score->visible += k == i;
    }
}

static void score_place(struct score *score, const struct truth *truth, const struct given *given,
                        bool country, bool city) {
    bool has_country = *truth->country || *truth->country_code, has_city = *truth->city;
    score->countries += has_country;
    score->country_right += country;
    score->cities += has_city;
    score->city_right += city;
    if (has_city && truth->city_determined) {
        score->determined++;
        score->determined_right += city;
    }
    if (truth->has_position) {
        score->placed++;
        if (given->has_position) {
            double distance = sphere_distance(truth->position, given->position);
            for (int i = 0; i < SCORE_DISTANCES; i++) score->within[i] += distance <= score_distances_km[i];
        }
    }
    if (!has_country || given->confidence < 0 || !(*given->country || *given->city)) return;
    *(country ? &score->sure_right : &score->sure_wrong) += given->confidence;
    ++*(country ? &score->sure_right_count : &score->sure_wrong_count);
}

int score_add(struct score *score, const struct truth *truth, const json_t *answer,
              struct gazetteer *gazetteer, struct error *error) {
    struct given given;
    bool country = false, city = false;
    if (read_answer(&given, answer, error)) return -1;
    if (truth->locatable && same_country(truth, &given, gazetteer, &country, error)) return -1;
    city = truth->locatable && same_city(truth, &given);
    bool failed = strcmp(given.outcome, "failed") == 0, called = *given.country || *given.city;
    bool declined = strcmp(given.outcome, "not_locatable") == 0 || strcmp(given.outcome, "abstained") == 0;
    score->rows++;
    score->failed += failed;
    score->well_formed += answer_is_well_formed(given.text, strlen(given.text));
    score->tokens += (size_t)given.tokens;
    score->seconds += given.seconds;
    if (truth->locatable) {
        score->locatable++;
        score->locatable_right += called;
        score_place(score, truth, &given, country, city);
    } else {
        score->anywhere++;
        score->anywhere_right += declined;
    }
    score->all_countries += !truth->locatable || *truth->country || *truth->country_code;
    score->all_country_right += truth->locatable ? country : declined;
    score->all_cities += !truth->locatable || *truth->city;
    score->all_city_right += truth->locatable ? city : declined;
    if (!failed) score_reasoning(score, truth, given.reasoning);
    return 0;
}

int score_add_consistency(struct score *score, const struct truth *truth, const json_t *answer,
                          struct atlas *atlas, struct error *error) {
    struct consistency found;
    const json_t *text = json_object_get(answer, "answer");
    if (!json_is_string(text) || json_string_length(text) == 0) return 0;
    const struct reward_completion completion = {.text = json_string_value(text),
                                                 .length = json_string_length(text),
                                                 .cut = json_is_true(json_object_get(answer, "truncated")),
                                                 .truth = truth,
                                                 .locatability = NAN};
    if (consistency_measure(atlas, &completion, &found, error)) return -1;
    consistency_add(&score->consistency, &found);
    return 0;
}

// ---- the yardstick ----

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static double commonest(const char **names, size_t count) {
    size_t most = 0, run = 0;
    if (count == 0) return NAN;
    qsort(names, count, sizeof *names, compare_texts);
    for (size_t i = 0; i < count; i++) {
        run = i && strcmp(names[i], names[i - 1]) == 0 ? run + 1 : 1;
        if (run > most) most = run;
    }
    return (double)most / (double)count;
}

int score_chance(struct chance *chance, const struct truth_list *rows, struct error *error) {
    const char **names = memory_new(rows->count + 1, sizeof *names, "names", error);
    size_t locatable = 0, named = 0;
    if (!names) return -1;
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].locatable && *rows->rows[i].country) names[named++] = rows->rows[i].country;
    chance->country = commonest(names, named);
    named = 0;
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].locatable && *rows->rows[i].city) names[named++] = rows->rows[i].city;
    chance->city = commonest(names, named);
    for (size_t i = 0; i < rows->count; i++) locatable += rows->rows[i].locatable;
    size_t more = 2 * locatable > rows->count ? locatable : rows->count - locatable;
    chance->locatable = rows->count ? (double)more / (double)rows->count : 0;
    free(names);
    return 0;
}
