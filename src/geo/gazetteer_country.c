// Countries by any name, and which of them go together.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "geo/gazetteer_internal.h"

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
    if (!best) return true;
    if (hit->kind != best->kind) return hit->kind > best->kind; // a country before a region
    if (hit->edits != best->edits) return hit->edits < best->edits;
    return hit->population != best->population ? hit->population > best->population : hit->id < best->id;
}

// The most populous country of the hits, else the most populous region.
static bool take_reading(const struct hits *hits, enum place_kind least, struct country_reading *reading) {
    const struct hit *best = NULL;
    for (size_t i = 0; i < hits->count; i++)
        if (hits->items[i].kind >= least && is_better(&hits->items[i], best)) best = &hits->items[i];
    if (!best) return false;
    memcpy(reading->code, best->country, sizeof reading->code);
    reading->region = best->kind == PLACE_REGION ? best->id : 0;
    return true;
}

static int collect_similar(struct gazetteer *gazetteer, const char *key, struct hits *hits,
                           struct error *error) {
    struct similar similar[SIMILAR_KEYS];
    int count;
    if (gazetteer_similar(gazetteer, key, similar, &count, error)) return -1;
    for (int i = 0; i < count; i++)
        if (gazetteer_collect(gazetteer, similar[i].key, MATCH_FUZZY, similar[i].edits, hits, error))
            return -1;
    return 0;
}

static int read_key(struct gazetteer *gazetteer, const char *key, struct hits *hits,
                    struct country_reading *reading, struct error *error) {
    char variants[PLACE_KEY_VARIANTS][PLACE_KEY_SIZE];
    if (gazetteer_collect(gazetteer, key, MATCH_EXACT, 0, hits, error)) return -1;
    if (take_reading(hits, PLACE_REGION, reading)) return 0;
    int count = place_key_variants(key, variants);
    for (int i = 0; i < count; i++) {
        if (gazetteer_collect(gazetteer, variants[i], MATCH_SIMPLIFIED, 0, hits, error)) return -1;
        if (take_reading(hits, PLACE_REGION, reading)) return 0;
    }
    if (collect_similar(gazetteer, key, hits, error)) return -1;
    take_reading(hits, PLACE_COUNTRY, reading); // a misspelt region is too little to tell a country
    return 0;
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
    int result = read_key(gazetteer, key, &hits, reading, error);
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
