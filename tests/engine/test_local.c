// Requests of the local engine: chats with pictures, events of their own, cancelling, log-probs.
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "generate/generator.h"
#include "model/lora.h"
#include "model/model.h"
#include "photo/decode.h"
#include "support_device.h"

enum { SAMPLES = 2, MOST_TOKENS = 24, MOST_TEXT = 2048, PIECE = 64 };

// What one request hears.
struct heard {
    struct {
        char text[MOST_TEXT], streamed[MOST_TEXT];
        size_t length, tokens, ends[MOST_TOKENS];
        float log_probs[MOST_TOKENS];
        bool truncated;
    } samples[SAMPLES];
    size_t texts, answers, failures, finished;
    struct error error;
    engine_ticket ticket;
    bool cancelled;
    // Cancels `victim` with its text number cancel_text, or its answer number cancel_answer; 0: never.
    struct engine *engine;
    struct heard *victim;
    size_t cancel_text, cancel_answer;
};

static void cancel(struct heard *by) {
    by->victim->cancelled = true;
    engine_cancel(by->engine, by->victim->ticket);
}

static void on_text(void *context, size_t sample, const char *text, size_t length) {
    struct heard *heard = context;
    assert_true(length > 0 && !heard->cancelled && !heard->finished);
    size_t have = strlen(heard->samples[sample].streamed);
    assert_true(have + length < MOST_TEXT);
    memcpy(heard->samples[sample].streamed + have, text, length);
    if (++heard->texts == heard->cancel_text) cancel(heard);
}

static void on_answer(void *context, const struct engine_answer *answer) {
    struct heard *heard = context;
    assert_true(!heard->cancelled && !heard->finished && answer->sample < SAMPLES);
    heard->samples[answer->sample].length = answer->length;
    snprintf(heard->samples[answer->sample].text, MOST_TEXT, "%s", answer->text);
    heard->samples[answer->sample].tokens = answer->tokens;
    heard->samples[answer->sample].truncated = answer->truncated;
    assert_true(answer->tokens <= MOST_TOKENS);
    for (size_t i = 0; i < answer->tokens; i++) {
        heard->samples[answer->sample].ends[i] = answer->ends[i];
        heard->samples[answer->sample].log_probs[i] = answer->log_probs[i];
    }
    if (++heard->answers == heard->cancel_answer) cancel(heard);
}

static void on_failure(void *context, const struct error *error) {
    struct heard *heard = context;
    assert_true(!heard->cancelled && !heard->finished);
    heard->failures++;
    heard->error = *error;
}

static void on_finished(void *context) {
    struct heard *heard = context;
    assert_false(heard->cancelled);
    heard->finished++;
}

// ---- two chats: one picture after a question and an answer; two pictures in one turn, a system message ----

static struct model *model;
static struct image pictures[3];
static struct chat chats[2];
static struct heard *alone, *heard; // [2]

static void add(struct chat *chat, const char *role, const char *picture, const char *text) {
    struct error error = {0};
    assert_ok(chat_add_message(chat, role, &error), error);
    if (picture) assert_ok(chat_add_part(chat, CHAT_IMAGE, picture, &error), error);
    assert_ok(chat_add_part(chat, CHAT_TEXT, text, &error), error);
}

static struct engine_request request_of(size_t which, struct heard *to) {
    struct engine_request request = {.name = which ? "two" : "one",
                                     .chat = &chats[which],
                                     .images = which ? pictures + 1 : pictures,
                                     .image_count = which ? 2 : 1,
                                     .sampling = sampling_default(),
                                     .samples = SAMPLES,
                                     .max_tokens = MOST_TOKENS,
                                     .events = {.on_text = on_text,
                                                .on_answer = on_answer,
                                                .on_failure = on_failure,
                                                .on_finished = on_finished,
                                                .context = to}};
    request.sampling.temperature = 0.8;
    request.sampling.seed = 3;
    return request;
}

static struct engine *open_engine(void) {
    struct error error = {0};
    struct engine *engine =
        engine_open_local(model, &(struct local_options){.sequences = 16, .piece = PIECE}, &error);
    assert_got(engine, error);
    return engine;
}

static void submit(struct engine *engine, size_t which, struct heard *to) {
    struct error error = {0};
    struct engine_request request = request_of(which, to);
    to->engine = engine;
    assert_ok(engine_submit(engine, &request, &to->ticket, &error), error);
    assert_true(to->ticket != 0);
}

static size_t finish(struct engine *engine) {
    struct error error = {0};
    size_t steps = 0;
    for (; engine_flying(engine); steps++) assert_ok(engine_step(engine, &error), error);
    return steps;
}

static void assert_same(const struct heard *a, const struct heard *b) {
    assert_int_equal(a->finished, 1);
    assert_int_equal(a->answers, SAMPLES);
    assert_int_equal(a->failures, 0);
    for (size_t s = 0; s < SAMPLES; s++) {
        assert_int_equal(a->samples[s].tokens, b->samples[s].tokens);
        assert_string_equal(a->samples[s].text, b->samples[s].text);
        assert_memory_equal(a->samples[s].log_probs, b->samples[s].log_probs,
                            a->samples[s].tokens * sizeof(float));
    }
}

static int open_all(void **state) {
    (void)state;
    struct error error = {0};
    const struct model_options options = {.type = MODEL_TYPE_F32, .isa = test_isa()};
    model = model_open(test_data("qwen2_5_vl_tiny"), &options, &error);
    assert_got(model, error);
    for (size_t i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "images/scene_%c.png", (char)('a' + i));
        assert_ok(photo_decode_file(&pictures[i], test_data("%s", name), NULL, NULL, &error), error);
    }
    add(&chats[0], "user", "a", "Which continent?");
    add(&chats[0], "assistant", NULL, "Europe.");
    add(&chats[0], "user", NULL, "And which country?");
    add(&chats[1], "system", NULL, "You are a camera.");
    add(&chats[1], "user", "b", "The one place,");
    assert_ok(chat_add_part(&chats[1], CHAT_IMAGE, "c", &error), error);
    assert_ok(chat_add_part(&chats[1], CHAT_TEXT, "and the other: how far apart are they?", &error), error);
    alone = calloc(2, sizeof *alone);
    heard = calloc(2, sizeof *heard);
    for (size_t i = 0; i < 2; i++) {
        struct engine *engine = open_engine();
        submit(engine, i, &alone[i]);
        finish(engine);
        engine_close(engine);
        assert_int_equal(alone[i].answers, SAMPLES);
        assert_true(alone[i].samples[0].tokens > 4);
    }
    assert_string_not_equal(alone[0].samples[0].text, alone[1].samples[0].text);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) image_free(&pictures[i]);
    for (size_t i = 0; i < 2; i++) chat_free(&chats[i]);
    model_close(model);
    free(alone);
    free(heard);
    return 0;
}

static void forget(void) {
    memset(heard, 0, 2 * sizeof *heard);
}

// ---- tests ----

static void test_each_hears_its_own(void **state) {
    (void)state;
    struct engine *engine = open_engine();
    forget();
    for (size_t i = 0; i < 2; i++) submit(engine, i, &heard[i]);
    assert_int_equal(engine_flying(engine), 2);
    assert_int_not_equal(heard[0].ticket, heard[1].ticket);
    assert_int_equal(heard[0].texts + heard[1].texts, 0);
    finish(engine);
    for (size_t i = 0; i < 2; i++) assert_same(&heard[i], &alone[i]);
    engine_close(engine);
}

// The same chat through the generator, to see the tokens.
struct tokens {
    int32_t ids[SAMPLES][MOST_TOKENS];
    size_t count[SAMPLES];
};

static void note_tokens(void *context, size_t sample, const struct completion *completion) {
    struct tokens *tokens = context;
    memcpy(tokens->ids[sample], completion->ids, completion->count * sizeof *completion->ids);
    tokens->count[sample] = completion->count;
}

// The parts make the text, each token has its end in it, and log-probs are those of scoring.
static void test_tokens_add_up(void **state) {
    (void)state;
    struct error error = {0};
    float *last = malloc(model_facts(model)->vocab * sizeof *last);
    struct generator *generator = generator_new(model, &error);
    assert_got(generator, error);
    for (size_t i = 0; i < 2; i++) {
        struct prompt prompt;
        struct kv_cache cache;
        struct tokens tokens = {0};
        struct engine_request request = request_of(i, NULL);
        assert_ok(prompt_build(&prompt, model, request.chat, request.images, request.image_count, &error),
                  error);
        assert_int_equal(prompt.grid_count, i + 1);
        const struct generation generation = {.prompt = &prompt,
                                              .sampling = request.sampling,
                                              .samples = SAMPLES,
                                              .max_tokens = MOST_TOKENS,
                                              .on_done = note_tokens,
                                              .context = &tokens};
        generator_set_piece(generator, PIECE);
        assert_ok(generator_submit(generator, &generation, NULL, &error), error);
        assert_ok(generator_finish(generator, &error), error);
        assert_ok(model_cache_open(model, &cache, prompt.ids.count, &error), error);
        assert_ok(model_prefill(model, &prompt, &cache, last, NULL, NULL, &error), error);
        for (size_t s = 0; s < SAMPLES; s++) {
            size_t count = alone[i].samples[s].tokens;
            const size_t *ends = alone[i].samples[s].ends;
            assert_string_equal(alone[i].samples[s].text, alone[i].samples[s].streamed);
            assert_int_equal(strlen(alone[i].samples[s].text), alone[i].samples[s].length);
            assert_int_equal(ends[count - 1], alone[i].samples[s].length);
            for (size_t t = 1; t < count; t++) assert_true(ends[t] >= ends[t - 1]);
            float log_probs[MOST_TOKENS];
            double sum = 0, scored = 0;
            assert_int_equal(tokens.count[s], count);
            assert_ok(model_score(model, &prompt, &cache, last, tokens.ids[s], count, log_probs, &error),
                      error);
            for (size_t t = 0; t < count; t++) {
                sum += (double)alone[i].samples[s].log_probs[t];
                scored += (double)log_probs[t];
            }
            assert_near(sum, scored, 1e-3);
        }
        kv_cache_close(&cache);
        prompt_free(&prompt);
    }
    generator_free(generator);
    free(last);
}

static void test_cancel_at_any_step(void **state) {
    (void)state;
    struct error error = {0};
    struct engine *engine = open_engine(); // the same for all: it stays usable
    bool reading = false, decoding = false;
    for (size_t gone = 0; gone < 2; gone++)
        for (size_t steps = 0; steps < 20; steps += steps < 6 ? 1 : 5) {
            forget();
            for (size_t i = 0; i < 2; i++) submit(engine, i, &heard[i]);
            for (size_t i = 0; i < steps; i++) assert_ok(engine_step(engine, &error), error);
            size_t texts = heard[gone].texts;
            reading |= steps > 1 && texts == 0;
            decoding |= texts > 0 && heard[gone].answers == 0;
            if (heard[gone].finished) break;
            heard[gone].cancelled = true; // any event fails the test
            engine_cancel(engine, heard[gone].ticket);
            assert_int_equal(engine_flying(engine), 1);
            engine_cancel(engine, heard[gone].ticket); // nothing is left to cancel
            engine_cancel(engine, 0);
            finish(engine);
            assert_int_equal(heard[gone].texts, texts);
            assert_same(&heard[1 - gone], &alone[1 - gone]);
        }
    assert_true(reading && decoding);
    // All of them: nothing is left to do.
    forget();
    for (size_t i = 0; i < 2; i++) submit(engine, i, &heard[i]);
    assert_ok(engine_step(engine, &error), error);
    for (size_t i = 0; i < 2; i++) heard[i].cancelled = true, engine_cancel(engine, heard[i].ticket);
    assert_int_equal(engine_flying(engine), 0);
    assert_int_equal(engine_room(engine), 16 / SAMPLES);
    assert_int_equal(finish(engine), 0);
    forget();
    submit(engine, 1, &heard[1]);
    finish(engine);
    assert_same(&heard[1], &alone[1]);
    engine_close(engine);
}

static void test_cancel_from_an_event(void **state) {
    (void)state;
    struct engine *engine = open_engine();
    for (size_t number = 1; number < 8; number++) {
        forget();
        for (size_t i = 0; i < 2; i++) submit(engine, i, &heard[i]);
        heard[0].victim = &heard[0];
        if (number <= SAMPLES)
            heard[0].cancel_answer = number;
        else
            heard[0].cancel_text = number - SAMPLES;
        finish(engine);
        assert_true(heard[0].cancelled);
        assert_int_equal(heard[0].finished, 0);
        assert_same(&heard[1], &alone[1]);
    }
    // Another one's request.
    forget();
    for (size_t i = 0; i < 2; i++) submit(engine, i, &heard[i]);
    heard[0].cancel_text = 2;
    heard[0].victim = &heard[1];
    finish(engine);
    assert_same(&heard[0], &alone[0]);
    assert_true(heard[1].cancelled && heard[1].finished == 0);
    engine_close(engine);
}

static void test_closed_in_flight(void **state) {
    (void)state;
    for (size_t steps = 0; steps < 12; steps += 3) {
        struct error error = {0};
        struct engine *engine = open_engine();
        forget();
        for (size_t i = 0; i < 2; i++) submit(engine, i, &heard[i]);
        for (size_t i = 0; i < steps; i++) assert_ok(engine_step(engine, &error), error);
        for (size_t i = 0; i < 2; i++) heard[i].cancelled = true;
        engine_close(engine); // nothing leaks, nobody is told
    }
}

static void test_refusals(void **state) {
    (void)state;
    struct error error = {0};
    struct engine *engine = open_engine();
    forget();
    heard[0].cancelled = true;
    struct engine_request request = request_of(0, &heard[0]);
    request.schema = "{\"type\":\"object\"}";
    assert_error(engine_submit(engine, &request, NULL, &error), error, ERROR_USAGE, "JSON schema");
    request = request_of(0, &heard[0]);
    request.image_count = 0;
    assert_error(engine_submit(engine, &request, NULL, &error), error, ERROR_USAGE,
                 "one: the chat names 1 pictures, 0 are given");
    request = request_of(0, &heard[0]);
    request.chat = &(struct chat){0};
    assert_error(engine_submit(engine, &request, NULL, &error), error, ERROR_USAGE, "no message");
    request = request_of(0, &heard[0]);
    request.samples = 0;
    assert_error(engine_submit(engine, &request, NULL, &error), error, ERROR_USAGE, "0 samples");
    request = request_of(0, &heard[0]);
    request.sampling.top_p = -1;
    assert_error(engine_submit(engine, &request, NULL, &error), error, ERROR_USAGE, "top");
    assert_int_equal(engine_flying(engine), 0);
    // Nobody need listen.
    request = request_of(0, NULL);
    request.events = (struct engine_events){0};
    request.name = NULL;
    assert_ok(engine_submit(engine, &request, NULL, &error), error);
    finish(engine);
    engine_close(engine);
}

// Requests with and without an adapter, in one batch.
static void test_an_adapter_of_its_own(void **state) {
    (void)state;
    struct error error = {0};
    struct lora *lora = lora_open(model, test_data("training/lora_adapter"), &error);
    assert_got(lora, error);
    struct heard *adapted = calloc(1, sizeof *adapted);
    struct engine *engine = open_engine();
    lora_use(model, lora);
    submit(engine, 1, adapted);
    finish(engine);
    lora_use(model, NULL);
    assert_true(adapted->samples[0].log_probs[0] != alone[1].samples[0].log_probs[0]);
    forget();
    struct engine_request request = request_of(1, &heard[1]);
    request.adapter = lora;
    submit(engine, 0, &heard[0]);
    assert_ok(engine_submit(engine, &request, NULL, &error), error);
    finish(engine);
    assert_same(&heard[0], &alone[0]);
    assert_same(&heard[1], adapted);
    engine_close(engine);
    lora_free(lora);
    free(adapted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_hears_its_own),    cmocka_unit_test(test_tokens_add_up),
        cmocka_unit_test(test_cancel_at_any_step),    cmocka_unit_test(test_cancel_from_an_event),
        cmocka_unit_test(test_closed_in_flight),      cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_an_adapter_of_its_own),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
