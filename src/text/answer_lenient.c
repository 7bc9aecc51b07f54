// Reading a completion as a person would. Where: the last <answer> block after the thinking, else what stands
// after the thinking, else the whole text. How, in this order: a JSON object, labelled values, a labelled
// place ("Final answer: Paris, France"), a bare "Paris, France", a place named in running text.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text/answer_internal.h"
#include "text/answer_labels.h"

enum {
    MAX_OBJECTS = 32, // places to try JSON at
    MAX_BARE = 120,   // bytes of a bare answer
    MAX_COLUMNS = 12  // of a table
};

static void read_place(struct reading *reading, struct span place);

static bool is_done(const struct reading *reading) {
    return reading->country.length > 0 || reading->city.length > 0 || reading->declined;
}

static void note_place(struct reading *reading, const char *where) {
    if (!reading->where || where < reading->where) reading->where = where;
}

// ---- JSON -----------------------------------------------------------------------------------------------

// A string, the first of a list, or the "name" of an object; null says that it is not known.
static void read_name(struct reading *reading, const json_t *value, struct buffer *out) {
    if (json_is_array(value)) value = json_array_get(value, 0);
    if (json_is_object(value)) value = json_object_get(value, "name");
    if (json_is_null(value)) reading->declined = true;
    if (json_is_string(value) &&
        answer_clean_value((struct span){json_string_value(value), json_string_length(value)}, out))
        reading->declined = true;
}

static void read_field(struct reading *reading, const char *key, const json_t *value) {
    bool country = !strcasecmp(key, "country") || !strcasecmp(key, "country_name") ||
                   !strcasecmp(key, "country name") || !strcasecmp(key, "countryName");
    bool city = !strcasecmp(key, "city") || !strcasecmp(key, "city_name") || !strcasecmp(key, "town") ||
                !strcasecmp(key, "city name") || !strcasecmp(key, "cityName");
    struct buffer *out = country ? &reading->country : &reading->city;
    if ((country || city) && out->length == 0) read_name(reading, value, out);
}

// {"location": "Paris, France"}
static void read_place_field(struct reading *reading, const json_t *object) {
    static const char *const keys[] = {"location", "place", "answer", "final_answer", "prediction", "guess"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !is_done(reading); i++) {
        const json_t *value = json_object_get(object, keys[i]);
        if (json_is_string(value))
            read_place(reading, (struct span){json_string_value(value), json_string_length(value)});
    }
}

static void read_object(struct reading *reading, struct span text) {
    // The text has no NULs, but an escaped one would cut the value; jansson refuses it by default.
    json_t *object = json_loadb(text.start, text.length, JSON_DISABLE_EOF_CHECK, NULL), *value;
    const char *key;
    json_object_foreach(object, key, value) read_field(reading, key, value);
    if (!is_done(reading)) read_place_field(reading, object);
    if (object && is_done(reading)) note_place(reading, text.start);
    json_decref(object);
}

static void read_json(struct reading *reading, struct span text) {
    const char *at = text.start, *end = text.start + text.length;
    for (int tries = 0; tries < MAX_OBJECTS && at < end && !is_done(reading); tries++) {
        at = memchr(at, '{', (size_t)(end - at));
        if (!at) return;
        read_object(reading, answer_between(at, end));
        at++;
    }
}

// ---- labels ---------------------------------------------------------------------------------------------

// A quotation that the text's end cut off: '"city": "Par'.
static bool is_half(struct span value, const char *end) {
    value = unicode_strip(value);
    return value.length > 0 && value.start[0] == '"' && value.start + value.length == end &&
           !memchr(value.start + 1, '"', value.length - 1);
}

// The first label of this kind whose value says something, or the last one.
static void read_label(struct reading *reading, const struct labels *labels, enum label_kind kind, bool last,
                       struct buffer *out) {
    for (size_t i = 0; i < labels->count && out->length == 0; i++) {
        const struct label *label = &labels->list[last ? labels->count - 1 - i : i];
        if (label->kind != kind || label->value.length == 0 || is_half(label->value, labels->end)) continue;
        bool declined = answer_clean_value(label->value, out);
        if (declined) reading->declined = true;
        if (declined || out->length > 0) {
            note_place(reading, label->start);
            return;
        }
    }
}

// ---- a city and its country in one ----------------------------------------------------------------------

static bool is_comma(int32_t code) {
    return code == ',' || code == 0xFF0C || code == 0x3001; // the last two: fullwidth and ideographic
}

// "Paris, Île-de-France, France" or "Paris (France)": the city comes first, the country last. A single name
// is taken for the country, the safer half.
static void split_place(struct reading *reading, struct span place) {
    const char *end = place.start + place.length, *first_end = NULL, *last_start = place.start;
    size_t used;
    for (const char *at = place.start; at < end; at += used) {
        int32_t code = unicode_first(answer_between(at, end), &used);
        if (!is_comma(code) && !(code == '(' && !first_end && at > place.start)) continue;
        if (!first_end) first_end = at;
        last_start = at + used;
    }
    if (first_end && answer_clean_value(answer_between(place.start, first_end), &reading->city))
        reading->declined = true;
    if (answer_clean_value(answer_between(last_start, end), &reading->country)) reading->declined = true;
}

static void read_place(struct reading *reading, struct span place) {
    struct buffer clean = {0};
    if (answer_clean_value(place, &clean)) reading->declined = true;
    if (clean.length > 0) split_place(reading, (struct span){clean.data, clean.length});
    if (clean.failed) reading->city.failed = true;
    buffer_free(&clean);
}

// "Portugal, Lisbon" or "Portugal/Lisbon", where the label says that the country comes first.
static void read_place_back(struct reading *reading, struct span place) {
    const char *end = place.start + place.length, *comma = memchr(place.start, ',', place.length);
    if (!comma) comma = memchr(place.start, '/', place.length);
    if (answer_clean_value(answer_between(place.start, comma ? comma : end), &reading->country))
        reading->declined = true;
    if (comma && answer_clean_value(answer_between(comma + 1, end), &reading->city)) reading->declined = true;
}

static void read_labelled_place(struct reading *reading, const struct labels *labels, bool last) {
    struct buffer place = {0}, back = {0};
    read_label(reading, labels, LABEL_PLACE, last, &place);
    if (place.length == 0) read_label(reading, labels, LABEL_PLACE_BACK, last, &back);
    if (place.length > 0) read_place(reading, (struct span){place.data, place.length});
    if (back.length > 0) read_place_back(reading, (struct span){back.data, back.length});
    buffer_free(&place);
    buffer_free(&back);
}

// ---- tables ---------------------------------------------------------------------------------------------

// The cell of this number (from 0) in a row "| a | b |"; empty when there is none.
static struct span cell_of(struct span row, size_t number) {
    const char *end = row.start + row.length, *at = row.start;
    if (at < end && *at == '|') at++;
    for (size_t i = 0;; i++) {
        const char *bar = at < end ? memchr(at, '|', (size_t)(end - at)) : NULL;
        if (i == number) return unicode_strip(answer_between(at, bar ? bar : end));
        if (!bar) return (struct span){end, 0};
        at = bar + 1;
    }
}

static struct span take_row(struct span *rest) {
    const char *end = rest->start + rest->length, *newline = memchr(rest->start, '\n', rest->length);
    struct span row = unicode_strip(answer_between(rest->start, newline ? newline : end));
    *rest = answer_between(newline ? newline + 1 : end, end);
    return row;
}

static bool is_rule(struct span row) {
    for (size_t i = 0; i < row.length; i++)
        if (!strchr("|-: ", row.start[i])) return false;
    return row.length > 2;
}

// A table whose head names the columns: its first row counts.
static void read_table(struct reading *reading, struct span text) {
    for (struct span rest = text; rest.length > 0 && !is_done(reading);) {
        struct span head = take_row(&rest), after = rest;
        if (head.length == 0 || !memchr(head.start, '|', head.length) || !is_rule(take_row(&after))) continue;
        struct span row = take_row(&after);
        for (size_t i = 0; i < MAX_COLUMNS; i++) {
            enum label_kind kind;
            if (!labels_is_one(cell_of(head, i), &kind)) continue;
            struct buffer *out = kind == LABEL_COUNTRY ? &reading->country : &reading->city;
            struct span cell = cell_of(row, i);
            if (kind == LABEL_PLACE)
                read_place(reading, cell);
            else if (out->length == 0 && kind != LABEL_PLACE_BACK && answer_clean_value(cell, out))
                reading->declined = true;
        }
        if (is_done(reading)) note_place(reading, head.start);
    }
}

static bool starts_like_a_name(struct span text) {
    size_t used;
    text = unicode_strip(text);
    while (text.length > 0 && strchr("*_\"'[(`", text.start[0]))
        text = answer_between(text.start + 1, text.start + text.length);
    if (text.length == 0 || !unicode_is_letter(unicode_first(text, &used))) return false;
    return !(text.start[0] >= 'a' && text.start[0] <= 'z');
}

static size_t count_words(struct span text) {
    size_t count = 0;
    bool inside = false;
    for (size_t i = 0; i < text.length; i++) {
        bool space = text.start[i] == ' ';
        if (!space && !inside) count++;
        inside = !space;
    }
    return count;
}

// A text that is nothing but "Paris, France", or inside the tags one name a line, country first as the prompt
// asks.
static void read_bare(struct reading *reading, struct span text, bool in_tags) {
    text = unicode_strip(text);
    if (text.length == 0 || text.length > MAX_BARE || !starts_like_a_name(text)) return;
    if (answer_is_refusal(text)) {
        reading->declined = true;
        return;
    }
    const char *end = text.start + text.length, *newline = memchr(text.start, '\n', text.length);
    if (newline) {
        struct span second = unicode_strip(answer_between(newline, end));
        if (!in_tags || memchr(second.start, '\n', second.length) || !starts_like_a_name(second)) return;
        if (count_words(text) > 10) return;
        bool declined = answer_clean_value(answer_between(text.start, newline), &reading->country);
        declined |= answer_clean_value(second, &reading->city);
        if (declined) reading->declined = true;
    } else {
        const char *comma = memchr(text.start, ',', text.length);
        bool two = comma && starts_like_a_name(answer_between(comma + 1, end));
        if (count_words(text) > (two ? 10u : 4u) || (!two && !in_tags)) return;
        if (!answer_is_name(two ? answer_between(text.start, comma) : text)) return;
        read_place(reading, text);
    }
    if (is_done(reading)) note_place(reading, text.start);
}

// ---- putting it together --------------------------------------------------------------------------------

// A city that names its country once more ("Paris, France") loses it; without a country it gives it.
static void tidy_city(struct reading *reading) {
    struct buffer *city = &reading->city, *country = &reading->country;
    char *comma = city->length ? memrchr(city->data, ',', city->length) : NULL;
    if (!comma) return;
    struct span after = unicode_strip(answer_between(comma + 1, city->data + city->length));
    if (country->length == 0) {
        struct buffer whole = *city;
        *city = (struct buffer){0};
        read_place(reading, (struct span){whole.data, whole.length});
        buffer_free(&whole);
    } else if (after.length == country->length && !strncasecmp(after.start, country->data, after.length)) {
        city->length = (size_t)(comma - city->data);
        *comma = 0;
    }
}

// Reads one region; `in_tags` means that it is an <answer> block, where the first word counts and bare names
// are believed. Elsewhere the last word counts.
static void read_region(struct reading *reading, struct span text, bool in_tags) {
    struct labels labels = {0};
    read_json(reading, text);
    if (!is_done(reading)) read_table(reading, text);
    if (!is_done(reading)) {
        labels_find(&labels, text);
        read_label(reading, &labels, LABEL_COUNTRY, !in_tags, &reading->country);
        read_label(reading, &labels, LABEL_CITY, !in_tags, &reading->city);
        if (!is_done(reading)) read_labelled_place(reading, &labels, !in_tags);
        if (!is_done(reading) && labels.count == 0) read_bare(reading, text, in_tags);
        if (!is_done(reading)) answer_read_prose(reading, text);
        if (labels.failed) reading->country.failed = true;
        labels_free(&labels);
    }
    tidy_city(reading);
}

// The last <answer> with something in it, up to its end or the text's. *open: the last one has no end.
static struct span find_block(struct span text, bool *open) {
    struct span block = {NULL, 0};
    const char *end = text.start + text.length;
    *open = false;
    for (const char *start = text.start;
         (start = answer_find(answer_between(start, end), "<answer>")) != NULL;) {
        start += strlen("<answer>");
        const char *close = answer_find(answer_between(start, end), "</answer>");
        struct span here = unicode_strip(answer_between(start, close ? close : end));
        if (here.length > 0 && strncasecmp(here.start, "<answer>", 8)) block = here;
        *open = close == NULL;
        if (!close) break;
        start = close;
    }
    return block;
}

static struct span after_thinking(struct span text) {
    struct span rest = text;
    const char *end = text.start + text.length;
    for (const char *close; (close = answer_find(rest, "</think>")) != NULL;)
        rest = answer_between(close + strlen("</think>"), end);
    return unicode_strip(rest).length > 0 ? rest : text;
}

// Only what is closed: a name that was cut off looks like another one ("Santiago" of "Santiago de Cuba").
static void read_cut(struct reading *reading, struct span body) {
    bool open;
    if (answer_find(body, "<think>")) return; // thoughts without an end
    struct span block = find_block(body, &open);
    bool closed = block.start && !open;
    if (closed)
        read_region(reading, block, true);
    else
        read_json(reading, block.start ? block : body);
    tidy_city(reading);
    bool found = reading->country.length > 0 || reading->city.length > 0;
    reading->declined = !found && (reading->declined || (closed && answer_is_refusal(block)));
}

void answer_read_lenient(struct reading *reading, struct span text, bool cut) {
    bool open;
    struct span body = after_thinking(text), block = find_block(body, &open);
    if (cut) {
        read_cut(reading, body);
        return;
    }
    if (block.start) read_region(reading, block, true);
    if (!is_done(reading)) read_region(reading, body, false);
    if (!is_done(reading) && body.start != text.start) read_region(reading, text, false);
    // Said to be unknown only if nothing else was said.
    bool found = reading->country.length > 0 || reading->city.length > 0;
    struct span last = block.start ? block : body;
    reading->declined = !found && (reading->declined || answer_is_refusal(last));
}
