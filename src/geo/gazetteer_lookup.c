// City, region and country to ranked candidates. docs/gazetteer.md tells the rules in the same order.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "geo/gazetteer_internal.h"
#include "geo/place_hedge.h"

#define PARTS 6
#define PIECES 6
#define REGIONS 16
#define POINTS 4
#define NEAR_KM 30.0 // a quarter lies so far from the middle of its city

// Where a place is to be sought: what was named after it ("Soho, London").
struct context {
    int64_t regions[REGIONS];
    int region_count;
    struct {
        int64_t id;
        struct point at;
        double km;
    } points[POINTS]; // cities and areas of the name, most populous first
    int point_count;
};

struct search {
    struct gazetteer *gazetteer;
    const struct gazetteer_query *query;
    char pieces[PIECES][PLACE_NAME_LIMIT + 1]; // the city text between its commas
    int piece_count;
    struct context contexts[PIECES + 1]; // of each piece: what its followers and the region say
    const struct context *context;       // of the piece that is looked for
    char parts[PARTS][PLACE_KEY_SIZE];   // keys of this piece and of its parts ("Mumbai (Bombay)")
    int part_count;
    struct country_reading country;
    bool country_given;
    bool city_known; // among the hits is a city that goes before regions of its name
    struct hits hits;
};

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

// The whole text, then what stands before, between and after brackets, slashes and semicolons. "Unknown
// (rural)" has none.
static int split_parts(struct search *search, const char *piece, struct error *error) {
    const char *const marks = "()[]/|;";
    char first[PLACE_NAME_LIMIT + 1];
    size_t before = strcspn(piece, marks);
    search->part_count = 0;
    if (piece[before] && before > 0) {
        memcpy(first, piece, before);
        first[before] = 0;
        if (place_is_unknown(first)) return 0;
    }
    if (add_part(search, piece, strlen(piece), error)) return -1;
    for (const char *at = piece; piece[before] && *at;) {
        size_t length = strcspn(at, marks);
        if (add_part(search, at, length, error)) return -1;
        at += length;
        if (*at) at++;
    }
    return 0;
}

// The bytes of a comma of any script at `text`, 0 without one.
static size_t comma_length(const char *text) {
    static const char *const commas[] = {",", "\uFF0C", "\u3001", "\u060C"};
    for (size_t i = 0; i < sizeof commas / sizeof *commas; i++)
        if (!strncmp(text, commas[i], strlen(commas[i]))) return strlen(commas[i]);
    return 0;
}

static void add_piece(struct search *search, const char *start, size_t length) {
    while (length > 0 && strchr(" \t\r\n", *start)) start++, length--;
    while (length > 0 && strchr(" \t\r\n", start[length - 1])) length--;
    if (length == 0 || search->piece_count == PIECES) return;
    memcpy(search->pieces[search->piece_count++], start, length); // zeroed before
}

static int split_city(struct search *search, const char *city, struct error *error) {
    char key[PLACE_KEY_SIZE];
    size_t length = strlen(city);
    if (length > PLACE_NAME_LIMIT) return place_key(city, length, false, key, error); // says so
    const char *start = city, *at = city;
    while (*at) {
        size_t comma = comma_length(at);
        if (comma) add_piece(search, start, (size_t)(at - start));
        at += comma ? comma : 1;
        if (comma) start = at;
    }
    add_piece(search, start, (size_t)(at - start));
    return 0;
}

// --- what agrees ---

static bool country_agrees(const struct search *search, const struct hit *hit) {
    if (!search->country_given || hit->claimed) return true;
    if (search->country.code[0])
        return !strcmp(search->country.code, hit->country) ||
               gazetteer_same_country(search->country.code, hit->country);
    if (!search->country.area) return false; // named, but not understood
    return hit->id == search->country.area ||
           sphere_distance(hit->at, search->country.at) <= search->country.km * 1.2 + NEAR_KM;
}

static bool agrees_with(const struct context *context, const struct hit *hit) {
    if (context->region_count == 0 && context->point_count == 0) return true;
    for (int i = 0; i < context->region_count; i++)
        if (context->regions[i] == hit->region || context->regions[i] == hit->id) return true;
    for (int i = 0; i < context->point_count; i++)
        if (context->points[i].id == hit->id ||
            sphere_distance(context->points[i].at, hit->at) <= context->points[i].km + NEAR_KM)
            return true;
    // What is not known to lie in any region contradicts none ("Cornwall, England").
    return context->point_count == 0 && !hit->region &&
           (hit->kind == PLACE_AREA || hit->kind == PLACE_LANDMARK || place_kind_is_point(hit->kind));
}

static bool region_agrees(const struct search *search, const struct hit *hit) {
    return agrees_with(search->context, hit);
}

static bool found_in_country(const struct search *search, bool in_region) {
    for (size_t i = 0; i < search->hits.count; i++) {
        const struct hit *hit = &search->hits.items[i];
        if (country_agrees(search, hit) && (!in_region || region_agrees(search, hit))) return true;
    }
    return false;
}

// --- what stands after the name ---

static bool is_in(const struct context *context, int64_t region) {
    for (int i = 0; i < context->region_count; i++)
        if (context->regions[i] == region) return true;
    return false;
}

static void add_point(struct context *context, const struct hit *hit, double km) {
    if (context->point_count == POINTS) return;
    context->points[context->point_count].id = hit->id;
    context->points[context->point_count].at = hit->at;
    context->points[context->point_count++].km = km;
}

static int compare_people(const void *left, const void *right) {
    const struct hit *a = left, *b = right;
    if ((a->kind == PLACE_AREA) != (b->kind == PLACE_AREA)) return a->kind == PLACE_AREA ? -1 : 1;
    if (a->population != b->population) return a->population > b->population ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

// Regions of the name, and cities or areas: those that lie where the outer context says. Beside a region only
// its own capital or a well-known city is meant (New York; not Illinois, a village).
static int add_hits(struct search *search, struct hits *hits, const struct context *outer,
                    struct context *context, struct error *error) {
    for (size_t i = 0; i < hits->count && context->region_count < REGIONS; i++)
        if (hits->items[i].kind == PLACE_REGION && country_agrees(search, &hits->items[i]))
            context->regions[context->region_count++] = hits->items[i].id;
    if (hits->count > 0) qsort(hits->items, hits->count, sizeof *hits->items, compare_people);
    for (size_t i = 0; i < hits->count; i++) {
        const struct hit *hit = &hits->items[i];
        if (hit->kind == PLACE_REGION || hit->kind == PLACE_COUNTRY || hit->kind == PLACE_MACRO) continue;
        if (!country_agrees(search, hit) || !agrees_with(outer, hit)) continue;
        bool meant = context->region_count == 0 || hit->kind == PLACE_AREA || hit->population >= WELL_KNOWN ||
                     is_in(context, hit->region);
        double km = built_up_radius(hit->population);
        struct gazetteer_place place;
        if (hit->kind == PLACE_AREA && gazetteer_find_id(search->gazetteer, hit->id, &place, error) < 0)
            return -1;
        if (hit->kind == PLACE_AREA) km = place.radius_km;
        if (meant) add_point(context, hit, km);
    }
    return 0;
}

static int read_context(struct search *search, const char *text, const struct context *outer,
                        struct context *context, struct error *error) {
    char key[PLACE_KEY_SIZE], variants[PLACE_KEY_VARIANTS][PLACE_KEY_SIZE];
    struct hits hits = {0};
    *context = *outer;
    if (!text) return 0;
    *context = (struct context){0};
    if (place_key(text, strlen(text), false, key, error)) return -1;
    int result = key[0] ? gazetteer_collect(search->gazetteer, key, MATCH_EXACT, 0, &hits, error) : 0;
    if (!result) result = add_hits(search, &hits, outer, context, error);
    int count =
        result || context->region_count + context->point_count > 0 ? 0 : place_key_variants(key, variants);
    for (int i = 0; i < count && !result; i++)
        result = gazetteer_collect(search->gazetteer, variants[i], MATCH_SIMPLIFIED, 0, &hits, error);
    if (!result && count > 0) result = add_hits(search, &hits, outer, context, error);
    if (context->region_count + context->point_count == 0) *context = *outer; // not understood
    free(hits.items);
    return result;
}

// A piece that says the country once more is no place in it; without a country the last one may be it.
static int drop_country(struct search *search, struct error *error) {
    struct country_reading reading;
    bool is_region;
    for (int i = search->piece_count - 1; i > 0; i--) {
        if (gazetteer_read_country(search->gazetteer, search->pieces[i], &reading, error)) return -1;
        if (!reading.code[0] || reading.region || reading.area || reading.edits) return 0;
        if (gazetteer_is_region(search->gazetteer, search->pieces[i], &is_region, error)) return -1;
        if (search->country_given ? strcmp(reading.code, search->country.code) != 0 : is_region) return 0;
        search->country = reading;
        search->country_given = true;
        search->piece_count--;
    }
    return 0;
}

// A country text such as "Bali, Indonesia": its last piece is the country, the others go with the city.
static int read_country_pieces(struct search *search, struct error *error) {
    const char *text = search->query->country;
    if (!text) return 0;
    const char *comma = strrchr(text, ',');
    if (gazetteer_read_country(search->gazetteer, text, &search->country, error)) return -1;
    bool sure = (search->country.code[0] || search->country.area) && !search->country.edits;
    if (sure || !comma || comma == text) return 0;
    struct country_reading reading;
    if (gazetteer_read_country(search->gazetteer, comma + 1 + strspn(comma + 1, " "), &reading, error))
        return -1;
    if (!reading.code[0] && !reading.area) return 0;
    search->country = reading;
    add_piece(search, text, (size_t)(comma - text));
    return 0;
}

static int read_query(struct search *search, struct error *error) {
    const struct gazetteer_query *query = search->query;
    static const struct context none = {0};
    if (!place_is_unknown(query->city) && split_city(search, query->city, error)) return -1;
    // "NA" is Namibia.
    bool is_code = query->country && gazetteer_find_country(search->gazetteer, query->country);
    search->country_given = is_code || !place_is_unknown(query->country);
    if (search->country_given && read_country_pieces(search, error)) return -1;
    if (drop_country(search, error)) return -1;
    if (query->region && strlen(query->region) > PLACE_NAME_LIMIT)
        return error_set(error, ERROR_LIMIT, "region name: %zu bytes, more than the %d that are looked up",
                         strlen(query->region), PLACE_NAME_LIMIT);
    struct context *base = &search->contexts[search->piece_count];
    if (search->country.region) base->regions[base->region_count++] = search->country.region;
    if (search->country.area && search->country.code[0]) {
        struct hit area = {.id = search->country.area, .at = search->country.at};
        add_point(base, &area, search->country.km);
    }
    if (!place_is_unknown(query->region)) {
        struct context outer = *base;
        if (read_context(search, query->region, &none, base, error)) return -1;
        if (base->region_count + base->point_count == 0) *base = outer;
    }
    for (int i = search->piece_count - 1; i > 0; i--)
        if (read_context(search, search->pieces[i], &search->contexts[i + 1], &search->contexts[i], error))
            return -1;
    search->context = base;
    return 0;
}

// --- what is found ---

static int collect_exact(struct search *search, struct error *error) {
    for (int i = 0; i < search->part_count; i++)
        if (gazetteer_collect(search->gazetteer, search->parts[i], MATCH_EXACT, 0, &search->hits, error))
            return -1;
    return 0;
}

static int collect_simplified(struct search *search, struct error *error) {
    char variants[PLACE_KEY_VARIANTS + 1][PLACE_KEY_SIZE];
    for (int i = 0; i < search->part_count; i++) {
        int count = place_key_variants(search->parts[i], variants);
        if (place_key_transliterate(search->parts[i], variants[count])) count++;
        for (int v = 0; v < count; v++)
            if (gazetteer_collect(search->gazetteer, variants[v], MATCH_SIMPLIFIED, 0, &search->hits, error))
                return -1;
    }
    return 0;
}

// Whether a similar name is taken seriously, next to the hits [0, exact) that bear the very name but lie
// elsewhere. A guess never overrules a country that was named: it stays within it.
static bool is_plausible(const struct search *search, const struct hit *hit, size_t length, size_t exact) {
    bool known = hit->population >= WELL_KNOWN;
    if (hit->match != MATCH_FUZZY) return true;
    if (hit->kind == PLACE_COUNTRY || hit->kind == PLACE_MACRO) return false;
    if (!country_agrees(search, hit)) return false;
    if (!search->country.code[0] && !known) return false; // anywhere in the world: only well-known cities
    // A territory's misspelt town is not a village of the state it belongs to.
    if (search->country.code[0] && strcmp(search->country.code, hit->country) &&
        gazetteer_is_part_of(search->country.code, hit->country))
        return false;
    // Two edits in a short name need a country, and a city that people would misspell.
    if (hit->edits > 1 && length < 10 && !(known && search->country.code[0])) return false;
    if (search->context->point_count > 0 && search->context->region_count == 0 &&
        (hit->edits > 1 || !region_agrees(search, hit)))
        return false;
    if (exact == 0) return true;
    if (!region_agrees(search, hit)) return false;
    for (size_t i = 0; i < exact && !known; i++)
        if (search->hits.items[i].population >= WELL_KNOWN || search->hits.items[i].kind >= PLACE_AREA)
            return false;
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

// Countries count as an answer to a city question only where they are the country asked about, or none was;
// what lies in several countries is no answer for one.
static void drop_other_countries(struct search *search) {
    size_t kept = 0;
    for (size_t i = 0; i < search->hits.count; i++) {
        const struct hit *hit = &search->hits.items[i];
        bool wide = hit->kind == PLACE_COUNTRY || !hit->country[0];
        if (!wide || country_agrees(search, hit)) search->hits.items[kept++] = *hit;
    }
    search->hits.count = kept;
}

static bool is_claimed(const struct gazetteer *gazetteer, const char *code, struct point at) {
    for (int i = 0; i < gazetteer->claim_count; i++) {
        const struct claim *claim = &gazetteer->claims[i];
        if (strcmp(claim->code, code) || fabs(claim->at.lat - at.lat) * 110 > claim->km) continue;
        if (sphere_distance(claim->at, at) <= claim->km) return true;
    }
    return false;
}

// In a disputed area the country named is taken at its word when it is one that claims the area.
static void take_claims(struct search *search) {
    const char *code = search->country.code;
    if (!code[0]) return;
    for (size_t i = 0; i < search->hits.count; i++)
        if (!strcmp(search->hits.items[i].country, code) && region_agrees(search, &search->hits.items[i]))
            return;
    for (size_t i = 0; i < search->hits.count; i++) {
        struct hit *hit = &search->hits.items[i];
        hit->claimed = hit->match != MATCH_FUZZY && hit->country[0] && strcmp(hit->country, code) &&
                       is_claimed(search->gazetteer, code, hit->at) &&
                       is_claimed(search->gazetteer, hit->country, hit->at);
    }
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

// How much a place of this kind is meant by its name, in people of a city.
static double kind_weight(const struct search *search, const struct hit *hit) {
    double people = (double)hit->population + 200, city = search->city_known ? 0.25 : 1;
    switch (hit->kind) {
    case PLACE_DISTRICT:
        return hit->source == NAME_CURATED || hit->population == 0 ? 20000 : people * 0.3;
    case PLACE_REGION:
        return people * 0.04 * city;
    case PLACE_COUNTRY:
        return people * 0.04;
    case PLACE_AREA: // known the world over, as few cities are; the whole of it goes before its parts
        return hit->country[0] ? 320000 : 400000;
    case PLACE_LANDMARK:
        return 40000;
    case PLACE_MACRO:
        return 500000;
    default:
        return people;
    }
}

// People decide; a region or country is meant by its city's name far less often than its people would say, a
// translation that is some other city's own name likewise.
static double hit_weight(const struct search *search, const struct hit *hit) {
    double weight = kind_weight(search, hit);
    if (hit->source == NAME_ALTERNATE) weight *= 0.3;
    if (hit->match == MATCH_FUZZY) weight *= hit->edits == 1 ? 0.1 : 0.01;
    if (!region_agrees(search, hit)) weight *= 1e-4;
    if (!country_agrees(search, hit)) return weight * 1e-8;
    if (search->country.code[0] && strcmp(search->country.code, hit->country))
        weight *= gazetteer_is_part_of(hit->country, search->country.code) ? 0.5 : 1e-4;
    return weight;
}

// A field for a city means the city: one that is well known, or the capital of the region of its name.
static bool is_city_known(const struct search *search) {
    for (size_t i = 0; i < search->hits.count; i++) {
        const struct hit *city = &search->hits.items[i];
        if (city->kind != PLACE_CITY || city->match > MATCH_ALTERNATE) continue;
        if (!country_agrees(search, city) || !region_agrees(search, city)) continue;
        if (city->population >= WELL_KNOWN) return true;
        for (size_t j = 0; j < search->hits.count && city->region; j++)
            if (search->hits.items[j].id == city->region) return true;
    }
    return false;
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
    if (hit->claimed) {
        const struct country_row *country = gazetteer_find_country(search->gazetteer, search->country.code);
        memcpy(candidate->place.country_code, search->country.code, sizeof search->country.code);
        if (country) memcpy(candidate->place.country, country->name, sizeof country->name);
        candidate->place.disputed = true;
    }
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
    search->city_known = is_city_known(search);
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

static enum lookup_fallback fallback_of(enum place_kind kind) {
    if (place_kind_is_point(kind)) return FALLBACK_CITY;
    return kind == PLACE_COUNTRY ? FALLBACK_COUNTRY : FALLBACK_REGION;
}

// The region or area named, else the country, as a hit; 0 when none is known.
static int find_container(struct search *search, struct hit *hit, struct error *error) {
    struct gazetteer_place place;
    const struct context *base = search->context;
    const struct country_row *country = gazetteer_find_country(search->gazetteer, search->country.code);
    int64_t id = base->region_count > 0  ? base->regions[0]
                 : base->point_count > 0 ? base->points[0].id
                 : search->country.area  ? search->country.area
                 : country               ? country->id
                                         : 0;
    if (id == 0) return 0;
    int found = gazetteer_find_id(search->gazetteer, id, &place, error);
    if (found <= 0) return found;
    *hit = (struct hit){.id = id, .kind = place.kind, .at = place.at, .match = MATCH_CONTAINER};
    hit->region = place.kind == PLACE_REGION ? id : 0;
    memcpy(hit->country, place.country_code, sizeof hit->country);
    return 1;
}

static int add_container(struct search *search, struct gazetteer_answer *answer, struct error *error) {
    struct hit hit;
    int found = find_container(search, &hit, error);
    if (found <= 0) return found;
    int before = answer->count;
    if (add_candidate(search, &hit, match_quality(&hit), answer, error)) return -1;
    return answer->count > before;
}

// The city lies elsewhere: a well-known one of exactly this name, that is what the name means more often than
// not (Toronto; not Springfield), comes before the country or region named, any other after it.
static int answer_conflict(struct search *search, int room, struct gazetteer_answer *answer,
                           struct error *error) {
    if (rank_hits(search, room > 1 ? room - 1 : 1, answer, error)) return -1;
    answer->outcome = LOOKUP_CONFLICT;
    const struct gazetteer_candidate *best = &answer->candidates[0];
    bool known = answer->count > 0 && best->place.population >= WELL_KNOWN &&
                 best->place.kind == PLACE_CITY && best->match <= MATCH_ALTERNATE && best->score >= 0.5;
    if (room == 1 && known) return 0;
    if (room == 1) answer->count = 0;
    int added = add_container(search, answer, error);
    if (added < 0) return -1;
    if (added == 0 && room == 1) return rank_hits(search, room, answer, error);
    if (added > 0 && !known) {
        struct gazetteer_candidate container = answer->candidates[answer->count - 1];
        memmove(answer->candidates + 1, answer->candidates, (size_t)(answer->count - 1) * sizeof container);
        answer->candidates[0] = container;
        answer->fallback = fallback_of(container.place.kind);
    }
    return 0;
}

enum { PIECE_ELSEWHERE = 2 };

// What piece number `index` leads to: 1 when it is a place where country and context say, PIECE_ELSEWHERE when
// only the country is right and another region was named, 0 otherwise.
static int find_piece(struct search *search, int index, struct error *error) {
    search->hits.count = 0;
    search->context = &search->contexts[index + 1];
    if (search->piece_count > 1 && place_is_unknown(search->pieces[index])) return 0;
    if (split_parts(search, search->pieces[index], error) || collect_hits(search, error)) return -1;
    drop_other_countries(search);
    take_claims(search);
    if (!found_in_country(search, false)) return 0;
    if (found_in_country(search, true)) return 1;
    // In the country, but not where it should be: a namesake elsewhere is not the thing in that city. An exact
    // name in another state contradicts the state.
    if (search->context->point_count > 0) return 0;
    for (size_t i = 0; i < search->hits.count; i++)
        if (country_agrees(search, &search->hits.items[i]) && search->hits.items[i].match <= MATCH_ALTERNATE)
            return PIECE_ELSEWHERE;
    return 0;
}

// "Old Mill, Bergen, Norway": the thing itself, else what is named after it, else region or country.
static int answer_city(struct search *search, int room, struct gazetteer_answer *answer,
                       struct error *error) {
    bool elsewhere = false;
    for (int i = 0; i < search->piece_count; i++) {
        int found = find_piece(search, i, error);
        if (found < 0) return -1;
        if (i == 0) elsewhere = search->hits.count > 0 && !found_in_country(search, false);
        if (!found) continue;
        if (found == PIECE_ELSEWHERE) return answer_conflict(search, room, answer, error);
        answer->outcome = i > 0 ? LOOKUP_CONTAINER : LOOKUP_FOUND;
        if (rank_hits(search, room, answer, error)) return -1;
        for (int c = 0; c < answer->count && i > 0; c++) {
            answer->candidates[c].match = MATCH_CONTAINER;
            answer->candidates[c].score *= 0.1;
        }
        if (i > 0) answer->same_name_places = answer->same_name_countries = 0;
        if (i > 0 && answer->count > 0) answer->fallback = fallback_of(answer->candidates[0].place.kind);
        if (answer->count > 0) return 0;
    }
    answer->outcome = LOOKUP_NOT_FOUND;
    if (elsewhere) {
        if (search->piece_count > 1 && find_piece(search, 0, error) < 0) return -1;
        return answer_conflict(search, room, answer, error);
    }
    search->context = &search->contexts[search->piece_count];
    int added = add_container(search, answer, error);
    if (added > 0) {
        answer->outcome = LOOKUP_CONTAINER;
        answer->fallback = fallback_of(answer->candidates[0].place.kind);
    }
    return added < 0 ? -1 : 0;
}

// No city: the region or the country itself is what is asked for.
static int answer_area(struct search *search, struct gazetteer_answer *answer, struct error *error) {
    int added = add_container(search, answer, error);
    if (added <= 0) return added;
    struct gazetteer_candidate *candidate = &answer->candidates[0];
    bool region = !place_is_unknown(search->query->region);
    const char *text = region ? search->query->region : search->query->country;
    candidate->match = text && !strcmp(text, candidate->place.name) ? MATCH_EXACT : MATCH_ALTERNATE;
    candidate->score = candidate->match == MATCH_EXACT ? 1 : 0.97;
    if (!region && search->country.edits) {
        candidate->match = MATCH_FUZZY;
        candidate->edits = search->country.edits;
        candidate->score = 0.75;
    }
    answer->outcome = LOOKUP_FOUND;
    return 0;
}

int gazetteer_look_up(struct gazetteer *gazetteer, const struct gazetteer_query *query,
                      struct gazetteer_answer *answer, struct error *error) {
    memset(answer, 0, sizeof *answer);
    struct search *search = memory_new(1, sizeof *search, "gazetteer", error);
    if (!search) return -1;
    search->gazetteer = gazetteer;
    search->query = query;
    int room = query->limit ? query->limit : GAZETTEER_CANDIDATES;
    int result = read_query(search, error);
    if (!result) {
        memcpy(answer->country_code, search->country.code, sizeof answer->country_code);
        answer->country_fuzzy = search->country.edits > 0;
        answer->hedged = search->country.hedged;
        result = search->piece_count ? answer_city(search, room, answer, error)
                                     : answer_area(search, answer, error);
    }
    free(search->hits.items);
    free(search);
    return result;
}
