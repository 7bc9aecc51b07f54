// The local model as an engine: every request is one submission to the generator; its samples decode as one
// batch with those of other photos.
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "generate/generator.h"

struct local_engine {
    struct engine base;
    struct model *model;
    struct generator *generator;
    size_t sequences, flying;
    bool cancelling;
    size_t samples; // of the latest request: the next one is taken to be like it
    struct flight *flights;
};

// A photo in flight. Freed with its last answer.
struct flight {
    struct local_engine *engine;
    struct flight *next, **link; // in the engine's list
    size_t photo, left;
    struct ends { // of each sample: where the text of each token ends
        size_t *data;
        size_t count, capacity, position;
    } * samples;
    size_t sample_count;
    bool explain;
    struct prompt prompt; // kept for attention maps
};

static void list_flight(struct local_engine *engine, struct flight *flight) {
    flight->engine = engine;
    flight->next = engine->flights;
    flight->link = &engine->flights;
    if (flight->next) flight->next->link = &flight->next;
    engine->flights = flight;
    engine->flying++;
}

static void free_flight(struct flight *flight) {
    *flight->link = flight->next;
    if (flight->next) flight->next->link = flight->link;
    flight->engine->flying--;
    for (size_t i = 0; i < flight->sample_count; i++) free(flight->samples[i].data);
    free(flight->samples);
    prompt_free(&flight->prompt);
    free(flight);
}

static void free_flights(struct local_engine *engine) {
    for (struct flight *flight = engine->flights, *next; flight; flight = next) {
        next = flight->next;
        free_flight(flight);
    }
}

static void on_token(void *context, size_t sample, const struct sampled *token, const char *text,
                     size_t length) {
    struct flight *flight = context;
    struct ends *ends = &flight->samples[sample];
    struct engine_events *events = &flight->engine->base.events;
    (void)token;
    if (ends->count == ends->capacity) {
        size_t capacity = ends->capacity ? 2 * ends->capacity : 256;
        size_t *grown = realloc(ends->data, capacity * sizeof *grown);
        if (grown) {
            ends->data = grown;
            ends->capacity = capacity;
        }
    }
    ends->position += length;
    if (ends->count < ends->capacity) ends->data[ends->count++] = ends->position;
    if (events->on_text && length) events->on_text(events->context, flight->photo, sample, text, length);
}

static void on_done(void *context, size_t sample, const struct completion *completion) {
    struct flight *flight = context;
    struct engine_events *events = &flight->engine->base.events;
    if (flight->engine->cancelling) return; // cancel() frees it
    float *log_probs = malloc((completion->count + 1) * sizeof *log_probs);
    for (size_t i = 0; log_probs && i < completion->count; i++) log_probs[i] = completion->tokens[i].logprob;
    bool aligned = log_probs && flight->samples[sample].count >= completion->count;
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
                                         .log_probs = aligned ? log_probs : NULL,
                                         .ends = aligned ? flight->samples[sample].data : NULL,
                                         .attention = attention.weights ? &attention : NULL};
    events->on_answer(events->context, flight->photo, &answer);
    free(log_probs);
    attention_map_free(&attention);
    if (--flight->left == 0) free_flight(flight);
}

static int build_prompt(const struct local_engine *engine, const struct engine_request *request,
                        struct prompt *prompt, struct error *error) {
    struct chat chat = {0};
    int result = 0;
    if (request->system)
        result = chat_add_message(&chat, "system", error) ||
                         chat_add_part(&chat, CHAT_TEXT, request->system, error)
                     ? -1
                     : 0;
    if (result == 0) result = chat_add_message(&chat, "user", error);
    if (result == 0) result = chat_add_part(&chat, CHAT_IMAGE, request->name, error);
    if (result == 0) result = chat_add_part(&chat, CHAT_TEXT, request->text, error);
    if (result == 0) result = prompt_build(prompt, engine->model, &chat, request->image, 1, error);
    chat_free(&chat);
    return result;
}

static int submit(struct engine *base, const struct engine_request *request, struct error *error) {
    struct local_engine *engine = (struct local_engine *)base;
    struct prompt prompt = {0};
    struct flight *flight = memory_new(1, sizeof *flight, "request", error);
    if (!flight) return -1;
    list_flight(engine, flight);
    flight->photo = request->photo;
    flight->left = request->samples;
    flight->explain = request->explain;
    flight->samples = memory_new(request->samples, sizeof *flight->samples, "request", error);
    flight->sample_count = flight->samples ? request->samples : 0;
    if (!flight->samples || build_prompt(engine, request, &prompt, error)) {
        free_flight(flight);
        return -1;
    }
    engine->samples = request->samples;
    const struct generation generation = {.prompt = &prompt,
                                          .sampling = request->sampling,
                                          .samples = request->samples,
                                          .max_tokens = request->max_tokens,
                                          .on_token = on_token,
                                          .on_done = on_done,
                                          .context = flight};
    bool explain = flight->explain;
    if (explain) flight->prompt = prompt; // which frees it; the flight may end within the call below
    int result = generator_submit(engine->generator, &generation, NULL, error);
    if (!explain) prompt_free(&prompt);
    if (result) free_flight(flight);
    return result;
}

static int step(struct engine *base, struct error *error) {
    struct local_engine *engine = (struct local_engine *)base;
    if (generator_step(engine->generator, NULL, error) == 0) return 0;
    free_flights(engine); // the generator has dropped their samples
    return -1;
}

static size_t room(const struct engine *base) {
    const struct local_engine *engine = (const struct local_engine *)base;
    size_t live = generator_live(engine->generator), samples = engine->samples ? engine->samples : 1;
    return live < engine->sequences ? (engine->sequences - live) / samples : 0;
}

static size_t flying(const struct engine *base) {
    return ((const struct local_engine *)base)->flying;
}

static void cancel(struct engine *base) {
    struct local_engine *engine = (struct local_engine *)base;
    engine->cancelling = true;
    for (struct flight *flight = engine->flights; flight; flight = flight->next)
        generator_cancel(engine->generator, flight);
    engine->cancelling = false;
    free_flights(engine);
}

static void free_engine(struct engine *base) {
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
                                                    .free = free_engine,
                                                    .model = model};

struct engine *engine_open_local(struct model *model, size_t sequences, struct error *error) {
    struct local_engine *engine = memory_new(1, sizeof *engine, "engine", error);
    if (!engine) return NULL;
    engine->base.operations = &operations;
    engine->model = model;
    engine->sequences = sequences ? sequences : 1;
    engine->generator = generator_new(model, error);
    if (engine->generator) return &engine->base;
    free(engine);
    return NULL;
}
