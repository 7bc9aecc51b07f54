// Free text: which of its parts is the city, which the region, which the country.
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "geo/gazetteer_internal.h"

#define PIECES 8

struct pieces {
    char text[PLACE_NAME_LIMIT + 1];
    char *items[PIECES]; // between the commas, without surrounding spaces; empty ones left out
    int count;
};

static char *trim(char *text) {
    text += strspn(text, " \t\r\n");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1])) text[--length] = 0;
    return text;
}

// A comma of the other scripts becomes ours.
static void copy_commas(char *out, const char *text) {
    static const char *const commas[] = {"\uFF0C", "\u3001", "\u060C", ";", "\n"};
    while (*text) {
        size_t step = 0;
        for (size_t i = 0; i < sizeof commas / sizeof *commas && !step; i++)
            if (!strncmp(text, commas[i], strlen(commas[i]))) step = strlen(commas[i]);
        *out++ = step ? ',' : *text;
        text += step ? step : 1;
    }
    *out = 0;
}

static void split(struct pieces *pieces, const char *text) {
    copy_commas(pieces->text, text);
    char *rest = pieces->text, *piece;
    while ((piece = strsep(&rest, ",")) && pieces->count < PIECES) {
        piece = trim(piece);
        if (*piece) pieces->items[pieces->count++] = piece;
    }
}

static bool is_good(const struct gazetteer_answer *answer) {
    return answer->outcome == LOOKUP_FOUND && answer->candidates[0].region_agrees &&
           answer->candidates[0].match <= MATCH_SIMPLIFIED;
}

// "Kyoto Japan": the last one to three words are a country, the ones before them a city.
static int look_up_words(struct gazetteer *gazetteer, const char *text, struct gazetteer_answer *answer,
                         struct error *error) {
    char city[PLACE_NAME_LIMIT + 1];
    size_t length = strlen(text);
    memcpy(city, text, length + 1);
    for (int words = 0; words < 3; words++) {
        char *space = strrchr(city, ' ');
        if (!space || space == city) return 0;
        *space = 0;
        struct country_reading reading;
        const char *country = text + (space - city) + 1;
        if (gazetteer_read_country(gazetteer, country, &reading, error)) return -1;
        if (!reading.code[0]) continue;
        struct gazetteer_answer *other = memory_new(1, sizeof *other, "gazetteer", error);
        if (!other) return -1;
        struct gazetteer_query query = {.city = city, .country = country};
        int result = gazetteer_lookup(gazetteer, &query, other, error);
        if (!result && is_good(other)) *answer = *other;
        free(other);
        if (result || is_good(answer)) return result;
    }
    return 0;
}

// The country among the candidates comes first; the others stay, so that Georgia remains two places.
static void put_country_first(const struct gazetteer *gazetteer, const struct country_reading *reading,
                              struct gazetteer_answer *answer) {
    const struct country_row *country = gazetteer_find_country(gazetteer, reading->code);
    for (int i = 0; i < answer->count && country && !reading->region; i++) {
        if (answer->candidates[i].place.id != country->id) continue;
        struct gazetteer_candidate candidate = answer->candidates[i];
        candidate.score = candidate.match == MATCH_EXACT ? 1 : 0.97;
        memmove(answer->candidates + 1, answer->candidates, (size_t)i * sizeof candidate);
        answer->candidates[0] = candidate;
    }
}

// A single name: a country's, if it is one; "Singapore" is both, and the same.
static int look_up_single(struct gazetteer *gazetteer, const char *text, struct gazetteer_answer *answer,
                          struct error *error) {
    struct gazetteer_query as_country = {.country = text}, as_city = {.city = text};
    struct country_reading reading;
    if (gazetteer_read_country(gazetteer, text, &reading, error)) return -1;
    if (gazetteer_lookup(gazetteer, &as_city, answer, error)) return -1;
    if (is_good(answer)) {
        put_country_first(gazetteer, &reading, answer);
        return 0;
    }
    struct gazetteer_answer *before = memory_new(1, sizeof *before, "gazetteer", error);
    if (!before) return -1;
    *before = *answer;
    int result = look_up_words(gazetteer, text, answer, error);
    if (!result && !is_good(answer)) *answer = *before;
    free(before);
    if (!result && answer->outcome == LOOKUP_NOT_FOUND && reading.code[0])
        return gazetteer_lookup(gazetteer, &as_country, answer, error);
    return result;
}

// The pieces [first, last) with commas between.
static void join(const struct pieces *pieces, int first, int last, char city[PLACE_NAME_LIMIT + 1]) {
    size_t length = 0;
    for (int i = first; i < last; i++) {
        size_t size = strlen(pieces->items[i]);
        if (length) city[length++] = ',';
        memcpy(city + length, pieces->items[i], size);
        length += size;
    }
    city[length] = 0;
}

// City first, or the country first when only that can be read so; without a country "thing, city".
static int look_up_pieces(struct gazetteer *gazetteer, const struct pieces *pieces,
                          struct gazetteer_answer *answer, struct error *error) {
    int last = pieces->count - 1;
    char city[PLACE_NAME_LIMIT + 1];
    struct country_reading first_reading, last_reading;
    if (gazetteer_read_country(gazetteer, pieces->items[last], &last_reading, error) ||
        gazetteer_read_country(gazetteer, pieces->items[0], &first_reading, error))
        return -1;
    bool last_known = last_reading.code[0] || last_reading.area, first_known = first_reading.code[0];
    struct gazetteer_query query = {.city = city, .country = pieces->items[last]};
    if (last_known) {
        join(pieces, 0, last, city);
    } else if (first_known && !first_reading.edits) {
        query.city = pieces->items[last];
        query.country = pieces->items[0];
        query.region = pieces->count > 2 ? pieces->items[1] : NULL;
    } else {
        join(pieces, 0, pieces->count, city);
        query.country = NULL;
    }
    if (gazetteer_lookup(gazetteer, &query, answer, error)) return -1;
    if (is_good(answer) || !query.country) return 0;
    // "Atlanta, Georgia": the last piece is a region, perhaps with a country's name.
    bool is_region;
    if (gazetteer_is_region(gazetteer, pieces->items[last], &is_region, error)) return -1;
    if (!is_region) return 0;
    join(pieces, 0, last, city);
    struct gazetteer_query by_region = {.city = city, .region = pieces->items[last]};
    struct gazetteer_answer *other = memory_new(1, sizeof *other, "gazetteer", error);
    if (!other) return -1;
    int result = gazetteer_lookup(gazetteer, &by_region, other, error);
    if (!result && is_good(other)) *answer = *other;
    free(other);
    return result;
}

int gazetteer_lookup_text(struct gazetteer *gazetteer, const char *text, struct gazetteer_answer *answer,
                          struct error *error) {
    struct pieces pieces = {0};
    memset(answer, 0, sizeof *answer);
    if (strlen(text) > PLACE_NAME_LIMIT)
        return error_set(error, ERROR_LIMIT, "place text: %zu bytes, more than the %d that are looked up",
                         strlen(text), PLACE_NAME_LIMIT);
    split(&pieces, text);
    if (pieces.count == 0) return 0;
    if (pieces.count == 1) return look_up_single(gazetteer, pieces.items[0], answer, error);
    return look_up_pieces(gazetteer, &pieces, answer, error);
}
