// A page for reading: one file with everything in it, without scripts, links to elsewhere or metadata. The
// cards are written as the verdicts come, so a long batch takes no memory; the map needs all of them and
// comes last, but is shown first. Every tag is closed, so that the page is well-formed XML, too.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/memory.h"
#include "locate/writer_parts.h"
#include "photo/decode.h"
#include "photo/encode.h"
#include "photo/resize.h"

enum { THUMBNAIL_SIDE = 480, THUMBNAIL_QUALITY = 78, SHOWN_ALTERNATIVES = 5 };

// The policy keeps a browser from loading or running anything, whatever a text might smuggle in.
static const char head[] = "<!DOCTYPE html>\n"
                           "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                           "<meta http-equiv=\"Content-Security-Policy\" "
                           "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"/>\n"
                           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                           "<meta name=\"referrer\" content=\"no-referrer\"/>\n"
                           "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                           "<title>Where these photos were taken</title>\n<style>\n";

// ---- pictures -------------------------------------------------------------------------------------------

static int shrink(struct image *small, const struct image *image, struct error *error) {
    size_t longer = image->width > image->height ? image->width : image->height;
    size_t side = longer < THUMBNAIL_SIDE ? longer : THUMBNAIL_SIDE;
    size_t width = (image->width * side + longer / 2) / longer;
    size_t height = (image->height * side + longer / 2) / longer;
    return image_resize(small, image, width ? width : 1, height ? height : 1, error);
}

// The picture made anew from its pixels: nothing else of the file gets into the page. False when it cannot be
// read (any more).
static bool make_thumbnail(const char *path, struct buffer *jpeg, struct image *small) {
    struct image image = {0};
    struct error ignored = {0};
    if (writer_is_empty(path) || photo_decode_file(&image, path, NULL, NULL, &ignored)) return false;
    bool made = shrink(small, &image, &ignored) == 0 &&
                photo_encode_jpeg(jpeg, small, THUMBNAIL_QUALITY, &ignored) == 0 && !jpeg->failed;
    image_free(&image);
    return made;
}

static bool add_picture(struct buffer *out, const char *path, const char *description) {
    struct buffer jpeg = {0};
    struct image small = {0};
    bool made = make_thumbnail(path, &jpeg, &small);
    if (made) {
        buffer_format(out, "<img width=\"%zu\" height=\"%zu\" alt=\"", small.width, small.height);
        writer_add_xml(out, description, CLEAN_LINE);
        buffer_add_text(out, "\" src=\"data:image/jpeg;base64,");
        base64_add(out, jpeg.data, jpeg.length);
        buffer_add_text(out, "\"/>\n");
    }
    image_free(&small);
    buffer_free(&jpeg);
    return made;
}

static void add_photo(struct buffer *out, const struct verdict *view, size_t number) {
    buffer_add_text(out, "<figure>\n");
    if (!add_picture(out, view->photo, view->photo))
        buffer_add_text(out, "<div class=\"missing\">no picture</div>\n");
    buffer_format(out, "<figcaption><b class=\"number\">%zu</b> <span>", number);
    writer_add_xml(out, view->photo, CLEAN_LINE);
    buffer_add_text(out, "</span></figcaption>\n</figure>\n");
}

// ---- the parts of a card --------------------------------------------------------------------------------

static void add_element(struct buffer *out, const char *tag, const char *class, const char *text) {
    buffer_format(out, "<%s class=\"%s\">", tag, class);
    writer_add_xml(out, text, CLEAN_LINE);
    buffer_format(out, "</%s>\n", tag);
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
    buffer_add_text(out, "</p>\n");
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
    buffer_add_text(out, "</p>\n");
}

static void add_bar(struct buffer *out, double share) {
    buffer_add_text(out, "<svg class=\"bar\" aria-hidden=\"true\"><rect class=\"all\" width=\"100%\"/>"
                         "<rect class=\"part\" width=\"");
    writer_add_number(out, fmin(share, 1) * 100, 1);
    buffer_add_text(out, "%\"/></svg>");
}

static void add_confidence(struct buffer *out, const struct verdict *view) {
    buffer_add_text(out, "<p class=\"sure\"><span>Confidence: ");
    writer_add_confidence(out, view);
    buffer_add_text(out, "</span>");
    if (writer_is_known(view->confidence)) add_bar(out, view->confidence);
    buffer_add_text(out, "</p>\n");
}

static void add_alternatives(struct buffer *out, const struct verdict *view) {
    size_t count = view->alternative_count, shown = count < SHOWN_ALTERNATIVES ? count : SHOWN_ALTERNATIVES;
    if (count == 0) return;
    buffer_add_text(out, "<h3>Or else</h3>\n<ul class=\"others\">\n");
    for (size_t i = 0; i < shown; i++) {
        buffer_add_text(out, "<li><span>");
        add_name(out, &view->alternatives[i]);
        buffer_add_text(out, "</span>");
        if (writer_is_known(view->alternatives[i].share)) {
            buffer_add_text(out, " <span class=\"share\">");
            writer_add_percent(out, view->alternatives[i].share);
            buffer_add_text(out, "</span>");
        }
        buffer_add_text(out, "</li>\n");
    }
    if (count > shown) buffer_format(out, "<li>and %zu more</li>\n", count - shown);
    buffer_add_text(out, "</ul>\n");
}

static bool is_kind_before(const struct verdict *view, size_t i) {
    for (size_t before = 0; before < i; before++)
        if (strcmp(view->clues[before].kind, view->clues[i].kind) == 0) return true;
    return false;
}

// By kind, in the order in which the kinds come up.
static void add_clues(struct buffer *out, const struct verdict *view) {
    if (view->clue_count == 0) return;
    bool placed = view->outcome == VERDICT_PLACED || view->outcome == VERDICT_ABSTAINED;
    buffer_format(out, "<h3>%s</h3>\n<dl>\n", placed ? "What gives it away" : "What can be seen");
    for (size_t i = 0; i < view->clue_count; i++) {
        if (is_kind_before(view, i)) continue;
        add_element(out, "dt", "kind", view->clues[i].kind);
        for (size_t j = i; j < view->clue_count; j++)
            if (strcmp(view->clues[j].kind, view->clues[i].kind) == 0)
                add_element(out, "dd", "clue", view->clues[j].text);
    }
    buffer_add_text(out, "</dl>\n");
}

static void add_notes(struct buffer *out, const struct verdict *view) {
    const struct verdict_place *place = &view->place;
    const char *match = place->match ? place->match : "";
    if (view->same_name_countries > 1 && !writer_is_empty(place->city)) {
        buffer_add_text(out, "<p class=\"note\">");
        writer_add_xml(out, place->city, CLEAN_LINE);
        buffer_format(out, " is the name of places in %d countries.</p>\n", view->same_name_countries);
    }
    if (strcmp(match, "fuzzy") == 0)
        add_element(out, "p", "note", "The name was found under a similar spelling only.");
    if (strcmp(match, "container") == 0 && !writer_is_empty(place->city))
        add_element(out, "p", "note",
                    "The city is not known: the coordinates are those of its region or country.");
}

static void add_details(struct buffer *out, const struct verdict *view) {
    if (view->truncated) add_element(out, "p", "note", "The answer was cut off at the limit of tokens.");
    if (!writer_is_empty(view->reasoning)) {
        buffer_add_text(out, "<details><summary>The whole reasoning</summary><p class=\"reasoning\">");
        writer_add_xml(out, view->reasoning, CLEAN_LINES);
        buffer_add_text(out, "</p></details>\n");
    }
    if (!writer_is_empty(view->evidence)) {
        buffer_add_text(out, "<details><summary>Where the model looked</summary>\n");
        if (!add_picture(out, view->evidence, "Where the model looked"))
            add_element(out, "p", "note", view->evidence);
        buffer_add_text(out, "</details>\n");
    }
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
        buffer_add_text(out, "<p class=\"within\">Best guess: ");
        add_name(out, &view->place);
        buffer_add_text(out, "</p>\n");
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
    if (view->outcome == VERDICT_PLACED || view->outcome == VERDICT_ABSTAINED) {
        add_confidence(out, view);
        add_alternatives(out, view);
        add_notes(out, view);
    }
}

static int remember(struct writer_page *page, const struct verdict *view, struct error *error) {
    const struct verdict_place *place = writer_shown_place(view);
    struct writer_marker marker = {.number = page->count + 1,
                                   .radius_km = writer_radius(view, view->radius_50_km)};
    if (place && writer_get_position(place, &marker.position)) {
        struct writer_marker *grown =
            memory_grow(page->markers, page->marker_count + 1, sizeof *grown, "map", error);
        if (!grown) return -1;
        page->markers = grown;
        page->markers[page->marker_count++] = marker;
    }
    page->outcomes[view->outcome]++;
    page->count++;
    return 0;
}

int writer_html_add(struct buffer *out, struct writer_page *page, const struct verdict *view,
                    const struct writer_options *options, struct error *error) {
    if (remember(page, view, error)) return -1;
    buffer_format(out, "<article id=\"p%zu\" class=\"%s\">\n", page->count,
                  verdict_outcome_name(view->outcome));
    add_photo(out, view, page->count);
    buffer_add_text(out, "<div class=\"said\">\n");
    add_answer(out, view, options->precision);
    add_clues(out, view);
    add_details(out, view);
    buffer_add_text(out, "</div>\n</article>\n");
    return 0;
}

// ---- the page -------------------------------------------------------------------------------------------

void writer_html_begin(struct buffer *out, const struct writer_options *options) {
    buffer_add_text(out, head);
    for (size_t i = 0; writer_html_style[i]; i++) buffer_add_text(out, writer_html_style[i]);
    buffer_add_text(out, "</style>\n</head>\n<body>\n<header>\n<h1>Where these photos were taken</h1>\n<p>");
    if (!writer_is_empty(options->model)) {
        buffer_add_text(out, "Told by <b>");
        writer_add_xml(out, options->model, CLEAN_LINE);
        buffer_add_text(out, "</b> from what the pictures show.");
    }
    if (options->precision != PRECISION_FULL)
        buffer_format(out, " Places are given to the %s only.", writer_precision_names[options->precision]);
    buffer_add_text(out, "</p>\n</header>\n<main>\n");
}

static void add_counts(struct buffer *out, const struct writer_page *page) {
    static const char *const words[] = {"placed", "too unsure", "not locatable", "without an answer",
                                        "out of scope", "failed"};
    buffer_format(out, "%zu photo%s: ", page->count, page->count == 1 ? "" : "s");
    const char *comma = "";
    for (int outcome = 0; outcome <= VERDICT_FAILED; outcome++) {
        if (page->outcomes[outcome] == 0) continue;
        buffer_format(out, "%s%zu %s", comma, page->outcomes[outcome], words[outcome]);
        comma = ", ";
    }
    if (page->count == 0) buffer_add_text(out, "none");
    buffer_add_text(out, ".");
}

void writer_html_end(struct buffer *out, const struct writer_page *page,
                     const struct writer_options *options) {
    buffer_add_text(out, "</main>\n<section class=\"world\">\n");
    if (page->marker_count > 0) writer_map_add(out, page->markers, page->marker_count, options->land);
    buffer_add_text(out, "<p>");
    add_counts(out, page);
    if (page->marker_count > 0 && options->land)
        buffer_add_text(out, " The dots of the map are the world's towns (GeoNames, CC BY 4.0).");
    buffer_add_text(out, "</p>\n</section>\n</body>\n</html>\n");
}

void writer_page_free(struct writer_page *page) {
    free(page->markers);
    *page = (struct writer_page){0};
}
