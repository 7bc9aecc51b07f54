// The report for reading: labels in one column, values in the next.
#include <string.h>

#include "locate/writer_internal.h"

enum { LABEL_COLUMN = 2, VALUE_COLUMN = 16, SHOWN_ALTERNATIVES = 5, DEFAULT_WIDTH = 80 };
enum { NARROWEST_PAGE = 40, WIDEST_PAGE = 200 };

struct report {
    struct buffer *out;
    const struct verdict *view;
    const struct writer_options *options;
    size_t width;
    struct buffer value; // of the row in the making
};

static const char *colour(const struct report *report, const char *code) {
    return report->options->colour ? code : "";
}

static void add_label(struct report *report, const char *label) {
    buffer_format(report->out, "%*s%s%s%s", LABEL_COLUMN, "", colour(report, "\x1b[2m"), label,
                  colour(report, "\x1b[0m"));
    writer_pad(report->out, VALUE_COLUMN - LABEL_COLUMN - strlen(label));
}

static void add_text(struct report *report, const char *text, size_t indent) {
    struct buffer clean = {0};
    writer_add_clean(&clean, text, CLEAN_LINES);
    if (clean.data) writer_wrap(report->out, clean.data, indent, report->width);
    report->out->failed = report->out->failed || clean.failed;
    buffer_free(&clean);
}

// One row with what was gathered in report->value.
static void add_row(struct report *report, const char *label) {
    add_label(report, label);
    if (report->value.data) add_text(report, report->value.data, VALUE_COLUMN);
    buffer_add_text(report->out, "\n");
    buffer_clear(&report->value);
}

static void add_text_row(struct report *report, const char *label, const char *text) {
    buffer_add_text(&report->value, text);
    add_row(report, label);
}

static void add_place_name(struct buffer *out, const struct verdict_place *place) {
    size_t before = out->length;
    writer_add_place(out, place);
    if (out->length == before) buffer_add_text(out, "a place without a name");
}

static void add_place_row(struct report *report) {
    const struct verdict *view = report->view;
    switch (view->outcome) {
    case VERDICT_PLACED:
        add_place_name(&report->value, &view->place);
        break;
    case VERDICT_ABSTAINED:
        buffer_add_text(&report->value, "abstained: less sure than was asked for\nBest guess: ");
        add_place_name(&report->value, &view->place);
        break;
    case VERDICT_NOT_LOCATABLE:
        buffer_add_text(&report->value, "not locatable: nothing in the photo gives the place away");
        break;
    case VERDICT_NO_ANSWER:
        buffer_add_text(&report->value, "no answer: the model named no place");
        break;
    case VERDICT_OUT_OF_SCOPE:
        buffer_add_text(&report->value, "out of scope: the model was not made for such a picture");
        break;
    case VERDICT_FAILED:
        buffer_format(&report->value, "failed: %s", view->error.message);
        break;
    }
    add_row(report, "Place");
}

static void add_coordinates_row(struct report *report) {
    struct buffer *value = &report->value;
    struct point position;
    if (!writer_get_position(&report->view->place, &position)) {
        add_text_row(report, "Coordinates", "not known");
        return;
    }
    writer_add_coordinates(value, position, report->options->precision == PRECISION_FULL ? 4 : 2);
    double radius = writer_radius(report->view, report->view->radius_50_km);
    if (writer_is_known(radius)) {
        buffer_add_text(value, ", ± ");
        writer_add_kilometres(value, radius);
    }
    add_row(report, "Coordinates");
}

static void add_confidence_row(struct report *report) {
    writer_add_confidence(&report->value, report->view);
    add_row(report, "Confidence");
}

// What the photo's own metadata say.
static void add_gps_row(struct report *report) {
    const struct verdict *view = report->view;
    struct buffer *value = &report->value;
    if (!view->has_gps) return;
    buffer_add_text(value, "measured: ");
    writer_add_coordinates(value, view->gps, report->options->precision == PRECISION_FULL ? 4 : 2);
    if (writer_is_known(view->gps_distance_km)) {
        buffer_add_text(value, ", ");
        writer_add_kilometres(value, view->gps_distance_km);
        buffer_add_text(value, view->contradicts_gps ? " from the answer, which it contradicts"
                                                     : " from the answer");
    }
    add_row(report, "GPS");
}

static void add_flags(struct report *report) {
    unsigned flags = report->view->flags;
    if (flags & FLAG_OTHER_PLACE)
        add_text_row(report, "Note", "the reasoning concludes on another place than the answer");
    if (flags & FLAG_NAMES)
        add_text_row(report, "Note",
                     "the model named a city and a country or region that it does not lie in");
    if (flags & FLAG_LOCATABILITY)
        add_text_row(report, "Note", "the reward model does not believe that the photo can be placed");
    if (flags & FLAG_PART)
        add_text_row(report, "Note", "the file is cut short: the model saw what is there of the photo");
    if (flags & FLAG_PREVIEW) add_text_row(report, "Note", "a camera raw file: its preview was located");
    if (flags & FLAG_GPS && !report->view->has_gps)
        add_text_row(report, "Note", "the photo's own GPS contradicts the answer");
}

static void add_notes(struct report *report) {
    const struct verdict *view = report->view;
    const struct verdict_place *place = &view->place;
    const char *match = place->match ? place->match : "";
    if (view->same_name_countries > 1 && !writer_is_empty(place->city)) {
        buffer_format(&report->value, "%s is the name of places in %d countries", place->city,
                      view->same_name_countries);
        add_row(report, "Note");
    }
    if (strcmp(match, "fuzzy") == 0)
        add_text_row(report, "Note", "the name was found under a similar spelling only");
    if (strcmp(match, "container") == 0 && !writer_is_empty(place->city))
        add_text_row(report, "Note",
                     "the city is not known: the coordinates are those of its region or country");
}

static void add_alternatives(struct report *report) {
    const struct verdict *view = report->view;
    size_t shown =
        view->alternative_count < SHOWN_ALTERNATIVES ? view->alternative_count : SHOWN_ALTERNATIVES;
    for (size_t i = 0; i < shown; i++) {
        add_place_name(&report->value, &view->alternatives[i]);
        if (writer_is_known(view->alternatives[i].share)) {
            buffer_add_text(&report->value, ", ");
            writer_add_percent(&report->value, view->alternatives[i].share);
        }
        add_row(report, i == 0 ? "Alternatives" : "");
    }
    if (view->alternative_count > shown) {
        buffer_format(&report->value, "and %zu more", view->alternative_count - shown);
        add_row(report, "");
    }
}

static size_t widest_kind(const struct verdict *view) {
    size_t widest = 0;
    for (size_t i = 0; i < view->clue_count; i++) {
        size_t columns = strlen(view->clues[i].kind);
        if (columns > widest) widest = columns;
    }
    return widest;
}

static void add_clues(struct report *report) {
    const struct verdict *view = report->view;
    size_t kinds = widest_kind(view) + 2;
    for (size_t i = 0; i < view->clue_count; i++) {
        const char *kind = view->clues[i].kind;
        add_label(report, i == 0 ? "Clues" : "");
        buffer_add_text(report->out, kind);
        writer_pad(report->out, kinds - strlen(kind));
        add_text(report, view->clues[i].text, VALUE_COLUMN + kinds);
        buffer_add_text(report->out, "\n");
    }
}

static void add_evidence(struct report *report) {
    const struct verdict *view = report->view;
    if (!writer_is_empty(view->evidence)) add_text_row(report, "Evidence", view->evidence);
}

static void add_title(struct report *report) {
    buffer_add_text(report->out, colour(report, "\x1b[1m"));
    writer_add_clean(report->out, report->view->photo, CLEAN_LINE);
    buffer_format(report->out, "%s\n", colour(report, "\x1b[0m"));
}

static size_t page_width(const struct writer_options *options) {
    size_t width = options->width ? options->width : DEFAULT_WIDTH;
    if (width < NARROWEST_PAGE) return NARROWEST_PAGE;
    return width > WIDEST_PAGE ? WIDEST_PAGE : width;
}

void writer_text_add(struct buffer *out, const struct verdict *view, const struct writer_options *options) {
    struct report report = {out, view, options, page_width(options), {0}};
    bool placed = view->outcome == VERDICT_PLACED;
    bool named = placed || view->outcome == VERDICT_ABSTAINED;
    add_title(&report);
    add_place_row(&report);
    if (placed) add_coordinates_row(&report);
    if (named) {
        add_confidence_row(&report);
        add_alternatives(&report);
        add_notes(&report);
    }
    if (view->has_locatability) {
        buffer_format(&report.value, "%.0f %% sure, says the reward model", 100 * view->locatability);
        add_row(&report, "Locatable");
    }
    add_gps_row(&report);
    add_flags(&report);
    if (view->truncated) add_text_row(&report, "Note", "the answer was cut off at the limit of tokens");
    add_clues(&report);
    if (options->show_reasoning && !writer_is_empty(view->reasoning))
        add_text_row(&report, "Reasoning", view->reasoning);
    add_evidence(&report);
    out->failed = out->failed || report.value.failed;
    buffer_free(&report.value);
}
