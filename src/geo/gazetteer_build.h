// Building a gazetteer from files in the layout of the GeoNames dumps
// (https://download.geonames.org/export/dump/).
#ifndef GLOBE_GEO_GAZETTEER_BUILD_H
#define GLOBE_GEO_GAZETTEER_BUILD_H

#include <stdint.h>

#include "base/error.h"

struct gazetteer_build_options {
    // A folder with one of allCountries.txt, cities500.txt, cities1000.txt, cities5000.txt, cities15000.txt
    // (the first of these that is there), countryInfo.txt, and optionally admin1CodesASCII.txt and
    // alternateNamesV2.txt.
    const char *folder;
    const char *curated;    // NULL, or a file like data/gazetteer-curated.tsv
    int64_t min_population; // leave out smaller places; 0 keeps all that the source has
    const char *source;     // NULL, or a line that says where the data is from
};

struct gazetteer_build_report {
    int64_t places, districts, regions, countries, areas, names; // areas: landmarks and macro-regions, too
    int64_t curated_unresolved;                                  // lines whose place is not in the source
    char first_unresolved[200];                                  // the first of them
};

// Writes OUTPUT whole or not at all. Same input and same SQLite version, same bytes. Lines that are not in
// the layout (too few columns, bad numbers or coordinates, invalid UTF-8) are ERROR_INPUT with file and line.
int gazetteer_build(const struct gazetteer_build_options *options, const char *output,
                    struct gazetteer_build_report *report, struct error *error);

#endif
