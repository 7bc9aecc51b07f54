#include "locate/clues.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "locate/clues_kinds.h"

// A stretch of the reasoning.
struct range {
    size_t first, end;
};

// --- Lines and blocks: a block is a paragraph, a list item or a heading ---

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static struct range trim(const char *text, struct range range) {
    while (range.first < range.end && is_blank(text[range.first])) range.first++;
    while (range.end > range.first && is_blank(text[range.end - 1])) range.end--;
    return range;
}

static struct range get_line(const char *text, size_t length, size_t first) {
    const char *end = memchr(text + first, '\n', length - first);
    return (struct range){first, end ? (size_t)(end - text) : length};
}

static bool begins(const char *text, struct range range, const char *beginning) {
    size_t length = strlen(beginning);
    return range.end - range.first >= length && memcmp(text + range.first, beginning, length) == 0;
}

// Length of "12." or "(3)" or "4)".
static size_t number_mark(const char *text, struct range line) {
    size_t at = line.first, digits = 0;
    bool opened = at < line.end && text[at] == '(';
    if (opened) at++;
    while (at < line.end && isdigit((unsigned char)text[at]) && digits < 2) at++, digits++;
    if (digits == 0 || at == line.end) return 0;
    bool closed = text[at] == ')' || (text[at] == '.' && !opened);
    return closed ? at + 1 - line.first : 0;
}

static size_t bullet_mark(const char *text, struct range line) {
    static const char *const bullets[] = {"-", "*", "+", ">", "•", "·", "–", "—", "‣", "◦", "▪", "●"};
    for (size_t i = 0; i < sizeof bullets / sizeof *bullets; i++)
        if (begins(text, line, bullets[i])) return strlen(bullets[i]);
    return 0;
}

static size_t heading_mark(const char *text, struct range line) {
    size_t length = 0;
    while (line.first + length < line.end && text[line.first + length] == '#') length++;
    return length;
}

// Where the words of a trimmed line begin, behind all its marks ("- **2. "); line.first when it has none.
static size_t skip_marks(const char *text, struct range line) {
    for (;;) {
        size_t mark = number_mark(text, line);
        if (mark == 0) mark = bullet_mark(text, line);
        if (mark == 0) mark = heading_mark(text, line);
        size_t next = line.first + mark;
        bool ends_mark = mark > 0 && (next == line.end || is_blank(text[next]));
        if (!ends_mark) return line.first;
        line = trim(text, (struct range){next, line.end});
    }
}

static bool ends_with(const char *text, struct range range, const char *ending) {
    size_t length = strlen(ending);
    return range.end - range.first >= length && memcmp(text + range.end - length, ending, length) == 0;
}

// A line that names what follows: "## Signs", "Architecture:", "**Vegetation**", "**Road:**".
static bool is_heading(const char *text, struct range line) {
    if (heading_mark(text, line) > 0) return true;
    if (ends_with(text, line, ":")) return true;
    size_t words = skip_marks(text, line);
    struct range inner = {words, line.end};
    if (!begins(text, inner, "**") || !ends_with(text, inner, "**") || inner.end - inner.first < 5)
        return false;
    return !memchr(text + inner.first + 2, '*', inner.end - inner.first - 4);
}

struct block {
    struct range range; // without its mark
    bool heading;
    bool item; // of a list
};

// The block that begins at *position or later; false at the end of the text.
static bool next_block(const char *text, size_t length, size_t *position, struct block *block) {
    struct range line = {0};
    while (*position < length) {
        struct range whole = get_line(text, length, *position);
        *position = whole.end < length ? whole.end + 1 : length;
        line = trim(text, whole);
        if (line.first < line.end) break;
    }
    if (line.first == line.end) return false;
    size_t words = skip_marks(text, line);
    *block = (struct block){{words, line.end}, is_heading(text, line), words > line.first};
    while (!block->heading && *position < length) {
        struct range whole = get_line(text, length, *position);
        line = trim(text, whole);
        if (line.first == line.end || skip_marks(text, line) != line.first || is_heading(text, line)) break;
        *position = whole.end < length ? whole.end + 1 : length;
        block->range.end = line.end;
    }
    return true;
}

// --- Sentences ---

// Length of the full stop, in whatever script, that stands here.
static size_t stop_length(const char *text, struct range rest) {
    static const char *const stops[] = {".", "!", "?", "…", "。", "！", "？", "।"};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (begins(text, rest, stops[i])) return strlen(stops[i]);
    return 0;
}

static size_t closing_length(const char *text, struct range rest) {
    static const char *const closings[] = {")", "]", "\"", "'", "*", "_", "”", "’", "»", "」", "）"};
    for (size_t i = 0; i < sizeof closings / sizeof *closings; i++)
        if (begins(text, rest, closings[i])) return strlen(closings[i]);
    return 0;
}

static bool is_listed(const char *word, size_t length, const char *const *list) {
    for (; *list; list++)
        if (strlen(*list) == length && strncasecmp(word, *list, length) == 0) return true;
    return false;
}

// Whether the point at `stop` belongs to the word before it: "St.", "e.g.", "J.", "No. 5".
static bool is_abbreviation(const char *text, struct range sentence, size_t stop, bool digit_follows) {
    static const char *const always[] = {"st",  "mt",  "ft",  "mr",  "mrs",    "ms",   "dr",   "prof",
                                         "sr",  "jr",  "vs",  "cf",  "approx", "ave",  "blvd", "rd",
                                         "hwy", "av",  "sta", "ste", "str",    "esp",  "incl", "ca",
                                         "co",  "inc", "ltd", "rua", "gen",    "dept", NULL};
    static const char *const numbered[] = {"no", "nr", "fig", "p", "km", NULL};
    size_t first = stop;
    while (first > sentence.first && !is_blank(text[first - 1]) && !strchr("(\"'[*", text[first - 1]))
        first--;
    const char *word = text + first;
    size_t length = stop - first;
    if (length == 1 && isalpha((unsigned char)*word)) return true;
    if (memchr(word, '.', length)) return true; // "e.g", "U.S"
    return is_listed(word, length, always) || (digit_follows && is_listed(word, length, numbered));
}

// "2", as in a list whose items follow each other in one line.
static bool is_number(const char *text, struct range range) {
    if (range.end - range.first > 2) return false;
    for (size_t i = range.first; i < range.end; i++)
        if (!isdigit((unsigned char)text[i])) return false;
    return true;
}

// Whether a sentence ends with the stop at *at, which is moved behind all of it: "...", "?!", ".\")".
static bool ends_sentence(const char *text, struct range sentence, size_t *at) {
    struct range rest = {*at, sentence.end};
    size_t stop = stop_length(text, rest), start = *at, used;
    bool point = text[start] == '.';
    bool wide = stop == 3 && !begins(text, rest, "…"); // no space follows these
    rest.first += stop;
    while ((used = stop_length(text, rest)) || (used = closing_length(text, rest))) {
        rest.first += used;
        point = false;
    }
    *at = rest.first;
    if (wide || rest.first == rest.end) return true;
    if (!is_blank(text[rest.first])) return false;
    struct range after = trim(text, rest);
    char next = after.first < after.end ? text[after.first] : 0;
    if (islower((unsigned char)next)) return false;
    if (point && is_abbreviation(text, sentence, start, isdigit((unsigned char)next))) return false;
    return !is_number(text, (struct range){sentence.first, start});
}

// Takes the first sentence off the block.
static struct range take_sentence(const char *text, struct range *block) {
    struct range sentence = trim(text, *block);
    size_t at = sentence.first;
    while (at < sentence.end) {
        if (stop_length(text, (struct range){at, sentence.end}) == 0)
            at++;
        else if (ends_sentence(text, sentence, &at))
            break;
    }
    block->first = at;
    sentence = trim(text, (struct range){sentence.first, at});
    sentence.first = skip_marks(text, sentence);
    return sentence;
}

// --- Clues ---

// Which sentences are taken. A later pass runs only when the one before found nothing.
enum pass { PASS_KINDS, PASS_OTHERS, PASS_EVERYTHING, PASSES };

struct search {
    const char *text;
    enum pass pass;
    struct verdict_clue *clues;
    size_t count;
    const char *heading_kind, *item_kind; // what the words above decide, or NULL
    bool list_heading;                    // a line ending in a colon: decides for list items only
    bool concluding;                      // under a heading such as "Conclusion"
};

// The sentence in one line, without emphasis and code marks, cut at CLUES_TEXT_LIMIT.
static void clean_sentence(struct buffer *out, const char *text, size_t length) {
    size_t characters = 0;
    bool space = false;
    for (size_t i = 0, used; i < length; i += used) {
        int32_t code;
        used = utf8_decode(text + i, length - i, &code);
        if (code == '*' || code == '`') continue;
        if (code >= 0 && code < 0x80 && is_blank((char)code)) {
            space = true;
            continue;
        }
        if (++characters > CLUES_TEXT_LIMIT) {
            buffer_add_text(out, "…");
            break;
        }
        if (space && out->length) buffer_add_text(out, " ");
        space = false;
        utf8_add_valid(out, text + i, used);
    }
}

static bool has_letter(const char *text) {
    for (; *text; text++)
        if (isalpha((unsigned char)*text) || (unsigned char)*text >= 0x80) return true;
    return false;
}

static bool is_repetition(const struct search *search, const char *sentence) {
    for (size_t i = 0; i < search->count; i++)
        if (strcmp(search->clues[i].text, sentence) == 0) return true;
    return false;
}

static const char *first_kind(const char *own, const char *item, const char *heading) {
    return own ? own : item ? item : heading;
}

// The kind that this pass gives the sentence; NULL leaves it out.
static const char *choose_kind(const struct search *search, const char *sentence) {
    bool conclusion = search->concluding || clue_is_conclusion(sentence);
    switch (search->pass) {
    case PASS_KINDS:
        if (conclusion) return NULL;
        return first_kind(clue_kind_of(sentence), search->item_kind, search->heading_kind);
    case PASS_OTHERS:
        return conclusion ? NULL : "other";
    default:
        return "other";
    }
}

// "Signs: The shop ..." of kind "sign" need not say so twice.
static const char *skip_label(const char *sentence, const char *kind) {
    size_t length = strcspn(sentence, ": ");
    if (sentence[length] != ':' || sentence[length + 1] != ' ') return sentence;
    bool same = length <= strlen(kind) + 1 && strncasecmp(sentence, kind, strlen(kind)) == 0;
    return same ? sentence + length + 2 : sentence;
}

static int add_clue(struct search *search, struct range range, const char *kind, const char *words,
                    struct error *error) {
    if (is_repetition(search, words)) return 0;
    char *text = memory_copy_string(words, strlen(words), error);
    if (!text) return -1;
    search->clues[search->count++] = (struct verdict_clue){
        .kind = kind, .text = text, .first = range.first, .length = range.end - range.first};
    return 0;
}

static int add_sentence(struct search *search, struct range range, struct error *error) {
    struct buffer clean = {0};
    clean_sentence(&clean, search->text + range.first, range.end - range.first);
    const char *words = clean.data ? clean.data : "";
    const char *kind = has_letter(words) ? choose_kind(search, words) : NULL;
    int result = 0;
    if (clean.failed)
        result = error_set(error, ERROR_MEMORY, "not enough memory for clues");
    else if (kind)
        result = add_clue(search, range, kind, skip_label(words, kind), error);
    buffer_free(&clean);
    return result;
}

// What a heading, or the label of a list item, decides for the sentences under it.
static int read_context(struct search *search, const struct block *block, struct error *error) {
    struct buffer clean = {0};
    clean_sentence(&clean, search->text + block->range.first, block->range.end - block->range.first);
    const char *words = clean.data ? clean.data : "";
    if (block->heading) {
        search->heading_kind = clue_kind_of(words);
        search->list_heading = !block->item && ends_with(search->text, block->range, ":");
        search->concluding = clue_is_conclusion(words);
    } else if (search->list_heading && !block->item) {
        search->heading_kind = NULL;
        search->concluding = false;
    }
    search->item_kind = clue_kind_of_label(words);
    int result = clean.failed ? error_set(error, ERROR_MEMORY, "not enough memory for clues") : 0;
    buffer_free(&clean);
    return result;
}

static int run_pass(struct search *search, size_t length, struct error *error) {
    struct block block;
    size_t position = 0;
    search->heading_kind = search->item_kind = NULL;
    search->list_heading = search->concluding = false;
    while (search->count < CLUES_LIMIT && next_block(search->text, length, &position, &block)) {
        if (read_context(search, &block, error)) return -1;
        if (block.heading && search->pass != PASS_EVERYTHING) continue;
        while (search->count < CLUES_LIMIT && block.range.first < block.range.end)
            if (add_sentence(search, take_sentence(search->text, &block.range), error)) return -1;
    }
    return 0;
}

int clues_find(const char *reasoning, struct verdict_clue **clues, size_t *count, struct error *error) {
    *clues = NULL;
    *count = 0;
    if (!reasoning || !*reasoning) return 0;
    struct search search = {.text = reasoning};
    search.clues = memory_new(CLUES_LIMIT, sizeof *search.clues, "clues", error);
    if (!search.clues) return -1;
    size_t length = strlen(reasoning);
    for (; search.pass < PASSES && search.count == 0; search.pass++)
        if (run_pass(&search, length, error)) {
            verdict_clues_free(search.clues, search.count);
            return -1;
        }
    *clues = search.clues;
    *count = search.count;
    return 0;
}
