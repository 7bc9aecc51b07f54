#include "locate/judge.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "geo/place_hedge.h"
#include "locate/ballot.h"
#include "locate/clues.h"
#include "locate/contradiction.h"

// A vote that has been read.
struct reading {
    struct answer answer;
    struct verdict_place place;
    int same_name_countries;
    bool names_place;
};

int vote_copy(struct vote *vote, const char *text, size_t length, const float *log_probs, const size_t *ends,
              size_t tokens, struct error *error) {
    *vote = (struct vote){.length = length, .tokens = tokens};
    vote->text = memory_copy_string(text, length, error);
    if (vote->text && log_probs && ends && tokens) {
        vote->log_probs = memory_new(tokens, sizeof *log_probs, "log-probs", error);
        vote->ends = memory_new(tokens, sizeof *ends, "log-probs", error);
        if (vote->log_probs && vote->ends) {
            memcpy(vote->log_probs, log_probs, tokens * sizeof *log_probs);
            memcpy(vote->ends, ends, tokens * sizeof *ends);
            return 0;
        }
        vote_free(vote);
        return -1;
    }
    return vote->text ? 0 : -1;
}

void vote_free(struct vote *vote) {
    free(vote->text);
    free(vote->log_probs);
    free(vote->ends);
    attention_map_free(&vote->attention);
    *vote = (struct vote){0};
}

static char *copy(const char *text, struct error *error) {
    return memory_copy_string(text, strlen(text), error);
}

static int set_text(char **target, const char *text, struct error *error) {
    char *fresh = copy(text, error);
    if (!fresh) return -1;
    free(*target);
    *target = fresh;
    return 0;
}

// The country's own position, which coarsened output shows.
static int look_up_country(struct verdict_place *place, struct gazetteer *gazetteer,
                           struct gazetteer_answer *found, struct error *error) {
    const struct gazetteer_query query = {.country = place->country_code, .limit = 1};
    if (gazetteer_lookup(gazetteer, &query, found, error)) return -1;
    if (found->count > 0 && found->candidates[0].place.kind == PLACE_COUNTRY) {
        place->has_country_position = true;
        place->country_position = found->candidates[0].place.at;
        place->country_radius_km = found->candidates[0].place.radius_km;
    }
    return 0;
}

// An island, a landscape or a state in the place of a city is a region's name, not a city's. A continent is no
// country, and no place to put a pin.
static int take_area(struct verdict_place *place, const struct gazetteer_candidate *best,
                     struct error *error) {
    enum place_kind kind = best->place.kind;
    if (kind == PLACE_COUNTRY) return 0;
    bool whole = kind == PLACE_AREA || kind == PLACE_MACRO;
    if (whole && set_text(&place->region, best->place.name, error)) return -1;
    if (kind == PLACE_MACRO) place->has_position = false;
    if (kind == PLACE_MACRO) place->radius_km = -1;
    return best->match == MATCH_CONTAINER ? 0 : set_text(&place->city, "", error);
}

// The gazetteer's spelling and position for what the model named; names that it does not know stay as they
// are.
static int look_up(struct reading *reading, struct gazetteer *gazetteer, struct error *error) {
    struct verdict_place *place = &reading->place;
    static const size_t longest = 500; // the gazetteer refuses longer names, and no place has one
    if (strlen(place->city) > longest || strlen(place->country) > longest) return 0;
    struct gazetteer_answer *found = memory_new(1, sizeof *found, "gazetteer", error);
    if (!found) return -1;
    const struct gazetteer_query query = {.city = place->city, .country = place->country, .limit = 1};
    int result = gazetteer_lookup(gazetteer, &query, found, error);
    if (result == 0 && found->count > 0) {
        const struct gazetteer_candidate *best = &found->candidates[0];
        place->has_position = true;
        place->position = best->place.at;
        place->radius_km = best->place.radius_km;
        place->match = match_kind_name(best->match);
        memcpy(place->country_code, best->place.country_code, sizeof place->country_code);
        place->fallback = lookup_fallback_name(found->fallback);
        place->hedged = found->hedged;
        place->disagrees = found->outcome == LOOKUP_CONFLICT;
        bool is_city = place_kind_is_point(best->place.kind);
        result = set_text(&place->country, best->place.country, error);
        if (result == 0) result = set_text(&place->region, best->place.region, error);
        if (result == 0 && is_city) result = set_text(&place->city, best->place.name, error);
        if (result == 0 && !is_city) result = take_area(place, best, error);
        reading->same_name_countries = is_city ? found->same_name_countries : 0;
        if (result == 0) result = look_up_country(place, gazetteer, found, error);
    }
    free(found);
    if (result && error->code == ERROR_INPUT) { // a name that is no text: not the batch's problem
        *error = (struct error){0};
        result = 0;
    }
    return result;
}

// "city: Tokyo (likely)", "Tokyo?": reading the answer took what stands behind the name off.
static bool is_hedged(const struct vote *vote, const char *name) {
    char line[120];
    struct place_hedge hedge;
    const char *found = NULL;
    size_t length = strlen(name);
    for (const char *at = vote->text; length && (at = strstr(at, name)); at++)
        found = at; // the last one counts
    if (!found) return false;
    size_t end = length;
    const char *rest = found + length + strspn(found + length, " ");
    if (!*rest || (!strchr("([?", *rest) && strncmp(rest, "\uFF08", 3) && strncmp(rest, "\uFF1F", 3)))
        return false;
    while (found[end] && !strchr("\"<\n|*,.", found[end])) end++;
    snprintf(line, sizeof line, "%.*s", (int)(end < 110 ? end : 110), found);
    place_hedge_read(line, &hedge);
    return hedge.marked;
}

// Without a gazetteer the first name is the answer.
static int drop_hedges(struct verdict_place *place, struct error *error) {
    char **const names[] = {&place->city, &place->country};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct place_hedge hedge;
        place_hedge_read(*names[i], &hedge);
        if (!hedge.marked || hedge.count == 0) continue;
        place->hedged = true;
        if (set_text(names[i], hedge.names[0], error)) return -1;
    }
    return 0;
}

static int read_vote(struct reading *reading, const struct vote *vote, const struct judge_options *options,
                     struct error *error) {
    bool cut = vote->truncated && options->rules == ANSWER_LENIENT;
    if (answer_parse(&reading->answer, vote->text, vote->length, cut ? ANSWER_LENIENT_CUT : options->rules,
                     error))
        return -1;
    struct verdict_place *place = &reading->place;
    place->match = "";
    place->radius_km = -1;
    place->country = copy(reading->answer.country, error);
    place->city = copy(reading->answer.city, error);
    place->region = copy("", error);
    if (!place->country || !place->city || !place->region) return -1;
    reading->names_place = place->country[0] || place->city[0];
    if (!reading->names_place) return 0;
    if (!options->gazetteer) return drop_hedges(place, error);
    bool hedged = is_hedged(vote, reading->answer.city) || is_hedged(vote, reading->answer.country);
    if (look_up(reading, options->gazetteer, error)) return -1;
    place->hedged = place->hedged || hedged;
    return 0;
}

// ---- counting -------------------------------------------------------------------------------------------

static bool same_names(const struct verdict_place *a, const struct verdict_place *b) {
    bool areas = !a->city[0] && !b->city[0]; // told apart by their regions: Europe, Siberia
    return strcasecmp(a->country, b->country) == 0 && strcasecmp(a->city, b->city) == 0 &&
           (!areas || strcasecmp(a->region, b->region) == 0);
}

static int copy_place(struct verdict_place *target, const struct verdict_place *place, struct error *error) {
    *target = *place;
    target->country = copy(place->country ? place->country : "", error);
    target->region = copy(place->region ? place->region : "", error);
    target->city = copy(place->city ? place->city : "", error);
    return target->country && target->region && target->city ? 0 : -1;
}

// Every place that was named becomes one vote of the verdict, in the order of the first sample that names it.
// first_of[vote]: that sample.
static int gather_votes(struct verdict *verdict, const struct reading *readings, size_t count,
                        size_t *first_of, struct error *error) {
    verdict->votes = memory_new(count + 1, sizeof *verdict->votes, "votes", error);
    if (!verdict->votes) return -1;
    for (size_t i = 0; i < count; i++) {
        if (!readings[i].names_place) {
            *(readings[i].answer.declined ? &verdict->declined : &verdict->unread) += 1;
            continue;
        }
        size_t same = 0;
        while (same < verdict->vote_count && !same_names(&verdict->votes[same].place, &readings[i].place))
            same++;
        struct verdict_vote *vote = &verdict->votes[same];
        if (same == verdict->vote_count) {
            first_of[verdict->vote_count++] = i;
            if (copy_place(&vote->place, &readings[i].place, error)) return -1;
        }
        vote->place.disagrees =
            vote->place.disagrees && readings[i].place.disagrees; // one that agrees is enough
        vote->count++;
        vote->place.share = (double)vote->count / (double)count;
    }
    return 0;
}

static const char *name_at(const struct verdict_place *place, enum verdict_level level) {
    return level == LEVEL_COUNTRY ? place->country : level == LEVEL_REGION ? place->region : place->city;
}

// The most likely place at every level, and how sure that is. `probability`: of the words of the only sample,
// -1 when unknown.
static int fill_standings(struct verdict *verdict, const struct ballot *ballot, double probability,
                          const struct judge_options *options, struct error *error) {
    for (enum verdict_level level = LEVEL_COUNTRY; level < VERDICT_LEVELS; level++) {
        struct verdict_standing *standing = &verdict->standings[level];
        *standing = (struct verdict_standing){.share = -1, .confidence = -1};
        if (ballot->levels[level].count == 0) continue;
        const struct ballot_group *best = &ballot->levels[level].groups[0];
        standing->name = copy(name_at(&verdict->votes[best->chosen].place, level), error);
        if (!standing->name) return -1;
        standing->share = (double)best->count / (double)verdict->samples;
        standing->confidence = verdict->samples > 1 ? standing->share : probability;
        if (options->calibration)
            standing->confidence = calibration_confidence(options->calibration, level, best->count,
                                                          verdict->samples, probability);
        // What holds of a city holds of its country.
        if (level > LEVEL_COUNTRY && standing->confidence > verdict->standings[level - 1].confidence)
            for (enum verdict_level coarser = level; coarser-- > LEVEL_COUNTRY;)
                if (verdict->standings[coarser].name && options->calibration)
                    verdict->standings[coarser].confidence =
                        fmax(verdict->standings[coarser].confidence, standing->confidence);
    }
    verdict->calibrated = options->calibration && verdict->standings[LEVEL_COUNTRY].confidence >= 0;
    return 0;
}

// The finest level that is sure enough; without such a one the coarsest that was named, when nobody asked to
// abstain. *enough: whether it is sure enough.
static enum verdict_level choose_level(const struct verdict *verdict, const struct judge_options *options,
                                       bool *enough) {
    bool asked = options->abstain_below > 0;
    // The probability of one answer's own words says little: it does not choose.
    bool tells = verdict->samples > 1 || verdict->calibrated || asked;
    double least = asked ? options->abstain_below : tells && !options->finest ? 0.5 : -1;
    enum verdict_level coarsest = VERDICT_LEVELS, finest = VERDICT_LEVELS;
    *enough = true;
    for (enum verdict_level level = VERDICT_LEVELS; level-- > LEVEL_COUNTRY;) {
        if (!verdict->standings[level].name) continue;
        if (verdict->standings[level].confidence >= least) return level;
        if (finest == VERDICT_LEVELS) finest = level;
        coarsest = level;
    }
    *enough = !asked;
    return asked ? finest : coarsest;
}

// Bytes [first, end) of a vote's text; empty when nothing was found.
struct span {
    size_t first, end;
};

// The last occurrence of `name` that shares no byte with `taken`.
static struct span find_name(const struct vote *vote, const char *name, struct span taken) {
    size_t length = strlen(name);
    if (length == 0 || length > vote->length) return (struct span){0};
    for (size_t at = vote->length - length + 1; at-- > 0;) {
        bool free_bytes = at + length <= taken.first || at >= taken.end;
        if (free_bytes && strncasecmp(vote->text + at, name, length) == 0)
            return (struct span){at, at + length};
    }
    return (struct span){0};
}

// Whether the token with the text [first, end) helps to spell what stands at `span`. A token without text is
// the beginning of a character that the next token completes.
static bool spells(struct span span, size_t first, size_t end) {
    return first < span.end && (end > span.first || (first == end && first == span.first));
}

// Probability of the tokens that spell the names, each counted once; -1 when the engine does not tell, or
// when the names do not stand in the text as they were read.
static double single_confidence(const struct vote *vote, const struct answer *answer) {
    struct span city = find_name(vote, answer->city, (struct span){0});
    struct span country = find_name(vote, answer->country, city); // "Mexico" is not the one in "Mexico City"
    if (country.end == 0) country = find_name(vote, answer->country, (struct span){0}); // Singapore
    bool found = (city.end || !answer->city[0]) && (country.end || !answer->country[0]);
    if (!vote->log_probs || !found) return -1;
    double sum = 0;
    for (size_t t = 0, first = 0; t < vote->tokens; first = vote->ends[t++])
        if (spells(city, first, vote->ends[t]) || spells(country, first, vote->ends[t]))
            sum += (double)vote->log_probs[t];
    return exp(sum);
}

struct weighed {
    double distance;
    size_t count;
};

static int compare_weighed(const void *a, const void *b) {
    double x = ((const struct weighed *)a)->distance, y = ((const struct weighed *)b)->distance;
    return (x > y) - (x < y);
}

static double radius_of(const struct weighed *list, size_t count, size_t wanted) {
    size_t sum = 0, i = 0;
    while (i + 1 < count && (sum += list[i].count) < wanted) i++;
    return isfinite(list[i].distance) ? list[i].distance : -1;
}

// The radii around the answer that hold half and nine tenths of all samples. One that names no place with a
// position is nowhere: when it takes such samples to get there, the radius is unknown.
static int measure_radii(struct verdict *verdict, struct error *error) {
    size_t count = verdict->vote_count, all = verdict->samples, placed = 0;
    struct weighed *list = memory_new(count + 1, sizeof *list, "votes", error);
    if (!list) return -1;
    for (size_t i = 0; i < count; i++) {
        const struct verdict_place *place = &verdict->votes[i].place;
        list[i].count = verdict->votes[i].count;
        list[i].distance = place->has_position ? sphere_distance(verdict->place.position, place->position)
                                               : (double)INFINITY;
        placed += list[i].count;
    }
    list[count] = (struct weighed){(double)INFINITY, all - placed};
    qsort(list, count + 1, sizeof *list, compare_weighed);
    verdict->radius_50_km = radius_of(list, count + 1, (all + 1) / 2);
    verdict->radius_90_km = radius_of(list, count + 1, (9 * all + 9) / 10);
    free(list);
    return 0;
}

// The region's or country's own position, and none when it is not known.
static int move_to_level(struct verdict_place *place, enum verdict_level level, struct gazetteer *gazetteer,
                         struct error *error) {
    bool is_finer = place->city[0] || (level == LEVEL_COUNTRY && place->region[0]);
    if (level == LEVEL_CITY || !is_finer) return 0;
    place->city[0] = 0;
    if (level == LEVEL_COUNTRY) place->region[0] = 0;
    place->match = "";
    place->fallback = NULL;
    place->has_position = false;
    place->radius_km = -1;
    if (level == LEVEL_COUNTRY) {
        place->has_position = place->has_country_position;
        place->position = place->country_position;
        if (place->has_position) place->radius_km = place->country_radius_km;
        return 0;
    }
    struct gazetteer_answer *found = gazetteer ? memory_new(1, sizeof *found, "gazetteer", error) : NULL;
    if (!found) return gazetteer ? -1 : 0;
    const struct gazetteer_query query = {
        .region = place->region, .country = place->country_code, .limit = 1};
    int result = gazetteer_lookup(gazetteer, &query, found, error);
    if (result == 0 && found->count > 0 && found->candidates[0].place.kind == PLACE_REGION) {
        place->has_position = true;
        place->position = found->candidates[0].place.at;
        place->radius_km = found->candidates[0].place.radius_km;
    }
    free(found);
    return result;
}

// The other cities that were named, then countries that were named without one. The answer's own is not
// among them when it is the answer; its cities are, when only their country is sure.
static int take_alternatives(struct verdict *verdict, const struct ballot *ballot,
                             const struct judge_options *options, struct error *error) {
    const struct ballot_level *cities = &ballot->levels[LEVEL_CITY];
    bool own = verdict->level == LEVEL_CITY;
    verdict->alternatives =
        memory_new(options->alternatives + 1, sizeof *verdict->alternatives, "alternatives", error);
    if (!verdict->alternatives) return -1;
    size_t city = own, bare = 0;
    while (verdict->alternative_count < options->alternatives) {
        while (bare < verdict->vote_count &&
               (ballot->city_of[bare] != SIZE_MAX ||
                (!own && ballot_same_country(&verdict->votes[bare].place, &verdict->place))))
            bare++;
        bool is_city = city < cities->count, is_bare = bare < verdict->vote_count;
        if (is_city && is_bare) is_city = cities->groups[city].count >= verdict->votes[bare].count;
        if (!is_city && !is_bare) break;
        const struct verdict_vote *vote = &verdict->votes[is_city ? cities->groups[city].chosen : bare];
        size_t votes = is_city ? cities->groups[city].count : vote->count;
        struct verdict_place *place = &verdict->alternatives[verdict->alternative_count++];
        if (copy_place(place, &vote->place, error)) return -1;
        place->share = (double)votes / (double)verdict->samples;
        *(is_city ? &city : &bare) += 1;
    }
    if (verdict->alternative_count) return 0;
    free(verdict->alternatives);
    verdict->alternatives = NULL;
    return 0;
}

// *chosen: the vote that the answer stands on.
static int take_winner(struct verdict *verdict, const struct ballot *ballot, double probability,
                       const struct judge_options *options, size_t *chosen, struct error *error) {
    bool enough;
    if (fill_standings(verdict, ballot, probability, options, error)) return -1;
    verdict->level = choose_level(verdict, options, &enough);
    *chosen = ballot->levels[verdict->level].groups[0].chosen;
    if (copy_place(&verdict->place, &verdict->votes[*chosen].place, error) ||
        move_to_level(&verdict->place, verdict->level, options->gazetteer, error))
        return -1;
    const struct verdict_standing *standing = &verdict->standings[verdict->level];
    verdict->place.share = standing->share;
    verdict->confidence = standing->confidence;
    verdict->outcome = enough ? VERDICT_PLACED : VERDICT_ABSTAINED;
    if (verdict->calibrated) {
        verdict->radius_50_km = calibration_radius(options->calibration, verdict, 0);
        verdict->radius_90_km = calibration_radius(options->calibration, verdict, 1);
    } else if (verdict->samples > 1 && verdict->place.has_position && measure_radii(verdict, error)) {
        return -1;
    }
    return take_alternatives(verdict, ballot, options, error);
}

// The completion that the verdict quotes: text, reasoning, clues.
static int quote(struct verdict *verdict, const struct vote *vote, const struct answer *answer,
                 struct error *error) {
    verdict->answer = memory_copy_string(vote->text, vote->length, error);
    verdict->reasoning = copy(answer->reasoning, error);
    verdict->truncated = vote->truncated;
    if (!verdict->answer || !verdict->reasoning) return -1;
    return clues_find(verdict->reasoning, &verdict->clues, &verdict->clue_count, error);
}

// What the quoted completion itself says against its answer.
static int raise_flags(struct verdict *verdict, const struct verdict_place *own,
                       const struct judge_options *options, struct error *error) {
    bool contradicts;
    if (verdict->truncated) verdict->flags |= FLAG_CUT;
    if (verdict->outcome != VERDICT_PLACED && verdict->outcome != VERDICT_ABSTAINED) return 0;
    if (contradiction_find(verdict->reasoning, own, options->gazetteer, &contradicts, error)) return -1;
    if (contradicts) verdict->flags |= FLAG_OTHER_PLACE;
    if (verdict->place.disagrees) verdict->flags |= FLAG_NAMES;
    return 0;
}

static size_t most_votes(const struct ballot *ballot) {
    size_t most = 0;
    for (enum verdict_level level = LEVEL_COUNTRY; level < VERDICT_LEVELS; level++)
        if (ballot->levels[level].count && ballot->levels[level].groups[0].count > most)
            most = ballot->levels[level].groups[0].count;
    return most;
}

// *chosen: the vote that the answer stands on; SIZE_MAX: there is no answer.
static int weigh(struct verdict *verdict, const struct judge_options *options, size_t *chosen,
                 struct error *error) {
    struct ballot ballot;
    *chosen = SIZE_MAX;
    if (ballot_count(&ballot, verdict->votes, verdict->vote_count, options->cluster_km, error)) return -1;
    int result = 0;
    // More votes that nothing can be told than for any single country: then that is the answer.
    if (most_votes(&ballot) == 0 || verdict->declined > most_votes(&ballot)) {
        verdict->outcome = verdict->declined ? VERDICT_NOT_LOCATABLE : VERDICT_NO_ANSWER;
        verdict->confidence = verdict->declined && verdict->samples > 1
                                  ? (double)verdict->declined / (double)verdict->samples
                                  : -1;
    } else {
        result = take_winner(verdict, &ballot, verdict->probability, options, chosen, error);
    }
    ballot_free(&ballot);
    return result;
}

static int judge(struct verdict *verdict, struct reading *readings, const struct vote *votes, size_t count,
                 const struct judge_options *options, size_t *quoted, struct error *error) {
    *quoted = 0;
    for (size_t i = 0; i < count; i++) {
        if (read_vote(&readings[i], &votes[i], options, error)) return -1;
        verdict->tokens += votes[i].tokens;
    }
    size_t *first_of = memory_new(count, sizeof *first_of, "votes", error);
    if (!first_of) return -1;
    int result = gather_votes(verdict, readings, count, first_of, error);
    if (result == 0 && count == 1) verdict->probability = single_confidence(&votes[0], &readings[0].answer);
    size_t chosen;
    if (result == 0) result = weigh(verdict, options, &chosen, error);
    if (result == 0 && chosen != SIZE_MAX) {
        *quoted = first_of[chosen];
        bool city = verdict->level == LEVEL_CITY;
        verdict->same_name_countries = city ? readings[*quoted].same_name_countries : 0;
    } else if (result == 0 && verdict->declined) {
        while (*quoted + 1 < count && (readings[*quoted].names_place || !readings[*quoted].answer.declined))
            ++*quoted;
    }
    free(first_of);
    if (result == 0) result = quote(verdict, &votes[*quoted], &readings[*quoted].answer, error);
    return result ? result : raise_flags(verdict, &readings[*quoted].place, options, error);
}

int judge_votes(struct verdict *verdict, const struct vote *votes, size_t count,
                const struct judge_options *options, size_t *quoted, struct error *error) {
    verdict->samples = count;
    verdict->confidence = verdict->radius_50_km = verdict->radius_90_km = -1;
    verdict->gps_distance_km = verdict->probability = -1;
    verdict->place.match = "";
    for (size_t i = 0; i < VERDICT_LEVELS; i++)
        verdict->standings[i] = (struct verdict_standing){.share = -1, .confidence = -1};
    struct reading *readings = memory_new(count, sizeof *readings, "votes", error);
    if (!readings) return -1;
    int result = judge(verdict, readings, votes, count, options, quoted, error);
    for (size_t i = 0; i < count; i++) {
        answer_free(&readings[i].answer);
        verdict_place_free(&readings[i].place);
    }
    free(readings);
    return result;
}

int judge_again(struct verdict *verdict, const struct judge_options *options, struct error *error) {
    size_t chosen;
    struct gazetteer_answer *found = memory_new(1, sizeof *found, "gazetteer", error);
    if (!found) return -1;
    int result = 0;
    for (size_t i = 0; result == 0 && options->gazetteer && i < verdict->vote_count; i++)
        if (verdict->votes[i].place.country_code[0])
            result = look_up_country(&verdict->votes[i].place, options->gazetteer, found, error);
    free(found);
    verdict_place_free(&verdict->place);
    verdict->place = (struct verdict_place){.radius_km = -1, .share = -1, .match = ""};
    for (size_t i = 0; i < verdict->alternative_count; i++) verdict_place_free(&verdict->alternatives[i]);
    free(verdict->alternatives);
    verdict->alternatives = NULL;
    verdict->alternative_count = 0;
    verdict->confidence = verdict->radius_50_km = verdict->radius_90_km = -1;
    verdict->calibrated = false;
    for (size_t i = 0; i < VERDICT_LEVELS; i++) free(verdict->standings[i].name);
    for (size_t i = 0; i < VERDICT_LEVELS; i++)
        verdict->standings[i] = (struct verdict_standing){.share = -1, .confidence = -1};
    return result ? result : weigh(verdict, options, &chosen, error);
}
