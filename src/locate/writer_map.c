// The world map of the page, as inline SVG in the Equal Earth projection (Savric, Patterson and Jenny 2018).
// There is no coastline to draw: the land is where the gazetteer has places, one dot for each cell of a
// hexagonal grid, so the map is a few tens of kilobytes and needs nothing but the gazetteer.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "locate/writer_internal.h"

// The map is 1920 units wide. Dots stand 8 units apart in rows of 7; every second row is shifted by half.
enum { WIDTH = 1920, STEP = 8, ROW = 7, COLUMNS = WIDTH / STEP + 1, ROWS = 135, LEVELS = 3 };
enum { MARKER_RADIUS = 17, BEARING_STEP = 5, EDGE_MARGIN = 10, MOST_CIRCLES = 60 };
static const double HALF_WIDTH = 2.7066299836960743; // of the projection, for a sphere of radius 1
static const double HALF_HEIGHT = 1.3173627591574133;
static const double LARGEST_CIRCLE_KM = 9000; // less than a quarter of the way round: one pole inside at most

struct writer_spot writer_map_project(double lat, double lon) {
    static const double a1 = 1.340264, a2 = -0.081106, a3 = 0.000893, a4 = 0.003796;
    double t = asin(sqrt(3) / 2 * sin(lat * M_PI / 180)), t2 = t * t, t6 = t2 * t2 * t2;
    double slope = 9 * a4 * t6 * t2 + 7 * a3 * t6 + 3 * a2 * t2 + a1;
    double x = 2 * sqrt(3) * (lon * M_PI / 180) * cos(t) / (3 * slope);
    double y = t * (a1 + a2 * t2 + t6 * (a3 + a4 * t2));
    double scale = WIDTH / (2 * HALF_WIDTH);
    return (struct writer_spot){(x + HALF_WIDTH) * scale, (HALF_HEIGHT - y) * scale};
}

static void add_point(struct buffer *out, char letter, struct writer_spot spot) {
    buffer_add(out, &letter, 1);
    writer_add_number(out, spot.x, 1);
    buffer_add_text(out, " ");
    writer_add_number(out, spot.y, 1);
}

// ---- land -----------------------------------------------------------------------------------------------

struct dots {
    double places[ROWS][COLUMNS]; // that fall on the dot
};

// Each cell falls on the dot nearest to it; in two halves, as a degree of latitude may be more than a row.
static void spread(struct dots *dots, const struct gazetteer_density *land) {
    for (int r = 0; r < 2 * DENSITY_ROWS; r++)
        for (int c = 0; c < DENSITY_COLUMNS; c++) {
            uint32_t places = land->places[r / 2][c];
            if (places == 0) continue;
            struct writer_spot spot = writer_map_project((r + 0.5) / 2 - 90, c + 0.5 - 180);
            int row = (int)lround(spot.y / ROW);
            int column = (int)lround((spot.x - (row % 2) * (STEP / 2.0)) / STEP);
            if (row >= 0 && row < ROWS && column >= 0 && column < COLUMNS)
                dots->places[row][column] += places / 2.0;
        }
}

static int level_of(double places) {
    return places == 0 ? -1 : places < 2 ? 0 : places < 12 ? 1 : 2;
}

// One path per level. A run of equal dots is one line, which its dashes (none long, STEP apart) make dots
// again; a unit more, so that rounding cannot lose the last one.
static void add_level(struct buffer *out, const struct dots *dots, int level) {
    buffer_format(out, "<path class=\"land l%d\" d=\"", level);
    for (int row = 0; row < ROWS; row++) {
        int at = -1; // where the pen is, in units
        for (int column = 0; column < COLUMNS; column++) {
            if (level_of(dots->places[row][column]) != level) continue;
            int first = column, start = column * STEP + (row % 2) * (STEP / 2);
            while (column + 1 < COLUMNS && level_of(dots->places[row][column + 1]) == level) column++;
            int length = (column - first) * STEP + 1;
            if (at < 0)
                buffer_format(out, "M%d %dh%d", start, row * ROW, length);
            else
                buffer_format(out, "m%d 0h%d", start - at, length);
            at = start + length;
        }
    }
    buffer_add_text(out, "\"/>\n");
}

static void add_land(struct buffer *out, const struct gazetteer_density *land) {
    struct dots *dots = land ? memory_new(1, sizeof *dots, "map", NULL) : NULL;
    if (!dots) return; // a map without land is still a map
    spread(dots, land);
    for (int level = 0; level < LEVELS; level++) add_level(out, dots, level);
    free(dots);
}

// ---- the globe ------------------------------------------------------------------------------------------

// The edge of the globe between two latitudes.
static void add_outline(struct buffer *out, int south, int north) {
    for (int lat = south; lat <= north; lat++)
        add_point(out, lat == south ? 'M' : 'L', writer_map_project(lat, -180));
    for (int lat = north; lat >= south; lat--) add_point(out, 'L', writer_map_project(lat, 180));
    buffer_add_text(out, "z");
}

static void add_graticule(struct buffer *out) {
    buffer_add_text(out, "<path class=\"lines\" d=\"");
    for (int lat = -60; lat <= 60; lat += 30) {
        add_point(out, 'M', writer_map_project(lat, -180));
        add_point(out, 'L', writer_map_project(lat, 180));
    }
    for (int lon = -150; lon <= 150; lon += 30)
        for (int lat = -90; lat <= 90; lat += 10)
            add_point(out, lat == -90 ? 'M' : 'L', writer_map_project(lat, lon));
    buffer_add_text(out, "\"/>\n");
}

// ---- uncertainty ----------------------------------------------------------------------------------------

// The circle around a pole runs once through all longitudes; its inside is closed along the pole.
static void close_at_pole(struct buffer *out, struct point center, double turned, double last) {
    double lat = center.lat > 0 ? 90 : -90;
    add_point(out, 'L', writer_map_project(lat, last));
    add_point(out, 'L', writer_map_project(lat, last - turned));
}

// Longitudes are not wrapped, so what crosses the edge of the map goes on beyond it; it is drawn again one
// turn further and cut at the outline.
static void add_ring(struct buffer *out, struct point center, double radius, double shift) {
    double before = center.lon, turned = 0;
    for (int bearing = 0; bearing <= 360; bearing += BEARING_STEP) {
        struct point edge = sphere_destination(center, bearing, radius);
        double lon = bearing == 0 ? edge.lon : before + sphere_wrap_longitude(edge.lon - before);
        if (bearing > 0) turned += lon - before;
        before = lon;
        add_point(out, bearing == 0 ? 'M' : 'L', writer_map_project(edge.lat, lon + shift));
    }
    if (fabs(turned) > 180) close_at_pole(out, center, turned, before + shift);
    buffer_add_text(out, "z");
}

static void add_circle(struct buffer *out, const struct writer_marker *marker) {
    double radius = fmin(marker->radius_km, LARGEST_CIRCLE_KM);
    double units = radius / (M_PI * SPHERE_RADIUS_KM) * HALF_HEIGHT * WIDTH / HALF_WIDTH;
    if (!writer_is_known(marker->radius_km) || units < MARKER_RADIUS) return; // behind its marker
    buffer_add_text(out, "<path class=\"near\" d=\"");
    for (int turn = -360; turn <= 360; turn += 360) add_ring(out, marker->position, radius, turn);
    buffer_add_text(out, "\"/>\n");
}

// ---- all together ---------------------------------------------------------------------------------------

// The empty ends of the world are cut off, unless there is something.
static void find_edges(const struct writer_marker *markers, size_t count, int *south, int *north) {
    *south = -58;
    *north = 84;
    for (size_t i = 0; i < count; i++) {
        if (markers[i].position.lat < *south + EDGE_MARGIN) *south = -90;
        if (markers[i].position.lat > *north - EDGE_MARGIN) *north = 90;
    }
}

static void add_start(struct buffer *out, int south, int north) {
    long top = lround(writer_map_project(north, 0).y), bottom = lround(writer_map_project(south, 0).y);
    buffer_format(out,
                  "<svg class=\"map\" viewBox=\"0 %ld %d %ld\" role=\"img\" aria-label=\"World map\">\n"
                  "<clipPath id=\"globe\"><path d=\"",
                  top, WIDTH, bottom - top);
    add_outline(out, south, north);
    buffer_format(out,
                  "\"/></clipPath>\n<g clip-path=\"url(#globe)\">\n"
                  "<rect class=\"sea\" y=\"%ld\" width=\"%d\" height=\"%ld\"/>\n",
                  top, WIDTH, bottom - top);
}

// What the colours say, as far as they occur.
static void add_legend(struct buffer *out, const struct writer_marker *markers, size_t count) {
    static const char *const words[BANDS] = {"one answer only, not measured", "90 % and more", "70 to 90 %",
                                             "50 to 70 %", "under 50 %"};
    size_t found[BANDS] = {0};
    for (size_t i = 0; i < count; i++) found[writer_band(markers[i].confidence)]++;
    buffer_add_text(out, "<p class=\"legend\">How sure the model is:");
    for (int band = 1; band <= BANDS; band++) {
        int shown = band % BANDS; // what is not known comes last
        if (found[shown])
            buffer_format(out, " <span class=\"b%d\">%s (%zu)</span>", shown, words[shown], found[shown]);
    }
    if (count > 1)
        buffer_add_text(out, " <i>A mark of several photos has the colour of their mean, and opens.</i>");
    buffer_add_text(out, "</p>\n");
}

void writer_map_add(struct buffer *out, const struct writer_marker *markers, size_t count,
                    const struct gazetteer_density *land) {
    int south, north;
    if (count == 0) return;
    find_edges(markers, count, &south, &north);
    add_start(out, south, north);
    add_graticule(out);
    add_land(out, land);
    // The circles of many photos hide the map and one another.
    for (size_t i = 0; i < count && count <= MOST_CIRCLES; i++) add_circle(out, &markers[i]);
    buffer_add_text(out, "</g>\n");
    writer_marks_add(out, markers, count); // which ends the picture
    add_legend(out, markers, count);
}
