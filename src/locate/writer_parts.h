// What the writers of the single formats share. Only for src/locate/writer*.c.
#ifndef GLOBE_LOCATE_WRITER_PARTS_H
#define GLOBE_LOCATE_WRITER_PARTS_H

#include "base/buffer.h"
#include "locate/verdict.h"
#include "locate/writer.h"

// --- Values (writer_values.c) --- numbers are written the same under every locale.

enum writer_cleaning {
    CLEAN_LINE,   // one line: line ends and tabs become spaces
    CLEAN_LINES,  // line ends stay
    CLEAN_ESCAPED // control characters below U+0020 stay: what follows escapes them
};
// Appends the text (NULL: nothing) as valid UTF-8; what a terminal, an XML parser or the eye must not meet
// becomes U+FFFD.
void writer_add_clean(struct buffer *out, const char *text, enum writer_cleaning how);
// The same with & < > " escaped for XML.
void writer_add_xml(struct buffer *out, const char *text, enum writer_cleaning how);

// Appends a number with that many decimals; nothing when it is not finite or 1e12 and more.
void writer_add_fixed(struct buffer *out, double value, int decimals);
// The same without trailing zeros.
void writer_add_number(struct buffer *out, double value, int decimals);
double writer_round(double value, int decimals);

bool writer_is_known(double value); // finite and not negative
bool writer_is_empty(const char *text);

// "City, Region, Country", leaving out what is empty or said already. Not cleaned.
void writer_add_place(struct buffer *out, const struct verdict_place *place);
// The position with its longitude in [-180, 180); false when there is none, or it is not on Earth.
bool writer_get_position(const struct verdict_place *place, struct point *position);
// The place that a map may show: NULL unless PLACED.
const struct verdict_place *writer_shown_place(const struct verdict *verdict);
// The place's radius, or one of the circles around its samples if that is larger; -1 when unknown. People are
// shown the circle of half of them: one stray sample of eight draws that of nine tenths around half of
// the world.
double writer_radius(const struct verdict *verdict, double samples_km);
// "quite sure, 88 % of 8 samples; 90 % of them within 12 km". One sample gets no such words: the probability
// that a model gives to its own says little about whether they are true (docs/responsible-use.md).
void writer_add_confidence(struct buffer *out, const struct verdict *view);
void writer_add_percent(struct buffer *out, double share);                      // "63 %", "under 1 %"
void writer_add_coordinates(struct buffer *out, struct point at, int decimals); // "38.7169° N 9.1399° W"
void writer_add_kilometres(struct buffer *out, double km); // "4.5 km", "12 km", "1,800 km"

// --- Coarsening (writer_precision.c) ---

// A view of the verdict that says nothing finer than `precision`. It borrows the verdict's texts; release it
// with writer_release_view before the verdict.
int writer_coarsen(struct verdict *view, const struct verdict *verdict, enum writer_precision precision,
                   struct error *error);
void writer_release_view(struct verdict *view);

// --- Wrapping (writer_wrap.c) --- in columns of a terminal, not bytes.

size_t writer_text_columns(const char *text);
void writer_pad(struct buffer *out, size_t columns); // spaces
// Appends text, broken between words into lines that end before column `width` and begin at column `indent`,
// where the first one is taken to stand already. No line end after the last. The text is valid UTF-8.
void writer_wrap(struct buffer *out, const char *text, size_t indent, size_t width);

// --- Formats --- each appends one verdict; the view is coarsened already.

void writer_text_add(struct buffer *out, const struct verdict *view, const struct writer_options *options);
int writer_json_add(struct buffer *out, const struct verdict *view, const struct writer_options *options,
                    struct error *error);
int writer_geojson_add(struct buffer *out, const struct verdict *view, const struct writer_options *options,
                       struct error *error);
void writer_csv_begin(struct buffer *out);
void writer_csv_add(struct buffer *out, const struct verdict *view, const struct writer_options *options);
void writer_kml_begin(struct buffer *out);
void writer_kml_add(struct buffer *out, const struct verdict *view, const struct writer_options *options);
void writer_kml_end(struct buffer *out);

// --- The page (writer_html.c, writer_html_style.c, writer_map.c) ---

struct writer_spot {
    double x, y; // on the map
};

struct writer_marker {
    size_t number; // of the photo, from 1
    struct point position;
    double radius_km; // < 0 when unknown
};

// What the end of the page tells of all photos. Start from {0}.
struct writer_page {
    struct writer_marker *markers;
    size_t marker_count;
    size_t count, outcomes[VERDICT_FAILED + 1];
};
void writer_page_free(struct writer_page *page);

extern const char *const writer_html_style[]; // CSS in parts, ended by NULL
void writer_html_begin(struct buffer *out, const struct writer_options *options);
int writer_html_add(struct buffer *out, struct writer_page *page, const struct verdict *view,
                    const struct writer_options *options, struct error *error);
void writer_html_end(struct buffer *out, const struct writer_page *page,
                     const struct writer_options *options);
// An <svg> element. Without `land` only the lines of the globe are drawn.
void writer_map_add(struct buffer *out, const struct writer_marker *markers, size_t count,
                    const struct gazetteer_density *land);

#endif
