#include "reward/sentences.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MOST_WORDS = 96, LONGEST_NAME = 5, NAME_SIZE = 160 };

// ---- sentences ------------------------------------------------------------------------------------------

// "St. Petersburg", "e.g. palms", "J. Smith": the point ends no sentence.
static bool is_abbreviation(const char *text, const char *point) {
    static const char *const known[] = {"st", "mt", "e.g", "i.e", "etc", "vs",    "no",
                                        "dr", "mr", "mrs", "ca",  "cf",  "approx"};
    const char *start = point;
    while (start > text && (isalpha((unsigned char)start[-1]) || start[-1] == '.')) start--;
    size_t length = (size_t)(point - start);
    if (length == 1 && isupper((unsigned char)*start)) return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i]) == length && strncasecmp(start, known[i], length) == 0) return true;
    return false;
}

static bool ends_sentence(const char *text, const char *at) {
    if (*at == '\n') return true;
    if (*at != '.' && *at != '!' && *at != '?' && *at != ';') return false;
    if (at[1] && !isspace((unsigned char)at[1])) return false;
    return *at != '.' || !is_abbreviation(text, at);
}

bool sentence_next(const char **text, char *sentence, size_t size) {
    const char *start = *text;
    while (*start && (isspace((unsigned char)*start) || strchr(".!?;-*#", *start))) start++;
    const char *end = start;
    while (*end && !ends_sentence(start, end)) end++;
    *text = *end ? end + 1 : end;
    size_t length = (size_t)(end - start);
    if (length >= size) {
        length = size - 1;
        while (length && ((unsigned char)start[length] & 0xC0) == 0x80) length--; // whole characters
    }
    memcpy(sentence, start, length);
    sentence[length] = 0;
    return *start != 0;
}

// ---- words ----------------------------------------------------------------------------------------------

static bool is_letter(char c) {
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

const char *sentence_find(const char *sentence, const char *text, bool plural) {
    size_t length = strlen(text);
    if (!length) return NULL;
    for (const char *at = sentence; (at = strcasestr(at, text)); at++) {
        const char *end = at + length;
        if (plural && (*end == 's' || *end == 'S')) end++;
        if (is_letter(*end) && is_letter(end[-1])) continue;
        if (at == sentence || !is_letter(at[-1]) || !is_letter(*at)) return at;
    }
    return NULL;
}

bool sentence_has(const char *sentence, const char *const *beginnings, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (const char *at = sentence; (at = strcasestr(at, beginnings[i])); at++)
            if (at == sentence || !is_letter(at[-1])) return true;
    return false;
}

struct word {
    const char *start;
    size_t length;
    bool breaks; // more than a space before it
};

static size_t split(const char *sentence, struct word words[MOST_WORDS]) {
    size_t count = 0;
    bool broken = true;
    for (const char *c = sentence; *c && count < MOST_WORDS;) {
        if (!is_letter(*c)) {
            broken = broken || *c != ' ';
            c++;
            continue;
        }
        const char *start = c;
        while (is_letter(*c) || ((*c == '\'' || *c == '-' || *c == '.') && is_letter(c[1]))) c++;
        words[count++] = (struct word){start, (size_t)(c - start), broken};
        broken = false;
    }
    return count;
}

static bool is_word(const struct word *word, const char *text) {
    return word->length == strlen(text) && strncasecmp(word->start, text, word->length) == 0;
}

// "not Japan", "rather than Japan", "rules out Japan or Korea", "neither Japan nor Korea".
static bool is_denied(const struct word *words, size_t first) {
    static const char *const denials[] = {"not",    "than",    "unlike",  "no",       "nor",     "neither",
                                          "except", "without", "exclude", "excludes", "rules",   "rule",
                                          "ruled",  "isn't",   "cannot",  "can't",    "instead", "excluding"};
    static const char *const again[] = {"only", "just", "but", "so", "is", "leaves", "leaving"};
    for (size_t back = 1; back <= 6 && back <= first; back++) {
        const struct word *word = &words[first - back];
        for (size_t i = 0; back > 1 && i < sizeof again / sizeof *again; i++)
            if (is_word(word, again[i])) return false;
        for (size_t i = 0; i < sizeof denials / sizeof *denials; i++)
            if (is_word(word, denials[i])) // "not only Japan" is Japan
                return !(back > 1 && is_word(&words[first - back + 1], "only"));
        if (back == 1 && (is_word(word, "only") || is_word(word, "just"))) return false;
    }
    return false;
}

// "as in France", "similar to those of Spain": neither meant nor ruled out.
static bool is_compared(const struct word *words, size_t first) {
    static const char *const comparing[] = {"similar", "reminiscent", "reminds", "resembles", "resembling"};
    for (size_t back = 1; back <= 4 && back <= first; back++)
        for (size_t i = 0; i < sizeof comparing / sizeof *comparing; i++)
            if (is_word(&words[first - back], comparing[i])) return true;
    return first >= 2 && is_word(&words[first - 1], "in") &&
           (is_word(&words[first - 2], "like") || is_word(&words[first - 2], "as"));
}

static bool is_name(const struct word *word) {
    return isupper((unsigned char)*word->start) || (unsigned char)*word->start >= 0x80;
}

// Words that begin sentences and are no names, whatever the gazetteer may find by them.
static bool is_common(const struct word *word) {
    static const char *const common[] = {
        "the", "a",    "an",   "i",    "it",   "this", "that", "these", "those", "there", "here",
        "so",  "in",   "on",   "at",   "all",  "my",   "for",  "from",  "let",   "see",   "view",
        "no",  "not",  "only", "one",  "and",  "or",   "but",  "of",    "we",    "with",  "what",
        "as",  "such", "each", "both", "none", "also", "then", "now",   "sign",  "city",  "country"};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (is_word(word, common[i])) return true;
    return false;
}

// The words [first, first + count) as they stand; false when they are no name.
static bool take_name(const struct word *words, size_t first, size_t count, char name[NAME_SIZE]) {
    const struct word *last = &words[first + count - 1];
    size_t length = (size_t)(last->start + last->length - words[first].start);
    if (!is_name(&words[first]) || !is_name(last) || length >= NAME_SIZE || is_common(&words[first]))
        return false;
    for (size_t i = first + 1; i < first + count; i++)
        if (words[i].breaks || is_word(&words[i], "or")) return false; // a choice is more than one name
    memcpy(name, words[first].start, length);
    name[length] = 0;
    // Codes are words as well ("IT", "NO"), but for a few that are names.
    return length > 3 || !strcmp(name, "USA") || !strcmp(name, "UK") || !strcmp(name, "UAE") ||
           !strcmp(name, "U.S");
}

static void add_country(struct sentence_places *found, const char *code, bool denied) {
    for (size_t i = 0; i < found->count; i++)
        if (strcmp(found->places[i].code, code) == 0 && found->places[i].denied == denied) return;
    if (found->count == SENTENCE_PLACES) return;
    memcpy(found->places[found->count].code, code, 3);
    found->places[found->count++].denied = denied;
}

int sentence_find_countries(const char *sentence, struct atlas *atlas, struct sentence_places *found,
                            struct error *error) {
    struct word words[MOST_WORDS];
    size_t count = split(sentence, words);
    found->count = 0;
    for (size_t first = 0; first < count; first++)
        for (size_t length = LONGEST_NAME; length > 0; length--) {
            char name[NAME_SIZE], code[3];
            if (first + length > count || !take_name(words, first, length, name)) continue;
            if (atlas_country(atlas, name, code, error)) return -1;
            if (!code[0]) continue;
            if (!is_compared(words, first)) add_country(found, code, is_denied(words, first));
            first += length - 1;
            break;
        }
    return 0;
}

int sentence_find_cities(const char *sentence, struct atlas *atlas, struct place *cities, size_t limit,
                         size_t *count, struct error *error) {
    struct word words[MOST_WORDS];
    size_t word_count = split(sentence, words);
    *count = 0;
    for (size_t first = 0; first < word_count && *count < limit; first++)
        for (size_t length = LONGEST_NAME; length > 0; length--) {
            char name[NAME_SIZE], code[3];
            struct place place;
            if (first + length > word_count || !take_name(words, first, length, name)) continue;
            if (first == 0 && length == 1) continue; // written large whatever it is
            if (atlas_named_country(atlas, name, code, error) || atlas_large_city(atlas, name, &place, error))
                return -1;
            if (code[0]) { // "Mexico", "Luxembourg": a country first
                first += length - 1;
                break;
            }
            if (!place.found) continue;
            if (!is_denied(words, first) && !is_compared(words, first)) cities[(*count)++] = place;
            first += length - 1;
            break;
        }
    return 0;
}
