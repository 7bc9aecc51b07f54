#include "model/qwen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/decoder_parts.h"
#include "model/hub.h"
#include "model/lora.h"
#include "model/parts.h"
#include "text/chat_template.h"

// Tokens that go through the layers together while a prompt is read: bounds the memory of long prompts, and
// oneDNN is at its best around this size.
enum { PREFILL_ROWS = 1024 };

static enum dtype choose_type(const struct qwen *qwen, enum qwen_type wanted) {
    if (wanted == QWEN_TYPE_F32) return DTYPE_F32;
    if (wanted == QWEN_TYPE_BF16) return DTYPE_BF16;
    return qwen->config->dtype == DTYPE_BF16 ? qwen->device->fast_type : DTYPE_F32;
}

// The special tokens that the chat template writes must exist and be what config.json says they are.
static int check_tokens(const struct qwen *qwen, struct error *error) {
    const struct qwen_config *c = qwen->config;
    const char *folder = checkpoint_folder(qwen->checkpoint);
    struct {
        const char *text;
        int32_t id;
    } tokens[] = {{"<|image_pad|>", c->image_id},
                  {"<|vision_start|>", c->vision_start_id},
                  {"<|vision_end|>", c->vision_end_id},
                  {"<|im_start|>", -1},
                  {"<|im_end|>", -1}};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        int32_t id = tokenizer_find(qwen->tokenizer, tokens[i].text);
        if (id < 0)
            return error_set(error, ERROR_MODEL, "%s/tokenizer.json: the token %s is missing", folder,
                             tokens[i].text);
        if (tokens[i].id >= 0 && id != tokens[i].id)
            return error_set(error, ERROR_MODEL, "%s: %s is token %d in tokenizer.json but %d in config.json",
                             folder, tokens[i].text, id, tokens[i].id);
    }
    if (tokenizer_size(qwen->tokenizer) > (size_t)c->text.vocab)
        return error_set(error, ERROR_MODEL, "%s: tokenizer.json has ids up to %zu, but vocab_size is %d",
                         folder, tokenizer_size(qwen->tokenizer) - 1, c->text.vocab);
    return 0;
}

static void find_stops(struct qwen *qwen) {
    const struct generation_defaults *g = checkpoint_generation(qwen->checkpoint);
    for (int i = 0; i < g->eos_count; i++) qwen->stops[qwen->stop_count++] = g->eos[i];
    if (qwen->stop_count == 0)
        qwen->stops[qwen->stop_count++] = tokenizer_find(qwen->tokenizer, "<|im_end|>");
}

static int load_weights(struct qwen *qwen, struct error *error) {
    qwen->vision = vision_new(&qwen->config->vision, error);
    qwen->decoder = qwen->vision ? decoder_new(&qwen->config->text, error) : NULL;
    if (!qwen->decoder) return -1;
    size_t count;
    struct part *parts = parts_list(qwen->config, qwen->decoder, qwen->vision, &count, error);
    int result = parts ? parts_load(parts, count, qwen->checkpoint, qwen->device, error) : -1;
    free(parts);
    if (qwen->config->text.tie_embeddings) qwen->decoder->head = weight_of(qwen->decoder->embedding);
    return result;
}

static int open_parts(struct qwen *qwen, const char *folder, const struct qwen_options *options,
                      struct error *error) {
    qwen->checkpoint = checkpoint_open(folder, error);
    if (!qwen->checkpoint || checkpoint_check(qwen->checkpoint, &qwen->warnings, error)) return -1;
    qwen->config = checkpoint_config(qwen->checkpoint);
    qwen->tokenizer = tokenizer_open(folder, error);
    if (!qwen->tokenizer || check_tokens(qwen, error)) return -1;
    if (chat_template_check(folder, options->builtin_template, &qwen->warnings, error)) return -1;
    if (photo_preprocessor_read(&qwen->preprocessor, folder, &qwen->warnings, error)) return -1;
    const struct qwen_vision_config *v = &qwen->config->vision;
    struct photo_preprocessor *p = &qwen->preprocessor;
    if (p->patch_size != (size_t)v->patch || p->merge_size != (size_t)v->merge ||
        p->temporal_patch_size != (size_t)v->temporal_patch)
        return error_set(error, ERROR_MODEL,
                         "%s: preprocessor_config.json and config.json disagree on the patch size", folder);
    if (options->min_pixels) p->min_pixels = options->min_pixels;
    if (options->max_pixels && options->max_pixels < p->max_pixels) p->max_pixels = options->max_pixels;
    if (p->min_pixels > p->max_pixels)
        return error_set(error, ERROR_USAGE, "min-pixels %zu is more than max-pixels %zu", p->min_pixels,
                         p->max_pixels);
    qwen->device = device_open_cpu(options->threads, options->isa, error);
    if (!qwen->device) return -1;
    qwen->type = choose_type(qwen, options->type);
    if (load_weights(qwen, error)) return -1;
    qwen->workspace = workspace_new(qwen->device, error);
    if (!qwen->decoder || !qwen->workspace) return -1;
    find_stops(qwen);
    if (options->adapter) {
        qwen->own_adapter = lora_open(qwen, options->adapter, error);
        if (!qwen->own_adapter) return -1;
        lora_use(qwen, qwen->own_adapter);
    }
    return 0;
}

struct qwen *qwen_open(const char *name, const struct qwen_options *options, struct error *error) {
    static const struct qwen_options defaults = {0};
    struct qwen *qwen = memory_new(1, sizeof *qwen, "model", error);
    if (!qwen) return NULL;
    char *folder = hub_find(name, "--model", &qwen->warnings, error);
    int result = folder ? open_parts(qwen, folder, options ? options : &defaults, error) : -1;
    free(folder);
    if (result == 0) return qwen;
    qwen_close(qwen);
    return NULL;
}

void qwen_close(struct qwen *qwen) {
    if (!qwen) return;
    workspace_free(qwen->workspace);
    lora_free(qwen->own_adapter);
    for (size_t i = 0; i < qwen->kept_count; i++) device_release(qwen->device, qwen->kept[i]);
    free(qwen->kept);
    decoder_free(qwen->decoder);
    vision_free(qwen->vision);
    device_close(qwen->device);
    tokenizer_free(qwen->tokenizer);
    checkpoint_free(qwen->checkpoint);
    free(qwen);
}

int qwen_keep(struct qwen *qwen, void *block, struct error *error) {
    void **grown =
        memory_grow(qwen->kept, qwen->kept_count + 1, sizeof *qwen->kept, "list of weights", error);
    if (!grown) {
        device_release(qwen->device, block);
        return -1;
    }
    qwen->kept = grown;
    qwen->kept[qwen->kept_count++] = block;
    return 0;
}

int qwen_cache_open(const struct qwen *qwen, struct kv_cache *cache, size_t capacity, struct error *error) {
    const struct qwen_text_config *c = &qwen->config->text;
    return kv_cache_open(cache, qwen->device, (size_t)c->layers, capacity,
                         (size_t)(c->kv_heads * c->head_dim), qwen->type, error);
}

// Embeddings of the prompt's tokens, those of the images in the places of their placeholders.
static int embed_prompt(struct qwen *qwen, const struct prompt *prompt, struct matrix x,
                        const struct trace *trace, struct prefill_times *times, struct error *error) {
    struct device *device = qwen->device;
    decoder_embed(qwen->decoder, device, x, prompt->ids.data);
    if (prompt->grid_count) {
        double start = clock_seconds();
        size_t unit = (size_t)(qwen->config->vision.merge * qwen->config->vision.merge);
        struct matrix embeds =
            workspace_matrix(qwen->workspace, DTYPE_F32, prompt->patches.rows / unit, x.columns, error);
        if (error->code) return -1;
        size_t *index = workspace_host(qwen->workspace, embeds.rows, sizeof *index, error), count = 0;
        if (!index) return -1;
        for (size_t i = 0; i < prompt->ids.count; i++)
            if (prompt->ids.data[i] == qwen->config->image_id)
                index[count++] = i; // as many as rows: mrope_positions
        if (vision_encode(qwen->vision, device, qwen->type, prompt->patches, prompt->grids,
                          prompt->grid_count, embeds, qwen->workspace, trace, error))
            return -1;
        if (qwen->type == DTYPE_BF16) { // the reference casts to the embedding's type
            struct matrix rounded =
                workspace_matrix(qwen->workspace, DTYPE_BF16, embeds.rows, embeds.columns, error);
            if (error->code) return -1;
            device_gather(device, rounded, embeds, NULL);
            embeds = rounded;
        }
        device_scatter(device, x, embeds, index);
        times->vision = clock_seconds() - start;
    }
    trace_record(trace, "inputs_embeds", -1, x);
    return device_check(device, error);
}

int qwen_see(struct qwen *qwen, const struct prompt *prompt, float *embeds, struct error *error) {
    size_t unit = (size_t)(qwen->config->vision.merge * qwen->config->vision.merge);
    workspace_reset(qwen->workspace);
    *error = (struct error){0};
    struct matrix seen = workspace_matrix(qwen->workspace, DTYPE_F32, prompt->patches.rows / unit,
                                          (size_t)qwen->config->text.hidden, error);
    int result = error->code
                     ? -1
                     : vision_encode(qwen->vision, qwen->device, qwen->type, prompt->patches, prompt->grids,
                                     prompt->grid_count, seen, qwen->workspace, NULL, error);
    if (result == 0) {
        device_download(qwen->device, embeds, seen);
        result = device_check(qwen->device, error);
    }
    workspace_reset(qwen->workspace);
    return result;
}

// Positions [3, count] of part of a prompt, contiguous as the decoder wants them.
static int32_t *slice_positions(struct qwen *qwen, const struct prompt *prompt, size_t first, size_t count,
                                struct error *error) {
    int32_t *positions = workspace_host(qwen->workspace, 3 * count, sizeof *positions, error);
    for (size_t axis = 0; positions && axis < 3; axis++)
        memcpy(positions + axis * count, prompt->positions + axis * prompt->ids.count + first,
               count * sizeof *positions);
    return positions;
}

static int read_prompt(struct qwen *qwen, const struct prompt *prompt, struct kv_cache *cache, float *last,
                       const struct trace *trace, struct prefill_times *times, struct error *error) {
    size_t count = prompt->ids.count, hidden = (size_t)qwen->config->text.hidden;
    struct matrix x = workspace_matrix(qwen->workspace, DTYPE_F32, count, hidden, error);
    if (error->code || embed_prompt(qwen, prompt, x, trace, times, error)) return -1;
    double start = clock_seconds();
    size_t step = trace ? count : PREFILL_ROWS; // a trace wants to see whole stages
    for (size_t first = 0; first < count; first += step) {
        size_t rows = count - first < step ? count - first : step;
        struct workspace_mark mark = workspace_mark(qwen->workspace);
        int32_t *positions = slice_positions(qwen, prompt, first, rows, error);
        struct decoder_sequence sequence = {.own = cache, .tokens = rows};
        if (!positions || decoder_run(qwen->decoder, qwen->device, qwen->type, matrix_rows(x, first, rows),
                                      positions, &sequence, 1, qwen->workspace, trace, error))
            return -1;
        workspace_rewind(qwen->workspace, mark);
    }
    size_t from = trace ? 0 : count - 1, vocab = (size_t)qwen->config->text.vocab;
    struct matrix normed = workspace_matrix(qwen->workspace, qwen->type, count - from, hidden, error);
    struct matrix logits = workspace_matrix(qwen->workspace, DTYPE_F32, count - from, vocab, error);
    if (error->code) return -1;
    decoder_norm(qwen->decoder, qwen->device, normed, matrix_rows(x, from, count - from));
    decoder_logits(qwen->decoder, qwen->device, logits, normed);
    trace_record(trace, "final_norm", -1, normed);
    trace_record(trace, "logits", -1, logits);
    device_download(qwen->device, last, matrix_rows(logits, logits.rows - 1, 1));
    if (device_check(qwen->device, error)) return -1;
    times->language = clock_seconds() - start;
    return 0;
}

int qwen_prefill(struct qwen *qwen, const struct prompt *prompt, struct kv_cache *cache, float *last,
                 const struct trace *trace, struct prefill_times *times, struct error *error) {
    struct prefill_times spent = {0};
    workspace_reset(qwen->workspace);
    *error = (struct error){0};
    int result = read_prompt(qwen, prompt, cache, last, trace, &spent, error);
    workspace_reset(qwen->workspace);
    if (times) *times = spent;
    return result;
}

int qwen_decode(struct qwen *qwen, const int32_t *ids, const int32_t *positions,
                const struct decoder_sequence *sequences, size_t count, float *logits, struct error *error) {
    size_t hidden = (size_t)qwen->config->text.hidden, vocab = (size_t)qwen->config->text.vocab;
    workspace_reset(qwen->workspace);
    *error = (struct error){0};
    struct matrix x = workspace_matrix(qwen->workspace, DTYPE_F32, count, hidden, error);
    struct matrix normed = workspace_matrix(qwen->workspace, qwen->type, count, hidden, error);
    int32_t *axes = workspace_host(qwen->workspace, 3 * count, sizeof *axes, error);
    if (error->code) return -1;
    for (size_t axis = 0; axis < 3; axis++) memcpy(axes + axis * count, positions, count * sizeof *axes);
    decoder_embed(qwen->decoder, qwen->device, x, ids);
    if (decoder_run(qwen->decoder, qwen->device, qwen->type, x, axes, sequences, count, qwen->workspace, NULL,
                    error))
        return -1;
    if (logits) {
        struct matrix computed = workspace_matrix(qwen->workspace, DTYPE_F32, count, vocab, error);
        if (error->code) return -1;
        decoder_norm(qwen->decoder, qwen->device, normed, x);
        decoder_logits(qwen->decoder, qwen->device, computed, normed);
        device_download(qwen->device, logits, computed);
    }
    return device_check(qwen->device, error);
}

static float log_prob_of(const float *logits, size_t vocab, int32_t id) {
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < vocab; i++) top = (double)logits[i] > top ? (double)logits[i] : top;
    for (size_t i = 0; i < vocab; i++) sum += exp((double)logits[i] - top);
    return (float)((double)logits[id] - top - log(sum));
}

int qwen_score(struct qwen *qwen, const struct prompt *prompt, const struct kv_cache *prefix,
               const float *logits_before, const int32_t *ids, size_t count, float *log_probs,
               struct error *error) {
    size_t hidden = (size_t)qwen->config->text.hidden, vocab = (size_t)qwen->config->text.vocab;
    for (size_t i = 0; i < count; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= vocab)
            return error_set(error, ERROR_INPUT, "token id %d is outside the vocabulary of %zu", ids[i],
                             vocab);
    if (count == 0) return 0;
    log_probs[0] = log_prob_of(logits_before, vocab, ids[0]);
    if (count == 1) return 0;
    size_t rows = count - 1; // the last token predicts nothing we need
    struct kv_cache own;
    if (qwen_cache_open(qwen, &own, rows, error)) return -1;
    workspace_reset(qwen->workspace);
    *error = (struct error){0};
    struct matrix x = workspace_matrix(qwen->workspace, DTYPE_F32, rows, hidden, error);
    struct matrix normed = workspace_matrix(qwen->workspace, qwen->type, rows, hidden, error);
    struct matrix computed = workspace_matrix(qwen->workspace, DTYPE_F32, 1, rows, error);
    int32_t *positions = workspace_host(qwen->workspace, 3 * rows, sizeof *positions, error);
    int result = error->code ? -1 : 0;
    if (result == 0) {
        for (size_t i = 0; i < 3 * rows; i++) positions[i] = prompt->next_position + (int32_t)(i % rows);
        decoder_embed(qwen->decoder, qwen->device, x, ids);
        struct decoder_sequence sequence = {.prefix = prefix, .own = &own, .tokens = rows};
        result = decoder_run(qwen->decoder, qwen->device, qwen->type, x, positions, &sequence, 1,
                             qwen->workspace, NULL, error);
    }
    if (result == 0) {
        decoder_norm(qwen->decoder, qwen->device, normed, x);
        decoder_log_probs(qwen->decoder, qwen->device, computed.data, normed, ids + 1, 1.0f);
        device_download(qwen->device, log_probs + 1, computed);
        result = device_check(qwen->device, error);
    }
    kv_cache_close(&own);
    return result;
}
