// Batches of photos: through an engine of our own that misbehaves on command, and through the local one.
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/signals.h"
#include "locate/locator.h"
#include "model/model.h"
#include "photo/encode.h"

// ---- an engine that does as it is told ----

enum { MOST_FLYING = 64 };

struct fake {
    struct engine base;
    size_t capacity; // what room() is counted from
    bool last_first; // answers the newest request first, and samples backwards
    const char *refuse, *fail, *fail_late, *lose, *repeat; // photos whose names hold this word
    bool unnamed;                                          // refusals do not name the photo
    size_t break_at, interrupt_at;                         // numbers of steps; 0: never
    const char *const *answers;                            // by sample; NULL: the photo's name is the city
    struct {
        engine_ticket ticket;
        struct engine_events events;
        size_t samples, answered;
        char name[256];
    } flights[MOST_FLYING];
    size_t flying, steps, submitted, most_flying, over, cancelled;
    size_t width, height; // of the last picture
};

static bool holds(const char *name, const char *word) {
    return word && strstr(name, word);
}

static size_t fake_room(const struct engine *base) {
    const struct fake *fake = (const struct fake *)base;
    return fake->flying < fake->capacity ? fake->capacity - fake->flying : 0;
}

static int fake_submit(struct engine *base, const struct engine_request *request, engine_ticket ticket,
                       struct error *error) {
    struct fake *fake = (struct fake *)base;
    fake->over += fake_room(base) == 0 && fake->flying > 0;
    assert_true(fake->flying < MOST_FLYING);
    assert_int_equal(request->image_count, 1);
    assert_non_null(request->images->rgb);
    fake->width = request->images->width;
    fake->height = request->images->height;
    fake->submitted++;
    if (holds(request->name, fake->refuse))
        return fake->unnamed ? error_set(error, ERROR_LIMIT, "far too long")
                             : error_set(error, ERROR_LIMIT, "%s: far too long", request->name);
    if (holds(request->name, fake->lose)) return 0;
    size_t i = fake->flying++;
    fake->flights[i].ticket = ticket;
    fake->flights[i].events = request->events;
    fake->flights[i].samples = request->samples;
    fake->flights[i].answered = 0;
    snprintf(fake->flights[i].name, sizeof fake->flights[i].name, "%s", request->name);
    if (fake->flying > fake->most_flying) fake->most_flying = fake->flying;
    return 0;
}

static void land(struct fake *fake, size_t i) {
    fake->flying--;
    memmove(&fake->flights[i], &fake->flights[i + 1], (fake->flying - i) * sizeof *fake->flights);
}

static void answer(struct fake *fake, size_t i, size_t sample) {
    const struct engine_events *events = &fake->flights[i].events;
    char text[512];
    const char *slash = strrchr(fake->flights[i].name, '/');
    if (fake->answers)
        snprintf(text, sizeof text, "%s", fake->answers[sample]);
    else
        snprintf(text, sizeof text, "<think>sample %zu</think><answer>country: Nowhere\ncity: %s</answer>",
                 sample, slash ? slash + 1 : fake->flights[i].name);
    size_t length = strlen(text);
    if (events->on_text) {
        events->on_text(events->context, sample, text, length / 2);
        events->on_text(events->context, sample, text + length / 2, length - length / 2);
    }
    const struct engine_answer whole = {.sample = sample, .text = text, .length = length, .tokens = 5};
    events->on_answer(events->context, &whole);
}

// One sample of one photo.
static int fake_step(struct engine *base, struct error *error) {
    struct fake *fake = (struct fake *)base;
    fake->steps++;
    if (fake->steps == fake->interrupt_at) raise(SIGINT);
    if (fake->steps == fake->break_at) return error_set(error, ERROR_NETWORK, "the engine fell apart");
    if (fake->flying == 0) return 0;
    size_t i = fake->last_first ? fake->flying - 1 : 0;
    size_t sample = fake->flights[i].answered++, samples = fake->flights[i].samples;
    char name[256];
    snprintf(name, sizeof name, "%s", fake->flights[i].name);
    bool late = holds(name, fake->fail_late) && sample + 1 == samples;
    if (holds(name, fake->fail) || late) {
        struct error why = {0};
        error_set(&why, ERROR_NETWORK, "%s: gone", name);
        fake->flights[i].events.on_failure(fake->flights[i].events.context, &why);
        land(fake, i);
        return 0;
    }
    answer(fake, i, fake->last_first ? samples - 1 - sample : sample);
    if (holds(name, fake->repeat)) answer(fake, i, 0);
    if (fake->flights[i].answered == samples) land(fake, i);
    return 0;
}

static size_t fake_flying(const struct engine *base) {
    return ((const struct fake *)base)->flying;
}

static void fake_cancel(struct engine *base, engine_ticket ticket) {
    struct fake *fake = (struct fake *)base;
    for (size_t i = 0; i < fake->flying; i++)
        if (fake->flights[i].ticket == ticket) {
            land(fake, i);
            fake->cancelled++;
        }
}

static void fake_close(struct engine *base) {
    (void)base;
}

static const char *fake_model(const struct engine *base) {
    (void)base;
    return "fake";
}

static const struct engine_operations fake_operations = {.submit = fake_submit,
                                                         .step = fake_step,
                                                         .room = fake_room,
                                                         .flying = fake_flying,
                                                         .cancel = fake_cancel,
                                                         .close = fake_close,
                                                         .model = fake_model};

static struct fake new_fake(size_t capacity) {
    return (struct fake){.base.operations = &fake_operations, .capacity = capacity};
}

// ---- what a batch said ----

enum { MOST_HEARD = 2048 };

struct heard {
    size_t count, stop_at; // stop_at: on_verdict fails with that one; 0: never
    struct {
        char photo[256], city[256], answer[1024], message[480];
        enum verdict_outcome outcome;
        enum error_code code;
        size_t samples, tokens;
        double confidence;
    } verdicts[MOST_HEARD];
    char text[4096];
};

static struct heard heard; // too large for the stack

static const char *or_empty(const char *text) {
    return text ? text : "";
}

static int on_verdict(void *context, const struct verdict *verdict, struct error *error) {
    struct heard *all = context;
    assert_true(all->count < MOST_HEARD);
    size_t i = all->count++;
    snprintf(all->verdicts[i].photo, sizeof all->verdicts[i].photo, "%s", verdict->photo);
    snprintf(all->verdicts[i].city, sizeof all->verdicts[i].city, "%s", or_empty(verdict->place.city));
    snprintf(all->verdicts[i].answer, sizeof all->verdicts[i].answer, "%s", or_empty(verdict->answer));
    snprintf(all->verdicts[i].message, sizeof all->verdicts[i].message, "%s", verdict->error.message);
    all->verdicts[i].outcome = verdict->outcome;
    all->verdicts[i].code = verdict->error.code;
    all->verdicts[i].samples = verdict->samples;
    all->verdicts[i].tokens = verdict->tokens;
    all->verdicts[i].confidence = verdict->confidence;
    assert_true(verdict->seconds >= 0);
    return all->count == all->stop_at ? error_set(error, ERROR_IO, "the disk is full") : 0;
}

static void on_text(void *context, const char *photo, const char *text, size_t length) {
    struct heard *all = context;
    (void)photo;
    size_t free_bytes = sizeof all->text - strlen(all->text) - 1;
    strncat(all->text, text, length < free_bytes ? length : free_bytes);
}

static const struct locate_prompt prompt = {.text = (char *)"Where?"};

static struct locator_options options_for(size_t samples) {
    return (struct locator_options){.prompt = &prompt,
                                    .sampling = sampling_default(),
                                    .samples = samples,
                                    .max_tokens = 16,
                                    .judge = {.rules = ANSWER_LENIENT, .cluster_km = 50, .alternatives = 5}};
}

static const struct locator_events events = {.on_text = on_text, .on_verdict = on_verdict, .context = &heard};

static int run(struct engine *engine, const struct locator_options *options, const char *const *photos,
               size_t count, struct locator_counts *counts, struct error *error) {
    size_t stop_at = heard.stop_at;
    memset(&heard, 0, sizeof heard);
    heard.stop_at = stop_at;
    return locator_run(engine, options, photos, count, &events, counts, error);
}

// ---- photos ----

static struct buffer tiny; // an 8x8 PNG

static int draw(void **state) {
    (void)state;
    struct error error;
    struct image image;
    if (image_new(&image, 8, 8, &error)) return -1;
    memset(image.rgb, 77, 8 * 8 * 3);
    int result = photo_encode_png(&tiny, &image, &error);
    image_free(&image);
    return result;
}

static int wipe(void **state) {
    (void)state;
    buffer_free(&tiny);
    return 0;
}

// Paths "NAME 0.png", "NAME 1.png" ...
static char **make_photos(const char *name, size_t count) {
    char **paths = calloc(count, sizeof *paths);
    for (size_t i = 0; i < count; i++) {
        paths[i] = strdup(test_temporary("%s %zu.png", name, i));
        test_write(paths[i], tiny.data, tiny.length);
    }
    return paths;
}

static void free_photos(char **paths, size_t count) {
    for (size_t i = 0; i < count; i++) free(paths[i]);
    free(paths);
}

#define PHOTOS(paths) (const char *const *)(paths)

// ---- tests ----

static void test_every_photo_gets_its_own_answer(void **state) {
    (void)state;
    struct error error = {0};
    struct fake fake = new_fake(3);
    struct locator_options options = options_for(1);
    struct locator_counts counts;
    char **paths = make_photos("own", 10);
    assert_ok(run(&fake.base, &options, PHOTOS(paths), 10, &counts, &error), error);
    assert_int_equal(counts.done, 10);
    assert_int_equal(counts.failed, 0);
    assert_int_equal(heard.count, 10);
    for (size_t i = 0; i < 10; i++) {
        assert_string_equal(heard.verdicts[i].photo, paths[i]); // this engine answers in order
        assert_string_equal(heard.verdicts[i].city, strrchr(paths[i], '/') + 1);
        assert_int_equal(heard.verdicts[i].outcome, VERDICT_PLACED);
        assert_int_equal(heard.verdicts[i].samples, 1);
        assert_int_equal(heard.verdicts[i].tokens, 5);
    }
    free_photos(paths, 10);
}

static void test_verdicts_come_as_they_are_finished(void **state) {
    (void)state;
    struct error error = {0};
    struct fake fake = new_fake(3);
    fake.last_first = true;
    struct locator_options options = options_for(1);
    struct locator_counts counts;
    char **paths = make_photos("late", 6);
    assert_ok(run(&fake.base, &options, PHOTOS(paths), 6, &counts, &error), error);
    // 0, 1, 2 are in flight; 2 lands first, 3 takes its place and lands next ...
    static const size_t order[] = {2, 3, 4, 5, 1, 0};
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(heard.verdicts[i].photo, paths[order[i]]);
        assert_string_equal(heard.verdicts[i].city, strrchr(paths[order[i]], '/') + 1);
    }
    free_photos(paths, 6);
}

static void test_votes_keep_the_order_of_samples(void **state) {
    (void)state;
    // A tie goes to the first sample, not to the one that was answered first.
    static const char *const answers[] = {"country: France\ncity: Paris", "country: Italy\ncity: Rome"};
    struct locator_options options = options_for(2);
    for (int backwards = 0; backwards < 2; backwards++) {
        struct error error = {0};
        struct fake fake = new_fake(3);
        fake.answers = answers;
        fake.last_first = backwards;
        struct locator_counts counts;
        char **paths = make_photos("tie", 1);
        assert_ok(run(&fake.base, &options, PHOTOS(paths), 1, &counts, &error), error);
        assert_string_equal(heard.verdicts[0].city, "Paris");
        assert_true(heard.verdicts[0].confidence == 0.5);
        assert_int_equal(heard.verdicts[0].samples, 2);
        free_photos(paths, 1);
    }
}

static void test_text_is_that_of_the_first_sample(void **state) {
    (void)state;
    struct error error = {0};
    struct fake fake = new_fake(1);
    static const char *const answers[] = {"first", "second", "third"};
    fake.answers = answers;
    struct locator_options options = options_for(3);
    struct locator_counts counts;
    char **paths = make_photos("text", 2);
    assert_ok(run(&fake.base, &options, PHOTOS(paths), 2, &counts, &error), error);
    assert_string_equal(heard.text, "firstfirst");
    // Nobody listens: the engine is not asked for text.
    const struct locator_events silent = {.on_verdict = on_verdict, .context = &heard};
    memset(&heard, 0, sizeof heard);
    assert_ok(locator_run(&fake.base, &options, PHOTOS(paths), 2, &silent, &counts, &error), error);
    assert_int_equal(heard.count, 2);
    free_photos(paths, 2);
}

static void test_one_failure_never_stops_the_rest(void **state) {
    (void)state;
    struct error error = {0};
    struct fake fake = new_fake(4);
    fake.refuse = "photo 2.png";
    fake.fail = "photo 4.png";
    fake.fail_late = "photo 5.png"; // after two of three samples
    struct locator_options options = options_for(3);
    struct locator_counts counts;
    char **paths = make_photos("photo", 9);
    test_write(paths[0], "this is text", 12);
    test_write(paths[3], tiny.data, tiny.length / 2);
    test_write(paths[8], "", 0);
    assert_int_equal(remove(paths[7]), 0);
    assert_ok(run(&fake.base, &options, PHOTOS(paths), 9, &counts, &error), error);
    assert_int_equal(counts.done, 9);
    assert_int_equal(counts.failed, 7);
    static const enum error_code codes[] = {ERROR_INPUT,   0, ERROR_LIMIT, ERROR_INPUT, ERROR_NETWORK,
                                            ERROR_NETWORK, 0, ERROR_INPUT, ERROR_INPUT};
    for (size_t i = 0; i < 9; i++) {
        size_t number = (size_t)(strrchr(heard.verdicts[i].photo, '.')[-1] - '0');
        assert_int_equal(heard.verdicts[i].code, codes[number]);
        assert_int_equal(heard.verdicts[i].outcome, codes[number] ? VERDICT_FAILED : VERDICT_PLACED);
        const char *message = heard.verdicts[i].message, *name = heard.verdicts[i].photo;
        if (!codes[number]) {
            assert_string_equal(message, "");
            continue;
        }
        const char *named = strstr(message, name);
        assert_non_null(named);
        assert_null(strstr(named + 1, name)); // and only once
    }
    free_photos(paths, 9);
}

static void test_refusals_name_the_photo(void **state) {
    (void)state;
    struct error error = {0};
    struct fake fake = new_fake(4);
    fake.refuse = "no";
    fake.unnamed = true;
    struct locator_options options = options_for(1);
    struct locator_counts counts;
    char **paths = make_photos("no", 1);
    char expected[300];
    snprintf(expected, sizeof expected, "%s: far too long", paths[0]);
    assert_ok(run(&fake.base, &options, PHOTOS(paths), 1, &counts, &error), error);
    assert_string_equal(heard.verdicts[0].message, expected);
    free_photos(paths, 1);
}

static void test_room_is_respected(void **state) {
    (void)state;
    struct error error = {0};
    struct locator_options options = options_for(2);
    struct locator_counts counts;
    char **paths = make_photos("room", 20);
    for (size_t capacity = 0; capacity < 25; capacity += 6) {
        struct fake fake = new_fake(capacity);
        assert_ok(run(&fake.base, &options, PHOTOS(paths), 20, &counts, &error), error);
        assert_int_equal(counts.done, 20);
        assert_int_equal(fake.submitted, 20);
        assert_int_equal(fake.over, 0);
        // An engine without room still gets one at a time.
        assert_int_equal(fake.most_flying, capacity == 0 ? 1 : capacity < 20 ? capacity : 20);
    }
    free_photos(paths, 20);
}

static void test_an_engine_that_fails_ends_the_batch(void **state) {
    (void)state;
    struct error error = {0};
    struct fake fake = new_fake(4);
    fake.break_at = 7;
    struct locator_options options = options_for(2);
    struct locator_counts counts;
    char **paths = make_photos("broken", 20);
    assert_error(run(&fake.base, &options, PHOTOS(paths), 20, &counts, &error), error, ERROR_NETWORK,
                 "the engine fell apart");
    assert_int_equal(counts.done, 3); // six samples were answered, two a photo
    assert_int_equal(heard.count, 3);
    free_photos(paths, 20);
}

static void test_engines_that_break_their_contract(void **state) {
    (void)state;
    struct error error = {0};
    struct locator_options options = options_for(2);
    struct locator_counts counts;
    char **paths = make_photos("odd", 4);
    struct fake fake = new_fake(4);
    fake.lose = "odd 2";
    assert_error(run(&fake.base, &options, PHOTOS(paths), 4, &counts, &error), error, ERROR_INTERNAL,
                 "lost a photo");
    assert_int_equal(counts.done, 3);
    fake = new_fake(4);
    fake.repeat = "odd 1"; // answers its first sample again
    assert_error(run(&fake.base, &options, PHOTOS(paths), 4, &counts, &error), error, ERROR_INTERNAL,
                 "out of turn");
    free_photos(paths, 4);
}

static void test_the_caller_may_stop_the_batch(void **state) {
    (void)state;
    struct error error = {0};
    struct fake fake = new_fake(4);
    struct locator_options options = options_for(1);
    struct locator_counts counts;
    char **paths = make_photos("stop", 10);
    heard.stop_at = 3;
    assert_error(run(&fake.base, &options, PHOTOS(paths), 10, &counts, &error), error, ERROR_IO,
                 "the disk is full");
    assert_int_equal(heard.count, 3);
    heard.stop_at = 0;
    free_photos(paths, 10);
}

static void test_an_empty_batch(void **state) {
    (void)state;
    struct error error = {0};
    struct fake fake = new_fake(4);
    struct locator_options options = options_for(1);
    struct locator_counts counts = {.done = 99};
    assert_ok(run(&fake.base, &options, NULL, 0, &counts, &error), error);
    assert_int_equal(counts.done, 0);
    assert_int_equal(fake.steps, 0);
}

static void test_the_same_photo_twice(void **state) {
    (void)state;
    struct error error = {0};
    struct fake fake = new_fake(4);
    struct locator_options options = options_for(1);
    struct locator_counts counts;
    char **paths = make_photos("twice", 1);
    const char *const photos[] = {paths[0], paths[0], paths[0]};
    assert_ok(run(&fake.base, &options, photos, 3, &counts, &error), error);
    assert_int_equal(heard.count, 3);
    free_photos(paths, 1);
}

static void test_orientation(void **state) {
    (void)state;
    struct error error = {0};
    struct fake fake = new_fake(4);
    struct locator_options options = options_for(1);
    struct locator_counts counts;
    const char *const photos[] = {test_data("image/exif6.jpg")};
    assert_ok(run(&fake.base, &options, photos, 1, &counts, &error), error);
    size_t width = fake.width, height = fake.height;
    assert_true(width != height);
    options.ignore_orientation = true;
    assert_ok(run(&fake.base, &options, photos, 1, &counts, &error), error);
    assert_int_equal(fake.width, height);
    assert_int_equal(fake.height, width);
}

static void test_thousands_of_photos(void **state) {
    (void)state;
    enum { MANY = 2000 };
    struct error error = {0};
    struct fake fake = new_fake(16);
    struct locator_options options = options_for(1);
    struct locator_counts counts;
    char **paths = make_photos("many", MANY);
    for (size_t i = 50; i < MANY; i += 100)
        test_write(paths[i], tiny.data, tiny.length / 2); // 1 % are cut short
    assert_ok(run(&fake.base, &options, PHOTOS(paths), MANY, &counts, &error), error);
    assert_int_equal(counts.done, MANY);
    assert_int_equal(counts.failed, MANY / 100);
    assert_int_equal(heard.count, MANY);
    assert_int_equal(fake.submitted, MANY - MANY / 100);
    assert_int_equal(fake.over, 0);
    for (size_t i = 0; i < MANY; i++) remove(paths[i]);
    free_photos(paths, MANY);
}

// ---- one picture ----

static struct image grey(void) {
    struct error error;
    struct image image;
    assert_ok(image_new(&image, 8, 8, &error), error);
    memset(image.rgb, 77, 8 * 8 * 3);
    return image;
}

static void test_one_picture(void **state) {
    (void)state;
    struct error error = {0};
    struct verdict verdict = {0};
    struct fake fake = new_fake(4);
    struct locator_options options = options_for(2);
    struct image image = grey();
    assert_ok(locator_image(&fake.base, &options, &image, "upload.png", NULL, &verdict, &error), error);
    assert_int_equal(verdict.outcome, VERDICT_PLACED);
    assert_string_equal(verdict.photo, "upload.png");
    assert_string_equal(verdict.place.city, "upload.png");
    verdict_free(&verdict);
    memset(&heard, 0, sizeof heard);
    assert_ok(locator_image(&fake.base, &options, &image, "upload.png", &events, &verdict, &error), error);
    assert_true(heard.text[0]);
    assert_int_equal(heard.count, 0);
    verdict_free(&verdict);

    fake.refuse = "upload";
    assert_ok(locator_image(&fake.base, &options, &image, "upload.png", NULL, &verdict, &error), error);
    assert_int_equal(verdict.outcome, VERDICT_FAILED);
    assert_int_equal(verdict.error.code, ERROR_LIMIT);
    verdict_free(&verdict);
    fake.refuse = NULL;
    fake.fail = "upload";
    assert_ok(locator_image(&fake.base, &options, &image, "upload.png", NULL, &verdict, &error), error);
    assert_int_equal(verdict.error.code, ERROR_NETWORK);
    verdict_free(&verdict);
    fake.fail = NULL;
    fake.lose = "upload";
    assert_error(locator_image(&fake.base, &options, &image, "upload.png", NULL, &verdict, &error), error,
                 ERROR_INTERNAL, "lost a photo");
    fake.lose = NULL;
    fake.break_at = fake.steps + 1;
    assert_error(locator_image(&fake.base, &options, &image, "upload.png", NULL, &verdict, &error), error,
                 ERROR_NETWORK, "fell apart");
    image_free(&image);
}

// ---- the local engine ----

static struct model *open_model(void) {
    struct error error = {0};
    const struct model_options options = {.type = MODEL_TYPE_F32};
    struct model *model = model_open(test_data("qwen2_5_vl_tiny"), &options, &error);
    assert_got(model, error);
    return model;
}

static const char *const scenes[] = {"a", "b", "c", "d"};

// The answers for the scenes of tests/data/images, by name, with this many sequences at once.
static void locate_scenes(struct model *model, size_t sequences, bool together, char answers[4][1024]) {
    struct error error = {0};
    struct engine *engine = engine_open_local(model, &(struct local_options){.sequences = sequences}, &error);
    assert_got(engine, error);
    struct locator_options options = options_for(3);
    options.sampling.temperature = 1;
    options.sampling.seed = 5;
    struct locator_counts counts;
    char *paths[4];
    for (size_t i = 0; i < 4; i++) paths[i] = strdup(test_data("images/scene_%s.png", scenes[i]));
    for (size_t i = 0; i < 4; i += together ? 4 : 1) {
        assert_ok(run(engine, &options, PHOTOS(paths + i), together ? 4 : 1, &counts, &error), error);
        assert_int_equal(counts.failed, 0);
        for (size_t v = 0; v < heard.count; v++) {
            assert_int_equal(heard.verdicts[v].samples, 3);
            size_t which = (size_t)(strrchr(heard.verdicts[v].photo, '.')[-1] - 'a');
            snprintf(answers[which], sizeof answers[which], "%zu %.900s %.90s", heard.verdicts[v].tokens,
                     heard.verdicts[v].answer, heard.verdicts[v].city);
        }
    }
    for (size_t i = 0; i < 4; i++) free(paths[i]);
    engine_close(engine);
}

static void test_together_is_the_same_as_alone(void **state) {
    (void)state;
    struct model *model = open_model();
    char alone[4][1024] = {{0}}, together[4][1024] = {{0}}, crowded[4][1024] = {{0}};
    locate_scenes(model, 3, false, alone);
    locate_scenes(model, 64, true, together);
    locate_scenes(model, 1, true, crowded); // less than one photo's samples: they still go together
    for (size_t i = 0; i < 4; i++) {
        assert_true(strlen(alone[i]) > 8);
        assert_string_equal(together[i], alone[i]);
        assert_string_equal(crowded[i], alone[i]);
    }
    assert_string_not_equal(alone[0], alone[1]);
    model_close(model);
}

// Stops the batch with the first words of an answer.
static atomic_int stopped;

static void stop_at_text(void *context, const char *photo, const char *text, size_t length) {
    on_text(context, photo, text, length);
    atomic_store(&stopped, 1);
}

static void test_an_engine_goes_on_after_an_interruption(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = open_model();
    struct engine *engine = engine_open_local(model, &(struct local_options){.sequences = 8}, &error);
    assert_got(engine, error);
    struct locator_options options = options_for(3);
    options.sampling.temperature = 1;
    options.sampling.seed = 5;
    options.cancelled = &stopped;
    char *paths[4];
    for (size_t i = 0; i < 4; i++) paths[i] = strdup(test_data("images/scene_%s.png", scenes[i]));
    const struct locator_events hasty = {
        .on_text = stop_at_text, .on_verdict = on_verdict, .context = &heard};
    struct locator_counts counts;
    memset(&heard, 0, sizeof heard);
    assert_error(locator_run(engine, &options, PHOTOS(paths), 4, &hasty, &counts, &error), error,
                 ERROR_INTERRUPTED, "cancelled");
    assert_int_equal(heard.count, 0);
    assert_true(heard.text[0] != 0);
    assert_int_equal(engine_flying(engine), 0);
    assert_int_equal(engine_room(engine), 8 / 3);
    atomic_store(&stopped, 0);
    char first[4][1024];
    for (int round = 0; round < 2; round++) { // what comes then is what a fresh engine says
        assert_ok(run(engine, &options, PHOTOS(paths), 4, &counts, &error), error);
        assert_int_equal(heard.count, 4);
        for (size_t i = 0; i < 4; i++)
            if (round)
                assert_string_equal(heard.verdicts[i].answer, first[i]);
            else
                snprintf(first[i], sizeof first[i], "%s", heard.verdicts[i].answer);
        if (round) break;
        engine_close(engine);
        engine = engine_open_local(model, &(struct local_options){.sequences = 8}, &error);
        assert_got(engine, error);
    }
    for (size_t i = 0; i < 4; i++) free(paths[i]);
    engine_close(engine);
    model_close(model);
}

static void test_room_of_the_local_engine(void **state) {
    (void)state;
    struct error error = {0};
    struct model *model = open_model();
    struct engine *engine = engine_open_local(model, &(struct local_options){.sequences = 8}, &error);
    assert_got(engine, error);
    assert_int_equal(engine_room(engine), 8);
    assert_int_equal(engine_flying(engine), 0);
    assert_string_equal(engine_model(engine), "qwen2_5_vl_tiny");
    memset(&heard, 0, sizeof heard);
    struct image image = grey();
    struct chat chat = {0};
    assert_ok(chat_add_message(&chat, "user", &error), error);
    assert_ok(chat_add_part(&chat, CHAT_IMAGE, "grey", &error), error);
    assert_ok(chat_add_part(&chat, CHAT_TEXT, "Where?", &error), error);
    struct engine_request request = {.name = "grey",
                                     .chat = &chat,
                                     .images = &image,
                                     .image_count = 1,
                                     .sampling = sampling_default(),
                                     .samples = 3,
                                     .max_tokens = 12};
    assert_ok(engine_submit(engine, &request, NULL, &error), error);
    assert_int_equal(engine_flying(engine), 1);
    assert_int_equal(engine_room(engine),
                     1); // five sequences are left: one more request of three
    assert_ok(engine_submit(engine, &request, NULL, &error), error);
    assert_int_equal(engine_room(engine), 0);
    // Freed in flight: nothing leaks, nobody is told.
    engine_close(engine);

    // A prompt that does not fit is refused, and the engine goes on.
    engine = engine_open_local(model, &(struct local_options){.sequences = 8}, &error);
    char *text = malloc(40001);
    memset(text, 'x', 40000);
    text[40000] = 0;
    assert_ok(chat_add_part(&chat, CHAT_TEXT, text, &error), error);
    assert_error(engine_submit(engine, &request, NULL, &error), error, ERROR_LIMIT, "context");
    assert_int_equal(engine_flying(engine), 0);
    free(text);
    chat_free(&chat);
    struct verdict verdict = {0};
    struct locator_options options = options_for(1);
    options.max_tokens = 1;
    assert_ok(locator_image(engine, &options, &image, "grey", NULL, &verdict, &error), error);
    assert_int_equal(verdict.tokens, 1);
    assert_true(verdict.truncated);
    verdict_free(&verdict);
    options.system = "You are a camera.";
    assert_ok(locator_image(engine, &options, &image, "grey", NULL, &verdict, &error), error);
    verdict_free(&verdict);
    image_free(&image);
    engine_close(engine);
    model_close(model);
}

// ---- servers ----

static int gone(const struct engine *base, struct error *error) {
    (void)base;
    return error_set(error, ERROR_NETWORK, "the server is gone");
}

static const char *some_changes(const struct engine *base) {
    (void)base;
    return "seed left out";
}

static void test_nothing_is_read_for_a_server_that_is_gone(void **state) {
    (void)state;
    struct error error = {0};
    struct fake fake = new_fake(4);
    struct engine_operations operations = fake_operations;
    operations.check = gone;
    fake.base.operations = &operations;
    struct locator_options options = options_for(1);
    struct locator_counts counts;
    static const char *const paths[] = {"nowhere.jpg", "nowhere-else.jpg"};
    assert_ok(run(&fake.base, &options, paths, 2, &counts, &error), error);
    assert_int_equal(counts.failed, 2);
    assert_string_equal(heard.verdicts[1].message, "nowhere-else.jpg: the server is gone");
}

static void test_what_a_server_did_not_take_is_recorded(void **state) {
    (void)state;
    struct error error = {0};
    struct fake fake = new_fake(4);
    struct engine_operations operations = fake_operations;
    operations.changes = some_changes;
    fake.base.operations = &operations;
    struct locator_options options = options_for(1);
    struct image image = grey();
    struct verdict verdict;
    assert_ok(locator_image(&fake.base, &options, &image, "grey", NULL, &verdict, &error), error);
    assert_string_equal(verdict.server_changes, "seed left out");
    verdict_free(&verdict);
    image_free(&image);
}

// ---- the last test: the flag cannot be taken back ----

static void test_interruption(void **state) {
    (void)state;
    struct error error = {0};
    struct fake fake = new_fake(4);
    fake.interrupt_at = 5;
    struct locator_options options = options_for(1);
    struct locator_counts counts;
    char **paths = make_photos("interrupted", 20);
    signals_catch();
    assert_error(run(&fake.base, &options, PHOTOS(paths), 20, &counts, &error), error, ERROR_INTERRUPTED,
                 "interrupted");
    assert_int_equal(counts.done, 5); // what that step brought is handed over
    assert_int_equal(heard.count, 5);
    assert_error(run(&fake.base, &options, PHOTOS(paths), 20, &counts, &error), error, ERROR_INTERRUPTED,
                 "interrupted");
    assert_int_equal(counts.done, 0);
    struct verdict verdict = {0};
    struct image image = grey();
    assert_error(locator_image(&fake.base, &options, &image, "grey", NULL, &verdict, &error), error,
                 ERROR_INTERRUPTED, "interrupted");
    image_free(&image);
    free_photos(paths, 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_photo_gets_its_own_answer),
        cmocka_unit_test(test_verdicts_come_as_they_are_finished),
        cmocka_unit_test(test_votes_keep_the_order_of_samples),
        cmocka_unit_test(test_text_is_that_of_the_first_sample),
        cmocka_unit_test(test_one_failure_never_stops_the_rest),
        cmocka_unit_test(test_refusals_name_the_photo),
        cmocka_unit_test(test_room_is_respected),
        cmocka_unit_test(test_an_engine_that_fails_ends_the_batch),
        cmocka_unit_test(test_engines_that_break_their_contract),
        cmocka_unit_test(test_the_caller_may_stop_the_batch),
        cmocka_unit_test(test_an_empty_batch),
        cmocka_unit_test(test_the_same_photo_twice),
        cmocka_unit_test(test_orientation),
        cmocka_unit_test(test_thousands_of_photos),
        cmocka_unit_test(test_one_picture),
        cmocka_unit_test(test_together_is_the_same_as_alone),
        cmocka_unit_test(test_an_engine_goes_on_after_an_interruption),
        cmocka_unit_test(test_room_of_the_local_engine),
        cmocka_unit_test(test_nothing_is_read_for_a_server_that_is_gone),
        cmocka_unit_test(test_what_a_server_did_not_take_is_recorded),
        cmocka_unit_test(test_interruption),
    };
    return cmocka_run_group_tests(tests, draw, wipe);
}
