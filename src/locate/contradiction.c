#include "locate/contradiction.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

enum { MOST_WORDS = 64, LONGEST_NAME = 4, LONGEST_TEXT = 200, LARGE_CITY = 100000 };

struct span {
    const char *start;
    size_t length;
};

static bool holds(struct span text, const char *what) {
    size_t length = strlen(what);
    for (size_t i = 0; length && i + length <= text.length; i++)
        if (strncasecmp(text.start + i, what, length) == 0) return true;
    return false;
}

static bool concludes(struct span sentence) {
    static const char *const cues[] = {
        "answer",   "therefore",  "thus",     "hence",     "conclu",   "must be",        "likely",
        "so it is", "so this is", "this is",  "points to", "point to", "suggest",        "indicat",
        "taken in", "located in", "probably", "leaves",    "it is in", "consistent with"};
    for (size_t i = 0; i < sizeof cues / sizeof *cues; i++)
        if (holds(sentence, cues[i])) return true;
    return false;
}

// The last sentence that concludes; empty when none does.
static struct span find_conclusion(const char *text) {
    const char *start = text;
    struct span found = {text, 0};
    for (const char *c = text;; c++) {
        bool ends = !*c || *c == '\n' ||
                    ((*c == '.' || *c == '!' || *c == '?') && (c[1] == ' ' || !c[1] || c[1] == '\n'));
        if (!ends) continue;
        struct span sentence = {start, (size_t)(c - start)};
        if (concludes(sentence)) found = sentence;
        if (!*c) return found;
        start = c + 1;
    }
}

static bool is_letter(char c) {
    return isalpha((unsigned char)c) || c == '\'' || c == '-' || (unsigned char)c >= 0x80;
}

// Words, without what stands around them; *breaks: whether a comma or the like comes before it.
static size_t split(struct span sentence, struct span words[MOST_WORDS], bool breaks[MOST_WORDS]) {
    size_t count = 0;
    const char *end = sentence.start + sentence.length;
    bool broken = true;
    for (const char *c = sentence.start; c < end && count < MOST_WORDS;) {
        if (!is_letter(*c)) {
            broken = broken || *c != ' ';
            c++;
            continue;
        }
        const char *start = c;
        while (c < end && is_letter(*c)) c++;
        words[count] = (struct span){start, (size_t)(c - start)};
        breaks[count++] = broken;
        broken = false;
    }
    return count;
}

static bool is_word(struct span word, const char *what) {
    return word.length == strlen(what) && strncasecmp(word.start, what, word.length) == 0;
}

// "not Japan", "rather than Japan", "unlike in Japan".
static bool is_denied(const struct span *words, size_t first) {
    static const char *const denials[] = {"not",     "than",   "unlike",  "no",       "nor",
                                          "neither", "except", "without", "excludes", "rules"};
    for (size_t back = 1; back <= 3 && back <= first; back++)
        for (size_t i = 0; i < sizeof denials / sizeof *denials; i++)
            if (is_word(words[first - back], denials[i])) return true;
    return false;
}

static bool is_name(struct span word) {
    return isupper((unsigned char)word.start[0]) || (unsigned char)word.start[0] >= 0x80;
}

// The words [first, first + count) as they stand; false when they are no name.
static bool take_name(const struct span *words, const bool *breaks, size_t first, size_t count,
                      char name[LONGEST_TEXT]) {
    const struct span *last = &words[first + count - 1];
    size_t length = (size_t)(last->start + last->length - words[first].start);
    if (!is_name(words[first]) || !is_name(*last) || length >= LONGEST_TEXT) return false;
    for (size_t i = first + 1; i < first + count; i++)
        if (breaks[i]) return false;
    memcpy(name, words[first].start, length);
    name[length] = 0;
    // Codes are words as well ("IT", "NO"), but for a few that are names.
    return length > 3 || strcmp(name, "USA") == 0 || strcmp(name, "UK") == 0 || strcmp(name, "UAE") == 0;
}

struct findings {
    size_t others; // places that are not in the answer's country
    bool same;
};

static int weigh_country(const char *name, const struct verdict_place *answer, struct gazetteer *gazetteer,
                         bool *found, bool *same, struct error *error) {
    char code[3] = "";
    if (gazetteer_country_code(gazetteer, name, code, error)) return -1;
    *found = code[0] != 0;
    *same = *found && gazetteer_same_country(answer->country_code, code);
    return 0;
}

static int weigh_city(const char *name, const struct verdict_place *answer, struct gazetteer *gazetteer,
                      bool *found, bool *same, struct error *error) {
    struct gazetteer_answer *places = memory_new(1, sizeof *places, "gazetteer", error);
    if (!places) return -1;
    const struct gazetteer_query query = {.city = name, .exact_only = true};
    int result = gazetteer_lookup(gazetteer, &query, places, error);
    *found = *same = false;
    for (int i = 0; result == 0 && i < places->count; i++) {
        const struct gazetteer_place *place = &places->candidates[i].place;
        *found = *found || (place->kind == PLACE_CITY && place->population >= LARGE_CITY);
        *same = *same || gazetteer_same_country(answer->country_code, place->country_code);
    }
    free(places);
    return result;
}

static int weigh(struct span sentence, const struct verdict_place *answer, struct gazetteer *gazetteer,
                 bool cities, struct findings *findings, struct error *error) {
    struct span words[MOST_WORDS];
    bool breaks[MOST_WORDS];
    size_t count = split(sentence, words, breaks);
    for (size_t first = 0; first < count; first++)
        for (size_t length = LONGEST_NAME; length > 0; length--) {
            char name[LONGEST_TEXT];
            bool found = false, same = false;
            if (first + length > count || !take_name(words, breaks, first, length, name)) continue;
            // The first word of a sentence is written large whatever it is.
            if (cities && first == 0 && length == 1) continue;
            int result = cities ? weigh_city(name, answer, gazetteer, &found, &same, error)
                                : weigh_country(name, answer, gazetteer, &found, &same, error);
            if (result && error->code == ERROR_INPUT) { // no text
                *error = (struct error){0};
                continue;
            }
            if (result) return -1;
            if (!found) continue;
            if (same)
                findings->same = true;
            else if (!is_denied(words, first))
                findings->others++;
            first += length - 1;
            break;
        }
    return 0;
}

static bool names_answer(struct span sentence, const struct verdict_place *answer) {
    return (answer->city && strlen(answer->city) > 3 && holds(sentence, answer->city)) ||
           (answer->region && strlen(answer->region) > 3 && holds(sentence, answer->region)) ||
           (answer->country && *answer->country && holds(sentence, answer->country));
}

int contradiction_find(const char *reasoning, const struct verdict_place *answer, struct gazetteer *gazetteer,
                       bool *contradicts, struct error *error) {
    *contradicts = false;
    if (!reasoning || !gazetteer || !answer->country_code[0]) return 0;
    struct span conclusion = find_conclusion(reasoning);
    if (conclusion.length == 0 || names_answer(conclusion, answer)) return 0;
    struct findings findings = {0};
    if (weigh(conclusion, answer, gazetteer, false, &findings, error)) return -1;
    if (!findings.same && findings.others == 0 &&
        weigh(conclusion, answer, gazetteer, true, &findings, error))
        return -1;
    *contradicts = !findings.same && findings.others > 0;
    return 0;
}
