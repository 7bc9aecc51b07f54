#include "locate/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"

enum { LONGEST_PATH = 1 << 16, LONGEST_WORD = 32, MOST_PLACES = 4096, MOST_SAMPLES = 1 << 20 };

static const double FARTHEST_KM = 20037.51; // half a great circle, rounded up
static const double LARGEST = 1e12;         // seconds, tokens

// The keys that locate writes or has written, here and in later versions; what is not among them is told.
static const char *const record_keys[] = {"photo",
                                          "photo_bytes",
                                          "outcome",
                                          "error",
                                          "estimated",
                                          "place",
                                          "level",
                                          "withheld",
                                          "most_likely",
                                          "confidence",
                                          "radius_50_km",
                                          "radius_90_km",
                                          "alternatives",
                                          "same_name_countries",
                                          "gps",
                                          "gps_distance_km",
                                          "contradicts_gps",
                                          "flags",
                                          "calibrated",
                                          "levels",
                                          "probability",
                                          "locatability",
                                          "votes",
                                          "declined",
                                          "unread",
                                          "clues",
                                          "reasoning",
                                          "answer",
                                          "evidence",
                                          "samples",
                                          "tokens",
                                          "truncated",
                                          "seconds",
                                          "model",
                                          "precision",
                                          "server_changes",
                                          "provenance",
                                          "evidence_error",
                                          NULL};

// What is being read, for messages.
struct reader {
    const char *name;
    struct error *error;
};

// ---- single values --------------------------------------------------------------------------------------

// The string, or NULL when it is missing, null or not one (then *failed).
static const char *find_text(const struct reader *reader, const json_t *object, const char *key,
                             bool *failed) {
    const char *text = NULL;
    if (json_get_string(object, key, &text, reader->name, reader->error)) {
        *failed = true;
        return NULL;
    }
    if (!text || strlen(text) == json_string_length(json_object_get(object, key))) return text;
    error_set(reader->error, ERROR_INPUT, "%s: \"%s\" holds a NUL character", reader->name, key);
    *failed = true;
    return NULL;
}

static int take_text(const struct reader *reader, const json_t *object, const char *key, char **target) {
    bool failed = false;
    const char *text = find_text(reader, object, key, &failed);
    if (failed) return -1;
    if (!text) return 0;
    *target = memory_copy_string(text, strlen(text), reader->error);
    return *target ? 0 : -1;
}

// A word of ours ("exact", "sign"), which lives in the JSON object: later versions may have others.
static int take_word(const struct reader *reader, const json_t *object, const char *key,
                     const char **target) {
    bool failed = false;
    const char *word = find_text(reader, object, key, &failed);
    if (failed) return -1;
    size_t length = word ? strlen(word) : 0;
    if (length > LONGEST_WORD || (word && strspn(word, "abcdefghijklmnopqrstuvwxyz_") != length))
        return error_set(reader->error, ERROR_INPUT, "%s: \"%s\" is \"%.40s\", expected a word", reader->name,
                         key, word);
    *target = word ? word : "";
    return 0;
}

static int take_number(const struct reader *reader, const json_t *object, const char *key, double most,
                       double *target) {
    *target = -1;
    return json_get_number(object, key, 0, most, target, reader->name, reader->error);
}

static int take_count(const struct reader *reader, const json_t *object, const char *key, int64_t most,
                      size_t *target) {
    int64_t count = 0;
    if (json_get_integer(object, key, 0, most, &count, reader->name, reader->error)) return -1;
    *target = (size_t)count;
    return 0;
}

// NULL with 0 when there is none.
static int find_object(const struct reader *reader, const json_t *object, const char *key,
                       const json_t **found) {
    *found = json_object_get(object, key);
    if (json_is_null(*found)) *found = NULL;
    if (!*found || json_is_object(*found)) return 0;
    return error_set(reader->error, ERROR_INPUT, "%s: \"%s\" is not an object", reader->name, key);
}

// A list of objects.
static int find_list(const struct reader *reader, const json_t *object, const char *key, json_t **list) {
    *list = json_object_get(object, key);
    if (json_is_null(*list)) *list = NULL;
    if (!*list) return 0;
    if (!json_is_array(*list))
        return error_set(reader->error, ERROR_INPUT, "%s: \"%s\" is not a list", reader->name, key);
    if (json_array_size(*list) > MOST_PLACES)
        return error_set(reader->error, ERROR_INPUT, "%s: \"%s\" has %zu entries, expected %d at most",
                         reader->name, key, json_array_size(*list), MOST_PLACES);
    for (size_t i = 0; i < json_array_size(*list); i++)
        if (!json_is_object(json_array_get(*list, i)))
            return error_set(reader->error, ERROR_INPUT, "%s: \"%s\" holds something that is not an object",
                             reader->name, key);
    return 0;
}

// ---- parts ----------------------------------------------------------------------------------------------

static int take_code(const struct reader *reader, const json_t *object, char code[3]) {
    bool failed = false;
    const char *text = find_text(reader, object, "country_code", &failed);
    if (failed) return -1;
    if (!text) return 0;
    if (strlen(text) != 2 || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
        return error_set(reader->error, ERROR_INPUT,
                         "%s: \"country_code\" is \"%.40s\", expected two letters", reader->name, text);
    memcpy(code, text, 3);
    return 0;
}

static int take_position(const struct reader *reader, const json_t *object, bool *known,
                         struct point *position) {
    static const double none = 1000;
    double lat = none, lon = none;
    if (json_get_number(object, "latitude", -90, 90, &lat, reader->name, reader->error) ||
        json_get_number(object, "longitude", -180, 180, &lon, reader->name, reader->error))
        return -1;
    if ((lat == none) != (lon == none))
        return error_set(reader->error, ERROR_INPUT, "%s: one of \"latitude\" and \"longitude\" is missing",
                         reader->name);
    *known = lat != none;
    if (*known) *position = (struct point){lat, lon};
    return 0;
}

static int take_place(const struct reader *reader, const json_t *object, struct verdict_place *place) {
    *place = (struct verdict_place){.match = ""};
    int failed = take_text(reader, object, "country", &place->country) ||
                 take_text(reader, object, "region", &place->region) ||
                 take_text(reader, object, "city", &place->city) ||
                 take_code(reader, object, place->country_code) ||
                 take_position(reader, object, &place->has_position, &place->position) ||
                 take_number(reader, object, "radius_km", FARTHEST_KM, &place->radius_km) ||
                 take_number(reader, object, "share", 1, &place->share) ||
                 take_word(reader, object, "match", &place->match) ||
                 take_word(reader, object, "fallback", &place->fallback) ||
                 json_get_boolean(object, "hedged", &place->hedged, reader->name, reader->error) ||
                 json_get_boolean(object, "disagrees", &place->disagrees, reader->name, reader->error);
    if (!failed && !place->fallback[0]) place->fallback = NULL;
    return failed ? -1 : 0;
}

// The place of a photo that was placed, or what was withheld of one that was not.
static int take_answer(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    const json_t *place, *withheld, *likely;
    if (find_object(reader, object, "place", &place) || find_object(reader, object, "withheld", &withheld) ||
        find_object(reader, object, "most_likely", &likely))
        return -1;
    verdict->place = (struct verdict_place){.radius_km = -1, .share = -1, .match = ""};
    bool placed = verdict->outcome == VERDICT_PLACED;
    if (placed != (place != NULL))
        return error_set(reader->error, ERROR_INPUT, "%s: the outcome is \"%s\", but there is %s \"place\"",
                         reader->name, verdict_outcome_name(verdict->outcome), placed ? "no" : "a");
    if (!place && verdict->outcome == VERDICT_ABSTAINED) place = withheld ? withheld : likely;
    return place ? take_place(reader, place, &verdict->place) : 0;
}

static int take_alternatives(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    json_t *list;
    if (find_list(reader, object, "alternatives", &list)) return -1;
    size_t count = json_array_size(list);
    if (count == 0) return 0;
    verdict->alternatives = memory_new(count, sizeof *verdict->alternatives, "alternatives", reader->error);
    if (!verdict->alternatives) return -1;
    verdict->alternative_count = count;
    for (size_t i = 0; i < count; i++)
        if (take_place(reader, json_array_get(list, i), &verdict->alternatives[i])) return -1;
    return 0;
}

static int take_clues(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    json_t *list;
    if (find_list(reader, object, "clues", &list)) return -1;
    size_t count = json_array_size(list);
    if (count == 0) return 0;
    verdict->clues = memory_new(count, sizeof *verdict->clues, "clues", reader->error);
    if (!verdict->clues) return -1;
    verdict->clue_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *clue = json_array_get(list, i);
        verdict->clues[i].kind = "";
        if (take_word(reader, clue, "kind", &verdict->clues[i].kind) ||
            take_text(reader, clue, "text", &verdict->clues[i].text) ||
            take_text(reader, clue, "evidence", &verdict->clues[i].evidence))
            return -1;
    }
    return 0;
}

static int take_outcome(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    bool failed = false;
    const char *outcome = find_text(reader, object, "outcome", &failed);
    if (failed) return -1;
    if (!outcome)
        return error_set(reader->error, ERROR_INPUT,
                         "%s: not a record of globe locate --jsonl: it has no \"outcome\"", reader->name);
    if (verdict_outcome_find(outcome, &verdict->outcome))
        return error_set(reader->error, ERROR_INPUT,
                         "%s: \"outcome\" is \"%.40s\", which this version does not know", reader->name,
                         outcome);
    return 0;
}

static int take_error(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    const json_t *found;
    if (find_object(reader, object, "error", &found)) return -1;
    if (verdict->outcome != VERDICT_FAILED) return 0;
    int64_t status = ERROR_INTERNAL;
    bool failed = false;
    const char *message = find_text(reader, found, "message", &failed);
    if (failed || json_get_integer(found, "status", 1, 255, &status, reader->name, reader->error)) return -1;
    error_set(&verdict->error, (enum error_code)status, "%s",
              message ? message : "the record does not say why");
    return 0;
}

// The path's own bytes, where JSON cannot spell them; else the text.
static int take_photo(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    bool failed = false;
    const char *photo = find_text(reader, object, "photo", &failed);
    const char *coded = failed ? NULL : find_text(reader, object, "photo_bytes", &failed);
    if (failed) return -1;
    if (!photo)
        return error_set(reader->error, ERROR_INPUT,
                         "%s: not a record of globe locate --jsonl: it has no \"photo\"", reader->name);
    if (strlen(photo) > LONGEST_PATH || (coded && strlen(coded) > 2 * (size_t)LONGEST_PATH))
        return error_set(reader->error, ERROR_INPUT, "%s: \"photo\" is longer than any path", reader->name);
    if (!coded) return take_text(reader, object, "photo", &verdict->photo);
    struct buffer bytes = {0};
    bool right = base64_add_decoded(&bytes, coded, strlen(coded)) == 0 && bytes.length > 0 &&
                 strlen(bytes.data) == bytes.length && !utf8_is_valid(bytes.data, bytes.length);
    if (!right && !bytes.failed)
        error_set(reader->error, ERROR_INPUT,
                  "%s: \"photo_bytes\" is not the base64 of a path that is not UTF-8", reader->name);
    if (bytes.failed) error_set(reader->error, ERROR_MEMORY, "%s: not enough memory", reader->name);
    if (right) verdict->photo = buffer_take(&bytes);
    buffer_free(&bytes);
    return verdict->photo ? 0 : -1;
}

static int take_numbers(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    int64_t countries = 0, tokens = 0;
    if (take_number(reader, object, "confidence", 1, &verdict->confidence) ||
        take_number(reader, object, "radius_50_km", FARTHEST_KM, &verdict->radius_50_km) ||
        take_number(reader, object, "radius_90_km", FARTHEST_KM, &verdict->radius_90_km) ||
        take_number(reader, object, "seconds", LARGEST, &verdict->seconds) ||
        take_count(reader, object, "samples", MOST_SAMPLES, &verdict->samples) ||
        json_get_integer(object, "tokens", 0, (int64_t)LARGEST, &tokens, reader->name, reader->error) ||
        json_get_integer(object, "same_name_countries", 0, 1000, &countries, reader->name, reader->error) ||
        json_get_boolean(object, "truncated", &verdict->truncated, reader->name, reader->error))
        return -1;
    verdict->tokens = (size_t)tokens;
    verdict->same_name_countries = (int)countries;
    return 0;
}

static int take_votes(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    json_t *list;
    if (find_list(reader, object, "votes", &list)) return -1;
    size_t count = json_array_size(list);
    verdict->votes = memory_new(count + 1, sizeof *verdict->votes, "votes", reader->error);
    if (!verdict->votes) return -1;
    verdict->vote_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *vote = json_array_get(list, i);
        if (take_place(reader, vote, &verdict->votes[i].place) ||
            take_count(reader, vote, "count", MOST_SAMPLES, &verdict->votes[i].count))
            return -1;
    }
    return take_count(reader, object, "declined", MOST_SAMPLES, &verdict->declined) ||
                   take_count(reader, object, "unread", MOST_SAMPLES, &verdict->unread)
               ? -1
               : 0;
}

static int take_standings(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    const json_t *levels;
    if (find_object(reader, object, "levels", &levels)) return -1;
    for (enum verdict_level level = LEVEL_COUNTRY; level < VERDICT_LEVELS; level++) {
        struct verdict_standing *standing = &verdict->standings[level];
        const json_t *one = NULL;
        *standing = (struct verdict_standing){.share = -1, .confidence = -1};
        if (levels && find_object(reader, levels, verdict_level_name(level), &one)) return -1;
        if (one && (take_text(reader, one, "name", &standing->name) ||
                    take_number(reader, one, "share", 1, &standing->share) ||
                    take_number(reader, one, "confidence", 1, &standing->confidence)))
            return -1;
    }
    return 0;
}

static enum verdict_level finest_level(const struct verdict_place *place) {
    if (place->city && *place->city) return LEVEL_CITY;
    return place->region && *place->region ? LEVEL_REGION : LEVEL_COUNTRY;
}

static int take_level(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    bool failed = false;
    const char *text = find_text(reader, object, "level", &failed);
    if (failed) return -1;
    verdict->level = finest_level(&verdict->place);
    for (enum verdict_level level = LEVEL_COUNTRY; text && level <= VERDICT_LEVELS; level++) {
        if (level == VERDICT_LEVELS)
            return error_set(reader->error, ERROR_INPUT,
                             "%s: \"level\" is \"%.40s\", which this version does not know", reader->name,
                             text);
        if (strcmp(text, verdict_level_name(level)) != 0) continue;
        verdict->level = level;
        break;
    }
    return take_number(reader, object, "probability", 1, &verdict->probability) ||
                   json_get_boolean(object, "calibrated", &verdict->calibrated, reader->name, reader->error)
               ? -1
               : 0;
}

static int take_gps(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    const json_t *gps;
    if (find_object(reader, object, "gps", &gps) ||
        (gps && take_position(reader, gps, &verdict->has_gps, &verdict->gps)) ||
        take_number(reader, object, "gps_distance_km", FARTHEST_KM, &verdict->gps_distance_km))
        return -1;
    if (json_is_null(json_object_get(object, "contradicts_gps"))) return 0;
    return json_get_boolean(object, "contradicts_gps", &verdict->contradicts_gps, reader->name,
                            reader->error);
}

// Flags of later versions are no reason to refuse a record: they say what to look at, not what it means.
static int take_flags(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    json_t *list = json_object_get(object, "flags");
    if (!list || json_is_null(list)) return 0;
    if (!json_is_array(list))
        return error_set(reader->error, ERROR_INPUT, "%s: \"flags\" is not a list", reader->name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text) return error_set(reader->error, ERROR_INPUT, "%s: a flag is no text", reader->name);
        for (unsigned k = 0; k < VERDICT_FLAGS; k++)
            if (strcmp(text, verdict_flag_name((enum verdict_flag)(1U << k))) == 0) verdict->flags |= 1U << k;
    }
    return 0;
}

static int take_locatability(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    if (!json_is_number(json_object_get(object, "locatability"))) return 0;
    verdict->has_locatability = true;
    return take_number(reader, object, "locatability", 1, &verdict->locatability);
}

static int take_trust(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    return take_level(reader, object, verdict) || take_standings(reader, object, verdict) ||
                   take_votes(reader, object, verdict) || take_gps(reader, object, verdict) ||
                   take_flags(reader, object, verdict) || take_locatability(reader, object, verdict)
               ? -1
               : 0;
}

static int take_hashes(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    const json_t *provenance;
    if (find_object(reader, object, "provenance", &provenance) ||
        take_text(reader, provenance, "photo_sha256", &verdict->photo_sha256))
        return -1;
    return take_text(reader, provenance, "hint_sha256", &verdict->hint_sha256);
}

static int take_verdict(const struct reader *reader, const json_t *object, struct verdict *verdict) {
    int failed = take_photo(reader, object, verdict) || take_outcome(reader, object, verdict) ||
                 take_error(reader, object, verdict) || take_answer(reader, object, verdict) ||
                 take_numbers(reader, object, verdict) || take_alternatives(reader, object, verdict) ||
                 take_clues(reader, object, verdict) || take_trust(reader, object, verdict) ||
                 take_text(reader, object, "reasoning", &verdict->reasoning) ||
                 take_text(reader, object, "answer", &verdict->answer) ||
                 take_text(reader, object, "server_changes", &verdict->server_changes) ||
                 take_text(reader, object, "evidence", &verdict->evidence) ||
                 take_text(reader, object, "evidence_error", &verdict->evidence_error) ||
                 take_hashes(reader, object, verdict);
    return failed ? -1 : 0;
}

// ---- the record -----------------------------------------------------------------------------------------

static int take_precision(const struct reader *reader, struct record *record) {
    bool failed = false;
    const char *text = find_text(reader, record->json, "precision", &failed);
    if (failed) return -1;
    record->precision = PRECISION_FULL;
    if (!text) return 0;
    for (int i = 0; writer_precision_names[i]; i++)
        if (strcmp(text, writer_precision_names[i]) == 0) {
            record->precision = (enum writer_precision)i;
            return 0;
        }
    // Not in silence: what follows would show more than was allowed.
    return error_set(reader->error, ERROR_INPUT,
                     "%s: \"precision\" is \"%.40s\", which this version does not know", reader->name, text);
}

static int take_origin(const struct reader *reader, struct record *record) {
    bool failed = false;
    record->model = find_text(reader, record->json, "model", &failed);
    if (failed || find_object(reader, record->json, "provenance", &record->provenance)) return -1;
    record->version = find_text(reader, record->provenance, "version", &failed);
    if (failed) return -1;
    if (!record->model) record->model = "";
    if (!record->version) record->version = "";
    return take_precision(reader, record);
}

static bool is_known(const char *key) {
    for (size_t i = 0; record_keys[i]; i++)
        if (strcmp(key, record_keys[i]) == 0) return true;
    return false;
}

static const char *find_unknown(json_t *object) {
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        if (!is_known(key)) return key;
    }
    return NULL;
}

static json_t *parse(const struct reader *reader, const char *line, size_t length) {
    while (length && (line[length - 1] == '\n' || line[length - 1] == '\r')) length--;
    if (length > RECORD_LIMIT) {
        error_set(reader->error, ERROR_INPUT, "%s: longer than %d MiB, so it is no record", reader->name,
                  RECORD_LIMIT >> 20);
        return NULL;
    }
    json_error_t where;
    json_t *object =
        json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &where);
    if (!object)
        error_set(reader->error, ERROR_INPUT, "%s: not valid JSON at column %d: %s", reader->name,
                  where.column, where.text);
    else if (!json_is_object(object))
        error_set(reader->error, ERROR_INPUT,
                  "%s: not a record of globe locate --jsonl: it is no JSON object", reader->name);
    else
        return object;
    json_decref(object);
    return NULL;
}

int record_read(struct record *record, const char *line, size_t length, const char *name,
                struct error *error) {
    const struct reader reader = {name, error};
    *record = (struct record){.json = parse(&reader, line, length)};
    if (!record->json) return -1;
    if (take_origin(&reader, record) == 0 && take_verdict(&reader, record->json, &record->verdict) == 0) {
        record->unknown = find_unknown(record->json);
        return 0;
    }
    record_free(record);
    return -1;
}

void record_free(struct record *record) {
    verdict_free(&record->verdict);
    json_decref(record->json);
    *record = (struct record){0};
}
