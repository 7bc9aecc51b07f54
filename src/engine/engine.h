// What turns a photo and a prompt into completions: the local model, or any OpenAI-compatible server. Work is
// submitted, then stepped; answers come back through events, in any order, from within engine_submit and
// engine_step.
#ifndef GLOBE_ENGINE_ENGINE_H
#define GLOBE_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "generate/sampler.h"
#include "model/attention_map.h"
#include "photo/image.h"

struct engine_request {
    size_t photo;              // the caller's number, given back in events
    const char *name;          // for messages
    const struct image *image; // pixels only: no metadata ever reaches an engine
    const char *system;        // system message; NULL: the model's default
    const char *text;          // what stands after the image
    struct sampling sampling;
    size_t samples;
    size_t max_tokens; // per sample
    bool explain;      // answers shall come with attention maps (local models only)
};

struct engine_answer {
    size_t sample;
    const char *text; // valid during the event
    size_t length;
    size_t tokens;  // remote: as the server tells, n samples sharing its total evenly; 0 when it does not
    bool truncated; // ended by max_tokens
    // Per token its log-prob and the end of its text (bytes); NULL when the engine does not tell.
    const float *log_probs;
    const size_t *ends;
    struct attention_map *attention; // NULL unless asked for; the receiver may take its contents
};

struct engine_events {
    // Part of an answer, as it comes. May be NULL. Remote engines do so for single samples only, perhaps
    // never, and stop when a stream breaks and the question is put again: what counts is the answer.
    void (*on_text)(void *context, size_t photo, size_t sample, const char *text, size_t length);
    void (*on_answer)(void *context, size_t photo, const struct engine_answer *answer);
    // The request cannot be answered; no more events come for this photo.
    void (*on_failure)(void *context, size_t photo, const struct error *error);
    void *context;
};

struct engine;

struct engine_operations {
    // 0, or -1 when the request was refused as it stands (prompt too long ...): then no event comes for it.
    int (*submit)(struct engine *engine, const struct engine_request *request, struct error *error);
    // Advances all that is in flight: one token, or what the network brought within a moment. -1 when the
    // engine itself failed.
    int (*step)(struct engine *engine, struct error *error);
    size_t (*room)(const struct engine *engine);   // further requests it would gladly take now
    size_t (*flying)(const struct engine *engine); // requests submitted and not answered
    void (*cancel)(struct engine *engine); // drops what is in flight, without an event; NULL: nothing ever is
    void (*free)(struct engine *engine);
    const char *(*model)(const struct engine *engine); // its name for output
    // -1 with *error set when no further request will be taken (a server that is gone), so that nobody need
    // prepare one. May be NULL: they always are.
    int (*check)(const struct engine *engine, struct error *error);
    // What was asked for and could not be had, because a server does not take it: "seed left out". "" when
    // all went out as it was wanted. May be NULL.
    const char *(*changes)(const struct engine *engine);
};

struct engine {
    const struct engine_operations *operations;
    struct engine_events events;
};

// The local model; it must outlive the engine. At most `sequences` samples decode together, but one request's
// samples always do.
struct model;
struct engine *engine_open_local(struct model *model, size_t sequences, struct error *error);

struct endpoint_options {
    const char *url;     // "http://127.0.0.1:8000/v1"; "/chat/completions" is added unless it is there
    const char *model;   // as the server calls it
    const char *api_key; // sent as a bearer token; NULL: none. Never logged.
    size_t concurrency;  // requests in flight, 1..256
    // Tries after the first, with exponential back-off: connection errors, 408, 409, 425, 429 and 5xx. A
    // Retry-After of up to 5 minutes is obeyed.
    int retries;
    // Seconds that a server may be out of reach, after several troubles in a row, before all that is left is
    // given up; never less than the tries of one request take.
    double patience;
    double timeout;    // seconds for one whole answer; one that takes longer is not asked for again
    int jpeg_quality;  // of what is sent
    size_t max_pixels; // pictures are shrunk to that before they are sent; 0: as they are
    bool log_probs;    // ask for them
    const char
        *ca_file; // PEM file or folder of authorities instead of the system's; NULL: see endpoint_trust.h
    const char *key_file; // where api_key was read, so that no output replaces it; NULL: nowhere
    bool insecure;        // certificates are not verified
};
// ERROR_USAGE for options out of range and what is no http or https URL; nothing is sent yet. A request that
// fails does so alone (on_failure, ERROR_NETWORK; the message names photo, server and its words); step never
// does for what a server did. Requests, their images and texts need not outlive submit.
struct engine *engine_open_endpoint(const struct endpoint_options *options, struct error *error);

static inline int engine_check(const struct engine *engine, struct error *error) {
    return engine->operations->check ? engine->operations->check(engine, error) : 0;
}

static inline const char *engine_changes(const struct engine *engine) {
    return engine->operations->changes ? engine->operations->changes(engine) : "";
}

static inline void engine_free(struct engine *engine) {
    if (engine) engine->operations->free(engine);
}

#endif
