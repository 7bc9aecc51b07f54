// What is said around a name and is no part of it: hedges, choices, dashes, parts of countries. The name alone is
// looked up as it stands first (gazetteer_lookup.c).
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "geo/gazetteer_internal.h"
#include "geo/place_hedge.h"

static bool is_sure(const struct gazetteer_answer *answer) {
    return answer->outcome == LOOKUP_FOUND && answer->candidates[0].match <= MATCH_SIMPLIFIED;
}

// How good an answer is, to choose between the names of a hedge.
static int answer_rank(const struct gazetteer_answer *answer) {
    if (is_sure(answer)) return 4;
    if (answer->outcome == LOOKUP_FOUND) return 3;
    if (answer->outcome == LOOKUP_CONTAINER && answer->fallback == FALLBACK_CITY) return 2;
    return answer->outcome != LOOKUP_NOT_FOUND;
}

// "Cape Town \u2013 Waterfront", "Tokyo: Akihabara", "Bangkok > Thonglor": what no name has as it stands is read
// with commas. True when there was such a mark.
static bool put_commas(const char *text, char *out, size_t size) {
    static const char *const marks[] = {" - ", " \u2013 ", " \u2014 ", "\u2013",  "\u2014",
                                        ": ",  " > ",      " \u00BB ", " \u2192 "};
    bool any = false;
    for (size_t used = 0; *text; any = any || used) {
        size_t length = 0;
        for (size_t i = 0; i < sizeof marks / sizeof *marks && !length; i++)
            if (!strncmp(text, marks[i], strlen(marks[i]))) length = strlen(marks[i]);
        used = length && size > 3;
        if (used)
            *out++ = ',', *out++ = ' ';
        else if (size > 1)
            *out++ = *text;
        size -= used ? 2 : size > 1;
        text += length ? length : 1;
    }
    *out = 0;
    return any;
}

static int look_up_marked(struct gazetteer *gazetteer, const struct gazetteer_query *query,
                          struct gazetteer_answer *answer, struct error *error) {
    char city[PLACE_NAME_LIMIT + 1];
    struct place_hedge hedge = {0};
    if (!query->city || strlen(query->city) > PLACE_NAME_LIMIT) return 0;
    place_hedge_read(query->city, &hedge);
    if (hedge.count > 1 || hedge.marked || !put_commas(query->city, city, sizeof city)) return 0;
    const char *last = strrchr(city, ',');
    if (last) place_hedge_read(last + 1, &hedge);
    struct gazetteer_answer *other = memory_new(1, sizeof *other, "gazetteer", error);
    if (!other) return -1;
    struct gazetteer_query asked = *query;
    asked.city = city;
    int result = gazetteer_look_up(gazetteer, &asked, other, error);
    if (!result && answer_rank(other) > answer_rank(answer)) {
        *answer = *other;
        answer->hedged = answer->hedged || hedge.marked; // "Tokyo - maybe Osaka"
    }
    free(other);
    return result;
}

// Every name of the hedges with every country of theirs, in their order, until one is found for sure.
static int look_up_hedged(struct gazetteer *gazetteer, const struct gazetteer_query *query,
                          const struct place_hedge *city, const struct place_hedge *country,
                          struct gazetteer_answer *answer, struct error *error) {
    struct gazetteer_answer *other = memory_new(1, sizeof *other, "gazetteer", error);
    if (!other) return -1;
    int result = 0, best = city->hedged && is_sure(answer) ? 0 : answer_rank(answer);
    int cities = city->count ? city->count : 1, countries = country->count ? country->count : 1;
    for (int i = 0; i < cities && !result && best < 4; i++) {
        for (int j = 0; j < countries && !result && best < 4; j++) {
            struct gazetteer_query asked = *query;
            if (city->hedged) asked.city = city->count ? city->names[i] : NULL;
            if (country->hedged) asked.country = country->count ? country->names[j] : NULL;
            result = gazetteer_look_up(gazetteer, &asked, other, error);
            int rank = result ? 0 : answer_rank(other);
            if (rank <= best) continue;
            best = rank;
            *answer = *other;
        }
    }
    free(other);
    return result;
}

// "Biel/Bienne": names of one place are no choice.
static int is_one_place(struct gazetteer *gazetteer, const struct gazetteer_query *query,
                        const struct place_hedge *city, const struct gazetteer_answer *answer, bool *one,
                        struct error *error) {
    struct gazetteer_answer *other = memory_new(1, sizeof *other, "gazetteer", error);
    if (!other) return -1;
    int result = 0;
    *one = is_sure(answer);
    for (int i = 0; i < city->count && *one && !result; i++) {
        struct gazetteer_query asked = *query;
        asked.city = city->names[i];
        result = gazetteer_look_up(gazetteer, &asked, other, error);
        *one = !result && is_sure(other) && other->candidates[0].place.id == answer->candidates[0].place.id;
    }
    free(other);
    return result;
}

// "northern Italy": a part of a country that is no name is its country, roughly. Returns the rest, NULL without a
// direction in front.
static const char *skip_direction(const char *text) {
    static const char *const words[] = {"northeastern ", "northwestern ", "southeastern ",
                                        "southwestern ", "northern ",     "southern ",
                                        "eastern ",      "western ",      "coastal "};
    if (!strncasecmp(text, "the ", 4)) text += 4;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strncasecmp(text, words[i], strlen(words[i])) && text[strlen(words[i])])
            return text + strlen(words[i]);
    return NULL;
}

static int read_hedges(struct gazetteer *gazetteer, const struct gazetteer_query *query,
                       struct gazetteer_answer *answer, struct error *error) {
    struct place_hedge city = {0}, country = {0};
    if (query->city) place_hedge_read(query->city, &city);
    if (query->country && (answer->hedged || !answer->country_code[0]))
        place_hedge_read(query->country, &country);
    const char *rest =
        query->country && !answer->country_code[0] && !country.hedged ? skip_direction(query->country) : NULL;
    if (rest && strlen(rest) <= PLACE_NAME_LIMIT) {
        country = (struct place_hedge){.hedged = true, .marked = true, .count = 1};
        memcpy(country.names[0], rest, strlen(rest) + 1);
    }
    if (!city.hedged && !country.hedged) return 0;
    // A name that is written so ("Donostia / San Sebastián", "Near Island") is no hedge.
    if (is_sure(answer) && answer->candidates[0].match == MATCH_EXACT && !city.marked && !country.hedged) {
        bool one;
        if (is_one_place(gazetteer, query, &city, answer, &one, error)) return -1;
        if (one) return 0;
    }
    bool one = false;
    if (look_up_hedged(gazetteer, query, &city, &country, answer, error)) return -1;
    if (!city.marked && !country.hedged && is_one_place(gazetteer, query, &city, answer, &one, error))
        return -1;
    answer->hedged = !one && answer->count > 0;
    return 0;
}

int gazetteer_lookup(struct gazetteer *gazetteer, const struct gazetteer_query *query,
                     struct gazetteer_answer *answer, struct error *error) {
    memset(answer, 0, sizeof *answer);
    if (query->limit < 0 || query->limit > GAZETTEER_CANDIDATES)
        return error_set(error, ERROR_USAGE, "gazetteer: limit %d is outside 0 to %d", query->limit,
                         GAZETTEER_CANDIDATES);
    gazetteer_start(gazetteer);
    if (gazetteer_look_up(gazetteer, query, answer, error)) return -1;
    if (query->exact_only) return 0;
    if (!is_sure(answer) && look_up_marked(gazetteer, query, answer, error)) return -1;
    // Most names are found as they are; the lists of hedges are for the others.
    bool plain = is_sure(answer) && answer->candidates[0].match < MATCH_SIMPLIFIED && !answer->hedged;
    if (plain && !(query->city && strpbrk(query->city, "?/|(["))) return 0;
    return read_hedges(gazetteer, query, answer, error);
}
