// The marks of the map and the lists behind them. Marks that would cover one another are one, which opens as
// a list. There are three sets, of which the style shows one: what is legible on a desk is a speck on a
// phone, and what is legible on a phone covers more.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "locate/writer_internal.h"

enum { RADIUS = 17, CHARACTER_WIDTH = 12, GAP = 4, LABEL_SIZE = 48, MOST_COLUMNS = 7 };
enum { COLUMNS = 1920 / (2 * RADIUS) + 2, ROWS = 960 / (2 * RADIUS) + 2 };

static const struct {
    char letter; // of its class
    double scale;
} sizes[] = {{'w', 1}, {'m', 1.6}, {'s', 2.8}};
enum { SIZES = sizeof sizes / sizeof *sizes };

// One mark, for one photo or several.
struct mark {
    double x, y; // sums
    size_t count, first, last;
    double confidence; // the sum of those that are known
    size_t known;
    char label[LABEL_SIZE];
    double width; // of the pin, before it is scaled
    bool gone;    // into another one
    size_t into;
};

struct marks {
    const struct writer_marker *markers;
    size_t *owner; // per marker: its mark
    size_t *order; // of the markers, by mark and name
    struct mark *list;
    size_t count;
    double scale;
};

// ---- which photos share one -----------------------------------------------------------------------------

// Their numbers, where that is short; else how many there are.
static void label(struct mark *mark) {
    size_t span = mark->last - mark->first + 1, columns;
    bool row = mark->count > 2 && span == mark->count;
    mark->label[0] = 0;
    if (mark->count == 1)
        snprintf(mark->label, LABEL_SIZE, "%zu", mark->first);
    else if (row || mark->count == 2)
        snprintf(mark->label, LABEL_SIZE, "%zu%s%zu", mark->first, row ? "\xE2\x80\x93" : ", ", mark->last);
    columns = writer_text_columns(mark->label);
    if (mark->count > 1 && (columns == 0 || columns > MOST_COLUMNS)) {
        snprintf(mark->label, LABEL_SIZE, "\xC3\x97%zu", mark->count);
        columns = writer_text_columns(mark->label) + 1;
    }
    mark->width = columns < 3 ? 2 * RADIUS : (double)columns * CHARACTER_WIDTH + RADIUS;
}

static void take_in(struct mark *mark, const struct mark *other) {
    if (other->first < mark->first) mark->first = other->first;
    if (other->last > mark->last) mark->last = other->last;
    mark->x += other->x;
    mark->y += other->y;
    mark->count += other->count;
    mark->confidence += other->confidence;
    mark->known += other->known;
}

static struct writer_spot center(const struct mark *mark) {
    return (struct writer_spot){mark->x / (double)mark->count, mark->y / (double)mark->count};
}

static bool cover(const struct marks *marks, const struct mark *a, const struct mark *b) {
    struct writer_spot p = center(a), q = center(b);
    return fabs(p.x - q.x) < marks->scale * (a->width + b->width) / 2 + GAP &&
           fabs(p.y - q.y) < marks->scale * 2 * RADIUS + GAP;
}

static struct mark mark_of(const struct writer_marker *marker) {
    struct writer_spot spot = writer_map_project(marker->position.lat, marker->position.lon);
    struct mark mark = {
        .x = spot.x, .y = spot.y, .count = 1, .first = marker->number, .last = marker->number};
    if (writer_is_known(marker->confidence)) {
        mark.confidence = marker->confidence;
        mark.known = 1;
    }
    return mark;
}

// Photos in one cell, which is as large as the smallest mark, share one anyhow: so however many photos there
// are, there are few marks to compare.
static void gather_cells(struct marks *marks, size_t count) {
    size_t cells[ROWS][COLUMNS] = {{0}}; // mark + 1
    for (size_t i = 0; i < count; i++) {
        struct mark mark = mark_of(&marks->markers[i]);
        double side = 2 * RADIUS * marks->scale;
        size_t *cell = &cells[(size_t)(mark.y / side)][(size_t)(mark.x / side)];
        if (*cell) {
            take_in(&marks->list[*cell - 1], &mark);
        } else {
            marks->list[marks->count] = mark;
            *cell = ++marks->count;
        }
        marks->owner[i] = *cell - 1;
    }
    for (size_t i = 0; i < marks->count; i++) label(&marks->list[i]);
}

// One pass; false when nothing covered anything.
static bool merge_some(struct marks *marks) {
    bool merged = false;
    for (size_t i = 0; i < marks->count; i++)
        for (size_t j = i + 1; j < marks->count && !marks->list[i].gone; j++) {
            struct mark *a = &marks->list[i], *b = &marks->list[j];
            if (b->gone || !cover(marks, a, b)) continue;
            take_in(a, b);
            label(a);
            b->gone = merged = true;
            b->into = i;
        }
    return merged;
}

static size_t find_owner(const struct marks *marks, size_t mark) {
    while (marks->list[mark].gone) mark = marks->list[mark].into;
    return mark;
}

static int compare_markers(const void *a, const void *b, void *context) {
    const struct marks *marks = context;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (marks->owner[i] != marks->owner[j]) return marks->owner[i] < marks->owner[j] ? -1 : 1;
    const char *x = marks->markers[i].name, *y = marks->markers[j].name;
    int names = strcmp(x ? x : "", y ? y : "");
    return names ? names : i < j ? -1 : 1;
}

static int gather(struct marks *marks, const struct writer_marker *markers, size_t count, double scale) {
    struct error ignored;
    *marks = (struct marks){.markers = markers, .scale = scale};
    marks->owner = memory_new(count, sizeof *marks->owner, "map", &ignored);
    marks->order = memory_new(count, sizeof *marks->order, "map", &ignored);
    marks->list = memory_new(count, sizeof *marks->list, "map", &ignored);
    if (!marks->owner || !marks->order || !marks->list) return -1;
    gather_cells(marks, count);
    while (merge_some(marks)) continue;
    for (size_t i = 0; i < count; i++) {
        marks->owner[i] = find_owner(marks, marks->owner[i]);
        marks->order[i] = i;
    }
    qsort_r(marks->order, count, sizeof *marks->order, compare_markers, marks);
    return 0;
}

static void release(struct marks *marks) {
    free(marks->owner);
    free(marks->order);
    free(marks->list);
}

// ---- pins -----------------------------------------------------------------------------------------------

static enum writer_band band_of(const struct mark *mark) {
    return mark->known ? writer_band(mark->confidence / (double)mark->known) : BAND_UNKNOWN;
}

static void add_pin(struct buffer *out, const struct marks *marks, size_t index, char letter) {
    const struct mark *mark = &marks->list[index];
    struct writer_spot spot = center(mark);
    long width = lround(mark->width);
    buffer_format(out, "<a class=\"b%d\" href=\"#p", (int)band_of(mark));
    if (mark->count == 1)
        buffer_format(out, "%zu\"><title>photo %zu", mark->first, mark->first);
    else
        buffer_format(out, "in-%c%zu\"><title>%zu photos", letter, index, mark->count);
    buffer_format(out, "</title><g transform=\"translate(%ld %ld)", lround(spot.x), lround(spot.y));
    if (marks->scale > 1) {
        buffer_add_text(out, " scale(");
        writer_add_number(out, marks->scale, 1);
        buffer_add_text(out, ")");
    }
    buffer_format(out,
                  "\"><g class=\"pin\"><rect x=\"%ld\" y=\"%d\" width=\"%ld\" height=\"%d\" rx=\"%d\"/>"
                  "<text y=\"7\">%s</text></g></g></a>\n",
                  -width / 2, -RADIUS, width, 2 * RADIUS, RADIUS, mark->label);
}

static void add_pins(struct buffer *out, const struct marks *marks, char letter) {
    buffer_format(out, "<g class=\"marks %c\">\n", letter);
    for (size_t i = 0; i < marks->count; i++)
        if (!marks->list[i].gone) add_pin(out, marks, i, letter);
    buffer_add_text(out, "</g>\n");
}

// ---- lists ----------------------------------------------------------------------------------------------

static bool same_name(const struct writer_marker *a, const struct writer_marker *b) {
    return strcmp(a->name ? a->name : "", b->name ? b->name : "") == 0;
}

// The markers order[first, end) of one mark: a line per place, with the numbers of its photos.
static void add_list(struct buffer *out, const struct marks *marks, size_t first, size_t end, char letter) {
    buffer_format(out,
                  "<div class=\"opened\" id=\"pin-%c%zu\"><p><b>%zu photos here</b> "
                  "<a href=\"#places\">close</a></p>\n<ul>\n",
                  letter, marks->owner[marks->order[first]], end - first);
    for (size_t i = first; i < end; i++) {
        const struct writer_marker *marker = &marks->markers[marks->order[i]];
        bool begins = i == first || !same_name(marker, &marks->markers[marks->order[i - 1]]);
        if (begins) {
            buffer_add_text(out, i == first ? "<li>" : "</li>\n<li>");
            writer_add_xml(out, writer_is_empty(marker->name) ? "a place without a name" : marker->name,
                           CLEAN_LINE);
        }
        buffer_format(out, " <a class=\"b%d\" href=\"#p%zu\">%zu</a>", (int)writer_band(marker->confidence),
                      marker->number, marker->number);
    }
    buffer_add_text(out, "</li>\n</ul></div>\n");
}

static void add_lists(struct buffer *out, const struct marks *marks, size_t count, char letter) {
    for (size_t first = 0, end; first < count; first = end) {
        size_t owner = marks->owner[marks->order[first]];
        for (end = first + 1; end < count && marks->owner[marks->order[end]] == owner;) end++;
        if (end - first > 1) add_list(out, marks, first, end, letter);
    }
}

void writer_marks_add(struct buffer *out, const struct writer_marker *markers, size_t count) {
    struct buffer lists = {0};
    for (size_t size = 0; size < SIZES && !out->failed; size++) {
        struct marks marks;
        if (gather(&marks, markers, count, sizes[size].scale)) {
            out->failed = true;
        } else {
            add_pins(out, &marks, sizes[size].letter);
            add_lists(&lists, &marks, count, sizes[size].letter);
        }
        release(&marks);
    }
    buffer_add_text(out, "</svg>\n");
    if (lists.data) buffer_add_text(out, lists.data);
    out->failed = out->failed || lists.failed;
    buffer_free(&lists);
}
