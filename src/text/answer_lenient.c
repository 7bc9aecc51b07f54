// Reading a completion as a person would. Where: the last <answer> block after the thinking, else what stands
// after the thinking, else the whole text. How, in this order: a JSON object, labelled values, a labelled
// place ("Final answer: Paris, France"), a bare "Paris, France".
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text/answer_labels.h"
#include "text/answer_parts.h"

enum { MAX_OBJECTS = 32, MAX_BARE = 120 }; // places to try JSON at, bytes of a bare answer

static bool is_done(const struct reading *reading) {
    return reading->country.length > 0 || reading->city.length > 0 || reading->declined;
}

static void note_place(struct reading *reading, const char *where) {
    if (!reading->where || where < reading->where) reading->where = where;
}

// ---- JSON -----------------------------------------------------------------------------------------------

static void read_field(struct reading *reading, const char *key, const json_t *value) {
    bool country = !strcasecmp(key, "country") || !strcasecmp(key, "country_name");
    bool city = !strcasecmp(key, "city") || !strcasecmp(key, "city_name") || !strcasecmp(key, "town");
    struct buffer *out = country ? &reading->country : &reading->city;
    if ((!country && !city) || out->length > 0) return;
    if (json_is_null(value)) reading->declined = true;
    if (json_is_string(value) &&
        answer_clean_value((struct span){json_string_value(value), json_string_length(value)}, out))
        reading->declined = true;
}

static void read_object(struct reading *reading, struct span text) {
    // The text has no NULs, but an escaped one would cut the value; jansson refuses it by default.
    json_t *object = json_loadb(text.start, text.length, JSON_DISABLE_EOF_CHECK, NULL), *value;
    const char *key;
    json_object_foreach(object, key, value) read_field(reading, key, value);
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

// The first label of this kind whose value says something, or the last one.
static void read_label(struct reading *reading, const struct labels *labels, enum label_kind kind, bool last,
                       struct buffer *out) {
    for (size_t i = 0; i < labels->count && out->length == 0; i++) {
        const struct label *label = &labels->list[last ? labels->count - 1 - i : i];
        if (label->kind != kind || label->value.length == 0) continue;
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

static void read_labelled_place(struct reading *reading, const struct labels *labels, bool last) {
    struct buffer place = {0};
    read_label(reading, labels, LABEL_PLACE, last, &place);
    if (place.length > 0) read_place(reading, (struct span){place.data, place.length});
    buffer_free(&place);
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
    if (!is_done(reading)) {
        labels_find(&labels, text);
        read_label(reading, &labels, LABEL_COUNTRY, !in_tags, &reading->country);
        read_label(reading, &labels, LABEL_CITY, !in_tags, &reading->city);
        if (!is_done(reading)) read_labelled_place(reading, &labels, !in_tags);
        if (!is_done(reading) && labels.count == 0) read_bare(reading, text, in_tags);
        if (labels.failed) reading->country.failed = true;
        labels_free(&labels);
    }
    tidy_city(reading);
}

// The last <answer> with something in it, up to its end or the text's.
static struct span find_block(struct span text) {
    struct span block = {NULL, 0};
    const char *end = text.start + text.length;
    for (const char *open = text.start;
         (open = answer_find(answer_between(open, end), "<answer>")) != NULL;) {
        open += strlen("<answer>");
        const char *close = answer_find(answer_between(open, end), "</answer>");
        struct span here = unicode_strip(answer_between(open, close ? close : end));
        if (here.length > 0 && strncasecmp(here.start, "<answer>", 8)) block = here;
        if (!close) break;
        open = close;
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

void answer_read_lenient(struct reading *reading, struct span text) {
    struct span body = after_thinking(text), block = find_block(body);
    if (block.start) read_region(reading, block, true);
    if (!is_done(reading)) read_region(reading, body, false);
    if (!is_done(reading) && body.start != text.start) read_region(reading, text, false);
    // Said to be unknown only if nothing else was said.
    bool found = reading->country.length > 0 || reading->city.length > 0;
    struct span last = block.start ? block : body;
    reading->declined = !found && (reading->declined || answer_is_refusal(last));
}
