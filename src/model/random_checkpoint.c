#include "model/random_checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "model/qwen_tensors.h"
#include "model/random_checkpoint_files.h"
#include "model/safetensors.h"

static const size_t SHARD_BYTES = 5000000000; // as transformers saves
enum {
    PIECE = 1 << 20,      // weights are pieces of one random block, each from its own place
    MAX_BLOCK = 64 << 20, // the random block
    ONES = 1 << 16        // the block of ones
};
static const double DEVIATION = 0.02; // initializer_range

// ---- shapes
// -------------------------------------------------------------------------------------------------------

static const struct shape {
    const char *name;
    struct qwen_text_config text;
    struct qwen_vision_config vision;
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
static void fill_config(const struct shape *shape, struct qwen_config *config) {
    int32_t first = shape->first_added;
    *config = (struct qwen_config){.text = shape->text,
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
}

int random_checkpoint_config(const char *shape, struct qwen_config *config, struct error *error) {
    const struct shape *found = find_shape(shape, error);
    if (!found) return -1;
    fill_config(found, config);
    return 0;
}

// ---- the plan: which tensor goes into which shard
// -----------------------------------------------------------------

struct planned {
    char name[96];
    struct tensor tensor; // without data
    size_t shard;
};

struct job {
    const char *folder;
    uint64_t seed;
    struct planned *tensors;
    size_t count;
    size_t shard_count, shard_limit, shard_used;
    size_t total; // bytes
    enum dtype dtype;
    struct error *error;
    unsigned char *block, *ones;
    size_t block_size;
};

static int plan_tensor(void *context, const char *name, int dims, const size_t *shape) {
    struct job *job = context;
    if ((job->count & (job->count - 1)) == 0) { // room doubles whenever the count is a power of two
        size_t room = job->count ? job->count * 2 : 1;
        struct planned *grown = memory_grow(job->tensors, room, sizeof *grown, "tensor list", job->error);
        if (!grown) return -1;
        job->tensors = grown;
    }
    struct planned *planned = &job->tensors[job->count];
    *planned = (struct planned){.tensor = {.dtype = job->dtype, .dims = dims}};
    snprintf(planned->name, sizeof planned->name, "%s", name);
    memcpy(planned->tensor.shape, shape, (size_t)dims * sizeof *shape);

    size_t bytes = tensor_bytes(&planned->tensor);
    if (job->count == 0 || (job->shard_used && job->shard_used + bytes > job->shard_limit)) {
        job->shard_count++;
        job->shard_used = 0;
    }
    planned->shard = job->shard_count - 1;
    job->shard_used += bytes;
    job->total += bytes;
    job->count++;
    return 0;
}

static void name_shard(const struct job *job, size_t shard, char *name, size_t size) {
    if (job->shard_count == 1)
        snprintf(name, size, "model.safetensors");
    else
        snprintf(name, size, "model-%05zu-of-%05zu.safetensors", shard + 1, job->shard_count);
}

static int check_room(const struct job *job, struct error *error) {
    struct statvfs disk;
    if (statvfs(job->folder, &disk)) return error_set_errno(error, job->folder, "cannot look at the disk");
    double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    double needed = (double)job->total * 1.001 + (64 << 20); // headers, tokenizer, a little air
    if (needed > free_bytes)
        return error_set(error, ERROR_IO, "%s: %.1f GB needed, but the disk has only %.1f GB free",
                         job->folder, needed / 1e9, free_bytes / 1e9);
    return 0;
}

// ---- the numbers
// --------------------------------------------------------------------------------------------------

static void put(unsigned char *to, enum dtype dtype, float value) {
    uint16_t half = f32_to_bf16(value);
    if (dtype == DTYPE_F32)
        memcpy(to, &value, sizeof value);
    else
        memcpy(to, &half, sizeof half);
}

static int make_blocks(struct job *job, struct error *error) {
    size_t element = dtype_size(job->dtype);
    job->block_size = job->total < MAX_BLOCK / 2 ? 2 * PIECE : MAX_BLOCK;
    job->block = memory_new_aligned(job->block_size, 1, "random weights", error);
    job->ones = memory_new(ONES, 1, "random weights", error);
    if (!job->block || !job->ones) return -1;
    struct random random;
    random_start(&random, job->seed, 0);
    for (size_t at = 0; at < job->block_size; at += element)
        put(job->block + at, job->dtype, (float)(random_normal(&random) * DEVIATION));
    for (size_t at = 0; at < ONES; at += element) put(job->ones + at, job->dtype, 1);
    return 0;
}

struct source {
    const struct job *job;
    uint64_t stream; // the tensor's number + 1; 0 made the block
};

static const void *read_random(void *context, size_t offset, size_t *size, struct error *error) {
    const struct source *source = context;
    size_t piece = offset / PIECE, within = offset % PIECE;
    uint32_t words[4];
    (void)error;
    random_block(source->job->seed, source->stream, piece, words);
    size_t places = (source->job->block_size - PIECE) / 64;
    *size = PIECE - within;
    return source->job->block + words[0] % places * 64 + within;
}

static const void *read_ones(void *context, size_t offset, size_t *size, struct error *error) {
    const struct source *source = context;
    (void)error;
    *size = ONES - offset % ONES;
    return source->job->ones + offset % ONES;
}

// Norm weights are the vectors that are no biases.
static int is_norm(const struct planned *planned) {
    return planned->tensor.dims == 1 && !strstr(planned->name, ".bias");
}

// ---- writing
// ------------------------------------------------------------------------------------------------------

static int add_tensors(const struct job *job, size_t shard, struct safetensors_writer *writer,
                       struct source *sources, struct error *error) {
    if (safetensors_writer_metadata(writer, "format", "pt", error)) return -1;
    for (size_t i = 0; i < job->count; i++) {
        const struct planned *planned = &job->tensors[i];
        if (planned->shard != shard) continue;
        sources[i] = (struct source){job, i + 1};
        struct safetensors_source source = {is_norm(planned) ? read_ones : read_random, &sources[i]};
        if (safetensors_writer_add_source(writer, planned->name, &planned->tensor, source, error)) return -1;
    }
    return 0;
}

static int write_shard(const struct job *job, size_t shard, struct error *error) {
    char name[64];
    name_shard(job, shard, name, sizeof name);
    char *path = file_join(job->folder, name, error);
    struct source *sources = memory_new(job->count, sizeof *sources, "tensor list", error);
    struct safetensors_writer *writer = safetensors_writer_new(error);
    int result = -1;
    if (path && sources && writer && add_tensors(job, shard, writer, sources, error) == 0)
        result = safetensors_writer_save(writer, path, error);
    safetensors_writer_free(writer);
    free(sources);
    free(path);
    return result;
}

static int write_index(const struct job *job, struct error *error) {
    json_t *map = json_object();
    for (size_t i = 0; i < job->count; i++) {
        char name[64];
        name_shard(job, job->tensors[i].shard, name, sizeof name);
        if (json_object_set_new(map, job->tensors[i].name, json_string(name))) {
            json_decref(map);
            map = NULL;
        }
    }
    json_t *index =
        json_pack("{s:{s:I}, s:o}", "metadata", "total_size", (json_int_t)job->total, "weight_map", map);
    return random_checkpoint_write_json(job->folder, "model.safetensors.index.json", index, error);
}

static int write_weights(const struct job *job, struct error *error) {
    for (size_t shard = 0; shard < job->shard_count; shard++)
        if (write_shard(job, shard, error)) return -1;
    return job->shard_count > 1 ? write_index(job, error) : 0;
}

// ---- the folder
// ---------------------------------------------------------------------------------------------------

static int check_empty(const char *folder, struct error *error) {
    DIR *list = opendir(folder);
    if (!list) return error_set_errno(error, folder, "cannot open");
    int entries = 0;
    // cppcheck-suppress readdirCalled ; nobody else reads this stream
    while (readdir(list)) entries++; // "." and ".." are always there
    closedir(list);
    if (entries > 2) return error_set(error, ERROR_USAGE, "%s: the folder is not empty", folder);
    return 0;
}

static int make_folder(const char *folder, int *made, struct error *error) {
    *made = mkdir(folder, 0777) == 0;
    if (*made) return 0;
    if (errno != EEXIST) return error_set_errno(error, folder, "cannot make the folder");
    return check_empty(folder, error);
}

static void remove_file(const char *folder, const char *name) {
    char *path = file_join(folder, name, NULL);
    if (path) unlink(path);
    free(path);
}

static void clean_up(const struct job *job, int made) {
    static const char *const names[] = {"config.json", "generation_config.json", "preprocessor_config.json",
                                        "tokenizer.json", "model.safetensors.index.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) remove_file(job->folder, names[i]);
    for (size_t shard = 0; shard < job->shard_count; shard++) {
        char name[64];
        name_shard(job, shard, name, sizeof name);
        remove_file(job->folder, name);
    }
    if (made) rmdir(job->folder);
}

static int write_all(struct job *job, const struct shape *shape, const struct qwen_config *config,
                     struct error *error) {
    if (check_room(job, error) || make_blocks(job, error)) return -1;
    if (random_checkpoint_write_files(job->folder, config, shape->first_added, error)) return -1;
    return write_weights(job, error);
}

static int check_options(const struct random_checkpoint *options, struct error *error) {
    if (options->dtype != DTYPE_BF16 && options->dtype != DTYPE_F32)
        return error_set(error, ERROR_USAGE, "random weights of type %s, expected BF16 or F32",
                         dtype_name(options->dtype));
    return 0;
}

int random_checkpoint_write(const struct random_checkpoint *options, const char *folder,
                            struct error *error) {
    const struct shape *shape = find_shape(options->shape, error);
    struct qwen_config config;
    int made = 0;
    if (!shape || check_options(options, error)) return -1;
    fill_config(shape, &config);
    config.dtype = options->dtype;
    struct job job = {.folder = folder,
                      .seed = options->seed,
                      .shard_limit = options->shard_bytes ? options->shard_bytes : SHARD_BYTES,
                      .dtype = options->dtype,
                      .error = error};
    int result = qwen_tensors_visit(&config, plan_tensor, &job);
    if (result == 0) result = make_folder(folder, &made, error);
    if (result == 0 && write_all(&job, shape, &config, error)) {
        clean_up(&job, made);
        result = -1;
    }
    free(job.tensors);
    free(job.block);
    free(job.ones);
    return result;
}
