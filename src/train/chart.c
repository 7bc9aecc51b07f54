#include "train/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 960, LEFT = 76, RIGHT = 24, TOP = 56, BOTTOM = 52, GAP = 44 };

static const char *const colours[] = {"#1f6fb4", "#d1495b", "#2f9e6e", "#e59500",
                                      "#7b5ea7", "#00798c", "#8d5a3b", "#5c677d"};

static const char *const dashes[] = {"", "8 4", "2 3", "12 3 2 3"};
enum { DASHES = 4, LEGEND_ROW = 18 };

struct range {
    double low, high;
};

struct frame { // of a panel
    struct range x, y;
    double top, height;
};

static void add_escaped(struct buffer *svg, const char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '<' || c == '>' || c == '&' || c == '"')
            buffer_format(svg, "&#%d;", c);
        else if (c >= 0x20)
            buffer_add(svg, text, 1);
    }
}

// ---- scales ---------------------------------------------------------------------------------------------

static void include(struct range *range, double value) {
    if (!isfinite(value)) return;
    if (value < range->low) range->low = value;
    if (value > range->high) range->high = value;
}

// Something to show even for no points, or for points on one line.
static struct range settle(struct range range) {
    if (range.low > range.high) return (struct range){0, 1};
    if (range.low == range.high) {
        double half = range.low == 0 ? 1 : fabs(range.low) * 0.1;
        return (struct range){range.low - half, range.high + half};
    }
    return range;
}

// 1, 2 or 5 times a power of ten, so that about `count` fit.
static double tick_step(struct range range, int count) {
    double rough = (range.high - range.low) / count, power = pow(10, floor(log10(rough)));
    double factor = rough / power;
    return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
}

static double x_at(const struct frame *frame, double x) {
    return LEFT + (x - frame->x.low) / (frame->x.high - frame->x.low) * (WIDTH - LEFT - RIGHT);
}

static double y_at(const struct frame *frame, double y) {
    return frame->top + (frame->y.high - y) / (frame->y.high - frame->y.low) * frame->height;
}

// ---- parts of a panel -----------------------------------------------------------------------------------

// The multiples of `step` within a range; none where doubles cannot tell them apart.
struct ticks {
    long first, last;
    double step;
};

static struct ticks find_ticks(struct range range, double step) {
    double first = ceil(range.low / step), last = floor(range.high / step + 1e-9);
    if (fabs(first) > 1e15 || fabs(last) > 1e15) return (struct ticks){0, -1, step};
    return (struct ticks){lround(first), lround(last), step};
}

static void draw_grid(struct buffer *svg, const struct frame *frame) {
    struct ticks ticks = find_ticks(frame->y, tick_step(frame->y, frame->height > 200 ? 6 : 4));
    for (long i = ticks.first; i <= ticks.last; i++) {
        double value = (double)i * ticks.step, y = y_at(frame, value);
        buffer_format(svg, "<path class=\"g\" d=\"M%d %.1fH%d\"/>\n", LEFT, y, WIDTH - RIGHT);
        buffer_format(svg, "<text class=\"t e\" x=\"%d\" y=\"%.1f\">%.6g</text>\n", LEFT - 8, y + 4, value);
    }
    ticks = find_ticks(frame->x, fmax(1, tick_step(frame->x, 8)));
    for (long i = ticks.first; i <= ticks.last; i++) {
        double value = (double)i * ticks.step, x = x_at(frame, value);
        buffer_format(svg, "<path class=\"g\" d=\"M%.1f %.1fv%.1f\"/>\n", x, frame->top, frame->height);
        buffer_format(svg, "<text class=\"t m\" x=\"%.1f\" y=\"%.1f\">%.10g</text>\n", x,
                      frame->top + frame->height + 16, value);
    }
    buffer_format(svg, "<path class=\"a\" d=\"M%d %.1fv%.1fH%d\"/>\n", LEFT, frame->top, frame->height,
                  WIDTH - RIGHT);
}

static const char *colour_of(const struct chart_line *line) {
    return colours[(size_t)line->colour % (sizeof colours / sizeof *colours)];
}

static void open_path(struct buffer *svg, const struct chart_line *line) {
    buffer_format(svg, "<path class=\"l\" stroke=\"%s\" stroke-width=\"%s\" stroke-opacity=\"%s\"",
                  colour_of(line), line->faint ? "1" : "2", line->faint ? "0.3" : "1");
    const char *dash = dashes[line->style % DASHES];
    if (*dash && !line->faint) buffer_format(svg, " stroke-dasharray=\"%s\"", dash);
}

// A dot, a square, a triangle or a lozenge.
static void draw_mark(struct buffer *svg, const struct chart_line *line, double x, double y) {
    static const char *const shapes[DASHES] = {NULL, "m-3 -3h6v6h-6z", "m0 -4l4 7h-8z",
                                               "m0 -4l4 4l-4 4l-4 -4z"};
    int shape = line->style % DASHES;
    if (shape == 0)
        buffer_format(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x, y, colour_of(line));
    else
        buffer_format(svg, "<path fill=\"%s\" d=\"M%.1f %.1f%s\"/>\n", colour_of(line), x, y, shapes[shape]);
}

static void draw_line(struct buffer *svg, const struct frame *frame, const struct chart_line *line) {
    open_path(svg, line);
    buffer_add_text(svg, " d=\"");
    char command = 'M';
    for (size_t i = 0; i < line->count; i++) {
        if (!isfinite(line->x[i]) || !isfinite(line->y[i])) {
            command = 'M'; // a gap
            continue;
        }
        buffer_format(svg, "%c%.1f %.1f", command, x_at(frame, line->x[i]), y_at(frame, line->y[i]));
        command = 'L';
    }
    buffer_add_text(svg, "\"/>\n");
    for (size_t i = 0; line->marks && i < line->count; i++)
        if (isfinite(line->x[i]) && isfinite(line->y[i]))
            draw_mark(svg, line, x_at(frame, line->x[i]), y_at(frame, line->y[i]));
}

// Below the panel's title, from left to right, in rows. Returns their number; with svg NULL nothing is drawn.
static size_t draw_legend(struct buffer *svg, const struct chart_panel *panel, double y) {
    double x = LEFT;
    size_t rows = 0;
    for (size_t i = 0; i < panel->count; i++) {
        const struct chart_line *line = &panel->lines[i];
        if (!line->name) continue;
        double width = 7.0 * (double)strlen(line->name) + 50;
        if (rows == 0 || x + width > WIDTH - RIGHT) x = LEFT, rows++;
        double base = y + (double)rows * LEGEND_ROW;
        if (svg) {
            open_path(svg, line);
            buffer_format(svg, " d=\"M%.1f %.1fh28\"/>\n", x, base - 4);
            if (line->marks) draw_mark(svg, line, x + 14, base - 4);
            buffer_format(svg, "<text class=\"t\" x=\"%.1f\" y=\"%.1f\">", x + 34, base);
            add_escaped(svg, line->name);
            buffer_add_text(svg, "</text>\n");
        }
        x += width;
    }
    return rows;
}

static double legend_height(const struct chart_panel *panel) {
    return (double)draw_legend(NULL, panel, 0) * LEGEND_ROW;
}

static void draw_panel(struct buffer *svg, const struct chart_panel *panel, struct range x, double top) {
    struct range y = {INFINITY, -INFINITY};
    for (size_t i = 0; i < panel->count; i++)
        for (size_t j = 0; j < panel->lines[i].count; j++) include(&y, panel->lines[i].y[j]);
    if (panel->from_zero && y.low <= y.high) include(&y, 0);
    y = settle(y);
    double margin = (y.high - y.low) * 0.05;
    double title = top - 10;
    top += legend_height(panel);
    struct frame frame = {
        x, {panel->from_zero && y.low >= 0 ? y.low : y.low - margin, y.high + margin}, top, panel->height};
    draw_grid(svg, &frame);
    for (int faint = 1; faint >= 0; faint--)
        for (size_t i = 0; i < panel->count; i++)
            if (panel->lines[i].faint == (faint == 1)) draw_line(svg, &frame, &panel->lines[i]);
    buffer_format(svg, "<text class=\"p\" x=\"%d\" y=\"%.1f\">", LEFT, title);
    add_escaped(svg, panel->title);
    buffer_add_text(svg, "</text>\n");
    draw_legend(svg, panel, title);
}

void chart_draw(struct buffer *svg, const char *title, const char *note, const char *x_title,
                const struct chart_panel *panels, size_t count) {
    static const char style[] =
        "<style>text{font-family:'DejaVu "
        "Sans',Verdana,sans-serif;fill:#333}.h{font-size:17px;font-weight:bold}"
        ".p{font-size:13px;font-weight:bold}.t{font-size:12px;fill:#555}.e{text-anchor:end}"
        ".m{text-anchor:middle}.g{stroke:#e4e7eb;fill:none}.a{stroke:#8a939c;fill:none}"
        ".l{fill:none;stroke-linejoin:round;stroke-linecap:round}</style>\n";
    double start = TOP + (note ? LEGEND_ROW : 0), height = start + BOTTOM;
    struct range x = {INFINITY, -INFINITY};
    for (size_t p = 0; p < count; p++) {
        height += panels[p].height + legend_height(&panels[p]) + GAP;
        for (size_t i = 0; i < panels[p].count; i++)
            for (size_t j = 0; j < panels[p].lines[i].count; j++) include(&x, panels[p].lines[i].x[j]);
    }
    height -= count ? GAP : 0;
    x = settle(x);
    buffer_format(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" viewBox=\"0 0 %d "
        "%.0f\">\n<!-- globe train plot -->\n%s<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
        "<text class=\"h\" x=\"%d\" y=\"24\">",
        WIDTH, height, WIDTH, height, style, LEFT);
    add_escaped(svg, title);
    buffer_add_text(svg, "</text>\n");
    if (note) {
        buffer_format(svg, "<text class=\"t\" x=\"%d\" y=\"42\">", LEFT);
        add_escaped(svg, note);
        buffer_add_text(svg, "</text>\n");
    }
    double top = start;
    for (size_t p = 0; p < count; p++) {
        draw_panel(svg, &panels[p], x, top);
        top += panels[p].height + legend_height(&panels[p]) + GAP;
    }
    buffer_format(svg, "<text class=\"t m\" x=\"%d\" y=\"%.0f\">", (WIDTH + LEFT - RIGHT) / 2, height - 14);
    add_escaped(svg, x_title);
    buffer_add_text(svg, "</text>\n</svg>\n");
}
