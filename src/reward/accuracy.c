// The accuracy reward: is the place right?
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "reward/compat.h"
#include "reward/reward_internal.h"
#include "text/answer.h"
#include "text/unicode.h"

enum shape { SHAPE_NAMES, SHAPE_EXP, SHAPE_STEPS };

struct accuracy {
    enum reward_mode mode;
    struct atlas *atlas;
    int shape, unlocatable;
    double country, region, city; // what each level is worth
    double same_city_km, scale_km;
    double alpha;
};

static const struct reward_option options[] = {
    {"shape", REWARD_CHOICE, "names", 0, 0, "names, exp, steps",
     "by the names of country, region and city; exp(-distance / scale_km); or 1, .8, .6, .4, .2 within 1, "
     "25, 200, "
     "750, 2500 km",
     offsetof(struct accuracy, shape)},
    {"country", REWARD_NUMBER, "0.2", 0, 1, NULL, "of shape=names: the country alone is right",
     offsetof(struct accuracy, country)},
    {"region", REWARD_NUMBER, "0.5", 0, 1, NULL, "of shape=names: and the region",
     offsetof(struct accuracy, region)},
    {"city", REWARD_NUMBER, "1", 0, 1, NULL, "of shape=names: and the city", offsetof(struct accuracy, city)},
    {"same_city_km", REWARD_NUMBER, "25", 0, 1000, NULL,
     "of shape=names: another city counts as the same one when it is that near",
     offsetof(struct accuracy, same_city_km)},
    {"scale_km", REWARD_NUMBER, "200", 0.001, 20000, NULL, "of shape=exp",
     offsetof(struct accuracy, scale_km)},
    {"unlocatable", REWARD_CHOICE, "score", 0, 0, "score, skip",
     "pictures that cannot be placed: 1 for saying so and 0 for naming a place, or no number",
     offsetof(struct accuracy, unlocatable)},
    {"alpha", REWARD_NUMBER, "0.8", 0, 1, NULL, "of mode=paper: what the city is worth",
     offsetof(struct accuracy, alpha)},
    {0},
};

static int open_accuracy(void *self, const struct reward_opening *opening, struct error *error) {
    struct accuracy *own = self;
    own->mode = opening->mode, own->atlas = opening->atlas;
    if (own->country <= own->region && own->region <= own->city) return 0;
    return error_set(error, ERROR_USAGE, "country (%g), region (%g) and city (%g) must not fall",
                     own->country, own->region, own->city);
}

// ---- the paper's equation 3 -----------------------------------------------------------------------------

static int is_name(const char *named, const char *truth, size_t length, bool *same, struct error *error) {
    struct buffer lower = {0};
    struct span text = unicode_strip((struct span){truth, length});
    if (text.length) unicode_add_lower(&lower, text);
    int result = lower.failed ? error_set(error, ERROR_MEMORY, "out of memory") : 0;
    *same = *named && lower.length && strcmp(lower.data, named) == 0;
    buffer_free(&lower);
    return result;
}

// 1[country] (alpha 1[city] + 1 - alpha): equal names, but for upper and lower case.
static int score_paper(const struct accuracy *own, const struct reward_completion *completion, double *value,
                       struct error *error) {
    const char *solution = completion->truth->solution, *tab = strchr(solution, '\t');
    if (!tab) return error_set(error, ERROR_INPUT, "its row has no \"solution\"");
    struct answer answer;
    bool country = false, city = false;
    if (answer_parse(&answer, completion->text, completion->length, ANSWER_COMPAT_REWARD, error)) return -1;
    int result = is_name(answer.country, solution, (size_t)(tab - solution), &country, error) ||
                         is_name(answer.city, tab + 1, strlen(tab + 1), &city, error)
                     ? -1
                     : 0;
    answer_free(&answer);
    if (result == 0) *value = country ? own->alpha * city + 1 - own->alpha : 0;
    return result;
}

// ---- ours -----------------------------------------------------------------------------------------------

// What is known of the true place.
struct target {
    char code[3];
    struct place place; // what the gazetteer knows under its names
    bool has_position;
    struct point position;
};

static int find_target(const struct accuracy *own, const struct truth *truth, struct target *target,
                       struct error *error) {
    *target = (struct target){.has_position = truth->has_position, .position = truth->position};
    const char *country = *truth->country ? truth->country : truth->country_code;
    if ((*country || *truth->city) && atlas_find(own->atlas, truth->city, country, &target->place, error))
        return -1;
    if (!target->has_position && target->place.has_city)
        target->has_position = true, target->position = target->place.position;
    if (*truth->country_code)
        memcpy(target->code, truth->country_code, sizeof target->code);
    else
        memcpy(target->code, target->place.code, sizeof target->code);
    if (*target->code || !truth->has_position) return 0;
    struct gazetteer_neighbour nearest; // coordinates alone lie in some country
    int found = gazetteer_nearest(atlas_gazetteer(own->atlas), truth->position, 1, 0, &nearest, error);
    if (found < 0) return -1;
    if (found) memcpy(target->code, nearest.place.country_code, sizeof target->code);
    return 0;
}

static bool is_country(const struct target *target, const struct truth *truth, const struct place *place,
                       const struct answer *answer) {
    if (*target->code && *place->code) return gazetteer_same_country(target->code, place->code);
    return atlas_same_name(truth->country, answer->country);
}

static bool is_region(const struct target *target, const struct truth *truth, const struct place *place) {
    const char *region = *truth->region ? truth->region : target->place.region;
    return atlas_same_name(region, place->region);
}

static bool is_city(const struct accuracy *own, const struct target *target, const struct truth *truth,
                    const struct place *place, const struct answer *answer) {
    if (!*answer->city || place->conflicts) return false;
    if (atlas_same_name(truth->city, answer->city)) return true;
    if (!place->has_city) return false;
    if (target->place.has_city && target->place.id == place->id) return true;
    return target->has_position && sphere_distance(target->position, place->position) <= own->same_city_km;
}

// The deepest level that is right, with all above it; as a share of the deepest that the row knows.
static double score_names(const struct accuracy *own, const struct target *target, const struct truth *truth,
                          const struct place *place, const struct answer *answer) {
    bool knows_city = *truth->city || truth->has_position,
         knows_region = *truth->region || *target->place.region;
    double most = knows_city ? own->city : knows_region ? own->region : own->country;
    if (!*target->code && !*truth->country) return NAN;
    if (most <= 0) return 0;
    if (!is_country(target, truth, place, answer)) return 0;
    if (knows_city && is_city(own, target, truth, place, answer)) return 1;
    double value = is_region(target, truth, place) ? own->region : own->country;
    return fmin(1, value / most);
}

static double score_distance(const struct accuracy *own, const struct target *target,
                             const struct place *place) {
    static const double steps[][2] = {{1, 1}, {25, 0.8}, {200, 0.6}, {750, 0.4}, {2500, 0.2}};
    if (!target->has_position) return NAN;
    if (!place->found) return 0; // named, but nobody knows where
    double distance = sphere_distance(target->position, place->position);
    if (own->shape == SHAPE_EXP) return exp(-distance / own->scale_km);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (distance <= steps[i][0]) return steps[i][1];
    return 0;
}

static int score_place(const struct accuracy *own, const struct truth *truth, const struct answer *answer,
                       double *value, struct error *error) {
    struct target target;
    struct place place;
    if (find_target(own, truth, &target, error) ||
        atlas_find(own->atlas, answer->city, answer->country, &place, error))
        return -1;
    *value = own->shape == SHAPE_NAMES ? score_names(own, &target, truth, &place, answer)
                                       : score_distance(own, &target, &place);
    return 0;
}

static int score_globe(const struct accuracy *own, const struct reward_completion *completion, double *value,
                       struct error *error) {
    const struct truth *truth = completion->truth;
    struct answer answer;
    if (!truth->locatable && own->unlocatable) return 0;
    if (answer_parse(&answer, completion->text, completion->length,
                     completion->cut ? ANSWER_LENIENT_CUT : ANSWER_LENIENT, error))
        return -1;
    bool named = *answer.country || *answer.city;
    int result = 0;
    if (!truth->locatable)
        *value = !named && answer.declined ? 1 : 0;
    else if (!named)
        *value = 0;
    else
        result = score_place(own, truth, &answer, value, error);
    answer_free(&answer);
    return result;
}

static int score_accuracy(void *self, const struct reward_completion *completion, double *value,
                          struct error *error) {
    const struct accuracy *own = self;
    if (reward_need_truth(completion, error)) return -1;
    if (own->mode == REWARD_PAPER) return score_paper(own, completion, value, error);
    if (own->mode == REWARD_GLOBE) return score_globe(own, completion, value, error);
    return reward_compat_accuracy(completion->text, completion->length, completion->truth->solution, value,
                                  error);
}

const struct reward_kind reward_accuracy = {
    .name = "accuracy",
    .help = "whether the place is right, by names or by distance",
    .modes = {true, true, true},
    .places = {true, false, false},
    .size = sizeof(struct accuracy),
    .options = options,
    .open = open_accuracy,
    .score = score_accuracy,
};
