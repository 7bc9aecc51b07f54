#include "locate/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "geo/cluster.h"
#include "locate/clues.h"

// A vote that has been read.
struct reading {
    struct answer answer;
    struct verdict_place place;
    int same_name_countries;
    bool names_place;
    // The position is that of the place named. Not so for a city that the gazetteer does not know: it gets
    // its country's position, and two such cities are not the same place.
    bool pinned;
    size_t cluster;
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
        bool is_city = best->place.kind == PLACE_CITY || best->place.kind == PLACE_DISTRICT;
        result = set_text(&place->country, best->place.country, error);
        if (result == 0) result = set_text(&place->region, best->place.region, error);
        if (result == 0 && is_city) result = set_text(&place->city, best->place.name, error);
        reading->pinned = !place->city[0] || best->match != MATCH_CONTAINER;
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

static int read_vote(struct reading *reading, const struct vote *vote, const struct judge_options *options,
                     struct error *error) {
    if (answer_parse(&reading->answer, vote->text, vote->length, options->rules, error)) return -1;
    struct verdict_place *place = &reading->place;
    place->match = "";
    place->radius_km = -1;
    place->country = copy(reading->answer.country, error);
    place->city = copy(reading->answer.city, error);
    place->region = copy("", error);
    if (!place->country || !place->city || !place->region) return -1;
    reading->names_place = place->country[0] || place->city[0];
    return reading->names_place && options->gazetteer ? look_up(reading, options->gazetteer, error) : 0;
}

// Names that the gazetteer does not know, or all without one, are the same place when they are spelt alike.
static bool same_names(const struct verdict_place *a, const struct verdict_place *b) {
    return strcasecmp(a->country, b->country) == 0 && strcasecmp(a->city, b->city) == 0;
}

// Numbers the readings that name a place by cluster, from 0; returns how many clusters there are, SIZE_MAX on
// failure.
static size_t find_clusters(struct reading *readings, size_t count, const struct judge_options *options,
                            struct error *error) {
    size_t clusters = 0, placed = 0;
    struct point *points = memory_new(count, sizeof *points, "votes", error);
    size_t *who = memory_new(count, sizeof *who, "votes", error);
    if (points && who) {
        for (size_t i = 0; i < count; i++)
            if (readings[i].pinned) {
                points[placed] = readings[i].place.position;
                who[placed++] = i;
            }
        struct clusters found = {0};
        if (placed && clusters_find(points, NULL, placed, options->cluster_km, &found, error)) {
            clusters = SIZE_MAX;
        } else if (placed) {
            for (size_t i = 0; i < placed; i++) readings[who[i]].cluster = found.cluster_of[i];
            clusters = found.count;
            clusters_free(&found);
        }
    } else {
        clusters = SIZE_MAX;
    }
    free(points);
    free(who);
    for (size_t i = 0; clusters != SIZE_MAX && i < count; i++) {
        if (!readings[i].names_place || readings[i].pinned) continue;
        size_t same = 0;
        while (same < i && !(readings[same].names_place && !readings[same].pinned &&
                             same_names(&readings[same].place, &readings[i].place)))
            same++;
        readings[i].cluster = same < i ? readings[same].cluster : clusters++;
    }
    return clusters;
}

struct tally {
    size_t votes, first; // the first reading of the cluster
    size_t chosen;       // the reading that stands for it: the most frequent place, the earliest among equals
};

static int more_votes(const void *a, const void *b) {
    const struct tally *x = a, *y = b;
    if (x->votes != y->votes) return x->votes > y->votes ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static struct tally *count_clusters(const struct reading *readings, size_t count, size_t clusters,
                                    struct error *error) {
    struct tally *tallies = memory_new(clusters + 1, sizeof *tallies, "votes", error);
    if (!tallies) return NULL;
    for (size_t c = 0; c < clusters; c++) {
        size_t best = 0;
        for (size_t i = 0; i < count; i++) {
            if (!readings[i].names_place || readings[i].cluster != c) continue;
            if (tallies[c].votes++ == 0) tallies[c].first = i;
            size_t same = 0;
            for (size_t j = 0; j < count; j++)
                same += readings[j].names_place && readings[j].cluster == c &&
                        same_names(&readings[i].place, &readings[j].place);
            if (same > best) {
                best = same;
                tallies[c].chosen = i;
            }
        }
    }
    qsort(tallies, clusters, sizeof *tallies, more_votes);
    return tallies;
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

static int compare_numbers(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The radii around `at` that hold half and nine tenths of all samples. One that names no place with a
// position is nowhere: when it takes such samples to get there, the radius is unknown.
static int measure_radii(struct verdict *verdict, struct point at, const struct reading *readings,
                         size_t count, struct error *error) {
    double *distances = memory_new(count, sizeof *distances, "votes", error);
    if (!distances) return -1;
    for (size_t i = 0; i < count; i++)
        distances[i] = readings[i].place.has_position ? sphere_distance(at, readings[i].place.position)
                                                      : (double)INFINITY;
    qsort(distances, count, sizeof *distances, compare_numbers);
    double half = distances[(count + 1) / 2 - 1], most = distances[(9 * count + 9) / 10 - 1];
    verdict->radius_50_km = isfinite(half) ? half : -1;
    verdict->radius_90_km = isfinite(most) ? most : -1;
    free(distances);
    return 0;
}

// The place moves to the verdict.
static void take_place(struct verdict_place *target, struct reading *reading, double share) {
    *target = reading->place;
    target->share = share;
    reading->place = (struct verdict_place){0};
}

static int take_winner(struct verdict *verdict, struct reading *readings, const struct vote *votes,
                       size_t count, const struct tally *tallies, size_t clusters,
                       const struct judge_options *options, struct error *error) {
    struct reading *winner = &readings[tallies[0].chosen];
    const struct vote *vote = &votes[tallies[0].chosen];
    verdict->confidence =
        count > 1 ? (double)tallies[0].votes / (double)count : single_confidence(vote, &winner->answer);
    verdict->same_name_countries = winner->same_name_countries;
    take_place(&verdict->place, winner, (double)tallies[0].votes / (double)count);
    size_t others = clusters - 1 < options->alternatives ? clusters - 1 : options->alternatives;
    if (others) {
        verdict->alternatives = memory_new(others, sizeof *verdict->alternatives, "alternatives", error);
        if (!verdict->alternatives) return -1;
    }
    for (size_t i = 0; i < others; i++)
        take_place(&verdict->alternatives[verdict->alternative_count++], &readings[tallies[i + 1].chosen],
                   (double)tallies[i + 1].votes / (double)count);
    bool unsure = options->abstain_below > 0 && verdict->confidence < options->abstain_below;
    verdict->outcome = unsure ? VERDICT_ABSTAINED : VERDICT_PLACED;
    return 0;
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

static int judge(struct verdict *verdict, struct reading *readings, const struct vote *votes, size_t count,
                 const struct judge_options *options, size_t *quoted, struct error *error) {
    size_t declining = 0;
    *quoted = 0;
    for (size_t i = 0; i < count; i++) {
        if (read_vote(&readings[i], &votes[i], options, error)) return -1;
        verdict->tokens += votes[i].tokens;
        declining += !readings[i].names_place && readings[i].answer.declined;
    }
    size_t clusters = find_clusters(readings, count, options, error);
    if (clusters == SIZE_MAX) return -1;
    struct tally *tallies = count_clusters(readings, count, clusters, error);
    if (!tallies) return -1;
    int result = 0;
    // More votes that nothing can be told than for any single place: then that is the answer.
    if (clusters == 0 || declining > tallies[0].votes) {
        verdict->outcome = declining ? VERDICT_NOT_LOCATABLE : VERDICT_NO_ANSWER;
        verdict->confidence = declining && count > 1 ? (double)declining / (double)count : -1;
        while (*quoted + 1 < count && declining &&
               (readings[*quoted].names_place || !readings[*quoted].answer.declined))
            ++*quoted;
    } else {
        *quoted = tallies[0].chosen;
        const struct verdict_place *answer = &readings[*quoted].place;
        if (count > 1 && answer->has_position)
            result = measure_radii(verdict, answer->position, readings, count, error);
        if (result == 0)
            result = take_winner(verdict, readings, votes, count, tallies, clusters, options, error);
    }
    free(tallies);
    return result ? result : quote(verdict, &votes[*quoted], &readings[*quoted].answer, error);
}

int judge_votes(struct verdict *verdict, const struct vote *votes, size_t count,
                const struct judge_options *options, size_t *quoted, struct error *error) {
    verdict->samples = count;
    verdict->confidence = verdict->radius_50_km = verdict->radius_90_km = -1;
    verdict->place.match = "";
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
