#include "locate/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "locate/writer_internal.h"

const char *const writer_format_names[] = {"text", "json", "jsonl", "csv", "geojson",
                                           "kml",  "html", "paths", NULL};
const char *const writer_precision_names[] = {"full", "city", "country", NULL};

struct writer {
    FILE *stream;
    struct writer_options options;
    struct buffer out;
    size_t count;            // verdicts written
    struct writer_page page; // html
    bool begun;
};

struct writer *writer_new(FILE *stream, const struct writer_options *options, struct error *error) {
    struct writer *writer = memory_new(1, sizeof *writer, "writer", error);
    if (!writer) return NULL;
    writer->stream = stream;
    writer->options = *options;
    return writer;
}

static void begin(struct writer *writer) {
    if (writer->begun) return;
    writer->begun = true;
    switch (writer->options.format) {
    case WRITER_JSON:
        buffer_add_text(&writer->out, "[");
        break;
    case WRITER_GEOJSON:
        buffer_add_text(&writer->out, "{\"type\": \"FeatureCollection\", \"features\": [");
        break;
    case WRITER_CSV:
        writer_csv_begin(&writer->out, &writer->options);
        break;
    case WRITER_KML:
        writer_kml_begin(&writer->out);
        break;
    case WRITER_TEXT:
    case WRITER_JSONL:
    case WRITER_HTML:
    case WRITER_PATHS:
        break;
    }
}

static int flush(struct writer *writer, struct error *error) {
    struct buffer *out = &writer->out;
    if (out->failed) return error_set(error, ERROR_MEMORY, "not enough memory for the output");
    errno = 0;
    if (out->length) fwrite(out->data, 1, out->length, writer->stream);
    buffer_clear(out);
    if (fflush(writer->stream) || ferror(writer->stream))
        return error_set(error, ERROR_IO, "cannot write the results: %s", strerror(errno ? errno : EIO));
    return 0;
}

static int add_view(struct writer *writer, const struct verdict *view, const struct writer_options *options,
                    struct error *error) {
    struct buffer *out = &writer->out;
    bool first = writer->count == 0;
    switch (options->format) {
    case WRITER_TEXT:
        if (!first) buffer_add_text(out, "\n");
        writer_text_add(out, view, options);
        return 0;
    case WRITER_JSON:
        buffer_add_text(out, first ? "\n" : ",\n");
        return writer_json_add(out, view, options, error);
    case WRITER_JSONL:
        if (writer_json_add(out, view, options, error)) return -1;
        buffer_add_text(out, "\n");
        return 0;
    case WRITER_GEOJSON:
        buffer_add_text(out, first ? "\n" : ",\n");
        return writer_geojson_add(out, view, options, error);
    case WRITER_CSV:
        writer_csv_add(out, view, options);
        return 0;
    case WRITER_KML:
        writer_kml_add(out, view, options);
        return 0;
    case WRITER_HTML:
        return writer_html_add(out, &writer->page, view, options, error);
    case WRITER_PATHS:
        return writer_paths_add(out, view, options, error);
    }
    return error_set(error, ERROR_INTERNAL, "there is no output format %d", (int)options->format);
}

int writer_add(struct writer *writer, const struct verdict *verdict, struct error *error) {
    return writer_add_from(writer, verdict, NULL, error);
}

int writer_add_from(struct writer *writer, const struct verdict *verdict, const struct writer_origin *origin,
                    struct error *error) {
    struct verdict view;
    struct writer_options options = writer->options;
    if (origin) {
        options.model = origin->model;
        if (origin->precision > options.precision) options.precision = origin->precision;
    }
    if (writer_coarsen(&view, verdict, options.precision, error)) return -1;
    begin(writer);
    size_t before = writer->out.length;
    int result = add_view(writer, &view, &options, error);
    writer_release_view(&view);
    if (result) {
        writer->out.length = before; // half a record must not precede the next one
        return -1;
    }
    writer->count++;
    return flush(writer, error);
}

// The cards, which have waited in a file.
static int copy_cards(struct writer *writer, struct error *error) {
    FILE *cards = writer->page.cards;
    if (!cards) return 0;
    char block[1 << 16];
    size_t length;
    errno = 0;
    bool failed = fflush(cards) || fseek(cards, 0, SEEK_SET);
    while (!failed && (length = fread(block, 1, sizeof block, cards)) > 0)
        failed = fwrite(block, 1, length, writer->stream) != length;
    if (!failed && !ferror(cards)) return 0;
    return error_set(error, ERROR_IO, "cannot write the results: %s", strerror(errno ? errno : EIO));
}

static int end_page(struct writer *writer, struct error *error) {
    writer_html_head(&writer->out, &writer->page, &writer->options);
    if (flush(writer, error) || copy_cards(writer, error)) return -1;
    writer_html_tail(&writer->out);
    return 0;
}

int writer_end(struct writer *writer, struct error *error) {
    begin(writer);
    switch (writer->options.format) {
    case WRITER_JSON:
        buffer_add_text(&writer->out, writer->count ? "\n]\n" : "]\n");
        break;
    case WRITER_GEOJSON:
        buffer_add_text(&writer->out, writer->count ? "\n]}\n" : "]}\n");
        break;
    case WRITER_KML:
        writer_kml_end(&writer->out);
        break;
    case WRITER_HTML:
        if (end_page(writer, error)) return -1;
        break;
    case WRITER_TEXT:
    case WRITER_JSONL:
    case WRITER_CSV:
    case WRITER_PATHS:
        break;
    }
    return flush(writer, error);
}

void writer_free(struct writer *writer) {
    if (!writer) return;
    buffer_free(&writer->out);
    writer_page_free(&writer->page);
    free(writer);
}
