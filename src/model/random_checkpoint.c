#include "model/random_checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "model/checkpoint_files.h"
#include "model/family.h"
#include "model/new_checkpoint.h"
#include "text/qwen2_rules.h"

enum {
    PIECE = 1 << 20,      // weights are pieces of one random block, each from its own place
    MAX_BLOCK = 64 << 20, // the random block
    ONES = 1 << 16        // the block of ones
};
static const double DEVIATION = 0.02; // initializer_range

// ---- shapes --------------------------------------------------------------------------------------------

static const struct shape {
    const char *name;
    struct decoder_config text;
    struct vision_config vision;
    int32_t first_added; // id of <|endoftext|>
} shapes[] = {
    {.name = "tiny",
     .text = {.hidden = 64,
              .intermediate = 112,
              .layers = 3,
              .heads = 4,
              .kv_heads = 2,
              .head_dim = 16,
              .vocab = 1004,
              .mrope_section = {2, 3, 3},
              .max_positions = 4096},
     .vision =
         {.depth = 4, .hidden = 32, .intermediate = 52, .heads = 2, .full_blocks = {1, 3}, .full_count = 2},
     .first_added = 974},
    {.name = "3b",
     .text = {.hidden = 2048,
              .intermediate = 11008,
              .layers = 36,
              .heads = 16,
              .kv_heads = 2,
              .head_dim = 128,
              .vocab = 151936,
              .mrope_section = {16, 24, 24},
              .tie_embeddings = true,
              .max_positions = 128000},
     .vision = {.depth = 32,
                .hidden = 1280,
                .intermediate = 3420,
                .heads = 16,
                .full_blocks = {7, 15, 23, 31},
                .full_count = 4},
     .first_added = 151643},
    {.name = "7b",
     .text = {.hidden = 3584,
              .intermediate = 18944,
              .layers = 28,
              .heads = 28,
              .kv_heads = 4,
              .head_dim = 128,
              .vocab = 152064,
              .mrope_section = {16, 24, 24},
              .max_positions = 128000},
     .vision = {.depth = 32,
                .hidden = 1280,
                .intermediate = 3420,
                .heads = 16,
                .full_blocks = {7, 15, 23, 31},
                .full_count = 4},
     .first_added = 151643},
    {.name = "72b",
     .text = {.hidden = 8192,
              .intermediate = 29568,
              .layers = 80,
              .heads = 64,
              .kv_heads = 8,
              .head_dim = 128,
              .vocab = 152064,
              .mrope_section = {16, 24, 24},
              .max_positions = 128000},
     .vision = {.depth = 32,
                .hidden = 1280,
                .intermediate = 3456,
                .heads = 16,
                .full_blocks = {7, 15, 23, 31},
                .full_count = 4},
     .first_added = 151643},
};

static const struct shape *find_shape(const char *name, struct error *error) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(shapes[i].name, name) == 0) return &shapes[i];
    error_set(error, ERROR_USAGE, "\"%.40s\" is not a known shape, expected tiny, 3b, 7b or 72b", name);
    return NULL;
}

// What all sizes have in common.
static void fill_config(const struct shape *shape, struct model_config *config) {
    int32_t first = shape->first_added;
    *config = (struct model_config){.text = shape->text,
                                    .vision = shape->vision,
                                    .vision_start_id = first + 9,
                                    .vision_end_id = first + 10,
                                    .image_id = first + 12,
                                    .video_id = first + 13,
                                    .dtype = DTYPE_BF16};
    config->text.rms_eps = 1e-6f;
    config->text.rope_theta = 1e6;
    config->text.bos = first;
    config->text.eos = first + 2;
    config->vision.patch = 14;
    config->vision.merge = 2;
    config->vision.temporal_patch = 2;
    config->vision.window = 112;
    config->vision.in_channels = 3;
    config->vision.out_hidden = config->text.hidden;
    config->vision.tokens_per_second = 2;
    config->family = &model_qwen2_5_vl;
}

int random_checkpoint_config(const char *shape, struct model_config *config, struct error *error) {
    const struct shape *found = find_shape(shape, error);
    if (!found) return -1;
    fill_config(found, config);
    return 0;
}

// ---- the numbers ----------------------------------------------------------------------------------------

struct blocks {
    const struct new_checkpoint *checkpoint;
    uint64_t seed;
    unsigned char *random, *ones;
    size_t random_size;
    struct block_source *sources; // one per tensor
};

struct block_source {
    const struct blocks *blocks;
    uint64_t stream; // the tensor's number + 1; 0 made the block
};

static void put(unsigned char *to, enum dtype dtype, float value) {
    uint16_t half = f32_to_bf16(value);
    if (dtype == DTYPE_F32)
        memcpy(to, &value, sizeof value);
    else
        memcpy(to, &half, sizeof half);
}

static int make_blocks(struct blocks *blocks, struct error *error) {
    const struct new_checkpoint *checkpoint = blocks->checkpoint;
    size_t element = dtype_size(checkpoint->dtype);
    blocks->random_size = checkpoint->bytes < MAX_BLOCK / 2 ? 2 * PIECE : MAX_BLOCK;
    blocks->random = memory_new_aligned(blocks->random_size, 1, "random weights", error);
    blocks->ones = memory_new(ONES, 1, "random weights", error);
    blocks->sources = memory_new(checkpoint->count, sizeof *blocks->sources, "random weights", error);
    if (!blocks->random || !blocks->ones || !blocks->sources) return -1;
    struct random random;
    random_start(&random, blocks->seed, 0);
    for (size_t at = 0; at < blocks->random_size; at += element)
        put(blocks->random + at, checkpoint->dtype, (float)(random_normal(&random) * DEVIATION));
    for (size_t at = 0; at < ONES; at += element) put(blocks->ones + at, checkpoint->dtype, 1);
    return 0;
}

static const void *read_random(void *context, size_t offset, size_t *size, struct error *error) {
    const struct block_source *source = context;
    size_t piece = offset / PIECE, within = offset % PIECE;
    uint32_t words[4];
    (void)error;
    random_block(source->blocks->seed, source->stream, piece, words);
    size_t places = (source->blocks->random_size - PIECE) / 64;
    *size = PIECE - within;
    return source->blocks->random + words[0] % places * 64 + within;
}

static const void *read_ones(void *context, size_t offset, size_t *size, struct error *error) {
    const struct block_source *source = context;
    (void)error;
    *size = ONES - offset % ONES;
    return source->blocks->ones + offset % ONES;
}

static struct safetensors_source get_source(void *context, size_t index) {
    struct blocks *blocks = context;
    blocks->sources[index] = (struct block_source){blocks, index + 1};
    return (struct safetensors_source){
        blocks->checkpoint->tensors[index].part.role == PART_NORM ? read_ones : read_random,
        &blocks->sources[index]};
}

// ---- the small files ------------------------------------------------------------------------------------

#define SPACE "\xC4\xA0" // U+0120: byte 32

// Bytes, the one merge (two spaces), then " w257", " w258", ... so that random ids decode to something.
static json_t *vocab_json(int32_t size) {
    json_t *vocab = qwen2_byte_vocabulary();
    int failed = !vocab || json_object_set_new(vocab, SPACE SPACE, json_integer(256));
    for (int32_t id = 257; id < size && !failed; id++) {
        char text[24];
        snprintf(text, sizeof text, SPACE "w%d", (int)id);
        failed = json_object_set_new(vocab, text, json_integer(id));
    }
    if (!failed) return vocab;
    json_decref(vocab);
    return NULL;
}

static int write_files(const char *folder, const struct model_config *config, int32_t first_added,
                       struct error *error) {
    json_t *preprocessor =
        checkpoint_preprocessor_json(&config->vision, CHECKPOINT_MIN_PIXELS, CHECKPOINT_MAX_PIXELS);
    if (checkpoint_write_json(folder, "preprocessor_config.json", preprocessor, error) ||
        checkpoint_write_json(folder, "config.json", checkpoint_config_json(config), error) ||
        checkpoint_write_json(folder, "generation_config.json", checkpoint_generation_json(&config->text),
                              error))
        return -1;
    json_t *tokenizer =
        qwen2_tokenizer_json(vocab_json(first_added), json_pack("[s]", SPACE " " SPACE), first_added);
    return checkpoint_write_json(folder, "tokenizer.json", tokenizer, error);
}

// ---- all together ---------------------------------------------------------------------------------------

static int write_all(const struct new_checkpoint *checkpoint, uint64_t seed,
                     const struct model_config *config, int32_t first_added, struct error *error) {
    struct blocks blocks = {.checkpoint = checkpoint, .seed = seed};
    int result = make_blocks(&blocks, error);
    if (result == 0) result = write_files(checkpoint->folder, config, first_added, error);
    if (result == 0) result = new_checkpoint_write(checkpoint, get_source, &blocks, error);
    free(blocks.random);
    free(blocks.ones);
    free(blocks.sources);
    return result;
}

int random_checkpoint_write(const struct random_checkpoint *options, const char *folder,
                            struct error *error) {
    const struct shape *shape = find_shape(options->shape, error);
    struct model_config config;
    if (!shape) return -1;
    fill_config(shape, &config);
    config.dtype = options->dtype;
    if (options->layers > 0) config.text.layers = options->layers;
    struct new_checkpoint checkpoint = {
        .folder = folder, .dtype = options->dtype, .shard_bytes = options->shard_bytes};
    int result = new_checkpoint_plan(&checkpoint, &config, error);
    if (result == 0) result = new_checkpoint_open(&checkpoint, error);
    if (result == 0 && write_all(&checkpoint, options->seed, &config, shape->first_added, error)) {
        new_checkpoint_remove(&checkpoint);
        result = -1;
    }
    new_checkpoint_free(&checkpoint);
    return result;
}
