// Misspelt names: the keys that share most trigrams with the query, then those few edits away.
#include <stdlib.h>
#include <string.h>

#include "geo/gazetteer_internal.h"

#define COMPARED 128 // keys whose edits are counted at most, those with most shared trigrams first

// One edit from five letters on, two from eight: below, too many names are real neighbours of each other.
static int allowed_edits(size_t length) {
    return length < 5 ? 0 : length < 8 ? 1 : 2;
}

// Counts a shared trigram for every spelling in the list; remembers those counted for the first time.
static size_t count_list(struct gazetteer *gazetteer, const unsigned char *at, int bytes, size_t touched) {
    uint32_t id = 0;
    const unsigned char *end = at + (bytes > 0 ? bytes : 0);
    while (at < end) {
        uint32_t difference = 0;
        int shift = 0;
        while (at < end && (*at & 128) && shift < 28)
            difference |= (uint32_t)(*at++ & 127) << shift, shift += 7;
        if (at < end) difference |= (uint32_t)(*at++ & 127) << shift;
        id += difference;
        if (id == 0 || id > gazetteer->spelling_count) break; // damaged: no such spelling
        if (gazetteer->shared[id] == 255) continue;
        if (gazetteer->shared[id]++ == 0) gazetteer->touched[touched++] = id;
    }
    return touched;
}

static int count_shared(struct gazetteer *gazetteer, const char *key, size_t length, int edits,
                        size_t *touched, struct error *error) {
    uint32_t grams[SPELLING_LONGEST];
    int count = key_grams(key, length, grams);
    sqlite3_stmt *statement = gazetteer->statements[GET_GRAM];
    for (int i = 0; i < count; i++) {
        for (size_t other = length - (size_t)edits; other <= length + (size_t)edits; other++) {
            if (other > SPELLING_LONGEST) break;
            sqlite3_bind_int64(statement, 1, grams[i] | (uint32_t)other);
            int step = sqlite3_step(statement);
            if (step == SQLITE_ROW)
                *touched = count_list(gazetteer, sqlite3_column_blob(statement, 0),
                                      sqlite3_column_bytes(statement, 0), *touched);
            sqlite3_reset(statement);
            if (step != SQLITE_ROW && step != SQLITE_DONE) return gazetteer_failed(gazetteer, error);
        }
    }
    return 0;
}

// The spellings with most shared trigrams, most first; clears the counts. An edit takes at most three
// trigrams away, a swap of neighbours four.
static int take_best(struct gazetteer *gazetteer, size_t touched, int grams, int edits,
                     uint32_t best[COMPARED]) {
    int by_count[256] = {0}, taken = 0, needed = grams - 4 * edits, least = 255, room = COMPARED;
    for (size_t i = 0; i < touched; i++) by_count[gazetteer->shared[gazetteer->touched[i]]]++;
    while (least > 1 && least > needed && room > by_count[least]) room -= by_count[least--];
    for (size_t i = 0; i < touched; i++) {
        uint32_t id = gazetteer->touched[i];
        int shared = gazetteer->shared[id];
        gazetteer->shared[id] = 0;
        if (shared > least || (shared == least && room-- > 0)) best[taken++] = id;
    }
    return taken;
}

// Keeps the keys with fewest edits, in the order of (edits, spelling id).
static void keep(struct similar similar[SIMILAR_KEYS], int *count, const char *key, size_t length,
                 int edits) {
    int at = *count;
    while (at > 0 && similar[at - 1].edits > edits) at--;
    if (at == SIMILAR_KEYS) return;
    if (*count < SIMILAR_KEYS) ++*count;
    memmove(&similar[at + 1], &similar[at], (size_t)(*count - at - 1) * sizeof *similar);
    memcpy(similar[at].key, key, length + 1);
    similar[at].edits = edits;
}

static int compare_keys(struct gazetteer *gazetteer, const char *key, size_t length, int edits,
                        const uint32_t *ids, int id_count, struct similar similar[SIMILAR_KEYS], int *count,
                        struct error *error) {
    sqlite3_stmt *statement = gazetteer->statements[GET_SPELLING];
    for (int i = 0; i < id_count; i++) {
        sqlite3_bind_int64(statement, 1, ids[i]);
        int step = sqlite3_step(statement), found = edits + 1;
        const char *other = step == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        size_t other_length = other ? strlen(other) : 0;
        if (other && other_length <= SPELLING_LONGEST)
            found = place_key_edits(key, length, other, other_length, edits);
        // Names seldom begin wrongly.
        bool same_start = found <= edits && (key[0] == other[0] || (found == 1 && length >= 6));
        if (same_start && found > 0) keep(similar, count, other, other_length, found);
        sqlite3_reset(statement);
        if (step != SQLITE_ROW && step != SQLITE_DONE) return gazetteer_failed(gazetteer, error);
    }
    return 0;
}

int gazetteer_similar(struct gazetteer *gazetteer, const char *key, struct similar similar[SIMILAR_KEYS],
                      int *count, struct error *error) {
    size_t length = strlen(key), touched = 0;
    int edits = allowed_edits(length);
    *count = 0;
    if (edits == 0 || length > SPELLING_LONGEST) return 0;
    for (const char *c = key; *c; c++)
        if ((unsigned char)*c >= 128 || (*c >= '0' && *c <= '9')) return 0;
    uint32_t grams[SPELLING_LONGEST], best[COMPARED];
    int failed = count_shared(gazetteer, key, length, edits, &touched, error);
    int taken = take_best(gazetteer, touched, key_grams(key, length, grams), edits, best);
    if (failed) return -1;
    return compare_keys(gazetteer, key, length, edits, best, taken, similar, count, error);
}
