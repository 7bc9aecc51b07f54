#include "reward/consistency.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "postcards/things.h"
#include "reward/reward_internal.h"
#include "reward/sentences.h"
#include "text/answer.h"

enum { SENTENCE_SIZE = 2048, MOST_SPOTS = 512, MOST_CITIES = 8 };
#define COUNT(list) (sizeof(list) / sizeof *(list))

// ---- sets of places -------------------------------------------------------------------------------------

// A country, or a city in it.
struct spot {
    char code[3];
    const char *city; // "" for the whole country; points into the row
    size_t length;
};

struct spots {
    bool anywhere; // nothing is left out yet
    size_t count;
    struct spot spots[MOST_SPOTS];
};

static struct spot read_spot(const char *text) {
    struct spot spot = {.city = text};
    size_t length = strlen(text);
    memcpy(spot.code, text + length - 2, 3);
    spot.length = length > 4 ? length - 4 : 0;
    return spot;
}

// What both hold; false when they have nothing in common.
static bool meet(const struct spot *a, const struct spot *b, struct spot *both) {
    if (strcmp(a->code, b->code) != 0) return false;
    *both = a->length ? *a : *b;
    return !a->length || !b->length || (a->length == b->length && memcmp(a->city, b->city, a->length) == 0);
}

static void keep_common(struct spots *left, const struct truth_clue *clue) {
    struct spot kept[MOST_SPOTS];
    size_t count = 0, spots = clue->place_count < MOST_SPOTS ? clue->place_count : MOST_SPOTS;
    if (clue->anywhere) return;
    for (size_t p = 0; p < spots && !left->anywhere; p++) {
        struct spot spot = read_spot(clue->places[p]), both;
        for (size_t i = 0; i < left->count && count < MOST_SPOTS; i++)
            if (meet(&left->spots[i], &spot, &both)) kept[count++] = both;
    }
    // Clues of a picture agree. Where nothing is left, what was wrongly believed before is dropped.
    for (size_t p = 0; p < spots && count == 0; p++) left->spots[p] = read_spot(clue->places[p]);
    if (count) memcpy(left->spots, kept, count * sizeof *kept);
    left->count = count ? count : spots;
    left->anywhere = false;
}

// From now on what was said counts, right or not: one slip is not held against all that follows.
static void believe(struct spots *left, const struct sentence_places *named) {
    left->anywhere = false;
    left->count = 0;
    for (size_t i = 0; i < named->count; i++) {
        if (named->places[i].denied) continue;
        struct spot spot = {.city = ""};
        memcpy(spot.code, named->places[i].code, sizeof spot.code);
        left->spots[left->count++] = spot;
    }
}

// ---- what a sentence does -------------------------------------------------------------------------------

// Beginnings of words. "leaves" alone hang on trees, and a "point" may be one of view.
#define EXCLUSIVE_CUES                                                                                     \
    "that leaves", "this leaves", "which leaves", "leaves only", "leaves us", "leaving", "only", "points", \
        "point to", "pointing", "fits", "fit only", "must be", "country is", "place is", "answer is",      \
        "agree on", "so it is", "therefore", "located in", "taken in"

// It says where it may be, and that it is not elsewhere.
static bool is_limiting(const char *sentence) {
    static const char *const cues[] = {
        EXCLUSIVE_CUES, "could be", "may be",     "might be", "can be either", "either",        "known from",
        "narrow",       "it is in", "this is in", "answer:",  "conclu",        "must have been"};
    return sentence_has(sentence, cues, COUNT(cues));
}

// It says that nothing else is possible.
static bool is_exclusive(const char *sentence) {
    static const char *const cues[] = {EXCLUSIVE_CUES};
    return sentence_has(sentence, cues, COUNT(cues));
}

static bool is_guess(const char *sentence) {
    static const char *const cues[] = {"guess",  "perhaps", "maybe",  "probably",
                                       "likely", "could",   "may be", "might"};
    return sentence_has(sentence, cues, COUNT(cues));
}

static bool takes_back(const char *sentence) {
    static const char *const cues[] = {"however",   "but ",     "although", "though ", "on the other hand",
                                       "actually",  "yet ",     "wait",     "no,",     "still,",
                                       "on closer", "on second"};
    for (size_t i = 0; i < COUNT(cues); i++)
        if (strncasecmp(sentence, cues[i], strlen(cues[i])) == 0) return true;
    return false;
}

static bool names(const struct sentence_places *found, const char *code, bool denied) {
    for (size_t i = 0; i < found->count; i++)
        if (found->places[i].denied == denied && gazetteer_same_country(found->places[i].code, code))
            return true;
    return false;
}

static size_t count_named(const struct sentence_places *found) {
    size_t count = 0;
    for (size_t i = 0; i < found->count; i++) count += !found->places[i].denied;
    return count;
}

// ---- clues that are stated ------------------------------------------------------------------------------

// "keeps left", "keeps to the left side of the road", "drives on the left".
static bool keeps_side(const char *sentence, const char *side) {
    static const char *const forms[] = {"keeps %s",         "keep %s",          "keeps to the %s",
                                        "keep to the %s",   "drives on the %s", "drive on the %s",
                                        "driving on the %s"};
    for (size_t i = 0; i < COUNT(forms); i++) {
        const char *gap = strchr(forms[i], '%');
        size_t length = (size_t)(gap - forms[i]);
        for (const char *at = sentence; *at; at++)
            if (strncasecmp(at, forms[i], length) == 0 && strncasecmp(at + length, side, strlen(side)) == 0 &&
                !isalpha((unsigned char)at[length + strlen(side)]))
                return true;
    }
    return false;
}

static const char *side_of(const struct truth_clue *clue) {
    static const char keeps[] = "keeps ";
    return strncmp(clue->detail, keeps, sizeof keeps - 1) == 0 ? clue->detail + sizeof keeps - 1 : NULL;
}

static bool states_side(const char *sentence) {
    return keeps_side(sentence, "left") || keeps_side(sentence, "right");
}

static bool states_detail(const char *sentence, const struct truth_clue *clue) {
    const char *side = side_of(clue);
    return side ? keeps_side(sentence, side) : sentence_find(sentence, clue->detail, false) != NULL;
}

// What stands behind the name of a sign or flag and tells more of it: "with the word RUE", "in Greek letters" (but not "in the
// middle"). NULL: nothing.
static const char *find_quote(const char *sentence, const char *thing) {
    const char *at = sentence_find(sentence, thing, true);
    if (!at) return NULL;
    at += strlen(thing);
    if (*at == 's') at++;
    if (strncmp(at, " with ", 6) == 0) return at + 1;
    return strncmp(at, " in ", 4) == 0 && strncmp(at, " in the ", 8) != 0 ? at + 1 : NULL;
}

struct statement {
    bool unsupported; // something is named that is not there, or not so
    bool thing;       // something is named at all
};

static bool is_drawable(const char *text, const enum thing *found, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(thing_facts(found[i])->text, text) == 0) return true;
    return false;
}

static bool can_be_drawn(const char *text) {
    for (enum thing thing = THING_NONE + 1; thing < THING_COUNT; thing++)
        if (strcmp(thing_facts(thing)->text, text) == 0) return true;
    return false;
}

// The longest name counts: no "car" in "cable car".
static bool is_named(const char *sentence, const char *text, const enum thing *found, size_t count) {
    return can_be_drawn(text) ? is_drawable(text, found, count) : sentence_find(sentence, text, true) != NULL;
}

// The sign that the quote agrees with, else one in the same language, else NULL; *exact: the first.
static const struct truth_clue *find_sign(const struct truth *truth, const char *thing, const char *quote,
                                          bool *exact) {
    const struct truth_clue *best = NULL;
    *exact = false;
    for (size_t i = 0; i < truth->clue_count; i++) {
        const struct truth_clue *clue = &truth->clues[i];
        if (strcmp(clue->thing, thing) != 0) continue;
        if (*clue->detail && sentence_find(quote, clue->detail, false) == quote) {
            *exact = true;
            return clue;
        }
        if (*clue->says && *clue->language && sentence_find(quote, clue->language, false)) best = clue;
    }
    return best;
}

// One thing that a sentence names, and all of its kind that are in the picture.
static void weigh_thing(const char *sentence, const char *thing, bool sign, const struct truth *truth,
                        struct spots *left, struct statement *statement, struct consistency *counts) {
    const char *quote = find_quote(sentence, thing);
    const struct truth_clue *seen = NULL, *matching = NULL;
    bool exact = false, flag = false;
    for (size_t i = 0; i < truth->clue_count; i++) {
        const struct truth_clue *clue = &truth->clues[i];
        if (strcmp(clue->thing, thing) != 0) continue;
        seen = clue;
        sign = sign || *clue->says;
        flag = flag || (*clue->detail && !side_of(clue) && !*clue->says);
        if (!*clue->detail || states_detail(sentence, clue)) matching = clue;
    }
    statement->thing = true;
    if (sign && quote) {
        const struct truth_clue *read = find_sign(truth, thing, quote, &exact);
        counts->signs++;
        counts->signs_right += exact;
        matching = read;
    }
    if (!seen || (quote && (sign || flag) && !matching)) statement->unsupported = true;
    if (seen && side_of(seen) && states_side(sentence) && !matching) statement->unsupported = true;
    if (matching) keep_common(left, matching);
}

// Texts in quotation marks, of rows that know what signs say.
static void weigh_quotation(const char *sentence, const struct truth *truth, struct consistency *counts) {
    static const char *const marks[][2] = {{"\"", "\""}, {"“", "”"}, {"«", "»"}, {"„", "“"}, {"「", "」"}};
    for (size_t m = 0; m < COUNT(marks); m++)
        for (const char *at = sentence; (at = strstr(at, marks[m][0]));) {
            const char *start = at + strlen(marks[m][0]), *end = strstr(start, marks[m][1]);
            char text[200];
            if (!end) break;
            at = end + strlen(marks[m][1]);
            size_t length = (size_t)(end - start);
            if (length == 0 || length >= sizeof text) continue;
            memcpy(text, start, length);
            text[length] = 0;
            bool right = false;
            for (size_t i = 0; i < truth->clue_count; i++)
                right = right || atlas_same_name(text, truth->clues[i].says);
            counts->signs++;
            counts->signs_right += right;
        }
}

static struct statement weigh_clues(const char *sentence, const struct truth *truth, struct spots *left,
                                    struct consistency *counts) {
    struct statement statement = {0};
    enum thing found[SENTENCE_THINGS];
    size_t count = things_mentioned(sentence, found, SENTENCE_THINGS);
    for (size_t i = 0; i < count; i++)
        weigh_thing(sentence, thing_facts(found[i])->text, thing_facts(found[i])->kind == KIND_SIGN, truth,
                    left, &statement, counts);
    for (size_t i = 0; i < truth->clue_count; i++) {
        const char *thing = truth->clues[i].thing;
        bool again = false;
        for (size_t k = 0; k < i; k++) again = again || strcmp(truth->clues[k].thing, thing) == 0;
        if (again || can_be_drawn(thing) || !is_named(sentence, thing, found, count)) continue;
        weigh_thing(sentence, thing, false, truth, left, &statement, counts);
    }
    weigh_quotation(sentence, truth, counts);
    return statement;
}

// ---- inferences -----------------------------------------------------------------------------------------

static bool allows(const struct spots *left, const char *code) {
    for (size_t i = 0; i < left->count; i++)
        if (strcmp(left->spots[i].code, code) == 0) return true;
    return left->anywhere;
}

// The city that a sentence names in one of its countries, of those that the row knows of; NULL: none.
static const char *find_city(const char *sentence, const struct truth *truth, const struct spots *left,
                             char city[200]) {
    if (*truth->city && sentence_find(sentence, truth->city, false)) return truth->city;
    for (size_t i = 0; i < left->count; i++) {
        const struct spot *spot = &left->spots[i];
        if (!spot->length || spot->length >= 200) continue;
        memcpy(city, spot->city, spot->length);
        city[spot->length] = 0;
        if (sentence_find(sentence, city, false)) return city;
    }
    return NULL;
}

static bool allows_city(const struct spots *left, const char *city, bool alone) {
    bool found = left->anywhere, others = found;
    for (size_t i = 0; i < left->count; i++) {
        const struct spot *spot = &left->spots[i];
        bool same = spot->length == strlen(city) && memcmp(spot->city, city, spot->length) == 0;
        found = found || same || !spot->length;
        others = others || !same;
    }
    return found && !(alone && others);
}

static bool is_invalid(const char *sentence, const struct truth *truth, const struct spots *left,
                       const struct sentence_places *named) {
    bool exclusive = is_exclusive(sentence);
    char buffer[200];
    if (left->anywhere) return true; // nothing was stated that tells a place
    for (size_t i = 0; i < named->count; i++)
        if (!named->places[i].denied && !allows(left, named->places[i].code)) return true;
    for (size_t i = 0; i < left->count && exclusive; i++)
        if (!names(named, left->spots[i].code, false)) return true;
    const char *city = exclusive && !is_guess(sentence) ? find_city(sentence, truth, left, buffer) : NULL;
    return city && !allows_city(left, city, true);
}

// ---- contradictions -------------------------------------------------------------------------------------

// What the reasoning says of the answer's place so far.
struct argument {
    bool against, named;
};

// Cities in the country of the answer, but none of them its city.
static int settles_elsewhere(const char *sentence, struct atlas *atlas, const struct place *answer,
                             const char *city, const struct sentence_places *named, bool *elsewhere,
                             struct error *error) {
    struct place cities[MOST_CITIES];
    size_t count;
    *elsewhere = false;
    if (sentence_find_cities(sentence, atlas, cities, MOST_CITIES, &count, error)) return -1;
    bool same_country = false, same_city = *city && sentence_find(sentence, city, false);
    for (size_t i = 0; i < count; i++) {
        same_country = same_country || gazetteer_same_country(cities[i].code, answer->code);
        same_city = same_city || (answer->has_city && cities[i].id == answer->id);
    }
    if (count == 0 || same_city) return 0;
    // Another city of the country contradicts a city; one of another country the country, unless that is named.
    *elsewhere = same_country ? answer->has_city && !is_guess(sentence) : !names(named, answer->code, false);
    return 0;
}

static int weigh_argument(const char *sentence, struct atlas *atlas, const struct place *place,
                          const struct answer *answer, const struct sentence_places *named,
                          struct argument *argument, struct error *error) {
    bool limiting = is_limiting(sentence), elsewhere = false, same = names(named, place->code, false);
    if (takes_back(sentence)) argument->against = false;
    if (same || (*answer->city && sentence_find(sentence, answer->city, false)) ||
        (*answer->country && sentence_find(sentence, answer->country, false)))
        argument->named = true;
    if (names(named, place->code, true) && !same) argument->against = true;
    if (!limiting) return 0;
    if (count_named(named) && !same) argument->against = true;
    if (settles_elsewhere(sentence, atlas, place, answer->city, named, &elsewhere, error)) return -1;
    argument->against = argument->against || elsewhere;
    return 0;
}

// An answer that declines, after a reasoning that settles on a place.
static int weigh_settled(const char *sentence, struct atlas *atlas, const struct sentence_places *named,
                         bool *settled, struct error *error) {
    struct place cities[MOST_CITIES];
    size_t count = 0;
    if (takes_back(sentence)) *settled = false;
    if (!is_exclusive(sentence)) return 0;
    if (sentence_find_cities(sentence, atlas, cities, MOST_CITIES, &count, error)) return -1;
    *settled = *settled || count || count_named(named) == 1;
    return 0;
}

// ---- all together ---------------------------------------------------------------------------------------

struct reading {
    struct atlas *atlas;
    const struct truth *truth; // NULL: no clues are known
    const struct answer *answer;
    struct place place; // of the answer
    struct spots left;
    struct argument argument;
    bool unsupported, settled;
};

static int read_sentence(struct reading *reading, const char *sentence, struct consistency *counts,
                         struct error *error) {
    struct sentence_places named;
    struct statement statement = {0};
    if (sentence_find_countries(sentence, reading->atlas, &named, error)) return -1;
    if (reading->truth) statement = weigh_clues(sentence, reading->truth, &reading->left, counts);
    reading->unsupported = reading->unsupported || statement.unsupported;
    if (reading->truth && count_named(&named) && is_limiting(sentence)) {
        bool invalid = !reading->unsupported && is_invalid(sentence, reading->truth, &reading->left, &named);
        counts->inferences++;
        counts->unsupported += reading->unsupported;
        counts->invalid += invalid;
        if (invalid || reading->unsupported) believe(&reading->left, &named);
        reading->unsupported = false;
    }
    if (!counts->names_place)
        return weigh_settled(sentence, reading->atlas, &named, &reading->settled, error);
    if (!reading->place.code[0]) { // nobody knows where that is: only its name can be found again
        reading->argument.named |=
            (*reading->answer->city && sentence_find(sentence, reading->answer->city, false)) ||
            (*reading->answer->country && sentence_find(sentence, reading->answer->country, false));
        return 0;
    }
    return weigh_argument(sentence, reading->atlas, &reading->place, reading->answer, &named,
                          &reading->argument, error);
}

static int read_reasoning(struct reading *reading, struct consistency *counts, struct error *error) {
    const char *text = reading->answer->reasoning;
    char sentence[SENTENCE_SIZE];
    reading->left.anywhere = true;
    while (sentence_next(&text, sentence, sizeof sentence))
        if (read_sentence(reading, sentence, counts, error)) return -1;
    counts->contradicts = counts->names_place ? reading->argument.against : reading->settled;
    counts->argues =
        counts->names_place ? reading->argument.named && !counts->contradicts : !counts->contradicts;
    return 0;
}

int consistency_measure(struct atlas *atlas, const struct reward_completion *completion,
                        struct consistency *consistency, struct error *error) {
    struct answer answer;
    *consistency = (struct consistency){0};
    if (answer_parse(&answer, completion->text, completion->length,
                     completion->cut ? ANSWER_LENIENT_CUT : ANSWER_LENIENT, error))
        return -1;
    struct reading *reading = memory_new(1, sizeof *reading, "consistency", error);
    int result = reading ? 0 : -1;
    consistency->has_reasoning = answer.reasoning[0] != 0;
    consistency->names_place = *answer.country || *answer.city;
    consistency->declines = answer.declined;
    if (reading) {
        const struct truth *truth = completion->truth;
        reading->atlas = atlas, reading->answer = &answer;
        reading->truth = truth && truth->has_clues ? truth : NULL;
    }
    if (result == 0 && consistency->names_place)
        result = atlas_find(atlas, answer.city, answer.country, &reading->place, error);
    if (result == 0) result = read_reasoning(reading, consistency, error);
    free(reading);
    answer_free(&answer);
    return result;
}

void consistency_sum(struct consistency_totals *totals, const struct consistency_totals *part) {
    totals->answers += part->answers, totals->reasonings += part->reasonings;
    totals->contradictions += part->contradictions, totals->with_clues += part->with_clues;
    totals->with_invalid += part->with_invalid, totals->with_unsupported += part->with_unsupported;
    totals->inferences += part->inferences, totals->invalid += part->invalid;
    totals->unsupported += part->unsupported;
    totals->signs += part->signs, totals->signs_right += part->signs_right;
}

void consistency_add(struct consistency_totals *totals, const struct consistency *one) {
    bool clues = one->inferences || one->signs;
    totals->answers++;
    totals->reasonings += one->has_reasoning;
    totals->contradictions += one->contradicts;
    totals->with_clues += clues;
    totals->with_invalid += one->invalid > 0;
    totals->with_unsupported += one->unsupported > 0;
    totals->inferences += one->inferences, totals->invalid += one->invalid;
    totals->unsupported += one->unsupported;
    totals->signs += one->signs, totals->signs_right += one->signs_right;
}

// ---- the reward -----------------------------------------------------------------------------------------

struct consistency_reward {
    struct atlas *atlas;
    double contradiction, inference, reading, silent;
};

static const struct reward_option options[] = {
    {"contradiction", REWARD_NUMBER, "1", 0, 1e6, NULL,
     "weight of: 1 where the reasoning argues for the answer's place, 0 where it contradicts it",
     offsetof(struct consistency_reward, contradiction)},
    {"inference", REWARD_NUMBER, "1", 0, 1e6, NULL, "weight of: the share of inferences that its clues allow",
     offsetof(struct consistency_reward, inference)},
    {"reading", REWARD_NUMBER, "1", 0, 1e6, NULL, "weight of: the share of quoted signs that are read right",
     offsetof(struct consistency_reward, reading)},
    {"silent", REWARD_NUMBER, "0.5", 0, 1, NULL,
     "in place of 1 where the reasoning does not name the answer's place",
     offsetof(struct consistency_reward, silent)},
    {0},
};

static int open_consistency(void *self, const struct reward_opening *opening, struct error *error) {
    struct consistency_reward *own = self;
    own->atlas = opening->atlas;
    if (own->contradiction + own->inference + own->reading > 0) return 0;
    return error_set(error, ERROR_USAGE,
                     "contradiction, inference and reading are all 0: nothing is measured");
}

// The weighted mean of those of the three that there is something to say of; 0 without an answer that can be read.
static int score_consistency(void *self, const struct reward_completion *completion, double *value,
                             struct error *error) {
    const struct consistency_reward *own = self;
    struct consistency found;
    if (consistency_measure(own->atlas, completion, &found, error)) return -1;
    if (!found.names_place && !found.declines) {
        *value = 0;
        return 0;
    }
    double agreement = found.contradicts ? 0 : found.argues && found.has_reasoning ? 1 : own->silent;
    double sum = own->contradiction * agreement, weight = own->contradiction;
    if (found.inferences) {
        sum += own->inference * (double)(found.inferences - found.invalid - found.unsupported) /
               (double)found.inferences;
        weight += own->inference;
    }
    if (found.signs) {
        sum += own->reading * (double)found.signs_right / (double)found.signs;
        weight += own->reading;
    }
    if (weight > 0) *value = sum / weight;
    return 0;
}

const struct reward_kind reward_consistency = {
    .name = "consistency",
    .help = "whether the reasoning argues for the answer's place, by what its clues allow and its signs say",
    .modes = {true, false, false},
    .places = {true, false, false},
    .size = sizeof(struct consistency_reward),
    .options = options,
    .open = open_consistency,
    .score = score_consistency,
};
