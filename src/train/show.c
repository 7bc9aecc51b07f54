#include "train/show.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/memory.h"
#include "photo/decode.h"
#include "photo/encode.h"
#include "photo/resize.h"
#include "train/plot.h"

enum { MAX_FILE = 1 << 30 };

static const char mark[] = "<!-- globe train show -->";

static const char style[] =
    "body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 "
    "1em;color:#222;background:#fff}"
    "h1{font-size:1.4em}summary{cursor:pointer;font-weight:600;padding:.4em 0}"
    "table{border-collapse:collapse;width:100%;margin:.6em 0 1.6em}"
    "th,td{border-bottom:1px solid #ddd;padding:.3em .6em;text-align:left;vertical-align:top}"
    "td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "td.t{white-space:pre-wrap;overflow-wrap:anywhere}.g{color:#186a3b}.b{color:#a93226}"
    "img{max-width:100%;margin:.3em .6em .3em "
    "0}.q{color:#555;white-space:pre-wrap}svg{max-width:100%;height:auto}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}th,td{border-color:#444}.q{color:#"
    "aaa}"
    ".g{color:#58d68d}.b{color:#ec7063}}";

// ---- texts ----------------------------------------------------------------------------------------------

static void add_escaped(struct buffer *html, const char *text) {
    for (; text && *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '&')
            buffer_add_text(html, "&amp;");
        else if (c == '<')
            buffer_add_text(html, "&lt;");
        else if (c == '>')
            buffer_add_text(html, "&gt;");
        else if (c == '"')
            buffer_add_text(html, "&quot;");
        else if (c >= 0x20 || c == '\n' || c == '\t')
            buffer_add(html, text, 1);
    }
}

static const char *text_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void add_number(struct buffer *html, const json_t *value, bool signs) {
    if (!json_is_number(value)) {
        buffer_add_text(html, "<td class=\"n\">-</td>");
        return;
    }
    double number = json_number_value(value);
    const char *kind = !signs || number == 0 ? "n" : number > 0 ? "n g" : "n b";
    buffer_format(html, signs ? "<td class=\"%s\">%+.3f</td>" : "<td class=\"%s\">%.3f</td>", kind, number);
}

// ---- pictures -------------------------------------------------------------------------------------------

static int shrink(struct image *image, size_t side, struct error *error) {
    size_t longest = image->width > image->height ? image->width : image->height;
    if (longest <= side) return 0;
    struct image small = {0};
    size_t width = image->width * side / longest, height = image->height * side / longest;
    if (image_resize(&small, image, width ? width : 1, height ? height : 1, error)) return -1;
    image_free(image);
    *image = small;
    return 0;
}

static int encode_picture(struct buffer *jpeg, const char *path, size_t side, struct error *error) {
    struct image image = {0};
    struct file_map map = {0};
    int result = file_map_open(&map, path, error);
    if (result == 0) result = photo_decode_buffer(&image, map.data, map.size, path, NULL, NULL, error);
    if (result == 0) result = shrink(&image, side, error);
    if (result == 0) result = photo_encode_jpeg(jpeg, &image, 85, error);
    image_free(&image);
    file_map_close(&map);
    return result;
}

static void add_picture(struct buffer *html, const char *path, size_t side) {
    struct error error = {0};
    struct buffer jpeg = {0};
    if (encode_picture(&jpeg, path, side, &error)) {
        buffer_add_text(html, "<p class=\"q\">");
        add_escaped(html, error.message);
        buffer_add_text(html, "</p>");
    } else {
        buffer_add_text(html, "<img alt=\"\" src=\"data:image/jpeg;base64,");
        base64_add(html, jpeg.data, jpeg.length);
        buffer_add_text(html, "\">");
    }
    buffer_free(&jpeg);
}

// ---- groups ---------------------------------------------------------------------------------------------

static void add_completion(struct buffer *html, const json_t *completion) {
    const char *name;
    json_t *value;
    buffer_add_text(html, "<tr>");
    add_number(html, json_object_get(completion, "reward"), false);
    add_number(html, json_object_get(completion, "advantage"), true);
    json_object_foreach(json_object_get(completion, "rewards"), name, value) {
        add_number(html, value, false);
    }
    buffer_format(html, "<td class=\"n\">%lld%s</td><td class=\"t\">",
                  (long long)json_integer_value(json_object_get(completion, "tokens")),
                  json_is_true(json_object_get(completion, "cut")) ? " cut" : "");
    add_escaped(html, text_at(completion, "text"));
    buffer_add_text(html, "</td></tr>\n");
}

static void add_group(struct buffer *html, const json_t *group, size_t side) {
    const json_t *truth = json_object_get(group, "truth"), *pictures = json_object_get(group, "pictures"),
                 *completions = json_object_get(group, "completions");
    json_t *item;
    size_t i;
    const char *name;
    buffer_add_text(html, "<h3>");
    add_escaped(html, text_at(group, "row"));
    buffer_add_text(html, "</h3>\n");
    json_array_foreach(pictures, i, item) {
        add_picture(html, json_string_value(item), side);
    }
    buffer_add_text(html, "<p class=\"q\">");
    add_escaped(html, text_at(group, "prompt"));
    buffer_add_text(html, "</p><p>True: <b>");
    add_escaped(html, text_at(truth, "city"));
    buffer_add_text(html, ", ");
    add_escaped(html, text_at(truth, "country"));
    buffer_add_text(html, "</b></p>\n<table><tr><th class=\"n\">reward</th><th class=\"n\">advantage</th>");
    json_object_foreach(json_object_get(json_array_get(completions, 0), "rewards"), name, item) {
        buffer_add_text(html, "<th class=\"n\">");
        add_escaped(html, name);
        buffer_add_text(html, "</th>");
    }
    buffer_add_text(html, "<th class=\"n\">tokens</th><th>completion</th></tr>\n");
    json_array_foreach(completions, i, item) {
        add_completion(html, item);
    }
    buffer_add_text(html, "</table>\n");
}

// ---- lines ----------------------------------------------------------------------------------------------

struct lines {
    char *text;
    json_t **objects; // those that can be read
    size_t count;
};

static int read_lines(struct lines *lines, const char *folder, struct error *error) {
    size_t length = 0, capacity = 0;
    char *path = file_join(folder, "completions.jsonl", error);
    if (!path) return -1;
    if (file_exists(path)) lines->text = file_read(path, MAX_FILE, &length, error);
    int result = file_exists(path) && !lines->text ? -1 : 0;
    free(path);
    for (char *line = lines->text, *end; result == 0 && line && *line; line = end + 1) {
        end = strchr(line, '\n');
        if (!end) break; // of a run that is being written
        json_t *object = json_loadb(line, (size_t)(end - line), 0, NULL);
        if (!object) continue;
        if (lines->count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            void *grown = memory_grow(lines->objects, capacity, sizeof *lines->objects, "completions", error);
            if (!grown) {
                json_decref(object);
                return -1;
            }
            lines->objects = grown;
        }
        lines->objects[lines->count++] = object;
    }
    return result;
}

static void free_lines(struct lines *lines) {
    for (size_t i = 0; i < lines->count; i++) json_decref(lines->objects[i]);
    free(lines->objects);
    free(lines->text);
}

static long long step_of(const struct lines *lines, size_t i) {
    return (long long)json_integer_value(json_object_get(lines->objects[i], "step"));
}

// The first line of the last `steps` steps.
static size_t first_shown(const struct lines *lines, size_t steps) {
    size_t first = lines->count, seen = 0;
    while (first && steps) {
        bool starts = first == lines->count || step_of(lines, first - 1) != step_of(lines, first);
        if (starts && ++seen > steps) break;
        first--;
    }
    return steps ? first : 0;
}

static void add_steps(struct buffer *html, const struct lines *lines, size_t steps, size_t side) {
    for (size_t i = first_shown(lines, steps); i < lines->count; i++) {
        bool starts = i == first_shown(lines, steps) || step_of(lines, i) != step_of(lines, i - 1),
             ends = i + 1 == lines->count || step_of(lines, i) != step_of(lines, i + 1);
        if (starts)
            buffer_format(html, "<details%s><summary>Step %lld</summary>\n",
                          i + 1 == lines->count ? " open" : "", step_of(lines, i));
        add_group(html, lines->objects[i], side);
        if (ends) buffer_add_text(html, "</details>\n");
    }
}

// ---- the page -------------------------------------------------------------------------------------------

static int add_curves(struct buffer *html, const char *folder, struct error *error) {
    struct buffer svg = {0};
    char *path = memory_copy_string(folder, strlen(folder), error);
    int result = path ? plot_runs(&svg, &path, 1, 0.9, error) : -1;
    const char *start = result == 0 ? strstr(svg.data, "<svg") : NULL;
    if (start) buffer_add_text(html, start);
    buffer_free(&svg);
    free(path);
    return result;
}

int show_run(struct buffer *html, const char *folder, size_t steps, size_t side, struct error *error) {
    struct lines lines = {0};
    buffer_add_text(html, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    buffer_add_text(html, mark);
    buffer_add_text(html, "<meta name=\"viewport\" content=\"width=device-width\"><title>");
    add_escaped(html, folder);
    buffer_format(html, "</title><style>%s</style></head><body>\n<h1>", style);
    add_escaped(html, folder);
    buffer_add_text(html, "</h1>\n");
    int result = add_curves(html, folder, error) || read_lines(&lines, folder, error) ? -1 : 0;
    if (result == 0 && lines.count == 0)
        buffer_add_text(html, "<p>This run has written no completions.</p>\n");
    if (result == 0) add_steps(html, &lines, steps, side);
    buffer_add_text(html, "</body></html>\n");
    free_lines(&lines);
    if (result == 0 && html->failed) return error_set(error, ERROR_MEMORY, "%s: out of memory", folder);
    return result;
}

static bool is_page(const char *start, size_t length) {
    (void)length;
    return strstr(start, mark) != NULL;
}

const struct output_kind show_kind = {"a page of globe train show", is_page};
