#include "geo/place_name.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

// Letters that no Unicode decomposition takes apart, after case folding.
static const struct {
    int32_t letter;
    const char *plain, *expanded;
} letters[] = {
    {0x00E6, "ae", "ae"},
    {0x00F0, "d", "d"},
    {0x00F8, "o", "oe"},
    {0x00FE, "th", "th"},
    {0x0111, "d", "dj"},
    {0x0127, "h", "h"},
    {0x0131, "i", "i"},
    {0x0142, "l", "l"},
    {0x014B, "ng", "ng"},
    {0x0153, "oe", "oe"},
    {0x0167, "t", "t"},
    {0x0180, "b", "b"},
    {0x0188, "c", "c"},
    {0x0199, "k", "k"},
    {0x01B4, "y", "y"},
    {0x0253, "b", "b"},
    {0x0254, "o", "o"},
    {0x0256, "d", "d"},
    {0x0257, "d", "d"},
    {0x0259, "e", "a"},
    {0x025B, "e", "e"},
    {0x0268, "i", "i"},
    {0x0272, "n", "ny"},
    // Arabic letters, and a Chinese one (Taipei's), that are written one for the other.
    {0x0629, "\u0647", "\u0647"},
    {0x0649, "\u064A", "\u064A"},
    {0x06CC, "\u064A", "\u064A"},
    {0x06A9, "\u0643", "\u0643"},
    {0x06C1, "\u0647", "\u0647"},
    {0x81FA, "\u53F0", "\u53F0"},
    {0x0640, "", ""},
};

static const struct {
    const char *word, *canonical;
} words[] = {{"saint", "st"}, {"sainte", "ste"}, {"mount", "mt"}, {"fort", "ft"}};

// The key while it grows, as code points, so that Hangul and kana can be composed again at the end.
struct draft {
    int32_t *points;
    size_t count;
    size_t word;  // where the current word begins
    size_t point; // where the current word begins, or goes on after the point of an initial
    bool expand;
};

static bool is_apostrophe(int32_t c) {
    return c == '\'' || c == '`' || c == 0xB4 || c == 0x2B9 || c == 0x2032 || (c >= 0x2BB && c <= 0x2BF) ||
           (c >= 0x2018 && c <= 0x201B) || c == 0x5F3 || c == 0xA78C || c == 0xFF07;
}

// Marks that readers leave out: Latin, Greek and Cyrillic diacritics, Hebrew points, Arabic vowel signs.
static bool is_optional_mark(int32_t c) {
    return (c >= 0x300 && c <= 0x36F) || (c >= 0x591 && c <= 0x5C7) || (c >= 0x64B && c <= 0x65F) ||
           c == 0x670;
}

static void add_text(struct draft *draft, const char *ascii_or_utf8) {
    const uint8_t *at = (const uint8_t *)ascii_or_utf8;
    while (*at) {
        int32_t c;
        utf8proc_ssize_t step = utf8proc_iterate(at, -1, &c);
        if (step <= 0) return;
        draft->points[draft->count++] = c;
        at += step;
    }
}

static void end_word(struct draft *draft) {
    if (draft->count == draft->word) return;
    size_t length = draft->count - draft->word;
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        size_t i = 0;
        while (i < length && words[w].word[i] == draft->points[draft->word + i]) i++;
        if (i < length || words[w].word[i]) continue;
        draft->count = draft->word;
        add_text(draft, words[w].canonical);
        break;
    }
    draft->points[draft->count++] = ' ';
    draft->word = draft->point = draft->count;
}

static void add_mark(struct draft *draft, int32_t mark) {
    int32_t base = draft->count > draft->word ? draft->points[draft->count - 1] : 0;
    if (mark == 0x306 && base == 0x438)
        draft->points[draft->count++] = mark; // Cyrillic short i is a letter of its own
    else if (draft->expand && mark == 0x308 && (base == 'a' || base == 'o' || base == 'u'))
        draft->points[draft->count++] = 'e';
    else if (draft->expand && mark == 0x30A && base == 'a')
        draft->points[draft->count++] = 'a';
}

static void add_letter(struct draft *draft, int32_t c) {
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (letters[i].letter != c) continue;
        add_text(draft, draft->expand ? letters[i].expanded : letters[i].plain);
        return;
    }
    draft->points[draft->count++] = c;
}

static bool is_word_character(int32_t c) {
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return true;
    default:
        return false;
    }
}

static void add_character(struct draft *draft, int32_t c) {
    if (is_optional_mark(c)) {
        add_mark(draft, c);
    } else if (c == '.') {
        // The point of an initial joins (U.S.A. is usa), any other ends the word (St.Louis is st louis).
        if (draft->count - draft->point != 1) end_word(draft);
        draft->point = draft->count;
    } else if (c == '&') {
        end_word(draft);
        add_text(draft, "and");
        end_word(draft);
    } else if (is_word_character(c)) {
        add_letter(draft, c);
    } else {
        end_word(draft);
    }
}

// Apostrophes go before NFKD, which would turn some of them into a space and a mark.
static int add_utf8(struct draft *draft, const char *text, size_t length, struct error *error) {
    const int options = UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
    for (size_t at = 0; at < length;) {
        int32_t c, parts[64];
        utf8proc_ssize_t step =
            utf8proc_iterate((const uint8_t *)text + at, (utf8proc_ssize_t)(length - at), &c);
        if (step <= 0) return error_set(error, ERROR_INPUT, "place name: invalid UTF-8 at byte %zu", at);
        if (c == 0) return error_set(error, ERROR_INPUT, "place name: NUL byte at byte %zu", at);
        at += (size_t)step;
        if (is_apostrophe(c)) continue;
        int class = 0;
        utf8proc_ssize_t count =
            utf8proc_decompose_char(c, parts, sizeof parts / sizeof *parts, options, &class);
        if (count > (utf8proc_ssize_t)(sizeof parts / sizeof *parts)) continue; // no such character exists
        for (utf8proc_ssize_t i = 0; i < count; i++) add_character(draft, parts[i]);
    }
    end_word(draft);
    if (draft->count > 0) draft->count--; // the last space
    return 0;
}

static int encode(struct draft *draft, char key[PLACE_KEY_SIZE], struct error *error) {
    const int options = UTF8PROC_COMPOSE | UTF8PROC_STABLE;
    utf8proc_ssize_t count = utf8proc_normalize_utf32(draft->points, (utf8proc_ssize_t)draft->count, options);
    size_t length = 0;
    for (utf8proc_ssize_t i = 0; i < count; i++) {
        if (length + 4 >= PLACE_KEY_SIZE)
            return error_set(error, ERROR_LIMIT, "place name: its key has more than %d bytes",
                             PLACE_KEY_SIZE);
        length += (size_t)utf8proc_encode_char(draft->points[i], (uint8_t *)key + length);
    }
    key[length] = 0;
    return 0;
}

int place_key(const char *text, size_t length, bool expand, char key[PLACE_KEY_SIZE], struct error *error) {
    key[0] = 0;
    if (length > PLACE_NAME_LIMIT)
        return error_set(error, ERROR_LIMIT, "place name: %zu bytes, more than the %d that are looked up",
                         length, PLACE_NAME_LIMIT);
    // A three-byte Arabic phrase decomposes into 18 code points, an ampersand into four: 12 a byte is ample.
    int32_t points[PLACE_NAME_LIMIT * 12 + 8];
    struct draft draft = {.points = points, .expand = expand};
    if (add_utf8(&draft, text, length, error)) return -1;
    return encode(&draft, key, error);
}

static const char *const prefixes[] = {
    "city of ",
    "the city of ",
    "town of ",
    "village of ",
    "municipality of ",
    "greater ",
    "downtown ",
    "central ",
    "metropolitan ",
    "metro ",
    "old town of ",
    "near ",
    "state of ",
    "province of ",
    "region of ",
    "county of ",
    "republic of ",
    "the ",
    "outskirts of ",
    "suburbs of ",
    "island of ",
    "ciudad de ",
    "cidade de ",
    "ville de ",
    "commune de ",
    "comune di ",
    "gemeinde ",
    "stadt ",
    "kota ",
    "thanh pho ",
    "al ",
    "el ",
    "la ",
    "le ",
    "il ",
    "old ",
    "city and county of ",
    "historic ",
    "district of ",
    "prefecture of ",
    "isle of ",
    "isla de ",
};

static const char *const suffixes[] = {
    " metropolitan area",
    " metropolitan region",
    " metro area",
    " urban area",
    " city",
    " town",
    " village",
    " area",
    " region",
    " province",
    " municipality",
    " county",
    " district",
    " prefecture",
    " governorate",
    " oblast",
    " krai",
    " state",
    " metropolis",
    " city centre",
    " city center",
    " old town",
    " downtown",
    " suburbs",
    " shi",
    " si",
    " gun",
    " ken",
    " island",
    " islands",
    " metro",
    " township",
    " borough",
    " canton",
    " department",
    " parish",
    " special administrative region",
    " autonomous region",
    " capital region",
    " dc",
    "\u5E02",
    "\u7701",
    "\u770C",
    "\uC2DC",
    "\u90FD",
    "\u5E9C",
};

// What is left out of a name, % being the name: "Ho Chi Minh", "Hunan", "Vaud", "Sikkim", or the word for city,
// metropolis or special city in Chinese, Japanese and Korean.
static const char *const latin_endings[] = {"% city", NULL};
static const char *const region_words[] = {
    "% province", "% prefecture",  "% region",    "% territory", "% oblast",
    "% state",    "% governorate", "canton of %", "state of %",  NULL};
static const char *const eastern_endings[] = {
    "%\u5E02", "%\u90FD", "%\u5E9C", "%\uC2DC", "%\uAD11\uC5ED\uC2DC", "%\uD2B9\uBCC4\uC2DC", NULL};

static void add_variant(char variants[PLACE_KEY_VARIANTS][PLACE_KEY_SIZE], int *count, const char *text,
                        size_t length, const char *key) {
    if (*count == PLACE_KEY_VARIANTS || length < 2 || length >= PLACE_KEY_SIZE) return;
    if (strlen(key) == length && !memcmp(key, text, length)) return;
    for (int i = 0; i < *count; i++)
        if (strlen(variants[i]) == length && !memcmp(variants[i], text, length)) return;
    memcpy(variants[*count], text, length);
    variants[(*count)++][length] = 0;
}

// The key without its longest prefix and suffix of the lists; 0 where there is none.
static size_t prefix_length(const char *key, size_t length) {
    size_t best = 0;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t size = strlen(prefixes[i]);
        if (size > best && length > size && !memcmp(key, prefixes[i], size)) best = size;
    }
    return best;
}

static size_t suffix_length(const char *key, size_t length) {
    size_t best = 0;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t size = strlen(suffixes[i]);
        if (size > best && length > size && !memcmp(key + length - size, suffixes[i], size)) best = size;
    }
    return best;
}

// Where a key without the postal code in front of it begins, and where one behind it ends ("75007 paris").
static void drop_numbers(const char *key, size_t *start, size_t *end) {
    size_t first = strspn(key, "0123456789"), last = *end;
    if (first >= 4 && key[first] == ' ') *start = first + 1;
    while (last > *start && key[last - 1] >= '0' && key[last - 1] <= '9') last--;
    if (*end - last >= 4 && last > *start + 1 && key[last - 1] == ' ') *end = last - 1;
}

// Many countries have a Western Province, and nobody means one of them by "western".
static bool is_direction(const char *key) {
    static const char *const directions[] = {
        "north",        "south",        "east",         "west",         "central",    "northern",
        "southern",     "eastern",      "western",      "middle",       "north east", "north west",
        "south east",   "south west",   "northeast",    "northwest",    "southeast",  "southwest",
        "northeastern", "northwestern", "southeastern", "southwestern", "coast",      "capital",
        "upper",        "lower",        "coastal",      "interior",     "national",   "federal"};
    for (size_t i = 0; i < sizeof directions / sizeof *directions; i++)
        if (strcmp(key, directions[i]) == 0) return true;
    return false;
}

static void add_longer(char variants[PLACE_KEY_VARIANTS][PLACE_KEY_SIZE], int *count,
                       const char *const *forms, const char *key) {
    for (; key[0] && *forms; forms++) {
        char longer[PLACE_KEY_SIZE];
        const char *mark = strchr(*forms, '%');
        int size = snprintf(longer, sizeof longer, "%.*s%s%s", (int)(mark - *forms), *forms, key, mark + 1);
        if (size < PLACE_KEY_SIZE) add_variant(variants, count, longer, (size_t)size, key);
    }
}

int place_key_variants(const char *key, char variants[PLACE_KEY_VARIANTS][PLACE_KEY_SIZE]) {
    int count = 0;
    size_t length = strlen(key), start = 0, end = length;
    drop_numbers(key, &start, &end);
    if (end - start < length) add_variant(variants, &count, key + start, end - start, key);
    for (int round = 0; round < 3; round++) { // "greater metropolitan x", "x city municipality"
        size_t suffix = suffix_length(key + start, end - start),
               prefix = prefix_length(key + start, end - start);
        if (!suffix && !prefix) break;
        if (suffix) add_variant(variants, &count, key + start, end - start - suffix, key);
        if (prefix) add_variant(variants, &count, key + start + prefix, end - start - prefix, key);
        if (prefix + suffix >= end - start) break;
        if (suffix && prefix)
            add_variant(variants, &count, key + start + prefix, end - start - prefix - suffix, key);
        start += prefix;
        end -= suffix;
    }
    if ((unsigned char)key[0] < 128) {
        add_longer(variants, &count, latin_endings, key);
        if (!is_direction(key)) add_longer(variants, &count, region_words, key);
    } else {
        add_longer(variants, &count, eastern_endings, key);
    }
    return count;
}

// Letters in the order of the Unicode blocks, as keys have them (lower case, without diacritics).
static const char *const greek[] = {
    "a", "v", "g", "d", "e", "z", "i", "th", "i", "k",  "l",  "m", "n",
    "x", "o", "p", "r", "s", "s", "t", "y",  "f", "ch", "ps", "o"}; // from 3B1
static const char *const cyrillic[] = {
    "a", "b", "v", "g", "d", "e",  "zh", "z",  "i",  "y",    "k",  "l", "m", "n", "o",  "p",
    "r", "s", "t", "u", "f", "kh", "ts", "ch", "sh", "shch", "",   "y", "",  "e", "yu", "ya",
    "e", "e", "d", "g", "e", "z",  "i",  "i",  "j",  "lj",   "nj", "c", "k", "i", "u",  "dz"}; // from 430

static const char *latin_of(int32_t c) {
    if (c >= 0x3B1 && c < 0x3B1 + (int32_t)(sizeof greek / sizeof *greek)) return greek[c - 0x3B1];
    if (c >= 0x430 && c < 0x430 + (int32_t)(sizeof cyrillic / sizeof *cyrillic)) return cyrillic[c - 0x430];
    if (c == 0x491) return "g"; // Ukrainian ghe with upturn
    return NULL;
}

bool place_key_transliterate(const char *key, char latin[PLACE_KEY_SIZE]) {
    size_t length = 0;
    bool any = false;
    for (const uint8_t *at = (const uint8_t *)key; *at;) {
        int32_t c;
        utf8proc_ssize_t step = utf8proc_iterate(at, -1, &c);
        if (step <= 0) return false;
        at += step;
        char ascii[2] = {c < 128 ? (char)c : 0, 0};
        const char *text = c < 128 ? ascii : latin_of(c);
        if (!text) return false;
        any = any || c >= 128;
        if (length + strlen(text) + 1 >= PLACE_KEY_SIZE) return false;
        memcpy(latin + length, text, strlen(text));
        length += strlen(text);
    }
    latin[length] = 0;
    return any && length > 0;
}

int place_key_edits(const char *a, size_t a_length, const char *b, size_t b_length, int limit) {
    enum { BAND = 3, ROWS = 3 };
    if (limit > BAND) limit = BAND;
    size_t gap = a_length > b_length ? a_length - b_length : b_length - a_length;
    if (gap > (size_t)limit || b_length >= PLACE_KEY_SIZE) return limit + 1;
    int table[ROWS][PLACE_KEY_SIZE];
    for (size_t j = 0; j <= b_length; j++) table[0][j] = (int)j;
    for (size_t i = 1; i <= a_length; i++) {
        int *row = table[i % ROWS], *above = table[(i - 1) % ROWS], *before = table[(i + 1) % ROWS], least;
        row[0] = least = (int)i;
        for (size_t j = 1; j <= b_length; j++) {
            int best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
            if (best < least) least = best;
        }
        if (least > limit) return limit + 1;
    }
    int edits = table[a_length % ROWS][b_length];
    return edits > limit ? limit + 1 : edits;
}
