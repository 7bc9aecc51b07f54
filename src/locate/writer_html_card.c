// One card of the page: what is said of one photo.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "locate/writer_internal.h"
#include "photo/decode.h"
#include "photo/encode.h"
#include "photo/resize.h"

enum { SHOWN_ALTERNATIVES = 5, MANY = 400 }; // MANY: more photos get smaller cards

// ---- pictures -------------------------------------------------------------------------------------------

static int shrink(struct image *small, const struct image *image, size_t most, struct error *error) {
    size_t longer = image->width > image->height ? image->width : image->height;
    size_t side = longer < most ? longer : most;
    size_t width = (image->width * side + longer / 2) / longer;
    size_t height = (image->height * side + longer / 2) / longer;
    return image_resize(small, image, width ? width : 1, height ? height : 1, error);
}

// A page of many photos would be too heavy with large pictures: most of what a browser does is to read them.
static const struct picture_size {
    size_t photos, side; // up to so many photos
    int quality;
} picture_sizes[] = {{60, 480, 78}, {MANY, 320, 72}, {1000, 240, 66}, {SIZE_MAX, 176, 62}};

static const struct picture_size *find_size(const struct writer_options *options) {
    const struct picture_size *size = picture_sizes;
    while (options->expected > size->photos) size++;
    return size;
}

// The picture made anew from its pixels: nothing else of the file gets into the page. False when it cannot be
// read (any more).
static bool make_thumbnail(const char *path, const struct picture_size *size, struct buffer *jpeg,
                           struct image *small) {
    const struct photo_options photo = {.least_side = size->side, .allow_truncated = true, .quiet = true};
    struct image image = {0};
    struct error ignored = {0};
    if (photo_decode_file(&image, path, &photo, NULL, &ignored)) return false;
    bool made = shrink(small, &image, size->side, &ignored) == 0 &&
                photo_encode_jpeg(jpeg, small, size->quality, &ignored) == 0 && !jpeg->failed;
    image_free(&image);
    return made;
}

static bool add_picture(struct buffer *out, const char *name, const char *description,
                        const struct writer_options *options) {
    struct buffer jpeg = {0};
    struct image small = {0};
    struct error ignored;
    char *path = writer_is_empty(name) ? NULL : writer_photo_path(name, options, &ignored);
    bool made = path && make_thumbnail(path, find_size(options), &jpeg, &small);
    if (made) {
        buffer_format(out, "<img loading=\"lazy\" decoding=\"async\" width=\"%zu\" height=\"%zu\" alt=\"",
                      small.width, small.height);
        writer_add_xml(out, description, CLEAN_LINE);
        buffer_add_text(out, "\" src=\"data:image/jpeg;base64,");
        base64_add(out, jpeg.data, jpeg.length);
        buffer_add_text(out, "\"/>");
    }
    image_free(&small);
    buffer_free(&jpeg);
    free(path);
    return made;
}

static void add_photo(struct buffer *out, const struct verdict *view, size_t number,
                      const struct writer_options *options) {
    buffer_add_text(out, "<figure>");
    if (!add_picture(out, view->photo, view->photo, options))
        buffer_add_text(out, "<div class=\"missing\">no picture</div>");
    buffer_format(out, "<figcaption><b class=\"number\">%zu</b> <span>", number);
    writer_add_xml(out, view->photo, CLEAN_LINE);
    buffer_add_text(out, "</span></figcaption>\n</figure>");
}

static bool names_a_place(const struct verdict *view) {
    return view->outcome == VERDICT_PLACED || view->outcome == VERDICT_ABSTAINED;
}

// ---- the parts of a card --------------------------------------------------------------------------------

static void add_element(struct buffer *out, const char *tag, const char *class, const char *text) {
    buffer_format(out, "<%s class=\"%s\">", tag, class);
    writer_add_xml(out, text, CLEAN_LINE);
    buffer_format(out, "</%s>", tag);
}

static void add_name(struct buffer *out, const struct verdict_place *place) {
    struct buffer name = {0};
    writer_add_place(&name, place);
    writer_add_xml(out, name.length ? name.data : "a place without a name", CLEAN_LINE);
    out->failed = out->failed || name.failed;
    buffer_free(&name);
}

// The finest name large, the others under it.
static void add_place(struct buffer *out, const struct verdict_place *place) {
    struct verdict_place rest = *place;
    const char *first = place->city;
    if (!writer_is_empty(first)) {
        rest.city = NULL;
    } else if (!writer_is_empty(place->region)) {
        first = place->region;
        rest.region = NULL;
    } else {
        first = place->country;
        rest.country = NULL;
    }
    add_element(out, "h2", "place", writer_is_empty(first) ? "A place without a name" : first);
    if (writer_is_empty(rest.city) && writer_is_empty(rest.region) && writer_is_empty(rest.country)) return;
    buffer_add_text(out, "<p class=\"within\">");
    add_name(out, &rest);
    buffer_add_text(out, "</p>");
}

static void add_coordinates(struct buffer *out, const struct verdict *view, enum writer_precision precision) {
    struct point position;
    buffer_add_text(out, "<p class=\"at\">");
    if (writer_get_position(&view->place, &position)) {
        int decimals = precision == PRECISION_FULL ? 4 : 2;
        writer_add_fixed(out, fabs(position.lat), decimals);
        buffer_format(out, "\xC2\xB0 %c ", position.lat < 0 ? 'S' : 'N');
        writer_add_fixed(out, fabs(position.lon), decimals);
        buffer_format(out, "\xC2\xB0 %c", position.lon < 0 ? 'W' : 'E');
        double radius = writer_radius(view, view->radius_50_km);
        if (writer_is_known(radius)) {
            buffer_add_text(out, " <span class=\"radius\">\xC2\xB1 ");
            writer_add_kilometres(out, radius);
            buffer_add_text(out, "</span>");
        }
    } else {
        buffer_add_text(out, "coordinates not known");
    }
    buffer_add_text(out, "</p>");
}

static void add_bar(struct buffer *out, double share) {
    buffer_add_text(out, "<i class=\"bar\" style=\"--w:");
    writer_add_number(out, fmin(share, 1) * 100, 1);
    buffer_add_text(out, "%\"></i>");
}

static void add_confidence(struct buffer *out, const struct verdict *view) {
    buffer_add_text(out, "<p class=\"sure\"><span>Confidence: ");
    writer_add_confidence(out, view);
    buffer_add_text(out, "</span>");
    if (writer_is_known(writer_shown_confidence(view))) add_bar(out, view->confidence);
    buffer_add_text(out, "</p>");
}

static void add_alternatives(struct buffer *out, const struct verdict *view) {
    size_t count = view->alternative_count, shown = count < SHOWN_ALTERNATIVES ? count : SHOWN_ALTERNATIVES;
    if (count == 0) return;
    buffer_add_text(out, "<h3>Or else</h3>\n<ul class=\"others\">");
    for (size_t i = 0; i < shown; i++) {
        buffer_add_text(out, "<li><span>");
        add_name(out, &view->alternatives[i]);
        buffer_add_text(out, "</span>");
        if (writer_is_known(view->alternatives[i].share)) {
            buffer_add_text(out, " <span class=\"share\">");
            writer_add_percent(out, view->alternatives[i].share);
            buffer_add_text(out, "</span>");
        }
        buffer_add_text(out, "</li>");
    }
    if (count > shown) buffer_format(out, "<li>and %zu more</li>", count - shown);
    buffer_add_text(out, "</ul>");
}

static bool is_kind_before(const struct verdict *view, size_t i) {
    for (size_t before = 0; before < i; before++)
        if (strcmp(view->clues[before].kind, view->clues[i].kind) == 0) return true;
    return false;
}

// By kind, in the order in which the kinds come up.
static void add_clues(struct buffer *out, const struct verdict *view) {
    if (view->clue_count == 0) return;
    bool placed = names_a_place(view);
    buffer_format(out, "<h3>%s</h3>\n<dl>", placed ? "What gives it away" : "What can be seen");
    for (size_t i = 0; i < view->clue_count; i++) {
        if (is_kind_before(view, i)) continue;
        add_element(out, "dt", "kind", view->clues[i].kind);
        for (size_t j = i; j < view->clue_count; j++)
            if (strcmp(view->clues[j].kind, view->clues[i].kind) == 0)
                add_element(out, "dd", "clue", view->clues[j].text);
    }
    buffer_add_text(out, "</dl>");
}

static void add_notes(struct buffer *out, const struct verdict *view) {
    const struct verdict_place *place = &view->place;
    const char *match = place->match ? place->match : "";
    if (view->same_name_countries > 1 && !writer_is_empty(place->city)) {
        buffer_add_text(out, "<p class=\"note\">");
        writer_add_xml(out, place->city, CLEAN_LINE);
        buffer_format(out, " is the name of places in %d countries.</p>", view->same_name_countries);
    }
    if (strcmp(match, "fuzzy") == 0)
        add_element(out, "p", "note", "The name was found under a similar spelling only.");
    if (strcmp(match, "container") == 0 && !writer_is_empty(place->city))
        add_element(out, "p", "note",
                    "The city is not known: the coordinates are those of its region or country.");
}

// What was measured, beside what was estimated, and what speaks against the answer.
static void add_checks(struct buffer *out, const struct verdict *view, enum writer_precision precision) {
    if (view->has_gps) {
        buffer_format(out, "<p class=\"note%s\">Measured (GPS): ", view->contradicts_gps ? " against" : "");
        writer_add_coordinates(out, view->gps, precision == PRECISION_FULL ? 4 : 2);
        if (writer_is_known(view->gps_distance_km)) {
            buffer_add_text(out, ", ");
            writer_add_kilometres(out, view->gps_distance_km);
            buffer_add_text(out, view->contradicts_gps ? " from the estimate, which it contradicts"
                                                       : " from the estimate");
        }
        buffer_add_text(out, ".</p>");
    } else if (view->flags & FLAG_GPS) {
        add_element(out, "p", "note against", "The photo's own GPS contradicts the estimate.");
    }
    if (view->flags & FLAG_OTHER_PLACE)
        add_element(out, "p", "note against", "The reasoning concludes on another place than the answer.");
    if (view->has_locatability)
        buffer_format(
            out, "<p class=\"note%s\">The reward model is %.0f %% sure that the photo can be placed.</p>",
            view->flags & FLAG_LOCATABILITY ? " against" : "", 100 * view->locatability);
    if (view->flags & FLAG_NAMES)
        add_element(out, "p", "note against",
                    "The model named a city and a country or region that it does not lie in.");
    if (view->flags & FLAG_PART)
        add_element(out, "p", "note against",
                    "The file is cut short: the model saw what is there of the photo.");
    if (view->flags & FLAG_PREVIEW)
        add_element(out, "p", "note", "A camera raw file: its preview was located.");
}

static void begin_fold(struct buffer *out, const char *title) {
    buffer_format(out, "<details><summary>%s</summary>", title);
}

static void end_fold(struct buffer *out) {
    buffer_add_text(out, "</details>");
}

static void add_reasoning(struct buffer *out, const struct verdict *view) {
    buffer_add_text(out, "<p class=\"reasoning\">");
    writer_add_xml(out, view->reasoning, CLEAN_LINES);
    buffer_add_text(out, "</p>");
}

static void add_evidence(struct buffer *out, const struct verdict *view,
                         const struct writer_options *options) {
    if (writer_is_empty(view->evidence)) return;
    begin_fold(out, "Where the model looked");
    if (!add_picture(out, view->evidence, "Where the model looked", options))
        add_element(out, "p", "note", view->evidence);
    end_fold(out);
}

// Why, and what else it might be.
static void add_reasons(struct buffer *out, const struct verdict *view) {
    if (names_a_place(view)) add_alternatives(out, view);
    add_clues(out, view);
    if (writer_is_empty(view->reasoning)) return;
    begin_fold(out, "The whole reasoning");
    add_reasoning(out, view);
    end_fold(out);
}

// The same on a page of many photos: folded, and in few elements, because each costs the browser time.
static void add_folded_reasons(struct buffer *out, const struct verdict *view) {
    bool others = names_a_place(view) && view->alternative_count > 0;
    bool reasoning = !writer_is_empty(view->reasoning);
    if (!others && !reasoning && view->clue_count == 0) return;
    begin_fold(out, "More");
    for (size_t i = 0; others && i < view->alternative_count && i < SHOWN_ALTERNATIVES; i++) {
        buffer_add_text(out, i == 0 ? "<p>Or else " : "; ");
        add_name(out, &view->alternatives[i]);
        if (!writer_is_known(view->alternatives[i].share)) continue;
        buffer_add_text(out, " ");
        writer_add_percent(out, view->alternatives[i].share);
    }
    if (others) buffer_add_text(out, "</p>");
    for (size_t i = 0; i < view->clue_count; i++) {
        buffer_format(out, "<p>%s: ", view->clues[i].kind);
        writer_add_xml(out, view->clues[i].text, CLEAN_LINE);
        buffer_add_text(out, "</p>");
    }
    if (reasoning) add_reasoning(out, view);
    end_fold(out);
}

// ---- the card -------------------------------------------------------------------------------------------

static void add_answer(struct buffer *out, const struct verdict *view, enum writer_precision precision) {
    switch (view->outcome) {
    case VERDICT_PLACED:
        add_place(out, &view->place);
        add_coordinates(out, view, precision);
        break;
    case VERDICT_ABSTAINED:
        add_element(out, "h2", "none", "Less sure than was asked for");
        buffer_add_text(out, "<p class=\"within\">Most likely: ");
        add_name(out, &view->place);
        buffer_add_text(out, "</p>");
        break;
    case VERDICT_NOT_LOCATABLE:
        add_element(out, "h2", "none", "Not locatable");
        add_element(out, "p", "within", "Nothing in the photo gives the place away.");
        break;
    case VERDICT_NO_ANSWER:
        add_element(out, "h2", "none", "No answer");
        add_element(out, "p", "within", "The model named no place.");
        break;
    case VERDICT_OUT_OF_SCOPE:
        add_element(out, "h2", "none", "Out of scope");
        add_element(out, "p", "within", "The model was not made for such a picture.");
        break;
    case VERDICT_FAILED:
        add_element(out, "h2", "none", "Failed");
        add_element(out, "p", "within", view->error.message);
        break;
    }
    if (names_a_place(view)) {
        add_confidence(out, view);
        add_notes(out, view);
    }
}

// What sorting and filtering go by (writer_html_tools.c): the country's number, and how sure, from 0 for
// certain to 1000. What has no measure comes last either way.
static void add_start(struct buffer *out, const struct verdict *view, size_t number, size_t country) {
    double confidence = writer_shown_confidence(view);
    buffer_format(out, "<article id=\"p%zu\" class=\"%s b%d\"", number, verdict_outcome_name(view->outcome),
                  (int)writer_band(confidence));
    if (country != SIZE_MAX) buffer_format(out, " data-k=\"k%zu\"", country);
    if (writer_is_known(confidence))
        buffer_format(out, " style=\"--c:%ld\">", lround(1000 * (1 - fmin(confidence, 1))));
    else
        buffer_add_text(out, " style=\"--c:2000;--d:2000\">");
}

void writer_card_add(struct buffer *out, const struct verdict *view, size_t number, size_t country,
                     const struct writer_options *options) {
    add_start(out, view, number, country);
    add_photo(out, view, number, options);
    buffer_add_text(out, "<div class=\"said\">");
    add_answer(out, view, options->precision);
    add_checks(out, view, options->precision);
    if (view->truncated) add_element(out, "p", "note", "The answer was cut off at the limit of tokens.");
    if (options->expected > MANY)
        add_folded_reasons(out, view);
    else
        add_reasons(out, view);
    add_evidence(out, view, options);
    buffer_add_text(out, "</div></article>\n");
}
