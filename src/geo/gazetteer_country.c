// Countries by any name, and which of them go together.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "geo/gazetteer_internal.h"
#include "geo/place_hedge.h"

// Codes that ISO 3166-1 gives to parts or dependencies of a state, and territories that people count to two
// states: an answer "Hong Kong, China" or "Nicosia, Turkey" is no contradiction.
static const char *const related[] = {
    "CN HK MO TW",
    "US PR GU VI AS MP UM",
    "GB GI IM JE GG BM KY VG TC AI MS FK SH IO GS PN",
    "FR RE GP MQ GF YT PF NC PM BL MF WF TF",
    "NL AW CW SX BQ",
    "DK GL FO",
    "NO SJ BV",
    "FI AX",
    "AU NF CX CC HM",
    "NZ CK NU TK",
    "IL PS",
    "RS XK",
    "MA EH",
};

bool gazetteer_is_part_of(const char *part, const char *whole) {
    for (size_t i = 0; i < sizeof related / sizeof *related; i++)
        if (!strncmp(related[i], whole, 2) && strstr(related[i], part)) return true;
    return false;
}

bool gazetteer_same_country(const char *a, const char *b) {
    if (strlen(a) != 2 || strlen(b) != 2) return false;
    return !strcmp(a, b) || gazetteer_is_part_of(a, b) || gazetteer_is_part_of(b, a);
}

static bool is_code(const char *text) {
    return isupper((unsigned char)text[0]) && isupper((unsigned char)text[1]) && !text[2];
}

static bool is_better(const struct hit *hit, const struct hit *best) {
    // A country first, then what is none, then what lies in several, which tells no single one.
    static const int order[PLACE_KINDS] = {[PLACE_COUNTRY] = 4, [PLACE_MACRO] = 3, [PLACE_REGION] = 1};
    if (!best) return true;
    int mine = hit->kind == PLACE_AREA ? (hit->country[0] ? 0 : 2) : order[hit->kind];
    int other = best->kind == PLACE_AREA ? (best->country[0] ? 0 : 2) : order[best->kind];
    if (mine != other) return mine > other;
    if (hit->edits != best->edits) return hit->edits < best->edits;
    return hit->population != best->population ? hit->population > best->population : hit->id < best->id;
}

static bool tells_country(enum place_kind kind) {
    return kind == PLACE_COUNTRY || kind == PLACE_REGION || kind == PLACE_AREA || kind == PLACE_MACRO;
}

// The most populous country of the hits, else a macro-region, area or region. 1 when there is one, -1 on
// error.
static int take_reading(struct gazetteer *gazetteer, const struct hits *hits, struct country_reading *reading,
                        struct error *error) {
    const struct hit *best = NULL;
    for (size_t i = 0; i < hits->count; i++)
        if (tells_country(hits->items[i].kind) && is_better(&hits->items[i], best)) best = &hits->items[i];
    if (!best) return 0;
    memcpy(reading->code, best->country, sizeof reading->code);
    reading->edits = best->edits;
    if (best->kind == PLACE_REGION) reading->region = best->id;
    if (best->kind != PLACE_AREA && best->kind != PLACE_MACRO) return 1;
    struct gazetteer_place place;
    int found = gazetteer_find_id(gazetteer, best->id, &place, error);
    if (found <= 0) return found;
    reading->area = best->id;
    reading->at = place.at;
    reading->km = place.radius_km;
    return 1;
}

// A misspelt country: very close, with its first letter, only one country so close, and no name of anything
// else that people know. A misspelt region is too little to tell a country.
static int read_similar(struct gazetteer *gazetteer, const char *key, const struct hits *exact,
                        struct country_reading *reading, struct error *error) {
    struct similar similar[SIMILAR_KEYS];
    struct hits hits = {0};
    int count, result = 0;
    for (size_t i = 0; i < exact->count; i++)
        if (exact->items[i].kind != PLACE_CITY || exact->items[i].population >= WELL_KNOWN) return 0;
    if (gazetteer_similar(gazetteer, key, similar, &count, error)) return -1;
    for (int i = 0; i < count && !result; i++) {
        if (similar[i].key[0] != key[0] || (similar[i].edits > 1 && strlen(key) < 10)) continue;
        result = gazetteer_collect(gazetteer, similar[i].key, MATCH_FUZZY, similar[i].edits, &hits, error);
    }
    const struct hit *best = NULL;
    bool several = false;
    for (size_t i = 0; i < hits.count && !result; i++) {
        const struct hit *hit = &hits.items[i];
        if (hit->kind != PLACE_COUNTRY || (best && hit->edits > best->edits)) continue;
        several =
            best && best->edits == hit->edits ? several || strcmp(best->country, hit->country) != 0 : false;
        best = hit;
    }
    if (best && !several) {
        memcpy(reading->code, best->country, sizeof reading->code);
        reading->edits = best->edits;
    }
    free(hits.items);
    return result;
}

static int read_exactly(struct gazetteer *gazetteer, const char *key, struct hits *hits,
                        struct country_reading *reading, struct error *error) {
    char variants[PLACE_KEY_VARIANTS][PLACE_KEY_SIZE];
    if (gazetteer_collect(gazetteer, key, MATCH_EXACT, 0, hits, error)) return -1;
    int found = take_reading(gazetteer, hits, reading, error);
    int count = found ? 0 : place_key_variants(key, variants);
    for (int i = 0; i < count && !found; i++) {
        struct hits more = {0};
        found = gazetteer_collect(gazetteer, variants[i], MATCH_SIMPLIFIED, 0, &more, error)
                    ? -1
                    : take_reading(gazetteer, &more, reading, error);
        free(more.items);
    }
    return found;
}

// "Iran, Islamic Republic of"
static int read_turned(struct gazetteer *gazetteer, const char *text, struct country_reading *reading,
                       struct error *error) {
    const char *comma = strchr(text, ',');
    char turned[PLACE_NAME_LIMIT + 2], key[PLACE_KEY_SIZE];
    size_t length = strlen(text);
    if (!comma || strchr(comma + 1, ',') || length >= PLACE_NAME_LIMIT) return 0;
    snprintf(turned, sizeof turned, "%s %.*s", comma + 1, (int)(comma - text), text);
    if (place_key(turned, strlen(turned), false, key, error)) return -1;
    struct hits hits = {0};
    int found = read_exactly(gazetteer, key, &hits, reading, error);
    free(hits.items);
    return found;
}

// "possibly Japan", "Japan or South Korea": the first that is known.
static int read_hedged(struct gazetteer *gazetteer, const char *text, struct country_reading *reading,
                       struct error *error) {
    struct place_hedge hedge;
    char key[PLACE_KEY_SIZE];
    int found = 0;
    place_hedge_read(text, &hedge);
    for (int i = 0; i < hedge.count && hedge.hedged && !found; i++) {
        struct hits hits = {0};
        if (place_key(hedge.names[i], strlen(hedge.names[i]), false, key, error)) return -1;
        found = key[0] ? read_exactly(gazetteer, key, &hits, reading, error) : 0;
        free(hits.items);
    }
    if (found > 0) reading->hedged = true;
    return found;
}

int gazetteer_read_country(struct gazetteer *gazetteer, const char *text, struct country_reading *reading,
                           struct error *error) {
    *reading = (struct country_reading){0};
    char key[PLACE_KEY_SIZE];
    if (!text || !*text) return 0;
    if (place_key(text, strlen(text), false, key, error)) return -1;
    if (!key[0]) return 0;
    if (is_code(text) && gazetteer_find_country(gazetteer, text)) {
        memcpy(reading->code, text, 3);
        return 0;
    }
    struct hits hits = {0};
    int found = read_exactly(gazetteer, key, &hits, reading, error);
    if (!found) found = read_turned(gazetteer, text, reading, error);
    if (!found) found = read_hedged(gazetteer, text, reading, error);
    int result = found < 0 ? -1 : found > 0 ? 0 : read_similar(gazetteer, key, &hits, reading, error);
    free(hits.items);
    return result;
}

int gazetteer_is_region(struct gazetteer *gazetteer, const char *text, bool *is_region, struct error *error) {
    char key[PLACE_KEY_SIZE];
    struct hits hits = {0};
    *is_region = false;
    if (place_key(text, strlen(text), false, key, error)) return -1;
    int result = gazetteer_collect(gazetteer, key, MATCH_EXACT, 0, &hits, error);
    for (size_t i = 0; i < hits.count; i++) *is_region = *is_region || hits.items[i].kind == PLACE_REGION;
    free(hits.items);
    return result;
}

int gazetteer_country_code(struct gazetteer *gazetteer, const char *text, char code[3], struct error *error) {
    struct country_reading reading;
    int result = gazetteer_read_country(gazetteer, text, &reading, error);
    memcpy(code, reading.code, 3);
    return result;
}
