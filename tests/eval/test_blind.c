// The blind engine: what is behind it sees grey, and all else goes through.
#include "support.h"

#include <string.h>

#include "eval/blind.h"

static struct error error;

struct fake {
    struct engine base;
    size_t submitted, width, height, asked;
    struct engine_events events;
    engine_ticket ticket, cancelled;
    bool grey, freed, full;
};

static int fake_submit(struct engine *engine, const struct engine_request *request, engine_ticket ticket,
                       struct error *why) {
    struct fake *fake = (struct fake *)engine;
    const struct image *image = request->images;
    assert_int_equal(request->image_count, 1);
    fake->events = request->events;
    fake->ticket = ticket;
    if (fake->full) return error_set(why, ERROR_LIMIT, "full");
    fake->grey = true;
    for (size_t i = 0; i < image->width * image->height * 3; i++) fake->grey &= image->rgb[i] == 128;
    fake->width = image->width, fake->height = image->height;
    fake->submitted++;
    assert_string_equal(request->chat->messages[0].parts[1].text, "where?");
    return 0;
}

static int fake_step(struct engine *engine, struct error *why) {
    struct fake *fake = (struct fake *)engine;
    (void)why;
    const struct engine_answer answer = {.text = "here", .length = 4};
    fake->events.on_answer(fake->events.context, &answer);
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

static void fake_cancel(struct engine *engine, engine_ticket ticket) {
    ((struct fake *)engine)->cancelled = ticket;
}

static void fake_close(struct engine *engine) {
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
                                                    .cancel = fake_cancel,
                                                    .close = fake_close,
                                                    .model = fake_model};

static void note_answer(void *context, const struct engine_answer *answer) {
    struct fake *fake = context;
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
    struct chat chat = {0};
    assert_ok(chat_add_message(&chat, "user", &error), error);
    assert_ok(chat_add_part(&chat, CHAT_IMAGE, "a.jpg", &error), error);
    assert_ok(chat_add_part(&chat, CHAT_TEXT, "where?", &error), error);
    const struct engine_request request = {.name = "a.jpg",
                                           .chat = &chat,
                                           .images = &image,
                                           .image_count = 1,
                                           .sampling = sampling_default(),
                                           .samples = 1,
                                           .max_tokens = 1,
                                           .events = {.on_answer = note_answer, .context = &fake}};
    engine_ticket ticket;
    assert_ok(engine_submit(blind, &request, &ticket, &error), error);
    assert_int_equal(fake.ticket, ticket);
    assert_true(fake.grey);
    assert_int_equal(fake.width, 7);
    assert_int_equal(fake.height, 5);
    assert_int_equal(image.rgb[0], 200); // the caller's own is left alone
    assert_int_equal(engine_flying(blind), 1);
    assert_int_equal(engine_room(blind), 3);
    assert_string_equal(engine_model(blind), "fake");
    assert_ok(engine_step(blind, &error), error);
    assert_int_equal(fake.asked, 1);
    engine_cancel(blind, ticket);
    assert_int_equal(fake.cancelled, ticket);
    fake.full = true;
    assert_error(engine_submit(blind, &request, NULL, &error), error, ERROR_LIMIT, "full");
    chat_free(&chat);
    image_free(&image);
    engine_close(blind);
    assert_false(fake.freed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sees_grey)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
