// Figures of scores beside two classes, held against values made by hand.
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reward/judgement.h"

static void test_by_hand(void **state) {
    (void)state;
    struct error error = {0};
    struct judgement j;
    // Sorted: no .05, yes .35, no .35, yes .62, no .7, yes 1
    struct judged rows[] = {{0.62, true}, {0.05, false}, {1, true},
                            {0.35, true}, {0.35, false}, {0.7, false}};
    assert_ok(judgement_measure(&j, rows, 6, &error), error);
    assert_int_equal(j.count, 6);
    assert_int_equal(j.yes, 3);
    assert_near(j.auc, (1.5 + 2 + 3) / 9, 1e-12); // pairs in order of .35, .62 and 1
    assert_near(j.accuracy, 4.0 / 6, 1e-12);
    assert_near(j.brier, (0.38 * 0.38 + 0.05 * 0.05 + 0.65 * 0.65 + 0.35 * 0.35 + 0.7 * 0.7) / 6, 1e-12);
    assert_near(j.ece, (0.05 + 2 * 0.15 + 0.38 + 0.7 + 0) / 6, 1e-12);
    assert_int_equal(j.bins[9].count, 1); // 1 is in the last
    assert_int_equal(j.bins[3].count, 2);
    assert_near(j.bins[3].yes, 0.5, 1e-12);
    assert_true(isnan(j.bins[1].yes));
    assert_near(j.thresholds[5].threshold, 0.75, 0);
    assert_int_equal(j.thresholds[5].above, 1);
    assert_near(j.thresholds[5].precision, 1, 0);
    assert_near(j.thresholds[5].recall, 1.0 / 3, 1e-12);
    assert_near(j.thresholds[5].accuracy, 4.0 / 6, 1e-12);
    assert_near(j.thresholds[3].false_positives, 2.0 / 3, 1e-12);
    struct buffer out = {0};
    judgement_print(&out, &j);
    assert_non_null(strstr(out.data, "area under the ROC curve     0.7222"));
    buffer_free(&out);
    json_t *json = judgement_json(&j);
    assert_near(json_number_value(json_object_get(json, "ece")), j.ece, 1e-12);
    assert_int_equal(json_array_size(json_object_get(json, "bins")), JUDGEMENT_BINS);
    assert_true(json_is_null(json_object_get(json_array_get(json_object_get(json, "bins"), 1), "yes")));
    json_decref(json);
}

static void test_one_class(void **state) {
    (void)state;
    struct error error = {0};
    struct judgement j;
    struct judged rows[] = {{0.9, true}, {0.4, true}};
    assert_ok(judgement_measure(&j, rows, 2, &error), error);
    assert_true(isnan(j.auc) && isnan(j.thresholds[4].false_positives));
    json_t *json = judgement_json(&j);
    assert_true(json_is_null(json_object_get(json, "auc")));
    json_decref(json);
    assert_error(judgement_measure(&j, rows, 0, &error), error, ERROR_INPUT, "no row");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_hand), cmocka_unit_test(test_one_class)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
