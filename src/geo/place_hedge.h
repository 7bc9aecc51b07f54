// Hedged names of places: "possibly Tokyo", "Tokyo or Osaka", "Unknown (maybe Kyoto)", "somewhere near Oslo",
// "vermutlich Bonn", "東京付近" - what is said around the names, in some thirty languages, and the names in
// their order.
#ifndef GLOBE_GEO_PLACE_HEDGE_H
#define GLOBE_GEO_PLACE_HEDGE_H

#include <stdbool.h>

#include "geo/place_name.h"

#define PLACE_HEDGE_NAMES 4

struct place_hedge {
    bool hedged; // something around the names says that they are a guess, or there are several
    bool marked; // by a word or a question mark, not by a slash alone (which also stands between two names of
                 // one place: "Biel/Bienne")
    int count;   // 0: nothing but hedges
    char names[PLACE_HEDGE_NAMES][PLACE_NAME_LIMIT + 1]; // "a farm near Cusco" is "a farm, Cusco"
};

// text: valid UTF-8 of at most PLACE_NAME_LIMIT bytes; longer or invalid is taken as a name without hedges.
void place_hedge_read(const char *text, struct place_hedge *hedge);

// "unknown", "n/a", "not sure" and the like, in the languages that models answer in; also the empty text.
bool place_is_unknown(const char *text);

#endif
