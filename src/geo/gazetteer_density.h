// How many of the gazetteer's places lie in each cell of one degree by one degree.
#ifndef GLOBE_GEO_GAZETTEER_DENSITY_H
#define GLOBE_GEO_GAZETTEER_DENSITY_H

#include <stdint.h>

#include "geo/gazetteer.h"

enum { DENSITY_ROWS = 180, DENSITY_COLUMNS = 360 };

struct gazetteer_density {
    // places[r][c]: cities and districts from r - 90 degrees north and c - 180 degrees east on.
    uint32_t places[DENSITY_ROWS][DENSITY_COLUMNS];
};

// Reads the whole table of places once (some hundredths of a second). ERROR_INPUT if the file is damaged.
int gazetteer_count_places(struct gazetteer *gazetteer, struct gazetteer_density *density,
                           struct error *error);

#endif
