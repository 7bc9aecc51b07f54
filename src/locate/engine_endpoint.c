// The engine that asks an OpenAI-compatible server. A photo is a job; a job is answered by one call (all its
// samples at once, "n") or by several (one sample each, for servers that do not know "n"). A call is one HTTP
// request, tried again after passing troubles. libcurl's multi interface carries all of them in one thread.
#include "base/clock.h"
#include "locate/engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "locate/endpoint_request.h"
#include "locate/endpoint_transfer.h"
#include "locate/endpoint_url.h"

enum {
    MOST_CONCURRENCY = 256,
    MOST_RETRIES = 100,
    SPARE = 4, // requests held ready for when one is answered
    POLL_MILLISECONDS = 50
};
static const double FIRST_DELAY = 0.5, LONGEST_DELAY = 30, LONGEST_WAIT = 300; // seconds

struct job {
    size_t photo;
    char *name;
    struct buffer messages; // JSON, with the picture in it
    struct sampling sampling;
    size_t max_tokens;
    size_t samples, answered;
    size_t assigned; // samples that calls were made for
    bool told;       // part of the answer has gone to on_text
};

struct call {
    struct call *next;
    struct job *job;
    size_t first, count; // samples
    int tries;
    double due; // when to begin, on the clock of clock_seconds()
    struct endpoint_transfer transfer;
};

struct endpoint {
    struct engine engine; // first: the pointers are converted
    struct endpoint_url url;
    struct endpoint_way way;
    char *model, *api_key;
    size_t concurrency;
    int retries, jpeg_quality;
    size_t max_pixels;
    bool log_probs;
    bool one_by_one; // the server does not know "n"
    CURLM *multi;
    struct call *calls; // waiting and flying, oldest first
    size_t waiting, flying, jobs;
    struct random random; // of the delays
};

static struct endpoint *endpoint_of(struct engine *engine) {
    return (struct endpoint *)engine;
}

static const struct endpoint *endpoint_of_const(const struct engine *engine) {
    return (const struct endpoint *)engine;
}

// ---- jobs and calls ----

static void job_free(struct job *job) {
    if (!job) return;
    free(job->name);
    buffer_free(&job->messages);
    free(job);
}

static struct call *add_call(struct endpoint *endpoint, struct job *job, size_t count, struct error *error) {
    struct call *call = memory_new(1, sizeof *call, "request", error);
    if (!call) return NULL;
    *call = (struct call){.job = job, .first = job->assigned, .count = count};
    job->assigned += count;
    struct call **link = &endpoint->calls;
    while (*link) link = &(*link)->next;
    *link = call;
    endpoint->waiting++;
    return call;
}

// The call is no longer under way: it waits, or it goes.
static void stop_call(struct endpoint *endpoint, struct call *call) {
    if (call->transfer.easy) {
        endpoint->flying--;
        endpoint->waiting++;
    }
    endpoint_transfer_free(&call->transfer, endpoint->multi);
}

static void remove_call(struct endpoint *endpoint, struct call *call) {
    stop_call(endpoint, call);
    endpoint->waiting--;
    struct call **link = &endpoint->calls;
    while (*link != call) link = &(*link)->next;
    *link = call->next;
    free(call);
}

static void remove_job(struct endpoint *endpoint, struct job *job) {
    for (struct call *call = endpoint->calls, *next; call; call = next) {
        next = call->next;
        if (call->job == job) remove_call(endpoint, call);
    }
    endpoint->jobs--;
    job_free(job);
}

static void fail_job(struct endpoint *endpoint, struct job *job, const struct error *error) {
    size_t photo = job->photo;
    remove_job(endpoint, job);
    endpoint->engine.events.on_failure(endpoint->engine.events.context, photo, error);
}

// ---- going out ----

static int begin_call(struct endpoint *endpoint, struct call *call, struct error *error) {
    const struct job *job = call->job;
    // An answer is told as it comes once: after a broken stream the rest comes in one piece.
    bool stream = endpoint->engine.events.on_text && job->samples == 1 && !job->told;
    struct endpoint_ask ask = {.model = endpoint->model,
                               .sampling = &job->sampling,
                               .max_tokens = job->max_tokens,
                               .first = call->first,
                               .count = call->count,
                               .stream = stream,
                               .log_probs = endpoint->log_probs};
    call->transfer.stream = stream;
    if (endpoint_write_body(&call->transfer.body, &ask, &job->messages, error) ||
        endpoint_transfer_begin(&call->transfer, endpoint->multi, &endpoint->way, call, error))
        return error_prefix(error, "%s", job->name);
    call->tries++;
    endpoint->waiting--;
    endpoint->flying++;
    return 0;
}

// The first call that may begin now; *soonest becomes the time until another one may.
static struct call *find_due(const struct endpoint *endpoint, double *soonest) {
    double time = clock_seconds();
    for (struct call *call = endpoint->calls; call; call = call->next) {
        if (call->transfer.easy) continue;
        if (call->due <= time) return call;
        if (call->due - time < *soonest) *soonest = call->due - time;
    }
    return NULL;
}

// Fills the free places; returns the seconds until a waiting call could take one.
static double begin_calls(struct endpoint *endpoint) {
    double soonest = LONGEST_WAIT;
    struct call *call;
    while (endpoint->flying < endpoint->concurrency && endpoint->waiting &&
           (call = find_due(endpoint, &soonest))) {
        struct error error;
        if (begin_call(endpoint, call, &error)) fail_job(endpoint, call->job, &error);
    }
    return soonest;
}

// ---- coming in ----

static void tell_text(struct endpoint *endpoint, struct call *call) {
    endpoint_transfer_follow(&call->transfer);
    struct endpoint_reply *reply = &call->transfer.reply;
    if (!call->transfer.is_events || reply->count == 0) return;
    const struct buffer *text = &reply->choices[0].text;
    size_t from = reply->delivered;
    if (from == text->length) return;
    reply->delivered = text->length;
    call->job->told = true;
    endpoint->engine.events.on_text(endpoint->engine.events.context, call->job->photo, call->first,
                                    text->data + from, text->length - from);
}

static void tell_texts(struct endpoint *endpoint) {
    for (struct call *call = endpoint->calls; call; call = call->next)
        if (call->transfer.stream && call->transfer.easy) tell_text(endpoint, call);
}

static void tell_answers(struct endpoint *endpoint, size_t photo, size_t first,
                         const struct endpoint_reply *reply) {
    for (size_t i = 0; i < reply->count; i++) {
        const struct endpoint_choice *choice = &reply->choices[i];
        struct engine_answer answer = {.sample = first + i,
                                       .text = choice->text.data,
                                       .length = choice->text.length,
                                       .tokens = choice->tokens,
                                       .truncated = choice->truncated,
                                       .log_probs = choice->log_probs,
                                       .ends = choice->ends};
        endpoint->engine.events.on_answer(endpoint->engine.events.context, photo, &answer);
    }
}

// A server that ignores "n" gives fewer answers than that; the others are asked for one by one.
static void answer_call(struct endpoint *endpoint, struct call *call) {
    struct job *job = call->job;
    struct endpoint_reply reply = call->transfer.reply;
    call->transfer.reply = (struct endpoint_reply){0};
    size_t photo = job->photo, first = call->first;
    if (reply.count < call->count) job->assigned = first + reply.count;
    if (job->assigned < job->samples) endpoint->one_by_one = true;
    job->answered += reply.count;
    remove_call(endpoint, call);
    struct error error;
    bool failed = false;
    while (!failed && job->assigned < job->samples) failed = !add_call(endpoint, job, 1, &error);
    if (!failed && job->answered == job->samples) remove_job(endpoint, job);
    tell_answers(endpoint, photo, first, &reply);
    endpoint_reply_free(&reply);
    if (failed) fail_job(endpoint, job, &error);
}

static double delay_before(struct endpoint *endpoint, int tries) {
    double delay = FIRST_DELAY;
    for (int i = 1; i < tries && delay < LONGEST_DELAY; i++) delay *= 2;
    if (delay > LONGEST_DELAY) delay = LONGEST_DELAY;
    return delay * (0.5 + 0.5 * random_unit(&endpoint->random));
}

static void give_up(struct endpoint *endpoint, struct call *call, struct error *error) {
    const struct job *job = call->job;
    if (call->tries > 1)
        error_prefix(error, "%s: %s: after %d tries", job->name, endpoint->url.shown, call->tries);
    else
        error_prefix(error, "%s: %s", job->name, endpoint->url.shown);
    fail_job(endpoint, call->job, error);
}

static void try_again(struct endpoint *endpoint, struct call *call, double retry_after, struct error *error) {
    double delay = delay_before(endpoint, call->tries);
    if (delay < retry_after) delay = retry_after;
    if (call->tries > endpoint->retries) {
        give_up(endpoint, call, error);
    } else if (delay > LONGEST_WAIT) {
        error_prefix(error, "asks to wait %.0f seconds", delay);
        give_up(endpoint, call, error);
    } else {
        log_debug("%s: %s: %s: trying again in %.1f s", call->job->name, endpoint->url.shown, error->message,
                  delay);
        stop_call(endpoint, call);
        call->due = clock_seconds() + delay;
    }
}

// Perhaps only "n" was not to the server's liking: one sample alone shows it.
static void ask_for_one(struct endpoint *endpoint, struct call *call) {
    stop_call(endpoint, call);
    call->job->assigned = call->first + 1;
    call->count = 1;
    call->tries = 0;
}

static void end_call(struct endpoint *endpoint, struct call *call, CURLcode result) {
    double retry_after;
    struct error error;
    if (call->transfer.stream) tell_text(endpoint, call);
    switch (
        endpoint_transfer_end(&call->transfer, result, &endpoint->way, call->count, &retry_after, &error)) {
    case ENDPOINT_ANSWERED:
        answer_call(endpoint, call);
        break;
    case ENDPOINT_PASSING:
        try_again(endpoint, call, retry_after, &error);
        break;
    case ENDPOINT_REFUSED:
        if (call->count > 1) {
            ask_for_one(endpoint, call);
            break;
        }
        give_up(endpoint, call, &error);
        break;
    case ENDPOINT_FAILED:
        give_up(endpoint, call, &error);
        break;
    }
}

// What the network has brought; the number of calls that ended, or -1.
static int take_in(struct endpoint *endpoint, struct error *error) {
    int running, left, ended = 0;
    CURLMcode code = curl_multi_perform(endpoint->multi, &running);
    if (code != CURLM_OK)
        return error_set(error, ERROR_NETWORK, "%s: %s", endpoint->url.shown, curl_multi_strerror(code));
    tell_texts(endpoint);
    CURLMsg *message;
    while ((message = curl_multi_info_read(endpoint->multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode result = message->data.result; // the message itself goes with the handle
        char *owner = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
        end_call(endpoint, (struct call *)(void *)owner, result);
        ended++;
    }
    return ended;
}

// ---- the engine ----

static size_t load(const struct endpoint *endpoint) {
    return endpoint->waiting + endpoint->flying;
}

static int endpoint_step(struct engine *engine, struct error *error) {
    struct endpoint *endpoint = endpoint_of(engine);
    begin_calls(endpoint);
    int ended = take_in(endpoint, error);
    if (ended < 0) return -1;
    double soonest = begin_calls(endpoint); // places that have become free
    if (ended > 0 || load(endpoint) == 0) return 0;
    double most = soonest * 1000;
    int wait = most < POLL_MILLISECONDS ? (int)most + 1 : POLL_MILLISECONDS;
    CURLMcode code = curl_multi_poll(endpoint->multi, NULL, 0, wait, NULL);
    if (code != CURLM_OK)
        return error_set(error, ERROR_NETWORK, "%s: %s", endpoint->url.shown, curl_multi_strerror(code));
    return take_in(endpoint, error) < 0 ? -1 : 0;
}

static struct job *make_job(const struct endpoint *endpoint, const struct engine_request *request,
                            struct error *error) {
    struct job *job = memory_new(1, sizeof *job, "request", error);
    if (!job) return NULL;
    const char *name = request->name ? request->name : "";
    *job = (struct job){.photo = request->photo,
                        .name = memory_copy_string(name, strlen(name), error),
                        .sampling = request->sampling,
                        .max_tokens = request->max_tokens,
                        .samples = request->samples};
    if (job->name && endpoint_write_messages(&job->messages, request, endpoint->jpeg_quality,
                                             endpoint->max_pixels, error) == 0)
        return job;
    job_free(job);
    return NULL;
}

static int endpoint_submit(struct engine *engine, const struct engine_request *request, struct error *error) {
    struct endpoint *endpoint = endpoint_of(engine);
    if (request->samples == 0 || request->samples > ENDPOINT_MOST_CHOICES || request->max_tokens == 0 ||
        request->max_tokens > ENDPOINT_MOST_TOKENS)
        return error_set(error, ERROR_USAGE, "%zu samples of %zu tokens, expected 1 to %d of 1 to %d",
                         request->samples, request->max_tokens, ENDPOINT_MOST_CHOICES, ENDPOINT_MOST_TOKENS);
    if (sampling_check(&request->sampling, error)) return -1;
    struct job *job = make_job(endpoint, request, error);
    if (!job) return -1;
    endpoint->jobs++;
    size_t count = endpoint->one_by_one ? 1 : job->samples;
    while (job->assigned < job->samples)
        if (!add_call(endpoint, job, count, error)) {
            remove_job(endpoint, job);
            return -1;
        }
    // Requests go out while the caller prepares the next photo; what comes back waits for a step.
    begin_calls(endpoint);
    int running;
    curl_multi_perform(endpoint->multi, &running);
    return 0;
}

static size_t endpoint_room(const struct engine *engine) {
    const struct endpoint *endpoint = endpoint_of_const(engine);
    size_t most = endpoint->concurrency + SPARE, taken = load(endpoint);
    return taken < most ? most - taken : 0;
}

static size_t endpoint_flying(const struct engine *engine) {
    return endpoint_of_const(engine)->jobs;
}

static const char *endpoint_model(const struct engine *engine) {
    return endpoint_of_const(engine)->model;
}

static void endpoint_free(struct engine *engine) {
    struct endpoint *endpoint = endpoint_of(engine);
    while (endpoint->calls) remove_job(endpoint, endpoint->calls->job);
    curl_multi_cleanup(endpoint->multi);
    curl_slist_free_all(endpoint->way.headers);
    endpoint_url_free(&endpoint->url);
    free(endpoint->model);
    free(endpoint->api_key);
    free(endpoint);
}

static const struct engine_operations operations = {.submit = endpoint_submit,
                                                    .step = endpoint_step,
                                                    .room = endpoint_room,
                                                    .flying = endpoint_flying,
                                                    .free = endpoint_free,
                                                    .model = endpoint_model};

// ---- opening ----

static CURLcode global_result;

static void initialise_library(void) {
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int check_options(const struct endpoint_options *options, struct error *error) {
    if (!options->url || !*options->url) return error_set(error, ERROR_USAGE, "the endpoint has no URL");
    if (!options->model || !*options->model)
        return error_set(error, ERROR_USAGE, "the endpoint needs the name of a model");
    if (options->concurrency < 1 || options->concurrency > MOST_CONCURRENCY)
        return error_set(error, ERROR_USAGE, "%zu requests at once, expected 1 to %d", options->concurrency,
                         MOST_CONCURRENCY);
    if (options->retries < 0 || options->retries > MOST_RETRIES)
        return error_set(error, ERROR_USAGE, "%d retries, expected 0 to %d", options->retries, MOST_RETRIES);
    if (!(options->timeout > 0 && options->timeout <= 86400))
        return error_set(error, ERROR_USAGE, "a time-out of %g seconds, expected up to 86400",
                         options->timeout);
    if (options->jpeg_quality < 1 || options->jpeg_quality > 100)
        return error_set(error, ERROR_USAGE, "JPEG quality %d is not from 1 to 100", options->jpeg_quality);
    if (options->max_pixels && options->max_pixels < 28 * 28)
        return error_set(error, ERROR_USAGE, "at most %zu pixels, expected %d or more", options->max_pixels,
                         28 * 28);
    // A line break would begin another header.
    for (const char *c = options->api_key; c && *c; c++)
        if (*c < '!' || *c > '~')
            return error_set(error, ERROR_USAGE,
                             "the API key holds a character that is no letter, digit or sign of ASCII");
    return 0;
}

static bool add_header(struct endpoint *endpoint, const char *line) {
    struct curl_slist *longer = curl_slist_append(endpoint->way.headers, line);
    if (longer) endpoint->way.headers = longer;
    return longer != NULL;
}

static bool add_headers(struct endpoint *endpoint) {
    // Without "Expect", large requests do not wait for a "continue" that many servers never send.
    if (!add_header(endpoint, "Content-Type: application/json") ||
        !add_header(endpoint, "Accept: application/json, text/event-stream") ||
        !add_header(endpoint, "Expect:"))
        return false;
    if (!endpoint->api_key || !*endpoint->api_key) return true;
    struct buffer line = {0};
    buffer_format(&line, "Authorization: Bearer %s", endpoint->api_key);
    bool added = !line.failed && add_header(endpoint, line.data);
    buffer_free(&line);
    return added;
}

static bool prepare(struct endpoint *endpoint, const struct endpoint_options *options) {
    long connections = (long)options->concurrency;
    endpoint->model = strdup(options->model);
    if (options->api_key) endpoint->api_key = strdup(options->api_key);
    endpoint->multi = curl_multi_init();
    endpoint->way = (struct endpoint_way){.address = endpoint->url.address,
                                          .shown = endpoint->url.shown,
                                          .api_key = endpoint->api_key,
                                          .timeout = options->timeout};
    return endpoint->model && endpoint->multi && (endpoint->api_key || !options->api_key) &&
           add_headers(endpoint) &&
           curl_multi_setopt(endpoint->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections) == CURLM_OK &&
           curl_multi_setopt(endpoint->multi, CURLMOPT_MAXCONNECTS, connections) == CURLM_OK;
}

struct engine *engine_open_endpoint(const struct endpoint_options *options, struct error *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise_library);
    if (global_result != CURLE_OK) {
        error_set(error, ERROR_NETWORK, "libcurl: %s", curl_easy_strerror(global_result));
        return NULL;
    }
    struct endpoint_url url;
    if (check_options(options, error) || endpoint_url_make(&url, options->url, error)) return NULL;
    struct endpoint *endpoint = memory_new(1, sizeof *endpoint, "endpoint", error);
    if (!endpoint) {
        endpoint_url_free(&url);
        return NULL;
    }
    *endpoint = (struct endpoint){.engine.operations = &operations,
                                  .url = url,
                                  .concurrency = options->concurrency,
                                  .retries = options->retries,
                                  .jpeg_quality = options->jpeg_quality,
                                  .max_pixels = options->max_pixels,
                                  .log_probs = options->log_probs};
    random_start(&endpoint->random, 0, 0);
    if (!prepare(endpoint, options)) {
        error_set(error, ERROR_MEMORY, "%s: not enough memory", url.shown);
        endpoint_free(&endpoint->engine);
        return NULL;
    }
    if (url.open && options->api_key)
        log_warning("%s: the API key and the photos travel unencrypted", url.shown);
    return &endpoint->engine;
}
