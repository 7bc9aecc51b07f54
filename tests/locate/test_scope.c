// The scope of a model: scores of features, the file that holds the weights, and what the embedded model's own says of the
// project's examples.
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "locate/scope.h"
#include "model/facts.h"
#include "photo/decode.h"

static struct error error;

// Mean 10 k, scale 2, slope and bend small numbers of either sign.
static void make(struct scope *scope) {
    assert_ok(scope_new(scope, SCOPE_PIXEL_FEATURES, &error), error);
    for (size_t k = 0; k < scope->count; k++) {
        scope->mean[k] = 10 * (float)k;
        scope->scale[k] = 2;
        scope->slope[k] = k % 3 ? 0.01F : -0.02F;
        scope->bend[k] = k % 2 ? 0.005F : 0.01F;
    }
    scope->base = -1.5;
    scope->threshold = 0.25;
    scope->false_alarms = 0.004;
    scope->model = UINT64_C(0xfedcba9876543210);
}

static void scores_are_sums_of_terms(void **state) {
    (void)state;
    struct scope scope;
    float features[SCOPE_PIXEL_FEATURES] = {0};
    make(&scope);
    double expected = scope.base;
    for (size_t k = 0; k < scope.count; k++) {
        features[k] = scope.mean[k];
        expected -= 0.8 * (double)scope.bend[k];
    }
    assert_near(scope_score(&scope, features), expected, 1e-5);
    features[3] += 4; // two deviations up
    assert_near(scope_score(&scope, features), expected + 2 * -0.02 + 2 * 0.005, 1e-5);
    features[3] -= 8; // down: z turns, |z| does not
    assert_near(scope_score(&scope, features), expected - 2 * -0.02 + 2 * 0.005, 1e-5);
    features[3] = 1e30F; // counts as six
    assert_near(scope_score(&scope, features), expected + 6 * -0.02 + 6 * 0.005, 1e-5);
    features[3] = NAN; // what is no number is as far off as can be
    assert_near(scope_score(&scope, features), expected - 6 * -0.02 + 6 * 0.005, 1e-5);
    scope_free(&scope);
}

static void files_hold_all_of_it(void **state) {
    (void)state;
    struct scope scope, back;
    const char *path = test_temporary("a.safetensors");
    make(&scope);
    assert_ok(scope_save(&scope, path, &error), error);
    assert_ok(scope_open(&back, path, &error), error);
    assert_int_equal(back.count, scope.count);
    assert_true(back.model == scope.model);
    assert_near(back.threshold, 0.25, 1e-9);
    assert_near(back.base, -1.5, 1e-9);
    assert_near(back.false_alarms, 0.004, 1e-9);
    assert_memory_equal(back.mean, scope.mean, 4 * scope.count * sizeof *scope.mean);
    scope_free(&back);
    scope.scale[7] = 0;
    assert_ok(scope_save(&scope, path, &error), error);
    assert_int_equal(scope_open(&back, path, &error), -1);
    assert_non_null(strstr(error.message, "a value that is none"));
    scope.scale[7] = 1;
    scope.bend[9] = INFINITY;
    assert_ok(scope_save(&scope, path, &error), error);
    assert_int_equal(scope_open(&back, path, &error), -1);
    scope_free(&scope);
    assert_ok(scope_new(&scope, SCOPE_PIXEL_FEATURES - 1, &error), error);
    assert_ok(scope_save(&scope, path, &error), error);
    assert_int_equal(scope_open(&back, path, &error), -1);
    scope_free(&scope);
    test_write(path, "no scope", 8);
    assert_int_equal(scope_open(&back, path, &error), -1);
}

// ---- the embedded model's ----

struct embedded {
    struct model *model;
    struct scope scope;
};

static double score_of(struct embedded *embedded, const char *path) {
    struct image image;
    double score = 0;
    assert_ok(photo_decode_file(&image, path, NULL, NULL, &error), error);
    assert_ok(scope_judge(&embedded->scope, &image, embedded->model, &score, &error), error);
    image_free(&image);
    return score;
}

static void examples_are_told_apart(void **state) {
    (void)state;
    struct embedded embedded;
    char path[64];
    embedded.model = model_open("models/postcards", &(struct model_options){.threads = 1}, &error);
    assert_got(embedded.model, error);
    assert_ok(scope_open(&embedded.scope, "models/postcards/" SCOPE_FILE, &error), error);
    assert_true(embedded.scope.model == model_identity(embedded.model));
    for (int i = 1; i <= 6; i++) {
        snprintf(path, sizeof path, "examples/postcards/%d.jpg", i);
        double score = score_of(&embedded, path);
        if (score > embedded.scope.threshold) fail_msg("%s: %f is out of scope", path, score);
    }
    static const char *const others[] = {"examples/harbour.jpg", "examples/desert.jpg"};
    for (int i = 0; i < 2; i++) {
        double score = score_of(&embedded, others[i]);
        if (score <= embedded.scope.threshold) fail_msg("%s: %f is in scope", others[i], score);
    }
    // A scope of another tower is refused, and so is a picture that no tower could see.
    struct image wide = {0};
    double score;
    assert_ok(image_new(&wide, 900, 2, &error), error);
    memset(wide.rgb, 0, (size_t)900 * 2 * 3);
    assert_int_equal(scope_judge(&embedded.scope, &wide, embedded.model, &score, &error), -1);
    image_free(&wide);
    struct scope other;
    assert_ok(scope_new(&other, SCOPE_PIXEL_FEATURES, &error), error);
    struct image grey = {0};
    assert_ok(image_new(&grey, 224, 168, &error), error);
    memset(grey.rgb, 128, (size_t)224 * 168 * 3);
    assert_int_equal(scope_judge(&other, &grey, embedded.model, &score, &error), -1);
    assert_non_null(strstr(error.message, "globe eval --scope"));
    image_free(&grey);
    scope_free(&other);
    scope_free(&embedded.scope);
    model_close(embedded.model);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(scores_are_sums_of_terms),
                                       cmocka_unit_test(files_hold_all_of_it),
                                       cmocka_unit_test(examples_are_told_apart)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
