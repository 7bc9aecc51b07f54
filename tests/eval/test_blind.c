// The blind engine: what is behind it sees grey, and all else goes through.
#include "support.h"

#include <string.h>

#include "eval/blind.h"

static struct error error;

struct fake {
    struct engine base;
    size_t submitted, width, height, asked;
    bool grey, freed, full;
};

static int fake_submit(struct engine *engine, const struct engine_request *request, struct error *why) {
    struct fake *fake = (struct fake *)engine;
    const struct image *image = request->image;
    if (fake->full) return error_set(why, ERROR_LIMIT, "full");
    fake->grey = true;
    for (size_t i = 0; i < image->width * image->height * 3; i++) fake->grey &= image->rgb[i] == 128;
    fake->width = image->width, fake->height = image->height;
    fake->submitted++;
    assert_string_equal(request->text, "where?");
    return 0;
}

static int fake_step(struct engine *engine, struct error *why) {
    struct fake *fake = (struct fake *)engine;
    (void)why;
    const struct engine_answer answer = {.text = "here", .length = 4};
    engine->events.on_answer(engine->events.context, 5, &answer);
    fake->submitted--;
    return 0;
}

static size_t fake_room(const struct engine *engine) {
    (void)engine;
    return 3;
}

static size_t fake_flying(const struct engine *engine) {
    return ((const struct fake *)engine)->submitted;
}

static void fake_free(struct engine *engine) {
    ((struct fake *)engine)->freed = true;
}

static const char *fake_model(const struct engine *engine) {
    (void)engine;
    return "fake";
}

static const struct engine_operations operations = {.submit = fake_submit,
                                                    .step = fake_step,
                                                    .room = fake_room,
                                                    .flying = fake_flying,
                                                    .free = fake_free,
                                                    .model = fake_model};

static void note_answer(void *context, size_t photo, const struct engine_answer *answer) {
    struct fake *fake = context;
    assert_int_equal(photo, 5);
    assert_string_equal(answer->text, "here");
    fake->asked++;
}

static void sees_grey(void **state) {
    (void)state;
    struct fake fake = {.base.operations = &operations};
    struct engine *blind = engine_open_blind(&fake.base, &error);
    assert_got(blind, error);
    struct image image;
    assert_ok(image_new(&image, 7, 5, &error), error);
    memset(image.rgb, 200, 7 * 5 * 3);
    const struct engine_request request = {.photo = 5, .name = "a.jpg", .image = &image, .text = "where?"};
    blind->events = (struct engine_events){.on_answer = note_answer, .context = &fake};
    assert_ok(blind->operations->submit(blind, &request, &error), error);
    assert_true(fake.grey);
    assert_int_equal(fake.width, 7);
    assert_int_equal(fake.height, 5);
    assert_int_equal(image.rgb[0], 200); // the caller's own is left alone
    assert_int_equal(blind->operations->flying(blind), 1);
    assert_int_equal(blind->operations->room(blind), 3);
    assert_string_equal(blind->operations->model(blind), "fake");
    assert_ok(blind->operations->step(blind, &error), error);
    assert_int_equal(fake.asked, 1);
    fake.full = true;
    assert_error(blind->operations->submit(blind, &request, &error), error, ERROR_LIMIT, "full");
    image_free(&image);
    engine_free(blind);
    assert_false(fake.freed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sees_grey)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
