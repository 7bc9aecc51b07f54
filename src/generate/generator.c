#include "generate/generator.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

// A prompt's cache, shared by its samples and freed with the last of them.
struct shared {
    struct kv_cache cache;
    size_t users;
};

struct sample {
    struct generation request; // its prompt pointer is not used after submission
    size_t number;
    struct shared *prefix;
    struct kv_cache own;
    struct sampler *sampler;
    int32_t position; // of the next token
    struct ids ids;
    struct sampled *tokens;
    size_t token_capacity;
    struct buffer text;
    struct tokenizer_stream stream;
    bool done;
};

struct generator {
    struct model *model;
    struct sample **live;
    size_t count, capacity;
    float *logits; // [logit_rows, vocab]
    size_t logit_rows;
    // Inputs of a step, one entry per live sample.
    int32_t *ids, *positions;
    struct decoder_sequence *sequences;
};

const char *finish_name(enum finish finish) {
    static const char *const names[] = {"stop", "length", "cancelled"};
    return names[finish];
}

struct generator *generator_new(struct model *model, struct error *error) {
    struct generator *generator = memory_new(1, sizeof *generator, "generator", error);
    if (generator) generator->model = model;
    return generator;
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
    buffer_free(&sample->text);
    free(sample);
}

static void drop_all(struct generator *generator) {
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
    free(generator);
}

size_t generator_live(const struct generator *generator) {
    return generator->count;
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

static void end_sample(struct generator *generator, struct sample *sample, enum finish finish) {
    (void)generator;
    sample->done = true;
    size_t before = sample->text.length;
    tokenizer_stream_end(&sample->stream, &sample->text);
    if (sample->text.length > before && sample->request.on_token)
        sample->request.on_token(sample->request.context, sample->number,
                                 &sample->tokens[sample->ids.count - 1], sample->text.data + before,
                                 sample->text.length - before);
    struct completion completion = {.ids = sample->ids.data,
                                    .count = sample->ids.count,
                                    .tokens = sample->tokens,
                                    .text = sample->text.data ? sample->text.data : "",
                                    .length = sample->text.length,
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

// Takes a drawn token in: text, callbacks, end.
static int accept(struct generator *generator, struct sample *sample, const struct sampled *token,
                  struct error *error) {
    struct generation *request = &sample->request;
    if (!request->ignore_stop && is_stop(generator->model, token->id)) {
        end_sample(generator, sample, FINISH_STOP);
        return 0;
    }
    if (sample->ids.count == sample->token_capacity) {
        size_t capacity = sample->token_capacity ? sample->token_capacity * 2 : 64;
        void *grown = memory_grow(sample->tokens, capacity, sizeof *sample->tokens, "completion", error);
        if (!grown) return -1;
        sample->tokens = grown;
        sample->token_capacity = capacity;
    }
    sample->tokens[sample->ids.count] = *token;
    if (ids_add(&sample->ids, token->id, error)) return -1;
    size_t before = sample->text.length;
    tokenizer_stream_add(model_tokenizer(generator->model), &sample->stream, token->id, true, &sample->text);
    if (sample->text.failed) return error_set(error, ERROR_MEMORY, "completion: out of memory");
    if (request->on_token)
        request->on_token(request->context, sample->number, token,
                          sample->text.data ? sample->text.data + before : "", sample->text.length - before);
    if (sample->ids.count >= request->max_tokens) end_sample(generator, sample, FINISH_LENGTH);
    return 0;
}

static int draw(struct generator *generator, struct sample *sample, const float *logits,
                struct sampled *token, struct error *error) {
    bool early = sample->ids.count < sample->request.min_tokens;
    const struct model_facts *facts = model_facts(generator->model);
    return sampler_draw(sample->sampler, logits, early ? facts->stops : NULL, early ? facts->stop_count : 0,
                        token, error);
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

int generator_submit(struct generator *generator, const struct generation *generation,
                     struct prefill_times *times, struct error *error) {
    struct model *model = generator->model;
    struct generation request = *generation;
    size_t context = model_facts(model)->context, used = request.prompt->ids.count;
    if (used >= context)
        return error_set(error, ERROR_LIMIT, "the prompt has %zu tokens, the model's context is %zu", used,
                         context);
    if (request.max_tokens > context - used) request.max_tokens = context - used;
    if (request.max_tokens == 0 || request.samples == 0)
        return error_set(error, ERROR_USAGE, "nothing to generate: %zu samples of %zu tokens",
                         request.samples, request.max_tokens);
    if (sampling_check(&request.sampling, error) ||
        reserve(generator, generator->count + request.samples, error))
        return -1;
    struct shared *prefix = memory_new(1, sizeof *prefix, "prompt cache", error);
    if (!prefix) return -1;
    prefix->users = 1; // this function
    int result = model_cache_open(model, &prefix->cache, used, error);
    if (result == 0 && request.adapter) prefix->cache.adapter = request.adapter;
    if (result == 0)
        result = model_prefill(model, request.prompt, &prefix->cache, generator->logits, NULL, times, error);
    if (result) {
        release_prefix(prefix);
        return -1;
    }
    size_t before = generator->count;
    for (size_t i = 0; result == 0 && i < request.samples; i++) {
        struct sample *sample = new_sample(generator, &request, i, prefix, error);
        if (!sample) {
            result = -1;
            break;
        }
        sample->request.prompt = NULL;
        generator->live[generator->count++] = sample;
        struct sampled token;
        result = draw(generator, sample, generator->logits, &token, error);
        if (result == 0) result = accept(generator, sample, &token, error);
    }
    release_prefix(prefix); // NOLINT(clang-analyzer-unix.Malloc): this function still counts as a user
    if (result)             // the request failed as a whole: none of its samples goes on
        for (size_t i = before; i < generator->count; i++) generator->live[i]->done = true;
    remove_finished(generator);
    return result;
}

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
    for (size_t i = 0; i < count; i++) {
        struct sampled token;
        if (draw(generator, generator->live[i], generator->logits + i * vocab, &token, error) ||
            accept(generator, generator->live[i], &token, error))
            return -1;
    }
    return 0;
}

int generator_step(struct generator *generator, size_t *live, struct error *error) {
    int result = generator->count ? run_step(generator, error) : 0;
    if (result)
        drop_all(generator);
    else
        remove_finished(generator);
    if (live) *live = generator->count;
    return result;
}

void generator_cancel(struct generator *generator, const void *context) {
    for (size_t i = 0; i < generator->count; i++)
        if (generator->live[i]->request.context == context)
            end_sample(generator, generator->live[i], FINISH_CANCELLED);
    remove_finished(generator);
}

int generator_finish(struct generator *generator, struct error *error) {
    size_t live = generator->count;
    while (live)
        if (generator_step(generator, &live, error)) return -1;
    return 0;
}
