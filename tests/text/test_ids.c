#include "support.h"

#include "text/ids.h"

static void grows_and_keeps_order(void **state) {
    (void)state;
    struct ids ids = {0};
    struct error error;
    for (int32_t i = 0; i < 1000; i++) assert_ok(ids_add(&ids, i * 7 - 3, &error), error);
    assert_int_equal(ids.count, 1000);
    assert_true(ids.capacity >= ids.count);
    for (int32_t i = 0; i < 1000; i++) assert_int_equal(ids.data[i], i * 7 - 3);
    ids_free(&ids);
    assert_null(ids.data);
    assert_int_equal(ids.count, 0);
    assert_ok(ids_add(&ids, INT32_MIN, &error), error); // usable again
    assert_int_equal(ids.data[0], INT32_MIN);
    ids_free(&ids);
}

static void freeing_an_empty_list_is_fine(void **state) {
    (void)state;
    struct ids ids = {0};
    ids_free(&ids);
    ids_free(&ids);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_keeps_order),
        cmocka_unit_test(freeing_an_empty_list_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
