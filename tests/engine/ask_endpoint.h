// One engine of an endpoint, what is asked of it, and what comes back; for the tests of endpoints.
#ifndef GLOBE_TESTS_ENGINE_ASK_ENDPOINT_H
#define GLOBE_TESTS_ENGINE_ASK_ENDPOINT_H

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "engine/engine.h"
#include "engine/mock_server.h"
#include "photo/decode.h"

static const char KEY[] = "sk-very-secret-key";
static const char GOOD[] =
    "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Oslo\"},"
    "\"finish_reason\":\"stop\"}],\"usage\":{\"completion_tokens\":7}}";

enum { MOST_ANSWERS = 128 };

// One picture and what is asked about it.
struct question {
    size_t photo; // its number in struct outcome
    const char *name, *system, *text, *schema;
    const struct image *image;
    struct sampling sampling;
    size_t samples, max_tokens;
};

struct outcome {
    size_t answers, failures, finished;
    struct {
        size_t photo, sample, tokens;
        bool truncated;
        char text[64];
        size_t length;
        bool has_log_probs;
        float log_probs[8];
        size_t ends[8];
    } answer[MOST_ANSWERS];
    struct error error; // of the last failure
    struct buffer streamed;
    struct engine *engine; // for events that submit more
    const struct question *more;
};

static inline void submit(struct engine *engine, const struct question *question);

// Whose request an event is of.
struct asked {
    struct outcome *outcome;
    size_t photo;
    bool over;
};

static inline void take_text(void *context, size_t sample, const char *text, size_t length) {
    struct outcome *outcome = ((struct asked *)context)->outcome;
    assert_false(((struct asked *)context)->over);
    assert_int_equal(sample, 0);
    assert_true(length > 0);
    buffer_add(&outcome->streamed, text, length);
}

static inline void take_answer(void *context, const struct engine_answer *answer) {
    const struct asked *asked = context;
    struct outcome *outcome = asked->outcome;
    assert_false(asked->over);
    assert_true(outcome->answers < MOST_ANSWERS);
    size_t n = outcome->answers++;
    outcome->answer[n].photo = asked->photo;
    outcome->answer[n].sample = answer->sample;
    outcome->answer[n].tokens = answer->tokens;
    outcome->answer[n].truncated = answer->truncated;
    outcome->answer[n].length = answer->length;
    snprintf(outcome->answer[n].text, sizeof outcome->answer[n].text, "%s", answer->text);
    outcome->answer[n].has_log_probs = answer->log_probs != NULL;
    for (size_t i = 0; answer->log_probs && i < answer->tokens && i < 8; i++) {
        outcome->answer[n].log_probs[i] = answer->log_probs[i];
        outcome->answer[n].ends[i] = answer->ends[i];
    }
    if (outcome->more) {
        const struct question *more = outcome->more;
        outcome->more = NULL;
        submit(outcome->engine, more);
    }
}

static inline void take_failure(void *context, const struct error *error) {
    struct outcome *outcome = ((struct asked *)context)->outcome;
    assert_false(((struct asked *)context)->over);
    outcome->failures++;
    outcome->error = *error;
}

static inline void take_end(void *context) {
    struct asked *asked = context;
    assert_false(asked->over);
    asked->over = true;
    asked->outcome->finished++;
}

static struct image photo_a, small;

static inline int load_photos(void **state) {
    (void)state;
    struct error error;
    struct photo_facts facts;
    // The tests are about this machine.
    static const char *const proxies[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) unsetenv(proxies[i]);
    assert_ok(photo_decode_file(&photo_a, test_data("images/photo_a.jpg"), NULL, &facts, &error), error);
    assert_true(facts.has_position); // there is something that must not be sent
    assert_ok(image_new(&small, 8, 8, &error), error);
    memset(small.rgb, 90, 8 * 8 * 3);
    return 0;
}

static inline int free_photos(void **state) {
    (void)state;
    image_free(&photo_a);
    image_free(&small);
    return 0;
}

static inline struct endpoint_options some_options(const char *url) {
    return (struct endpoint_options){.url = url,
                                     .model = "qwen2.5-vl",
                                     .api_key = KEY,
                                     .concurrency = 4,
                                     .retries = 3,
                                     .patience = 30,
                                     .timeout = 10,
                                     .jpeg_quality = 90};
}

static inline struct question some_request(void) {
    struct question question = {.photo = 5,
                                .name = "a.jpg",
                                .image = &small,
                                .text = "Where?",
                                .sampling = sampling_default(),
                                .samples = 1,
                                .max_tokens = 100};
    return question;
}

// Who hears what is asked next.
static struct outcome *listener;
static bool listens_to_text;

static inline struct engine *open_engine(const struct endpoint_options *options, struct outcome *outcome,
                                         bool stream) {
    struct error error;
    struct engine *engine = engine_open_endpoint(options, &error);
    assert_got(engine, error);
    listener = outcome;
    listens_to_text = stream;
    outcome->engine = engine;
    return engine;
}

static inline int try_to_submit(struct engine *engine, const struct question *question, engine_ticket *ticket,
                                struct error *error) {
    enum { MOST_ASKED = 512 };
    static struct asked asked[MOST_ASKED];
    static size_t next;
    struct asked *context = &asked[next++ % MOST_ASKED];
    *context = (struct asked){.outcome = listener, .photo = question->photo};
    struct chat chat = {0};
    if (question->system) {
        assert_ok(chat_add_message(&chat, "system", error), *error);
        assert_ok(chat_add_part(&chat, CHAT_TEXT, question->system, error), *error);
    }
    assert_ok(chat_add_message(&chat, "user", error), *error);
    if (question->image) assert_ok(chat_add_part(&chat, CHAT_IMAGE, question->name, error), *error);
    assert_ok(chat_add_part(&chat, CHAT_TEXT, question->text, error), *error);
    const struct engine_request request = {.name = question->name,
                                           .chat = &chat,
                                           .images = question->image,
                                           .image_count = question->image != NULL,
                                           .sampling = question->sampling,
                                           .samples = question->samples,
                                           .max_tokens = question->max_tokens,
                                           .schema = question->schema,
                                           .events = {.on_text = listens_to_text ? take_text : NULL,
                                                      .on_answer = take_answer,
                                                      .on_failure = take_failure,
                                                      .on_finished = take_end,
                                                      .context = context}};
    int result = engine_submit(engine, &request, ticket, error);
    chat_free(&chat);
    return result;
}

static inline double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline void step_until_done(struct engine *engine) {
    struct error error;
    double start = seconds_now();
    while (engine_flying(engine)) {
        double before = seconds_now();
        assert_ok(engine_step(engine, &error), error);
        assert_true(seconds_now() - before < 5); // it never waits for long
        assert_true(seconds_now() - start < 60);
    }
}

static inline void submit(struct engine *engine, const struct question *question) {
    struct error error;
    assert_ok(try_to_submit(engine, question, NULL, &error), error);
}

// Sends one request to a server with this script and returns how many requests arrived there.
#define ASK(outcome, ...)                                                    \
    ask(outcome, NULL, NULL, false, (const struct mock_step[]){__VA_ARGS__}, \
        sizeof((const struct mock_step[]){__VA_ARGS__}) / sizeof(struct mock_step))
#define ASK_STREAM(outcome, ...)                                            \
    ask(outcome, NULL, NULL, true, (const struct mock_step[]){__VA_ARGS__}, \
        sizeof((const struct mock_step[]){__VA_ARGS__}) / sizeof(struct mock_step))
#define ASK_WITH(outcome, options, request, ...)                                   \
    ask(outcome, options, request, false, (const struct mock_step[]){__VA_ARGS__}, \
        sizeof((const struct mock_step[]){__VA_ARGS__}) / sizeof(struct mock_step))

static inline size_t ask(struct outcome *outcome, const struct endpoint_options *given,
                         const struct question *request, bool stream, const struct mock_step *steps,
                         size_t count) {
    *outcome = (struct outcome){0};
    struct mock_server *server = mock_server_start(steps, count, 0);
    struct endpoint_options options = given ? *given : some_options(NULL);
    options.url = mock_server_url(server);
    struct engine *engine = open_engine(&options, outcome, stream);
    struct question usual = some_request();
    submit(engine, request ? request : &usual);
    step_until_done(engine);
    engine_close(engine);
    assert_int_equal(outcome->finished, 1); // said once, whatever came
    size_t tries = mock_server_count(server);
    mock_server_stop(server);
    return tries;
}

static inline void assert_failed(const struct outcome *outcome, const char *text) {
    assert_int_equal(outcome->answers, 0);
    assert_int_equal(outcome->failures, 1);
    assert_int_equal(outcome->error.code, ERROR_NETWORK);
    if (!strstr(outcome->error.message, text)) fail_msg("\"%s\" is not in: %s", text, outcome->error.message);
    if (strncmp(outcome->error.message, "a.jpg: http://127.0.0.1:", 24) != 0)
        fail_msg("does not name photo and server: %s", outcome->error.message);
}

static inline void assert_oslo(const struct outcome *outcome) {
    if (outcome->failures) fail_msg("%s", outcome->error.message);
    assert_int_equal(outcome->answers, 1);
    assert_int_equal(outcome->answer[0].photo, 5);
    assert_string_equal(outcome->answer[0].text, "Oslo");
    assert_int_equal(outcome->answer[0].tokens, 7);
    assert_false(outcome->answer[0].truncated);
}

static inline json_t *sent_body(struct mock_server *server, size_t index) {
    struct error error;
    const struct mock_request *request = mock_server_request(server, index);
    assert_non_null(request);
    json_t *body = json_read_buffer(request->body, request->length, "the request", &error);
    assert_got(body, error);
    return body;
}

#endif
