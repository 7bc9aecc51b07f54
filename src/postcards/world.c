#include "postcards/world.h"

enum { GB, FR, DE, IT, ES, NL, GR, RU, BG, GE, TR, EG, AE, MA, IN, TH, JP, KR, CN, AU, ZA, US, BR, MX };

#define T(name) THING_##name

const struct country countries[COUNTRY_COUNT] = {
    [GB] = {"United Kingdom",
            "GB",
            true,
            true,
            0xf4f4f0,
            0x101010,
            {T(PLATE_YELLOW), T(LINE_WHITE), T(DOUBLE_YELLOW), T(PHONE_BOX), T(POST_RED), T(STEEPLE),
             T(BLACK_CAB)}},
    [FR] = {"France",
            "FR",
            false,
            false,
            0x1d3f94,
            0xffffff,
            {T(PLATE_TWO_BANDS), T(LINE_WHITE), T(POST_YELLOW)}},
    [DE] = {"Germany",
            "DE",
            false,
            false,
            0xfafafa,
            0x15151f,
            {T(PLATE_BAND), T(LINE_WHITE), T(POST_YELLOW), T(CREAM_TAXI), T(STEEPLE), T(BIRCHES), T(SNOW)}},
    [IT] = {"Italy",
            "IT",
            false,
            false,
            0xf3f0e6,
            0x202020,
            {T(PLATE_TWO_BANDS), T(LINE_WHITE), T(POST_RED), T(TILED_HOUSES), T(UMBRELLA_PINES),
             T(CYPRESSES)}},
    [ES] = {"Spain",
            "ES",
            false,
            false,
            0xf7f4ea,
            0x183a86,
            {T(PLATE_BAND), T(LINE_WHITE), T(POST_YELLOW), T(TILED_HOUSES), T(UMBRELLA_PINES)}},
    [NL] = {"Netherlands",
            "NL",
            true,
            false,
            0x1c3f8c,
            0xffffff,
            {T(PLATE_YELLOW), T(LINE_WHITE), T(POST_ORANGE), T(BICYCLES), T(WINDMILL), T(TULIPS),
             T(STEEPLE)}},
    [GR] = {"Greece",
            "GR",
            false,
            false,
            0x1f56a5,
            0xffffff,
            {T(PLATE_BAND), T(LINE_WHITE), T(POST_YELLOW), T(WHITE_BLOCKS), T(CYPRESSES), T(PALMS)}},
    [RU] = {"Russia",
            "RU",
            false,
            false,
            0x2048a0,
            0xffffff,
            {T(PLATE_WHITE), T(LINE_WHITE), T(POST_BLUE), T(PANEL_BLOCKS), T(ONIONS), T(BIRCHES), T(FIRS),
             T(SNOW), T(TROLLEYBUS), T(RIVER)}},
    [BG] = {"Bulgaria",
            "BG",
            false,
            false,
            0x2d5fb0,
            0xffffff,
            {T(PLATE_BAND), T(LINE_WHITE), T(POST_YELLOW), T(PANEL_BLOCKS), T(YELLOW_TAXI), T(FIRS),
             T(MOUNTAINS), T(SNOW)}},
    [GE] = {"Georgia",
            "GE",
            false,
            false,
            0x1e4f9a,
            0xffffff,
            {T(PLATE_BAND), T(LINE_WHITE), T(CARVED_BALCONIES), T(ROUND_CHURCH), T(MOUNTAINS),
             T(PANEL_BLOCKS)}},
    [TR] = {"Turkey",
            "TR",
            false,
            false,
            0x0f5fa8,
            0xffffff,
            {T(PLATE_BAND), T(LINE_WHITE), T(POST_YELLOW), T(YELLOW_TAXI), T(MINARET), T(TILED_HOUSES)}},
    [EG] = {"Egypt",
            "EG",
            false,
            false,
            0x1f4f9f,
            0xffffff,
            {T(PLATE_BLUE_TOP), T(LINE_WHITE), T(KERB_BLACK), T(MINARET), T(MUD_HOUSES), T(PALMS)}},
    [AE] = {"United Arab Emirates",
            "AE",
            true,
            false,
            0x1f7a4a,
            0xffffff,
            {T(PLATE_WHITE), T(EDGE_YELLOW), T(LINE_WHITE), T(GLASS_TOWERS), T(MINARET), T(PALMS), T(DUNES),
             T(SEA)}},
    [MA] = {"Morocco",
            "MA",
            false,
            false,
            0x1a4c9c,
            0xffffff,
            {T(PLATE_WHITE), T(LINE_WHITE), T(KERB_RED), T(POST_YELLOW), T(MINARET), T(PALMS)}},
    [IN] = {"India",
            "IN",
            false,
            true,
            0x1d6b3c,
            0xffffff,
            {T(PLATE_WHITE), T(LINE_WHITE), T(KERB_BLACK), T(POST_RED), T(WATER_TANKS), T(WIRE_POLES),
             T(PALMS), T(MINARET)}},
    [TH] = {"Thailand",
            "TH",
            false,
            true,
            0x16458c,
            0xffffff,
            {T(PLATE_WHITE), T(LINE_YELLOW), T(KERB_BLACK), T(KERB_RED), T(POST_RED), T(SHOPHOUSES),
             T(TUK_TUK), T(WIRE_POLES), T(TEMPLE_ROOF), T(PALMS), T(BAMBOO), T(RIVER)}},
    [JP] = {"Japan",
            "JP",
            false,
            true,
            0x1450a0,
            0xffffff,
            {T(PLATE_WHITE), T(LINE_WHITE), T(LINE_YELLOW), T(POST_RED), T(WIRE_POLES), T(VENDING), T(TORII),
             T(CHERRIES), T(GINKGOS), T(BAMBOO)}},
    [KR] = {"South Korea",
            "KR",
            false,
            false,
            0x1b5fae,
            0xffffff,
            {T(PLATE_WHITE), T(LINE_YELLOW), T(POST_RED), T(TILED_BLOCKS), T(CHERRIES), T(GINKGOS),
             T(HILLS)}},
    [CN] = {"China",
            "CN",
            false,
            false,
            0x1254a8,
            0xffffff,
            {T(PLATE_BLUE), T(LINE_YELLOW), T(POST_GREEN), T(GLASS_TOWERS), T(TROLLEYBUS), T(BICYCLES),
             T(GINKGOS), T(BAMBOO)}},
    [AU] = {"Australia",
            "AU",
            false,
            true,
            0xf6f6f2,
            0x111111,
            {T(LINE_WHITE), T(POST_RED), T(GLASS_TOWERS), T(IRON_LACE), T(GUM_TREES), T(PALMS), T(SEA)}},
    [ZA] = {"South Africa",
            "ZA",
            false,
            true,
            0xf2f2ea,
            0x151515,
            {T(PLATE_WHITE), T(LINE_WHITE), T(EDGE_YELLOW), T(POST_RED), T(MINIBUS_TAXI), T(GUM_TREES)}},
    [US] = {"United States",
            "US",
            true,
            false,
            0x16703c,
            0xffffff,
            {T(PLATE_WHITE), T(LINE_YELLOW), T(POST_BLUE), T(HYDRANT), T(SCHOOL_BUS), T(FIRE_ESCAPES),
             T(GLASS_TOWERS), T(WIRE_POLES), T(SEA)}},
    [BR] = {"Brazil",
            "BR",
            false,
            false,
            0x1c4f9c,
            0xffffff,
            {T(PLATE_BLUE_TOP), T(LINE_YELLOW), T(POST_YELLOW), T(HILL_BRICKS), T(GLASS_TOWERS),
             T(WIRE_POLES), T(PALMS)}},
    [MX] = {"Mexico",
            "MX",
            false,
            false,
            0x1f6b50,
            0xffffff,
            {T(PLATE_WHITE), T(LINE_YELLOW), T(BRIGHT_HOUSES), T(CACTI), T(JACARANDAS), T(WIRE_POLES),
             T(TROLLEYBUS), T(MOUNTAINS)}},
};

const struct city cities[CITY_COUNT] = {
    {"London", 51.5074, -0.1278, GB, T(BIG_BEN), {T(RED_BUS), T(BRICK_TERRACES), T(RIVER), T(GLASS_TOWERS)}},
    {"Edinburgh", 55.9533, -3.1883, GB, T(CASTLE_ROCK), {T(MAROON_BUS), T(GREY_TENEMENTS), T(HILLS), T(SEA)}},
    {"Paris", 48.8566, 2.3522, FR, T(EIFFEL_TOWER), {T(MANSARDS), T(RIVER)}},
    {"Marseille",
     43.2965,
     5.3698,
     FR,
     T(HILL_BASILICA),
     {T(TILED_HOUSES), T(SEA), T(PALMS), T(UMBRELLA_PINES), T(CYPRESSES)}},
    {"Berlin", 52.5200, 13.4050, DE, T(BERLIN_TOWER), {T(YELLOW_TRAM), T(PANEL_BLOCKS), T(RIVER)}},
    {"Hamburg",
     53.5511,
     9.9937,
     DE,
     T(ELBPHILHARMONIE),
     {T(BRICK_TERRACES), T(RIVER), T(CANAL), T(BICYCLES)}},
    {"Rome", 41.9028, 12.4964, IT, T(COLOSSEUM), {T(WHITE_TAXI), T(TROLLEYBUS), T(RIVER), T(PALMS)}},
    {"Venice", 45.4408, 12.3155, IT, T(BELL_TOWER), {T(GONDOLA), T(CANAL), T(SEA)}},
    {"Madrid", 40.4168, -3.7038, ES, T(ALCALA_GATE), {T(STRIPED_TAXI), T(MOUNTAINS)}},
    {"Barcelona",
     41.3874,
     2.1686,
     ES,
     T(SAGRADA_FAMILIA),
     {T(BLACK_YELLOW_TAXI), T(SEA), T(CYPRESSES), T(PALMS)}},
    {"Amsterdam", 52.3676, 4.9041, NL, T(DRAWBRIDGE), {T(CANAL_GABLES), T(CANAL), T(BLUE_TRAM)}},
    {"Rotterdam", 51.9244, 4.4777, NL, T(ERASMUS_BRIDGE), {T(GLASS_TOWERS), T(BRICK_TERRACES), T(RIVER)}},
    {"Athens", 37.9838, 23.7275, GR, T(PARTHENON), {T(YELLOW_TAXI), T(TROLLEYBUS), T(HILLS)}},
    {"Thessaloniki", 40.6401, 22.9444, GR, T(WHITE_TOWER), {T(BLUE_TAXI), T(SEA)}},
    {"Moscow", 55.7558, 37.6173, RU, T(SAINT_BASIL), {T(YELLOW_TAXI), T(GLASS_TOWERS)}},
    {"Saint Petersburg", 59.9311, 30.3609, RU, T(GOLDEN_SPIRE), {T(PASTEL_PALACES), T(CANAL), T(SEA)}},
    {"Sofia", 42.6977, 23.3219, BG, T(NEVSKY_CATHEDRAL), {T(MINARET), T(TROLLEYBUS)}},
    {"Plovdiv", 42.1354, 24.7453, BG, T(ROMAN_THEATRE), {T(BRIGHT_HOUSES), T(HILLS), T(MINARET), T(RIVER)}},
    {"Tbilisi", 41.7151, 44.8271, GE, T(BRIDGE_OF_PEACE), {T(YELLOW_MINIBUS), T(RIVER), T(CYPRESSES)}},
    {"Batumi", 41.6168, 41.6367, GE, T(ALPHABET_TOWER), {T(SEA), T(PALMS), T(GLASS_TOWERS), T(BAMBOO)}},
    {"Istanbul",
     41.0082,
     28.9784,
     TR,
     T(BLUE_MOSQUE),
     {T(WHITE_FERRY), T(SEA), T(TULIPS), T(CYPRESSES), T(UMBRELLA_PINES)}},
    {"Ankara", 39.9334, 32.8597, TR, T(ANITKABIR), {T(SNOW), T(HILLS), T(FIRS)}},
    {"Cairo", 30.0444, 31.2357, EG, T(PYRAMIDS), {T(WHITE_TAXI), T(DUNES), T(RIVER)}},
    {"Alexandria", 31.2001, 29.9187, EG, T(QAITBAY), {T(BLACK_YELLOW_TAXI), T(SEA), T(WHITE_BLOCKS)}},
    {"Dubai", 25.2048, 55.2708, AE, T(BURJ_KHALIFA), {T(RED_ROOF_TAXI)}},
    {"Abu Dhabi", 24.4539, 54.3773, AE, T(ZAYED_MOSQUE), {T(SILVER_TAXI)}},
    {"Casablanca", 33.5731, -7.5898, MA, T(HASSAN_MOSQUE), {T(RED_TAXI), T(SEA), T(WHITE_BLOCKS)}},
    {"Marrakesh",
     31.6295,
     -7.9811,
     MA,
     T(KOUTOUBIA),
     {T(BEIGE_TAXI), T(RED_WALLS), T(MOUNTAINS), T(CACTI), T(CYPRESSES)}},
    {"New Delhi", 28.6139, 77.2090, IN, T(INDIA_GATE), {T(RICKSHAW)}},
    {"Mumbai", 19.0760, 72.8777, IN, T(GATEWAY), {T(BLACK_YELLOW_TAXI), T(RED_BUS), T(SEA)}},
    {"Bangkok", 13.7563, 100.5018, TH, T(WAT_ARUN), {T(PINK_TAXI), T(CANAL), T(GLASS_TOWERS)}},
    {"Chiang Mai", 18.7883, 98.9853, TH, T(DOI_SUTHEP), {T(RED_PICKUP), T(MOUNTAINS)}},
    {"Tokyo", 35.6762, 139.6503, JP, T(TOKYO_TOWER), {T(GLASS_TOWERS), T(VOLCANO), T(SEA)}},
    {"Kyoto", 35.0116, 135.7681, JP, T(PAGODA), {T(WOODEN_HOUSES), T(HILLS), T(BICYCLES), T(RIVER)}},
    {"Seoul",
     37.5665,
     126.9780,
     KR,
     T(SEOUL_TOWER),
     {T(ORANGE_TAXI), T(RIVER), T(MOUNTAINS), T(SNOW), T(GLASS_TOWERS)}},
    {"Busan", 35.1796, 129.0756, KR, T(GWANGAN_BRIDGE), {T(SEA), T(GLASS_TOWERS)}},
    {"Shanghai", 31.2304, 121.4737, CN, T(PEARL_TOWER), {T(TURQUOISE_TAXI), T(RIVER)}},
    {"Beijing",
     39.9042,
     116.4074,
     CN,
     T(TEMPLE_OF_HEAVEN),
     {T(YELLOW_GREEN_TAXI), T(CURVED_ROOFS), T(MOUNTAINS), T(SNOW)}},
    {"Sydney", -33.8688, 151.2093, AU, T(OPERA_HOUSE), {T(PLATE_YELLOW), T(FERRY), T(JACARANDAS)}},
    {"Melbourne", -37.8136, 144.9631, AU, T(FLINDERS_STATION), {T(PLATE_WHITE), T(GREEN_TRAM), T(RIVER)}},
    {"Johannesburg", -26.2041, 28.0473, ZA, T(PONTE_TOWER), {T(JACARANDAS), T(GLASS_TOWERS)}},
    {"Cape Town",
     -33.9249,
     18.4241,
     ZA,
     T(TABLE_MOUNTAIN),
     {T(BRIGHT_HOUSES), T(SEA), T(PALMS), T(UMBRELLA_PINES)}},
    {"New York", 40.7128, -74.0060, US, T(STATUE_OF_LIBERTY), {T(YELLOW_TAXI), T(RIVER), T(SNOW)}},
    {"San Francisco",
     37.7749,
     -122.4194,
     US,
     T(GOLDEN_GATE),
     {T(CABLE_CAR), T(BAY_WINDOWS), T(TROLLEYBUS), T(PALMS), T(HILLS), T(GUM_TREES)}},
    {"Sao Paulo", -23.5505, -46.6333, BR, T(CROSSED_BRIDGE), {T(WHITE_TAXI), T(TROLLEYBUS), T(JACARANDAS)}},
    {"Rio de Janeiro", -22.9068, -43.1729, BR, T(CHRIST), {T(BLUE_STRIPE_TAXI), T(SEA), T(HILLS)}},
    {"Mexico City", 19.4326, -99.1332, MX, T(ANGEL), {T(PINK_WHITE_TAXI), T(VOLCANO), T(GLASS_TOWERS)}},
    {"Guadalajara", 20.6597, -103.3496, MX, T(YELLOW_SPIRES), {T(PALMS)}},
};

#define ON(country) (UINT32_C(1) << (country))
#define LATIN(text, language, set) \
    { text, NULL, NULL, language, -1, set, FACE_SANS, false }
#define OWN(text, face, script, language, set) \
    { text, NULL, script, language, -1, set, face, false }
#define TWO(text, second, script, set) \
    { text, second, script, NULL, -1, set, FACE_SANS, false }
#define NAME(text, city) \
    { text, NULL, NULL, NULL, city, 0, FACE_SANS, false }
#define NAME_IN(text, face, script, city) \
    { text, NULL, script, NULL, city, 0, face, false }
#define HALT(text, face, script, set) \
    { text, NULL, script, NULL, -1, set, face, true }
#define ARABS (ON(EG) | ON(AE) | ON(MA))

const struct word sign_words[] = {
    // What streets, squares, stations and shops are called.
    LATIN("STREET", "English", ON(GB) | ON(AU) | ON(ZA) | ON(US)),
    LATIN("ROAD", "English", ON(GB) | ON(AU) | ON(ZA) | ON(IN)),
    LATIN("AVENUE", "English or French", ON(US) | ON(FR) | ON(GB) | ON(AU) | ON(ZA)),
    LATIN("RUE", "French", ON(FR) | ON(MA)),
    LATIN("PLACE", "French", ON(FR)),
    LATIN("STRASSE", "German", ON(DE)),
    LATIN("PLATZ", "German", ON(DE)),
    LATIN("VIA", "Italian", ON(IT)),
    LATIN("PIAZZA", "Italian", ON(IT)),
    LATIN("CALLE", "Spanish", ON(ES) | ON(MX)),
    LATIN("PLAZA", "Spanish", ON(ES) | ON(MX)),
    LATIN("AVENIDA", "Spanish or Portuguese", ON(ES) | ON(MX) | ON(BR)),
    LATIN("FARMACIA", "Spanish or Italian", ON(ES) | ON(MX) | ON(IT)),
    LATIN("RUA", "Portuguese", ON(BR)),
    LATIN("PRAÇA", "Portuguese", ON(BR)),
    LATIN("STRAAT", "Dutch or Afrikaans", ON(NL) | ON(ZA)),
    LATIN("GRACHT", "Dutch", ON(NL)),
    LATIN("CADDE", "Turkish", ON(TR)),
    LATIN("SOKAK", "Turkish", ON(TR)),
    OWN("ΟΔΟΣ", FACE_SANS, "Greek letters", NULL, ON(GR)),
    OWN("ΠΛΑΤΕΙΑ", FACE_SANS, "Greek letters", NULL, ON(GR)),
    OWN("УЛИЦА", FACE_SANS, "Cyrillic letters", NULL, ON(RU) | ON(BG)),
    OWN("АПТЕКА", FACE_SANS, "Cyrillic letters", NULL, ON(RU) | ON(BG)),
    OWN("ПРОСПЕКТ", FACE_SANS, "Cyrillic letters", "Russian", ON(RU)),
    OWN("ПЛОЩАДЬ", FACE_SANS, "Cyrillic letters", "Russian", ON(RU)),
    OWN("БУЛЕВАРД", FACE_SANS, "Cyrillic letters", "Bulgarian", ON(BG)),
    OWN("ПЪТ", FACE_SANS, "Cyrillic letters", "Bulgarian", ON(BG)),
    OWN("ქუჩა", FACE_SANS, "Georgian letters", NULL, ON(GE)),
    OWN("აფთიაქი", FACE_SANS, "Georgian letters", NULL, ON(GE)),
    OWN("شارع", FACE_SANS, "Arabic letters", NULL, ARABS),
    OWN("صيدلية", FACE_SANS, "Arabic letters", NULL, ARABS),
    TWO("شارع", "STREET", "Arabic and English", ON(EG) | ON(AE)),
    TWO("شارع", "RUE", "Arabic and French", ON(MA)),
    OWN("मार्ग", FACE_DEVANAGARI, "Devanagari letters", NULL, ON(IN)),
    OWN("दुकान", FACE_DEVANAGARI, "Devanagari letters", NULL, ON(IN)),
    OWN("ถนน", FACE_THAI, "Thai letters", NULL, ON(TH)),
    OWN("ร้านยา", FACE_THAI, "Thai letters", NULL, ON(TH)),
    OWN("通り", FACE_EAST_ASIA, "Japanese letters", NULL, ON(JP)),
    OWN("くすり", FACE_EAST_ASIA, "Japanese letters", NULL, ON(JP)),
    OWN("약국", FACE_EAST_ASIA, "Korean letters", NULL, ON(KR)),
    OWN("거리", FACE_EAST_ASIA, "Korean letters", NULL, ON(KR)),
    OWN("大街", FACE_EAST_ASIA, "Chinese characters", NULL, ON(CN)),
    OWN("药店", FACE_EAST_ASIA, "Chinese characters", NULL, ON(CN)),
    // Stop signs.
    HALT("STOP", FACE_SANS, NULL,
         ON(GB) | ON(FR) | ON(DE) | ON(IT) | ON(ES) | ON(NL) | ON(GR) | ON(RU) | ON(BG) | ON(GE) | ON(IN) |
             ON(AU) | ON(ZA) | ON(US)),
    HALT("ALTO", FACE_SANS, NULL, ON(MX)),
    HALT("PARE", FACE_SANS, NULL, ON(BR)),
    HALT("DUR", FACE_SANS, NULL, ON(TR)),
    HALT("قف", FACE_SANS, "Arabic letters", ARABS),
    HALT("หยุด", FACE_THAI, "Thai letters", ON(TH)),
    HALT("止まれ", FACE_EAST_ASIA, "Japanese letters", ON(JP)),
    HALT("정지", FACE_EAST_ASIA, "Korean letters", ON(KR)),
    HALT("停", FACE_EAST_ASIA, "Chinese characters", ON(CN)),
    // Names that stand on the signs of one city.
    NAME("LONDON", 0),
    NAME("EDINBURGH", 1),
    NAME("PARIS", 2),
    NAME("MARSEILLE", 3),
    NAME("BERLIN", 4),
    NAME("HAMBURG", 5),
    NAME("ROMA", 6),
    NAME("VENEZIA", 7),
    NAME("MADRID", 8),
    NAME("BARCELONA", 9),
    NAME("AMSTERDAM", 10),
    NAME("ROTTERDAM", 11),
    NAME_IN("ΑΘΗΝΑ", FACE_SANS, "Greek letters", 12),
    NAME_IN("ΘΕΣΣΑΛΟΝΙΚΗ", FACE_SANS, "Greek letters", 13),
    NAME_IN("МОСКВА", FACE_SANS, "Cyrillic letters", 14),
    NAME_IN("ПЕТЕРБУРГ", FACE_SANS, "Cyrillic letters", 15),
    NAME_IN("СОФИЯ", FACE_SANS, "Cyrillic letters", 16),
    NAME_IN("ПЛОВДИВ", FACE_SANS, "Cyrillic letters", 17),
    NAME_IN("თბილისი", FACE_SANS, "Georgian letters", 18),
    NAME_IN("ბათუმი", FACE_SANS, "Georgian letters", 19),
    NAME("İSTANBUL", 20),
    NAME("ANKARA", 21),
    NAME_IN("القاهرة", FACE_SANS, "Arabic letters", 22),
    NAME_IN("الإسكندرية", FACE_SANS, "Arabic letters", 23),
    NAME_IN("دبي", FACE_SANS, "Arabic letters", 24),
    NAME_IN("أبوظبي", FACE_SANS, "Arabic letters", 25),
    NAME_IN("الدار البيضاء", FACE_SANS, "Arabic letters", 26),
    NAME_IN("مراكش", FACE_SANS, "Arabic letters", 27),
    NAME_IN("मुंबई", FACE_DEVANAGARI, "Devanagari letters", 29),
    NAME_IN("दिल्ली", FACE_DEVANAGARI, "Devanagari letters", 28),
    NAME_IN("กรุงเทพ", FACE_THAI, "Thai letters", 30),
    NAME_IN("เชียงใหม่", FACE_THAI, "Thai letters", 31),
    NAME_IN("東京", FACE_EAST_ASIA, "Japanese letters", 32),
    NAME_IN("京都", FACE_EAST_ASIA, "Japanese letters", 33),
    NAME_IN("서울", FACE_EAST_ASIA, "Korean letters", 34),
    NAME_IN("부산", FACE_EAST_ASIA, "Korean letters", 35),
    NAME_IN("上海", FACE_EAST_ASIA, "Chinese characters", 36),
    NAME_IN("北京", FACE_EAST_ASIA, "Chinese characters", 37),
    NAME("SYDNEY", 38),
    NAME("MELBOURNE", 39),
    NAME("SOWETO", 40),
    NAME("CAPE TOWN", 41),
    NAME("BROADWAY", 42),
    NAME("MISSION", 43),
    NAME("PAULISTA", 44),
    NAME("RIO", 45),
    NAME("REFORMA", 46),
    NAME("JALISCO", 47),
    {NULL, NULL, NULL, NULL, -1, 0, FACE_SANS, false},
};

static bool listed(const enum thing *things, size_t limit, enum thing thing) {
    for (size_t i = 0; i < limit && things[i] != THING_NONE; i++)
        if (things[i] == thing) return true;
    return false;
}

bool city_has(int city, enum thing thing) {
    const struct city *c = &cities[city];
    return c->landmark == thing || listed(c->things, CITY_THINGS, thing) ||
           listed(countries[c->country].things, COUNTRY_THINGS, thing);
}

bool city_writes(int city, const struct word *word) {
    return word->city >= 0 ? word->city == city : word->countries >> cities[city].country & 1;
}

// Signs and flags speak through their word and their colours, not through the thing.
places places_with(enum thing thing) {
    enum kind kind = thing_facts(thing)->kind;
    if (kind == KIND_PLAIN || kind == KIND_SIGN || kind == KIND_FLAG || thing == THING_CAR) return EVERYWHERE;
    places set = 0;
    for (int i = 0; i < CITY_COUNT; i++)
        if (city_has(i, thing)) set |= UINT64_C(1) << i;
    return set;
}

places places_writing(const struct word *word) {
    places set = 0;
    for (int i = 0; i < CITY_COUNT; i++)
        if (city_writes(i, word)) set |= UINT64_C(1) << i;
    return set;
}

places places_keeping(bool left) {
    places set = 0;
    for (int i = 0; i < CITY_COUNT; i++)
        if (countries[cities[i].country].keep_left == left) set |= UINT64_C(1) << i;
    return set;
}

places places_of_country(int country) {
    places set = 0;
    for (int i = 0; i < CITY_COUNT; i++)
        if (cities[i].country == country) set |= UINT64_C(1) << i;
    return set;
}

int places_count(places set) {
    return __builtin_popcountll(set);
}

int places_countries(places set, int found[COUNTRY_COUNT]) {
    int count = 0;
    for (int i = 0; i < COUNTRY_COUNT; i++)
        if (set & places_of_country(i)) found[count++] = i;
    return count;
}

int places_country(places set) {
    int found[COUNTRY_COUNT];
    return places_countries(set, found) == 1 ? found[0] : -1;
}

int country_first_city(int country) {
    for (int i = 0; i < CITY_COUNT; i++)
        if (cities[i].country == country) return i;
    return -1;
}
