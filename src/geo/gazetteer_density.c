// How many places there are where: enough to draw the land from.
#include "geo/gazetteer_density.h"

#include <math.h>

#include "geo/gazetteer_internal.h"

static int cell_of(int64_t hundred_thousandths, int degrees, int cells) {
    int cell = (int)floor((double)hundred_thousandths / GAZETTEER_DEGREE) + degrees;
    return cell < 0 ? 0 : cell >= cells ? cells - 1 : cell; // 180 and 90 belong to the last one
}

int gazetteer_count_places(struct gazetteer *gazetteer, struct gazetteer_density *density,
                           struct error *error) {
    sqlite3_stmt *statement;
    *density = (struct gazetteer_density){0};
    const char *sql = "SELECT lat, lon FROM place WHERE kind <= 1"; // cities and districts
    if (sqlite3_prepare_v2(gazetteer->db, sql, -1, &statement, NULL))
        return gazetteer_failed(gazetteer, error);
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        int row = cell_of(sqlite3_column_int64(statement, 0), 90, DENSITY_ROWS);
        int column = cell_of(sqlite3_column_int64(statement, 1), 180, DENSITY_COLUMNS);
        density->places[row][column]++;
    }
    sqlite3_finalize(statement);
    return step == SQLITE_DONE ? 0 : gazetteer_failed(gazetteer, error);
}
