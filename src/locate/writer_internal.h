// What the writers of the single formats share. Only for src/locate/writer*.c.
#ifndef GLOBE_LOCATE_WRITER_INTERNAL_H
#define GLOBE_LOCATE_WRITER_INTERNAL_H

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
// Calibrated: "quite sure, 88 % that the city is right, 97 % the country; 90 % within 33 km", for one sample
// without the first words. Else "88 % of 8 samples (uncalibrated); 90 % of them within 12 km": how often such
// shares are right nobody has measured, and they get no words (docs/responsible-use.md).
void writer_add_confidence(struct buffer *out, const struct verdict *view);
void writer_add_percent(struct buffer *out, double share);                      // "63 %", "under 1 %"
void writer_add_coordinates(struct buffer *out, struct point at, int decimals); // "38.7169° N 9.1399° W"
void writer_add_kilometres(struct buffer *out, double km); // "4.5 km", "12 km", "1,800 km"

const char *writer_outcome_words(enum verdict_outcome outcome); // "too unsure", ...
// Whether a model of that name is the embedded one, which says nothing of real photos.
bool writer_is_drawn_world(const char *model);
// Where the photo lies: a relative name begins in options->photos. free() it.
char *writer_photo_path(const char *photo, const struct writer_options *options, struct error *error);

// --- Circles (writer_circle.c) ---

enum { WRITER_CIRCLE_STEPS = 72 };
struct writer_polygon { // closed: the last point is the first; counterclockwise, longitudes in [-180, 180]
    size_t count;
    struct point points[2 * (WRITER_CIRCLE_STEPS + 1) + 1];
};
// All points of the Earth so near to the center: one or two polygons, none when the radius is not positive.
size_t writer_circle(struct point center, double radius_km, struct writer_polygon polygons[2]);

struct writer_ring {
    double share; // of the truths or samples it is to hold; -1: the place's own extent
    double radius_km;
};
// What is drawn around the answer: the circles of half and of nine tenths, else the place itself.
size_t writer_circles(const struct verdict *view, struct writer_ring rings[2]);

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
int writer_paths_add(struct buffer *out, const struct verdict *view, const struct writer_options *options,
                     struct error *error);
void writer_csv_begin(struct buffer *out, const struct writer_options *options);
void writer_csv_add(struct buffer *out, const struct verdict *view, const struct writer_options *options);
void writer_kml_begin(struct buffer *out);
void writer_kml_add(struct buffer *out, const struct verdict *view, const struct writer_options *options);
void writer_kml_end(struct buffer *out);

// --- Sidecars that know whether they were changed (writer_seal.c) ---

#define WRITER_SEAL "globe:Seal" // the property
// Puts the SHA-256 of the packet, taken while its seal is all "0", into the seal that add_packet left room
// for.
int writer_seal(struct buffer *packet, struct error *error);
bool writer_is_sealed(const char *packet, size_t length); // and unchanged since

// --- The page (writer_html*.c, writer_map*.c) ---

// How sure a card and its pin are shown to be, and which colour they get.
enum writer_band { BAND_UNKNOWN, BAND_VERY, BAND_QUITE, BAND_FAIRLY, BAND_UNSURE, BANDS };
enum writer_band writer_band(double confidence); // of several samples; < 0: unknown
// The confidence that may be shown as an amount: -1 for one sample, whose probability of its own words is
// none.
double writer_shown_confidence(const struct verdict *view);

struct writer_spot {
    double x, y; // on the map
};

struct writer_marker {
    size_t number; // of the photo, from 1
    struct point position;
    double radius_km;  // < 0 when unknown
    double confidence; // < 0 when unknown
    char *name;        // of the place; NULL: none
};

struct writer_country {
    char *name;
    size_t count;
};

// What the page tells of all photos. Start from {0}.
struct writer_page {
    FILE *cards; // a temporary file: the cards come after the map, which needs all of them
    struct writer_marker *markers;
    size_t marker_count;
    struct writer_country *countries; // in the order in which they came up: that is their number
    size_t country_count;
    char **models;
    size_t model_count;
    size_t count, outcomes[VERDICT_FAILED + 1], bands[BANDS];
    bool drawn;                      // one of the models knows the drawn world of the postcards only
    enum writer_precision precision; // the coarsest of all
};
void writer_page_free(struct writer_page *page);

extern const char *const writer_html_style[]; // CSS in parts, ended by NULL
// Takes the text of *out, which holds one card, into the page.
int writer_html_add(struct buffer *out, struct writer_page *page, const struct verdict *view,
                    const struct writer_options *options, struct error *error);
// Everything before the cards, and everything after them.
void writer_html_head(struct buffer *out, const struct writer_page *page,
                      const struct writer_options *options);
void writer_html_tail(struct buffer *out);
// One card (writer_html_card.c), and how the verdicts of its kind are filtered and sorted.
void writer_card_add(struct buffer *out, const struct verdict *view, size_t number, size_t country,
                     const struct writer_options *options);
// The controls, and the rules that make them work without any script (writer_html_tools.c).
void writer_tools_add(struct buffer *out, const struct writer_page *page);
void writer_tools_add_style(struct buffer *out, const struct writer_page *page);

// An <svg> element, what its colours mean, and a list for each mark of several photos, which opens when the
// mark is followed. Without `land` only the lines of the globe are drawn. Without markers nothing is.
void writer_map_add(struct buffer *out, const struct writer_marker *markers, size_t count,
                    const struct gazetteer_density *land);
// The marks and the lists (writer_map_marks.c).
void writer_marks_add(struct buffer *out, const struct writer_marker *markers, size_t count);
struct writer_spot writer_map_project(double lat, double lon);

#endif
