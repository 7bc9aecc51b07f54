#include "generate/generator.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

// A prompt's cache, shared by its samples and freed with the last of them.
struct shared {
    struct kv_cache cache;
    size_t users;
};

// A request whose prompt is not read to its end.
struct waiting {
    struct waiting *next;
    struct generation request;
    struct shared *prefix;
    struct prefill *prefill; // NULL: not begun
};

struct sample {
    struct generation request; // its prompt pointer is not used once it is read
    size_t number;
    struct shared *prefix;
    struct kv_cache own;
    struct sampler *sampler;
    int32_t position; // of the next token
    struct ids ids;
    struct sampled *tokens;
    size_t *ends;
    size_t token_capacity;
    struct buffer text;
    struct tokenizer_stream stream;
    bool done;
};

struct generator {
    struct model *model;
    size_t piece; // tokens of a prompt that are read together
    struct waiting *waiting;
    struct sample **live;
    size_t count, capacity;
    bool inside;   // callbacks are being called: who is done stays in the list for now
    float *logits; // [logit_rows, vocab]
    size_t logit_rows;
    // Inputs of a step, one entry per live sample, and what was drawn.
    int32_t *ids, *positions;
    struct decoder_sequence *sequences;
    struct sampled *drawn;
    float *temperatures, *log_probs; // of an exact model
};

const char *finish_name(enum finish finish) {
    static const char *const names[] = {"stop", "length", "cancelled"};
    return names[finish];
}

struct generator *generator_new(struct model *model, struct error *error) {
    struct generator *generator = memory_new(1, sizeof *generator, "generator", error);
    if (!generator) return NULL;
    generator->model = model;
    generator->piece = MODEL_PREFILL_PIECE;
    return generator;
}

void generator_set_piece(struct generator *generator, size_t tokens) {
    generator->piece = tokens ? tokens : SIZE_MAX;
}

static void release_prefix(struct shared *prefix) {
    if (!prefix || --prefix->users) return;
    kv_cache_close(&prefix->cache);
    free(prefix);
}

static void free_sample(struct sample *sample) {
    if (!sample) return;
    release_prefix(sample->prefix);
    kv_cache_close(&sample->own);
    sampler_free(sample->sampler);
    ids_free(&sample->ids);
    free(sample->tokens);
    free(sample->ends);
    buffer_free(&sample->text);
    free(sample);
}

static void free_waiting(struct waiting *waiting) {
    model_prefill_drop(waiting->prefill);
    release_prefix(waiting->prefix);
    free(waiting);
}

static void drop_all(struct generator *generator) {
    while (generator->waiting) {
        struct waiting *first = generator->waiting;
        generator->waiting = first->next;
        free_waiting(first);
    }
    for (size_t i = 0; i < generator->count; i++) free_sample(generator->live[i]);
    generator->count = 0;
}

void generator_free(struct generator *generator) {
    if (!generator) return;
    drop_all(generator);
    free(generator->live);
    free(generator->logits);
    free(generator->ids);
    free(generator->positions);
    free(generator->sequences);
    free(generator->drawn);
    free(generator->temperatures);
    free(generator->log_probs);
    free(generator);
}

size_t generator_live(const struct generator *generator) {
    size_t live = 0;
    for (size_t i = 0; i < generator->count; i++) live += !generator->live[i]->done;
    for (const struct waiting *w = generator->waiting; w; w = w->next) live += w->request.samples;
    return live;
}

size_t generator_waiting(const struct generator *generator) {
    size_t count = 0;
    for (const struct waiting *w = generator->waiting; w; w = w->next) count++;
    return count;
}

static int reserve(struct generator *generator, size_t count, struct error *error) {
    size_t vocab = model_facts(generator->model)->vocab;
    if (count > generator->capacity) {
        size_t capacity = count < 16 ? 16 : count * 2;
        void *grown = memory_grow(generator->live, capacity, sizeof *generator->live, "generator", error);
        if (!grown) return -1;
        generator->live = grown;
        if (!(grown = memory_grow(generator->ids, capacity, sizeof *generator->ids, "generator", error)))
            return -1;
        generator->ids = grown;
        if (!(grown = memory_grow(generator->positions, capacity, sizeof *generator->positions, "generator",
                                  error)))
            return -1;
        generator->positions = grown;
        if (!(grown = memory_grow(generator->sequences, capacity, sizeof *generator->sequences, "generator",
                                  error)))
            return -1;
        generator->sequences = grown;
        if (!(grown = memory_grow(generator->drawn, capacity, sizeof *generator->drawn, "generator", error)))
            return -1;
        generator->drawn = grown;
        if (!(grown = memory_grow(generator->temperatures, capacity, sizeof *generator->temperatures,
                                  "generator", error)))
            return -1;
        generator->temperatures = grown;
        if (!(grown = memory_grow(generator->log_probs, capacity, sizeof *generator->log_probs, "generator",
                                  error)))
            return -1;
        generator->log_probs = grown;
        generator->capacity = capacity;
    }
    if (count > generator->logit_rows) {
        float *logits = memory_new_aligned(count, vocab * sizeof *logits, "logits", error);
        if (!logits) return -1;
        free(generator->logits);
        generator->logits = logits;
        generator->logit_rows = count;
    }
    return 0;
}

static void end_sample(struct sample *sample, enum finish finish) {
    sample->done = true;
    size_t before = sample->text.length, count = sample->ids.count;
    tokenizer_stream_end(&sample->stream, &sample->text);
    if (count) sample->ends[count - 1] = sample->text.length;
    if (sample->text.length > before && sample->request.on_token)
        sample->request.on_token(sample->request.context, sample->number, &sample->tokens[count - 1],
                                 sample->text.data + before, sample->text.length - before);
    struct completion completion = {.ids = sample->ids.data,
                                    .count = count,
                                    .tokens = sample->tokens,
                                    .stop = finish == FINISH_STOP ? &sample->tokens[count] : NULL,
                                    .text = sample->text.data ? sample->text.data : "",
                                    .length = sample->text.length,
                                    .ends = sample->ends,
                                    .finish = finish,
                                    .prefix = &sample->prefix->cache};
    if (sample->request.on_done)
        sample->request.on_done(sample->request.context, sample->number, &completion);
}

static bool is_stop(const struct model *model, int32_t id) {
    const struct model_facts *facts = model_facts(model);
    for (size_t i = 0; i < facts->stop_count; i++)
        if (facts->stops[i] == id) return true;
    return false;
}

static int keep_token(struct sample *sample, const struct sampled *token, struct error *error) {
    if (sample->ids.count == sample->token_capacity) {
        size_t capacity = sample->token_capacity ? sample->token_capacity * 2 : 64;
        void *grown = memory_grow(sample->tokens, capacity, sizeof *sample->tokens, "completion", error);
        if (!grown) return -1;
        sample->tokens = grown;
        if (!(grown = memory_grow(sample->ends, capacity, sizeof *sample->ends, "completion", error)))
            return -1;
        sample->ends = grown;
        sample->token_capacity = capacity;
    }
    sample->tokens[sample->ids.count] = *token;
    return ids_add(&sample->ids, token->id, error);
}

// Takes a drawn token in: text, callbacks, end.
static int accept(struct generator *generator, struct sample *sample, const struct sampled *token,
                  struct error *error) {
    struct generation *request = &sample->request;
    if (keep_token(sample, token, error)) return -1;
    if (!request->ignore_stop && is_stop(generator->model, token->id)) {
        sample->ids.count--; // it stays behind the others
        end_sample(sample, FINISH_STOP);
        return 0;
    }
    size_t before = sample->text.length;
    tokenizer_stream_add(model_tokenizer(generator->model), &sample->stream, token->id, true, &sample->text);
    if (sample->text.failed) return error_set(error, ERROR_MEMORY, "completion: out of memory");
    sample->ends[sample->ids.count - 1] = sample->text.length;
    if (request->on_token)
        request->on_token(request->context, sample->number, token,
                          sample->text.data ? sample->text.data + before : "", sample->text.length - before);
    if (!sample->done && sample->ids.count >= request->max_tokens) end_sample(sample, FINISH_LENGTH);
    return 0;
}

static int draw(const struct generator *generator, const struct sample *sample, const float *logits,
                struct sampled *token, struct error *error) {
    bool early = sample->ids.count < sample->request.min_tokens;
    const struct model_facts *facts = model_facts(generator->model);
    return sampler_draw(sample->sampler, logits, early ? facts->stops : NULL, early ? facts->stop_count : 0,
                        token, error);
}

// An exact model's own log-probs of what was drawn: of the raw logits, or with `full` at the samples' temperatures.
static int compute_exactly(struct generator *generator, size_t first, size_t count, const float *logits,
                           size_t stride, bool full, struct error *error) {
    int32_t *ids = generator->ids;
    for (size_t i = 0; i < count; i++) {
        const struct sampling *sampling = &generator->live[first + i]->request.sampling;
        ids[i] = generator->drawn[i].id;
        generator->temperatures[i] = full ? (float)sampling_temperature(sampling) : 1;
    }
    size_t rows = stride ? count : 1; // samples of a new prompt have their logits in common
    for (size_t i = 0; i < count; i += rows)
        if (model_log_softmax(generator->model, logits + i * stride, ids + i, generator->temperatures + i,
                              rows, generator->log_probs + i, error))
            return -1;
    for (size_t i = 0; i < count; i++) {
        struct sampled *token = &generator->drawn[i];
        if (!full)
            token->logprob = generator->log_probs[i];
        else if (!sampling_penalises(&generator->live[first + i]->request.sampling))
            token->full_logprob = generator->log_probs[i];
    }
    return 0;
}

// The next tokens of the live samples [first, first + count) into drawn[0 ... count), by as many threads as the
// model has. Sample i's logits are at i * stride.
static int draw_all(struct generator *generator, size_t first, size_t count, const float *logits,
                    size_t stride, struct error *error) {
    const struct model_facts *facts = model_facts(generator->model);
    size_t failed = SIZE_MAX; // the first that failed
    // No critical section: its name would be a symbol of the library.
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
#pragma omp parallel for num_threads(facts->threads ? facts->threads : 1) schedule(dynamic, 4) if (count > 1)
    for (size_t i = 0; i < count; i++) {
        const struct sample *sample = generator->live[first + i];
        struct error own = {0};
        if (sample->done || draw(generator, sample, logits + i * stride, &generator->drawn[i], &own) == 0)
            continue;
        pthread_mutex_lock(&lock);
        if (i < failed) {
            failed = i;
            *error = own;
        }
        pthread_mutex_unlock(&lock);
    }
    if (failed != SIZE_MAX) return -1;
    if (!facts->exact) return 0;
    for (size_t i = 0; i < count; i++)
        if (generator->live[first + i]->done) generator->drawn[i].id = 0; // nobody looks at it
    return compute_exactly(generator, first, count, logits, stride, false, error) ||
                   compute_exactly(generator, first, count, logits, stride, true, error)
               ? -1
               : 0;
}

static struct sample *new_sample(struct generator *generator, const struct generation *request, size_t number,
                                 struct shared *prefix, struct error *error) {
    const struct model *model = generator->model;
    struct sample *sample = memory_new(1, sizeof *sample, "sample", error);
    if (!sample) return NULL;
    sample->request = *request;
    sample->number = number;
    sample->prefix = prefix;
    prefix->users++;
    sample->position = request->prompt->next_position;
    const struct model_facts *facts = model_facts(model);
    const int32_t placeholders[] = {facts->image_id, facts->video_id};
    sample->sampler = sampler_new(&request->sampling, facts->vocab, number, request->prompt->ids.data,
                                  request->prompt->ids.count, placeholders, 2, error);
    if (sample->sampler && model_cache_open(model, &sample->own, request->max_tokens, error) == 0) {
        sample->own.adapter = prefix->cache.adapter;
        return sample;
    }
    free_sample(sample);
    return NULL;
}

static void remove_finished(struct generator *generator) {
    size_t kept = 0;
    for (size_t i = 0; i < generator->count; i++)
        if (generator->live[i]->done)
            free_sample(generator->live[i]);
        else
            generator->live[kept++] = generator->live[i];
    generator->count = kept;
}

// ---- reading prompts ----

// What could never be read, or come to an end. Cuts request->max_tokens to what the context leaves.
static int check_request(const struct model *model, struct generation *request, struct error *error) {
    size_t context = model_facts(model)->context, used = request->prompt->ids.count;
    if (used >= context)
        return error_set(error, ERROR_LIMIT, "the prompt has %zu tokens, the model's context is %zu", used,
                         context);
    if (request->max_tokens > context - used) request->max_tokens = context - used;
    if (request->max_tokens == 0 || request->samples == 0)
        return error_set(error, ERROR_USAGE, "nothing to generate: %zu samples of %zu tokens",
                         request->samples, request->max_tokens);
    return sampling_check(&request->sampling, error);
}

static struct waiting *new_waiting(struct generator *generator, const struct generation *generation,
                                   struct error *error) {
    struct generation request = *generation;
    if (check_request(generator->model, &request, error)) return NULL;
    struct waiting *waiting = memory_new(1, sizeof *waiting, "request", error);
    if (!waiting) return NULL;
    waiting->request = request;
    return waiting;
}

static int begin_reading(struct generator *generator, struct waiting *waiting, struct error *error) {
    const struct prompt *prompt = waiting->request.prompt;
    waiting->prefix = memory_new(1, sizeof *waiting->prefix, "prompt cache", error);
    if (!waiting->prefix) return -1;
    waiting->prefix->users = 1; // until the request waits no longer
    if (model_cache_open(generator->model, &waiting->prefix->cache, prompt->ids.count, error)) return -1;
    if (waiting->request.adapter) waiting->prefix->cache.adapter = waiting->request.adapter;
    waiting->prefill = model_prefill_begin(generator->model, prompt, waiting->request.image_embeds,
                                           &waiting->prefix->cache, error);
    return waiting->prefill ? 0 : -1;
}

// The samples of a request whose prompt is read; their first tokens come from the logits in the first row.
static int begin_samples(struct generator *generator, const struct waiting *waiting, struct error *error) {
    const struct generation *request = &waiting->request;
    size_t before = generator->count;
    int result = 0;
    for (size_t i = 0; result == 0 && i < request->samples; i++) {
        struct sample *sample = new_sample(generator, request, i, waiting->prefix, error);
        if (!sample) {
            result = -1;
            break;
        }
        sample->request.prompt = NULL;
        generator->live[generator->count++] = sample;
    }
    size_t count = generator->count - before;
    if (result == 0 && request->on_read) request->on_read(request->context);
    if (result == 0) result = draw_all(generator, before, count, generator->logits, 0, error);
    for (size_t i = 0; result == 0 && i < count; i++)
        if (!generator->live[before + i]->done) // cancelled meanwhile
            result = accept(generator, generator->live[before + i], &generator->drawn[i], error);
    if (result) // the request failed as a whole: none of its samples goes on
        for (size_t i = before; i < before + count; i++) generator->live[i]->done = true;
    return result;
}

// The next piece; *read when it was the last one and the samples have begun.
static int read_piece(struct generator *generator, struct waiting *waiting, bool *read,
                      struct prefill_times *times, struct error *error) {
    *read = false;
    if (!waiting->prefill && begin_reading(generator, waiting, error)) return -1;
    if (model_prefill_step(waiting->prefill, generator->piece, error)) return -1;
    if (!model_prefill_is_read(waiting->prefill)) return 0;
    if (reserve(generator, generator->count + waiting->request.samples, error)) return -1;
    struct prefill *prefill = waiting->prefill;
    waiting->prefill = NULL;
    *read = true;
    return model_prefill_end(prefill, generator->logits, times, error) ||
                   begin_samples(generator, waiting, error)
               ? -1
               : 0;
}

int generator_submit(struct generator *generator, const struct generation *generation,
                     struct prefill_times *times, struct error *error) {
    struct waiting *waiting = new_waiting(generator, generation, error);
    if (!waiting) return -1;
    bool read = false;
    int result = 0;
    generator->inside = true;
    while (result == 0 && !read) result = read_piece(generator, waiting, &read, times, error);
    generator->inside = false;
    free_waiting(waiting);
    remove_finished(generator);
    return result;
}

int generator_queue(struct generator *generator, const struct generation *generation, struct error *error) {
    struct waiting *waiting = new_waiting(generator, generation, error);
    if (!waiting) return -1;
    struct waiting **link = &generator->waiting;
    while (*link) link = &(*link)->next;
    *link = waiting;
    return 0;
}

// One that cannot be read fails alone.
static void read_first(struct generator *generator) {
    struct error error = {0};
    struct waiting *first = generator->waiting;
    bool read;
    // Out of the list while callbacks may look at it.
    generator->waiting = first->next;
    int result = read_piece(generator, first, &read, NULL, &error);
    if (result == 0 && !read) {
        first->next = generator->waiting;
        generator->waiting = first;
        return;
    }
    struct generation request = first->request;
    free_waiting(first);
    if (result && request.on_failure) request.on_failure(request.context, &error);
}

// ---- decoding ----

static int run_step(struct generator *generator, struct error *error) {
    struct model *model = generator->model;
    size_t vocab = model_facts(model)->vocab, count = generator->count;
    for (size_t i = 0; i < count; i++) {
        struct sample *sample = generator->live[i];
        generator->ids[i] = sample->ids.data[sample->ids.count - 1];
        generator->positions[i] = sample->position++;
        generator->sequences[i] =
            (struct decoder_sequence){.prefix = &sample->prefix->cache, .own = &sample->own, .tokens = 1};
    }
    if (model_decode(model, generator->ids, generator->positions, generator->sequences, count,
                     generator->logits, error))
        return -1;
    if (draw_all(generator, 0, count, generator->logits, vocab, error)) return -1;
    for (size_t i = 0; i < count; i++)
        if (!generator->live[i]->done && // cancelled meanwhile
            accept(generator, generator->live[i], &generator->drawn[i], error))
            return -1;
    return 0;
}

int generator_step(struct generator *generator, size_t *live, struct error *error) {
    generator->inside = true;
    if (generator->waiting) read_first(generator);
    remove_finished(generator);
    int result = generator->count ? run_step(generator, error) : 0;
    generator->inside = false;
    if (result)
        drop_all(generator);
    else
        remove_finished(generator);
    if (live) *live = generator_live(generator);
    return result;
}

void generator_cancel(struct generator *generator, const void *context) {
    for (struct waiting **link = &generator->waiting; *link;) {
        struct waiting *waiting = *link;
        if (waiting->request.context != context) {
            link = &waiting->next;
            continue;
        }
        *link = waiting->next;
        free_waiting(waiting);
    }
    for (size_t i = 0; i < generator->count; i++) {
        struct sample *sample = generator->live[i];
        if (sample->request.context != context) continue;
        if (!sample->done) end_sample(sample, FINISH_CANCELLED);
        sample->request.on_token = NULL; // it may be within one of them just now
        sample->request.on_done = NULL;
    }
    if (!generator->inside) remove_finished(generator);
}

int generator_finish(struct generator *generator, struct error *error) {
    size_t live = generator_live(generator);
    while (live)
        if (generator_step(generator, &live, error)) return -1;
    return 0;
}
