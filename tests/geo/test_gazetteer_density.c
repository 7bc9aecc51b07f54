#include "support.h"

#include <math.h>

#include "geo/gazetteer_density.h"

static struct gazetteer_density density;

static int count_all(void **state) {
    struct error error = {0};
    struct gazetteer *gazetteer = gazetteer_open(NULL, &error);
    if (!gazetteer || gazetteer_count_places(gazetteer, &density, &error)) fail_msg("%s", error.message);
    *state = gazetteer;
    return 0;
}

static int close_all(void **state) {
    gazetteer_close(*state);
    return 0;
}

static uint32_t at(double lat, double lon) {
    return density.places[(int)floor(lat) + 90][(int)floor(lon) + 180];
}

static void every_place_is_counted_once(void **state) {
    struct error error = {0};
    struct gazetteer_info info;
    assert_ok(gazetteer_get_info(*state, &info, &error), error);
    int64_t sum = 0;
    for (int r = 0; r < DENSITY_ROWS; r++)
        for (int c = 0; c < DENSITY_COLUMNS; c++) sum += density.places[r][c];
    assert_int_equal(sum, info.places + info.districts);
}

static void places_are_where_they_are(void **state) {
    (void)state;
    assert_true(at(38.7, -9.1) > 5);      // Lisbon
    assert_true(at(-33.9, 151.2) > 5);    // Sydney
    assert_true(at(-18.1, 178.4) > 0);    // Suva, near the date line
    assert_true(at(64.1, -21.9) > 0);     // Reykjavik
    assert_int_equal(at(30.5, -40.5), 0); // the middle of the Atlantic
    assert_int_equal(at(-50.5, -120.5), 0);
    assert_int_equal(at(89.5, 0.5), 0);
}

// The corners of a cell: what lies south or west of a border belongs to the other cell.
static void cells_begin_at_whole_degrees(void **state) {
    struct error error = {0};
    struct gazetteer_neighbour nearest[GAZETTEER_NEAREST];
    int found = gazetteer_nearest(*state, (struct point){0, 35}, GAZETTEER_NEAREST, 0, nearest, &error);
    assert_true(found > 8);
    int south = 0;
    for (int i = 0; i < found; i++) {
        assert_true(at(nearest[i].place.at.lat, nearest[i].place.at.lon) > 0);
        south += nearest[i].place.at.lat < 0;
    }
    assert_true(south > 0 && south < found);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_is_counted_once),
        cmocka_unit_test(places_are_where_they_are),
        cmocka_unit_test(cells_begin_at_whole_degrees),
    };
    return cmocka_run_group_tests(tests, count_all, close_all);
}
