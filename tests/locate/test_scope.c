// The scope of a model: distances to its examples, and the file that holds them.
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "locate/scope.h"

enum { EXAMPLES = 20, SIDE = 56 };

// Stripes whose brightness and width hang on the number.
static void draw(int number, float features[SCOPE_FEATURES]) {
    struct image image;
    struct error error = {0};
    const struct photo_preprocessor preprocessor = photo_preprocessor_default();
    assert_ok(image_new(&image, SIDE, SIDE, &error), error);
    for (int i = 0; i < SIDE * SIDE; i++)
        memset(image.rgb + 3 * i, i / SIDE / (4 + number % 5) % 2 ? 60 + 2 * number : 180, 3);
    assert_ok(scope_look(&image, &preprocessor, features, &error), error);
    image_free(&image);
}

static void examples_are_near_and_others_far(void **state) {
    (void)state;
    static float features[EXAMPLES * SCOPE_FEATURES];
    struct scope scope, back;
    struct error error = {0};
    for (int i = 0; i < EXAMPLES; i++) draw(i, features + (ptrdiff_t)i * SCOPE_FEATURES);
    assert_ok(scope_fit(&scope, features, EXAMPLES, &error), error);
    scope.threshold = 1;
    scope.false_alarms = 0.004;
    float noise[SCOPE_FEATURES];
    memcpy(noise, features, sizeof noise);
    for (int k = 0; k < SCOPE_FEATURES; k++) noise[k] += 3 * scope.scale[k];
    assert_near(scope_distance(&scope, features + 7 * SCOPE_FEATURES), 0, 1e-6);
    assert_true(scope_distance(&scope, noise) > 1);
    char path[] = "/tmp/globe-scope-XXXXXX.safetensors";
    int file = mkstemps(path, 12);
    assert_true(file >= 0);
    close(file);
    assert_ok(scope_save(&scope, path, &error), error);
    assert_ok(scope_open(&back, path, &error), error);
    assert_int_equal(back.count, EXAMPLES);
    assert_near(back.threshold, 1, 1e-9);
    assert_near(scope_distance(&back, noise), scope_distance(&scope, noise), 1e-9);
    scope_free(&back);
    assert_ok(file_write(path, "no scope", 8, &error), error);
    assert_int_equal(scope_open(&back, path, &error), -1);
    unlink(path);
    scope_free(&scope);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(examples_are_near_and_others_far)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
