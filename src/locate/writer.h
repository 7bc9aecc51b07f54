// Verdicts in the formats people use. One writer serves a whole batch.
//   text     for reading
//   json     one array; jsonl one object per line, written as soon as it is known
//   csv      RFC 4180, header line
//   geojson  a FeatureCollection; the answer is a Point, alternatives in the properties
//   kml      placemarks
//   html     one page with small pictures and a map, which loads nothing from anywhere and has no script; it
//   is
//            written as a whole at the end
//   paths    the photos' paths as they are, a line each
// and, beside each photo, an XMP sidecar. docs/output-formats.md describes every field.
//
// Texts come from models and file names and are not trusted: invalid UTF-8 and control characters, among them
// those that turn the writing direction, come out as U+FFFD, markup is escaped, and nothing reads as a
// formula in a spreadsheet.
#ifndef GLOBE_LOCATE_WRITER_H
#define GLOBE_LOCATE_WRITER_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/output.h"
#include "geo/gazetteer_density.h"
#include "locate/verdict.h"

enum writer_format {
    WRITER_TEXT,
    WRITER_JSON,
    WRITER_JSONL,
    WRITER_CSV,
    WRITER_GEOJSON,
    WRITER_KML,
    WRITER_HTML,
    WRITER_PATHS
};
extern const char *const writer_format_names[]; // in this order, ended by NULL

// Coarsening of everything that is written (--precision): positions and radii become those of the unit.
//   city     positions to 0.01 degrees, radii no smaller than the place
//   country  the country's position and radius; city, region, reasoning, clues, evidence and the raw answer
//            are left out; alternatives in one country become one, and those in the answer's country add to
//            its confidence
enum writer_precision { PRECISION_FULL, PRECISION_CITY, PRECISION_COUNTRY };
extern const char *const writer_precision_names[];

// How a sidecar is called. Of two photos that differ in their ending only (street.jpg, street.png), XMP_BASE
// gives a sidecar to the first.
enum writer_xmp_name {
    XMP_FULL, // street.jpg.xmp: darktable, digiKam, exiftool
    XMP_BASE  // street.xmp: Lightroom, Bridge, Capture One
};
extern const char *const writer_xmp_names[]; // "full", "base"

struct provenance; // locate/provenance.h
struct writer_options {
    enum writer_format format;
    enum writer_precision precision;
    bool show_reasoning; // text format: the whole reasoning after the clues; the others always have it
    bool colour;         // text format on a terminal
    size_t width;        // text format: columns to wrap at, 40..200; 0: 80
    const char *model;   // named in the output: checkpoint folder's name, or the endpoint's model
    const struct provenance *provenance;  // json, jsonl: how the answers are made; NULL: not told
    const struct gazetteer_density *land; // html: what the map's land is drawn from; NULL: no land
    bool bom;       // csv: a byte order mark in front, without which Excel takes UTF-8 for something else
    bool null_ends; // paths: each ends with a NUL instead of a line end
    bool circles;   // geojson, kml: also the circles that hold half and nine tenths, as polygons
    enum writer_xmp_name xmp_name;
    size_t expected;    // html: so many photos will come, so their pictures are made smaller; 0: not known
    const char *photos; // html, xmp: where the photos' relative paths begin; NULL: the current folder
};

// How files of the format are known as ours (base/output.h; writer_own.c).
const struct output_kind *writer_kind(enum writer_format format);

struct writer;
// Writes to `stream` (not closed), from the first writer_add or writer_end on; each verdict is flushed at
// once. ERROR_IO when it cannot be written. What `options` points to must outlive the writer.
struct writer *writer_new(FILE *stream, const struct writer_options *options, struct error *error);
int writer_add(struct writer *writer, const struct verdict *verdict, struct error *error);
// Of a verdict that was read back: the model and the precision it came with. Nothing is written finer than
// it was.
struct writer_origin {
    const char *model;
    enum writer_precision precision;
};
int writer_add_from(struct writer *writer, const struct verdict *verdict, const struct writer_origin *origin,
                    struct error *error);
int writer_end(struct writer *writer, struct error *error); // closing brackets, also of an empty batch
void writer_free(struct writer *writer);                    // NULL is fine

// Appends text[0, length) as the text format shows it, for an answer that is shown while it is written: line
// ends stay, what a terminal must not meet becomes U+FFFD.
void writer_add_shown(struct buffer *out, const char *text, size_t length);

// A view of the verdict that says nothing finer than `precision`. It borrows the verdict's texts; release it
// with writer_release_view before the verdict.
int writer_coarsen(struct verdict *view, const struct verdict *verdict, enum writer_precision precision,
                   struct error *error);
void writer_release_view(struct verdict *view);

// Appends JSON text (ASCII and UTF-8) with such characters, which can only stand in its strings, as \uXXXX:
// what a reader gets is the string, what a terminal gets is harmless.
void writer_add_json(struct buffer *out, const char *json);

// Appends one verdict as a JSON object in one line, without a line end (the object of json and jsonl).
int verdict_to_json(const struct verdict *verdict, const struct writer_options *options, struct buffer *out,
                    struct error *error);

// The sidecar beside the photo, named as options->xmp_name says: exif:GPSLatitude and
// GPSLongitude with a GPSProcessingMethod saying that this is an estimate, photoshop:City and Country,
// Iptc4xmpExt:LocationCreated, and confidence, radius, model and reasoning in a namespace of our own. The
// photo itself is never touched. An existing sidecar is ERROR_INPUT unless `replace` says otherwise, and a
// symbolic link or anything else that is no regular file always is. Nothing is written unless the verdict is
// PLACED.
enum xmp_replace {
    XMP_KEEP,
    XMP_REPLACE,
    XMP_UNTOUCHED // one of ours that nobody has changed since (it carries its own SHA-256)
};
int writer_write_xmp(const struct verdict *verdict, const struct writer_options *options,
                     enum xmp_replace replace, struct error *error);
// Its path, in new memory.
char *writer_xmp_path(const char *photo, const struct writer_options *options, struct error *error);
// How things stand there: nothing, a sidecar of ours (changed or not), or something else.
enum xmp_state { XMP_ABSENT, XMP_OWN, XMP_FOREIGN };
// XMP_FOREIGN also for one that globe wrote for another photo of the same base name.
enum xmp_state writer_xmp_look(const char *path, const char *photo);
// Removes the photo's sidecar when globe wrote it and nobody has touched it since: for a run that goes on, whose
// answer is no place while a killed run had found one.
int writer_remove_xmp(const char *photo, const struct writer_options *options, struct error *error);

#endif
