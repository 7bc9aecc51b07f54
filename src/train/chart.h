// Line charts as SVG: panels one above the other over a common horizontal axis, a legend, thin grid lines.
#ifndef GLOBE_TRAIN_CHART_H
#define GLOBE_TRAIN_CHART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

struct chart_line {
    const char *name; // in the legend; NULL: not there
    const double *x, *y;
    size_t count;
    int colour; // 0 and up
    int style;  // 0 and up: dashes of the line and shape of the marks, so that lines on one another are seen
    bool faint; // behind the others
    bool marks; // at every point
};

struct chart_panel {
    const char *title;
    const struct chart_line *lines;
    size_t count;
    double height; // pixels
    bool from_zero;
};

// Appends the document, legends in as many rows as they need. `note` stands below the title; NULL: none. Points
// that are not finite are left out. The texts may hold any characters.
void chart_draw(struct buffer *svg, const char *title, const char *note, const char *x_title,
                const struct chart_panel *panels, size_t count);

#endif
