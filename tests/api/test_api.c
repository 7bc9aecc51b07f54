// The public C interface, as a program outside sees it.
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "engine/mock_server.h"
#include "globe.h"

static const char gazetteer[] = TEST_BINARY_DIR "/data/gazetteer.sqlite";
static char message[GLOBE_MESSAGE_SIZE];

static struct globe_options tiny_options(void) {
    static char folder[1024];
    snprintf(folder, sizeof folder, "%s", test_data("qwen2_5_vl_tiny"));
    struct globe_options options = GLOBE_OPTIONS_INIT;
    options.model = folder;
    options.gazetteer = gazetteer;
    return options;
}

static struct globe *open_tiny(void) {
    struct globe_options options = tiny_options();
    struct globe *globe = globe_open(&options, message);
    if (!globe) fail_msg("%s", message);
    return globe;
}

static struct globe_request short_request(void) {
    struct globe_request request = GLOBE_REQUEST_INIT;
    request.max_tokens = 12;
    return request;
}

static void refuse(const struct globe_options *options, const char *text) {
    strcpy(message, "untouched");
    assert_null(globe_open(options, message));
    if (!strstr(message, text)) fail_msg("expected \"%s\", got \"%s\"", text, message);
    assert_null(strchr(message, '\n'));
    assert_null(globe_open(options, NULL));
}

static void test_version(void **state) {
    (void)state;
    assert_string_equal(globe_version(), GLOBE_VERSION);
}

static void test_nothing_to_free(void **state) {
    (void)state;
    globe_close(NULL);
    globe_result_free(NULL);
}

static void test_options_that_will_not_do(void **state) {
    (void)state;
    refuse(NULL, "exactly one of model and endpoint");
    struct globe_options options = GLOBE_OPTIONS_INIT;
    refuse(&options, "exactly one of model and endpoint");
    options.model = "/nowhere/model";
    refuse(&options, "/nowhere/model");
    options.endpoint = "http://127.0.0.1:1/v1";
    refuse(&options, "exactly one of model and endpoint");
    options.model = NULL;
    refuse(&options, "an endpoint needs the name");
    options.endpoint = "gopher://hole";
    options.endpoint_model = "globe";
    refuse(&options, "gopher");

    options = tiny_options();
    options.gazetteer = "/nowhere/gazetteer.sqlite";
    refuse(&options, "/nowhere/gazetteer.sqlite");
    options = tiny_options();
    options.prompt = "no such prompt";
    refuse(&options, "no such prompt");
    options = tiny_options();
    options.threads = -3;
    refuse(&options, "-3 threads");
    options = tiny_options();
    options.max_pixels = INT64_MIN;
    refuse(&options, "-9223372036854775808 pixels");
}

// ---- structs of programs that were compiled against other headers ----

static void test_shorter_options(void **state) {
    (void)state;
    struct globe_options options = tiny_options();
    options.size = offsetof(struct globe_options, prompt); // a header that had no prompts yet
    memset(&options.prompt, 0x5A, sizeof options.prompt);
    struct globe *globe = globe_open(&options, message);
    if (!globe) fail_msg("%s", message);
    globe_close(globe);
    options.size = offsetof(struct globe_options, model);
    refuse(&options, "exactly one of model and endpoint");
    options.size = 0; // forgotten: nothing can be read
    refuse(&options, "exactly one of model and endpoint");
}

static void test_longer_options(void **state) {
    (void)state;
    struct {
        struct globe_options options;
        char later[256];
    } options = {.options = tiny_options()};
    memset(options.later, 0x5A, sizeof options.later);
    options.options.size = sizeof options;
    struct globe *globe = globe_open(&options.options, message);
    if (!globe) fail_msg("%s", message);
    globe_close(globe);
}

static void test_shorter_requests(void **state) {
    (void)state;
    struct globe *globe = open_tiny();
    struct globe_request request;
    memset(&request, 0x5A, sizeof request);
    request.size = offsetof(struct globe_request, temperature);
    request.samples = 1;
    request.max_tokens = 5;
    struct globe_result *result =
        globe_locate_file(globe, test_data("images/scene_a.png"), &request, message);
    if (!result) fail_msg("%s", message);
    json_t *json = json_loads(globe_result_json(result), 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(json, "tokens")), 5);
    json_decref(json);
    globe_result_free(result);
    globe_close(globe);
}

// ---- a local model ----

static void hear(void *context, const char *text, size_t length) {
    char *all = context;
    strncat(all, text, length);
}

static void test_local_model(void **state) {
    (void)state;
    struct globe *globe = open_tiny();
    struct globe_request request = short_request();
    char streamed[4096] = "";
    request.on_text = hear;
    request.context = streamed;
    const char *path = test_data("images/scene_b.png");
    struct globe_result *result = globe_locate_file(globe, path, &request, message);
    if (!result) fail_msg("%s", message);
    assert_string_equal(streamed, globe_result_answer(result)); // its weights are random: it names no place
    assert_true(streamed[0]);
    assert_int_equal(globe_result_outcome(result), GLOBE_NO_ANSWER);
    assert_null(globe_result_place(result));
    assert_int_equal(globe_result_alternatives(result), 0);
    assert_null(globe_result_alternative(result, 0));
    assert_true(globe_result_confidence(result) < 0);
    assert_true(globe_result_radius(result, 0.5) < 0);
    assert_true(globe_result_radius(result, 0.9) < 0);
    assert_true(globe_result_reasoning(result)[0]);
    size_t clues = globe_result_clues(result);
    for (size_t i = 0; i < clues; i++) {
        assert_true(globe_result_clue_kind(result, i)[0]);
        assert_true(globe_result_clue_text(result, i)[0]);
    }
    assert_string_equal(globe_result_clue_kind(result, clues), "");
    assert_string_equal(globe_result_clue_text(result, clues), "");

    // The same bytes from memory, without a name and with one.
    size_t length;
    struct error error = {0};
    char *bytes = file_read(path, 1 << 24, &length, &error);
    assert_got(bytes, error);
    request.on_text = NULL;
    struct globe_result *again = globe_locate_buffer(globe, bytes, length, NULL, &request, message);
    if (!again) fail_msg("%s", message);
    assert_string_equal(globe_result_answer(again), globe_result_answer(result));
    json_t *json = json_loads(globe_result_json(again), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "photo")), "photo");
    assert_string_equal(json_string_value(json_object_get(json, "model")), "qwen2_5_vl_tiny");
    json_decref(json);
    globe_result_free(again);
    free(bytes);

    globe_close(globe); // results outlive the handle
    assert_string_equal(streamed, globe_result_answer(result));
    globe_result_free(result);
}

static void test_seeds(void **state) {
    (void)state;
    struct globe *globe = open_tiny();
    struct globe_request request = short_request();
    request.temperature = 1;
    char answers[3][1024];
    const uint64_t seeds[] = {7, 7, 8};
    for (size_t i = 0; i < 3; i++) {
        request.seed = seeds[i];
        struct globe_result *result =
            globe_locate_file(globe, test_data("images/scene_b.png"), &request, message);
        if (!result) fail_msg("%s", message);
        snprintf(answers[i], sizeof answers[i], "%s", globe_result_answer(result));
        globe_result_free(result);
    }
    assert_string_equal(answers[0], answers[1]);
    assert_string_not_equal(answers[0], answers[2]);
    globe_close(globe);
}

static void refuse_photo(struct globe *globe, const struct globe_request *request, const char *text) {
    strcpy(message, "untouched");
    assert_null(globe_locate_file(globe, test_data("images/scene_a.png"), request, message));
    if (!strstr(message, text)) fail_msg("expected \"%s\", got \"%s\"", text, message);
    assert_null(globe_locate_file(globe, test_data("images/scene_a.png"), request, NULL));
}

static void test_requests_that_will_not_do(void **state) {
    (void)state;
    struct globe *globe = open_tiny();
    struct globe_request request = short_request();
    request.samples = 100000;
    refuse_photo(globe, &request, "100000 samples");
    request = short_request();
    request.temperature = (double)INFINITY;
    refuse_photo(globe, &request, "temperature");
    globe_close(globe);
}

static void test_photos_that_will_not_do(void **state) {
    (void)state;
    struct globe *globe = open_tiny();
    struct globe_request request = short_request();
    assert_null(globe_locate_file(globe, "/nowhere/photo.jpg", &request, message));
    assert_string_equal(message, "/nowhere/photo.jpg: cannot open: No such file or directory");
    assert_null(globe_locate_file(globe, test_data("qwen2_5_vl_tiny/config.json"), &request, message));
    assert_non_null(strstr(message, "config.json"));
    assert_null(globe_locate_buffer(globe, "not a photo", 11, "upload", &request, message));
    assert_non_null(strstr(message, "upload"));
    assert_null(globe_locate_buffer(globe, "", 0, NULL, &request, message));
    assert_non_null(strstr(message, "photo"));
    assert_null(globe_locate_buffer(globe, "x", 1, "upload", &request, NULL));
    // The handle still works.
    struct globe_result *result =
        globe_locate_file(globe, test_data("images/scene_a.png"), &request, message);
    if (!result) fail_msg("%s", message);
    globe_result_free(result);
    globe_close(globe);
}

// ---- a server that knows places ----

#define CHOICE(index, text)                                                                        \
    "{\"index\": " #index ", \"finish_reason\": \"stop\", \"message\": {\"role\": \"assistant\", " \
    "\"content\": \"" text "\"}}"
#define REPLY(choices) "{\"choices\": [" choices "], \"usage\": {\"completion_tokens\": 9}}"
#define PARIS \
    "<think>The sign says \\u2018Boulangerie\\u2019.</think><answer>country: France\\ncity: Paris</answer>"
#define ROME "<think>Ruins.</think><answer>country: Italy\\ncity: Rome</answer>"
#define DECLINE "<think>A wall.</think><answer>country: unknown\\ncity: unknown</answer>"

static struct globe_result *ask(const char *reply, int samples, double abstain_below) {
    const struct mock_step step = {.body = reply};
    struct mock_server *server = mock_server_start(&step, 1, 0);
    struct globe_options options = GLOBE_OPTIONS_INIT;
    options.endpoint = mock_server_url(server);
    options.endpoint_model = "some-model";
    options.api_key = "secret";
    options.gazetteer = gazetteer;
    options.prompt = "direct";
    struct globe *globe = globe_open(&options, message);
    if (!globe) fail_msg("%s", message);
    struct globe_request request = GLOBE_REQUEST_INIT;
    request.samples = samples;
    request.abstain_below = abstain_below;
    struct globe_result *result =
        globe_locate_file(globe, test_data("images/scene_a.png"), &request, message);
    globe_close(globe);
    mock_server_stop(server);
    return result;
}

static void test_places(void **state) {
    (void)state;
    struct globe_result *result = ask(REPLY(CHOICE(0, PARIS) "," CHOICE(1, ROME) "," CHOICE(2, PARIS)), 3, 0);
    if (!result) fail_msg("%s", message);
    assert_int_equal(globe_result_outcome(result), GLOBE_PLACED);
    const struct globe_place *place = globe_result_place(result);
    assert_non_null(place);
    assert_string_equal(place->city, "Paris");
    assert_string_equal(place->country, "France");
    assert_string_equal(place->country_code, "FR");
    assert_true(place->region[0]);
    assert_true(place->has_position);
    assert_true(fabs(place->latitude - 48.85) < 0.1 && fabs(place->longitude - 2.35) < 0.1);
    assert_true(place->radius_km > 0);
    assert_near(place->share, 2.0 / 3, 1e-12);
    assert_near(globe_result_confidence(result), 2.0 / 3, 1e-12);
    assert_true(globe_result_radius(result, 0.5) == 0);
    assert_near(globe_result_radius(result, 0.9), 1105, 20);
    assert_int_equal(globe_result_alternatives(result), 1);
    assert_string_equal(globe_result_alternative(result, 0)->city, "Rome");
    assert_null(globe_result_alternative(result, 1));
    assert_int_equal(globe_result_clues(result), 1);
    assert_string_equal(globe_result_clue_kind(result, 0), "sign");
    assert_non_null(strstr(globe_result_clue_text(result, 0), "Boulangerie"));
    assert_non_null(strstr(globe_result_answer(result), "city: Paris"));
    json_t *json = json_loads(globe_result_json(result), 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "outcome")), "placed");
    assert_string_equal(json_string_value(json_object_get(json, "model")), "some-model");
    assert_null(strchr(globe_result_json(result), '\n'));
    json_decref(json);
    globe_result_free(result);
}

static void test_other_outcomes(void **state) {
    (void)state;
    struct globe_result *result = ask(REPLY(CHOICE(0, PARIS) "," CHOICE(1, ROME)), 2, 0.9);
    if (!result) fail_msg("%s", message);
    assert_int_equal(globe_result_outcome(result), GLOBE_ABSTAINED);
    assert_string_equal(globe_result_place(result)->city, "Paris");
    globe_result_free(result);

    result = ask(REPLY(CHOICE(0, DECLINE)), 1, 0);
    if (!result) fail_msg("%s", message);
    assert_int_equal(globe_result_outcome(result), GLOBE_NOT_LOCATABLE);
    assert_null(globe_result_place(result));
    globe_result_free(result);

    result = ask(REPLY(CHOICE(0, "")), 1, 0);
    if (!result) fail_msg("%s", message);
    assert_int_equal(globe_result_outcome(result), GLOBE_NO_ANSWER);
    assert_string_equal(globe_result_reasoning(result), "");
    assert_string_equal(globe_result_answer(result), "");
    globe_result_free(result);

    assert_null(ask("{\"error\": {\"message\": \"no such model\"}}", 1, 0));
    assert_non_null(strstr(message, "scene_a.png"));
}

// ---- what later headers added ----

static void test_adapters(void **state) {
    (void)state;
    struct globe_options options = tiny_options();
    options.adapter = "/nowhere/adapter";
    refuse(&options, "/nowhere/adapter");
    char answers[2][4096];
    for (size_t i = 0; i < 2; i++) {
        options.adapter = i ? test_data("training/lora_adapter") : NULL;
        struct globe *globe = globe_open(&options, message);
        if (!globe) fail_msg("%s", message);
        const struct globe_request request = short_request();
        struct globe_result *result =
            globe_locate_file(globe, test_data("images/scene_b.png"), &request, message);
        if (!result) fail_msg("%s", message);
        snprintf(answers[i], sizeof answers[i], "%s", globe_result_answer(result));
        globe_result_free(result);
        globe_close(globe);
    }
    assert_string_not_equal(answers[0], answers[1]);
}

static void test_hints(void **state) {
    (void)state;
    const struct mock_step step = {.body = REPLY(CHOICE(0, PARIS))};
    struct mock_server *server = mock_server_start(&step, 1, 0);
    struct globe_options options = GLOBE_OPTIONS_INIT;
    options.endpoint = mock_server_url(server);
    options.endpoint_model = "globe";
    options.gazetteer = gazetteer;
    struct globe *globe = globe_open(&options, message);
    if (!globe) fail_msg("%s", message);
    struct globe_request request = GLOBE_REQUEST_INIT;
    const char *hints[] = {"a trip to the Balkans", NULL, "", "\xFF"};
    for (size_t i = 0; i < 4; i++) {
        request.hint = hints[i];
        struct globe_result *result =
            globe_locate_file(globe, test_data("images/scene_a.png"), &request, message);
        assert_true((result != NULL) == (i < 3));
        globe_result_free(result);
    }
    assert_non_null(strstr(message, "hint"));
    assert_int_equal(mock_server_count(server), 3);
    assert_non_null(strstr(mock_server_request(server, 0)->body, "a trip to the Balkans"));
    for (size_t i = 1; i < 3; i++)
        assert_null(strstr(mock_server_request(server, i)->body, "What is known about the photo"));
    globe_close(globe);
    mock_server_stop(server);
}

static void test_precision(void **state) {
    (void)state;
    const struct mock_step step = {.body = REPLY(CHOICE(0, PARIS))};
    struct mock_server *server = mock_server_start(&step, 1, 0);
    struct globe_options options = GLOBE_OPTIONS_INIT;
    options.endpoint = mock_server_url(server);
    options.endpoint_model = "globe";
    options.gazetteer = gazetteer;
    struct globe *globe = globe_open(&options, message);
    if (!globe) fail_msg("%s", message);
    struct globe_request request = GLOBE_REQUEST_INIT;
    char streamed[4096] = "";
    request.on_text = hear;
    request.context = streamed;
    request.precision = GLOBE_COUNTRY;
    struct globe_result *result =
        globe_locate_file(globe, test_data("images/scene_a.png"), &request, message);
    if (!result) fail_msg("%s", message);
    assert_string_equal(globe_result_place(result)->country, "France");
    assert_string_equal(globe_result_place(result)->city, "");
    assert_true(globe_result_place(result)->radius_km > 100);
    assert_string_equal(globe_result_answer(result), "");
    assert_string_equal(globe_result_reasoning(result), "");
    assert_null(strstr(globe_result_json(result), "Paris"));
    assert_string_equal(streamed, "");
    globe_result_free(result);
    request.precision = (enum globe_precision)3;
    assert_null(globe_locate_file(globe, test_data("images/scene_a.png"), &request, message));
    assert_non_null(strstr(message, "precision 3"));
    globe_close(globe);
    mock_server_stop(server);
}

static void *cancel_it(void *globe) {
    globe_cancel(globe, 1);
    return NULL;
}

// Another thread cancels while the answer is written.
static void cancel_elsewhere(void *context, const char *text, size_t length) {
    (void)text, (void)length;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_it, context), 0);
    pthread_join(thread, NULL);
}

static struct globe *signalled;

static void on_alarm(int number) {
    (void)number;
    // NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c): globe.h says that it may be called here
    globe_cancel(signalled, 1);
}

static void check_cancelled(struct globe *globe, const struct globe_request *request) {
    strcpy(message, "untouched");
    assert_null(globe_locate_file(globe, test_data("images/scene_b.png"), request, message));
    if (strncmp(message, "cancelled", 9) != 0) fail_msg("%s", message);
}

static void test_cancelling(void **state) {
    (void)state;
    struct globe *globe = open_tiny(), *fresh = open_tiny();
    struct globe_request request = short_request();
    globe_cancel(globe, 1);
    check_cancelled(globe, &request);
    check_cancelled(globe, &request); // until it is taken back
    globe_cancel(globe, 0);
    request.max_tokens = 30000;
    request.on_text = cancel_elsewhere;
    request.context = globe;
    check_cancelled(globe, &request);
    globe_cancel(globe, 0);

    signalled = globe;
    request.on_text = NULL;
    signal(SIGALRM, on_alarm);
    alarm(1);
    request.samples = 8;
    strcpy(message, "");
    struct globe_result *result =
        globe_locate_file(globe, test_data("images/scene_b.png"), &request, message);
    alarm(0);
    signal(SIGALRM, SIG_DFL);
    if (result)
        globe_result_free(result); // a machine that is so fast
    else
        assert_memory_equal(message, "cancelled", 9);
    globe_cancel(globe, 0);

    // What was dropped leaves no trace.
    struct globe_request again = short_request();
    struct globe_result *one = globe_locate_file(globe, test_data("images/scene_b.png"), &again, message),
                        *other = globe_locate_file(fresh, test_data("images/scene_b.png"), &again, message);
    if (!one || !other) fail_msg("%s", message);
    assert_string_equal(globe_result_answer(one), globe_result_answer(other));
    globe_result_free(one);
    globe_result_free(other);
    globe_close(fresh);
    globe_close(globe);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_nothing_to_free),
        cmocka_unit_test(test_options_that_will_not_do),
        cmocka_unit_test(test_shorter_options),
        cmocka_unit_test(test_longer_options),
        cmocka_unit_test(test_shorter_requests),
        cmocka_unit_test(test_local_model),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_requests_that_will_not_do),
        cmocka_unit_test(test_photos_that_will_not_do),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_other_outcomes),
        cmocka_unit_test(test_adapters),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_precision),
        cmocka_unit_test(test_cancelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
