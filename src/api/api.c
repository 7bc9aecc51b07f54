// The public C interface over locate/.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "globe.h"
#include "locate/session.h"
#include "locate/writer.h"
#include "photo/decode.h"

enum { MOST_SAMPLES = 1024 };

struct globe {
    struct session session;
    atomic_int cancelled;
    char *texts[7]; // copies of the options' strings
};
enum { TEXT_PROMPT = 5, TEXT_ADAPTER = 6 };

struct globe_result {
    struct verdict verdict, view; // what it says is the view, which is as coarse as was asked for
    struct globe_place place, *alternatives;
    char *json;
};

const char *globe_version(void) {
    return GLOBE_VERSION;
}

static void tell(char *message, const struct error *error) {
    if (message) snprintf(message, GLOBE_MESSAGE_SIZE, "%s", error->message);
}

// The caller's struct may be shorter (compiled against an older header): what it lacks stays as it is in
// `target`.
static void take_struct(void *target, size_t size, const void *source) {
    size_t theirs;
    memcpy(&theirs, source, sizeof theirs);
    memcpy(target, source, theirs < size ? theirs : size);
}

static const char *keep(struct globe *globe, int slot, const char *text, struct error *error) {
    if (text) globe->texts[slot] = memory_copy_string(text, strlen(text), error);
    return globe->texts[slot];
}

static int check_options(const struct globe_options *options, struct error *error) {
    if (!options->model == !options->endpoint)
        return error_set(error, ERROR_USAGE, "globe_options: exactly one of model and endpoint must be set");
    if (options->threads < 0 || options->max_pixels < 0)
        return error_set(error, ERROR_USAGE,
                         "globe_options: %d threads, %lld pixels: neither can be negative", options->threads,
                         (long long)options->max_pixels);
    return 0;
}

struct globe *globe_open(const struct globe_options *options, char *message) {
    struct error error = {0};
    struct globe_options copy = GLOBE_OPTIONS_INIT;
    if (options) take_struct(&copy, sizeof copy, options);
    if (check_options(&copy, &error)) {
        tell(message, &error);
        return NULL;
    }
    struct globe *globe = memory_new(1, sizeof *globe, "globe", &error);
    if (globe) {
        struct session_options session = session_options_default();
        session.model = keep(globe, 0, copy.model, &error);
        session.endpoint.url = keep(globe, 1, copy.endpoint, &error);
        session.endpoint.model = keep(globe, 2, copy.endpoint_model, &error);
        session.endpoint.api_key = keep(globe, 3, copy.api_key, &error);
        session.gazetteer = keep(globe, 4, copy.gazetteer, &error);
        if (copy.prompt) session.prompt = keep(globe, TEXT_PROMPT, copy.prompt, &error);
        if (copy.adapter) session.local.adapter = keep(globe, TEXT_ADAPTER, copy.adapter, &error);
        session.local.threads = copy.threads;
        if (copy.max_pixels) session.local.max_pixels = (size_t)copy.max_pixels;
        session.endpoint.max_pixels = (size_t)copy.max_pixels;
        if (!error.code && session_open(&globe->session, &session, &error) == 0) return globe;
    }
    tell(message, &error);
    globe_close(globe);
    return NULL;
}

void globe_close(struct globe *globe) {
    if (!globe) return;
    session_close(&globe->session);
    for (size_t i = 0; i < sizeof globe->texts / sizeof *globe->texts; i++) free(globe->texts[i]);
    free(globe);
}

void globe_cancel(struct globe *globe, int on) {
    atomic_store_explicit(&globe->cancelled, on != 0, memory_order_relaxed);
}

static const char *or_empty(const char *text) {
    return text ? text : "";
}

static struct globe_place show(const struct verdict_place *place) {
    return (struct globe_place){.country = or_empty(place->country),
                                .country_code = place->country_code,
                                .region = or_empty(place->region),
                                .city = or_empty(place->city),
                                .has_position = place->has_position,
                                .latitude = place->position.lat,
                                .longitude = place->position.lon,
                                .radius_km = place->radius_km,
                                .share = place->share};
}

static int dress(struct globe_result *result, const struct globe *globe, enum writer_precision precision,
                 struct error *error) {
    if (writer_coarsen(&result->view, &result->verdict, precision, error)) return -1;
    const struct verdict *verdict = &result->view;
    result->place = show(&verdict->place);
    result->alternatives =
        memory_new(verdict->alternative_count + 1, sizeof *result->alternatives, "result", error);
    if (!result->alternatives) return -1;
    for (size_t i = 0; i < verdict->alternative_count; i++)
        result->alternatives[i] = show(&verdict->alternatives[i]);
    struct buffer json = {0};
    const struct engine *engine = globe->session.engine;
    const struct writer_options options = {
        .format = WRITER_JSONL, .precision = precision, .model = engine_model(engine)};
    if (verdict_to_json(&result->verdict, &options, &json, error)) {
        buffer_free(&json);
        return -1;
    }
    result->json = buffer_take(&json);
    return result->json ? 0 : error_set(error, ERROR_MEMORY, "result: out of memory");
}

struct listener {
    void (*on_text)(void *context, const char *text, size_t length);
    void *context;
};

static void on_text(void *context, const char *photo, const char *text, size_t length) {
    const struct listener *listener = context;
    (void)photo;
    listener->on_text(listener->context, text, length);
}

static int check_request(const struct globe_request *request, const struct locator_options *options,
                         struct error *error) {
    if (options->samples > MOST_SAMPLES)
        return error_set(error, ERROR_USAGE, "globe_request: %zu samples, at most %d can be asked for",
                         options->samples, MOST_SAMPLES);
    if (request->precision < GLOBE_FULL || request->precision > GLOBE_COUNTRY)
        return error_set(error, ERROR_USAGE, "globe_request: there is no precision %d",
                         (int)request->precision);
    return sampling_check(&options->sampling, error);
}

// The handle's own, or with the request's hint.
static int find_prompt(struct globe *globe, const char *hint, struct locate_prompt *own,
                       struct locator_options *options, struct error *error) {
    const char *name = globe->texts[TEXT_PROMPT];
    if (!hint || !*hint) return 0;
    if (!utf8_is_valid(hint, strlen(hint)))
        return error_set(error, ERROR_INPUT, "globe_request: the hint is not valid UTF-8");
    options->prompt = own;
    return locate_prompt_open(own, name ? name : "globe", hint, error);
}

static struct globe_result *locate(struct globe *globe, const struct image *image, const char *name,
                                   const struct globe_request *given, struct error *error) {
    struct globe_request request = GLOBE_REQUEST_INIT;
    if (given) take_struct(&request, sizeof request, given);
    struct globe_result *result = memory_new(1, sizeof *result, "result", error);
    if (!result) return NULL;
    struct locator_options options = globe->session.locator;
    options.cancelled = &globe->cancelled;
    if (request.samples > 0) options.samples = (size_t)request.samples;
    if (request.max_tokens > 0) options.max_tokens = (size_t)request.max_tokens;
    options.sampling.temperature = request.temperature >= 0 ? request.temperature
                                   : options.samples > 1    ? 1.0
                                                            : 0.0;
    options.sampling.seed = request.seed;
    options.judge.abstain_below = request.abstain_below;
    struct listener listener = {request.on_text, request.context};
    bool listens = request.on_text && request.precision != GLOBE_COUNTRY; // it would tell the city
    const struct locator_events events = {.on_text = listens ? on_text : NULL, .context = &listener};
    struct locate_prompt prompt = {0};
    int failed = check_request(&request, &options, error);
    if (!failed) failed = find_prompt(globe, request.hint, &prompt, &options, error);
    if (!failed)
        failed =
            locator_image(globe->session.engine, &options, image, name, &events, &result->verdict, error);
    if (!failed && result->verdict.outcome == VERDICT_FAILED)
        failed = error_set(error, result->verdict.error.code, "%s", result->verdict.error.message);
    if (!failed) failed = dress(result, globe, (enum writer_precision)request.precision, error);
    locate_prompt_free(&prompt);
    if (!failed) return result;
    globe_result_free(result);
    return NULL;
}

struct globe_result *globe_locate_file(struct globe *globe, const char *path,
                                       const struct globe_request *request, char *message) {
    struct error error = {0};
    struct image image = {0};
    struct globe_result *result = NULL;
    if (photo_decode_file(&image, path, NULL, NULL, &error) == 0)
        result = locate(globe, &image, path, request, &error);
    image_free(&image);
    if (!result) tell(message, &error);
    return result;
}

struct globe_result *globe_locate_buffer(struct globe *globe, const void *data, size_t length,
                                         const char *name, const struct globe_request *request,
                                         char *message) {
    struct error error = {0};
    struct image image = {0};
    struct globe_result *result = NULL;
    if (!name) name = "photo";
    if (photo_decode_buffer(&image, data, length, name, NULL, NULL, &error) == 0)
        result = locate(globe, &image, name, request, &error);
    image_free(&image);
    if (!result) tell(message, &error);
    return result;
}

void globe_result_free(struct globe_result *result) {
    if (!result) return;
    writer_release_view(&result->view);
    verdict_free(&result->verdict);
    free(result->alternatives);
    free(result->json);
    free(result);
}

enum globe_outcome globe_result_outcome(const struct globe_result *result) {
    switch (result->view.outcome) {
    case VERDICT_PLACED:
        return GLOBE_PLACED;
    case VERDICT_ABSTAINED:
        return GLOBE_ABSTAINED;
    case VERDICT_NOT_LOCATABLE:
        return GLOBE_NOT_LOCATABLE;
    case VERDICT_OUT_OF_SCOPE:
        return GLOBE_OUT_OF_SCOPE;
    default:
        return GLOBE_NO_ANSWER;
    }
}

const struct globe_place *globe_result_place(const struct globe_result *result) {
    enum verdict_outcome outcome = result->view.outcome;
    return outcome == VERDICT_PLACED || outcome == VERDICT_ABSTAINED ? &result->place : NULL;
}

size_t globe_result_alternatives(const struct globe_result *result) {
    return result->view.alternative_count;
}

const struct globe_place *globe_result_alternative(const struct globe_result *result, size_t index) {
    return index < result->view.alternative_count ? &result->alternatives[index] : NULL;
}

double globe_result_confidence(const struct globe_result *result) {
    return result->view.confidence;
}

double globe_result_radius(const struct globe_result *result, double share) {
    return share > 0.5 ? result->view.radius_90_km : result->view.radius_50_km;
}

const char *globe_result_reasoning(const struct globe_result *result) {
    return or_empty(result->view.reasoning);
}

const char *globe_result_answer(const struct globe_result *result) {
    return or_empty(result->view.answer);
}

size_t globe_result_clues(const struct globe_result *result) {
    return result->view.clue_count;
}

const char *globe_result_clue_kind(const struct globe_result *result, size_t index) {
    return index < result->view.clue_count ? result->view.clues[index].kind : "";
}

const char *globe_result_clue_text(const struct globe_result *result, size_t index) {
    return index < result->view.clue_count ? or_empty(result->view.clues[index].text) : "";
}

const char *globe_result_json(const struct globe_result *result) {
    return result->json;
}
