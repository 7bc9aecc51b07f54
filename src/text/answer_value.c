// Cleaning what stands after "country:" as a reader would: decoration off, placeholders and refusals seen as
// such.
#include <string.h>
#include <strings.h>

#include "text/answer_internal.h"

enum {
    MAX_VALUE = 400,
    MAX_NAME = 160
}; // bytes looked at, bytes of a name (the longest city name has 169 letters)

// ---- trimming -------------------------------------------------------------------------------------------

static bool is_one_of(int32_t code, const int32_t *list) {
    while (*list && *list != code) list++;
    return *list != 0;
}

static bool is_decoration(int32_t code) {
    static const int32_t list[] = {'*',    '_',  '`',    '~',  '#',    '>',    '<',    ':',    ';',    ',',
                                   '=',    '|',  '$',    '!',  0xFF1A, 0xFF0C, 0xFF1B, 0x3002, 0x3001, 0xFF01,
                                   0x2022, 0xB7, 0x2026, '\\', 0xFF1D, 0x25CF, 0x25AA, 0x2192, 0};
    return unicode_is_space(code) || unicode_is_symbol(code) || is_one_of(code, list);
}

static bool is_dash(int32_t code) {
    return code == '-' || code == 0x2013 || code == 0x2014;
}

// The full stop of "D.C." or "U.S.A." belongs to the name, that of "Paris." does not.
static bool ends_abbreviation(struct span value) {
    return value.length >= 4 && value.start[value.length - 1] == '.' && value.start[value.length - 3] == '.';
}

static struct span trim(struct span value) {
    size_t used;
    while (value.length > 0) {
        int32_t code = unicode_first(value, &used);
        if (!is_decoration(code) && !is_dash(code) && code != '.' && code != '?' && code != '/') break;
        value.start += used;
        value.length -= used;
    }
    while (value.length > 0) {
        int32_t code = unicode_last(value, &used);
        bool stop = code == '.' && !ends_abbreviation(value);
        if (!is_decoration(code) && !is_dash(code) && !stop && code != '?' && code != '/') break;
        value.length -= used;
    }
    return value;
}

static bool contains_code(struct span text, int32_t wanted) {
    size_t used;
    for (; text.length > 0; text.start += used, text.length -= used)
        if (unicode_first(text, &used) == wanted) return true;
    return false;
}

static const int32_t pairs[][2] = {{'"', '"'},       {'\'', '\''},     {0x201C, 0x201D}, {0x2018, 0x2019},
                                   {0x201E, 0x201C}, {0xAB, 0xBB},     {0x300C, 0x300D}, {0x300E, 0x300F},
                                   {0x300A, 0x300B}, {0x3010, 0x3011}, {'[', ']'},       {'{', '}'},
                                   {'(', ')'},       {0xFF08, 0xFF09}};

// Takes off one pair around the value, or one half of a pair whose other half is elsewhere. A single
// apostrophe in front stays ("'s-Hertogenbosch").
static struct span unquote(struct span value) {
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs && value.length > 0; i++) {
        size_t first, last;
        bool opens = unicode_first(value, &first) == pairs[i][0],
             closes = unicode_last(value, &last) == pairs[i][1];
        struct span inner = {value.start + first, value.length - first};
        if (opens && closes && value.length >= first + last) {
            inner.length -= last;
            bool one_pair = !contains_code(inner, pairs[i][0]) && !contains_code(inner, pairs[i][1]);
            if (one_pair) return inner;
        } else if (opens && pairs[i][0] != '\'' && !contains_code(inner, pairs[i][1])) {
            return inner;
        } else if (closes && pairs[i][1] != 0x2019) {
            inner = (struct span){value.start, value.length - last};
            if (!contains_code(inner, pairs[i][0])) return inner;
        }
    }
    return value;
}

static struct span undress(struct span value) {
    size_t before;
    do {
        before = value.length;
        value = unquote(trim(value));
    } while (value.length < before);
    return value;
}

// ---- cutting off remarks --------------------------------------------------------------------------------

static bool starts_hedge(struct span text) {
    static const char *const words[] = {
        "likely",   "most",    "probabl", "possib",   "or ",     "uncertain", "approx",
        "high",     "low ",    "medium",  "confid",   "perhaps", "maybe",     "best guess",
        "based on", "because", "due to",  "inferred", "assum",   "specific",  "exact",
        "i ",       "as ",     "since",   "given",    "judging", "guess",     "very likely"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text.length >= strlen(words[i]) && !strncasecmp(text.start, words[i], strlen(words[i])))
            return true;
    return text.length > 0 && memchr(text.start, '%', text.length);
}

// "France (most likely)", "France (90%)": the remark goes, "Congo (Kinshasa)" stays.
static struct span cut_remark(struct span value) {
    const char *open = value.length ? memchr(value.start, '(', value.length) : NULL;
    if (!open || open == value.start) return value;
    return starts_hedge(answer_between(open + 1, value.start + value.length))
               ? answer_between(value.start, open)
               : value;
}

static size_t letters_before(struct span value, size_t at) {
    size_t count = 0, used;
    while (at > 0 && unicode_is_letter(unicode_last((struct span){value.start, at}, &used))) {
        at -= used;
        count++;
    }
    return count;
}

// The end of the first sentence: a full stop after a word of four letters or more ("St. Gallen" goes on), the
// marks of other scripts, or a word that begins a reason.
static struct span cut_sentence(struct span value) {
    static const char *const stops[] = {
        "\xE3\x80\x82", " - ",     " \xE2\x80\x93 ", " \xE2\x80\x94 ", " because ", " based on ", " due to ",
        "; ",           "! ",      ", as ",          ", since ",       ", given ",  ", which ",   ", where ",
        ", judging ",   ", with ", ", but ",         ", though ",      ", because", ", based ",   ", due "};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        const char *stop = answer_find(value, stops[i]);
        if (stop && stop > value.start) value = answer_between(value.start, stop);
    }
    for (size_t i = 1; i + 1 < value.length; i++)
        if (value.start[i] == '.' && value.start[i + 1] == ' ' && letters_before(value, i) >= 4)
            return (struct span){value.start, i};
    return value;
}

// ---- placeholders and refusals --------------------------------------------------------------------------

static bool equals(struct span text, const char *what) {
    return text.length == strlen(what) && !strncasecmp(text.start, what, text.length);
}

static bool is_placeholder(struct span value) {
    static const char *const names[] = {"country",
                                        "city",
                                        "name",
                                        "town",
                                        "country name",
                                        "city name",
                                        "country_name",
                                        "city_name",
                                        "name of the country",
                                        "name of the city",
                                        "name of country",
                                        "name of city",
                                        "insert country",
                                        "insert city",
                                        "your country",
                                        "your city",
                                        "country here",
                                        "city here",
                                        "insert country name",
                                        "insert city name",
                                        "the country",
                                        "the city",
                                        "\xE5\x9B\xBD\xE5\xAE\xB6\xE5\x90\x8D\xE7\xA7\xB0",
                                        "\xE5\x9F\x8E\xE5\xB8\x82\xE5\x90\x8D\xE7\xA7\xB0"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (equals(value, names[i])) return true;
    return false;
}

// Each begins a value that is no place: whole words, or with a * the beginning of one.
static const char *const refusals[] = {
    "unknown", "n/a", "none", "null", "nil", "tbd", "cannot be", "can't be", "can\xE2\x80\x99t be", "cannot",
    "could not be", "couldn't be", "unable to", "impossible to", "not possible", "not enough",
    "not determin*", "not identif*", "not locatable", "not visible", "not specified", "not sure", "not clear",
    "not applicable", "not available", "not provided", "not known", "insufficient", "indetermina*",
    "undetermin*", "unidentif*", "unlocatable", "unspecified", "unclear", "uncertain", "no specific",
    "no city", "no country", "difficult to", "hard to", "i don't know", "i cannot", "i can't", "city unknown",
    "country unknown", "unsure",
    // Chinese: unknown, not clear, cannot ..; Japanese and Korean: unknown
    "\xE6\x9C\xAA\xE7\x9F\xA5*", "\xE4\xB8\x8D\xE6\x98\x8E*", "\xE6\x97\xA0\xE6\xB3\x95*",
    "\xE7\x84\xA1\xE6\xB3\x95*", "\xE4\xB8\x8D\xE7\xA1\xAE\xE5\xAE\x9A*", "\xE4\xB8\x8D\xE8\xA9\xB3*",
    "\xEC\x95\x8C \xEC\x88\x98 \xEC\x97\x86*", "inconnu*", "desconocid*", "unbekannt*", "desconhecid*",
    "sconosciut*", "nicht bestimmbar", "onbekend*", "bilinmiyor*",
    "\xD0\xBD\xD0\xB5\xD0\xB8\xD0\xB7\xD0\xB2\xD0\xB5\xD1\x81\xD1\x82\xD0\xBD*", // Russian, both cases of its
                                                                                 // N
    "\xD0\x9D\xD0\xB5\xD0\xB8\xD0\xB7\xD0\xB2\xD0\xB5\xD1\x81\xD1\x82\xD0\xBD*"};

static bool begins_refusal(struct span value) {
    if (equals(value, "na") || equals(value, "?") || equals(value, "-")) return true;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        size_t length = strlen(refusals[i]), used;
        bool open = refusals[i][length - 1] == '*';
        if (open) length--;
        if (value.length < length || strncasecmp(value.start, refusals[i], length)) continue;
        struct span rest = {value.start + length, value.length - length};
        if (open || rest.length == 0 || !unicode_is_letter(unicode_first(rest, &used))) return true;
    }
    return false;
}

// "Unknown (possibly Kyoto)", "Not sure, maybe Oslo": the guess, hedge and all; empty when there is none. A
// guess names something, so one of its words after the first begins with a capital or is of another script.
static struct span guess_after_refusal(struct span value) {
    static const char *const hedges[] = {
        "likely",         "most likely", "very likely", "possib",
        "probabl",        "perhaps",     "maybe",       "best guess",
        "my guess",       "i think",     "i guess",     "could be",
        "might be",       "vielleicht",  "vermutlich",  "m\xC3\xB6glicherweise",
        "wahrscheinlich", "peut-",       "posible",     "quiz",
        "tal vez",        "talvez",      "forse",       "prov"};
    static const struct span none = {"", 0};
    size_t at = 0, used;
    while (at < value.length && !strchr("(,;:-", value.start[at])) at++;
    if (at == value.length) return none;
    struct span rest = undress(answer_between(value.start + at + 1, value.start + value.length));
    bool hedged = false;
    for (size_t i = 0; i < sizeof hedges / sizeof *hedges && !hedged; i++)
        hedged = rest.length > strlen(hedges[i]) && !strncasecmp(rest.start, hedges[i], strlen(hedges[i]));
    const char *space = hedged ? memchr(rest.start, ' ', rest.length) : NULL;
    for (const char *c = space; c && c + 1 < rest.start + rest.length; c++) {
        struct span word = answer_between(c + 1, rest.start + rest.length);
        bool named = (*word.start >= 'A' && *word.start <= 'Z') || (unsigned char)*word.start >= 0xC3;
        if (*c == ' ' && named && unicode_is_letter(unicode_first(word, &used))) return rest;
    }
    return none;
}

static struct span shorten(struct span value) {
    if (value.length <= MAX_VALUE) return value;
    value.length = MAX_VALUE;
    while (value.length > 0 && ((unsigned char)value.start[value.length] & 0xC0) == 0x80) value.length--;
    return value;
}

bool answer_is_refusal(struct span text) {
    static const char *const phrases[] = {"be determined",
                                          "cannot determine",
                                          "can't determine",
                                          "unable to determine",
                                          "impossible to determine",
                                          "possible to determine",
                                          "cannot identify",
                                          "can't identify",
                                          "unable to identify",
                                          "be identified",
                                          "not locatable",
                                          "insufficient information",
                                          "not enough information",
                                          "i'm sorry",
                                          "i am sorry",
                                          "cannot tell",
                                          "can't tell",
                                          "impossible to tell",
                                          "location is unknown",
                                          "unknown location",
                                          "\xE6\x97\xA0\xE6\xB3\x95\xE7\xA1\xAE\xE5\xAE\x9A",
                                          "\xE6\x97\xA0\xE6\xB3\x95\xE5\x88\xA4\xE6\x96\xAD"};
    struct span bare = undress(shorten(text));
    if (bare.length > 0 && begins_refusal(bare)) return true;
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (answer_find(text, phrases[i])) return true;
    return false;
}

// ---- all together ---------------------------------------------------------------------------------------

// Only marks that stand for "no value": "?", "-", "n/a" would be gone after trimming.
static bool is_blank_mark(struct span value) {
    value = unicode_strip(value);
    return equals(value, "?") || equals(value, "??") || equals(value, "???") || equals(value, "-") ||
           equals(value, "--") || equals(value, "\xE2\x80\x94") || equals(value, "\xE2\x80\x93");
}

bool answer_clean_value(struct span value, struct buffer *out) {
    value = shorten(value);
    if (is_blank_mark(value)) return true;
    value = undress(value);
    if (is_placeholder(value)) return false;
    if (begins_refusal(value)) {
        value = guess_after_refusal(value);
        if (value.length == 0) return true;
    }
    value = undress(cut_sentence(cut_remark(value)));
    if (is_placeholder(value) || value.length > MAX_NAME) return false;
    if (begins_refusal(value)) return true;
    if (!answer_is_sentence(value)) buffer_add(out, value.start, value.length);
    return false;
}
