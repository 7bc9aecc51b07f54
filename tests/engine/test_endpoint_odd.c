// Servers as they are: fields that are missing, null or of another type; streams and documents under other
// names; refused fields; reasoning beside the content; keys sent back; servers that go away.
#include "engine/ask_endpoint.h"
#include "engine/endpoint_health.h"
#include "engine/endpoint_terms.h"
#include "engine/endpoint_trust.h"
#include "engine/endpoint_url.h"

static const char PACKED[] = // GOOD, as gzip
    "\x1F\x8B\x08\x00\x00\x00\x00\x00\x02\x03\x45\xCC\x41\x0A\x80\x20\x10\x46\xE1\xBB"
    "\xFC\x6B\xF7\x81\x97\xE8\x00\x11\x22\x32\xA5\xA4\x33\xD2\x4C\x2B\xF1\xEE\xB5\x6B"
    "\xFB\xE0\x7B\x03\x29\x4B\x49\xA4\xF0\xDB\x40\x23\xD5\x78\x12\xFC\x40\x12\x36\x62"
    "\x83\xC7\xAA\x55\x30\x1D\x8E\xC2\x45\x73\xB8\x29\xAA\xF0\xD7\xD5\xA4\x63\xEE\x0E"
    "\xCF\x6F\x5A\xAF\x64\x45\x38\x98\x5C\xC4\xDF\x74\x99\xF3\x05\x8C\x35\xBF\xE6\x63"
    "\x00\x00\x00";

// ---- documents ------------------------------------------------------------------------------------------

static void takes_documents_with_odd_fields(void **state) {
    (void)state;
#define OSLO(rest) "{\"choices\":[{\"message\":{\"content\":\"Oslo\"}" rest
    static const char *const bodies[] = {
        OSLO("}]}"),
        OSLO(",\"index\":\"0\",\"finish_reason\":null}],\"id\":5,\"created\":1.5,\"model\":null}"),
        OSLO(",\"finish_reason\":5}],\"usage\":\"none\"}"),
        OSLO(",\"finish_reason\":\"\"}],\"usage\":{\"completion_tokens\":null}}"),
        OSLO(",\"finish_reason\":\"eos_token\"}],\"usage\":[1],\"error\":null}"),
        OSLO(",\"finish_reason\":{\"type\":\"stop\"}}],\"usage\":{\"completion_tokens\":-1}}"),
        OSLO(",\"logprobs\":{}}]}"),
        OSLO(",\"logprobs\":true}]}"),
        OSLO(",\"logprobs\":{\"content\":null}}]}"),
        OSLO(",\"logprobs\":[{\"token\":\"Oslo\",\"logprob\":-1}]}]}"),
        OSLO(",\"logprobs\":{\"content\":5}}]}"),
        OSLO(",\"logprobs\":{\"content\":[{\"token\":\"Oslo\"}]}}]}"),
        OSLO(",\"logprobs\":{\"content\":[{\"token\":\"Oslo\",\"logprob\":2}]}}]}"),
        OSLO(",\"logprobs\":{\"content\":[{\"token\":5,\"logprob\":-2}]}}]}"),
        OSLO(",\"logprobs\":{\"content\":[{\"token\":\"Oslo\",\"logprob\":-Infinity},{\"logprob\":NaN}]}}]}"),
        OSLO(",\"logprobs\":{\"tokens\":[\"Oslo\"],\"token_logprobs\":[null]}}]}"),
        "{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"Os\"},\"lo\"]}}]}",
        "{\"choices\":[{\"message\":{\"content\":{\"type\":\"text\",\"text\":\"Oslo\"}}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"Oslo\"}}]}",
        "{\"choices\":[{\"text\":\"Oslo\"}]}",
        "[" OSLO("}]}") "]",
        "\xEF\xBB\xBF\r\n" OSLO("}]}") "\r\n\r\n",
        ": PROCESSING\n\n: PROCESSING\n\n" OSLO("}]}"),
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct outcome outcome;
        static const char *const types[] = {"application/json", "text/event-stream"};
        assert_int_equal(ASK(&outcome, {.body = bodies[i], .type = types[i % 2]}), 1);
        if (outcome.answers != 1 || strcmp(outcome.answer[0].text, "Oslo") != 0)
            fail_msg("%s: \"%s\" %s", bodies[i], outcome.answers ? outcome.answer[0].text : "",
                     outcome.error.message);
        assert_false(outcome.answer[0].truncated);
        assert_false(outcome.answer[0].has_log_probs);
    }
#undef OSLO
}

static void takes_an_answer_that_says_nothing(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "{\"choices\":[{\"message\":{\"content\":null},\"finish_reason\":\"length\"}]}",
        "{\"choices\":[{\"message\":{\"role\":\"assistant\"},\"finish_reason\":\"MAX_TOKENS\"}]}",
        "{\"choices\":[{\"message\":null,\"finish_reason\":\"length\"}]}",
        "{\"choices\":[{\"finish_reason\":\"content_filter\"}]}",
        "{\"choices\":[{\"message\":{\"content\":[]}}],\"usage\":{\"completion_tokens\":100}}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct outcome outcome;
        assert_int_equal(ASK(&outcome, {.body = bodies[i]}), 1);
        assert_int_equal(outcome.answers, 1);
        assert_int_equal(outcome.answer[0].length, 0);
        assert_true(outcome.answer[0].truncated); // all told so, or used up their tokens
    }
}

static void reads_the_older_log_probs(void **state) {
    (void)state;
    struct outcome outcome;
    assert_int_equal(ASK(&outcome, {.body = "{\"choices\":[{\"message\":{\"content\":\"Oslo\"},\"logprobs\":{"
                                            "\"tokens\":[\"Os\",\"lo\"],\"token_logprobs\":[-1,-2]}}]}"}),
                     1);
    assert_true(outcome.answer[0].has_log_probs);
    assert_true(outcome.answer[0].log_probs[1] == -2);
    assert_int_equal(outcome.answer[0].ends[0], 2);
}

static void asks_again_for_what_was_broken_off(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "{\"choices\":[{\"message\":{\"content\":\"Os\"},\"finish_reason\":\"abort\"}]}",
        "{\"error\":{\"message\":\"engine died\",\"type\":\"server_error\"}}",
        "{\"error\":{\"message\":\"later\",\"code\":\"503\"}}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct outcome outcome;
        assert_int_equal(ASK(&outcome, {.body = bodies[i]}, {.body = GOOD}), 2);
        assert_oslo(&outcome);
    }
}

static void unpacks(void **state) {
    (void)state;
    struct outcome outcome;
    const char *header = "Content-Encoding: gzip\r\n";
    size_t size = sizeof PACKED - 1;
    assert_int_equal(ASK(&outcome, {.body = PACKED, .body_length = size, .headers = header}), 1);
    assert_oslo(&outcome);
    assert_int_equal(ASK(&outcome, {.body = PACKED, .body_length = size - 20, .headers = header},
                         {.body = PACKED, .body_length = size, .headers = header}),
                     2);
    assert_oslo(&outcome);
}

// ---- streams --------------------------------------------------------------------------------------------

#define DELTA(text) \
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"},\"finish_reason\":null}]}\n\n"
#define EMPTY(text) \
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"},\"finish_reason\":\"\"}]}\n\n"
#define STOP "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define DONE "data: [DONE]\n\n"

static void reads_streams_of_all_kinds(void **state) {
    (void)state;
    static const char *const bodies[] = {
        DELTA("Os") DELTA("lo") STOP DONE,
        DELTA("Os") DELTA("lo") STOP,
        DELTA("Os") DELTA("lo") DONE,
        EMPTY("Os") EMPTY("lo") STOP DONE,
        "\xEF\xBB\xBF" DELTA("Os") DELTA("lo") STOP DONE,
        ": ping\n\n" DELTA("Os") ":\n\n" DELTA("lo") STOP DONE,
        "event: tool.progress\ndata: {\"tool\":\"x\",\"detail\":\"y\"}\n\n" DELTA(
            "Os") "event: ping\ndata: ping\n\ndata:\n\ndata: [1]\n\ndata: null\n\n" DELTA("lo") STOP DONE,
        "data: {\"choices\":null}\n\ndata: {\"choices\":[null]}\n\n" DELTA("Oslo") STOP
        "data: {\"usage\":{}}\n\n",
        "data: {\"error\":\"\",\"choices\":[{\"delta\":{\"content\":\"Oslo\"}}]}\n\n" STOP,
        "data:{\"choices\":[{\"delta\":{\"content\":\"Oslo\"},\"finish_reason\":\"eos\"}]}\r\rdata:[DONE]"
        "\r\r",
        "data: {\"choices\":[\ndata: {\"delta\":{\"content\":\ndata: \"Oslo\"}}]}\n\n" DONE,
        "data: {\"choices\":[{\"delta\":{\"content\":\"Os\"}}]}\ndata: "
        "{\"choices\":[{\"delta\":{\"content\":\"lo\"},"
        "\"finish_reason\":\"stop\"}]}\ndata: [DONE]\n",
        "{\"choices\":[{\"delta\":{\"content\":\"Os\"}}]}\n{\"choices\":[{\"delta\":{\"content\":\"lo\"},"
        "\"finish_reason\":\"stop\"}]}\n",
        "data: {\"choices\":[{\"message\":{\"content\":\"Oslo\"},\"finish_reason\":\"stop\"}]}\n\n",
        DELTA("Oslo") "data: "
                      "{\"choices\":[{\"message\":{\"content\":\"Oslo\"},\"finish_reason\":\"stop\"}]}\n\n",
        "data: "
        "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"Oslo\"}},{\"index\":2,\"delta\":{\"content\":"
        "\"no\"}}]}\n\n" DONE,
    };
    static const char *const types[] = {"text/event-stream", "application/json", "text/plain"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
            struct outcome outcome;
            assert_int_equal(ASK_STREAM(&outcome, {.type = types[t], .body = bodies[i], .piece = 1 + 40 * t}),
                             1);
            if (outcome.answers != 1 || strcmp(outcome.answer[0].text, "Oslo") != 0)
                fail_msg("%s: \"%s\" %s", bodies[i], outcome.answers ? outcome.answer[0].text : "",
                         outcome.error.message);
            buffer_free(&outcome.streamed);
        }
}

static void half_a_stream_is_no_answer(void **state) {
    (void)state;
    static const char *const halves[] = {
        DELTA("Os"), EMPTY("Os"), DELTA("Os") "data: {\"choices\":[{\"del",
        DELTA("Os") "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n",
        DELTA("Os") "event: error\ndata: {\"message\":\"boom\",\"code\":503}\n\n" DONE};
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++)
        for (size_t cut = 0; cut < 2; cut++) {
            struct outcome outcome;
            const char *type = i % 2 ? "text/event-stream" : "text/plain";
            assert_int_equal(ASK_STREAM(&outcome,
                                        {.type = type, .body = halves[i], .cut = cut * strlen(halves[i])},
                                        {.body = GOOD}),
                             2);
            assert_oslo(&outcome);
            buffer_free(&outcome.streamed);
        }
    // "stop" in every event tells nothing when the connection breaks.
    struct outcome outcome;
    const char *body =
        "data: {\"choices\":[{\"delta\":{\"content\":\"O\"},\"finish_reason\":\"stop\"}]}\n\n"
        "data: {\"choices\":[{\"delta\":{\"content\":\"s\"},\"finish_reason\":\"stop\"}]}\n\n" DELTA("lo");
    assert_int_equal(ASK_STREAM(&outcome,
                                {.type = "text/event-stream", .body = body, .cut = strlen(body) - 70},
                                {.body = GOOD}),
                     2);
    assert_oslo(&outcome);
    buffer_free(&outcome.streamed);
}

// ---- reasoning beside the content -----------------------------------------------------------------------

static void reads_reasoning_beside_the_content(void **state) {
    (void)state;
    static const struct {
        const char *body, *text;
    } cases[] = {
        {"{\"choices\":[{\"message\":{\"content\":\"Oslo\",\"reasoning_content\":\"Roofs\"}}]}",
         "<think>Roofs</think>\nOslo"},
        {"{\"choices\":[{\"message\":{\"content\":\"Oslo\",\"reasoning\":\"Roofs\",\"reasoning_content\":"
         "\"Roofs\"}}]}",
         "<think>Roofs</think>\nOslo"},
        {"{\"choices\":[{\"message\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\","
         "\"text\":"
         "\"Roofs\"}]},{\"type\":\"text\",\"text\":\"Oslo\"}]}}]}",
         "<think>Roofs</think>\nOslo"},
        {"{\"choices\":[{\"message\":{\"content\":null,\"thinking\":\"Roofs\"}}]}", "<think>Roofs"},
        {"{\"choices\":[{\"message\":{\"content\":\"\",\"reasoning\":\"<think>Roofs</think>Oslo\"}}]}",
         "<think>Roofs</think>Oslo"},
        {"{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"No.\"}}]}", "No."},
        {"data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"Ro\"}}]}\n\n"
         "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"ofs\"}}]}\n\n"
         "data: {\"choices\":[{\"delta\":{\"content\":\"Os\"}}]}\n\n"
         "data: {\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}\n\n" DONE,
         "<think>Roofs</think>\nOslo"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome outcome;
        assert_int_equal(ASK(&outcome, {.body = cases[i].body}), 1);
        assert_int_equal(outcome.answers, 1);
        assert_string_equal(outcome.answer[0].text, cases[i].text);
    }
}

// ---- refused fields -------------------------------------------------------------------------------------

// Two requests, so that what was learnt shows: the first is refused and asked again, the second is not.
static void ask_refusing(const char *field, const char *complaint, const char *absent, const char *present,
                         const char *changes) {
    struct outcome outcome = {0};
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", field);
    const struct mock_step steps[] = {{.body = GOOD, .refuse = quoted, .complaint = complaint}};
    struct mock_server *server = mock_server_start(steps, 1, 0);
    struct endpoint_options options = some_options(mock_server_url(server));
    options.log_probs = true;
    options.concurrency = 1;
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question request = some_request();
    request.sampling.top_k = 20;
    request.sampling.min_p = 0.1;
    request.sampling.repetition_penalty = 1.1;
    assert_string_equal(engine_changes(engine), "");
    for (int i = 0; i < 2; i++) {
        submit(engine, &request);
        step_until_done(engine);
    }
    if (outcome.failures) fail_msg("%s: %s", complaint, outcome.error.message);
    assert_int_equal(outcome.answers, 2);
    assert_int_equal(mock_server_count(server), 3);
    assert_string_equal(engine_changes(engine), changes);
    engine_close(engine);
    json_t *body = sent_body(server, 2);
    assert_null(json_object_get(body, absent));
    if (present) assert_non_null(json_object_get(body, present));
    json_decref(body);
    mock_server_stop(server);
}

static void leaves_out_what_is_refused(void **state) {
    (void)state;
    ask_refusing("logprobs", "{\"error\":{\"message\":\"Unsupported parameter: 'logprobs'\"}}", "logprobs",
                 "seed", "logprobs left out");
    ask_refusing("logprobs", "logprobs is not supported", "logprobs", "seed", "logprobs left out");
    ask_refusing("max_tokens",
                 "{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' "
                 "instead.\"}}",
                 "max_tokens", "max_completion_tokens", "max_tokens sent as max_completion_tokens");
    ask_refusing("seed", "{\"error\":{\"message\":\"Invalid request\",\"param\":\"seed\"}}", "seed",
                 "logprobs", "seed left out");
    ask_refusing(
        "min_p",
        "{\"error\":\"unknown field `min_p`, expected one of `model`, `seed`, `temperature`, `top_p`\"}",
        "min_p", "seed", "min_p left out");
    ask_refusing("top_k",
                 "{\"detail\":[{\"loc\":[\"body\",\"top_k\"],\"msg\":\"Extra inputs are not permitted\"}]}",
                 "top_k", "min_p", "top_k left out");
    ask_refusing("repetition_penalty", "json: unknown field \"repetition_penalty\"", "repetition_penalty",
                 "top_k", "repetition_penalty left out");
    ask_refusing("temperature", "{\"message\":\"temperature: only the default value is supported\"}",
                 "temperature", "top_p", "temperature left out");
}

static void learns_only_from_complaints_about_fields(void **state) {
    (void)state;
    static const struct {
        const char *complaint;
        bool named;
        enum endpoint_field learnt; // ENDPOINT_FIELDS: nothing
    } cases[] = {
        {"Only n=1 is supported", false, FIELD_N},
        {"n must be 1 when using greedy sampling, got 3.", false, FIELD_N},
        {"Unsupported parameter: 'n'", false, FIELD_N},
        {"This is not a valid image", false, ENDPOINT_FIELDS},
        {"top_logprobs must be set when logprobs is used", false, FIELD_LOGPROBS},
        {"Streaming is not supported", false, FIELD_STREAM},
        {"stream_options can only be defined when stream=True", false, FIELD_STREAM_OPTIONS},
        {"the model's temperature was fine", false, ENDPOINT_FIELDS},
        {"max_tokens is too large: 1024", false, ENDPOINT_FIELDS},
        {"maximum context length is 2048 tokens, please reduce max_tokens: unsupported", false,
         ENDPOINT_FIELDS},
        {"'messages'\nunsupported seed image", true, ENDPOINT_FIELDS},
        {"'seed'\n", true, FIELD_SEED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint_terms terms = {0};
        const struct endpoint_terms before = {0};
        bool sent[ENDPOINT_FIELDS], changes;
        for (int f = 0; f < ENDPOINT_FIELDS; f++) sent[f] = f != FIELD_MAX_COMPLETION_TOKENS;
        struct buffer what = {0};
        enum endpoint_lesson lesson =
            endpoint_terms_learn(&terms, &before, sent, cases[i].complaint, cases[i].named, &what, &changes);
        bool learns = cases[i].learnt != ENDPOINT_FIELDS;
        if (lesson != (learns ? LESSON_NEW : LESSON_NONE))
            fail_msg("%s: %d", cases[i].complaint, (int)lesson);
        if (learns && !terms.refused[cases[i].learnt]) fail_msg("%s: another field", cases[i].complaint);
        if (learns) { // a second request, that was under way: known; one asked under these terms: something else
            assert_int_equal(endpoint_terms_learn(&terms, &before, sent, cases[i].complaint, cases[i].named,
                                                  &what, &changes),
                             LESSON_KNOWN);
            const struct endpoint_terms after = terms;
            assert_int_equal(endpoint_terms_learn(&terms, &after, sent, cases[i].complaint, cases[i].named,
                                                  &what, &changes),
                             LESSON_NONE);
        }
        buffer_free(&what);
    }
}

static void is_never_greedy_where_that_is_refused(void **state) {
    (void)state;
    struct outcome outcome = {0};
    const struct mock_step steps[] = {
        {.status = 422, .body = "{\"error\":\"`temperature` must be strictly positive\"}"}, {.body = GOOD}};
    struct mock_server *server = mock_server_start(steps, 2, 0);
    struct endpoint_options options = some_options(mock_server_url(server));
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question request = some_request();
    request.sampling.temperature = 0;
    submit(engine, &request);
    step_until_done(engine);
    assert_oslo(&outcome);
    assert_string_equal(engine_changes(engine), "temperature 0 sent as 0.01");
    engine_close(engine);
    json_t *body = sent_body(server, 1);
    assert_true(json_real_value(json_object_get(body, "temperature")) == 0.01);
    json_decref(body);
    mock_server_stop(server);
}

static void does_without_streams(void **state) {
    (void)state;
    struct outcome outcome;
    assert_int_equal(ASK_STREAM(&outcome,
                                {.status = 400, .body = "{\"error\":\"streaming is not supported\"}"},
                                {.body = GOOD}),
                     2);
    assert_oslo(&outcome);
}

// ---- secrets --------------------------------------------------------------------------------------------

static void shows_no_secret(void **state) {
    (void)state;
    static const char *const bodies[] = {"{\"error\":{\"message\":\"Bearer sk-very-secret-key is wrong\"}}",
                                         "sk-very-secret-key", "<title>sk-very-secret-key</title>",
                                         "{\"detail\":\"sk-very-secret\\u002dkey\"}",
                                         "{\"error\":\"(a long complaint that says the same thing over and "
                                         "over again, since its author was paid by the "
                                         "word; a long complaint that says the same thing over and over "
                                         "again, since its author was paid by the line): "
                                         "sk-very-secret-key\"}"};
    static const int statuses[] = {200, 400, 401, 500};
    struct endpoint_options options = some_options(NULL);
    options.retries = 0;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (size_t k = 0; k < sizeof statuses / sizeof *statuses; k++) {
            struct outcome outcome;
            ASK_WITH(&outcome, &options, NULL, {.status = statuses[k], .body = bodies[i]});
            assert_int_equal(outcome.failures, 1);
            if (strstr(outcome.error.message, "sk-very")) fail_msg("%s", outcome.error.message);
        }
    struct outcome outcome; // not in an answer either, nor in the pieces of a stream
    assert_int_equal(
        ASK_STREAM(&outcome, {.type = "text/event-stream",
                              .body = DELTA("sk-very-s") DELTA("ecret-key, sk-very") DELTA("s") DONE}),
        1);
    assert_string_equal(outcome.answer[0].text, "******************, sk-verys");
    assert_string_equal(outcome.streamed.data, outcome.answer[0].text);
    buffer_free(&outcome.streamed);
}

static void knows_the_secrets_of_an_address(void **state) {
    (void)state;
    struct error error;
    struct endpoint_url url;
    struct endpoint_secrets secrets = {0};
    assert_ok(endpoint_url_make(&url, "https://me:password1@example.org/v1?code=hidden22&v=2", &error),
              error);
    assert_int_equal(endpoint_url_secrets(&url, &secrets), 0);
    char text[] = "password1 hidden22 v=2 hidden";
    endpoint_secrets_hide(&secrets, text, strlen(text));
    assert_string_equal(text, "********* ******** v=2 hidden");
    endpoint_secrets_free(&secrets);
    endpoint_url_free(&url);
}

static void replaces_other_interfaces(void **state) {
    (void)state;
    static const char *const given[] = {"http://localhost/v1/models", "http://localhost/v1/completions",
                                        "http://localhost/v1/chat/",  "http://localhost/v1/chat/completions/",
                                        "http://localhost/v1//",      "http://localhost/"};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        struct error error;
        struct endpoint_url url;
        assert_ok(endpoint_url_make(&url, given[i], &error), error);
        assert_string_equal(url.address, "http://localhost/v1/chat/completions");
        endpoint_url_free(&url);
    }
}

static void summarises_web_pages(void **state) {
    (void)state;
    struct outcome outcome;
    assert_int_equal(ASK(&outcome, {.status = 404,
                                    .type = "text/html",
                                    .body = "<!doctype html>\n<html><head><TITLE>404\n Not Found</TITLE>"}),
                     1);
    assert_failed(&outcome,
                  "HTTP 404: a web page, \"404  Not Found\" (is the address right? Most end in /v1)");
    assert_int_equal(ASK(&outcome, {.status = 403, .type = "text/html", .body = "<html><body>x"}), 1);
    assert_failed(&outcome, "HTTP 403: a web page");
}

// ---- trust ----------------------------------------------------------------------------------------------

static void finds_whom_to_trust(void **state) {
    (void)state;
    struct error error;
    struct endpoint_trust trust;
    const char *good = "endpoint_trust.pem", *other = "endpoint_trust2.pem", *bad = "endpoint_trust.txt";
    FILE *file;
    for (int i = 0; i < 2; i++) {
        file = fopen(i ? other : good, "w");
        fputs("-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n", file);
        fclose(file);
    }
    file = fopen(bad, "w");
    fputs("hello\n", file);
    fclose(file);
    static const char *const names[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
                                        "SSL_CERT_DIR"};
    for (size_t i = 0; i < 4; i++) unsetenv(names[i]);
    assert_ok(endpoint_trust_find(&trust, NULL, &error), error);
    assert_int_equal(trust.bundle.length, 0);
    size_t length = 0;
    for (size_t i = 0; i < 3; i++) {
        setenv(names[i], good, 1);
        assert_ok(endpoint_trust_find(&trust, NULL, &error), error);
        if (i == 0) length = trust.bundle.length;
        assert_true(length > 0 && trust.bundle.length == length); // the same file is read once
        endpoint_trust_free(&trust);
        setenv(names[i], bad, 1);
        assert_error(endpoint_trust_find(&trust, NULL, &error), error, ERROR_INPUT, "holds no certificate");
        if (!strstr(error.message, names[i])) fail_msg("%s", error.message);
        assert_ok(endpoint_trust_find(&trust, good, &error), error); // what was asked for is alone
        endpoint_trust_free(&trust);
        setenv(names[i], "", 1);
    }
    setenv("CURL_CA_BUNDLE", good, 1);
    setenv("SSL_CERT_FILE", other, 1); // both
    assert_ok(endpoint_trust_find(&trust, NULL, &error), error);
    assert_int_equal(trust.bundle.length, 2 * length);
    endpoint_trust_free(&trust);
    setenv("SSL_CERT_DIR", "/", 1);
    assert_ok(endpoint_trust_find(&trust, NULL, &error), error);
    assert_string_equal(trust.folder, "/");
    endpoint_trust_free(&trust);
    assert_error(endpoint_trust_find(&trust, "nowhere.pem", &error), error, ERROR_INPUT,
                 "--ca-file: nowhere.pem");
    for (size_t i = 0; i < 4; i++) unsetenv(names[i]);
    remove(good);
    remove(other);
    remove(bad);
}

// ---- servers that go away -------------------------------------------------------------------------------

static void health_gives_a_server_time(void **state) {
    (void)state;
    struct endpoint_health health = {.patience = 10};
    double now = 100;
    for (int i = 0; i < ENDPOINT_TROUBLES - 1; i++)
        assert_int_equal(endpoint_health_note(&health, TROUBLE_SERVER, 0, now), HEALTH_SAME);
    assert_true(endpoint_health_wait(&health, 3, now) == 0);
    assert_int_equal(endpoint_health_note(&health, TROUBLE_SERVER, 0, now), HEALTH_DOUBTFUL);
    assert_true(endpoint_health_wait(&health, 0, now) == 0.5);
    assert_true(endpoint_health_wait(&health, 0, now + 0.5) == 0);
    assert_true(endpoint_health_wait(&health, 1, now + 0.5) > 0); // one at a time
    assert_int_equal(endpoint_health_note(&health, TROUBLE_SERVER, 0, now + 1), HEALTH_SAME);
    assert_true(endpoint_health_wait(&health, 0, now + 1) == 1);
    assert_int_equal(endpoint_health_note(&health, TROUBLE_PHOTO, 0, now + 2), HEALTH_RECOVERED);
    assert_true(endpoint_health_wait(&health, 9, now + 2) == 0);
    for (int i = 0; i < ENDPOINT_TROUBLES; i++) endpoint_health_note(&health, TROUBLE_SERVER, 0, now + 3);
    assert_int_equal(endpoint_health_note(&health, TROUBLE_SERVER, 0, now + 13), HEALTH_GONE);
    assert_true(health.gone);

    health = (struct endpoint_health){.patience = 10}; // all wait when one is asked to
    endpoint_health_note(&health, TROUBLE_BUSY, 4, now);
    assert_true(endpoint_health_wait(&health, 0, now + 1) == 3);

    health = (struct endpoint_health){.patience = 10};
    for (int i = 0; i < ENDPOINT_SHUT - 1; i++)
        assert_int_equal(endpoint_health_note(&health, TROUBLE_SHUT, 0, now), HEALTH_SAME);
    endpoint_health_note(&health, TROUBLE_NONE, 0, now);
    for (int i = 0; i < ENDPOINT_SHUT - 1; i++) endpoint_health_note(&health, TROUBLE_SHUT, 0, now);
    assert_int_equal(endpoint_health_note(&health, TROUBLE_SHUT, 0, now), HEALTH_GONE);
}

static void a_dead_server_is_given_up(void **state) {
    (void)state;
    const struct mock_step good = {.body = GOOD};
    struct mock_server *server = mock_server_start(&good, 1, 0);
    char url[64];
    snprintf(url, sizeof url, "%s", mock_server_url(server));
    mock_server_stop(server);
    struct outcome outcome = {0};
    struct error error;
    struct endpoint_options options = some_options(url);
    options.retries = 1;
    options.patience = 1;
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question request = some_request();
    assert_ok(engine_check(engine, &error), error);
    for (int i = 0; i < 8; i++) submit(engine, &request);
    double start = seconds_now();
    step_until_done(engine);
    assert_true(seconds_now() - start < 8);
    assert_int_equal(outcome.failures, 8);
    if (!strstr(outcome.error.message, "a.jpg: http://127.0.0.1:")) fail_msg("%s", outcome.error.message);
    assert_error(engine_check(engine, &error), error, ERROR_NETWORK, "out of reach");
    assert_error(try_to_submit(engine, &request, NULL, &error), error, ERROR_NETWORK, "a.jpg: ");
    assert_int_equal(outcome.failures, 8);
    engine_close(engine);
}

static void a_server_that_comes_back_answers_all(void **state) {
    (void)state;
    struct outcome outcome = {0};
    struct mock_step steps[9];
    for (size_t i = 0; i < 8; i++) steps[i] = (struct mock_step){.status = 502};
    steps[8] = (struct mock_step){.body = GOOD};
    struct mock_server *server = mock_server_start(steps, 9, 0);
    struct endpoint_options options = some_options(mock_server_url(server));
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question request = some_request();
    for (int i = 0; i < 8; i++) submit(engine, &request);
    step_until_done(engine);
    assert_int_equal(outcome.failures, 0);
    assert_int_equal(outcome.answers, 8);
    engine_close(engine);
    mock_server_stop(server);
}

static void a_shut_door_is_not_knocked_at_forever(void **state) {
    (void)state;
    struct outcome outcome = {0};
    const struct mock_step shut = {.status = 401, .body = "{\"error\":\"who are you\"}"};
    struct mock_server *server = mock_server_start(&shut, 1, 0);
    struct endpoint_options options = some_options(mock_server_url(server));
    options.concurrency = 1;
    struct engine *engine = open_engine(&options, &outcome, false);
    struct question request = some_request();
    for (int i = 0; i < 5; i++) submit(engine, &request);
    step_until_done(engine);
    assert_int_equal(outcome.failures, 5);
    assert_int_equal(mock_server_count(server), ENDPOINT_SHUT);
    if (!strstr(outcome.error.message, "HTTP 401: who are you")) fail_msg("%s", outcome.error.message);
    engine_close(engine);
    mock_server_stop(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_documents_with_odd_fields),
        cmocka_unit_test(takes_an_answer_that_says_nothing),
        cmocka_unit_test(reads_the_older_log_probs),
        cmocka_unit_test(asks_again_for_what_was_broken_off),
        cmocka_unit_test(unpacks),
        cmocka_unit_test(reads_streams_of_all_kinds),
        cmocka_unit_test(half_a_stream_is_no_answer),
        cmocka_unit_test(reads_reasoning_beside_the_content),
        cmocka_unit_test(leaves_out_what_is_refused),
        cmocka_unit_test(learns_only_from_complaints_about_fields),
        cmocka_unit_test(is_never_greedy_where_that_is_refused),
        cmocka_unit_test(does_without_streams),
        cmocka_unit_test(shows_no_secret),
        cmocka_unit_test(knows_the_secrets_of_an_address),
        cmocka_unit_test(replaces_other_interfaces),
        cmocka_unit_test(summarises_web_pages),
        cmocka_unit_test(finds_whom_to_trust),
        cmocka_unit_test(health_gives_a_server_time),
        cmocka_unit_test(a_dead_server_is_given_up),
        cmocka_unit_test(a_server_that_comes_back_answers_all),
        cmocka_unit_test(a_shut_door_is_not_knocked_at_forever),
    };
    return cmocka_run_group_tests(tests, load_photos, free_photos);
}
