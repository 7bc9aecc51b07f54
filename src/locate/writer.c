#include "locate/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "locate/writer_parts.h"

const char *const writer_format_names[] = {"text", "json", "jsonl", "csv", "geojson", "kml", "html", NULL};
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
        writer_csv_begin(&writer->out);
        break;
    case WRITER_KML:
        writer_kml_begin(&writer->out);
        break;
    case WRITER_HTML:
        writer_html_begin(&writer->out, &writer->options);
        break;
    case WRITER_TEXT:
    case WRITER_JSONL:
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

static int add_view(struct writer *writer, const struct verdict *view, struct error *error) {
    struct buffer *out = &writer->out;
    const struct writer_options *options = &writer->options;
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
    }
    return error_set(error, ERROR_INTERNAL, "there is no output format %d", (int)options->format);
}

int writer_add(struct writer *writer, const struct verdict *verdict, struct error *error) {
    struct verdict view;
    if (writer_coarsen(&view, verdict, writer->options.precision, error)) return -1;
    begin(writer);
    size_t before = writer->out.length;
    int result = add_view(writer, &view, error);
    writer_release_view(&view);
    if (result) {
        writer->out.length = before; // half a record must not precede the next one
        return -1;
    }
    writer->count++;
    return flush(writer, error);
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
        writer_html_end(&writer->out, &writer->page, &writer->options);
        break;
    case WRITER_TEXT:
    case WRITER_JSONL:
    case WRITER_CSV:
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
