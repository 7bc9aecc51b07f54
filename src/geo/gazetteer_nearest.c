// Coordinates to places, through the cells.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "geo/gazetteer_internal.h"

#define FIRST_RADIUS_KM 30.0
#define HALF_WAY_ROUND_KM (M_PI * SPHERE_RADIUS_KM)

struct near {
    int64_t id;
    double distance;
};

// The k nearest so far, nearest first.
struct nearest {
    struct near items[GAZETTEER_NEAREST];
    int count, k;
};

static void offer(struct nearest *nearest, int64_t id, double distance) {
    int at = nearest->count;
    while (at > 0 && (nearest->items[at - 1].distance > distance ||
                      (nearest->items[at - 1].distance == distance && nearest->items[at - 1].id > id)))
        at--;
    if (at == nearest->k) return;
    if (nearest->count < nearest->k) nearest->count++;
    memmove(&nearest->items[at + 1], &nearest->items[at],
            (size_t)(nearest->count - at - 1) * sizeof(struct near));
    nearest->items[at] = (struct near){id, distance};
}

static int search_band(struct gazetteer *gazetteer, struct point at, int64_t first, int64_t last,
                       struct nearest *nearest, struct error *error) {
    sqlite3_stmt *statement = gazetteer->statements[GET_CELLS];
    sqlite3_bind_int64(statement, 1, first);
    sqlite3_bind_int64(statement, 2, last);
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t lat = sqlite3_column_int64(statement, 1), lon = sqlite3_column_int64(statement, 2);
        struct point place = {(double)lat / GAZETTEER_DEGREE, (double)lon / GAZETTEER_DEGREE};
        if (gazetteer_is_place(PLACE_MACRO, lat, lon, ""))
            offer(nearest, sqlite3_column_int64(statement, 0), sphere_distance(at, place));
    }
    sqlite3_reset(statement);
    return step == SQLITE_DONE ? 0 : gazetteer_failed(gazetteer, error);
}

static int search_box(struct gazetteer *gazetteer, struct point at, double south, double north, double west,
                      double east, int64_t min_population, struct nearest *nearest, struct error *error) {
    sqlite3_stmt *statement = gazetteer->statements[GET_CELLS];
    sqlite3_bind_int64(statement, 3, (int64_t)floor(south * GAZETTEER_DEGREE));
    sqlite3_bind_int64(statement, 4, (int64_t)ceil(north * GAZETTEER_DEGREE));
    sqlite3_bind_int64(statement, 5, (int64_t)floor(west * GAZETTEER_DEGREE));
    sqlite3_bind_int64(statement, 6, (int64_t)ceil(east * GAZETTEER_DEGREE));
    sqlite3_bind_int64(statement, 7, min_population);
    for (int64_t band = cell_band(south); band <= cell_band(north); band++) {
        int64_t first = band * CELL_COLUMNS;
        if (search_band(gazetteer, at, first + cell_column(west), first + cell_column(east), nearest, error))
            return -1;
    }
    return 0;
}

// The smallest boxes of latitude and longitude that hold the disc: the whole turn near a pole, two at the
// date line.
static int search_disc(struct gazetteer *gazetteer, struct point at, double radius_km, int64_t min_population,
                       struct nearest *nearest, struct error *error) {
    double angle = radius_km / SPHERE_RADIUS_KM, degrees = angle * 180 / M_PI;
    double south = fmax(-90, at.lat - degrees), north = fmin(90, at.lat + degrees), half = 180;
    nearest->count = 0;
    if (south > -90 && north < 90) half = asin(fmin(1, sin(angle) / cos(at.lat * M_PI / 180))) * 180 / M_PI;
    double west = at.lon - half, east = at.lon + half;
    if (half >= 180)
        return search_box(gazetteer, at, south, north, -180, 180, min_population, nearest, error);
    if (search_box(gazetteer, at, south, north, fmax(west, -180), fmin(east, 180), min_population, nearest,
                   error))
        return -1;
    if (west < -180)
        return search_box(gazetteer, at, south, north, west + 360, 180, min_population, nearest, error);
    if (east > 180)
        return search_box(gazetteer, at, south, north, -180, east - 360, min_population, nearest, error);
    return 0;
}

int gazetteer_nearest(struct gazetteer *gazetteer, struct point at, int k, int64_t min_population,
                      struct gazetteer_neighbour *neighbours, struct error *error) {
    if (sphere_check(at, error)) return -1;
    if (k < 1 || k > GAZETTEER_NEAREST)
        return error_set(error, ERROR_USAGE, "nearest places: %d is outside 1 to %d", k, GAZETTEER_NEAREST);
    at.lon = sphere_wrap_longitude(at.lon);
    gazetteer_start(gazetteer);
    struct nearest nearest = {.k = k};
    for (double radius = FIRST_RADIUS_KM;;) {
        bool all = radius >= HALF_WAY_ROUND_KM;
        if (search_disc(gazetteer, at, all ? HALF_WAY_ROUND_KM : radius, min_population, &nearest, error))
            return -1;
        bool enough = nearest.count == k;
        // A place in a corner of the box, outside the disc, may be beaten by one outside the box.
        if (all || (enough && nearest.items[k - 1].distance <= radius)) break;
        radius = enough ? nearest.items[k - 1].distance * (1 + 1e-9) : radius * 2;
    }
    int count = 0;
    for (int i = 0; i < nearest.count; i++) {
        neighbours[count].distance_km = nearest.items[i].distance;
        int found = gazetteer_find_id(gazetteer, nearest.items[i].id, &neighbours[count].place, error);
        if (found < 0) return -1;
        count += found;
    }
    return count;
}
