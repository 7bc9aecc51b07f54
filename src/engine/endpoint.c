// The engine that asks an OpenAI-compatible server. A request is a job; a job is answered by one call (all its
// samples at once, "n") or by several (one sample each, for servers that do not know "n"). A call is one HTTP
// request, tried again after passing troubles. libcurl's multi interface carries all of them in one thread.
#include "base/clock.h"
#include "engine/engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "engine/endpoint_health.h"
#include "engine/endpoint_request.h"
#include "engine/endpoint_terms.h"
#include "engine/endpoint_transfer.h"
#include "engine/endpoint_url.h"

enum {
    MOST_CONCURRENCY = 256,
    MOST_RETRIES = 100,
    SPARE = 4, // requests held ready for when one is answered
    POLL_MILLISECONDS = 50
};
static const double FIRST_DELAY = 0.5, LONGEST_DELAY = 30, LONGEST_WAIT = 300; // seconds

struct job {
    engine_ticket ticket;
    struct engine_events events;
    bool cancelled;         // goes as soon as nobody looks at it
    char *name;             // NULL: none
    char *schema;           // NULL: none
    size_t likely;          // first tokens that are to be told
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
    double due;              // when to begin, on the clock of clock_seconds()
    struct endpoint_ask ask; // as it was sent last
    struct endpoint_transfer transfer;
};

// Events of one request are on their way; it may be cancelled by them.
struct telling {
    engine_ticket ticket;
    bool cancelled;
    struct telling *outer; // events of another one, which have led to these
};

struct endpoint {
    struct engine engine; // first: the pointers are converted
    struct endpoint_url url;
    struct endpoint_way way;
    struct endpoint_secrets secrets;
    struct endpoint_trust trust;
    struct endpoint_health health;
    struct endpoint_terms terms;
    struct buffer changes; // terms in words
    struct error gone;     // why nothing more is asked
    char *model;
    size_t concurrency;
    int retries, jpeg_quality;
    size_t max_pixels;
    bool log_probs;
    bool one_by_one; // the server does not know "n"
    bool told_of_log_probs, told_of_reasoning;
    CURLM *multi;
    struct call *calls; // waiting and flying, oldest first
    size_t waiting, flying, jobs;
    struct telling *telling;
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
    free(job->schema);
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
    if (!job->cancelled) endpoint->jobs--;
    job_free(job);
}

// ---- events ----

static void begin_telling(struct endpoint *endpoint, struct telling *telling, engine_ticket ticket) {
    *telling = (struct telling){.ticket = ticket, .outer = endpoint->telling};
    endpoint->telling = telling;
}

// Jobs that were cancelled while they were looked at.
static void sweep(struct endpoint *endpoint) {
    if (endpoint->telling) return;
    for (struct call *call = endpoint->calls; call;) {
        struct job *job = call->job;
        call = call->next;
        if (!job->cancelled) continue;
        while (call && call->job == job) call = call->next;
        remove_job(endpoint, job);
        call = endpoint->calls;
    }
}

static void fail_job(struct endpoint *endpoint, struct job *job, const struct error *error) {
    struct engine_events events = job->events;
    struct telling telling;
    bool cancelled = job->cancelled;
    begin_telling(endpoint, &telling, job->ticket);
    remove_job(endpoint, job);
    if (!cancelled && events.on_failure) events.on_failure(events.context, error);
    if (!cancelled && !telling.cancelled && events.on_finished) events.on_finished(events.context);
    endpoint->telling = telling.outer;
}

// Messages begin with the request's name.
static int name_error(const struct job *job, struct error *error) {
    return job->name ? error_prefix(error, "%s", job->name) : -1;
}

// ---- going out ----

static int begin_call(struct endpoint *endpoint, struct call *call, struct error *error) {
    const struct job *job = call->job;
    const bool *refused = endpoint->terms.refused;
    // An answer is told as it comes once: after a broken stream the rest comes in one piece.
    bool stream = job->events.on_text && job->samples == 1 && !job->told && !refused[FIELD_STREAM];
    call->ask = (struct endpoint_ask){.model = endpoint->model,
                                      .sampling = &job->sampling,
                                      .max_tokens = job->max_tokens,
                                      .first = call->first,
                                      .count = call->count,
                                      .stream = stream,
                                      .log_probs = endpoint->log_probs,
                                      .likely = job->likely,
                                      .schema = job->schema,
                                      .terms = endpoint->terms};
    call->transfer.stream = stream;
    if (endpoint_write_body(&call->transfer.body, &call->ask, &job->messages, error) ||
        endpoint_transfer_begin(&call->transfer, endpoint->multi, &endpoint->way, call, error))
        return name_error(job, error);
    call->tries++;
    endpoint->waiting--;
    endpoint->flying++;
    return 0;
}

// The first call that may begin now; *soonest becomes the time until another one may.
static struct call *find_due(const struct endpoint *endpoint, double *soonest) {
    double time = clock_seconds();
    for (struct call *call = endpoint->calls; call; call = call->next) {
        if (call->transfer.easy || call->job->cancelled) continue;
        if (call->due <= time) return call;
        if (call->due - time < *soonest) *soonest = call->due - time;
    }
    return NULL;
}

// Fills the free places; returns the seconds until a waiting call could take one.
static double begin_calls(struct endpoint *endpoint) {
    double soonest = LONGEST_WAIT;
    struct call *call;
    while (endpoint->flying < endpoint->concurrency && endpoint->waiting) {
        double wait = endpoint_health_wait(&endpoint->health, endpoint->flying, clock_seconds());
        if (wait > 0) return wait;
        if (!(call = find_due(endpoint, &soonest))) break;
        struct error error;
        if (begin_call(endpoint, call, &error)) fail_job(endpoint, call->job, &error);
    }
    return soonest;
}

// ---- coming in ----

// `whole`: no more text will come, so that nothing need be held back.
static void tell_text(struct endpoint *endpoint, struct call *call, bool whole) {
    endpoint_transfer_follow(&call->transfer);
    struct endpoint_reply *reply = &call->transfer.reply;
    if (call->transfer.form != FORM_EVENTS || reply->count == 0) return;
    const struct buffer *text = &reply->choices[0].text;
    size_t from = reply->delivered;
    if (from >= text->length) return;
    endpoint_secrets_hide(&endpoint->secrets, text->data + from, text->length - from);
    size_t begun = whole ? 0 : endpoint_secrets_begun(&endpoint->secrets, text->data, text->length);
    size_t until = text->length - begun;
    if (until <= from) return;
    reply->delivered = until;
    struct job *job = call->job;
    struct telling telling;
    job->told = true;
    begin_telling(endpoint, &telling, job->ticket);
    job->events.on_text(job->events.context, call->first, text->data + from, until - from);
    endpoint->telling = telling.outer;
}

static void tell_texts(struct endpoint *endpoint) {
    for (struct call *call = endpoint->calls; call; call = call->next)
        if (call->transfer.stream && call->transfer.easy && !call->job->cancelled)
            tell_text(endpoint, call, false);
}

// `last`: the job is done with it, and gone. Whether it was cancelled meanwhile.
static bool tell_answers(struct endpoint *endpoint, engine_ticket ticket, const struct engine_events *events,
                         size_t first, const struct endpoint_reply *reply, bool last) {
    struct telling telling;
    begin_telling(endpoint, &telling, ticket);
    for (size_t i = 0; i < reply->count && !telling.cancelled; i++) {
        const struct endpoint_choice *choice = &reply->choices[i];
        struct engine_answer answer = {.sample = first + i,
                                       .text = choice->text.data,
                                       .length = choice->text.length,
                                       .tokens = choice->tokens,
                                       .truncated = choice->truncated,
                                       .log_probs = choice->log_probs,
                                       .ends = choice->ends,
                                       .likely = choice->likely,
                                       .likely_count = choice->likely_count};
        if (events->on_answer) events->on_answer(events->context, &answer);
    }
    if (last && !telling.cancelled && events->on_finished) events->on_finished(events->context);
    endpoint->telling = telling.outer;
    return telling.cancelled;
}

// What people should know of the answers, once.
static void tell_oddities(struct endpoint *endpoint, const struct endpoint_reply *reply) {
    for (size_t i = 0; i < reply->count; i++) {
        const struct endpoint_choice *choice = &reply->choices[i];
        if (choice->odd_log_probs && !endpoint->told_of_log_probs) {
            endpoint->told_of_log_probs = true;
            log_warning(
                "%s: its log-probs have a form that is not understood, so how sure a single answer is "
                "stays unknown",
                endpoint->url.shown);
        }
        if (choice->only_reasoned && !endpoint->told_of_reasoning) {
            endpoint->told_of_reasoning = true;
            log_warning("%s: the content is empty, so the reasoning beside it is read as the answer (start "
                        "the server without its reasoning parser, or allow more tokens)",
                        endpoint->url.shown);
        }
    }
}

// Servers that do not tell why an answer ended tell at times how long it was.
static void settle_endings(struct endpoint_reply *reply, const struct job *job) {
    for (size_t i = 0; i < reply->count; i++) {
        struct endpoint_choice *choice = &reply->choices[i];
        if (!choice->has_reason && choice->tokens >= job->max_tokens) choice->truncated = true;
    }
}

// A server that ignores "n" gives fewer answers than that; the others are asked for one by one.
static void answer_call(struct endpoint *endpoint, struct call *call) {
    struct job *job = call->job;
    struct endpoint_reply reply = call->transfer.reply;
    call->transfer.reply = (struct endpoint_reply){0};
    engine_ticket ticket = job->ticket;
    struct engine_events events = job->events;
    size_t first = call->first;
    settle_endings(&reply, job);
    tell_oddities(endpoint, &reply);
    if (reply.count < call->count) job->assigned = first + reply.count;
    if (job->assigned < job->samples) endpoint->one_by_one = true;
    job->answered += reply.count;
    remove_call(endpoint, call);
    struct error error;
    bool failed = false;
    while (!failed && job->assigned < job->samples) failed = !add_call(endpoint, job, 1, &error);
    bool last = !failed && job->answered == job->samples;
    if (last) remove_job(endpoint, job);
    bool cancelled = tell_answers(endpoint, ticket, &events, first, &reply, last);
    endpoint_reply_free(&reply);
    if (failed && cancelled)
        remove_job(endpoint, job);
    else if (failed)
        fail_job(endpoint, job, &error);
}

static double delay_before(struct endpoint *endpoint, int tries) {
    double delay = FIRST_DELAY;
    for (int i = 1; i < tries && delay < LONGEST_DELAY; i++) delay *= 2;
    if (delay > LONGEST_DELAY) delay = LONGEST_DELAY;
    return delay * (0.5 + 0.5 * random_unit(&endpoint->random));
}

static void give_up(struct endpoint *endpoint, struct call *call, struct error *error) {
    if (call->tries > 1)
        error_prefix(error, "%s: after %d tries", endpoint->url.shown, call->tries);
    else
        error_prefix(error, "%s", endpoint->url.shown);
    name_error(call->job, error);
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
        log_debug("%s: %s: %s: trying again in %.1f s", call->job->name ? call->job->name : "a request",
                  endpoint->url.shown, error->message, delay);
        stop_call(endpoint, call);
        call->due = clock_seconds() + delay;
        // Asking whether a server is back is no try of this photo.
        if (endpoint_health_is_doubtful(&endpoint->health)) call->tries--;
    }
}

static void ask_again(struct endpoint *endpoint, struct call *call) {
    stop_call(endpoint, call);
    call->tries = 0;
}

// Perhaps only "n" was not to the server's liking: one sample alone shows it.
static void ask_for_one(struct endpoint *endpoint, struct call *call) {
    ask_again(endpoint, call);
    call->job->assigned = call->first + 1;
    call->count = 1;
}

// Whether the server complains of a field that it can do without.
static bool learn(struct endpoint *endpoint, struct call *call) {
    const struct endpoint_reply *reply = &call->transfer.reply;
    if (reply->complaint.length == 0 || reply->complaint.failed) return false;
    bool sent[ENDPOINT_FIELDS], changes;
    struct buffer what = {0};
    endpoint_list_fields(&call->ask, sent);
    enum endpoint_lesson lesson = endpoint_terms_learn(&endpoint->terms, &call->ask.terms, sent,
                                                       reply->complaint.data, reply->named, &what, &changes);
    if (lesson == LESSON_NEW && what.data) {
        if (changes)
            log_warning("%s %s", endpoint->url.shown, what.data);
        else
            log_info("%s %s", endpoint->url.shown, what.data);
        buffer_clear(&endpoint->changes);
        endpoint_terms_describe(&endpoint->terms, &endpoint->changes);
    }
    buffer_free(&what);
    return lesson != LESSON_NONE;
}

static void refuse(struct endpoint *endpoint, struct call *call, bool several, struct error *error) {
    if (learn(endpoint, call)) {
        if (call->count > 1 && endpoint->terms.refused[FIELD_N]) {
            endpoint->one_by_one = true;
            ask_for_one(endpoint, call);
        } else {
            ask_again(endpoint, call);
        }
    } else if (several && call->count > 1) {
        ask_for_one(endpoint, call);
    } else {
        give_up(endpoint, call, error);
    }
}

// The rest is failed by endpoint_step, when no call is being worked on.
static void note_health(struct endpoint *endpoint, enum endpoint_trouble trouble, double retry_after,
                        const struct error *error) {
    struct endpoint_health *health = &endpoint->health;
    double now = clock_seconds();
    if (retry_after > LONGEST_WAIT && trouble == TROUBLE_BUSY) trouble = TROUBLE_SHUT;
    switch (endpoint_health_note(health, trouble, retry_after, now)) {
    case HEALTH_SAME:
        break;
    case HEALTH_DOUBTFUL:
        if (endpoint->jobs > 1)
            log_warning(
                "%s: %zu troubles in a row, the last: %s; asking it one photo at a time until it answers, "
                "for %.0f seconds at most",
                endpoint->url.shown, health->in_row, error->message, health->patience);
        break;
    case HEALTH_RECOVERED:
        log_info("%s answers again", endpoint->url.shown);
        break;
    case HEALTH_GONE:
        if (trouble == TROUBLE_SHUT)
            error_set(&endpoint->gone, ERROR_NETWORK,
                      "not asked, since the server refused %zu requests in a "
                      "row: %s",
                      health->shut, error->message);
        else
            error_set(&endpoint->gone, ERROR_NETWORK,
                      "not asked, since the server is out of reach for %.0f seconds: %s", now - health->since,
                      error->message);
        log_error("%s: given up for the rest: %s", endpoint->url.shown, error->message);
        break;
    }
}

static void end_call(struct endpoint *endpoint, struct call *call, CURLcode result) {
    double retry_after;
    enum endpoint_trouble trouble;
    struct error error = {0};
    if (call->job->cancelled) { // by an event of a call that ended in this moment, too
        stop_call(endpoint, call);
        return;
    }
    if (call->transfer.stream) tell_text(endpoint, call, false);
    enum endpoint_outcome outcome = endpoint_transfer_end(&call->transfer, result, &endpoint->way,
                                                          call->count, &retry_after, &trouble, &error);
    note_health(endpoint, trouble, retry_after, &error);
    if (outcome == ENDPOINT_ANSWERED && call->transfer.stream) tell_text(endpoint, call, true);
    if (call->job->cancelled) {
        stop_call(endpoint, call);
        return;
    }
    switch (outcome) {
    case ENDPOINT_ANSWERED:
        answer_call(endpoint, call);
        break;
    case ENDPOINT_PASSING:
        if (trouble == TROUBLE_SERVER && learn(endpoint, call))
            ask_again(endpoint, call);
        else
            try_again(endpoint, call, retry_after, &error);
        break;
    case ENDPOINT_REFUSED:
    case ENDPOINT_FAILED:
        refuse(endpoint, call, outcome == ENDPOINT_REFUSED, &error);
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

static int endpoint_check(const struct engine *engine, struct error *error) {
    const struct endpoint *endpoint = endpoint_of_const(engine);
    if (!endpoint->health.gone) return 0;
    *error = endpoint->gone;
    return error_prefix(error, "%s", endpoint->url.shown);
}

// Nothing more is asked of a server that is gone.
static void bury(struct endpoint *endpoint) {
    while (endpoint->health.gone && endpoint->calls) {
        struct job *job = endpoint->calls->job;
        struct error error = endpoint->gone;
        error_prefix(&error, "%s", endpoint->url.shown);
        name_error(job, &error);
        fail_job(endpoint, job, &error);
    }
}

static int do_step(struct endpoint *endpoint, struct error *error) {
    begin_calls(endpoint);
    int ended = take_in(endpoint, error);
    if (ended < 0) return -1;
    bury(endpoint);
    double soonest = begin_calls(endpoint); // places that have become free
    if (ended > 0 || load(endpoint) == 0) return 0;
    double most = soonest * 1000;
    int wait = most < POLL_MILLISECONDS ? (int)most + 1 : POLL_MILLISECONDS;
    CURLMcode code = curl_multi_poll(endpoint->multi, NULL, 0, wait, NULL);
    if (code != CURLM_OK)
        return error_set(error, ERROR_NETWORK, "%s: %s", endpoint->url.shown, curl_multi_strerror(code));
    if (take_in(endpoint, error) < 0) return -1;
    bury(endpoint);
    return 0;
}

static int endpoint_step(struct engine *engine, struct error *error) {
    struct endpoint *endpoint = endpoint_of(engine);
    int result = do_step(endpoint, error);
    sweep(endpoint);
    return result;
}

static char *copy(const char *text, struct error *error) {
    return text && !error->code ? memory_copy_string(text, strlen(text), error) : NULL;
}

static struct job *make_job(const struct endpoint *endpoint, const struct engine_request *request,
                            engine_ticket ticket, struct error *error) {
    struct job *job = memory_new(1, sizeof *job, "request", error);
    if (!job) return NULL;
    *error = (struct error){0};
    *job = (struct job){.ticket = ticket,
                        .events = request->events,
                        .name = copy(request->name, error),
                        .schema = copy(request->schema, error),
                        .likely = request->likely,
                        .sampling = request->sampling,
                        .max_tokens = request->max_tokens,
                        .samples = request->samples};
    if (!error->code && endpoint_check_schema(job->schema, error) == 0 &&
        endpoint_write_messages(&job->messages, request, endpoint->jpeg_quality, endpoint->max_pixels,
                                error) == 0)
        return job;
    job_free(job);
    return NULL;
}

static int endpoint_submit(struct engine *engine, const struct engine_request *request, engine_ticket ticket,
                           struct error *error) {
    struct endpoint *endpoint = endpoint_of(engine);
    if (request->samples == 0 || request->samples > ENDPOINT_MOST_CHOICES || request->max_tokens == 0 ||
        request->max_tokens > ENDPOINT_MOST_TOKENS)
        return error_set(error, ERROR_USAGE, "%zu samples of %zu tokens, expected 1 to %d of 1 to %d",
                         request->samples, request->max_tokens, ENDPOINT_MOST_CHOICES, ENDPOINT_MOST_TOKENS);
    if (request->adapter)
        return error_set(error, ERROR_USAGE,
                         "a server has adapters as models of their own: ask for one by its name");
    if (endpoint_check(engine, error)) return request->name ? error_prefix(error, "%s", request->name) : -1;
    struct job *job = make_job(endpoint, request, ticket, error);
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
    sweep(endpoint);
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

static const char *endpoint_changes(const struct engine *engine) {
    const struct buffer *changes = &endpoint_of_const(engine)->changes;
    return changes->data ? changes->data : "";
}

// Its connections are closed, so that the server can stop, too.
static void endpoint_cancel(struct engine *engine, engine_ticket ticket) {
    struct endpoint *endpoint = endpoint_of(engine);
    for (struct telling *telling = endpoint->telling; telling; telling = telling->outer)
        if (telling->ticket == ticket) telling->cancelled = true;
    for (struct call *call = endpoint->calls; call; call = call->next) {
        struct job *job = call->job;
        if (job->ticket != ticket || job->cancelled) continue;
        job->cancelled = true;
        endpoint->jobs--;
        sweep(endpoint);
        return;
    }
}

static void endpoint_close(struct engine *engine) {
    struct endpoint *endpoint = endpoint_of(engine);
    while (endpoint->calls) remove_job(endpoint, endpoint->calls->job);
    curl_multi_cleanup(endpoint->multi);
    curl_slist_free_all(endpoint->way.headers);
    endpoint_url_free(&endpoint->url);
    endpoint_secrets_free(&endpoint->secrets);
    endpoint_trust_free(&endpoint->trust);
    buffer_free(&endpoint->changes);
    free(endpoint->model);
    free(endpoint);
}

static const struct engine_operations operations = {.submit = endpoint_submit,
                                                    .step = endpoint_step,
                                                    .room = endpoint_room,
                                                    .flying = endpoint_flying,
                                                    .cancel = endpoint_cancel,
                                                    .close = endpoint_close,
                                                    .model = endpoint_model,
                                                    .check = endpoint_check,
                                                    .changes = endpoint_changes};

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
    if (!(options->patience >= 0 && options->patience <= 86400))
        return error_set(error, ERROR_USAGE, "a patience of %g seconds, expected up to 86400",
                         options->patience);
    if (options->jpeg_quality < 1 || options->jpeg_quality > 100)
        return error_set(error, ERROR_USAGE, "JPEG quality %d is not from 1 to 100", options->jpeg_quality);
    if (options->max_pixels && options->max_pixels < 28 * 28)
        return error_set(error, ERROR_USAGE, "at most %zu pixels, expected %d or more", options->max_pixels,
                         28 * 28);
    // A line break would begin another header.
    for (const char *c = options->api_key; c && *c; c++)
        if (*c < '!' || *c > '~')
            return error_set(error, ERROR_USAGE,
                             "the API key holds %s, expected letters, digits and signs of ASCII only",
                             *c == '\n' || *c == '\r' ? "a line break"
                             : *c == ' '              ? "a space"
                                                      : "a character of another kind");
    return 0;
}

static bool add_header(struct endpoint *endpoint, const char *line) {
    struct curl_slist *longer = curl_slist_append(endpoint->way.headers, line);
    if (longer) endpoint->way.headers = longer;
    return longer != NULL;
}

static bool add_headers(struct endpoint *endpoint, const char *api_key) {
    // Without "Expect", large requests do not wait for a "continue" that many servers never send.
    if (!add_header(endpoint, "Content-Type: application/json") ||
        !add_header(endpoint, "Accept: application/json, text/event-stream") ||
        !add_header(endpoint, "Expect:"))
        return false;
    if (!api_key || !*api_key) return true;
    struct buffer line = {0};
    buffer_format(&line, "Authorization: Bearer %s", api_key);
    bool added = !line.failed && add_header(endpoint, line.data);
    buffer_free(&line);
    return added;
}

// A server is not given up sooner than one request alone would be.
static double least_patience(int retries) {
    double delay = FIRST_DELAY, sum = 0;
    for (int i = 0; i < retries; i++) {
        sum += delay;
        delay = 2 * delay < LONGEST_DELAY ? 2 * delay : LONGEST_DELAY;
    }
    return sum;
}

static bool prepare(struct endpoint *endpoint, const struct endpoint_options *options) {
    long connections = (long)options->concurrency;
    double least = least_patience(options->retries);
    endpoint->model = strdup(options->model);
    endpoint->multi = curl_multi_init();
    endpoint->health.patience = options->patience > least ? options->patience : least;
    endpoint->way = (struct endpoint_way){.address = endpoint->url.address,
                                          .shown = endpoint->url.shown,
                                          .secrets = &endpoint->secrets,
                                          .trust = &endpoint->trust,
                                          .timeout = options->timeout};
    return endpoint->model && endpoint->multi &&
           endpoint_secrets_add(&endpoint->secrets, options->api_key) == 0 &&
           endpoint_url_secrets(&endpoint->url, &endpoint->secrets) == 0 &&
           add_headers(endpoint, options->api_key) &&
           curl_multi_setopt(endpoint->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections) == CURLM_OK &&
           curl_multi_setopt(endpoint->multi, CURLMOPT_MAXCONNECTS, connections) == CURLM_OK;
}

// What people should know before anything is sent.
static void warn(const struct endpoint *endpoint, const struct endpoint_options *options) {
    if (endpoint->url.open && options->api_key && *options->api_key)
        log_warning("%s: the API key and the photos travel unencrypted", endpoint->url.shown);
    if (options->insecure && endpoint->url.secure)
        log_warning("%s: its certificate is not verified (--insecure): whoever is on the way can read the "
                    "photos and the key, and answer in its place",
                    endpoint->url.shown);
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
    struct endpoint_trust trust = {.everybody = options->insecure};
    bool asked = !options->insecure && (url.secure || options->ca_file);
    struct endpoint *endpoint = NULL;
    if (!asked || endpoint_trust_find(&trust, options->ca_file, error) == 0)
        endpoint = memory_new(1, sizeof *endpoint, "endpoint", error);
    if (!endpoint) {
        endpoint_trust_free(&trust);
        endpoint_url_free(&url);
        return NULL;
    }
    *endpoint = (struct endpoint){.engine.operations = &operations,
                                  .url = url,
                                  .trust = trust,
                                  .concurrency = options->concurrency,
                                  .retries = options->retries,
                                  .jpeg_quality = options->jpeg_quality,
                                  .max_pixels = options->max_pixels,
                                  .log_probs = options->log_probs};
    random_start(&endpoint->random, 0, 0);
    if (!prepare(endpoint, options)) {
        error_set(error, ERROR_MEMORY, "%s: not enough memory", url.shown);
        endpoint_close(&endpoint->engine);
        return NULL;
    }
    warn(endpoint, options);
    return &endpoint->engine;
}
