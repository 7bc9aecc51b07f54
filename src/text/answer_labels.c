#include "text/answer_labels.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "text/answer_internal.h"

enum { MAX_LABEL = 96 }; // bytes looked at in front of a separator

// ---- words ----------------------------------------------------------------------------------------------

static const struct {
    enum label_kind kind;
    const char *word;
} words[] = {
    {LABEL_PLACE, "city, country"},
    {LABEL_PLACE, "city/country"},
    {LABEL_PLACE, "city and country"},
    {LABEL_PLACE, "city & country"},
    {LABEL_PLACE_BACK, "country, city"},
    {LABEL_PLACE_BACK, "country/city"},
    {LABEL_PLACE_BACK, "country and city"},
    {LABEL_PLACE_BACK, "country & city"},
    {LABEL_COUNTRY, "country name"},
    {LABEL_COUNTRY, "country_name"},
    {LABEL_COUNTRY, "country/region"},
    {LABEL_COUNTRY, "country"},
    {LABEL_COUNTRY, "nation"},
    {LABEL_CITY, "city name"},
    {LABEL_CITY, "city_name"},
    {LABEL_CITY, "city/town"},
    {LABEL_CITY, "city or town"},
    {LABEL_CITY, "city"},
    {LABEL_CITY, "town"},
    {LABEL_PLACE, "final answer"},
    {LABEL_PLACE, "answer"},
    {LABEL_PLACE, "final location"},
    {LABEL_PLACE, "location"},
    {LABEL_PLACE, "best guess"},
    {LABEL_PLACE, "guess"},
    {LABEL_PLACE, "place"},
    {LABEL_PLACE, "prediction"},
    {LABEL_PLACE, "boxed"},
    // French, Spanish, Portuguese, Italian, German, Dutch, Turkish, Polish, Russian, Ukrainian
    {LABEL_COUNTRY, "pays"},
    {LABEL_CITY, "ville"},
    {LABEL_COUNTRY, "país"},
    {LABEL_CITY, "ciudad"},
    {LABEL_CITY, "cidade"},
    {LABEL_COUNTRY, "paese"},
    {LABEL_CITY, "città"},
    {LABEL_COUNTRY, "land"},
    {LABEL_CITY, "stadt"},
    {LABEL_CITY, "stad"},
    {LABEL_COUNTRY, "ülke"},
    {LABEL_CITY, "şehir"},
    {LABEL_COUNTRY, "kraj"},
    {LABEL_CITY, "miasto"},
    {LABEL_COUNTRY, "страна"},
    {LABEL_CITY, "город"},
    {LABEL_COUNTRY, "країна"},
    {LABEL_CITY, "місто"},
    // Chinese, Japanese, Korean, Arabic, Hindi, Thai, Vietnamese, Indonesian
    {LABEL_COUNTRY, "所在国家"},
    {LABEL_CITY, "所在城市"},
    {LABEL_COUNTRY, "国家名称"},
    {LABEL_CITY, "城市名称"},
    {LABEL_COUNTRY, "国家"},
    {LABEL_COUNTRY, "國家"},
    {LABEL_CITY, "城市"},
    {LABEL_COUNTRY, "国名"},
    {LABEL_COUNTRY, "国"},
    {LABEL_CITY, "都市"},
    {LABEL_COUNTRY, "국가"},
    {LABEL_COUNTRY, "나라"},
    {LABEL_CITY, "도시"},
    {LABEL_COUNTRY, "البلد"},
    {LABEL_COUNTRY, "الدولة"},
    {LABEL_CITY, "المدينة"},
    {LABEL_COUNTRY, "देश"},
    {LABEL_CITY, "शहर"},
    {LABEL_COUNTRY, "ประเทศ"},
    {LABEL_CITY, "เมือง"},
    {LABEL_COUNTRY, "quốc gia"},
    {LABEL_CITY, "thành phố"},
    {LABEL_COUNTRY, "negara"},
    {LABEL_CITY, "kota"},
    {LABEL_PLACE, "最终答案"},
    {LABEL_PLACE, "答案"},
    {LABEL_PLACE, "地点"},
};

// Words that may stand between the beginning of a phrase and its label.
static const char *const fillers[] = {
    "the",     "my",      "and",     "most", "likely", "probable", "predicted", "estimated", "possible",
    "nearest", "closest", "guessed", "a",    "so",     "thus",     "therefore", "is"};

// The length of the end of `text` that equals `word` in any case, 0 when it does not. `word` is in lower
// case.
static size_t ends_with(struct span text, const char *word) {
    struct span rest = text, left = {word, strlen(word)};
    while (left.length > 0) {
        size_t used, wanted_used;
        if (rest.length == 0) return 0;
        int32_t code = unicode_last(rest, &used), wanted = unicode_last(left, &wanted_used);
        if (code != wanted && utf8proc_tolower(code) != wanted) return 0;
        rest.length -= used;
        left.length -= wanted_used;
    }
    return text.length - rest.length;
}

static bool ends_in_letter(struct span text) {
    size_t used;
    return text.length > 0 && unicode_is_letter(unicode_last(text, &used));
}

static bool is_quote_or_mark(int32_t code) {
    return code == '*' || code == '_' || code == '`' || code == '"' || code == '\'' || code == '~' ||
           (code >= 0x2018 && code <= 0x201F);
}

static struct span drop_marks(struct span text) {
    size_t used;
    while (text.length > 0 && is_quote_or_mark(unicode_last(text, &used))) text.length -= used;
    return text;
}

static struct span drop_spaces(struct span text) {
    size_t used;
    while (text.length > 0 && unicode_is_space(unicode_last(text, &used))) text.length -= used;
    return text;
}

// "Country (most likely)": the remark is not part of the label.
static struct span drop_remark(struct span text) {
    if (text.length == 0 || text.start[text.length - 1] != ')') return text;
    const char *open = memrchr(text.start, '(', text.length);
    return open ? answer_between(text.start, open) : text;
}

// Takes the filler words off the end; false when an ordinary word remains in front ("capital city").
static bool drop_fillers(struct span *text) {
    for (bool again = true; again;) {
        again = false;
        struct span bare = drop_spaces(*text);
        for (size_t i = 0; i < sizeof fillers / sizeof *fillers && !again; i++) {
            size_t length = ends_with(bare, fillers[i]);
            struct span before = {bare.start, bare.length - length};
            if (length == 0 || ends_in_letter(before)) continue;
            *text = before;
            again = true;
            if (!strcmp(fillers[i], "and")) return true; // begins a phrase by itself
        }
    }
    struct span bare = drop_spaces(*text);
    size_t used;
    if (!ends_in_letter(bare)) return true;
    int32_t last = unicode_last(bare, &used);
    return last >= '0' && last <= '9'; // "1 Country:"
}

// Where the label begins that ends before a separator, and its kind; NULL when there is none.
static const char *read_label(struct span line, enum label_kind *kind) {
    line = drop_spaces(drop_marks(drop_remark(drop_spaces(drop_marks(drop_spaces(line))))));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = ends_with(line, words[i].word);
        struct span before = {line.start, line.length - length};
        if (length == 0 || ends_in_letter(before)) continue;
        // "cross-country:" is one word.
        if (before.length > 1 && before.start[before.length - 1] == '-' &&
            ends_in_letter((struct span){before.start, before.length - 1}))
            return NULL;
        before = drop_marks(before);
        if (!drop_fillers(&before)) return NULL;
        *kind = words[i].kind;
        before = drop_spaces(before);
        // The separator between two labels of one line belongs to neither value.
        if (before.length > 0 && strchr(",;|/<([{", before.start[before.length - 1])) before.length--;
        return before.start + before.length;
    }
    return NULL;
}

bool labels_is_one(struct span text, enum label_kind *kind) {
    text = unicode_strip(text);
    while (text.length > 0 && strchr("#*_ \t", text.start[0]))
        text = answer_between(text.start + 1, text.start + text.length);
    const char *start = read_label(text, kind);
    return text.length > 0 && start == text.start;
}

// ---- separators -----------------------------------------------------------------------------------------

static bool begins(struct span text, const char *what) {
    return text.length >= strlen(what) && !memcmp(text.start, what, strlen(what));
}

// " is " introduces a name only when one follows: "the country is known for .." does not.
static bool name_follows(struct span rest) {
    static const char *const hedges[] = {"most likely ", "likely ", "probably ", "definitely ", "clearly "};
    for (size_t i = 0; i < sizeof hedges / sizeof *hedges; i++)
        if (begins(rest, hedges[i]))
            rest = answer_between(rest.start + strlen(hedges[i]), rest.start + rest.length);
    return rest.length > 0 && ((rest.start[0] >= 'A' && rest.start[0] <= 'Z') || rest.start[0] == '*' ||
                               (unsigned char)rest.start[0] >= 0x80);
}

// The bytes of a separator at the beginning of `rest`, 0 when there is none.
static size_t separator(struct span rest, bool space_before) {
    static const char *const always[] = {":", "\xEF\xBC\x9A", "=", "|", ">", "{", "\t", "\xE2\x86\x92"};
    static const char *const after_space[] = {"- ", "\xE2\x80\x93 ", "\xE2\x80\x94 ", "-> "};
    static const char *const is[] = {"is most likely ", "is likely ",  "is probably ",
                                     "is definitely ",  "is clearly ", "is "};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (begins(rest, always[i])) return strlen(always[i]);
    if (!space_before) return 0;
    for (size_t i = 0; i < sizeof after_space / sizeof *after_space; i++)
        if (begins(rest, after_space[i])) return strlen(after_space[i]);
    for (size_t i = 0; i < sizeof is / sizeof *is; i++)
        if (begins(rest, is[i]) &&
            name_follows((struct span){rest.start + strlen(is[i]), rest.length - strlen(is[i])}))
            return strlen(is[i]);
    return 0;
}

// The part of the line before `at`, as far as a label may reach.
static struct span line_before(struct span text, const char *at) {
    const char *start = at - text.start > MAX_LABEL ? at - MAX_LABEL : text.start;
    const char *newline = at > start ? memrchr(start, '\n', (size_t)(at - start)) : NULL;
    if (newline) start = newline + 1;
    while (start < at && ((unsigned char)*start & 0xC0) == 0x80) start++;
    return answer_between(start, at);
}

static void add(struct labels *labels, struct label label) {
    if (labels->count == labels->capacity) {
        size_t capacity = labels->capacity ? labels->capacity * 2 : 16;
        struct label *list = memory_grow(labels->list, capacity, sizeof *list, "labels", NULL);
        if (!list) {
            labels->failed = true;
            return;
        }
        labels->list = list;
        labels->capacity = capacity;
    }
    labels->list[labels->count++] = label;
}

// ---- values ---------------------------------------------------------------------------------------------

// Tags at the beginning of a value are skipped ("<b>France</b>", and "</b> France" of "<b>Country:</b>
// France"); a later one ends it.
static const char *skip_tags(struct span value) {
    const char *end = value.start + value.length;
    for (;;) {
        value = unicode_strip(value);
        if (value.length == 0 || value.start[0] != '<') return value.start;
        const char *close = memchr(value.start, '>', value.length < 24 ? value.length : 24);
        if (!close) return value.start;
        value = answer_between(close + 1, end);
    }
}

static const char *end_of_line(const char *start, const char *end) {
    const char *newline = memchr(start, '\n', (size_t)(end - start));
    return newline ? newline : end;
}

static const char *end_of_value(const char *start, const char *end) {
    end = end_of_line(start, end);
    for (const char *at = start; at < end; at++) {
        if (*at == '|' || *at == '<') return at;
        if (*at == '`' && end - at >= 3 && at[1] == '`' && at[2] == '`') return at;
    }
    return end;
}

static bool is_empty(struct span value) {
    size_t used;
    for (value = unicode_strip(value); value.length > 0; value.start += used, value.length -= used) {
        int32_t code = unicode_first(value, &used);
        if (code != '*' && code != '_' && code != ':' && code != '>' && !unicode_is_space(code)) return false;
    }
    return true;
}

// The value between the separator and the next label.
static struct span find_value(const char *start, const char *limit) {
    struct span value = answer_between(start, limit);
    for (int line = 0; line < 2 && value.length > 0; line++) {
        const char *from = line == 0 ? value.start : unicode_strip(value).start;
        struct span first = answer_between(from, end_of_line(from, limit));
        from = skip_tags(first);
        struct span here = answer_between(from, end_of_value(from, limit));
        if (!is_empty(here)) return here;
        const char *newline =
            memchr(here.start + here.length, '\n', (size_t)(limit - here.start - here.length));
        if (!newline) break;
        value = answer_between(newline + 1, limit);
    }
    return (struct span){start, 0};
}

// "## Country" or "**City**" on a line of its own: the value is on the next.
static bool is_heading(struct span line, enum label_kind *kind) {
    line = unicode_strip(line);
    return line.length > 0 && (line.start[0] == '#' || line.start[0] == '*') && labels_is_one(line, kind) &&
           (*kind == LABEL_COUNTRY || *kind == LABEL_CITY);
}

void labels_find(struct labels *labels, struct span text) {
    const char *end = text.start + text.length;
    labels->end = end;
    for (const char *at = text.start; at < end;) {
        bool space_before = at > text.start && (at[-1] == ' ' || at[-1] == '*');
        size_t length = separator(answer_between(at, end), space_before);
        struct label label = {.value = {at + length, 0}};
        if (length > 0) label.start = read_label(line_before(text, at), &label.kind);
        if (length == 0 && *at == '\n' && is_heading(line_before(text, at), &label.kind)) {
            label.start = line_before(text, at).start;
            label.value.start = at + 1;
        }
        if (label.start) add(labels, label);
        at += length > 0 ? length : 1;
    }
    for (size_t i = 0; i < labels->count; i++) {
        struct label *label = &labels->list[i];
        const char *limit = i + 1 < labels->count ? labels->list[i + 1].start : end;
        label->value =
            find_value(label->value.start, limit > label->value.start ? limit : label->value.start);
    }
}

void labels_free(struct labels *labels) {
    free(labels->list);
    *labels = (struct labels){0};
}
