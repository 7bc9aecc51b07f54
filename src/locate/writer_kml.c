// KML 2.2 (OGC 07-147r2). Names and data are text; a description is HTML inside XML, so what stands in it is
// escaped twice, and the balloon shows nothing but the description.
#include "locate/writer_parts.h"

void writer_kml_begin(struct buffer *out) {
    buffer_add_text(
        out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<kml xmlns=\"http://www.opengis.net/kml/2.2\">\n"
             "<Document>\n"
             "  <name>globe</name>\n"
             "  <Style id=\"estimate\"><BalloonStyle><text>$[description]</text></BalloonStyle></Style>\n");
}

void writer_kml_end(struct buffer *out) {
    buffer_add_text(out, "</Document>\n</kml>\n");
}

static void add_data(struct buffer *out, const char *name, const char *value) {
    if (writer_is_empty(value)) return;
    buffer_format(out, "      <Data name=\"%s\"><value>", name);
    writer_add_xml(out, value, CLEAN_LINE);
    buffer_add_text(out, "</value></Data>\n");
}

static void add_number(struct buffer *out, const char *name, double value, int decimals) {
    if (!writer_is_known(value)) return;
    buffer_format(out, "      <Data name=\"%s\"><value>", name);
    writer_add_number(out, value, decimals);
    buffer_add_text(out, "</value></Data>\n");
}

static void add_name(struct buffer *out, const struct verdict *view) {
    const struct verdict_place *place = writer_shown_place(view);
    struct buffer name = {0};
    if (place) writer_add_place(&name, place);
    buffer_add_text(out, "    <name>");
    writer_add_xml(out, name.length ? name.data : view->photo, CLEAN_LINE);
    buffer_add_text(out, "</name>\n");
    out->failed = out->failed || name.failed;
    buffer_free(&name);
}

// HTML, not yet escaped for XML.
static void add_paragraph(struct buffer *html, const char *text) {
    buffer_add_text(html, "<p>");
    writer_add_xml(html, text, CLEAN_LINES);
    buffer_add_text(html, "</p>");
}

static void add_description(struct buffer *out, const struct verdict *view) {
    struct buffer html = {0}, line = {0};
    add_paragraph(&html, view->photo);
    if (view->outcome == VERDICT_FAILED) add_paragraph(&html, view->error.message);
    if (writer_shown_place(view) && writer_is_known(view->confidence)) {
        buffer_add_text(&line, "Confidence: ");
        writer_add_confidence(&line, view);
        add_paragraph(&html, line.data);
        buffer_clear(&line);
    }
    for (size_t i = 0; i < view->clue_count; i++) {
        buffer_format(&line, "%s: %s", view->clues[i].kind, view->clues[i].text ? view->clues[i].text : "");
        add_paragraph(&html, line.data);
        buffer_clear(&line);
    }
    if (view->clue_count == 0 && !writer_is_empty(view->reasoning)) add_paragraph(&html, view->reasoning);
    buffer_add_text(out, "    <description>");
    writer_add_xml(out, html.data, CLEAN_LINES);
    buffer_add_text(out, "</description>\n");
    out->failed = out->failed || html.failed || line.failed;
    buffer_free(&html);
    buffer_free(&line);
}

static void add_extended_data(struct buffer *out, const struct verdict *view,
                              const struct writer_options *options) {
    const struct verdict_place *place = writer_shown_place(view);
    buffer_add_text(out, "    <ExtendedData>\n");
    add_data(out, "photo", view->photo);
    add_data(out, "outcome", verdict_outcome_name(view->outcome));
    if (place) {
        add_data(out, "country", place->country);
        add_data(out, "country_code", place->country_code);
        add_data(out, "region", place->region);
        add_data(out, "city", place->city);
        add_number(out, "radius_km", place->radius_km, 1);
    }
    add_number(out, "confidence", view->confidence, 4);
    add_number(out, "radius_50_km", view->radius_50_km, 1);
    add_number(out, "radius_90_km", view->radius_90_km, 1);
    add_data(out, "model", options->model);
    add_data(out, "precision", writer_precision_names[options->precision]);
    buffer_add_text(out, "    </ExtendedData>\n");
}

static void add_point(struct buffer *out, const struct verdict *view) {
    const struct verdict_place *place = writer_shown_place(view);
    struct point position;
    if (!place || !writer_get_position(place, &position)) return;
    buffer_add_text(out, "    <Point><coordinates>");
    writer_add_number(out, position.lon, 6);
    buffer_add_text(out, ",");
    writer_add_number(out, position.lat, 6);
    buffer_add_text(out, "</coordinates></Point>\n");
}

void writer_kml_add(struct buffer *out, const struct verdict *view, const struct writer_options *options) {
    buffer_add_text(out, "  <Placemark>\n");
    add_name(out, view);
    add_description(out, view);
    buffer_add_text(out, "    <styleUrl>#estimate</styleUrl>\n");
    add_extended_data(out, view, options);
    add_point(out, view);
    buffer_add_text(out, "  </Placemark>\n");
}
