// What turns chats with pictures into completions: the local model, or any OpenAI-compatible server. Requests are
// submitted, then the engine is stepped; each request hears of its own answers, in any order, from within
// engine_step (at times engine_submit), until it is finished or cancelled.
#ifndef GLOBE_ENGINE_ENGINE_H
#define GLOBE_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "generate/sampler.h"
#include "model/attention_map.h"
#include "photo/image.h"
#include "text/chat.h"

// A token that might have stood there.
enum { ENGINE_MOST_LIKELY = 20, ENGINE_LIKELY_SIZE = 32 };
struct engine_token {
    char text[ENGINE_LIKELY_SIZE]; // "" for one that is longer
    double log_prob;
};

struct engine_answer {
    size_t sample;
    const char *text; // valid during the event
    size_t length;
    size_t tokens;  // remote: as the server tells, n samples sharing its total evenly; 0 when it does not
    bool truncated; // ended by max_tokens
    // Per token its log-prob (of the raw logits, nats) and the end of its text (bytes); NULL when the engine does not
    // tell. The end token of a local model is not among them.
    const float *log_probs;
    const size_t *ends;
    const struct engine_token
        *likely; // the likeliest first tokens, of a server that was asked for them and tells
    size_t likely_count;
    struct attention_map *attention; // NULL unless asked for; the receiver may take its contents
};

// What a request hears. All may be NULL. Events may submit further requests and cancel any, their own included; they
// must not step or close the engine.
struct engine_events {
    // Part of an answer, as it comes; the parts of a sample together are its text. Remote engines do so for single
    // samples only, perhaps never, and stop when a stream breaks and the question is put again: what counts is the
    // answer.
    void (*on_text)(void *context, size_t sample, const char *text, size_t length);
    void (*on_answer)(void *context, const struct engine_answer *answer);
    void (*on_failure)(void *context,
                       const struct error *error); // it cannot be answered; the message names it
    void (*on_finished)(void *context);            // the last event, after the last answer or the failure
    void *context;
};

struct lora;

// Nothing of it need outlive engine_submit, but the adapter.
struct engine_request {
    const char *name; // for messages; NULL: none
    // The system message, the turns and the places of the pictures. Without a system message a local model has its
    // template's own, a server its own.
    const struct chat *chat;
    const struct image
        *images; // [image_count], as the chat names them; pixels only: no metadata reaches an engine
    size_t image_count;
    struct sampling sampling;
    size_t samples;    // at least 1
    size_t max_tokens; // per sample
    // A JSON schema (text) that each answer shall follow; NULL: none. Servers get it as response_format. ERROR_USAGE of
    // a local model, which cannot be held to one.
    const char *schema;
    // Local models: what the request goes through, as long as it is in flight (model/lora.h); NULL: the model's own.
    // ERROR_USAGE of a server: its adapters are models of their own name.
    const struct lora *adapter;
    // Servers: how many of the likeliest first tokens to tell, at most ENGINE_MOST_LIKELY; needs endpoint_options.log_probs.
    size_t likely;
    bool explain; // answers shall come with attention maps (local models only)
    struct engine_events events;
};

typedef uint64_t engine_ticket; // of a request; never given twice in a process, never 0

struct engine;

struct engine_operations {
    int (*submit)(struct engine *engine, const struct engine_request *request, engine_ticket ticket,
                  struct error *error);
    int (*step)(struct engine *engine, struct error *error);
    size_t (*room)(const struct engine *engine);
    size_t (*flying)(const struct engine *engine);
    void (*cancel)(struct engine *engine, engine_ticket ticket); // NULL: nothing can be
    void (*close)(struct engine *engine);
    const char *(*model)(const struct engine *engine);
    int (*check)(const struct engine *engine, struct error *error); // NULL: always well
    const char *(*changes)(const struct engine *engine);            // NULL: none
};

struct engine {
    const struct engine_operations *operations;
};

// 0, or -1 when the request was refused as it stands (prompt too long ...): then no event comes for it. *ticket, which
// may be NULL, is set before any event.
int engine_submit(struct engine *engine, const struct engine_request *request, engine_ticket *ticket,
                  struct error *error);

// Advances all that is in flight: a piece of a prompt and one token of each answer, or what the network brought within a
// moment. -1 when the engine itself failed: all that was in flight is gone, without an event.
static inline int engine_step(struct engine *engine, struct error *error) {
    return engine->operations->step(engine, error);
}

// Drops a request and frees what it held, at any time; no event comes for it any more. The others go on. Nothing
// happens when it is finished already.
static inline void engine_cancel(struct engine *engine, engine_ticket ticket) {
    if (engine->operations->cancel) engine->operations->cancel(engine, ticket);
}

// Further requests it would gladly take now.
static inline size_t engine_room(const struct engine *engine) {
    return engine->operations->room(engine);
}

// Requests submitted and not finished.
static inline size_t engine_flying(const struct engine *engine) {
    return engine->operations->flying(engine);
}

// Its name for output.
static inline const char *engine_model(const struct engine *engine) {
    return engine->operations->model(engine);
}

// -1 with *error set when no further request will be taken (a server that is gone), so that nobody need prepare one.
static inline int engine_check(const struct engine *engine, struct error *error) {
    return engine->operations->check ? engine->operations->check(engine, error) : 0;
}

// What was asked for and could not be had, because a server does not take it: "seed left out". "" when all went out as
// it was wanted.
static inline const char *engine_changes(const struct engine *engine) {
    return engine->operations->changes ? engine->operations->changes(engine) : "";
}

// What is in flight goes without an event. NULL will do.
static inline void engine_close(struct engine *engine) {
    if (engine) engine->operations->close(engine);
}

// ---- the local model ----

struct model;

struct local_options {
    size_t sequences; // samples that decode together at most, but one request's always do; 0: 1
    // Tokens of a prompt that are read between two tokens of those who decode (generate/generator.h); 0: the
    // generator's own choice.
    size_t piece;
};
// The model must outlive the engine.
struct engine *engine_open_local(struct model *model, const struct local_options *options,
                                 struct error *error);

// ---- servers ----

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
// fails does so alone (ERROR_NETWORK; the message names it, the server and its words); step never
// does for what a server did.
struct engine *engine_open_endpoint(const struct endpoint_options *options, struct error *error);

#endif
