// Verdicts in the formats people use. One writer serves a whole batch.
//   text     for reading
//   json     one array; jsonl one object per line, written as soon as it is known
//   csv      RFC 4180, header line
//   geojson  a FeatureCollection; the answer is a Point, alternatives in the properties
//   kml      placemarks
// and, beside each photo, an XMP sidecar.
#ifndef GLOBE_LOCATE_WRITER_H
#define GLOBE_LOCATE_WRITER_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/error.h"
#include "locate/verdict.h"

enum writer_format { WRITER_TEXT, WRITER_JSON, WRITER_JSONL, WRITER_CSV, WRITER_GEOJSON, WRITER_KML };
extern const char *const writer_format_names[]; // in this order, ended by NULL

// Coarsening of everything that is written (--precision): positions and radii become those of the unit.
enum writer_precision { PRECISION_FULL, PRECISION_CITY, PRECISION_COUNTRY };
extern const char *const writer_precision_names[];

struct writer_options {
    enum writer_format format;
    enum writer_precision precision;
    bool show_reasoning; // text format; the others always have it
    bool colour;         // text format on a terminal
    const char *model;   // named in the output: checkpoint folder's name, or the endpoint's model
};

struct writer;
// Writes to `stream` (not closed). ERROR_IO when it cannot be written.
struct writer *writer_new(FILE *stream, const struct writer_options *options, struct error *error);
int writer_add(struct writer *writer, const struct verdict *verdict, struct error *error);
int writer_end(struct writer *writer, struct error *error); // closing brackets; then free
void writer_free(struct writer *writer);

// One verdict as a JSON object into `out` (the object of json and jsonl).
int verdict_to_json(const struct verdict *verdict, const struct writer_options *options, struct buffer *out,
                    struct error *error);

// PHOTO.xmp beside the photo ("street.jpg.xmp"), as darktable and exiftool read it:
// Iptc4xmpExt:LocationCreated-like country and city, exif:GPSLatitude/Longitude with GPSProcessingMethod
// saying that this is an estimate, the confidence and reasoning. The photo itself is never touched; an
// existing sidecar is an error unless `replace`. Nothing is written unless the verdict is PLACED.
int writer_write_xmp(const struct verdict *verdict, const struct writer_options *options, bool replace,
                     struct error *error);

#endif
