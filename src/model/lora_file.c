// Adapters from disk: PEFT folders. lora_save.c writes them.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/family.h"
#include "model/hub.h"
#include "model/lora_config.h"
#include "model/lora_internal.h"

static const char PREFIX[] = LORA_PREFIX;

// ---- reading the weights

// "base_model.model.X.lora_A.weight" to X under its published name; 'A', 'B', or 0 for anything else.
static char split_key(const struct model_family *family, const char *key, char *text, size_t size) {
    static const char *const ends[] = {".lora_A.weight", ".lora_B.weight", ".lora_A.default.weight",
                                       ".lora_B.default.weight"};
    if (strncmp(key, PREFIX, strlen(PREFIX)) != 0) return 0;
    size_t length = strlen(key);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t tail = strlen(ends[i]);
        if (length <= tail + strlen(PREFIX) || strcmp(key + length - tail, ends[i]) != 0) continue;
        char name[160];
        size_t middle = length - tail - strlen(PREFIX);
        if (middle >= sizeof name) return 0;
        memcpy(name, key + strlen(PREFIX), middle);
        name[middle] = 0;
        model_family_publish(family, name, text, size);
        return i % 2 ? 'B' : 'A';
    }
    return 0;
}

static const struct part *find_part(const struct part *parts, size_t count, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < count; i++)
        if (parts[i].linear && strncmp(parts[i].name, name, length) == 0 &&
            strcmp(parts[i].name + length, ".weight") == 0)
            return &parts[i];
    return NULL;
}

// The matrices of one module, as the file has them, and its name there.
struct found {
    const struct tensor *a, *b;
    const char *key;
};

// What stands between "base_model.model." and ".lora_" of a key.
static void module_of_key(const char *key, char *name, size_t size) {
    const char *start = key + strlen(PREFIX), *end = strstr(start, ".lora_");
    snprintf(name, size, "%.*s", (int)(end ? (size_t)(end - start) : strlen(start)), start);
}

static int collect(const struct model_family *family, struct found *found, const struct part *parts,
                   size_t count, const struct safetensors *file, const char *path, struct error *error) {
    for (size_t i = 0; i < safetensors_count(file); i++) {
        char name[160];
        const char *key = safetensors_name(file, i);
        char which = split_key(family, key, name, sizeof name);
        const struct part *part = which ? find_part(parts, count, name) : NULL;
        if (!part)
            return error_set(error, ERROR_MODEL, "%s: \"%.160s\" is not LoRA of a linear layer of this model",
                             path, key);
        const struct tensor *tensor = safetensors_get(file, key, error);
        if (!tensor) return -1;
        if (tensor->dims != 2 ||
            (tensor->dtype != DTYPE_F32 && tensor->dtype != DTYPE_BF16 && tensor->dtype != DTYPE_F16))
            return error_set(error, ERROR_MODEL, "%s: \"%.160s\" is not a matrix of F32, BF16 or F16", path,
                             key);
        const struct tensor **place = which == 'A' ? &found[part - parts].a : &found[part - parts].b;
        if (*place) return error_set(error, ERROR_MODEL, "%s: \"%.160s\" stands there twice", path, key);
        *place = tensor;
        found[part - parts].key = key;
    }
    return 0;
}

// A tensor of a file to the device, as F32.
static int load(struct device *device, struct matrix to, const struct tensor *tensor, struct error *error) {
    struct matrix stored = matrix_of_tensor(tensor);
    if (stored.dtype == DTYPE_F32) {
        device_upload(device, to, tensor->data);
        return device_check(device, error);
    }
    stored.data = device_allocate(device, tensor_bytes(tensor), DEVICE_DENSE, "adapter", error);
    if (!stored.data) return -1;
    device_upload(device, stored, tensor->data);
    device_gather(device, to, stored, NULL);
    int result = device_check(device, error);
    device_release(device, stored.data);
    return result;
}

static int load_module(struct lora *lora, struct model *model, const struct part *part,
                       const struct found *found, const struct lora_config *config, const char *path,
                       struct error *error) {
    const struct tensor *a = found->a, *b = found->b;
    if (!a || !b)
        return error_set(error, ERROR_MODEL, "%s: \"%s\" has lora_%s but no lora_%s", path, part->name,
                         a ? "A" : "B", a ? "B" : "A");
    if (a->shape[0] < 1 || a->shape[0] != b->shape[1] || a->shape[1] != part->matrix->columns ||
        b->shape[0] != part->matrix->rows)
        return error_set(error, ERROR_MODEL,
                         "%s: \"%s\" [%zu, %zu] cannot be adapted by A [%zu, %zu] and B [%zu, %zu]", path,
                         part->name, part->matrix->rows, part->matrix->columns, a->shape[0], a->shape[1],
                         b->shape[0], b->shape[1]);
    char own[160], published[160];
    module_of_key(found->key, own, sizeof own);
    lora_name(part, published, sizeof published);
    size_t rank = lora_config_rank(config, own, published);
    if (rank != a->shape[0])
        return error_set(error, ERROR_MODEL, "%s: \"%s\" has rank %zu, but adapter_config.json says %zu",
                         path, own, a->shape[0], rank);
    struct lora_module *m = lora_add(lora, part, rank, error);
    if (!m) return -1;
    m->alpha = lora_config_alpha(config, own, published);
    if (!lora_config_targets(config, own) && lora->stray++ == 0)
        snprintf(lora->first_stray, sizeof lora->first_stray, "%s", own);
    return load(model->device, lora_a(m), a, error) || load(model->device, lora_b(m), b, error) ? -1 : 0;
}

static int read_weights(struct lora *lora, struct model *model, const struct part *parts, size_t count,
                        const struct lora_config *config, const char *folder, struct error *error) {
    char *path = file_join(folder, "adapter_model.safetensors", error);
    char *pickled = file_join(folder, "adapter_model.bin", error);
    struct safetensors *file = NULL;
    if (path && pickled && !file_exists(path) && file_exists(pickled))
        error_set(error, ERROR_MODEL,
                  "%s: PyTorch's pickled weights are not read: save the adapter as safetensors", pickled);
    else if (path && pickled)
        file = safetensors_open(path, error);
    free(pickled);
    const char *recorded = file ? safetensors_metadata(file, LORA_BASE_KEY) : NULL;
    snprintf(lora->recorded, sizeof lora->recorded, "%s", recorded ? recorded : "");
    struct found *found = file ? memory_new(count, sizeof *found, "adapter", error) : NULL;
    int result = found ? collect(model->config->family, found, parts, count, file, path, error) : -1;
    for (size_t i = 0; result == 0 && i < count; i++)
        if (found[i].a || found[i].b)
            result = load_module(lora, model, &parts[i], &found[i], config, path, error);
    if (result == 0 && lora->count == 0) result = error_set(error, ERROR_MODEL, "%s: holds no adapter", path);
    free(found);
    safetensors_free(file);
    free(path);
    return result;
}

// A name that cannot be the checkpoint's: its folder, what it calls itself, or a hub name for it.
static bool is_other_base(const struct model *model, const char *base) {
    char wanted[256], folder[256], own[256] = "";
    const char *itself = checkpoint_config(model->checkpoint)->name;
    hub_short_name(base, wanted, sizeof wanted);
    hub_short_name(checkpoint_folder(model->checkpoint), folder, sizeof folder);
    hub_short_name(itself, own, sizeof own);
    return *wanted && strcasecmp(wanted, folder) != 0 && strcasecmp(wanted, own) != 0;
}

// Which weights the adapter is for: those it says (lora->recorded), else those of the base that it names.
static void note_base(struct lora *lora, struct model *model, const struct lora_config *config,
                      const char *folder) {
    char own[LORA_BASE_SIZE];
    const char *base = config->base && *config->base ? config->base : "another base";
    lora_describe_base(model, own);
    lora->other_base =
        lora->recorded[0] ? strcmp(lora->recorded, own) != 0 : is_other_base(model, base) && config->base;
    if (!lora->other_base) return;
    snprintf(lora->base, sizeof lora->base,
             "%.200s: made over other weights than those of %.160s (its base is called \"%.100s\")", folder,
             checkpoint_folder(model->checkpoint), base);
    warnings_add(&model->warnings,
                 "%s: trained over \"%.160s\"; over %s it is right only if that is the same", folder, base,
                 checkpoint_folder(model->checkpoint));
}

void lora_describe_base(const struct model *model, char text[LORA_BASE_SIZE]) {
    snprintf(text, LORA_BASE_SIZE, "%016" PRIx64, model_identity(model));
}

int lora_check_base(const struct lora *lora, struct error *error) {
    return lora->other_base ? error_set(error, ERROR_MODEL, "%s", lora->base) : 0;
}

static int read_all(struct lora *lora, struct model *model, const struct part *parts, size_t count,
                    const char *folder, struct error *error) {
    struct lora_config config;
    if (lora_config_read(&config, folder, &model->warnings, error)) return -1;
    lora->rank = config.rank;
    lora->alpha = config.alpha;
    lora->dropout = config.dropout;
    lora->rs = config.rs;
    int result = read_weights(lora, model, parts, count, &config, folder, error);
    if (result == 0 && lora->stray)
        warnings_add(
            &model->warnings,
            "%s: weights for %zu modules that adapter_config.json does not target, first: %s; they are used",
            folder, lora->stray, lora->first_stray);
    if (result == 0) note_base(lora, model, &config, folder);
    lora_config_free(&config);
    return result;
}

struct lora *lora_open(struct model *model, const char *name, struct error *error) {
    size_t count;
    char *folder = hub_find(name, "--adapter", &model->warnings, error);
    struct part *parts =
        folder ? parts_list(model->config, model->decoder, model->vision, &count, error) : NULL;
    struct lora *lora = parts ? lora_new_empty(model, count, error) : NULL;
    if (lora && read_all(lora, model, parts, count, folder, error)) {
        lora_free(lora);
        lora = NULL;
    }
    if (lora) lora_refresh(lora);
    if (lora && device_check(lora->device, error)) {
        lora_free(lora);
        lora = NULL;
    }
    free(parts);
    free(folder);
    return lora;
}
