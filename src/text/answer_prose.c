// Places in running text: "This looks like Lisbon, Portugal, because of the tram." A phrase that introduces a
// place, then names: capitals, with the small words that stand within names. English only: in other languages
// a sentence is seen to be one, and names nothing.
#include <string.h>
#include <strings.h>

#include "text/answer_internal.h"

enum {
    MAX_PROSE = 8192, // bytes looked at, the last ones
    MAX_FILLERS = 8,  // words between the phrase and the name
    MAX_WORDS = 6,    // of a name
    MAX_FOUND = 16,
    LONG_VALUE = 16 // words that no name has
};

static bool is_one_of(struct span word, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (word.length == strlen(list[i]) && !strncasecmp(word.start, list[i], word.length)) return true;
    return false;
}
#define IS_ONE_OF(word, list) is_one_of(word, list, sizeof(list) / sizeof *(list))

static bool is_small(struct span word) {
    return word.length > 0 && word.start[0] >= 'a' && word.start[0] <= 'z';
}

static bool is_particle(struct span word) {
    static const char *const list[] = {
        "de",  "la",  "le",    "les", "du",  "des", "di",   "da",  "do",  "dos",  "das", "del",  "della",
        "dei", "el",  "al",    "of",  "the", "and", "upon", "on",  "sur", "sous", "en",  "am",   "an",
        "der", "den", "dem",   "im",  "in",  "bei", "ob",   "van", "von", "ten",  "y",   "i",    "na",
        "nad", "pod", "e",     "et",  "o",   "od",  "a",    "au",  "aux", "zu",   "zum", "zur",  "under",
        "by",  "bij", "op",    "aan", "ved", "pri", "las",  "los", "lo",  "st",   "vor", "near", "d",
        "l",   "sul", "sulla", "ter", "es",  "ad",  "per",  "os",  "as",  "san",  "s"};
    return IS_ONE_OF(word, list);
}

// The word at the beginning of the text, up to a space; *rest what follows it and its spaces. Marks around it
// are taken off.
static struct span next_word(struct span text, struct span *rest) {
    const char *end = text.start + text.length, *at = text.start;
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t')) at++;
    struct span word = {at, 0};
    while (at < end && *at != ' ' && *at != '\n' && *at != '\t') at++;
    word.length = (size_t)(at - word.start);
    *rest = answer_between(at, end);
    while (word.length > 0 && strchr("(\"'*_[", word.start[0]))
        word = (struct span){word.start + 1, word.length - 1};
    while (word.length > 0 && strchr(".,;:!?)\"'*_]", word.start[word.length - 1])) word.length--;
    return word;
}

// ---- sentences ------------------------------------------------------------------------------------------

static bool holds_other_sentence(struct span value) {
    static const char *const marks[] = {"这",     "這",   "看起",   "因为",   "因為",     "です",
                                        "ます",   "と思", "のよう", "입니다", "같습니다", "때문",
                                        "похоже", "это ", "потому", "يبدو",   "لأن"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (answer_find(value, marks[i])) return true;
    return false;
}

bool answer_is_sentence(struct span value) {
    static const char *const first[] = {"this",    "that",  "these", "those", "it",     "it's",  "i",
                                        "i'm",     "i'd",   "we",    "there", "here",   "which", "based",
                                        "judging", "given", "looks", "seems", "appears"};
    static const char *const later[] = {
        "is",     "are",      "was",     "were",      "looks",    "look",  "seems",    "seem",  "appears",
        "appear", "suggests", "suggest", "indicates", "indicate", "think", "believe",  "guess", "because",
        "this",   "that",     "these",   "those",     "it",       "it's",  "which",    "shows", "show",
        "shown",  "taken",    "located", "situated",  "could",    "would", "might",    "may",   "must",
        "should", "cannot",   "can't",   "has",       "have",     "be",    "been",     "being", "photo",
        "image",  "picture",  "scene",   "based",     "visible",  "seen",  "featuring"};
    size_t words = 0, small = 0;
    struct span rest = value;
    while (unicode_strip(rest).length > 0) {
        struct span word = next_word(rest, &rest);
        if (word.length == 0) continue;
        if (words == 0 ? IS_ONE_OF(word, first) : is_small(word) && IS_ONE_OF(word, later)) {
            if (words > 0 || unicode_strip(rest).length > 0) return true;
        }
        words++;
        small += is_small(word) && !is_particle(word);
    }
    return words > LONG_VALUE || (words >= 4 && 2 * small > words && !is_small(value)) ||
           holds_other_sentence(value);
}

bool answer_is_name(struct span value) {
    size_t words = 0;
    struct span rest = value;
    while (unicode_strip(rest).length > 0) {
        struct span word = next_word(rest, &rest);
        if (word.length == 0) continue;
        if (is_small(word) && !is_particle(word)) return false;
        words++;
    }
    return words > 0 && words <= MAX_WORDS && !answer_is_sentence(value);
}

// ---- names after a phrase -------------------------------------------------------------------------------

// Small words that may stand between the phrase and the name.
static bool is_filler(struct span word) {
    static const char *const list[] = {
        "in",       "the",      "a",          "an",        "city",      "town",    "village",  "of",
        "from",     "to",       "be",         "is",        "somewhere", "most",    "very",     "likely",
        "probably", "possibly", "definitely", "certainly", "clearly",   "almost",  "street",   "scene",
        "photo",    "picture",  "taken",      "located",   "near",      "at",      "downtown", "central",
        "historic", "old",      "like",       "capital",   "center",    "centre",  "heart",    "district",
        "area",     "region",   "coast",      "northern",  "southern",  "eastern", "western",  "typical",
        "it",       "it's",     "this",       "that",      "was",       "place",   "around",   "outskirts",
        "quarter",  "port",     "island",     "view",      "shot"};
    return IS_ONE_OF(word, list);
}

// Capitals that are no places: languages, styles, what a sentence begins with.
static bool is_no_place(struct span name) {
    static const char *const list[] = {
        "english",  "french",   "german",        "spanish",       "portuguese",
        "italian",  "chinese",  "japanese",      "korean",        "russian",
        "arabic",   "dutch",    "thai",          "cyrillic",      "latin",
        "european", "asian",    "american",      "african",       "mediterranean",
        "gothic",   "baroque",  "victorian",     "google",        "street",
        "i",        "it",       "this",          "the",           "europe",
        "asia",     "africa",   "south america", "north america", "latin america",
        "earth",    "turkish",  "greek",         "polish",        "vietnamese",
        "swedish",  "british",  "western",       "eastern",       "northern",
        "southern", "monday",   "tuesday",       "wednesday",     "thursday",
        "friday",   "saturday", "sunday"};
    for (size_t i = 0; i < name.length; i++)
        if (name.start[i] >= '0' && name.start[i] <= '9') return true;
    return IS_ONE_OF(name, list);
}

static bool ends_name(const char *at, const char *end) {
    return at == end || strchr(".,;:!?()\n\"*", *at) != NULL;
}

// The name at the beginning of the text: words with capitals and the small ones between them. *end is where
// it ends; an empty span when there is none.
static struct span take_name(struct span text, const char **end) {
    const char *limit = text.start + text.length, *at = text.start, *last = at;
    size_t words = 0;
    while (at < limit && words <= 2 * MAX_WORDS) {
        const char *start = at;
        while (at < limit && *at != ' ' && !ends_name(at, limit)) at++;
        struct span word = answer_between(start, at);
        // The point of "St. Louis" and "Washington D.C." goes on; the one after a longer word ends a sentence.
        if (at < limit && *at == '.' && word.length > 0 && word.length <= 3 && !is_small(word) &&
            at + 1 < limit && (at[1] == ' ' || (at[1] >= 'A' && at[1] <= 'Z')))
            at++;
        if (word.length == 0) break;
        size_t used;
        bool capital = !is_small(word) && unicode_is_letter(unicode_first(word, &used));
        bool goes_on = words > 0 && is_particle(word) && strncmp(word.start, "in ", 3) != 0;
        if (!capital && !goes_on) break;
        words++;
        if (capital) last = at;
        if (at == limit || *at != ' ') break;
        at++;
    }
    *end = last;
    struct span name = answer_between(text.start, last);
    if (name.length > 2 && !memcmp(last - 2, "'s", 2)) name.length -= 2;
    return words > 2 * MAX_WORDS ? (struct span){text.start, 0} : name;
}

static bool follows_reason(struct span rest) {
    static const char *const words[] = {"because", "based",  "due",    "given",  "as",      "since",
                                        "with",    "and",    "on",     "at",     "in",      "near",
                                        "or",      "where",  "which",  "but",    "for",     "from",
                                        "judging", "thanks", "during", "though", "although"};
    struct span ignored;
    struct span word = next_word(rest, &ignored);
    return IS_ONE_OF(word, words);
}

static bool is_alternative(struct span rest) {
    struct span ignored, word = next_word(rest, &ignored);
    static const char *const words[] = {"or", "and/or", "versus", "vs"};
    return IS_ONE_OF(word, words);
}

struct place {
    struct span city, country; // empty when not named
    const char *where;
    bool doubtful; // "Lisbon, Portugal or Madrid, Spain"
};

// Another name after a comma, a parenthesis or "in".
static bool take_further(const char **at, const char *limit, struct span *name) {
    const char *from = *at;
    if (limit - from > 2 && !memcmp(from, " (", 2)) from++;
    if (from < limit && (*from == ',' || *from == '(')) {
        from++;
    } else if (limit - from > 4 && !memcmp(from, " in ", 4)) {
        from += 3;
    } else {
        return false;
    }
    while (from < limit && *from == ' ') from++;
    static const char *const fillers[] = {"the ",     "northern ", "southern ",
                                          "eastern ", "western ",  "central "};
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++)
        if ((size_t)(limit - from) > strlen(fillers[i]) && !strncmp(from, fillers[i], strlen(fillers[i])))
            from += strlen(fillers[i]);
    const char *end;
    *name = take_name(answer_between(from, limit), &end);
    if (name->length == 0 || is_no_place(*name)) return false;
    *at = end;
    return true;
}

// The place at the beginning of the text: "Lisbon, Portugal", "Kyoto, Kyoto Prefecture, Japan", "Nice (France)".
static bool take_place(struct span text, struct place *place) {
    const char *limit = text.start + text.length, *at;
    struct span first = take_name(text, &at), name, last = {NULL, 0};
    if (first.length == 0 || is_no_place(first)) return false;
    *place = (struct place){.where = text.start};
    for (int i = 0; i < 3; i++) {
        const char *before = at;
        if (!take_further(&at, limit, &name)) break;
        bool closed = ends_name(at, limit) || (i == 0 && follows_reason(answer_between(at, limit)));
        if (!closed) { // "In Lisbon, Yellow trams .."
            at = before;
            break;
        }
        last = name;
    }
    struct span rest = answer_between(at, limit);
    place->doubtful = is_alternative(rest);
    place->country = first;
    if (last.length > 0) {
        place->city = first;
        place->country = last;
        return true;
    }
    return ends_name(at, limit) || follows_reason(rest);
}

static bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

// "This is not ..", "It does not look like ..": from the beginning of the sentence on.
static bool is_denied(struct span text, const char *at) {
    static const char *const words[] = {" not ",  "n't ",        "n\xE2\x80\x99t ",
                                        "unlike", "rather than", "instead of"};
    const char *start = at;
    while (start > text.start && !strchr(".!?\n", start[-1])) start--;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (answer_find(answer_between(start, at), words[i])) return true;
    return false;
}

// NULL when the last one is "a": "This is a Tesla" names a thing.
static const char *skip_fillers(const char *at, const char *end) {
    bool thing = false;
    for (int i = 0; i < MAX_FILLERS; i++) {
        struct span rest, word = next_word(answer_between(at, end), &rest);
        const char *next = word.start + word.length;
        if (!is_small(word) || !is_filler(word) || (next < end && *next != ' ')) break;
        thing = !strncmp(word.start, "a ", 2) || !strncmp(word.start, "an ", 3);
        at = next;
    }
    while (at < end && strchr(" *\"", *at)) at++;
    return thing ? NULL : at;
}

static const char *after_phrase(const char *at, const char *end) {
    static const char *const phrases[] = {
        "looks like",  "look like",       "looks to be",     "appears to be", "appear to be",
        "seems to be", "is likely",       "most likely",     "very likely",   "likely",
        "probably",    "this is",         "it is",           "it's",          "that is",
        "i think",     "i believe",       "i'd say",         "i would say",   "guess is",
        "i'd guess",   "i guess",         "would guess",     "must be",       "could be",
        "might be",    "may be",          "taken in",        "located in",    "situated in",
        "shot in",     "photographed in", "captured in",     "somewhere in",  "scene in",
        "street in",   "taken at",        "scene from",      "photo of",      "photo from",
        "picture of",  "view of",         "points to",       "point to",      "suggests",
        "suggest",     "indicates",       "consistent with", "place is",      "location is",
        "answer is",   "city is",         "conclude that",   "feels like"};
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        size_t length = strlen(phrases[i]);
        if ((size_t)(end - at) <= length || strncasecmp(at, phrases[i], length) || at[length] != ' ')
            continue;
        return at + length;
    }
    return NULL;
}

static bool same(struct span a, struct span b) {
    return a.length == b.length && (a.length == 0 || !strncasecmp(a.start, b.start, a.length));
}

static size_t find_places(struct span text, struct place *places) {
    const char *end = text.start + text.length;
    size_t count = 0;
    for (const char *at = text.start; at < end && count < MAX_FOUND; at++) {
        if (at > text.start && is_word_byte(at[-1])) continue;
        const char *after = after_phrase(at, end);
        if (!after || is_denied(text, after)) continue;
        const char *from = skip_fillers(after, end);
        struct place place;
        if (!from || from >= end || !take_place(answer_between(from, end), &place)) continue;
        if (count == 0 || places[count - 1].where != place.where) places[count++] = place;
        at = from - 1;
    }
    return count;
}

void answer_read_prose(struct reading *reading, struct span text) {
    struct place places[MAX_FOUND];
    const char *end = text.start + text.length;
    if (answer_find(text, "<think>") || answer_find(text, "</think>")) return; // thoughts try many places
    if (text.length > MAX_PROSE) text = answer_between(end - MAX_PROSE, end);
    size_t count = find_places(text, places), chosen = MAX_FOUND;
    for (size_t i = 0; i < count; i++) // city and country together say more than one name
        if (chosen == MAX_FOUND || (places[chosen].city.length == 0 && places[i].city.length > 0)) chosen = i;
    if (chosen == MAX_FOUND) return;
    const struct place *best = &places[chosen];
    bool same_city = !best->doubtful, same_country = !best->doubtful;
    for (size_t i = 0; i < count; i++) {
        const struct place *other = &places[i];
        bool alone = other->city.length == 0;
        bool fits = alone && (same(other->country, best->country) || same(other->country, best->city));
        if (fits) continue;
        same_city = same_city && same(other->city, best->city);
        same_country = same_country && same(other->country, best->country);
    }
    if (!same_country) return;
    if (same_city && answer_clean_value(best->city, &reading->city)) reading->declined = true;
    if (answer_clean_value(best->country, &reading->country)) reading->declined = true;
    if (!reading->where) reading->where = best->where;
}
