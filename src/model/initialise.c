#include "model/initialise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/signals.h"
#include "model/checkpoint_files.h"
#include "model/family.h"
#include "model/new_checkpoint.h"
#include "text/qwen2_rules.h"
#include "text/tokenizer.h"

enum {
    PIECE = 1 << 16,        // numbers made at a time, a multiple of 4
    MAX_CONFIG = 4 << 20,   // bytes
    MAX_FILE = 128 << 20,   // bytes of a tokenizer's file
    VOCAB_MULTIPLE = 8,     // padding rows make the embedding's height one
    FEWEST_PIXELS = 28 * 28 // one token
};
static const double EMBEDDING_DEVIATION = 0.02;

// ---- the configuration ----------------------------------------------------------------------------------

// Also where a nested text_config says otherwise.
static int set_integer(json_t *top, const char *key, int64_t value) {
    json_t *text = json_object_get(top, "text_config");
    int failed = json_object_set_new(top, key, json_integer(value));
    if (json_object_get(text, key)) failed |= json_object_set_new(text, key, json_integer(value));
    return failed;
}

static int set_token(json_t *top, const char *key, const struct tokenizer *tokenizer, const char *token,
                     const char *folder, struct error *error) {
    int32_t id = tokenizer_find(tokenizer, token);
    if (id < 0) return error_set(error, ERROR_MODEL, "%s: the tokenizer has no %s", folder, token);
    if (set_integer(top, key, id)) return error_set(error, ERROR_MEMORY, "config.json: out of memory");
    return 0;
}

static int set_tokens(json_t *top, const struct tokenizer *tokenizer, const char *folder,
                      struct error *error) {
    static const struct {
        const char *key, *token;
    } ids[] = {
        {"bos_token_id", "<|endoftext|>"},
        {"eos_token_id", "<|im_end|>"},
        {"vision_start_token_id", "<|vision_start|>"},
        {"vision_end_token_id", "<|vision_end|>"},
        {"vision_token_id", "<|vision_pad|>"},
        {"image_token_id", "<|image_pad|>"},
        {"video_token_id", "<|video_pad|>"},
    };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (set_token(top, ids[i].key, tokenizer, ids[i].token, folder, error)) return -1;
    return 0;
}

static int set_default(json_t *top, const char *key, json_t *value) {
    if (!json_object_get(top, key)) return json_object_set_new(top, key, value);
    json_decref(value);
    return 0;
}

static int set_vocab(json_t *top, size_t tokens) {
    int64_t vocab = (int64_t)((tokens + VOCAB_MULTIPLE - 1) / VOCAB_MULTIPLE * VOCAB_MULTIPLE);
    json_t *text = json_object_get(top, "text_config");
    if (json_is_object(text) && json_object_set_new(text, "vocab_size", json_integer(vocab))) return -1;
    return set_integer(top, "vocab_size", vocab);
}

static int set_type(json_t *top, enum initialise_type type) {
    if (type == INITIALISE_AS_CONFIGURED) return 0;
    json_t *parts[] = {top, json_object_get(top, "text_config"), json_object_get(top, "vision_config")};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        json_object_del(parts[i], "dtype");
        json_object_del(parts[i], "torch_dtype");
    }
    return json_object_set_new(top, "torch_dtype",
                               json_string(type == INITIALISE_F32 ? "float32" : "bfloat16"));
}

// The user's configuration with everything in it that the tokenizer and the options decide.
static json_t *fill_config(const struct initialise_options *options, const struct tokenizer *tokenizer,
                           struct error *error) {
    json_t *top = json_read_file(options->config, MAX_CONFIG, error);
    if (!top) return NULL;
    int failed = 0;
    if (!json_is_object(top)) {
        failed = error_set(error, ERROR_MODEL, "%s: not a JSON object", options->config);
    } else if (set_default(top, "model_type", json_string(model_qwen2_5_vl.name)) ||
               set_default(top, "architectures", json_pack("[s]", model_qwen2_5_vl.architecture)) ||
               set_vocab(top, tokenizer_size(tokenizer)) || set_type(top, options->type)) {
        failed = error_set(error, ERROR_MEMORY, "%s: out of memory", options->config);
    } else {
        failed = set_tokens(top, tokenizer, options->tokenizer, error);
    }
    if (!failed) return top;
    json_decref(top);
    return NULL;
}

static int parse_config(const json_t *top, const char *name, struct model_config *config, double *range,
                        struct error *error) {
    const json_t *text_config = json_object_get(top, "text_config");
    *range = 0.02;
    char *text = json_dumps(top, 0);
    int result = text ? model_config_parse(config, text, strlen(text), name, error)
                      : error_set(error, ERROR_MEMORY, "%s: out of memory", name);
    free(text);
    if (result) return -1;
    if (config->dtype == DTYPE_F16)
        return error_set(error, ERROR_USAGE, "%s: new weights are bfloat16 or float32, not float16", name);
    if (json_get_number(top, "initializer_range", 0, 1, range, name, error)) return -1;
    return text_config ? json_get_number(text_config, "initializer_range", 0, 1, range, name, error) : 0;
}

// ---- the numbers ----------------------------------------------------------------------------------------

struct initialisation {
    const struct initialise_options *options;
    struct model_config config;
    double range; // initializer_range
    struct new_checkpoint checkpoint;
    struct fresh_tensor *sources; // one per tensor
    float *values;                // [PIECE] of the tensor that is being written
    unsigned char *bytes;         // the same as the file has them
};

struct fresh_tensor {
    const struct initialisation *all;
    const struct new_tensor *planned;
};

static uint64_t stream_of(const char *name) {
    uint64_t hash = 0xCBF29CE484222325u; // FNV-1a
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 0x100000001B3u;
    return hash;
}

// Four normal numbers (Box and Muller).
static void make_normal(uint64_t seed, uint64_t stream, uint64_t block, double deviation, float out[4]) {
    uint32_t words[4];
    random_block(seed, stream, block, words);
    for (int i = 0; i < 4; i += 2) {
        double radius = deviation * sqrt(-2 * log(((double)words[i] + 0.5) * 0x1p-32));
        double angle = 6.283185307179586 * 0x1p-32 * (double)words[i + 1];
        out[i] = (float)(radius * cos(angle));
        out[i + 1] = (float)(radius * sin(angle));
    }
}

static double deviation_of(const struct initialisation *all, const struct part *part) {
    int layers = part->group == PART_TEXT ? all->config.text.layers : all->config.vision.depth;
    if (part->role == PART_EMBEDDING) return EMBEDDING_DEVIATION;
    return part->role == PART_OUT ? all->range / sqrt(2.0 * layers) : all->range;
}

static void make_values(const struct fresh_tensor *fresh, size_t first, size_t count) {
    const struct initialisation *all = fresh->all;
    const struct part *part = &fresh->planned->part;
    if (part->role == PART_NORM || part->role == PART_BIAS) {
        float value = part->role == PART_BIAS ? 0 : 1;
        for (size_t i = 0; i < count; i++) all->values[i] = value;
        return;
    }
    double deviation = deviation_of(all, part);
    uint64_t stream = stream_of(part->name);
    for (size_t i = 0; i < count; i += 4)
        make_normal(all->options->seed, stream, (first + i) / 4, deviation, all->values + i);
}

// `first` is a multiple of PIECE, as every piece but the last is whole.
static const void *read_fresh(void *context, size_t offset, size_t *size, struct error *error) {
    const struct fresh_tensor *fresh = context;
    const struct initialisation *all = fresh->all;
    const struct tensor *tensor = &fresh->planned->tensor;
    size_t element = dtype_size(tensor->dtype), first = offset / element, left = tensor_count(tensor) - first,
           count = left < PIECE ? left : PIECE;
    if (signals_check(error)) return NULL;
    make_values(fresh, first, count);
    *size = count * element;
    if (tensor->dtype == DTYPE_F32) return all->values;
    for (size_t i = 0; i < count; i++) {
        uint16_t half = f32_to_bf16(all->values[i]);
        memcpy(all->bytes + i * sizeof half, &half, sizeof half);
    }
    return all->bytes;
}

static struct safetensors_source get_source(void *context, size_t index) {
    struct initialisation *all = context;
    all->sources[index] = (struct fresh_tensor){all, &all->checkpoint.tensors[index]};
    return (struct safetensors_source){read_fresh, &all->sources[index]};
}

static int write_weights(struct initialisation *all, struct error *error) {
    all->sources = memory_new(all->checkpoint.count, sizeof *all->sources, "new weights", error);
    all->values = memory_new(PIECE, sizeof *all->values, "new weights", error);
    all->bytes = memory_new(PIECE, sizeof(uint16_t), "new weights", error);
    if (!all->sources || !all->values || !all->bytes) return -1;
    return new_checkpoint_write(&all->checkpoint, get_source, all, error);
}

// ---- the small files ------------------------------------------------------------------------------------

static int copy_file(const char *from, const char *to, const char *name, struct error *error) {
    char *source = file_join(from, name, error), *target = file_join(to, name, error);
    int result = source && target ? 0 : -1;
    if (result == 0 && file_exists(source)) {
        size_t length = 0;
        char *data = file_read(source, MAX_FILE, &length, error);
        result = data ? file_write(target, data, length, error) : -1;
        free(data);
    }
    free(source);
    free(target);
    return result;
}

static int write_tokenizer(const struct initialise_options *options, struct error *error) {
    static const char *const names[] = {"tokenizer.json", "tokenizer_config.json", "vocab.json",
                                        "merges.txt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (copy_file(options->tokenizer, options->folder, names[i], error)) return -1;
    return checkpoint_write_json(options->folder, "chat_template.json",
                                 json_pack("{s:s}", "chat_template", qwen2_chat_template), error);
}

static int write_configs(const struct initialisation *all, json_t *top, struct error *error) {
    const struct initialise_options *options = all->options;
    json_t *preprocessor = checkpoint_preprocessor_json(
        &all->config.vision, options->min_pixels ? options->min_pixels : CHECKPOINT_MIN_PIXELS,
        options->max_pixels ? options->max_pixels : CHECKPOINT_MAX_PIXELS);
    if (checkpoint_write_json(options->folder, "preprocessor_config.json", preprocessor, error) ||
        checkpoint_write_json(options->folder, "config.json", json_incref(top), error))
        return -1;
    return checkpoint_write_json(options->folder, "generation_config.json",
                                 checkpoint_generation_json(&all->config.text), error);
}

// ---- all together ---------------------------------------------------------------------------------------

static int check_pixels(const struct initialise_options *options, struct error *error) {
    int64_t least = options->min_pixels ? options->min_pixels : CHECKPOINT_MIN_PIXELS,
            most = options->max_pixels ? options->max_pixels : CHECKPOINT_MAX_PIXELS;
    if (least < FEWEST_PIXELS || least > most)
        return error_set(error, ERROR_USAGE, "pictures of %lld to %lld pixels, expected at least %d",
                         (long long)least, (long long)most, (int)FEWEST_PIXELS);
    return 0;
}

static int write_all(struct initialisation *all, json_t *top, struct error *error) {
    struct new_checkpoint *checkpoint = &all->checkpoint;
    int result = new_checkpoint_plan(checkpoint, &all->config, error);
    if (result == 0) result = new_checkpoint_open(checkpoint, error);
    if (result) return -1;
    if (write_tokenizer(all->options, error) || write_configs(all, top, error) || write_weights(all, error)) {
        new_checkpoint_remove(checkpoint);
        result = -1;
    }
    free(all->sources);
    free(all->values);
    free(all->bytes);
    return result;
}

static int initialise(struct initialisation *all, const struct tokenizer *tokenizer, struct error *error) {
    const struct initialise_options *options = all->options;
    json_t *top = fill_config(options, tokenizer, error);
    int result = top ? parse_config(top, options->config, &all->config, &all->range, error) : -1;
    all->checkpoint = (struct new_checkpoint){
        .folder = options->folder, .dtype = all->config.dtype, .shard_bytes = options->shard_bytes};
    if (result == 0) result = write_all(all, top, error);
    json_decref(top);
    return result;
}

int initialise_checkpoint(const struct initialise_options *options, struct initialise_report *report,
                          struct error *error) {
    if (check_pixels(options, error)) return -1;
    struct tokenizer *tokenizer = tokenizer_open(options->tokenizer, error);
    if (!tokenizer) return -1;
    struct initialisation all = {.options = options};
    int result = initialise(&all, tokenizer, error);
    *report = (struct initialise_report){.parameters = all.checkpoint.parameters,
                                         .bytes = all.checkpoint.bytes,
                                         .tokens = (int)tokenizer_size(tokenizer),
                                         .vocab = all.config.text.vocab};
    new_checkpoint_free(&all.checkpoint);
    tokenizer_free(tokenizer);
    return result;
}
