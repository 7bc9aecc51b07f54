// How our own files are told from everybody else's (base/output.h), by what they begin with.
#include <string.h>

#include "locate/resume.h"
#include "locate/writer_internal.h"

static const char *skip_blanks(const char *text) {
    return text + strspn(text, " \t\r\n");
}

static bool is_text(const char *start, size_t length) {
    (void)length;
    return output_find_line(start, "  Place         ");
}

static bool is_json(const char *start, size_t length) {
    const char *inside = *start == '[' ? skip_blanks(start + 1) : start;
    if (inside == start) return false;
    bool empty = *inside == ']' && !*skip_blanks(inside + 1);
    return empty || resume_kind.is_own(inside, length - (size_t)(inside - start));
}

static bool is_csv(const char *start, size_t length) {
    (void)length;
    if (strncmp(start, "\xEF\xBB\xBF", 3) == 0) start += 3;
    return strncmp(start, "photo,outcome,", 14) == 0 || strncmp(start, "photo;outcome;", 14) == 0 ||
           strncmp(start, "photo\toutcome\t", 14) == 0;
}

static bool is_geojson(const char *start, size_t length) {
    static const char head[] = "{\"type\": \"FeatureCollection\", ";
    (void)length;
    if (strncmp(start, head, sizeof head - 1) != 0) return false;
    return strstr(start, "\"features\": []}") ||
           (strstr(start, "\"photo\": ") && strstr(start, "\"outcome\": "));
}

static bool is_kml(const char *start, size_t length) {
    (void)length;
    return strstr(start, "<kml xmlns=\"http://www.opengis.net/kml/2.2\">") &&
           strstr(start, "<name>globe</name>");
}

// Earlier pages have no generator.
static bool is_html(const char *start, size_t length) {
    (void)length;
    return strncmp(start, "<!DOCTYPE html>", 15) == 0 &&
           (strstr(start, "<meta name=\"generator\" content=\"globe ") ||
            strstr(start, "<title>Where these photos were taken</title>"));
}

// A list of paths looks like any other text.
static bool is_no_one(const char *start, size_t length) {
    (void)start, (void)length;
    return false;
}

const struct output_kind *writer_kind(enum writer_format format) {
    static const struct output_kind kinds[] = {
        [WRITER_TEXT] = {"a report of globe locate", is_text},
        [WRITER_JSON] = {"a JSON array of globe locate", is_json},
        [WRITER_CSV] = {"a CSV table of globe locate", is_csv},
        [WRITER_GEOJSON] = {"a GeoJSON file of globe locate", is_geojson},
        [WRITER_KML] = {"a KML file of globe locate", is_kml},
        [WRITER_HTML] = {"a page of globe locate", is_html},
        [WRITER_PATHS] = {"empty, and lists of paths cannot be told from other texts", is_no_one}};
    return format == WRITER_JSONL ? &resume_kind : &kinds[format];
}
