#include "generate/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "generate/generator.h"
#include "model/safetensors.h"
#include "photo/decode.h"
#include "photo/source.h"

enum { MAX_PICTURE = 2147483647 }; // bytes of a file

struct dump {
    struct safetensors_writer *writer;
    struct error *error; // first failure of the trace
    struct device *device;
};

static int add(struct dump *dump, const char *name, enum dtype type, int dims, const size_t *shape,
               const void *data) {
    struct tensor tensor = {.data = (void *)(uintptr_t)data, .dtype = type, .dims = dims};
    for (int i = 0; i < dims; i++) tensor.shape[i] = shape[i];
    return safetensors_writer_add(dump->writer, name, &tensor, 1, dump->error);
}

static int add_list(struct dump *dump, const char *name, enum dtype type, const void *data, size_t count) {
    return add(dump, name, type, 1, &count, data);
}

static int add_int32(struct dump *dump, const char *name, int dims, const size_t *shape,
                     const int32_t *data) {
    size_t count = 1;
    for (int i = 0; i < dims; i++) count *= shape[i];
    int64_t *wide = memory_new(count, sizeof *wide, name, dump->error);
    if (!wide) return -1;
    for (size_t i = 0; i < count; i++) wide[i] = data[i];
    int result = add(dump, name, DTYPE_I64, dims, shape, wide);
    free(wide);
    return result;
}

static void record(void *context, const char *name, int index, struct matrix values) {
    struct dump *dump = context;
    char full[64];
    if (dump->error->code) return;
    snprintf(full, sizeof full, index < 0 ? "%s" : "%s.%d", name, index);
    size_t shape[] = {values.rows, values.columns};
    void *host = memory_new(values.rows, values.columns * dtype_size(values.dtype), full, dump->error);
    if (!host) return;
    device_download(dump->device, host, values);
    if (device_check(dump->device, dump->error) == 0) add(dump, full, values.dtype, 2, shape, host);
    free(host);
}

// The chat's pictures, decoded as the reference does: orientation ignored, alpha dropped.
static int decode_images(const struct chat *chat, const char *folder, struct image *images,
                         struct error *error) {
    const struct photo_options options = {.ignore_orientation = true, .as_pillow = true};
    size_t next = 0;
    for (size_t m = 0; m < chat->count; m++)
        for (size_t p = 0; p < chat->messages[m].part_count; p++) {
            const struct chat_part *part = &chat->messages[m].parts[p];
            if (part->kind != CHAT_IMAGE) continue;
            struct photo_source source;
            if (photo_source_open(&source, part->text, folder, MAX_PICTURE, error))
                return error_prefix(error, "picture %zu", next + 1);
            int result = photo_decode_buffer(&images[next], source.data, source.length, source.name, &options,
                                             NULL, error);
            photo_source_close(&source);
            if (result) error_prefix(error, "picture %zu", next + 1);
            next++;
            if (result) return -1;
        }
    return 0;
}

static int dump_prompt(struct dump *dump, const struct prompt *prompt) {
    size_t count = prompt->ids.count, axes[] = {3, count}, grid_shape[] = {prompt->grid_count, 3};
    if (add_int32(dump, "input_ids", 1, &count, prompt->ids.data) ||
        add_int32(dump, "position_ids", 2, axes, prompt->positions))
        return -1;
    if (prompt->grid_count == 0) return 0;
    int32_t *grids = memory_new(prompt->grid_count * 3, sizeof *grids, "grids", dump->error);
    if (!grids) return -1;
    for (size_t i = 0; i < prompt->grid_count; i++) {
        grids[3 * i] = (int32_t)prompt->grids[i].frames;
        grids[3 * i + 1] = (int32_t)prompt->grids[i].height;
        grids[3 * i + 2] = (int32_t)prompt->grids[i].width;
    }
    int result = add_int32(dump, "image_grid_thw", 2, grid_shape, grids);
    free(grids);
    for (size_t i = 0; result == 0 && i < prompt->grid_count; i++) {
        char name[48];
        snprintf(name, sizeof name, "resized_rgb.%zu", i);
        const struct image *image = &prompt->resized[i];
        size_t shape[] = {image->height, image->width, 3};
        result = add(dump, name, DTYPE_U8, 3, shape, image->rgb);
    }
    size_t patch_shape[] = {prompt->patches.rows, prompt->patches.columns};
    return result ? -1 : add(dump, "pixel_values", DTYPE_F32, 2, patch_shape, prompt->patches.data);
}

static int read_ids(struct ids *ids, const char *path, struct error *error) {
    json_t *root = json_read_file(path, 16 << 20, error);
    if (!root) return -1;
    int result =
        json_is_array(root) ? 0 : error_set(error, ERROR_INPUT, "%s: expected a list of token ids", path);
    for (size_t i = 0; result == 0 && i < json_array_size(root); i++) {
        json_t *id = json_array_get(root, i);
        if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > INT32_MAX)
            result = error_set(error, ERROR_INPUT, "%s: entry %zu is not a token id", path, i);
        else
            result = ids_add(ids, (int32_t)json_integer_value(id), error);
    }
    json_decref(root);
    return result;
}

static int dump_continuation(struct dump *dump, struct model *model, const struct prompt *prompt,
                             const struct kv_cache *cache, const float *last, const char *path) {
    struct ids ids = {0};
    float *log_probs = NULL;
    int result = read_ids(&ids, path, dump->error);
    if (result == 0) {
        log_probs = memory_new(ids.count + 1, sizeof *log_probs, "log-probs", dump->error);
        result = log_probs
                     ? model_score(model, prompt, cache, last, ids.data, ids.count, log_probs, dump->error)
                     : -1;
    }
    if (result == 0) result = add_int32(dump, "fixed.ids", 1, &ids.count, ids.data);
    if (result == 0) result = add_list(dump, "fixed.logprobs", DTYPE_F32, log_probs, ids.count);
    free(log_probs);
    ids_free(&ids);
    return result;
}

struct collected {
    struct dump *dump;
    int result;
};

static void collect(void *context, size_t sample, const struct completion *completion) {
    struct collected *collected = context;
    (void)sample;
    float *log_probs =
        memory_new(completion->count + 1, sizeof *log_probs, "log-probs", collected->dump->error);
    if (!log_probs) {
        collected->result = -1;
        return;
    }
    for (size_t i = 0; i < completion->count; i++) log_probs[i] = completion->tokens[i].logprob;
    collected->result =
        add_int32(collected->dump, "greedy.ids", 1, &completion->count, completion->ids) ||
                add_list(collected->dump, "greedy.logprobs", DTYPE_F32, log_probs, completion->count)
            ? -1
            : 0;
    free(log_probs);
}

// Through the same generator as everything else: what is tested is what runs.
static int dump_greedy(struct dump *dump, struct model *model, const struct prompt *prompt, size_t tokens) {
    struct generator *generator = generator_new(model, dump->error);
    if (!generator) return -1;
    struct collected collected = {.dump = dump, .result = -1};
    struct generation request = {.prompt = prompt,
                                 .sampling = sampling_default(),
                                 .samples = 1,
                                 .max_tokens = tokens,
                                 .ignore_stop = true,
                                 .on_done = collect,
                                 .context = &collected};
    int result = generator_submit(generator, &request, NULL, dump->error);
    if (result == 0) result = generator_finish(generator, dump->error);
    generator_free(generator);
    return result ? -1 : collected.result;
}

static int run_prompt(struct model *model, const struct prompt *prompt, const struct inspect_options *options,
                      struct dump *dump) {
    struct kv_cache cache = {0};
    const struct trace trace = {.record = record, .context = dump};
    float *last = memory_new(model_facts(model)->vocab, sizeof *last, "logits", dump->error);
    int result = last && model_cache_open(model, &cache, prompt->ids.count, dump->error) == 0 ? 0 : -1;
    if (result == 0) result = dump_prompt(dump, prompt);
    if (result == 0) result = model_prefill(model, prompt, &cache, last, &trace, NULL, dump->error);
    if (result == 0 && dump->error->code) result = -1; // the trace could not keep a stage
    if (result == 0 && options->continuation)
        result = dump_continuation(dump, model, prompt, &cache, last, options->continuation);
    if (result == 0 && options->greedy) result = dump_greedy(dump, model, prompt, options->greedy);
    kv_cache_close(&cache);
    free(last);
    return result;
}

int inspect_run(struct model *model, const struct inspect_options *options, const char *path,
                struct error *error) {
    struct chat chat = {0};
    struct prompt prompt = {0};
    struct dump dump = {.error = error, .device = model_device(model)};
    struct image *images = NULL;
    size_t image_count = 0;
    *error = (struct error){0};
    char *folder = options->images ? memory_copy_string(options->images, strlen(options->images), error)
                                   : file_folder(options->messages, error);
    int result = folder ? chat_read_file(&chat, options->messages, error) : -1;
    if (result == 0) {
        image_count = chat_image_count(&chat);
        images = memory_new(image_count + 1, sizeof *images, "images", error);
        result = images ? decode_images(&chat, folder, images, error) : -1;
    }
    if (result == 0) result = prompt_build(&prompt, model, &chat, images, image_count, error);
    if (result == 0) {
        dump.writer = safetensors_writer_new(error);
        result = dump.writer ? run_prompt(model, &prompt, options, &dump) : -1;
    }
    if (result == 0) result = safetensors_writer_metadata(dump.writer, "producer", "globe inspect", error);
    if (result == 0) result = safetensors_writer_save(dump.writer, path, error);
    if (dump.writer) safetensors_writer_free(dump.writer);
    prompt_free(&prompt);
    for (size_t i = 0; images && i < image_count; i++) image_free(&images[i]);
    free(images);
    chat_free(&chat);
    free(folder);
    return result;
}
