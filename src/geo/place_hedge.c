#include "geo/place_hedge.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

// All lists in lower case. A longer phrase stands before its beginning.
static const char *const leading[] = {
    "most likely", "very likely", "highly likely", "more likely", "likely", "most probably", "very probably",
    "probably", "probable", "quite possibly", "possibly", "possible", "maybe", "perhaps", "presumably",
    "apparently", "seemingly", "potentially", "conceivably", "i think", "i guess", "i believe", "i would say",
    "i'd say", "my guess is", "my guess", "best guess is", "best guess", "guess", "an educated guess is",
    "it could be", "it may be", "it might be", "could be", "may be", "might be", "must be", "looks like",
    "seems to be", "appears to be", "suggests", "tentatively", "approximately", "approx.", "approx", "about",
    "either", "something like", "not sure, but", "not sure but", "unsure, but", "unclear, but",
    "somewhere in the vicinity of", "somewhere in", "somewhere near", "somewhere around",
    "somewhere close to", "somewhere along", "somewhere outside", "somewhere", "in the vicinity of",
    "vicinity of", "in the area of", "in the", "in", "area around", "the area around", "surroundings of",
    "in or near", "in or around", "at or near", "near to", "near", "nearby", "close to", "around",
    "just outside of", "just outside", "outside of", "outside", "next to", "not far from", "adjacent to",
    "north of", "south of", "east of", "west of", "the north of", "the south of", "the east of",
    "the west of", "the coast of", "coast of", "the countryside of", "countryside of", "a small village in",
    "a village in", "a small town in", "a town in", "rural", "suburban",
    // German, Dutch, Scandinavian, Finnish
    "höchstwahrscheinlich", "sehr wahrscheinlich", "wahrscheinlich", "vermutlich", "möglicherweise",
    "eventuell", "evtl.", "vielleicht", "wohl", "in der nähe von", "nahe", "bei", "irgendwo in",
    "irgendwo bei", "entweder", "ungefähr", "etwa", "waarschijnlijk", "vermoedelijk", "mogelijk", "misschien",
    "in de buurt van", "ergens in", "nabij", "troligen", "förmodligen", "sannolikt", "kanske", "möjligen",
    "nära", "nogonstans i", "sandsynligvis", "formentlig", "muligvis", "måske", "sannsynligvis", "trolig",
    "kanskje", "muligens", "i nærheten af", "i nærheten av", "nær", "todennäköisesti", "luultavasti",
    "mahdollisesti", "ehkä", "lähellä",
    // French, Spanish, Portuguese, Catalan, Italian, Romanian
    "très probablement", "probablement", "possiblement", "vraisemblablement", "sans doute", "peut-être",
    "peut être", "peut-etre", "éventuellement", "soit", "près de", "près d'", "aux environs de",
    "quelque part en", "quelque part à", "quelque part dans", "muy probablemente", "lo más probable",
    "probablemente", "posiblemente", "quizás", "quizas", "quizá", "tal vez", "a lo mejor", "podría ser",
    "puede ser", "cerca de", "en algún lugar de", "alrededor de", "muito provavelmente", "provavelmente",
    "possivelmente", "talvez", "pode ser", "perto de", "próximo a", "em algum lugar de", "probablement",
    "potser", "prop de", "molto probabilmente", "probabilmente", "possibilmente", "forse", "magari",
    "potrebbe essere", "vicino a", "nei pressi di", "da qualche parte in", "probabil", "posibil", "poate",
    "lângă", "aproape de",
    // Polish, Czech, Slovak, Croatian, Serbian, Hungarian, Baltic, Turkish, Greek
    "najprawdopodobniej", "prawdopodobnie", "być może", "możliwe, że", "chyba", "może", "w pobliżu",
    "okolice", "niedaleko", "pravděpodobně", "nejspíše", "nejspíš", "asi", "možná", "snad", "poblíž",
    "pravdepodobne", "možno", "asi", "blízko", "vjerojatno", "verovatno", "možda", "moguće", "blizu",
    "valószínűleg", "talán", "esetleg", "tõenäoliselt", "võib-olla", "iespējams", "varbūt", "tikriausiai",
    "galbūt", "muhtemelen", "büyük olasılıkla", "olasılıkla", "belki", "belki de", "galiba", "πιθανότατα",
    "πιθανώς", "πιθανόν", "ίσως", "μάλλον", "κοντά στο", "κοντά στη", "κοντά στην",
    // Russian, Ukrainian, Bulgarian
    "скорее всего", "вероятнее всего", "вероятно", "возможно", "наверное", "может быть", "предположительно",
    "где-то в", "около", "рядом с", "недалеко от", "найімовірніше", "ймовірно", "імовірно", "можливо",
    "мабуть", "поблизу", "може би", "вероятно е",
    // Arabic, Persian, Hebrew, Hindi, Bengali
    "على الأرجح", "من المحتمل", "من المرجح", "ربما", "قرب", "بالقرب من", "احتمالاً", "احتمالا", "شاید",
    "نزدیک", "כנראה", "אולי", "ליד", "संभवतः", "संभवत:", "शायद", "सम्भवतः", "সম্ভবত", "হয়তো",
    // Indonesian, Vietnamese, Swahili, Filipino, Thai
    "kemungkinan besar", "kemungkinan", "mungkin", "barangkali", "dekat", "di sekitar", "sekitar",
    "có thể là", "có thể", "có lẽ", "có lẽ là", "khả năng là", "gần", "labda", "pengine", "marahil", "siguro",
    "น่าจะเป็น", "น่าจะ", "อาจจะเป็น", "อาจจะ", "อาจเป็น", "อาจ", "คงจะ", "ใกล้",
    // Chinese, Japanese, Korean
    "很可能是", "很可能", "可能是", "可能", "大概是", "大概", "也许是", "也许", "或许是", "或许", "應該是",
    "应该是", "推测为", "推测", "疑似", "恐怕是", "おそらく", "恐らく", "多分", "たぶん", "もしかすると",
    "もしかしたら", "推定", "아마도", "아마", "어쩌면", "추정"};

static const char *const trailing[] = {"most likely",
                                       "very likely",
                                       "likely",
                                       "probably",
                                       "possibly",
                                       "maybe",
                                       "perhaps",
                                       "presumably",
                                       "i think",
                                       "i guess",
                                       "i believe",
                                       "not sure",
                                       "uncertain",
                                       "unsure",
                                       "tentative",
                                       "approximate",
                                       "approximately",
                                       "or nearby",
                                       "or near",
                                       "or similar",
                                       "or somewhere nearby",
                                       "or somewhere similar",
                                       "or surroundings",
                                       "or surrounding area",
                                       "and surroundings",
                                       "and surrounding area",
                                       "surroundings",
                                       "vicinity",
                                       "or its surroundings",
                                       "or vicinity",
                                       "and vicinity",
                                       "or elsewhere",
                                       "or other",
                                       "or another city",
                                       "guess",
                                       "wahrscheinlich",
                                       "vermutlich",
                                       "vielleicht",
                                       "möglicherweise",
                                       "oder umgebung",
                                       "und umgebung",
                                       "probablement",
                                       "peut-être",
                                       "ou environs",
                                       "et environs",
                                       "probablemente",
                                       "posiblemente",
                                       "quizás",
                                       "tal vez",
                                       "o alrededores",
                                       "y alrededores",
                                       "provavelmente",
                                       "talvez",
                                       "e arredores",
                                       "probabilmente",
                                       "forse",
                                       "e dintorni",
                                       "prawdopodobnie",
                                       "i okolice",
                                       "civarı",
                                       "yakınları",
                                       "вероятно",
                                       "возможно",
                                       "и окрестности",
                                       "或附近",
                                       "及附近",
                                       "附近",
                                       "一带",
                                       "一帶",
                                       "周边",
                                       "周邊",
                                       "かもしれない",
                                       "かもしれません",
                                       "かも",
                                       "と思われる",
                                       "と思います",
                                       "だと思います",
                                       "付近",
                                       "周辺",
                                       "近郊",
                                       "あたり",
                                       "の近く",
                                       "か",
                                       "인근",
                                       "근처",
                                       "부근",
                                       "일 것이다",
                                       "일 수도 있음",
                                       "인 것 같다"};

// Between two names.
static const char *const choices[] = {
    "or possibly", "or maybe", "or perhaps", "or",       "and/or", "oder", "ou",   "o",     "eller",
    "vagy",        "lub",      "albo",       "nebo",     "alebo",  "ili",  "или",  "либо",  "або",
    "чи",          "veya",     "ya da",      "atau",     "hoặc",   "ή",    "أو",   "یا",    "או",
    "या",          "vs.",      "vs",         "versus",   "หรือ",    "还是", "還是", "或者",  "或是",
    "或",          "または",   "もしくは",   "あるいは", "か",     "또는", "혹은", "아니면"};

static const char *const pairs[] = {"and", "und", "et", "y", "e", "en", "och", "og", "i", "и", "ve"};

// Between a thing and the place it is near to.
static const char *const nears[] = {"near to",
                                    "near",
                                    "close to",
                                    "outside of",
                                    "just outside",
                                    "outside",
                                    "not far from",
                                    "in the vicinity of",
                                    "next to",
                                    "in der nähe von",
                                    "in de buurt van",
                                    "près de",
                                    "cerca de",
                                    "perto de",
                                    "vicino a",
                                    "w pobliżu",
                                    "niedaleko",
                                    "poblíž",
                                    "недалеко от",
                                    "рядом с",
                                    "около"};

static const char *const unknown[] = {"unknown",
                                      "n/a",
                                      "na",
                                      "none",
                                      "null",
                                      "nil",
                                      "not sure",
                                      "unclear",
                                      "any",
                                      "undefined",
                                      "undetermined",
                                      "indeterminate",
                                      "unspecified",
                                      "not known",
                                      "not specified",
                                      "unidentified",
                                      "unknown city",
                                      "city unknown",
                                      "unknown town",
                                      "unknown location",
                                      "unknown place",
                                      "unknown country",
                                      "cannot determine",
                                      "cannot be determined",
                                      "unsure",
                                      "uncertain",
                                      "inconnu",
                                      "inconnue",
                                      "desconocido",
                                      "desconocida",
                                      "unbekannt",
                                      "sconosciuto",
                                      "sconosciuta",
                                      "desconhecido",
                                      "desconhecida",
                                      "onbekend",
                                      "okänd",
                                      "ukendt",
                                      "ukjent",
                                      "tuntematon",
                                      "nieznane",
                                      "nieznany",
                                      "neznámé",
                                      "neznámý",
                                      "ismeretlen",
                                      "necunoscut",
                                      "bilinmiyor",
                                      "неизвестно",
                                      "неизвестен",
                                      "неизвестный",
                                      "невідомо",
                                      "άγνωστο",
                                      "غير معروف",
                                      "نامشخص",
                                      "अज्ञात",
                                      "tidak diketahui",
                                      "không rõ",
                                      "không xác định",
                                      "ไม่ทราบ",
                                      "未知",
                                      "不明",
                                      "不详",
                                      "不詳",
                                      "不确定",
                                      "不確定",
                                      "알 수 없음",
                                      "미상"};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static int32_t code_at(const char *text, size_t *step) {
    int32_t code = 0;
    utf8proc_ssize_t size = utf8proc_iterate((const uint8_t *)text, -1, &code);
    *step = size > 0 ? (size_t)size : 1;
    return size > 0 ? code : 0xFFFD;
}

static bool is_letter(int32_t code) {
    utf8proc_category_t category = utf8proc_category(code);
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_ND);
}

// Scripts that put no space between words: Thai, and from the kana on all but Hangul.
static bool is_unspaced(int32_t code) {
    return (code >= 0xE00 && code <= 0xE7F) || (code >= 0x2E80 && code < 0xAC00);
}

// The bytes at `text` that are `word` in any case, 0 when it is not there.
static size_t same_word(const char *text, const char *word) {
    const char *at = text;
    unsigned char first = (unsigned char)*text;
    if (first >= 'A' && first <= 'Z') first += 'a' - 'A';
    if (first < 128 && first != (unsigned char)*word) return 0; // as most are, and soon
    while (*word) {
        size_t used, wanted_used;
        if (!*at) return 0;
        int32_t code = code_at(at, &used), wanted = code_at(word, &wanted_used);
        if (code == 0x2019) code = '\'';
        if (code != wanted && utf8proc_tolower(code) != wanted) return 0;
        at += used;
        word += wanted_used;
    }
    return (size_t)(at - text);
}

static const char *previous(const char *start, const char *at) {
    while (at > start && ((unsigned char)*--at & 0xC0) == 0x80) {
    }
    return at;
}

// Whether a word may end (or begin) between these: only unspaced scripts have no mark there.
static bool is_boundary(const char *start, const char *at) {
    size_t used;
    if (at == start || !*at) return true;
    int32_t before = code_at(previous(start, at), &used), after = code_at(at, &used);
    if (before == '\'') return true; // "près d'Arles"
    return !is_letter(before) || !is_letter(after) || is_unspaced(before) || is_unspaced(after);
}

static bool is_trimmed(int32_t code) {
    return code <= ' ' || code == ',' || code == ';' || code == ':' || code == '-' || code == '~' ||
           code == '*' || code == 0x2013 || code == 0x2014 || code == 0x2248 || code == 0xBF ||
           code == 0x2026 || code == 0x3000 || code == 0x3001 || code == 0x3002 || code == 0xFF0C ||
           code == 0xFF1A;
}

static bool is_question(int32_t code) {
    return code == '?' || code == 0xFF1F || code == 0x61F;
}

static char *trim(char *text, bool *marked) {
    size_t used;
    while (*text) {
        int32_t code = code_at(text, &used);
        if (code == '~' || code == 0x2248) *marked = true;
        if (!is_trimmed(code) && !is_question(code)) break;
        text += used;
    }
    for (size_t length = strlen(text); length > 0; length = strlen(text)) {
        const char *last = previous(text, text + length);
        int32_t code = code_at(last, &used);
        if (is_question(code)) *marked = true;
        bool unopened = (code == ')' && !strchr(text, '(')) || (code == ']' && !strchr(text, '['));
        if (!is_trimmed(code) && !is_question(code) && !unopened) break;
        text[last - text] = 0;
    }
    return text;
}

static size_t find_leading(const char *text) {
    size_t best = 0;
    for (size_t i = 0; i < COUNT(leading); i++) {
        size_t length = same_word(text, leading[i]);
        if (length > best && text[length] && is_boundary(text, text + length)) best = length;
    }
    return best;
}

// Where the hedge at the end begins; NULL without one.
static char *find_trailing(char *text) {
    size_t length = strlen(text), best = 0;
    for (size_t i = 0; i < COUNT(trailing); i++) {
        size_t size = strlen(trailing[i]);
        if (size <= best || size >= length || same_word(text + length - size, trailing[i]) != size) continue;
        if (is_boundary(text, text + length - size)) best = size;
    }
    return best ? text + length - best : NULL;
}

// The first of the words that stands between two others; `size` gets its bytes.
static char *find_between(char *text, const char *const *words, size_t count, size_t *size) {
    size_t used;
    for (char *at = text; *at; at += used) {
        code_at(at, &used);
        if (at == text || !is_boundary(text, at)) continue;
        size_t best = 0;
        for (size_t i = 0; i < count; i++) {
            size_t length = same_word(at, words[i]);
            if (length > best && at[length] && is_boundary(text, at + length)) best = length;
        }
        // A Latin word needs spaces: "Trinidad-o" or "d'Or" is no choice.
        bool spaced = at[-1] == ' ' && at[best] == ' ';
        int32_t first = code_at(at, &used);
        if (best && (spaced || is_unspaced(first))) {
            *size = best;
            return at;
        }
    }
    return NULL;
}

bool place_is_unknown(const char *text) {
    bool marked = false;
    char copy[PLACE_NAME_LIMIT + 1];
    if (!text || strlen(text) > PLACE_NAME_LIMIT) return !text;
    snprintf(copy, sizeof copy, "%s", text);
    char *bare = trim(copy, &marked);
    for (size_t i = 0; i < COUNT(unknown); i++)
        if (same_word(bare, unknown[i]) == strlen(bare) && *bare) return true;
    return !*bare;
}

// The bytes of "unknown" and what parts it from a remark, 0 when the text does not begin so.
static size_t skip_unknown(const char *text) {
    static const char *const joints[] = {"(",       "[",       ",",     ";",      ":",     " -",
                                         " \u2013", " \u2014", " but ", "\uFF08", "\uFF0C"};
    for (size_t i = 0; i < COUNT(unknown); i++) {
        size_t length = same_word(text, unknown[i]);
        if (!length) continue;
        const char *rest = text + length;
        while (*rest == ' ' && strncmp(rest, " -", 2) && strncmp(rest, " but ", 5)) rest++;
        for (size_t j = 0; j < COUNT(joints); j++)
            if (!strncmp(rest, joints[j], strlen(joints[j])))
                return (size_t)(rest - text) + strlen(joints[j]);
    }
    return 0;
}

static void drop_brackets(char *text) {
    size_t length = strlen(text);
    if (length > 0 && (text[length - 1] == ')' || text[length - 1] == ']')) text[length - 1] = 0;
    if (length >= 3 && !strcmp(text + length - 3, "\uFF09")) text[length - 3] = 0;
}

static bool is_confidence(const char *text) {
    return strchr(text, '%') || strstr(text, "confiden") || strstr(text, "certain") ||
           strstr(text, "guess") || !*text || !strcmp(text, "?");
}

static void add_name(struct place_hedge *hedge, char *text);

// What stands in front, behind and in brackets goes; returns the name. "Tokyo (or Osaka)" leaves the second
// name in `other`.
static char *strip(struct place_hedge *hedge, char *text, char **other) {
    for (bool again = true; again;) {
        again = false;
        text = trim(text, &hedge->marked);
        size_t size = skip_unknown(text);
        if (size) { // "Unknown (possibly Kyoto)"; "Unknown (rural)" is no name
            char *rest = trim(text + size, &hedge->marked);
            if (same_word(rest, "but ")) rest += 4;
            if (!find_leading(rest)) return text + strlen(text);
            drop_brackets(rest);
            text = rest;
            hedge->marked = again = true;
            continue;
        }
        size = find_leading(text);
        if (size) {
            text += size;
            hedge->marked = again = true;
            continue;
        }
        char *end = find_trailing(text);
        if (end) {
            *end = 0;
            hedge->marked = again = true;
            continue;
        }
        char *open = strpbrk(text, "([");
        if (!open) open = strstr(text, "\uFF08");
        if (open && open > text && !*other) {
            char *inner = open + (*open == '(' || *open == '[' ? 1 : 3),
                 *close = inner + strcspn(inner, ")]");
            char *wide = strstr(inner, "\uFF09");
            if (wide && wide < close) close = wide;
            char kept = *close;
            *close = 0;
            size_t choice = same_word(inner, "or ") ? 3 : find_leading(inner);
            bool remark = choice || place_is_unknown(inner) || is_confidence(inner);
            for (size_t i = 0; i < COUNT(trailing) && !remark; i++)
                remark = same_word(inner, trailing[i]) == strlen(inner);
            if (remark) {
                *open = 0;
                if (choice) *other = inner + choice;
                hedge->marked = again = true;
            } else {
                *close = kept;
            }
        }
    }
    return text;
}

static void split(struct place_hedge *hedge, char *text) {
    size_t size;
    text += strspn(text, " /|");
    if (!*text || hedge->count == PLACE_HEDGE_NAMES) return;
    char *at = find_between(text, choices, COUNT(choices), &size);
    if (at) {
        hedge->marked = true;
    } else if ((at = strpbrk(text, "/|"))) {
        size = 1;
    }
    if (!at) {
        add_name(hedge, text);
        return;
    }
    *at = 0;
    add_name(hedge, text);
    split(hedge, at + size);
}

static void add_name(struct place_hedge *hedge, char *text) {
    char *other = NULL, *name = strip(hedge, text, &other);
    size_t size;
    char *near = *name ? find_between(name, nears, COUNT(nears), &size) : NULL;
    char whole[PLACE_NAME_LIMIT + 1];
    if (near) {
        hedge->marked = true;
        near[-1] = ',';
        memmove(near, near + size, strlen(near + size) + 1);
    }
    if (place_is_unknown(name)) name = NULL;
    if (name && hedge->count < PLACE_HEDGE_NAMES) {
        snprintf(whole, sizeof whole, "%s", name);
        snprintf(hedge->names[hedge->count], sizeof hedge->names[0], "%s", whole);
        hedge->count++;
    }
    if (other) split(hedge, other);
}

void place_hedge_read(const char *text, struct place_hedge *hedge) {
    memset(hedge, 0, sizeof *hedge);
    size_t length = strlen(text), size;
    char copy[PLACE_NAME_LIMIT + 1];
    if (length > PLACE_NAME_LIMIT || place_is_unknown(text)) return;
    memcpy(copy, text, length + 1);
    char *start = trim(copy, &hedge->marked);
    size_t between = same_word(start, "between ");
    if (!between) between = same_word(start, "zwischen ");
    if (!between) between = same_word(start, "entre ");
    char *middle = between ? find_between(start, pairs, COUNT(pairs), &size) : NULL;
    if (middle) { // in its place a slash, which fits every word of the list
        memset(middle, ' ', size);
        *middle = '/';
        start += between;
        hedge->marked = true;
    }
    split(hedge, start);
    hedge->hedged = hedge->marked || hedge->count > 1;
}
