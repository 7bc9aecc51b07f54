// Pictures that are no postcards: of every kind, the same for the same number, and none blank by mistake.
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "postcards/card.h"
#include "postcards/stranger.h"

enum { MANY = 240, SEED = 7 };

static struct error error;

static bool is_flat(const struct image *image) {
    int low = 255, high = 0;
    for (size_t i = 0; i < image->width * image->height * 3; i += 3) {
        if (image->rgb[i] < low) low = image->rgb[i];
        if (image->rgb[i] > high) high = image->rgb[i];
    }
    return high - low < 8;
}

static void every_kind_is_drawn(void **state) {
    (void)state;
    struct canvas *canvas = card_canvas(CANVAS_WIDTH, &error);
    assert_got(canvas, error);
    int seen[STRANGERS] = {0}, flat[STRANGERS] = {0};
    for (uint64_t i = 0; i < MANY; i++) {
        struct image one, two;
        enum stranger kind = stranger_kind(SEED, i);
        assert_in_range(kind, 0, STRANGERS - 1);
        assert_ok(stranger_make(&one, canvas, SEED, i, &error), error);
        assert_int_equal(one.width, CANVAS_WIDTH);
        assert_int_equal(one.height, CANVAS_HEIGHT);
        seen[kind]++;
        flat[kind] += is_flat(&one);
        if (i % 8 == 0) { // whatever was drawn before
            assert_ok(stranger_make(&two, canvas, SEED, i, &error), error);
            assert_memory_equal(one.rgb, two.rgb, one.width * one.height * 3);
            image_free(&two);
        }
        image_free(&one);
    }
    for (int k = 0; k < STRANGERS; k++) {
        if (seen[k] == 0) fail_msg("no %s among %d", stranger_name((enum stranger)k), MANY);
        if (k != STRANGER_PATTERN && 3 * flat[k] > seen[k])
            fail_msg("%d of %d %s are blank", flat[k], seen[k], stranger_name((enum stranger)k));
    }
    assert_true(seen[STRANGER_SCENE] > MANY / 5);
    canvas_free(canvas);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_kind_is_drawn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
