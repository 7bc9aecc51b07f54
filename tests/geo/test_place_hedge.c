// What stands around names that are guesses, in the languages that models answer in.
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "geo/place_hedge.h"

// names: with "|" between them; NULL when there is no hedge.
static void check(const char *text, const char *names) {
    struct place_hedge hedge;
    char joined[PLACE_HEDGE_NAMES * (PLACE_NAME_LIMIT + 2)] = "";
    place_hedge_read(text, &hedge);
    for (int i = 0; i < hedge.count; i++) {
        size_t used = strlen(joined);
        snprintf(joined + used, sizeof joined - used, "%s%s", i ? "|" : "", hedge.names[i]);
    }
    if (hedge.hedged != (names != NULL)) fail_msg("%s: hedged %d (%s)", text, hedge.hedged, joined);
    if (names && strcmp(joined, names)) fail_msg("%s: \"%s\", not \"%s\"", text, joined, names);
}

static void test_hedges(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"possibly Tokyo", "Tokyo"},
        {"Most likely Tokyo", "Tokyo"},
        {"Tokyo or Osaka", "Tokyo|Osaka"},
        {"either Porto or Lisbon", "Porto|Lisbon"},
        {"Tokyo / Osaka", "Tokyo|Osaka"},
        {"Tokyo, Osaka, or Kobe", "Tokyo, Osaka|Kobe"},
        {"Unknown (possibly Kyoto)", "Kyoto"},
        {"Unknown, possibly Kyoto or Nara", "Kyoto|Nara"},
        {"not sure, but maybe Oslo", "Oslo"},
        {"Tokyo (likely)", "Tokyo"},
        {"Tokyo (90% confidence)", "Tokyo"},
        {"Tokyo (or Osaka)", "Tokyo|Osaka"},
        {"Tokyo?", "Tokyo"},
        {"~Tokyo", "Tokyo"},
        {"Tokyo, probably", "Tokyo"},
        {"near Kyoto", "Kyoto"},
        {"somewhere in the vicinity of Kyoto", "Kyoto"},
        {"a farm near Cusco", "a farm, Cusco"},
        {"between Bonn and Cologne", "Bonn|Cologne"},
        {"zwischen Bonn und Köln", "Bonn|Köln"},
        {"wahrscheinlich Bonn", "Bonn"},
        {"Bonn oder Köln", "Bonn|Köln"},
        {"peut-être Nantes", "Nantes"},
        {"près d'Arles", "Arles"},
        {"Nantes ou Rennes", "Nantes|Rennes"},
        {"probablemente Lima", "Lima"},
        {"Lima o Cusco", "Lima|Cusco"},
        {"forse Torino", "Torino"},
        {"talvez Recife", "Recife"},
        {"waarschijnlijk Utrecht", "Utrecht"},
        {"prawdopodobnie Kraków", "Kraków"},
        {"muhtemelen İzmir", "İzmir"},
        {"вероятно, Казань", "Казань"},
        {"Казань или Уфа", "Казань|Уфа"},
        {"ربما القاهرة", "القاهرة"},
        {"おそらく札幌", "札幌"},
        {"東京または大阪", "東京|大阪"},
        {"東京付近", "東京"},
        {"可能是成都", "成都"},
        {"北京或上海", "北京|上海"},
        {"아마도 부산", "부산"},
        {"có thể là Hà Nội", "Hà Nội"},
        {"mungkin Bandung", "Bandung"},
        {"Unknown (rural)", NULL},
        {"unknown", NULL},
        {"", NULL},
        {"Orlando", NULL},
        {"Port Moresby", NULL},
        {"Entre Ríos", NULL},
        {"Côte d'Or", NULL},
        {"Or Akiva", NULL},
        {"Mumbai (Bombay)", NULL},
        {"Trinidad and Tobago", NULL},
        {"St. John's", NULL},
        {"Aboutville", NULL},
        {"Nearfield", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check(cases[i][0], cases[i][1]);
}

static void test_odd_texts(void **state) {
    (void)state;
    struct place_hedge hedge;
    char text[PLACE_NAME_LIMIT + 2];
    memset(text, '(', sizeof text - 1);
    text[sizeof text - 1] = 0;
    place_hedge_read(text, &hedge); // too long
    assert_int_equal(hedge.count, 0);
    text[PLACE_NAME_LIMIT] = 0;
    place_hedge_read(text, &hedge);
    memset(text, 0, sizeof text);
    for (size_t i = 0; i + 5 < PLACE_NAME_LIMIT; i += 5) memcpy(text + i, "a or ", 5);
    place_hedge_read(text, &hedge);
    assert_int_equal(hedge.count, PLACE_HEDGE_NAMES);
    place_hedge_read("possibly \xff\xfe or \xc3", &hedge);
    place_hedge_read("or", &hedge);
    place_hedge_read("/////", &hedge);
    assert_int_equal(hedge.count, 0);
    assert_true(place_is_unknown("?") && place_is_unknown("N/A") && place_is_unknown("неизвестно"));
    assert_false(place_is_unknown("Paris"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hedges), cmocka_unit_test(test_odd_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
