// City, region and country to ranked candidates. docs/gazetteer.md tells the rules in the same order.
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "geo/gazetteer_internal.h"

#define PARTS 6
#define REGIONS 16
#define WELL_KNOWN \
    50000 // people from which a place elsewhere is not explained away by a village's similar name

struct search {
    struct gazetteer *gazetteer;
    const struct gazetteer_query *query;
    char parts[PARTS][PLACE_KEY_SIZE]; // keys of the city text and of its parts ("Mumbai (Bombay)")
    int part_count;
    char region[PLACE_NAME_LIMIT + 1]; // the region text, given or found in the city text
    struct country_reading country;
    bool country_given;
    int64_t regions[REGIONS]; // what the region text can mean; none: not given, or not understood
    int region_count;
    struct hits hits;
};

// What models and people write when they have no answer.
static bool is_blank(const char *text) {
    static const char *const words[] = {"",
                                        "unknown",
                                        "n a",
                                        "na",
                                        "none",
                                        "null",
                                        "not sure",
                                        "unclear",
                                        "any",
                                        "undefined",
                                        "undetermined",
                                        "unspecified",
                                        "not known",
                                        "unknown city",
                                        "unknown location",
                                        "cannot determine"};
    char key[PLACE_KEY_SIZE];
    if (!text) return true;
    if (place_key(text, strlen(text), false, key, NULL)) return false; // told where it is used
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(key, words[i])) return true;
    return false;
}

// --- what is asked ---

static int add_part(struct search *search, const char *text, size_t length, struct error *error) {
    if (search->part_count == PARTS) return 0;
    char *key = search->parts[search->part_count];
    if (place_key(text, length, false, key, error)) return -1;
    for (int i = 0; i < search->part_count; i++)
        if (!strcmp(search->parts[i], key)) return 0;
    if (key[0]) search->part_count++;
    return 0;
}

// The whole text, then what stands before, between and after brackets, slashes and semicolons. What follows a
// comma is a region, unless one was given.
static int split_city(struct search *search, struct error *error) {
    const char *city = search->query->city;
    if (add_part(search, city, strlen(city), error)) return -1;
    const char *comma = strchr(city, ',');
    if (comma && !search->region[0])
        memcpy(search->region, comma + 1, strcspn(comma + 1, ",")); // zeroed before
    const char *const marks = "()[]/|;,";
    for (const char *at = city; *at;) {
        size_t length = strcspn(at, marks);
        if (add_part(search, at, length, error)) return -1;
        at += length;
        if (*at == ',') break;
        if (*at) at++;
    }
    return 0;
}

static int read_regions(struct search *search, struct error *error) {
    char key[PLACE_KEY_SIZE], variants[PLACE_KEY_VARIANTS][PLACE_KEY_SIZE];
    struct hits hits = {0};
    if (place_key(search->region, strlen(search->region), false, key, error)) return -1;
    int result = gazetteer_collect(search->gazetteer, key, MATCH_EXACT, 0, &hits, error);
    int count = result ? 0 : place_key_variants(key, variants);
    for (int i = 0; i < count && !result; i++)
        result = gazetteer_collect(search->gazetteer, variants[i], MATCH_SIMPLIFIED, 0, &hits, error);
    for (size_t i = 0; i < hits.count && search->region_count < REGIONS; i++) {
        const struct hit *hit = &hits.items[i];
        if (hit->kind != PLACE_REGION) continue;
        if (search->country.code[0] && !gazetteer_same_country(search->country.code, hit->country)) continue;
        search->regions[search->region_count++] = hit->id;
    }
    free(hits.items);
    return result;
}

static int read_query(struct search *search, struct error *error) {
    const struct gazetteer_query *query = search->query;
    if (!is_blank(query->region)) {
        if (strlen(query->region) > PLACE_NAME_LIMIT)
            return error_set(error, ERROR_LIMIT,
                             "region name: %zu bytes, more than the %d that are looked up",
                             strlen(query->region), PLACE_NAME_LIMIT);
        memcpy(search->region, query->region, strlen(query->region));
    }
    if (!is_blank(query->city) && split_city(search, error)) return -1;
    search->country_given = !is_blank(query->country);
    if (search->country_given &&
        gazetteer_read_country(search->gazetteer, query->country, &search->country, error))
        return -1;
    if (search->region[0] && read_regions(search, error)) return -1;
    if (search->region_count == 0 && search->country.region)
        search->regions[search->region_count++] = search->country.region;
    return 0;
}

// --- what is found ---

static bool country_agrees(const struct search *search, const struct hit *hit) {
    return !search->country_given || gazetteer_same_country(search->country.code, hit->country);
}

static bool region_agrees(const struct search *search, const struct hit *hit) {
    if (search->region_count == 0) return true;
    for (int i = 0; i < search->region_count; i++)
        if (search->regions[i] == hit->region || search->regions[i] == hit->id) return true;
    return false;
}

static bool found_in_country(const struct search *search, bool in_region) {
    for (size_t i = 0; i < search->hits.count; i++) {
        const struct hit *hit = &search->hits.items[i];
        if (country_agrees(search, hit) && (!in_region || region_agrees(search, hit))) return true;
    }
    return false;
}

static int collect_exact(struct search *search, struct error *error) {
    for (int i = 0; i < search->part_count; i++)
        if (gazetteer_collect(search->gazetteer, search->parts[i], MATCH_EXACT, 0, &search->hits, error))
            return -1;
    return 0;
}

static int collect_simplified(struct search *search, struct error *error) {
    char variants[PLACE_KEY_VARIANTS][PLACE_KEY_SIZE];
    for (int i = 0; i < search->part_count; i++) {
        int count = place_key_variants(search->parts[i], variants);
        if (count < PLACE_KEY_VARIANTS && place_key_transliterate(search->parts[i], variants[count])) count++;
        for (int v = 0; v < count; v++)
            if (gazetteer_collect(search->gazetteer, variants[v], MATCH_SIMPLIFIED, 0, &search->hits, error))
                return -1;
    }
    return 0;
}

// Whether a similar name is taken seriously, next to the hits [0, exact) that bear the very name but lie
// elsewhere.
static bool is_plausible(const struct search *search, const struct hit *hit, size_t length, size_t exact) {
    bool known = hit->population >= WELL_KNOWN;
    if (hit->match != MATCH_FUZZY) return true;
    if (!search->country.code[0] && !known) return false; // anywhere in the world: only well-known cities
    // A territory's misspelt town is not a village of the state it belongs to.
    if (search->country.code[0] && strcmp(search->country.code, hit->country) &&
        gazetteer_is_part_of(search->country.code, hit->country))
        return false;
    // Two edits in a short name need a country, and a city that people would misspell.
    if (hit->edits > 1 && length < 10 && !(known && search->country.code[0])) return false;
    if (exact == 0) return true;
    if (!country_agrees(search, hit) || !region_agrees(search, hit)) return false;
    for (size_t i = 0; i < exact && !known; i++)
        if (search->hits.items[i].population >= WELL_KNOWN) return false;
    return true;
}

static int collect_similar(struct search *search, const char *key, size_t exact, struct error *error) {
    struct similar similar[SIMILAR_KEYS];
    int count;
    size_t first = search->hits.count, kept = first;
    if (gazetteer_similar(search->gazetteer, key, similar, &count, error)) return -1;
    for (int s = 0; s < count; s++) {
        if (!search->country.code[0] && similar[s].key[0] != key[0]) continue;
        if (gazetteer_collect(search->gazetteer, similar[s].key, MATCH_FUZZY, similar[s].edits, &search->hits,
                              error))
            return -1;
    }
    for (size_t i = first; i < search->hits.count; i++)
        if (is_plausible(search, &search->hits.items[i], strlen(key), exact))
            search->hits.items[kept++] = search->hits.items[i];
    search->hits.count = kept;
    return 0;
}

static int collect_fuzzy(struct search *search, struct error *error) {
    size_t exact = search->hits.count;
    for (int i = 0; i < search->part_count; i++) {
        char latin[PLACE_KEY_SIZE];
        const char *key = place_key_transliterate(search->parts[i], latin) ? latin : search->parts[i];
        if (collect_similar(search, key, exact, error)) return -1;
    }
    return 0;
}

static int collect_hits(struct search *search, struct error *error) {
    if (collect_exact(search, error)) return -1;
    if (search->query->exact_only || found_in_country(search, true)) return 0;
    if (collect_simplified(search, error)) return -1;
    // Found in the country but not in the region named: a name like it may be there ("Pittsburg,
    // Pennsylvania").
    if (found_in_country(search, true)) return 0;
    return collect_fuzzy(search, error);
}

// Countries count as an answer to a city question only where they are the country asked about, or none was.
static void drop_other_countries(struct search *search) {
    size_t kept = 0;
    for (size_t i = 0; i < search->hits.count; i++) {
        const struct hit *hit = &search->hits.items[i];
        if (hit->kind != PLACE_COUNTRY || country_agrees(search, hit)) search->hits.items[kept++] = *hit;
    }
    search->hits.count = kept;
}

// --- in which order ---

struct weighted_hit {
    const struct hit *hit;
    double weight;
};

static double match_quality(const struct hit *hit) {
    switch (hit->match) {
    case MATCH_EXACT:
        return 1;
    case MATCH_ALTERNATE:
        return 0.97;
    case MATCH_SIMPLIFIED:
        return 0.9;
    case MATCH_FUZZY:
        return hit->edits == 1 ? 0.75 : 0.5;
    default:
        return 0.1;
    }
}

// People decide; a region or country is meant by its city's name far less often than its people would say, a
// translation that is some other city's own name likewise.
static double hit_weight(const struct search *search, const struct hit *hit) {
    double weight = (double)hit->population + 200;
    if (hit->kind == PLACE_DISTRICT) weight *= 0.3;
    if (hit->kind >= PLACE_REGION) weight *= 0.04;
    if (hit->source == NAME_ALTERNATE) weight *= 0.3;
    if (hit->match == MATCH_FUZZY) weight *= hit->edits == 1 ? 0.1 : 0.01;
    if (!region_agrees(search, hit)) weight *= 1e-4;
    if (!country_agrees(search, hit)) return weight * 1e-8;
    if (search->country_given && strcmp(search->country.code, hit->country))
        weight *= gazetteer_is_part_of(hit->country, search->country.code) ? 0.5 : 1e-4;
    return weight;
}

static int compare_weights(const void *left, const void *right) {
    const struct weighted_hit *a = left, *b = right;
    if (a->weight != b->weight) return a->weight > b->weight ? -1 : 1;
    return (a->hit->id > b->hit->id) - (a->hit->id < b->hit->id);
}

static bool same_way(enum match_kind a, enum match_kind b) {
    return a == b || (a <= MATCH_ALTERNATE && b <= MATCH_ALTERNATE);
}

static void count_namesakes(const struct search *search, enum match_kind match,
                            struct gazetteer_answer *answer) {
    char seen[26 * 26] = {0};
    for (size_t i = 0; i < search->hits.count; i++) {
        const struct hit *hit = &search->hits.items[i];
        if (hit->kind != PLACE_CITY || !same_way(hit->match, match)) continue;
        answer->same_name_places++;
        int first = hit->country[0] - 'A', second = hit->country[0] ? hit->country[1] - 'A' : -1;
        if (first < 0 || first > 25 || second < 0 || second > 25) continue;
        answer->same_name_countries += !seen[26 * first + second];
        seen[26 * first + second] = 1;
    }
}

static int add_candidate(struct search *search, const struct hit *hit, double score,
                         struct gazetteer_answer *answer, struct error *error) {
    struct gazetteer_candidate *candidate = &answer->candidates[answer->count];
    int found = gazetteer_find_id(search->gazetteer, hit->id, &candidate->place, error);
    if (found <= 0) return found;
    candidate->match = hit->match;
    candidate->edits = hit->edits;
    candidate->country_agrees = country_agrees(search, hit);
    candidate->region_agrees = region_agrees(search, hit);
    candidate->score = score;
    answer->count++;
    return 0;
}

static int rank_hits(struct search *search, int room, struct gazetteer_answer *answer, struct error *error) {
    size_t count = search->hits.count;
    if (count == 0) return 0;
    struct weighted_hit *order = memory_new(count, sizeof *order, "gazetteer", error);
    if (!order) return -1;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        order[i] = (struct weighted_hit){&search->hits.items[i], hit_weight(search, &search->hits.items[i])};
        sum += order[i].weight;
    }
    qsort(order, count, sizeof *order, compare_weights);
    count_namesakes(search, order[0].hit->match, answer);
    int result = 0;
    for (size_t i = 0; i < count && answer->count < room && !result; i++)
        result = add_candidate(search, order[i].hit, match_quality(order[i].hit) * order[i].weight / sum,
                               answer, error);
    free(order);
    return result;
}

// --- what is left when the city is not there ---

// The region named, else the country named, as a hit; false when neither is known.
static int find_container(struct search *search, struct hit *hit, struct error *error) {
    struct gazetteer_place place;
    const struct country_row *country = gazetteer_find_country(search->gazetteer, search->country.code);
    int64_t id = search->region_count > 0 ? search->regions[0] : country ? country->id : 0;
    if (id == 0) return 0;
    int found = gazetteer_find_id(search->gazetteer, id, &place, error);
    if (found <= 0) return found;
    *hit = (struct hit){.id = id, .kind = place.kind, .match = MATCH_CONTAINER};
    hit->region = place.kind == PLACE_REGION ? id : 0;
    memcpy(hit->country, place.country_code, sizeof hit->country);
    return 1;
}

static int add_container(struct search *search, struct gazetteer_answer *answer, struct error *error) {
    struct hit hit;
    int found = find_container(search, &hit, error);
    if (found <= 0) return found;
    return add_candidate(search, &hit, match_quality(&hit), answer, error) ? -1 : 1;
}

// The city lies elsewhere: a well-known one comes before the country named, a lesser one after it.
static int answer_conflict(struct search *search, int room, struct gazetteer_answer *answer,
                           struct error *error) {
    if (rank_hits(search, room > 1 ? room - 1 : 1, answer, error)) return -1;
    answer->outcome = LOOKUP_CONFLICT;
    bool known = answer->count > 0 && answer->candidates[0].place.population >= WELL_KNOWN;
    if (room == 1 && known) return 0;
    if (room == 1) answer->count = 0;
    int added = add_container(search, answer, error);
    if (added < 0) return -1;
    if (added == 0 && room == 1) return rank_hits(search, room, answer, error);
    if (added > 0 && !known) {
        struct gazetteer_candidate container = answer->candidates[answer->count - 1];
        memmove(answer->candidates + 1, answer->candidates, (size_t)(answer->count - 1) * sizeof container);
        answer->candidates[0] = container;
    }
    return 0;
}

static int answer_city(struct search *search, int room, struct gazetteer_answer *answer,
                       struct error *error) {
    if (collect_hits(search, error)) return -1;
    drop_other_countries(search);
    if (search->hits.count > 0 && !found_in_country(search, false))
        return answer_conflict(search, room, answer, error);
    if (search->hits.count > 0) {
        answer->outcome = LOOKUP_FOUND;
        return rank_hits(search, room, answer, error);
    }
    int added = add_container(search, answer, error);
    if (added > 0) answer->outcome = LOOKUP_CONTAINER;
    return added < 0 ? -1 : 0;
}

// No city: the region or the country itself is what is asked for.
static int answer_area(struct search *search, struct gazetteer_answer *answer, struct error *error) {
    int added = add_container(search, answer, error);
    if (added <= 0) return added;
    struct gazetteer_candidate *candidate = &answer->candidates[0];
    const char *text = candidate->place.kind == PLACE_COUNTRY ? search->query->country : search->region;
    candidate->match = text && !strcmp(text, candidate->place.name) ? MATCH_EXACT : MATCH_ALTERNATE;
    candidate->score = candidate->match == MATCH_EXACT ? 1 : 0.97;
    answer->outcome = LOOKUP_FOUND;
    return 0;
}

int gazetteer_lookup(struct gazetteer *gazetteer, const struct gazetteer_query *query,
                     struct gazetteer_answer *answer, struct error *error) {
    memset(answer, 0, sizeof *answer);
    if (query->limit < 0 || query->limit > GAZETTEER_CANDIDATES)
        return error_set(error, ERROR_USAGE, "gazetteer: limit %d is outside 0 to %d", query->limit,
                         GAZETTEER_CANDIDATES);
    struct search *search = memory_new(1, sizeof *search, "gazetteer", error);
    if (!search) return -1;
    search->gazetteer = gazetteer;
    search->query = query;
    int room = query->limit ? query->limit : GAZETTEER_CANDIDATES;
    int result = read_query(search, error);
    if (!result) {
        memcpy(answer->country_code, search->country.code, sizeof answer->country_code);
        result = search->part_count ? answer_city(search, room, answer, error)
                                    : answer_area(search, answer, error);
    }
    free(search->hits.items);
    free(search);
    return result;
}
