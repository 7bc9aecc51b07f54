// Everything that can be seen on a postcard and named: one line a thing. Its text is what the reasoning calls
// it, and what the row's "entities" say; no two things share a text.
#ifndef GLOBE_POSTCARDS_THINGS_H
#define GLOBE_POSTCARDS_THINGS_H

#include <stdbool.h>
#include <stddef.h>

enum kind {
    KIND_LANDMARK,
    KIND_BUILDINGS,
    KIND_VEHICLE, // on the road: also tells the side of driving
    KIND_BOAT,
    KIND_PLATE,
    KIND_LINES, // painted on the road or its kerb
    KIND_FURNITURE,
    KIND_SKYLINE, // something typical of a country behind the roofs
    KIND_PLANTS,
    KIND_TERRAIN,
    KIND_SIGN, // carries a word
    KIND_FLAG,
    KIND_PLAIN, // seen everywhere: tells nothing
    KINDS
};

// X(name, kind, article, plural, text)
#define THINGS(X)                                                                   \
    X(BIG_BEN, LANDMARK, "", false, "Big Ben")                                      \
    X(CASTLE_ROCK, LANDMARK, "a", false, "castle on a rock")                        \
    X(EIFFEL_TOWER, LANDMARK, "the", false, "Eiffel Tower")                         \
    X(HILL_BASILICA, LANDMARK, "a", false, "striped basilica on a hill")            \
    X(BERLIN_TOWER, LANDMARK, "the", false, "Berlin television tower")              \
    X(ELBPHILHARMONIE, LANDMARK, "the", false, "Elbphilharmonie")                   \
    X(COLOSSEUM, LANDMARK, "the", false, "Colosseum")                               \
    X(BELL_TOWER, LANDMARK, "the", false, "bell tower of Saint Mark")               \
    X(SAGRADA_FAMILIA, LANDMARK, "the", false, "Sagrada Familia")                   \
    X(ALCALA_GATE, LANDMARK, "the", false, "Alcala Gate")                           \
    X(DRAWBRIDGE, LANDMARK, "a", false, "white wooden drawbridge")                  \
    X(ERASMUS_BRIDGE, LANDMARK, "the", false, "Erasmus Bridge")                     \
    X(PARTHENON, LANDMARK, "the", false, "Parthenon")                               \
    X(WHITE_TOWER, LANDMARK, "the", false, "White Tower")                           \
    X(SAINT_BASIL, LANDMARK, "", false, "Saint Basil's Cathedral")                  \
    X(GOLDEN_SPIRE, LANDMARK, "a", false, "fortress with a golden spire")           \
    X(NEVSKY_CATHEDRAL, LANDMARK, "the", false, "Nevsky Cathedral")                 \
    X(ROMAN_THEATRE, LANDMARK, "the", false, "Roman theatre")                       \
    X(BRIDGE_OF_PEACE, LANDMARK, "the", false, "Bridge of Peace")                   \
    X(ALPHABET_TOWER, LANDMARK, "the", false, "Alphabet Tower")                     \
    X(BLUE_MOSQUE, LANDMARK, "the", false, "Blue Mosque")                           \
    X(ANITKABIR, LANDMARK, "the", false, "Anitkabir")                               \
    X(PYRAMIDS, LANDMARK, "the", true, "pyramids")                                  \
    X(QAITBAY, LANDMARK, "the", false, "fort of Qaitbay")                           \
    X(BURJ_KHALIFA, LANDMARK, "the", false, "Burj Khalifa")                         \
    X(ZAYED_MOSQUE, LANDMARK, "the", false, "Sheikh Zayed Mosque")                  \
    X(KOUTOUBIA, LANDMARK, "the", false, "Koutoubia")                               \
    X(HASSAN_MOSQUE, LANDMARK, "the", false, "Hassan Mosque")                       \
    X(INDIA_GATE, LANDMARK, "the", false, "India Gate")                             \
    X(GATEWAY, LANDMARK, "the", false, "Gateway of India")                          \
    X(WAT_ARUN, LANDMARK, "", false, "Wat Arun")                                    \
    X(DOI_SUTHEP, LANDMARK, "a", false, "golden temple on a mountain")              \
    X(TOKYO_TOWER, LANDMARK, "the", false, "Tokyo Tower")                           \
    X(PAGODA, LANDMARK, "a", false, "pagoda with five roofs")                       \
    X(SEOUL_TOWER, LANDMARK, "the", false, "Seoul Tower")                           \
    X(GWANGAN_BRIDGE, LANDMARK, "the", false, "Gwangan Bridge")                     \
    X(TEMPLE_OF_HEAVEN, LANDMARK, "the", false, "Temple of Heaven")                 \
    X(PEARL_TOWER, LANDMARK, "the", false, "Oriental Pearl Tower")                  \
    X(OPERA_HOUSE, LANDMARK, "the", false, "Opera House")                           \
    X(FLINDERS_STATION, LANDMARK, "the", false, "Flinders Street Station")          \
    X(TABLE_MOUNTAIN, LANDMARK, "", false, "Table Mountain")                        \
    X(PONTE_TOWER, LANDMARK, "the", false, "round Ponte Tower")                     \
    X(STATUE_OF_LIBERTY, LANDMARK, "the", false, "Statue of Liberty")               \
    X(GOLDEN_GATE, LANDMARK, "the", false, "Golden Gate Bridge")                    \
    X(CHRIST, LANDMARK, "the", false, "statue of Christ")                           \
    X(CROSSED_BRIDGE, LANDMARK, "a", false, "bridge on a crossed mast")             \
    X(ANGEL, LANDMARK, "a", false, "golden angel on a column")                      \
    X(YELLOW_SPIRES, LANDMARK, "a", false, "cathedral with yellow spires")          \
    X(BRICK_TERRACES, BUILDINGS, "", true, "red brick houses")                      \
    X(GREY_TENEMENTS, BUILDINGS, "", true, "grey stone tenements")                  \
    X(MANSARDS, BUILDINGS, "", true, "cream houses with grey mansard roofs")        \
    X(TILED_HOUSES, BUILDINGS, "", true, "ochre houses with tiled roofs")           \
    X(CANAL_GABLES, BUILDINGS, "", true, "narrow brick houses with stepped gables") \
    X(PANEL_BLOCKS, BUILDINGS, "", true, "grey panel blocks")                       \
    X(GLASS_TOWERS, BUILDINGS, "", true, "glass towers")                            \
    X(WHITE_BLOCKS, BUILDINGS, "", true, "white blocks with balconies")             \
    X(MUD_HOUSES, BUILDINGS, "", true, "flat sand coloured houses")                 \
    X(RED_WALLS, BUILDINGS, "", true, "flat red ochre houses")                      \
    X(WOODEN_HOUSES, BUILDINGS, "", true, "dark wooden houses")                     \
    X(CURVED_ROOFS, BUILDINGS, "", true, "grey houses with curved roofs")           \
    X(BAY_WINDOWS, BUILDINGS, "", true, "painted houses with bay windows")          \
    X(FIRE_ESCAPES, BUILDINGS, "", true, "brick houses with fire escapes")          \
    X(IRON_LACE, BUILDINGS, "", true, "terraces with iron lace")                    \
    X(BRIGHT_HOUSES, BUILDINGS, "", true, "low houses in bright colours")           \
    X(HILL_BRICKS, BUILDINGS, "", true, "brick houses stacked on a slope")          \
    X(SHOPHOUSES, BUILDINGS, "", true, "shophouses")                                \
    X(WATER_TANKS, BUILDINGS, "", true, "concrete houses with water tanks")         \
    X(PASTEL_PALACES, BUILDINGS, "", true, "pastel palaces with white columns")     \
    X(CARVED_BALCONIES, BUILDINGS, "", true, "houses with carved balconies")        \
    X(TILED_BLOCKS, BUILDINGS, "", true, "apartment blocks with numbers")           \
    X(PLAIN_HOUSES, PLAIN, "", true, "plain houses")                                \
    X(CAR, VEHICLE, "a", false, "car")                                              \
    X(YELLOW_TAXI, VEHICLE, "a", false, "yellow taxi")                              \
    X(BLACK_CAB, VEHICLE, "a", false, "black cab")                                  \
    X(RED_BUS, VEHICLE, "a", false, "red double-decker bus")                        \
    X(MAROON_BUS, VEHICLE, "a", false, "maroon double-decker bus")                  \
    X(CREAM_TAXI, VEHICLE, "a", false, "cream taxi")                                \
    X(YELLOW_TRAM, VEHICLE, "a", false, "yellow tram")                              \
    X(BLACK_YELLOW_TAXI, VEHICLE, "a", false, "black and yellow taxi")              \
    X(STRIPED_TAXI, VEHICLE, "a", false, "white taxi with a red stripe")            \
    X(WHITE_TAXI, VEHICLE, "a", false, "white taxi")                                \
    X(BLUE_TRAM, VEHICLE, "a", false, "white and blue tram")                        \
    X(BLUE_TAXI, VEHICLE, "a", false, "blue and white taxi")                        \
    X(YELLOW_MINIBUS, VEHICLE, "a", false, "yellow minibus")                        \
    X(RED_ROOF_TAXI, VEHICLE, "a", false, "cream taxi with a red roof")             \
    X(SILVER_TAXI, VEHICLE, "a", false, "silver taxi")                              \
    X(RED_TAXI, VEHICLE, "a", false, "small red taxi")                              \
    X(BEIGE_TAXI, VEHICLE, "a", false, "small beige taxi")                          \
    X(RICKSHAW, VEHICLE, "a", false, "green and yellow rickshaw")                   \
    X(TUK_TUK, VEHICLE, "a", false, "tuk-tuk")                                      \
    X(PINK_TAXI, VEHICLE, "a", false, "pink taxi")                                  \
    X(PINK_WHITE_TAXI, VEHICLE, "a", false, "pink and white taxi")                  \
    X(RED_PICKUP, VEHICLE, "a", false, "red pickup bus")                            \
    X(ORANGE_TAXI, VEHICLE, "an", false, "orange taxi")                             \
    X(TURQUOISE_TAXI, VEHICLE, "a", false, "turquoise taxi")                        \
    X(YELLOW_GREEN_TAXI, VEHICLE, "a", false, "green taxi with a yellow band")      \
    X(GREEN_TRAM, VEHICLE, "a", false, "green and cream tram")                      \
    X(CABLE_CAR, VEHICLE, "a", false, "cable car")                                  \
    X(BLUE_STRIPE_TAXI, VEHICLE, "a", false, "yellow taxi with a blue stripe")      \
    X(SCHOOL_BUS, VEHICLE, "a", false, "school bus")                                \
    X(MINIBUS_TAXI, VEHICLE, "a", false, "white minibus")                           \
    X(TROLLEYBUS, VEHICLE, "a", false, "trolleybus")                                \
    X(BICYCLES, FURNITURE, "", true, "bicycles")                                    \
    X(GONDOLA, BOAT, "a", false, "gondola")                                         \
    X(FERRY, BOAT, "a", false, "green and cream ferry")                             \
    X(WHITE_FERRY, BOAT, "a", false, "white ferry with a yellow funnel")            \
    X(BOAT, PLAIN, "a", false, "boat")                                              \
    X(PLATE_YELLOW, PLATE, "a", false, "yellow number plate")                       \
    X(PLATE_BAND, PLATE, "a", false, "number plate with a blue band")               \
    X(PLATE_TWO_BANDS, PLATE, "a", false, "number plate with two blue bands")       \
    X(PLATE_WHITE, PLATE, "a", false, "white number plate")                         \
    X(PLATE_BLUE, PLATE, "a", false, "blue number plate")                           \
    X(PLATE_BLUE_TOP, PLATE, "a", false, "number plate with a blue top")            \
    X(LINE_WHITE, LINES, "a", false, "white centre line")                           \
    X(LINE_YELLOW, LINES, "a", false, "yellow centre line")                         \
    X(EDGE_YELLOW, LINES, "a", false, "yellow edge line")                           \
    X(DOUBLE_YELLOW, LINES, "", true, "double yellow lines")                        \
    X(KERB_BLACK, LINES, "a", false, "black and white kerb")                        \
    X(KERB_RED, LINES, "a", false, "red and white kerb")                            \
    X(PHONE_BOX, FURNITURE, "a", false, "red phone box")                            \
    X(POST_RED, FURNITURE, "a", false, "red post box")                              \
    X(POST_YELLOW, FURNITURE, "a", false, "yellow post box")                        \
    X(POST_BLUE, FURNITURE, "a", false, "blue post box")                            \
    X(POST_GREEN, FURNITURE, "a", false, "green post box")                          \
    X(POST_ORANGE, FURNITURE, "an", false, "orange post box")                       \
    X(HYDRANT, FURNITURE, "a", false, "fire hydrant")                               \
    X(WIRE_POLES, FURNITURE, "", true, "utility poles")                             \
    X(VENDING, FURNITURE, "a", false, "vending machine")                            \
    X(MINARET, SKYLINE, "a", false, "minaret")                                      \
    X(TORII, SKYLINE, "a", false, "torii gate")                                     \
    X(ONIONS, SKYLINE, "", true, "onion domes")                                     \
    X(WINDMILL, SKYLINE, "a", false, "windmill")                                    \
    X(STEEPLE, SKYLINE, "a", false, "church steeple")                               \
    X(TEMPLE_ROOF, SKYLINE, "a", false, "temple roof with golden edges")            \
    X(ROUND_CHURCH, SKYLINE, "a", false, "stone church with a cone roof")           \
    X(PALMS, PLANTS, "", true, "palm trees")                                        \
    X(CYPRESSES, PLANTS, "", true, "cypress trees")                                 \
    X(UMBRELLA_PINES, PLANTS, "", true, "umbrella pines")                           \
    X(BIRCHES, PLANTS, "", true, "birch trees")                                     \
    X(FIRS, PLANTS, "", true, "fir trees")                                          \
    X(GUM_TREES, PLANTS, "", true, "gum trees")                                     \
    X(CHERRIES, PLANTS, "", true, "cherry trees in bloom")                          \
    X(JACARANDAS, PLANTS, "", true, "purple jacarandas")                            \
    X(BAMBOO, PLANTS, "", false, "bamboo")                                          \
    X(TULIPS, PLANTS, "", true, "tulips")                                           \
    X(CACTI, PLANTS, "", true, "cacti")                                             \
    X(GINKGOS, PLANTS, "", true, "yellow ginkgo trees")                             \
    X(TREES, PLAIN, "", true, "broad green trees")                                  \
    X(SEA, TERRAIN, "the", false, "sea")                                            \
    X(RIVER, TERRAIN, "a", false, "river")                                          \
    X(CANAL, TERRAIN, "a", false, "canal")                                          \
    X(MOUNTAINS, TERRAIN, "", true, "mountains")                                    \
    X(HILLS, TERRAIN, "", true, "green hills")                                      \
    X(DUNES, TERRAIN, "", true, "sand dunes")                                       \
    X(VOLCANO, TERRAIN, "a", false, "snowy volcano")                                \
    X(SNOW, TERRAIN, "", false, "snow")                                             \
    X(SIGN, SIGN, "a", false, "sign")                                               \
    X(STOP_SIGN, SIGN, "a", false, "stop sign")                                     \
    X(FLAG, FLAG, "a", false, "flag")                                               \
    X(CLOUDS, PLAIN, "", true, "clouds")                                            \
    X(BIRDS, PLAIN, "", true, "birds")                                              \
    X(BALLOON, PLAIN, "a", false, "balloon")                                        \
    X(TABLE, PLAIN, "a", false, "table")                                            \
    X(CUP, PLAIN, "a", false, "cup")                                                \
    X(BOOK, PLAIN, "a", false, "book")                                              \
    X(LAMP, PLAIN, "a", false, "lamp")                                              \
    X(BOWL, PLAIN, "a", false, "bowl of fruit")                                     \
    X(VASE, PLAIN, "a", false, "vase")                                              \
    X(SOFA, PLAIN, "a", false, "sofa")                                              \
    X(CAT, PLAIN, "a", false, "cat")                                                \
    X(CURTAIN, PLAIN, "a", false, "curtain")                                        \
    X(PICTURE, PLAIN, "a", false, "framed picture")                                 \
    X(BRICK_WALL, PLAIN, "a", false, "bare wall")                                   \
    X(DOOR, PLAIN, "a", false, "closed door")                                       \
    X(FENCE, PLAIN, "a", false, "fence")                                            \
    X(MEADOW, PLAIN, "a", false, "meadow")                                          \
    X(SHEEP, PLAIN, "", false, "sheep")                                             \
    X(PATH, PLAIN, "a", false, "path")

enum thing {
    THING_NONE,
#define X(name, kind, article, plural, text) THING_##name,
    THINGS(X)
#undef X
        THING_COUNT
};

struct thing_facts {
    enum kind kind;
    bool plural;
    const char *article; // "a", "the" or ""
    const char *text;
};
const struct thing_facts *thing_facts(enum thing thing);

// Finds the things that `sentence` mentions: whole words, any case, the longest text that fits at each place
// ("yellow taxi with a blue stripe" is no "yellow taxi"). A plural ("signs", "flags") counts. Returns how
// many were found, each once, at most `limit` of them in found[].
size_t things_mentioned(const char *sentence, enum thing *found, size_t limit);

#endif
