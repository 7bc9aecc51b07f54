// Chats as a server gets them, and requests that are cancelled.
#include "support.h"

#include "engine/ask_endpoint.h"
#include "engine/endpoint_request.h"

static const char THREE[] =
    "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"Oslo\"},\"finish_reason\":\"stop\"},"
    "{\"index\":1,\"message\":{\"content\":\"Bergen\"},\"finish_reason\":\"stop\"},"
    "{\"index\":2,\"message\":{\"content\":\"Narvik\"},\"finish_reason\":\"stop\"}]}";
static const char STREAM[] =
    "data: {\"choices\":[{\"delta\":{\"content\":\"Os\"}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{\"content\":\"!\"},\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";

static void add(struct chat *chat, const char *role, const char *picture, const char *text) {
    struct error error;
    assert_ok(chat_add_message(chat, role, &error), error);
    if (picture) assert_ok(chat_add_part(chat, CHAT_IMAGE, picture, &error), error);
    if (text) assert_ok(chat_add_part(chat, CHAT_TEXT, text, &error), error);
}

// ---- what is sent ----

static const char *text_of(const json_t *message) {
    return json_string_value(json_object_get(message, "content"));
}

static const char *type_of(const json_t *message, size_t part) {
    return json_string_value(
        json_object_get(json_array_get(json_object_get(message, "content"), part), "type"));
}

static const char *url_of(const json_t *message, size_t part) {
    const json_t *object = json_array_get(json_object_get(message, "content"), part);
    return json_string_value(json_object_get(json_object_get(object, "image_url"), "url"));
}

static struct engine_request chat_request(const struct chat *chat, const struct image *images, size_t count) {
    return (struct engine_request){.name = "a.jpg",
                                   .chat = chat,
                                   .images = images,
                                   .image_count = count,
                                   .sampling = sampling_default(),
                                   .samples = 1,
                                   .max_tokens = 10};
}

static void sends_turns_pictures_and_schema(void **state) {
    (void)state;
    struct error error;
    struct outcome outcome = {0};
    const struct mock_step good = {.body = GOOD};
    struct mock_server *server = mock_server_start(&good, 1, 0);
    struct endpoint_options options = some_options(mock_server_url(server));
    struct engine *engine = open_engine(&options, &outcome, false);
    const struct image pictures[] = {small, photo_a, small};
    struct chat chat = {0};
    add(&chat, "system", NULL, "Be \"brief\".");
    add(&chat, "user", "one", "Which continent?");
    add(&chat, "assistant", NULL, "Europe.");
    add(&chat, "user", "two", "And this?");
    assert_ok(chat_add_part(&chat, CHAT_IMAGE, "three", &error), error);
    struct engine_request request = chat_request(&chat, pictures, 3);
    request.schema = "{\"type\":\"object\", \"properties\":{\"city\":{\"type\":\"string\"}}}";
    assert_ok(engine_submit(engine, &request, NULL, &error), error); // nobody listens: nothing happens
    chat_free(&chat);
    step_until_done(engine);
    engine_close(engine);
    json_t *body = sent_body(server, 0);
    const json_t *messages = json_object_get(body, "messages");
    assert_int_equal(json_array_size(messages), 4);
    assert_string_equal(text_of(json_array_get(messages, 0)), "Be \"brief\".");
    assert_string_equal(type_of(json_array_get(messages, 1), 0), "image_url");
    assert_string_equal(type_of(json_array_get(messages, 1), 1), "text");
    assert_string_equal(text_of(json_array_get(messages, 2)), "Europe.");
    assert_string_equal(type_of(json_array_get(messages, 3), 2), "image_url");
    // In their order: the small ones are the same, the large one stands between them.
    const char *first = url_of(json_array_get(messages, 1), 0),
               *second = url_of(json_array_get(messages, 3), 0),
               *third = url_of(json_array_get(messages, 3), 2);
    assert_string_equal(first, third);
    assert_true(strlen(second) > strlen(first));
    const char *type, *name, *city;
    int strict;
    assert_int_equal(json_unpack(body, "{s:{s:s, s:{s:s, s:b, s:{s:{s:{s:s}}}}}}", "response_format", "type",
                                 &type, "json_schema", "name", &name, "strict", &strict, "schema",
                                 "properties", "city", "type", &city),
                     0);
    assert_string_equal(type, "json_schema");
    assert_string_equal(city, "string");
    assert_true(strict);
    json_decref(body);
    mock_server_stop(server);
}

static void refuses_what_a_server_cannot_be_asked(void **state) {
    (void)state;
    struct error error;
    struct outcome outcome = {0};
    struct endpoint_options options = some_options("http://127.0.0.1:9/v1");
    struct engine *engine = open_engine(&options, &outcome, false);
    struct chat chat = {0};
    add(&chat, "user", "one", "Where?");
    struct engine_request request = chat_request(&chat, &small, 1);
    static const char *const schemas[] = {"", "{", "[1]", "{\"a\":1} x", "7"};
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        request.schema = schemas[i];
        assert_error(engine_submit(engine, &request, NULL, &error), error, ERROR_INPUT, "schema");
    }
    request = chat_request(&chat, &small, 1);
    request.adapter = (const struct lora *)(const void *)&chat; // never looked at
    assert_error(engine_submit(engine, &request, NULL, &error), error, ERROR_USAGE, "adapters");
    request = chat_request(&chat, &small, 0);
    assert_error(engine_submit(engine, &request, NULL, &error), error, ERROR_USAGE, "names 1 pictures, 0");
    request = chat_request(&chat, &small, 1);
    chat.messages[0].parts[0].size.max_pixels = 100000;
    assert_error(engine_submit(engine, &request, NULL, &error), error, ERROR_USAGE, "size of its picture");
    assert_int_equal(engine_flying(engine), 0);
    chat_free(&chat);
    engine_close(engine);
}

// Answers without it would be others: the request fails, with the server's words.
static void never_leaves_a_schema_out(void **state) {
    (void)state;
    struct outcome outcome;
    struct question question = some_request();
    question.schema = "{\"type\":\"object\"}";
    assert_true(ASK_WITH(&outcome, NULL, &question,
                         {.body = GOOD,
                          .refuse = "response_format",
                          .complaint = "{\"error\":{\"message\":\"response_format is not supported\"}}"}) >=
                1);
    assert_failed(&outcome, "response_format is not supported");
}

// ---- cancelling ----

static void wait_for(size_t (*count)(struct mock_server *), struct mock_server *server, size_t wanted,
                     struct engine *engine) {
    struct error error;
    for (double start = seconds_now(); count(server) != wanted;) {
        if (engine)
            assert_ok(engine_step(engine, &error), error);
        else
            nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        assert_true(seconds_now() - start < 10);
    }
}

static void closes_the_connection_of_what_is_cancelled(void **state) {
    (void)state;
    struct error error;
    struct outcome outcome = {0};
    const struct mock_step slow = {.body = GOOD, .piece = 1, .pause = 0.02};
    struct mock_server *server = mock_server_start(&slow, 1, 2);
    struct endpoint_options options = some_options(mock_server_url(server));
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question questions[] = {some_request(), some_request()};
    questions[1].photo = 6;
    engine_ticket tickets[2];
    for (size_t i = 0; i < 2; i++)
        assert_ok(try_to_submit(engine, &questions[i], &tickets[i], &error), error);
    wait_for(mock_server_count, server, 2, engine);
    assert_int_equal(mock_server_open(server), 2);
    engine_cancel(engine, tickets[1]);
    assert_int_equal(engine_flying(engine), 1);
    wait_for(mock_server_open, server, 1, NULL); // without a step
    engine_cancel(engine, tickets[1]);
    step_until_done(engine);
    assert_oslo(&outcome); // that of the other
    assert_int_equal(outcome.finished, 1);
    // The engine goes on.
    outcome = (struct outcome){0};
    submit(engine, &questions[0]);
    step_until_done(engine);
    assert_oslo(&outcome);
    engine_close(engine);
    mock_server_stop(server);
}

static void never_asks_what_was_cancelled_before(void **state) {
    (void)state;
    struct error error;
    struct outcome outcome = {0};
    const struct mock_step good = {.body = GOOD};
    struct mock_server *server = mock_server_start(&good, 1, 0);
    struct endpoint_options options = some_options(mock_server_url(server));
    options.concurrency = 1;
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question question = some_request();
    engine_ticket tickets[4];
    for (size_t i = 0; i < 4; i++) assert_ok(try_to_submit(engine, &question, &tickets[i], &error), error);
    engine_cancel(engine, tickets[1]);
    engine_cancel(engine, tickets[3]);
    assert_int_equal(engine_flying(engine), 2);
    step_until_done(engine);
    assert_int_equal(outcome.answers, 2);
    assert_int_equal(outcome.finished, 2);
    assert_int_equal(mock_server_count(server), 2);
    engine_close(engine);
    mock_server_stop(server);
}

// What one that cancels itself hears, and another one beside it.
struct canceller {
    struct engine *engine;
    engine_ticket ticket;
    size_t texts, answers, failures, finished, at;
};

static void note(struct canceller *canceller, size_t *count) {
    ++*count;
    if (canceller->texts + canceller->answers + canceller->failures == canceller->at)
        engine_cancel(canceller->engine, canceller->ticket);
}

static void note_text(void *context, size_t sample, const char *text, size_t length) {
    struct canceller *canceller = context;
    (void)sample, (void)text, (void)length;
    note(canceller, &canceller->texts);
}

static void note_answer(void *context, const struct engine_answer *answer) {
    struct canceller *canceller = context;
    (void)answer;
    note(canceller, &canceller->answers);
}

static void note_failure(void *context, const struct error *error) {
    struct canceller *canceller = context;
    (void)error;
    note(canceller, &canceller->failures);
}

static void note_end(void *context) {
    ((struct canceller *)context)->finished++;
}

static struct canceller cancel_at(const struct mock_step *step, size_t at, size_t samples, bool stream) {
    struct error error;
    struct outcome outcome = {0};
    struct mock_server *server = mock_server_start(step, 1, 0);
    struct endpoint_options options = some_options(mock_server_url(server));
    options.retries = 0;
    struct engine *engine = open_engine(&options, &outcome, false);
    struct canceller canceller = {.engine = engine, .at = at};
    struct chat chat = {0};
    add(&chat, "user", "one", "Where?");
    struct engine_request request = chat_request(&chat, &small, 1);
    request.samples = samples;
    request.events = (struct engine_events){.on_text = stream ? note_text : NULL,
                                            .on_answer = note_answer,
                                            .on_failure = note_failure,
                                            .on_finished = note_end,
                                            .context = &canceller};
    struct question other = some_request();
    other.samples = samples;
    assert_ok(engine_submit(engine, &request, &canceller.ticket, &error), error);
    submit(engine, &other);
    step_until_done(engine);
    assert_int_equal(outcome.finished, 1);
    assert_int_equal(outcome.answers + outcome.failures, outcome.failures ? 1 : samples);
    chat_free(&chat);
    engine_close(engine);
    mock_server_stop(server);
    return canceller;
}

static void can_be_cancelled_by_its_own_events(void **state) {
    (void)state;
    const struct mock_step three = {.body = THREE}, bad = {.status = 404, .body = "{\"error\":\"no\"}"},
                           stream = {.type = "text/event-stream", .body = STREAM, .piece = 20, .pause = 0.01};
    for (size_t at = 1; at <= 3; at++) {
        struct canceller heard = cancel_at(&three, at, 3, false);
        assert_int_equal(heard.answers, at);
        assert_int_equal(heard.finished, 0);
        heard = cancel_at(&stream, at, 1, true);
        assert_int_equal(heard.texts, at);
        assert_int_equal(heard.answers + heard.failures + heard.finished, 0);
    }
    struct canceller heard = cancel_at(&bad, 1, 1, false);
    assert_int_equal(heard.failures, 1);
    assert_int_equal(heard.finished, 0);
    heard = cancel_at(&three, 0, 3, false); // never
    assert_int_equal(heard.answers, 3);
    assert_int_equal(heard.finished, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_turns_pictures_and_schema),
        cmocka_unit_test(refuses_what_a_server_cannot_be_asked),
        cmocka_unit_test(never_leaves_a_schema_out),
        cmocka_unit_test(closes_the_connection_of_what_is_cancelled),
        cmocka_unit_test(never_asks_what_was_cancelled_before),
        cmocka_unit_test(can_be_cancelled_by_its_own_events),
    };
    return cmocka_run_group_tests(tests, load_photos, free_photos);
}
