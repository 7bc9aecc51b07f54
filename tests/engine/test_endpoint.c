#include "support.h"

#include <math.h>

#include "engine/ask_endpoint.h"
#include "engine/endpoint_reply.h"
#include "engine/endpoint_url.h"

// ---- What is sent --------------------------------------------------------------------------------------

// The bytes of the data URL in a request.
static struct buffer sent_picture(const json_t *body, size_t message) {
    const json_t *content =
        json_object_get(json_array_get(json_object_get(body, "messages"), message), "content");
    const char *url =
        json_string_value(json_object_get(json_object_get(json_array_get(content, 0), "image_url"), "url"));
    static const char start[] = "data:image/jpeg;base64,";
    assert_non_null(url);
    assert_memory_equal(url, start, strlen(start));
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct buffer bytes = {0};
    unsigned bits = 0, have = 0;
    const char *at = url + strlen(start);
    for (; *at && *at != '='; at++) {
        const char *digit = strchr(digits, *at);
        assert_non_null(digit);
        bits = (bits << 6 | (unsigned)(digit - digits)) & 0xFFFF;
        have += 6;
        if (have >= 8) {
            have -= 8;
            buffer_add(&bytes, &(unsigned char){(unsigned char)(bits >> have)}, 1);
        }
    }
    assert_true(strlen(at) <= 2);
    assert_int_equal(strlen(url + strlen(start)) % 4, 0);
    return bytes;
}

// Nothing but JFIF, tables, frame and scan may be in it.
static void assert_bare_jpeg(const struct buffer *jpeg) {
    const unsigned char *data = (const unsigned char *)jpeg->data;
    size_t at = 2;
    if (!data) {
        fail();
        return; // for static analysis, which does not know that fail() ends the test
    }
    assert_true(jpeg->length > 4 && data[0] == 0xFF && data[1] == 0xD8);
    for (;;) {
        assert_true(at + 4 <= jpeg->length && data[at] == 0xFF);
        unsigned marker = data[at + 1];
        bool expected = marker == 0xDB || marker == 0xC4 || marker == 0xC0 || marker == 0xC2 ||
                        marker == 0xDD || marker == 0xDA ||
                        (marker == 0xE0 && memcmp(data + at + 4, "JFIF", 5) == 0);
        if (!expected) fail_msg("marker FF%02X in what was sent", marker);
        if (marker == 0xDA) break;
        at += 2 + ((size_t)data[at + 2] << 8 | data[at + 3]);
    }
    assert_null(memmem(jpeg->data, jpeg->length, "Exif", 4));
    assert_null(memmem(jpeg->data, jpeg->length, "http", 4));
}

static void sends_what_was_asked(void **state) {
    (void)state;
    struct outcome outcome = {0};
    const struct mock_step steps[] = {{.body = GOOD}};
    struct mock_server *server = mock_server_start(steps, 1, 0);
    struct endpoint_options options = some_options(mock_server_url(server));
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question request = some_request();
    request.image = &photo_a;
    request.system = "You are \"helpful\".\n";
    request.text = "W\xC3\xB6 ist das?";
    request.sampling = (struct sampling){.temperature = 0.1,
                                         .top_p = 0.9,
                                         .frequency_penalty = 0.7,
                                         .presence_penalty = 0.6,
                                         .repetition_penalty = 1,
                                         .seed = 42};
    request.max_tokens = 512;
    submit(engine, &request);
    step_until_done(engine);
    assert_oslo(&outcome);
    assert_string_equal(engine_model(engine), "qwen2.5-vl");
    engine_close(engine);

    const char *head = mock_server_request(server, 0)->head;
    assert_memory_equal(head, "POST /v1/chat/completions HTTP/1.1\r\n", 36);
    assert_non_null(strstr(head, "\r\nAuthorization: Bearer sk-very-secret-key\r\n"));
    assert_non_null(strstr(head, "\r\nContent-Type: application/json\r\n"));
    assert_null(strstr(head, "Expect:"));
    json_t *body = sent_body(server, 0);
    const char *system, *text, *type, *model;
    double temperature, top_p, frequency, presence;
    int max_tokens, seed;
    assert_int_equal(json_unpack(body, "{s:s, s:f, s:f, s:f, s:f, s:i, s:i, s:[{s:s}, {s:[{s:s},{s:s}]}]}",
                                 "model", &model, "temperature", &temperature, "top_p", &top_p,
                                 "frequency_penalty", &frequency, "presence_penalty", &presence, "max_tokens",
                                 &max_tokens, "seed", &seed, "messages", "content", &system, "content",
                                 "type", &type, "text", &text),
                     0);
    assert_string_equal(model, "qwen2.5-vl");
    assert_true(temperature == 0.1 && top_p == 0.9 && frequency == 0.7 && presence == 0.6);
    assert_int_equal(max_tokens, 512);
    assert_int_equal(seed, 42);
    assert_string_equal(system, request.system);
    assert_string_equal(type, "image_url");
    assert_string_equal(text, request.text);
    static const char *const absent[] = {"n", "stream", "logprobs", "top_k", "min_p", "repetition_penalty"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) assert_null(json_object_get(body, absent[i]));

    struct error error;
    struct image again;
    struct photo_facts facts;
    struct buffer jpeg = sent_picture(body, 1);
    assert_bare_jpeg(&jpeg);
    assert_ok(photo_decode_buffer(&again, jpeg.data, jpeg.length, "sent", NULL, &facts, &error), error);
    assert_false(facts.has_position);
    assert_int_equal(again.width, photo_a.width);
    assert_int_equal(again.height, photo_a.height);
    image_free(&again);
    buffer_free(&jpeg);
    json_decref(body);
    mock_server_stop(server);
}

static void sends_extensions_and_a_smaller_picture(void **state) {
    (void)state;
    struct outcome outcome = {0};
    const struct mock_step steps[] = {{.body = GOOD}};
    struct mock_server *server = mock_server_start(steps, 1, 0);
    struct endpoint_options options = some_options(mock_server_url(server));
    options.api_key = NULL;
    options.log_probs = true;
    options.max_pixels = 20000;
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question request = some_request();
    request.image = &photo_a;
    request.sampling.top_k = 20;
    request.sampling.min_p = 0.05;
    request.sampling.repetition_penalty = 1.05;
    request.sampling.seed = UINT64_MAX;
    submit(engine, &request);
    step_until_done(engine);
    assert_oslo(&outcome);
    engine_close(engine);
    assert_null(strstr(mock_server_request(server, 0)->head, "Authorization"));
    json_t *body = sent_body(server, 0);
    int top_k, log_probs, seed;
    double min_p, repetition;
    assert_int_equal(json_unpack(body, "{s:i, s:f, s:f, s:b, s:i}", "top_k", &top_k, "min_p", &min_p,
                                 "repetition_penalty", &repetition, "logprobs", &log_probs, "seed", &seed),
                     0);
    assert_true(top_k == 20 && min_p == 0.05 && repetition == 1.05 && log_probs);
    assert_int_equal(seed, INT32_MAX);
    assert_int_equal(json_array_size(json_object_get(body, "messages")), 1); // no system message
    struct error error;
    struct image again;
    struct buffer jpeg = sent_picture(body, 0);
    assert_bare_jpeg(&jpeg);
    assert_ok(photo_decode_buffer(&again, jpeg.data, jpeg.length, "sent", NULL, NULL, &error), error);
    assert_true(again.width * again.height <= 20000 && again.width * again.height > 10000);
    assert_true(again.width % 28 == 0 && again.height % 28 == 0);
    image_free(&again);
    buffer_free(&jpeg);
    json_decref(body);
    mock_server_stop(server);
}

// ---- Streams -------------------------------------------------------------------------------------------

#define EVENT(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
static const char STREAM[] =
    ": sign of life\n\n"
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n" EVENT(
        "Os") "event: whatever\r\ndata:{\"choices\":[{\"delta\":\r\ndata: "
              "{\"content\":\"l\\u00f8\"}}]}\r\n\r\n"
              "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n"
              "data: {\"choices\":[],\"usage\":{\"completion_tokens\":3}}\n\n"
              "data: [DONE]\n\n";

static void assert_streamed(struct outcome *outcome) {
    if (outcome->failures) fail_msg("%s", outcome->error.message);
    assert_int_equal(outcome->answers, 1);
    assert_string_equal(outcome->answer[0].text, "Osl\xC3\xB8");
    assert_int_equal(outcome->answer[0].tokens, 3);
    assert_true(outcome->answer[0].truncated);
    assert_string_equal(outcome->streamed.data, "Osl\xC3\xB8");
    buffer_free(&outcome->streamed);
}

static void streams_text_as_it_comes(void **state) {
    (void)state;
    struct outcome outcome;
    assert_int_equal(ASK_STREAM(&outcome, {.type = "text/event-stream", .body = STREAM}), 1);
    assert_streamed(&outcome);
    assert_int_equal(
        ASK_STREAM(&outcome, {.type = "text/event-stream; charset=utf-8", .body = STREAM, .piece = 1}), 1);
    assert_streamed(&outcome);
    // Without a length, and without the last empty line.
    assert_int_equal(
        ASK_STREAM(&outcome,
                   {.type = "text/event-stream",
                    .body = EVENT("Osl\\u00f8") "data: {\"choices\":[{\"finish_reason\":\"length\"}],"
                                                "\"usage\":{\"completion_tokens\":3}}",
                    .no_length = true}),
        1);
    assert_streamed(&outcome);
}

static void takes_a_document_for_a_stream(void **state) {
    (void)state;
    struct outcome outcome;
    assert_int_equal(ASK_STREAM(&outcome, {.body = GOOD}), 1);
    assert_oslo(&outcome);
    assert_int_equal(outcome.streamed.length, 0);
}

static void resumes_a_broken_stream_without_streaming(void **state) {
    (void)state;
    struct outcome outcome;
    size_t cut = strlen(EVENT("Os")) + 20;
    const struct mock_step steps[] = {
        {.type = "text/event-stream", .body = EVENT("Os") EVENT("lo"), .cut = cut}, {.body = GOOD}};
    struct mock_server *server = mock_server_start(steps, 2, 0);
    struct endpoint_options options = some_options(mock_server_url(server));
    outcome = (struct outcome){0};
    struct engine *engine = open_engine(&options, &outcome, true);
    struct question request = some_request();
    submit(engine, &request);
    step_until_done(engine);
    engine_close(engine);
    assert_oslo(&outcome);
    assert_string_equal(outcome.streamed.data, "Os"); // not told twice
    json_t *first = sent_body(server, 0), *second = sent_body(server, 1);
    assert_true(json_is_true(json_object_get(first, "stream")));
    assert_true(json_is_true(json_object_get(json_object_get(first, "stream_options"), "include_usage")));
    assert_null(json_object_get(second, "stream"));
    json_decref(first);
    json_decref(second);
    buffer_free(&outcome.streamed);
    mock_server_stop(server);
}

static void judges_streams(void **state) {
    (void)state;
    struct outcome outcome;
    const char *type = "text/event-stream";
    assert_int_equal(ASK_STREAM(&outcome, {.type = type, .body = EVENT("O"), .no_length = true}), 4);
    assert_failed(&outcome, "after 4 tries: the reply");
    buffer_free(&outcome.streamed);
    assert_int_equal(ASK_STREAM(&outcome, {.type = type, .body = "data: {\"choices\"\n\n"},
                                {.type = type, .body = STREAM}),
                     2);
    assert_int_equal(outcome.answers, 1);
    buffer_free(&outcome.streamed);
    assert_int_equal(
        ASK_STREAM(&outcome, {.type = type, .body = "data: {}\n\n"}, {.type = type, .body = STREAM}), 2);
    assert_int_equal(outcome.answers, 1);
    buffer_free(&outcome.streamed);
    assert_int_equal(ASK_STREAM(&outcome, {.type = type,
                                           .body = "data: {\"error\":{\"message\":\"prompt too long\","
                                                   "\"code\":400}}\n\ndata: [DONE]\n\n"}),
                     1);
    assert_failed(&outcome, "prompt too long");
    assert_int_equal(
        ASK_STREAM(&outcome,
                   {.type = type, .body = "data: {\"error\":{\"message\":\"busy\",\"code\":503}}\n\n"},
                   {.type = type, .body = STREAM}),
        2);
    assert_streamed(&outcome);
}

// ---- Several samples -----------------------------------------------------------------------------------

#define CHOICE(text, reason) "{\"message\":{\"content\":\"" text "\"},\"finish_reason\":\"" reason "\"}"
static const char THREE[] = "{\"choices\":[" CHOICE("a", "stop") "," CHOICE("b", "length") "," CHOICE(
    "c", "stop") "],\"usage\":{\"completion_tokens\":10}}";

static struct question three_samples(void) {
    struct question request = some_request();
    request.samples = 3;
    request.sampling.seed = 100;
    return request;
}

static void asks_for_several_choices(void **state) {
    (void)state;
    struct outcome outcome;
    struct question request = three_samples();
    assert_int_equal(ASK_WITH(&outcome, NULL, &request, {.body = THREE}), 1);
    assert_int_equal(outcome.answers, 3);
    size_t tokens = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(outcome.answer[i].sample, i);
        assert_int_equal(outcome.answer[i].text[0], 'a' + (int)i);
        assert_int_equal(outcome.answer[i].truncated, i == 1);
        tokens += outcome.answer[i].tokens;
    }
    assert_int_equal(tokens, 10);
}

// Asks twice, so that what was learnt of the server shows; returns what the requests asked for: "3,1+1,..".
static void ask_twice(struct outcome *outcome, const struct mock_step *steps, size_t count, char *asked,
                      size_t size) {
    *outcome = (struct outcome){0};
    struct mock_server *server = mock_server_start(steps, count, 0);
    struct endpoint_options options = some_options(mock_server_url(server));
    options.concurrency = 1; // in order
    struct engine *engine = open_engine(&options, outcome, true);
    struct question request = three_samples();
    for (int i = 0; i < 2; i++) {
        submit(engine, &request);
        step_until_done(engine);
    }
    engine_close(engine);
    size_t used = 0;
    for (size_t i = 0; i < mock_server_count(server); i++) {
        json_t *body = sent_body(server, i);
        json_t *n = json_object_get(body, "n");
        used += (size_t)snprintf(asked + used, size - used, "%d:%d ", n ? (int)json_integer_value(n) : 1,
                                 (int)json_integer_value(json_object_get(body, "seed")));
        assert_null(json_object_get(body, "stream"));
        json_decref(body);
    }
    mock_server_stop(server);
}

static void assert_six_answers(const struct outcome *outcome) {
    if (outcome->failures) fail_msg("%s", outcome->error.message);
    assert_int_equal(outcome->answers, 6);
    for (size_t i = 0; i < 6; i++) assert_int_equal(outcome->answer[i].sample, i % 3);
}

static void gets_samples_from_servers_without_n(void **state) {
    (void)state;
    struct outcome outcome;
    char asked[256];
    // One that gives a single choice whatever it is asked for,
    ask_twice(&outcome, (const struct mock_step[]){{.body = GOOD}}, 1, asked, sizeof asked);
    assert_six_answers(&outcome);
    assert_string_equal(asked, "3:100 1:101 1:102 1:100 1:101 1:102 ");
    // and one that refuses.
    const struct mock_step refusing[] = {{.status = 400, .body = "{\"error\":{\"message\":\"n must be 1\"}}"},
                                         {.body = GOOD}};
    ask_twice(&outcome, refusing, 2, asked, sizeof asked);
    assert_six_answers(&outcome);
    assert_string_equal(asked, "3:100 1:100 1:101 1:102 1:100 1:101 1:102 ");
}

static void refuses_several_samples_once(void **state) {
    (void)state;
    struct outcome outcome;
    struct question request = three_samples();
    assert_int_equal(ASK_WITH(&outcome, NULL, &request, {.status = 422, .body = "{\"detail\":\"too long\"}"}),
                     2);
    assert_failed(&outcome, "HTTP 422: too long");
    // A fault in one of three single requests ends the photo; the other two are dropped.
    assert_true(ASK_WITH(&outcome, NULL, &request, {.body = GOOD}, {.status = 404}) <= 3);
    assert_int_equal(outcome.failures, 1);
    assert_int_equal(outcome.answers, 1);
}

// ---- Log-probs -----------------------------------------------------------------------------------------

static void reads_log_probs(void **state) {
    (void)state;
    struct outcome outcome;
    // "é" as two tokens, one of which the server can only show as U+FFFD; the end of the turn is no text.
    static const char body[] =
        "{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"N\\u00ee\"},"
        "{\"type\":\"text\",\"text\":\"mes!\"}]},\"logprobs\":{\"content\":["
        "{\"token\":\"N\",\"logprob\":-0.5,\"bytes\":[78]},"
        "{\"token\":\"\\ufffd\",\"logprob\":-1,\"bytes\":[195]},"
        "{\"token\":\"\\ufffd\",\"logprob\":0.0001,\"bytes\":null},"
        "{\"token\":\"mes\",\"logprob\":-9999.0},"
        "{\"token\":\"!\",\"logprob\":-2,\"bytes\":[33]},"
        "{\"token\":\"<|im_end|>\",\"logprob\":-0.25,\"bytes\":null}]}}],"
        "\"usage\":{\"completion_tokens\":6}}";
    assert_int_equal(ASK(&outcome, {.body = body}), 1);
    assert_int_equal(outcome.answers, 1);
    assert_string_equal(outcome.answer[0].text, "N\xC3\xAEmes!");
    assert_int_equal(outcome.answer[0].tokens, 6);
    assert_true(outcome.answer[0].has_log_probs);
    static const size_t ends[] = {1, 2, 2, 6, 7, 7};
    static const float log_probs[] = {-0.5F, -1, 0, -9999, -2, -0.25F};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(outcome.answer[0].ends[i], ends[i]);
        assert_true(outcome.answer[0].log_probs[i] == log_probs[i]);
    }
    // Stray bytes, as llama-server lists them; tokens that are left out; a piece longer than it looks.
    static const char stray[] =
        "{\"choices\":[{\"message\":{\"content\":\"a\ufffdove\ufffd\u00e9, it is Oslo\"},"
        "\"logprobs\":{\"content\":[{\"bytes\":[97],\"logprob\":-1},"
        "{\"bytes\":[232,111,118,101],\"logprob\":-1},{\"bytes\":[148],\"logprob\":-1},"
        "{\"bytes\":[],\"token\":\"\",\"logprob\":-1},{\"token\":\" is\",\"logprob\":-1},"
        "{\"token\":\" Oslo\",\"logprob\":-1}]}}]}";
    assert_int_equal(ASK(&outcome, {.body = stray}), 1);
    assert_int_equal(outcome.answer[0].length, 24);
    static const size_t stray_ends[] = {1, 7, 10, 10, 19, 24};
    for (size_t i = 0; i < 6; i++) assert_int_equal(outcome.answer[0].ends[i], stray_ends[i]);
    assert_int_equal(
        ASK_STREAM(&outcome,
                   {.type = "text/event-stream",
                    .body = "data: {\"choices\":[{\"delta\":{\"content\":\"Os\"},\"logprobs\":{\"content\":["
                            "{\"token\":\"Os\",\"logprob\":-1}]}}]}\n\n"
                            "data: {\"choices\":[{\"delta\":{\"content\":\"lo\"},\"logprobs\":{\"content\":["
                            "{\"token\":\"lo\",\"logprob\":-2}]},\"finish_reason\":\"stop\"}]}\n\n"
                            "data: [DONE]\n\n"}),
        1);
    assert_string_equal(outcome.answer[0].text, "Oslo");
    assert_int_equal(outcome.answer[0].tokens, 2);
    assert_true(outcome.answer[0].log_probs[1] == -2);
    assert_int_equal(outcome.answer[0].ends[0], 2);
    assert_int_equal(outcome.answer[0].ends[1], 4);
    buffer_free(&outcome.streamed);
}

// ---- Servers that misbehave ----------------------------------------------------------------------------

static void tries_again_after_passing_troubles(void **state) {
    (void)state;
    static const int passing[] = {500, 502, 503, 408, 409, 429};
    struct outcome outcome;
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        assert_int_equal(
            ASK(&outcome, {.status = passing[i], .type = "text/html", .body = "<h1>no</h1>"}, {.body = GOOD}),
            2);
        assert_oslo(&outcome);
    }
    assert_int_equal(ASK(&outcome, {.slam = true}, {.body = GOOD}), 2);
    assert_oslo(&outcome);
    assert_int_equal(ASK(&outcome, {.body = GOOD, .cut = 40}, {.body = GOOD}), 2);
    assert_oslo(&outcome);
    // Half an answer whose length nobody told.
    assert_int_equal(ASK(&outcome, {.body = "{\"choices\":[{\"mess", .no_length = true}, {.body = GOOD}), 2);
    assert_oslo(&outcome);
}

static void waits_longer_from_try_to_try(void **state) {
    (void)state;
    struct outcome outcome;
    double start = seconds_now();
    assert_int_equal(
        ASK(&outcome, {.status = 503, .body = "{\"error\":{\"message\":\"Loading\\nmodel\",\"code\":503}}"}),
        4);
    double took = seconds_now() - start; // 0.25..0.5 + 0.5..1 + 1..2
    assert_true(took > 1.7 && took < 6);
    assert_failed(&outcome, "/v1/chat/completions: after 4 tries: HTTP 503: Loading model");
    struct endpoint_options options = some_options(NULL);
    options.retries = 0;
    assert_int_equal(
        ASK_WITH(&outcome, &options, NULL, {.status = 500, .type = "text/plain", .body = "Ouch\n"}), 1);
    assert_failed(&outcome, "/v1/chat/completions: HTTP 500: Ouch");
}

static void obeys_retry_after(void **state) {
    (void)state;
    struct outcome outcome;
    double start = seconds_now();
    assert_int_equal(ASK(&outcome, {.status = 429, .headers = "Retry-After: 1\r\n"}, {.body = GOOD}), 2);
    assert_oslo(&outcome);
    assert_true(seconds_now() - start > 0.95 && seconds_now() - start < 4);

    char date[80];
    time_t then = time(NULL) + 3;
    struct tm parts;
    gmtime_r(&then, &parts);
    strftime(date, sizeof date, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    start = seconds_now();
    assert_int_equal(ASK(&outcome, {.status = 503, .headers = date}, {.body = GOOD}), 2);
    assert_oslo(&outcome);
    assert_true(seconds_now() - start > 1.9 && seconds_now() - start < 6);

    assert_int_equal(ASK(&outcome, {.status = 429, .headers = "Retry-After: 86400\r\n"}), 1);
    assert_failed(&outcome, "asks to wait 86400 seconds: HTTP 429");
    start = seconds_now();
    assert_int_equal(ASK(&outcome, {.status = 429, .headers = "Retry-After: -5\r\n"}, {.body = GOOD}), 2);
    assert_true(seconds_now() - start < 3);
}

static void gives_up_at_once_when_refused(void **state) {
    (void)state;
    static const int final[] = {400, 401, 403, 404, 413, 422, 501, 204};
    struct outcome outcome;
    for (size_t i = 0; i < sizeof final / sizeof *final; i++) {
        char text[32];
        snprintf(text, sizeof text, "completions: HTTP %d", final[i]);
        assert_int_equal(ASK(&outcome, {.status = final[i]}, {.body = GOOD}), 1);
        assert_failed(&outcome, text);
    }
    // The server's words: short, without the key, without the picture.
    assert_int_equal(
        ASK(&outcome, {.status = 401, .body = "{\"error\":{\"message\":\"Wrong key sk-very-secret-key!\"}}"}),
        1);
    assert_failed(&outcome, "HTTP 401: Wrong key ******************!");
    assert_int_equal(
        ASK(&outcome, {.status = 400, .body = "{\"error\":\"Bad url: data:image/jpeg;base64,/9j/4AAQ\"}"}),
        1);
    assert_failed(&outcome, "HTTP 400: Bad url:");
    assert_null(strstr(outcome.error.message, "/9j"));
    assert_int_equal(ASK(&outcome, {.status = 400, .body = "x", .repeat = 100000}), 1);
    assert_failed(&outcome, "HTTP 400");
    assert_null(strstr(outcome.error.message, "xx"));
}

static void refuses_nonsense(void **state) {
    (void)state;
    static const struct {
        const char *body, *type, *text;
    } cases[] = {
        {"", NULL, "is empty"},
        {"\xEF\xBB\xBF \n", NULL, "is empty"},
        {"\x01\x02 garbage", NULL, "is not JSON"},
        {"<html>Welcome</html>", "text/html", "is a web page"},
        {"{\"choices\":[{\"message\":{\"content\":\"\xFF\"}}]}", NULL, "is not JSON"},
        {"[1]", NULL, "is no JSON object"},
        {"{}", NULL, "has no list of \"choices\""},
        {"{\"choices\":{}}", NULL, "has no list of \"choices\""},
        {"{\"choices\":null}", NULL, "has no list of \"choices\""},
        {"{\"choices\":[]}", NULL, "empty list of \"choices\""},
        {"{\"choices\":[5]}", NULL, "without \"message\""},
        {"{\"choices\":[{}]}", NULL, "without \"message\""},
        {"{\"choices\":[{\"message\":{\"content\":5}}]}", NULL, "\"content\" that is no text"},
        {"{\"choices\":[{\"message\":{\"content\":[{\"type\":\"image\"}]}}]}", NULL,
         "\"content\" that is no text"},
        {"{\"error\":{\"message\":\"no such model\",\"code\":404}}", NULL, "an error: no such model"},
        {"{\"error\":{}}", NULL, "an error: nothing more"},
    };
    struct outcome outcome;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ASK(&outcome, {.body = cases[i].body, .type = cases[i].type}, {.body = GOOD}), 1);
        assert_failed(&outcome, cases[i].text);
    }
}

static void takes_odd_but_sound_answers(void **state) {
    (void)state;
    struct outcome outcome;
    // Nothing was said: an answer all the same.
    assert_int_equal(
        ASK(&outcome,
            {.body = "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"length\"}]}"}),
        1);
    assert_int_equal(outcome.answers, 1);
    assert_int_equal(outcome.answer[0].length, 0);
    assert_true(outcome.answer[0].truncated);
    assert_int_equal(
        ASK(&outcome, {.body = "{\"choices\":[{\"message\":{\"content\":null}}],\"usage\":null}"}), 1);
    assert_int_equal(outcome.answers, 1);
    assert_int_equal(outcome.answer[0].length, 0);
    // JSON under another name, more choices than wanted, a NUL.
    assert_int_equal(ASK(&outcome, {.type = "text/plain", .body = THREE}), 1);
    assert_int_equal(outcome.answers, 1);
    assert_string_equal(outcome.answer[0].text, "a");
    assert_int_equal(ASK(&outcome, {.body = "{\"choices\":[{\"message\":{\"content\":\"a\\u0000b\"}}]}"}), 1);
    assert_int_equal(outcome.answer[0].length, 3);
}

static void does_not_wait_forever(void **state) {
    (void)state;
    struct outcome outcome;
    struct endpoint_options options = some_options(NULL);
    options.timeout = 0.5;
    double start = seconds_now();
    assert_int_equal(ASK_WITH(&outcome, &options, NULL, {.body = GOOD, .piece = 1, .pause = 0.1}), 1);
    assert_failed(&outcome, "no answer within 0.5 seconds");
    assert_true(seconds_now() - start < 3);
}

static void bounds_the_reply(void **state) {
    (void)state;
    struct outcome outcome;
    char *megabyte = malloc((1 << 20) + 1);
    memset(megabyte, 'x', 1 << 20);
    megabyte[1 << 20] = 0;
    assert_int_equal(ASK(&outcome, {.body = megabyte, .repeat = 70}), 1);
    assert_failed(&outcome, "larger than 64 MB");
    assert_int_equal(
        ASK_STREAM(&outcome,
                   {.type = "text/event-stream", .body = megabyte, .repeat = 70, .no_length = true}),
        1);
    assert_failed(&outcome, "larger than 64 MB");
    free(megabyte);
}

static void follows_no_redirect(void **state) {
    (void)state;
    struct outcome outcome;
    const struct mock_step good = {.body = GOOD};
    struct mock_server *other = mock_server_start(&good, 1, 0);
    static const int redirects[] = {301, 302, 307, 308};
    for (size_t i = 0; i < sizeof redirects / sizeof *redirects; i++) {
        char header[128], shown[128];
        snprintf(header, sizeof header, "Location: http://user:pass@localhost:%d/v1/x?q=1\r\n",
                 mock_server_port(other));
        snprintf(shown, sizeof shown, "HTTP %d: a redirect to http://localhost:%d/v1/x, which", redirects[i],
                 mock_server_port(other));
        assert_int_equal(ASK(&outcome, {.status = redirects[i], .headers = header}), 1);
        assert_failed(&outcome, shown);
    }
    assert_int_equal(mock_server_connections(other), 0);
    mock_server_stop(other);
}

static void names_a_server_that_is_not_there(void **state) {
    (void)state;
    const struct mock_step good = {.body = GOOD};
    struct mock_server *server = mock_server_start(&good, 1, 0);
    char url[128];
    snprintf(url, sizeof url, "http://me:hidden@127.0.0.1:%d/v1?token=hidden", mock_server_port(server));
    mock_server_stop(server);
    struct outcome outcome = {0};
    struct endpoint_options options = some_options(url);
    options.retries = 1;
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question request = some_request();
    submit(engine, &request);
    step_until_done(engine);
    engine_close(engine);
    assert_failed(&outcome, "/v1/chat/completions: after 2 tries: ");
    assert_null(strstr(outcome.error.message, "hidden"));
    assert_null(strstr(outcome.error.message, KEY));
}

// ---- Many at once --------------------------------------------------------------------------------------

static void keeps_sixty_four_busy(void **state) {
    (void)state;
    struct outcome outcome = {0};
    const struct mock_step good = {.body = GOOD};
    struct mock_server *server = mock_server_start(&good, 1, 64); // no answer before 64 have come
    struct endpoint_options options = some_options(mock_server_url(server));
    options.concurrency = 64;
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question request = some_request();
    size_t submitted = 0;
    assert_true(engine_room(engine) >= 64);
    for (; engine_room(engine); submitted++) {
        request.photo = submitted;
        submit(engine, &request);
    }
    assert_true(submitted > 64); // a few are made ready beforehand
    assert_int_equal(engine_flying(engine), submitted);
    step_until_done(engine);
    assert_int_equal(outcome.answers, submitted);
    assert_int_equal(mock_server_count(server), submitted);
    assert_int_equal(mock_server_most(server), 64);
    bool seen[MOST_ANSWERS] = {false};
    for (size_t i = 0; i < submitted; i++) {
        assert_false(seen[outcome.answer[i].photo]);
        seen[outcome.answer[i].photo] = true;
    }
    engine_close(engine);
    mock_server_stop(server);
}

static void uses_a_connection_again(void **state) {
    (void)state;
    struct outcome outcome = {0};
    const struct mock_step good = {.body = GOOD};
    struct mock_server *server = mock_server_start(&good, 1, 0);
    struct endpoint_options options = some_options(mock_server_url(server));
    options.concurrency = 1;
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question request = some_request();
    for (int i = 0; i < 4; i++) submit(engine, &request);
    outcome.more = &request; // an event may submit
    step_until_done(engine);
    assert_int_equal(outcome.answers, 5);
    assert_int_equal(mock_server_connections(server), 1);
    assert_int_equal(mock_server_most(server), 1);
    engine_close(engine);
    mock_server_stop(server);
}

static void can_be_freed_in_flight(void **state) {
    (void)state;
    struct outcome outcome = {0};
    const struct mock_step steps[] = {{.status = 500}, {.body = GOOD, .piece = 1, .pause = 0.05}};
    struct mock_server *server = mock_server_start(steps, 2, 0);
    struct endpoint_options options = some_options(mock_server_url(server));
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question request = three_samples();
    for (int i = 0; i < 8; i++) submit(engine, &request);
    struct error error;
    for (int i = 0; i < 10; i++) assert_ok(engine_step(engine, &error), error);
    double start = seconds_now();
    engine_close(engine);
    assert_true(seconds_now() - start < 1);
    assert_int_equal(outcome.failures, 0); // no events for what was cancelled
    mock_server_stop(server);
}

static void an_idle_engine_does_not_wait(void **state) {
    (void)state;
    struct outcome outcome = {0};
    struct error error;
    struct endpoint_options options = some_options("http://127.0.0.1:9/v1");
    struct engine *engine = open_engine(&options, &outcome, false);
    double start = seconds_now();
    for (int i = 0; i < 1000; i++) assert_ok(engine_step(engine, &error), error);
    assert_true(seconds_now() - start < 1);
    engine_close(engine);
}

// ---- Options and requests ------------------------------------------------------------------------------

static void checks_options(void **state) {
    (void)state;
    struct error error;
    const struct endpoint_options good = some_options("http://127.0.0.1:1/v1");
    struct endpoint_options bad;
#define REFUSED(field, value, text)                                                         \
    do {                                                                                    \
        bad = good;                                                                         \
        bad.field = value;                                                                  \
        assert_error(engine_open_endpoint(&bad, &error) == NULL, error, ERROR_USAGE, text); \
    } while (0)
    REFUSED(url, NULL, "no URL");
    REFUSED(url, "", "no URL");
    REFUSED(model, "", "name of a model");
    REFUSED(concurrency, 0, "0 requests at once");
    REFUSED(concurrency, 257, "257 requests at once");
    REFUSED(retries, -1, "-1 retries");
    REFUSED(timeout, 0, "time-out of 0");
    REFUSED(timeout, (double)NAN, "time-out");
    REFUSED(jpeg_quality, 0, "quality 0");
    REFUSED(max_pixels, 100, "100 pixels");
    REFUSED(api_key, "good\r\nX-Evil: 1", "API key");
    REFUSED(api_key, "tür", "API key");
    REFUSED(url, "ftp://example.org/v1", "\"ftp:\"");
    REFUSED(url, "file:///etc/passwd", "http");
    REFUSED(url, "127.0.0.1:8000/v1", "no URL such as");
    REFUSED(url, "http://", "no URL such as");
    REFUSED(url, "http://user:hidden@host:99999999/", "no URL such as");
    assert_null(strstr(error.message, "hidden"));
#undef REFUSED
}

static void completes_urls(void **state) {
    (void)state;
    static const struct {
        const char *given, *address, *shown;
        bool open;
    } cases[] = {
        {"http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1/chat/completions", NULL, false},
        {"http://localhost:8000/v1/", "http://localhost:8000/v1/chat/completions", NULL, false},
        {"http://[::1]:8000", "http://[::1]:8000/v1/chat/completions", NULL, false},
        {"HTTP://10.0.0.1//", "http://10.0.0.1/v1/chat/completions", NULL, true},
        {"https://example.org/api/chat/completions", "https://example.org/api/chat/completions", NULL, false},
        {"https://me:pw@example.org/a?version=2#x", "https://me:pw@example.org/a/chat/completions?version=2",
         "https://example.org/a/chat/completions", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error;
        struct endpoint_url url;
        assert_ok(endpoint_url_make(&url, cases[i].given, &error), error);
        assert_string_equal(url.address, cases[i].address);
        assert_string_equal(url.shown, cases[i].shown ? cases[i].shown : cases[i].address);
        assert_int_equal(url.open, cases[i].open);
        endpoint_url_free(&url);
    }
}

static void checks_requests(void **state) {
    (void)state;
    struct error error;
    struct outcome outcome = {0};
    struct endpoint_options options = some_options("http://127.0.0.1:9/v1");
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question request = some_request();
    request.samples = 0;
    assert_error(try_to_submit(engine, &request, NULL, &error), error, ERROR_USAGE, "0 samples");
    request = some_request();
    request.max_tokens = 0;
    assert_error(try_to_submit(engine, &request, NULL, &error), error, ERROR_USAGE, "0 tokens");
    request = some_request();
    request.sampling.temperature = -1;
    assert_error(try_to_submit(engine, &request, NULL, &error), error, ERROR_USAGE, "temperature");
    request = some_request();
    request.text = "\xFF";
    assert_error(try_to_submit(engine, &request, NULL, &error), error, ERROR_INPUT,
                 "a.jpg: the prompt is not valid UTF-8");
    request = some_request();
    request.image = &(struct image){0};
    assert_error(try_to_submit(engine, &request, NULL, &error), error, ERROR_INPUT, "a.jpg: ");
    assert_int_equal(engine_flying(engine), 0);
    assert_int_equal(outcome.failures, 0);
    engine_close(engine);
}

// Every beginning of a good reply is a broken one.
static void no_beginning_passes_for_the_whole(void **state) {
    (void)state;
    for (size_t length = 0; length < strlen(GOOD); length++) {
        struct error error;
        struct endpoint_reply reply = {0};
        char *part = malloc(length + 1); // exactly as long, for the sanitizer
        memcpy(part, GOOD, length);
        enum endpoint_outcome outcome = endpoint_reply_read(&reply, part, length, 1, &error);
        assert_int_equal(outcome, length == 0 ? ENDPOINT_FAILED : ENDPOINT_PASSING);
        endpoint_reply_free(&reply);
        free(part);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_what_was_asked),
        cmocka_unit_test(sends_extensions_and_a_smaller_picture),
        cmocka_unit_test(streams_text_as_it_comes),
        cmocka_unit_test(takes_a_document_for_a_stream),
        cmocka_unit_test(resumes_a_broken_stream_without_streaming),
        cmocka_unit_test(judges_streams),
        cmocka_unit_test(asks_for_several_choices),
        cmocka_unit_test(gets_samples_from_servers_without_n),
        cmocka_unit_test(refuses_several_samples_once),
        cmocka_unit_test(reads_log_probs),
        cmocka_unit_test(tries_again_after_passing_troubles),
        cmocka_unit_test(waits_longer_from_try_to_try),
        cmocka_unit_test(obeys_retry_after),
        cmocka_unit_test(gives_up_at_once_when_refused),
        cmocka_unit_test(refuses_nonsense),
        cmocka_unit_test(takes_odd_but_sound_answers),
        cmocka_unit_test(does_not_wait_forever),
        cmocka_unit_test(bounds_the_reply),
        cmocka_unit_test(follows_no_redirect),
        cmocka_unit_test(names_a_server_that_is_not_there),
        cmocka_unit_test(keeps_sixty_four_busy),
        cmocka_unit_test(uses_a_connection_again),
        cmocka_unit_test(can_be_freed_in_flight),
        cmocka_unit_test(an_idle_engine_does_not_wait),
        cmocka_unit_test(checks_options),
        cmocka_unit_test(completes_urls),
        cmocka_unit_test(checks_requests),
        cmocka_unit_test(no_beginning_passes_for_the_whole),
    };
    return cmocka_run_group_tests(tests, load_photos, free_photos);
}
