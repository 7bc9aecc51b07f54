#include "support.h"

#include <stdio.h>

#include "base/name_map.h"

static void finds_what_was_added(void **state) {
    (void)state;
    enum { NAMES = 1000 };
    static char names[NAMES][16];
    struct error error = {0};
    struct name_map map = {0};
    size_t value = 77;
    assert_false(name_map_find(&map, "", &value)); // an empty map has no slots at all
    for (size_t i = 0; i < NAMES; i++) {
        snprintf(names[i], sizeof names[i], "layer.%zu", i);
        assert_false(name_map_find(&map, names[i], &value));
        assert_ok(name_map_add(&map, names[i], i, &error), error);
    }
    assert_int_equal(value, 77);
    for (size_t i = 0; i < NAMES; i++) {
        assert_true(name_map_find(&map, names[i], &value));
        assert_int_equal(value, i);
    }
    assert_true(name_map_find(&map, "layer.5", NULL));
    assert_false(name_map_find(&map, "layer.1000", &value));
    assert_false(name_map_find(&map, "", &value));
    assert_ok(name_map_add(&map, "", 5, &error), error);
    assert_true(name_map_find(&map, "", &value));
    assert_int_equal(value, 5);
    assert_int_equal(map.count, NAMES + 1);
    name_map_free(&map);
    assert_false(name_map_find(&map, "layer.5", NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_what_was_added)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
