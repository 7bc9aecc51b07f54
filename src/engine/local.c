// The local model as an engine: every request is one submission to the generator; its samples decode as one
// batch with those of other requests, while the prompts of further ones are read piece by piece.
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "generate/generator.h"

// Prompts that are made ready before their turn to be read: pictures as patches take much memory.
enum { READ_AHEAD = 2 };

struct local_engine {
    struct engine base;
    struct model *model;
    struct generator *generator;
    size_t sequences, flying;
    size_t samples; // of the latest request: the next one is taken to be like it
    struct flight *flights;
};

// A request in flight. Freed with its last answer.
struct flight {
    struct local_engine *engine;
    struct flight *next, **link; // in the engine's list
    engine_ticket ticket;
    char *name;
    size_t left; // answers to come
    bool explain;
    struct prompt prompt; // until it is read, or kept for attention maps
    struct engine_events events;
    bool telling;   // one of its events is on its way
    bool cancelled; // ... and has cancelled it: freed when that comes back
};

static void list_flight(struct local_engine *engine, struct flight *flight) {
    flight->engine = engine;
    flight->next = engine->flights;
    flight->link = &engine->flights;
    if (flight->next) flight->next->link = &flight->next;
    engine->flights = flight;
    engine->flying++;
}

// No longer in flight.
static void unlist_flight(struct flight *flight) {
    *flight->link = flight->next;
    if (flight->next) flight->next->link = flight->link;
    flight->engine->flying--;
}

static void free_flight(struct flight *flight) {
    if (!flight) return;
    prompt_free(&flight->prompt);
    free(flight->name);
    free(flight);
}

static void free_flights(struct local_engine *engine) {
    for (struct flight *flight = engine->flights, *next; flight; flight = next) {
        next = flight->next;
        free_flight(flight);
    }
    engine->flights = NULL;
    engine->flying = 0;
}

// An event has come back: whether the flight goes on.
static bool goes_on(struct flight *flight) {
    flight->telling = false;
    if (!flight->cancelled) return true;
    free_flight(flight);
    return false;
}

static void finish(struct flight *flight) {
    struct engine_events events = flight->events;
    unlist_flight(flight);
    free_flight(flight);
    if (events.on_finished) events.on_finished(events.context);
}

static void on_token(void *context, size_t sample, const struct sampled *token, const char *text,
                     size_t length) {
    struct flight *flight = context;
    (void)token;
    if (!flight->events.on_text || !length || flight->cancelled) return;
    flight->telling = true;
    flight->events.on_text(flight->events.context, sample, text, length);
    goes_on(flight);
}

static void on_done(void *context, size_t sample, const struct completion *completion) {
    struct flight *flight = context;
    if (completion->finish == FINISH_CANCELLED) return;
    float *log_probs = malloc((completion->count + 1) * sizeof *log_probs);
    for (size_t i = 0; log_probs && i < completion->count; i++) log_probs[i] = completion->tokens[i].logprob;
    struct attention_map attention = {0};
    struct error error = {0};
    if (flight->explain && completion->count &&
        attention_map_compute(&attention, flight->engine->model, &flight->prompt, completion->prefix,
                              completion->ids, completion->count, &error))
        log_warning("no attention map: %s", error.message);
    const struct engine_answer answer = {.sample = sample,
                                         .text = completion->text,
                                         .length = completion->length,
                                         .tokens = completion->count,
                                         .truncated = completion->finish == FINISH_LENGTH,
                                         .log_probs = log_probs,
                                         .ends = log_probs ? completion->ends : NULL,
                                         .attention = attention.weights ? &attention : NULL};
    flight->telling = true;
    if (flight->events.on_answer) flight->events.on_answer(flight->events.context, &answer);
    free(log_probs);
    attention_map_free(&attention);
    if (goes_on(flight) && --flight->left == 0) finish(flight);
}

static void on_read(void *context) {
    struct flight *flight = context;
    if (!flight->explain) prompt_free(&flight->prompt);
}

static void on_failure(void *context, const struct error *why) {
    struct flight *flight = context;
    struct error error = *why;
    if (flight->name) error_prefix(&error, "%s", flight->name);
    flight->telling = true;
    if (flight->events.on_failure) flight->events.on_failure(flight->events.context, &error);
    if (goes_on(flight)) finish(flight);
}

static struct flight *new_flight(const struct local_engine *engine, const struct engine_request *request,
                                 engine_ticket ticket, struct error *error) {
    struct flight *flight = memory_new(1, sizeof *flight, "request", error);
    if (!flight) return NULL;
    *flight = (struct flight){
        .ticket = ticket, .left = request->samples, .explain = request->explain, .events = request->events};
    if (request->name) flight->name = memory_copy_string(request->name, strlen(request->name), error);
    if ((!request->name || flight->name) && prompt_build(&flight->prompt, engine->model, request->chat,
                                                         request->images, request->image_count, error) == 0)
        return flight;
    free_flight(flight);
    return NULL;
}

static int submit(struct engine *base, const struct engine_request *request, engine_ticket ticket,
                  struct error *error) {
    struct local_engine *engine = (struct local_engine *)base;
    if (request->schema)
        return error_set(error, ERROR_USAGE,
                         "a local model cannot be held to a JSON schema: ask for the form in the prompt and "
                         "look at what comes, or ask a server that takes response_format");
    struct flight *flight = new_flight(engine, request, ticket, error);
    if (!flight) return -1;
    const struct generation generation = {.prompt = &flight->prompt,
                                          .adapter = request->adapter,
                                          .sampling = request->sampling,
                                          .samples = request->samples,
                                          .max_tokens = request->max_tokens,
                                          .on_token = on_token,
                                          .on_done = on_done,
                                          .on_read = on_read,
                                          .on_failure = on_failure,
                                          .context = flight};
    if (generator_queue(engine->generator, &generation, error)) {
        free_flight(flight);
        return -1;
    }
    engine->samples = request->samples;
    list_flight(engine, flight);
    return 0;
}

static int step(struct engine *base, struct error *error) {
    struct local_engine *engine = (struct local_engine *)base;
    if (generator_step(engine->generator, NULL, error) == 0) return 0;
    free_flights(engine); // the generator has dropped their samples
    return -1;
}

static size_t room(const struct engine *base) {
    const struct local_engine *engine = (const struct local_engine *)base;
    if (generator_waiting(engine->generator) >= READ_AHEAD) return 0;
    size_t live = generator_live(engine->generator), samples = engine->samples ? engine->samples : 1;
    return live < engine->sequences ? (engine->sequences - live) / samples : 0;
}

static size_t flying(const struct engine *base) {
    return ((const struct local_engine *)base)->flying;
}

static void cancel(struct engine *base, engine_ticket ticket) {
    struct local_engine *engine = (struct local_engine *)base;
    struct flight *flight = engine->flights;
    while (flight && flight->ticket != ticket) flight = flight->next;
    if (!flight) return;
    unlist_flight(flight);
    flight->cancelled = true;
    generator_cancel(engine->generator, flight);
    if (!flight->telling) free_flight(flight);
}

static void close_engine(struct engine *base) {
    struct local_engine *engine = (struct local_engine *)base;
    generator_free(engine->generator);
    free_flights(engine); // after an interruption some are unanswered
    free(engine);
}

static const char *model(const struct engine *base) {
    return model_facts(((const struct local_engine *)base)->model)->short_name;
}

static const struct engine_operations operations = {.submit = submit,
                                                    .step = step,
                                                    .room = room,
                                                    .flying = flying,
                                                    .cancel = cancel,
                                                    .close = close_engine,
                                                    .model = model};

struct engine *engine_open_local(struct model *model, const struct local_options *options,
                                 struct error *error) {
    struct local_engine *engine = memory_new(1, sizeof *engine, "engine", error);
    if (!engine) return NULL;
    engine->base.operations = &operations;
    engine->model = model;
    engine->sequences = options->sequences ? options->sequences : 1;
    engine->generator = generator_new(model, error);
    if (!engine->generator) {
        free(engine);
        return NULL;
    }
    if (options->piece) generator_set_piece(engine->generator, options->piece);
    return &engine->base;
}
