#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/decoder_internal.h"
#include "model/decoder_step.h"
#include "model/family.h"
#include "model/hub.h"
#include "model/lora.h"
#include "model/lora_spans.h"
#include "model/model_internal.h"
#include "model/parts.h"

// Tokens that go through the layers together while a prompt is read, at most: bounds the memory of long prompts, and
// oneDNN is at its best around this size. Smaller pieces end there as well. A trace wants to see whole stages.
enum { PREFILL_ROWS = 1024 };

static enum dtype choose_type(const struct model *model, enum model_type wanted) {
    if (wanted == MODEL_TYPE_F32) return DTYPE_F32;
    if (wanted == MODEL_TYPE_BF16) return DTYPE_BF16;
    return model->config->dtype == DTYPE_BF16 ? model->device->fast_type : DTYPE_F32;
}

// The special tokens that the chat template writes must exist and be what config.json says they are.
static int check_tokens(const struct model *model, struct error *error) {
    const struct model_config *c = model->config;
    const char *folder = checkpoint_folder(model->checkpoint);
    for (const struct family_token *t = c->family->tokens; t->text; t++) {
        int32_t id = tokenizer_find(model->tokenizer, t->text), wanted = id;
        if (id < 0)
            return error_set(error, ERROR_MODEL, "%s/tokenizer.json: the token %s is missing", folder,
                             t->text);
        if (t->id != FAMILY_NO_ID) memcpy(&wanted, (const char *)c + t->id, sizeof wanted);
        if (id != wanted)
            return error_set(error, ERROR_MODEL, "%s: %s is token %d in tokenizer.json but %d in config.json",
                             folder, t->text, id, wanted);
    }
    if (tokenizer_size(model->tokenizer) > (size_t)c->text.vocab)
        return error_set(error, ERROR_MODEL, "%s: tokenizer.json has ids up to %zu, but vocab_size is %d",
                         folder, tokenizer_size(model->tokenizer) - 1, c->text.vocab);
    return 0;
}

static void find_stops(struct model *model) {
    const struct generation_defaults *g = checkpoint_generation(model->checkpoint);
    for (int i = 0; i < g->eos_count; i++) model->stops[model->stop_count++] = g->eos[i];
    if (model->stop_count == 0)
        model->stops[model->stop_count++] = tokenizer_find(model->tokenizer, model->config->family->turn_end);
}

static int load_weights(struct model *model, struct error *error) {
    model->vision = vision_new(&model->config->vision, error);
    model->decoder = model->vision ? decoder_new(&model->config->text, error) : NULL;
    if (!model->decoder) return -1;
    size_t count;
    struct part *parts = parts_list(model->config, model->decoder, model->vision, &count, error);
    model->tensor_count = count;
    int result = parts ? parts_load(parts, count, model->checkpoint, model->device, error) : -1;
    if (result == 0) model_gather_facts(model, parts, count);
    free(parts);
    if (model->config->text.tie_embeddings) model->decoder->head = weight_of(model->decoder->embedding);
    return result;
}

static int open_parts(struct model *model, const char *folder, const struct model_options *options,
                      struct error *error) {
    model->checkpoint = checkpoint_open(folder, error);
    if (!model->checkpoint || checkpoint_check(model->checkpoint, &model->warnings, error)) return -1;
    model->config = checkpoint_config(model->checkpoint);
    model->tokenizer = tokenizer_open(folder, error);
    if (!model->tokenizer || check_tokens(model, error)) return -1;
    if (model->config->family->check_template(folder, options->builtin_template, &model->warnings, error))
        return -1;
    if (photo_preprocessor_read(&model->preprocessor, folder, &model->warnings, error)) return -1;
    const struct vision_config *v = &model->config->vision;
    struct photo_preprocessor *p = &model->preprocessor;
    if (p->patch_size != (size_t)v->patch || p->merge_size != (size_t)v->merge ||
        p->temporal_patch_size != (size_t)v->temporal_patch)
        return error_set(error, ERROR_MODEL,
                         "%s: preprocessor_config.json and config.json disagree on the patch size", folder);
    if (options->min_pixels) p->min_pixels = options->min_pixels;
    if (options->max_pixels && options->max_pixels < p->max_pixels) p->max_pixels = options->max_pixels;
    if (p->min_pixels > p->max_pixels)
        return error_set(error, ERROR_USAGE, "min-pixels %zu is more than max-pixels %zu", p->min_pixels,
                         p->max_pixels);
    model->device = device_open_cpu(options->threads, options->isa, error);
    if (!model->device || device_set_exact(model->device, options->exact, error)) return -1;
    model->type = choose_type(model, options->type);
    find_stops(model);
    if (load_weights(model, error)) return -1;
    model->workspace = workspace_new(model->device, error);
    if (!model->workspace) return -1;
    if (options->adapter) {
        model->own_adapter = lora_open(model, options->adapter, error);
        if (!model->own_adapter) return -1;
        lora_use(model, model->own_adapter);
    }
    return 0;
}

struct model *model_open(const char *name, const struct model_options *options, struct error *error) {
    static const struct model_options defaults = {0};
    struct model *model = memory_new(1, sizeof *model, "model", error);
    if (!model) return NULL;
    char *folder = hub_find(name, "--model", &model->warnings, error);
    int result = folder ? open_parts(model, folder, options ? options : &defaults, error) : -1;
    free(folder);
    if (result == 0) return model;
    model_close(model);
    return NULL;
}

void model_close(struct model *model) {
    if (!model) return;
    workspace_free(model->workspace);
    lora_free(model->own_adapter);
    for (size_t i = 0; i < model->kept_count; i++) device_release(model->device, model->kept[i]);
    free(model->kept);
    decoder_free(model->decoder);
    vision_free(model->vision);
    device_close(model->device);
    tokenizer_free(model->tokenizer);
    checkpoint_free(model->checkpoint);
    free(model);
}

int model_keep(struct model *model, void *block, struct error *error) {
    void **grown =
        memory_grow(model->kept, model->kept_count + 1, sizeof *model->kept, "list of weights", error);
    if (!grown) {
        device_release(model->device, block);
        return -1;
    }
    model->kept = grown;
    model->kept[model->kept_count++] = block;
    return 0;
}

int model_cache_open(const struct model *model, struct kv_cache *cache, size_t capacity,
                     struct error *error) {
    const struct decoder_config *c = &model->config->text;
    if (kv_cache_open(cache, model->device, (size_t)c->layers, capacity, (size_t)(c->kv_heads * c->head_dim),
                      model->type, error))
        return -1;
    cache->adapter = model->adapter;
    return 0;
}

static int see(struct model *model, const struct prompt *prompt, const struct lora *adapter,
               struct matrix embeds, const struct trace *trace, struct error *error) {
    struct linear_additions additions;
    if (lora_spans_one(&additions, model, adapter, prompt->patches.rows, model->workspace, error)) return -1;
    return model->config->family->see(model, prompt, &additions, embeds, trace, error);
}

// embeds or trace may be NULL.
static int look_at(struct model *model, const struct prompt *prompt, const struct trace *trace, float *embeds,
                   struct error *error) {
    size_t unit = (size_t)(model->config->vision.merge * model->config->vision.merge);
    workspace_reset(model->workspace);
    *error = (struct error){0};
    struct matrix seen = workspace_matrix(model->workspace, DTYPE_F32, prompt->patches.rows / unit,
                                          (size_t)model->config->text.hidden, error);
    int result = error->code ? -1 : see(model, prompt, NULL, seen, trace, error);
    if (result == 0 && embeds) {
        device_download(model->device, embeds, seen);
        result = device_check(model->device, error);
    }
    workspace_reset(model->workspace);
    return result;
}

int model_see(struct model *model, const struct prompt *prompt, float *embeds, struct error *error) {
    return look_at(model, prompt, NULL, embeds, error);
}

int model_watch(struct model *model, const struct prompt *prompt, const struct trace *trace,
                struct error *error) {
    return look_at(model, prompt, trace, NULL, error);
}

// A prompt on its way through the model.
struct prefill {
    struct model *model;
    const struct prompt *prompt;
    struct matrix seen; // the pictures' embeddings, in host memory; data NULL: not yet
    struct kv_cache *cache;
    const struct trace *trace;
    struct matrix
        x; // [tokens, hidden] F32, device memory of its own: embeddings, of what is read the residual stream
    bool embedded;
    size_t read;
    struct prefill_times times;
};

// Embeddings of the prompt's tokens, those of the images in the places of their placeholders.
static int embed_prompt(struct prefill *prefill, struct error *error) {
    struct model *model = prefill->model;
    const struct prompt *prompt = prefill->prompt;
    const struct trace *trace = prefill->trace;
    const struct lora *adapter = prefill->cache->adapter ? prefill->cache->adapter : lora_none();
    struct matrix x = prefill->x;
    struct device *device = model->device;
    decoder_embed(model->decoder, device, x, prompt->ids.data);
    if (prompt->grid_count) {
        double start = clock_seconds();
        size_t unit = (size_t)(model->config->vision.merge * model->config->vision.merge);
        struct matrix embeds =
            workspace_matrix(model->workspace, DTYPE_F32, prompt->patches.rows / unit, x.columns, error);
        if (error->code) return -1;
        size_t *index = workspace_host(model->workspace, embeds.rows, sizeof *index, error), count = 0;
        if (!index) return -1;
        for (size_t i = 0; i < prompt->ids.count; i++)
            if (prompt->ids.data[i] == model->config->image_id)
                index[count++] = i; // as many as rows: mrope_positions
        if (prefill->seen.data)
            device_upload(device, embeds, prefill->seen.data);
        else if (see(model, prompt, adapter, embeds, trace, error))
            return -1;
        if (model->type == DTYPE_BF16) { // the reference casts to the embedding's type
            struct matrix rounded =
                workspace_matrix(model->workspace, DTYPE_BF16, embeds.rows, embeds.columns, error);
            if (error->code) return -1;
            device_gather(device, rounded, embeds, NULL);
            embeds = rounded;
        }
        device_scatter(device, x, embeds, index);
        prefill->times.vision = clock_seconds() - start;
    }
    trace_record(trace, "inputs_embeds", -1, x);
    return device_check(device, error);
}

int model_run(struct model *model, struct matrix x, const int32_t *positions,
              const struct decoder_sequence *sequences, size_t count, const struct trace *trace,
              struct error *error) {
    struct linear_additions additions;
    if (lora_spans_sequences(&additions, model, sequences, count, model->workspace, error)) return -1;
    return decoder_run(model->decoder, &additions, model->device, model->type, x, positions, sequences, count,
                       model->workspace, trace, error);
}

// Positions [3, count] of part of a prompt, contiguous as the decoder wants them.
static int32_t *slice_positions(struct model *model, const struct prompt *prompt, size_t first, size_t count,
                                struct error *error) {
    int32_t *positions = workspace_host(model->workspace, 3 * count, sizeof *positions, error);
    for (size_t axis = 0; positions && axis < 3; axis++)
        memcpy(positions + axis * count, prompt->positions + axis * prompt->ids.count + first,
               count * sizeof *positions);
    return positions;
}

static int check_embeds(const struct model *model, const struct prompt *prompt, struct matrix embeds,
                        struct error *error) {
    size_t rows = prompt->patches.rows / model->facts.patches_per_token;
    if (!embeds.data || (embeds.rows == rows && embeds.columns == (size_t)model->config->text.hidden &&
                         embeds.dtype == DTYPE_F32 && embeds.stride == embeds.columns))
        return 0;
    return error_set(error, ERROR_INTERNAL,
                     "cached image embeddings are %s [%zu, %zu], expected F32 [%zu, %d]",
                     dtype_name(embeds.dtype), embeds.rows, embeds.columns, rows, model->config->text.hidden);
}

struct prefill *model_prefill_begin(struct model *model, const struct prompt *prompt, struct matrix embeds,
                                    struct kv_cache *cache, struct error *error) {
    size_t count = prompt->ids.count, hidden = (size_t)model->config->text.hidden;
    if (check_embeds(model, prompt, embeds, error)) return NULL;
    struct prefill *prefill = memory_new(1, sizeof *prefill, "prompt", error);
    if (!prefill) return NULL;
    void *data =
        device_allocate(model->device, count * hidden * sizeof(float), DEVICE_DENSE, "prompt", error);
    if (!data) {
        free(prefill);
        return NULL;
    }
    *prefill = (struct prefill){.model = model,
                                .prompt = prompt,
                                .seen = embeds,
                                .cache = cache,
                                .x = matrix_of(data, DTYPE_F32, count, hidden)};
    return prefill;
}

static size_t tokens_left(const struct prefill *prefill) {
    return prefill->x.rows - prefill->read;
}

bool model_prefill_is_read(const struct prefill *prefill) {
    return prefill->embedded && tokens_left(prefill) == 0;
}

static int read_tokens(struct prefill *prefill, size_t rows, struct error *error) {
    struct model *model = prefill->model;
    double start = clock_seconds();
    int32_t *positions = slice_positions(model, prefill->prompt, prefill->read, rows, error);
    struct decoder_sequence sequence = {.own = prefill->cache, .tokens = rows};
    if (!positions || model_run(model, matrix_rows(prefill->x, prefill->read, rows), positions, &sequence, 1,
                                prefill->trace, error))
        return -1;
    prefill->read += rows;
    prefill->times.language += clock_seconds() - start;
    return 0;
}

int model_prefill_step(struct prefill *prefill, size_t tokens, struct error *error) {
    struct workspace *workspace = prefill->model->workspace;
    size_t left = tokens_left(prefill);
    workspace_reset(workspace);
    *error = (struct error){0};
    int result = 0;
    if (!prefill->embedded) {
        result = embed_prompt(prefill, error);
        prefill->embedded = result == 0;
    } else if (left) {
        size_t whole = prefill->trace ? left : PREFILL_ROWS - prefill->read % PREFILL_ROWS;
        size_t most = tokens < whole ? tokens : whole;
        result = read_tokens(prefill, left < most ? left : most, error);
    }
    workspace_reset(workspace);
    return result;
}

// The logits of the last token; with a trace those of all.
static int predict(struct prefill *prefill, float *last, struct error *error) {
    struct model *model = prefill->model;
    const struct trace *trace = prefill->trace;
    double start = clock_seconds();
    size_t count = prefill->x.rows, from = trace ? 0 : count - 1;
    size_t vocab = (size_t)model->config->text.vocab;
    struct matrix normed =
        workspace_matrix(model->workspace, model->type, count - from, prefill->x.columns, error);
    struct matrix logits = workspace_matrix(model->workspace, DTYPE_F32, count - from, vocab, error);
    if (error->code) return -1;
    decoder_norm(model->decoder, model->device, normed, matrix_rows(prefill->x, from, count - from));
    decoder_logits(model->decoder, model->device, logits, normed);
    trace_record(trace, "final_norm", -1, normed);
    trace_record(trace, "logits", -1, logits);
    device_download(model->device, last, matrix_rows(logits, logits.rows - 1, 1));
    prefill->times.language += clock_seconds() - start;
    return device_check(model->device, error);
}

int model_prefill_end(struct prefill *prefill, float *last, struct prefill_times *times,
                      struct error *error) {
    struct model *model = prefill->model;
    workspace_reset(model->workspace);
    *error = (struct error){0};
    int result = !model_prefill_is_read(prefill)
                     ? error_set(error, ERROR_INTERNAL, "%zu tokens of a prompt are not read yet",
                                 tokens_left(prefill))
                     : predict(prefill, last, error);
    workspace_reset(model->workspace);
    if (times) *times = prefill->times;
    model_prefill_drop(prefill);
    return result;
}

void model_prefill_drop(struct prefill *prefill) {
    if (!prefill) return;
    device_release(prefill->model->device, prefill->x.data);
    free(prefill);
}

int model_prefill(struct model *model, const struct prompt *prompt, struct kv_cache *cache, float *last,
                  const struct trace *trace, struct prefill_times *times, struct error *error) {
    struct prefill *prefill = model_prefill_begin(model, prompt, (struct matrix){0}, cache, error);
    if (!prefill) return -1;
    prefill->trace = trace;
    while (!model_prefill_is_read(prefill))
        if (model_prefill_step(prefill, SIZE_MAX, error)) {
            model_prefill_drop(prefill);
            return -1;
        }
    return model_prefill_end(prefill, last, times, error);
}

int model_decode(struct model *model, const int32_t *ids, const int32_t *positions,
                 const struct decoder_sequence *sequences, size_t count, float *logits, struct error *error) {
    size_t hidden = (size_t)model->config->text.hidden, vocab = (size_t)model->config->text.vocab;
    workspace_reset(model->workspace);
    *error = (struct error){0};
    struct matrix x = workspace_matrix(model->workspace, DTYPE_F32, count, hidden, error);
    struct matrix normed = workspace_matrix(model->workspace, model->type, count, hidden, error);
    int32_t *axes = workspace_host(model->workspace, 3 * count, sizeof *axes, error);
    if (error->code) return -1;
    for (size_t axis = 0; axis < 3; axis++) memcpy(axes + axis * count, positions, count * sizeof *axes);
    decoder_embed(model->decoder, model->device, x, ids);
    if (decoder_steps(model->decoder, model->device)) {
        struct linear_additions additions;
        struct matrix computed =
            logits ? workspace_matrix(model->workspace, DTYPE_F32, count, vocab, error) : (struct matrix){0};
        if (error->code ||
            lora_spans_sequences(&additions, model, sequences, count, model->workspace, error) ||
            decoder_step(model->decoder, &additions, model->device, model->type, x, axes, sequences, count,
                         computed, model->workspace, error))
            return -1;
        if (logits) device_download(model->device, logits, computed);
        return device_check(model->device, error);
    }
    if (model_run(model, x, axes, sequences, count, NULL, error)) return -1;
    if (logits) {
        struct matrix computed = workspace_matrix(model->workspace, DTYPE_F32, count, vocab, error);
        if (error->code) return -1;
        decoder_norm(model->decoder, model->device, normed, x);
        decoder_logits(model->decoder, model->device, computed, normed);
        device_download(model->device, logits, computed);
    }
    return device_check(model->device, error);
}

int model_log_softmax(struct model *model, const float *logits, const int32_t *ids, const float *temperatures,
                      size_t count, float *out, struct error *error) {
    workspace_reset(model->workspace);
    *error = (struct error){0};
    struct matrix all =
        workspace_matrix(model->workspace, DTYPE_F32, count, (size_t)model->config->text.vocab, error);
    struct matrix found = workspace_matrix(model->workspace, DTYPE_F32, 1, count, error);
    if (error->code) return -1;
    device_upload(model->device, all, logits);
    device_log_softmax(model->device, found.data, all, ids, temperatures);
    device_download(model->device, out, found);
    return device_check(model->device, error);
}

static float log_prob_of(const float *logits, size_t vocab, int32_t id) {
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < vocab; i++) top = (double)logits[i] > top ? (double)logits[i] : top;
    for (size_t i = 0; i < vocab; i++) sum += exp((double)logits[i] - top);
    return (float)((double)logits[id] - top - log(sum));
}

int model_score(struct model *model, const struct prompt *prompt, const struct kv_cache *prefix,
                const float *logits_before, const int32_t *ids, size_t count, float *log_probs,
                struct error *error) {
    size_t hidden = (size_t)model->config->text.hidden, vocab = (size_t)model->config->text.vocab;
    for (size_t i = 0; i < count; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= vocab)
            return error_set(error, ERROR_INPUT, "token id %d is outside the vocabulary of %zu", ids[i],
                             vocab);
    if (count == 0) return 0;
    log_probs[0] = log_prob_of(logits_before, vocab, ids[0]);
    if (count == 1) return 0;
    size_t rows = count - 1; // the last token predicts nothing we need
    struct kv_cache own;
    if (model_cache_open(model, &own, rows, error)) return -1;
    own.adapter = prefix->adapter;
    workspace_reset(model->workspace);
    *error = (struct error){0};
    struct matrix x = workspace_matrix(model->workspace, DTYPE_F32, rows, hidden, error);
    struct matrix normed = workspace_matrix(model->workspace, model->type, rows, hidden, error);
    struct matrix computed = workspace_matrix(model->workspace, DTYPE_F32, 1, rows, error);
    int32_t *positions = workspace_host(model->workspace, 3 * rows, sizeof *positions, error);
    int result = error->code ? -1 : 0;
    if (result == 0) {
        for (size_t i = 0; i < 3 * rows; i++) positions[i] = prompt->next_position + (int32_t)(i % rows);
        decoder_embed(model->decoder, model->device, x, ids);
        struct decoder_sequence sequence = {.prefix = prefix, .own = &own, .tokens = rows};
        result = model_run(model, x, positions, &sequence, 1, NULL, error);
    }
    if (result == 0) {
        decoder_norm(model->decoder, model->device, normed, x);
        decoder_log_probs(model->decoder, model->device, computed.data, normed, ids + 1, 1.0f);
        device_download(model->device, log_probs + 1, computed);
        result = device_check(model->device, error);
    }
    kv_cache_close(&own);
    return result;
}
