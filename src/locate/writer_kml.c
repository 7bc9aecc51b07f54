// KML 2.2 (OGC 07-147r2). Names and data are text; a description is HTML inside XML, so what stands in it is
// escaped twice, and the balloon shows nothing but the description.
#include <math.h>

#include "locate/writer_internal.h"

void writer_kml_begin(struct buffer *out) {
    buffer_add_text(
        out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<kml xmlns=\"http://www.opengis.net/kml/2.2\">\n"
             "<Document>\n"
             "  <name>globe</name>\n"
             "  <description>Places that a model estimated from what photos show. None was "
             "measured.</description>\n"
             "  <Style id=\"estimate\"><BalloonStyle><text>$[description]</text></BalloonStyle></Style>\n"
             "  <Style id=\"circle\"><LineStyle><color>ff6b5614</color><width>2</width></LineStyle>"
             "<PolyStyle><color>336b5614</color></PolyStyle></Style>\n");
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
    if (writer_shown_place(view))
        add_paragraph(&html, "Estimated by a model from what the picture shows, not measured.");
    if (view->outcome == VERDICT_ABSTAINED) {
        buffer_add_text(&line, "Less sure than was asked for. Most likely: ");
        writer_add_place(&line, &view->place);
        add_paragraph(&html, line.data);
        buffer_clear(&line);
    }
    if (view->outcome == VERDICT_FAILED) add_paragraph(&html, view->error.message);
    if (writer_shown_place(view) && writer_is_known(view->confidence)) {
        buffer_add_text(&line, "Confidence: ");
        writer_add_confidence(&line, view);
        add_paragraph(&html, line.data);
        buffer_clear(&line);
    }
    if (view->has_gps && writer_is_known(view->gps_distance_km)) {
        writer_add_kilometres(&line, view->gps_distance_km);
        buffer_add_text(&line, " from the position that the photo's own GPS measured");
        if (view->contradicts_gps) buffer_add_text(&line, ", which contradicts the estimate");
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
    add_data(out, "estimated", "true");
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
    if (view->has_gps) add_number(out, "gps_distance_km", view->gps_distance_km, 1);
    if (view->has_gps) add_data(out, "contradicts_gps", view->contradicts_gps ? "true" : "false");
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

static void add_polygon(struct buffer *out, const struct writer_polygon *polygon) {
    buffer_add_text(out,
                    "      <Polygon><tessellate>1</tessellate><outerBoundaryIs><LinearRing><coordinates>");
    for (size_t i = 0; i < polygon->count; i++) {
        if (i > 0) buffer_add_text(out, " ");
        writer_add_number(out, polygon->points[i].lon, 6);
        buffer_add_text(out, ",");
        writer_add_number(out, polygon->points[i].lat, 6);
    }
    buffer_add_text(out, "</coordinates></LinearRing></outerBoundaryIs></Polygon>\n");
}

static void add_circle(struct buffer *out, const struct verdict *view, const struct writer_ring *ring) {
    struct writer_polygon polygons[2];
    size_t count = writer_circle(view->place.position, ring->radius_km, polygons);
    buffer_add_text(out, "  <Placemark>\n    <name>");
    writer_add_xml(out, view->photo, CLEAN_LINE);
    if (ring->share < 0)
        buffer_add_text(out, ": the place, ");
    else
        buffer_format(out, ": %ld %% within ", lround(ring->share * 100));
    writer_add_kilometres(out, ring->radius_km);
    buffer_add_text(out, "</name>\n    <styleUrl>#circle</styleUrl>\n    <MultiGeometry>\n");
    for (size_t i = 0; i < count; i++) add_polygon(out, &polygons[i]);
    buffer_add_text(out, "    </MultiGeometry>\n  </Placemark>\n");
}

void writer_kml_add(struct buffer *out, const struct verdict *view, const struct writer_options *options) {
    buffer_add_text(out, "  <Placemark>\n");
    add_name(out, view);
    add_description(out, view);
    buffer_add_text(out, "    <styleUrl>#estimate</styleUrl>\n");
    add_extended_data(out, view, options);
    add_point(out, view);
    buffer_add_text(out, "  </Placemark>\n");
    struct writer_ring rings[2];
    size_t count = options->circles ? writer_circles(view, rings) : 0;
    for (size_t i = 0; i < count; i++) add_circle(out, view, &rings[i]);
}
