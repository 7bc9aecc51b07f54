// RFC 4180: commas, quotes doubled, CRLF. One verdict is one line, whatever its texts hold.
#include <string.h>

#include "locate/writer_internal.h"

static const char *const columns[] = {
    "photo",           "outcome",
    "country",         "country_code",
    "region",          "city",
    "latitude",        "longitude",
    "radius_km",       "confidence",
    "radius_50_km",    "radius_90_km",
    "match",           "same_name_countries",
    "alternatives",    "clues",
    "reasoning",       "samples",
    "tokens",          "truncated",
    "seconds",         "model",
    "precision",       "error",
    "level",           "calibrated",
    "most_likely",     "gps_latitude",
    "gps_longitude",   "gps_distance_km",
    "contradicts_gps", "flags",
    "estimated",
};

void writer_csv_begin(struct buffer *out, const struct writer_options *options) {
    if (options->bom) buffer_add_text(out, "\xEF\xBB\xBF");
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        if (i > 0) buffer_add_text(out, ",");
        buffer_add_text(out, columns[i]);
    }
    buffer_add_text(out, "\r\n");
}

static void add_separator(struct buffer *out) {
    buffer_add_text(out, ",");
}

// A spreadsheet takes what begins like this for a formula, even in quotes.
static bool begins_formula(const char *text) {
    return *text && strchr("=+-@\t\r", *text);
}

static void add_field(struct buffer *out, const char *text) {
    struct buffer clean = {0};
    writer_add_clean(&clean, text, CLEAN_LINE);
    const char *field = clean.data ? clean.data : "";
    bool formula = begins_formula(field);
    bool quoted = formula || field[strcspn(field, ",\"")] || field[0] == ' ' ||
                  (clean.length && field[clean.length - 1] == ' ');
    if (quoted) buffer_add_text(out, "\"");
    if (formula) buffer_add_text(out, "'");
    for (const char *c = field; *c; c++) buffer_add(out, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    if (quoted) buffer_add_text(out, "\"");
    out->failed = out->failed || clean.failed;
    buffer_free(&clean);
}

static void add_known(struct buffer *out, double value, int decimals) {
    if (writer_is_known(value)) writer_add_number(out, value, decimals);
}

static void add_place(struct buffer *out, const struct verdict_place *place) {
    add_field(out, place->country);
    add_separator(out);
    add_field(out, place->country_code);
    add_separator(out);
    add_field(out, place->region);
    add_separator(out);
    add_field(out, place->city);
    add_separator(out);
    struct point position;
    bool known = writer_get_position(place, &position);
    if (known) writer_add_number(out, position.lat, 5);
    add_separator(out);
    if (known) writer_add_number(out, position.lon, 5);
    add_separator(out);
    add_known(out, place->radius_km, 1);
}

// "Porto, Portugal (0.12) | Faro, Portugal (0.05)"
static void add_alternatives(struct buffer *out, const struct verdict *view) {
    struct buffer text = {0};
    for (size_t i = 0; i < view->alternative_count; i++) {
        const struct verdict_place *place = &view->alternatives[i];
        if (i > 0) buffer_add_text(&text, " | ");
        writer_add_place(&text, place);
        if (!writer_is_known(place->share)) continue;
        buffer_add_text(&text, " (");
        writer_add_number(&text, place->share, 4);
        buffer_add_text(&text, ")");
    }
    add_field(out, text.data);
    out->failed = out->failed || text.failed;
    buffer_free(&text);
}

// "sign: The shop sign is in Portuguese. | road: Cobbled with limestone."
static void add_clues(struct buffer *out, const struct verdict *view) {
    struct buffer text = {0};
    for (size_t i = 0; i < view->clue_count; i++)
        buffer_format(&text, "%s%s: %s", i > 0 ? " | " : "", view->clues[i].kind,
                      view->clues[i].text ? view->clues[i].text : "");
    add_field(out, text.data);
    out->failed = out->failed || text.failed;
    buffer_free(&text);
}

// How the answer stands, beside what was measured.
static void add_trust(struct buffer *out, const struct verdict *view) {
    bool abstained = view->outcome == VERDICT_ABSTAINED, named = abstained || view->outcome == VERDICT_PLACED;
    struct buffer text = {0};
    add_field(out, named ? verdict_level_name(view->level) : NULL);
    buffer_format(out, ",%s,", view->calibrated ? "true" : "false");
    if (abstained) writer_add_place(&text, &view->place);
    add_field(out, text.data);
    buffer_clear(&text);
    add_separator(out);
    if (view->has_gps) writer_add_number(out, view->gps.lat, 6);
    add_separator(out);
    if (view->has_gps) writer_add_number(out, view->gps.lon, 6);
    add_separator(out);
    if (view->has_gps) add_known(out, view->gps_distance_km, 1);
    buffer_format(out, ",%s,", !view->has_gps ? "" : view->contradicts_gps ? "true" : "false");
    for (unsigned i = 0; i < VERDICT_FLAGS; i++)
        if (view->flags & 1U << i)
            buffer_format(&text, "%s%s", text.length ? " | " : "",
                          verdict_flag_name((enum verdict_flag)(1U << i)));
    add_field(out, text.data);
    buffer_add_text(out, ",true");
    out->failed = out->failed || text.failed;
    buffer_free(&text);
}

void writer_csv_add(struct buffer *out, const struct verdict *view, const struct writer_options *options) {
    const struct verdict_place *shown = writer_shown_place(view);
    const struct verdict_place nothing = {.radius_km = -1};
    const struct verdict_place *place = shown ? shown : &nothing;
    add_field(out, view->photo);
    add_separator(out);
    add_field(out, verdict_outcome_name(view->outcome));
    add_separator(out);
    add_place(out, place);
    add_separator(out);
    add_known(out, view->confidence, 4);
    add_separator(out);
    add_known(out, view->radius_50_km, 1);
    add_separator(out);
    add_known(out, view->radius_90_km, 1);
    add_separator(out);
    add_field(out, place->match);
    buffer_format(out, ",%d,", view->same_name_countries > 0 ? view->same_name_countries : 0);
    add_alternatives(out, view);
    add_separator(out);
    add_clues(out, view);
    add_separator(out);
    add_field(out, view->reasoning);
    buffer_format(out, ",%zu,%zu,%s,", view->samples, view->tokens, view->truncated ? "true" : "false");
    add_known(out, view->seconds, 3);
    add_separator(out);
    add_field(out, options->model);
    add_separator(out);
    add_field(out, writer_precision_names[options->precision]);
    add_separator(out);
    add_field(out, view->outcome == VERDICT_FAILED ? view->error.message : NULL);
    add_separator(out);
    add_trust(out, view);
    buffer_add_text(out, "\r\n");
}
