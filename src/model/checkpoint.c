#include "model/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/name_map.h"
#include "model/config_keys.h"
#include "model/family.h"
#include "model/parts.h"

struct checkpoint {
    char *folder;
    struct model_config config;
    struct generation_defaults generation;
    struct safetensors *weights;
    char **names;            // canonical name of each tensor of `weights`
    struct name_map by_name; // canonical name to index
};

// ---- names ---------------------------------------------------------------------------------------------

static int name_tensor(struct checkpoint *checkpoint, size_t index, struct error *error) {
    const char *own = safetensors_name(checkpoint->weights, index);
    size_t size = strlen(own) + 1, other; // a published name is never longer
    char *name = checkpoint->names[index] = memory_new(size, 1, "tensor name", error);
    if (!name) return -1;
    model_family_publish(checkpoint->config.family, own, name, size);
    if (name_map_find(&checkpoint->by_name, name, &other))
        return error_set(error, ERROR_MODEL, "%s: tensors \"%.120s\" and \"%.120s\" are the same one",
                         checkpoint->folder, safetensors_name(checkpoint->weights, other), own);
    return name_map_add(&checkpoint->by_name, name, index, error);
}

static int name_tensors(struct checkpoint *checkpoint, struct error *error) {
    size_t count = safetensors_count(checkpoint->weights);
    checkpoint->names = memory_new(count, sizeof *checkpoint->names, "tensor names", error);
    if (!checkpoint->names) return -1;
    for (size_t i = 0; i < count; i++)
        if (name_tensor(checkpoint, i, error)) return -1;
    return 0;
}

// ---- opening -------------------------------------------------------------------------------------------

static int read_generation(struct checkpoint *checkpoint, struct error *error) {
    struct generation_defaults *generation = &checkpoint->generation;
    const struct decoder_config *text = &checkpoint->config.text;
    if (generation_defaults_read(generation, checkpoint->folder, error)) return -1;
    if (!generation->eos_count && text->eos >= 0) generation->eos[generation->eos_count++] = text->eos;
    for (int i = 0; i < generation->eos_count; i++)
        if (generation->eos[i] >= text->vocab)
            return error_set(
                error, ERROR_MODEL,
                "%s/generation_config.json: \"eos_token_id\" holds %d, but the vocabulary has %d ids",
                checkpoint->folder, (int)generation->eos[i], text->vocab);
    return 0;
}

static int open_all(struct checkpoint *checkpoint, const char *folder, struct error *error) {
    checkpoint->folder = memory_copy_string(folder, strlen(folder), error);
    if (!checkpoint->folder || model_config_read(&checkpoint->config, folder, error) ||
        read_generation(checkpoint, error))
        return -1;
    checkpoint->weights = safetensors_open(folder, error);
    if (!checkpoint->weights) return -1;
    return name_tensors(checkpoint, error);
}

struct checkpoint *checkpoint_open(const char *folder, struct error *error) {
    struct checkpoint *checkpoint = memory_new(1, sizeof *checkpoint, "checkpoint", error);
    if (checkpoint && open_all(checkpoint, folder, error)) {
        checkpoint_free(checkpoint);
        return NULL;
    }
    return checkpoint;
}

void checkpoint_free(struct checkpoint *checkpoint) {
    if (!checkpoint) return;
    if (checkpoint->names)
        for (size_t i = 0; i < safetensors_count(checkpoint->weights); i++) free(checkpoint->names[i]);
    free(checkpoint->names);
    name_map_free(&checkpoint->by_name);
    safetensors_free(checkpoint->weights);
    free(checkpoint->folder);
    free(checkpoint);
}

const char *checkpoint_folder(const struct checkpoint *checkpoint) {
    return checkpoint->folder;
}

const struct model_config *checkpoint_config(const struct checkpoint *checkpoint) {
    return &checkpoint->config;
}

const struct generation_defaults *checkpoint_generation(const struct checkpoint *checkpoint) {
    return &checkpoint->generation;
}

const struct safetensors *checkpoint_weights(const struct checkpoint *checkpoint) {
    return checkpoint->weights;
}

// ---- tensors -------------------------------------------------------------------------------------------

// Where the tensor of a published name lies; a tied lm_head is the embedding, whether or not the file repeats
// it.
static bool find_index(const struct checkpoint *checkpoint, const char *name, size_t *index) {
    const struct model_family *family = checkpoint->config.family;
    if (checkpoint->config.text.tie_embeddings && strcmp(name, family->head) == 0) name = family->embedding;
    return name_map_find(&checkpoint->by_name, name, index);
}

static bool same_shape(const struct tensor *tensor, int dims, const size_t *shape) {
    if (tensor->dims != dims) return false;
    for (int i = 0; i < dims; i++)
        if (tensor->shape[i] != shape[i]) return false;
    return true;
}

static int wrong_shape(const struct checkpoint *checkpoint, const struct tensor *found, const char *name,
                       int dims, const size_t *shape, struct error *error) {
    char has[160], wants[160];
    struct tensor expected = {.dims = dims};
    memcpy(expected.shape, shape, (size_t)dims * sizeof *shape);
    tensor_describe_shape(found, has, sizeof has);
    tensor_describe_shape(&expected, wants, sizeof wants);
    return error_set(error, ERROR_MODEL, "%s: tensor \"%s\" has shape %s, expected %s",
                     safetensors_path(checkpoint->weights, found), name, has, wants);
}

const struct tensor *checkpoint_tensor(const struct checkpoint *checkpoint, const char *name, int dims,
                                       const size_t *shape, struct error *error) {
    size_t index;
    if (!find_index(checkpoint, name, &index)) {
        error_set(
            error, ERROR_MODEL, "%s: tensor \"%s\" is missing%s", checkpoint->folder, name,
            strcmp(name, checkpoint->config.family->head) ? "" : ", and \"tie_word_embeddings\" is not true");
        return NULL;
    }
    const char *own = safetensors_name(checkpoint->weights, index);
    const struct tensor *tensor = safetensors_get(checkpoint->weights, own, error);
    if (!tensor) return NULL;
    if (tensor->dtype != DTYPE_F32 && tensor->dtype != DTYPE_BF16 && tensor->dtype != DTYPE_F16) {
        error_set(error, ERROR_MODEL, "%s: tensor \"%s\" is of type %s, expected F32, BF16 or F16",
                  safetensors_path(checkpoint->weights, tensor), own, dtype_name(tensor->dtype));
        return NULL;
    }
    if (!same_shape(tensor, dims, shape)) {
        wrong_shape(checkpoint, tensor, own, dims, shape, error);
        return NULL;
    }
    return tensor;
}

// ---- check ---------------------------------------------------------------------------------------------

struct check {
    const struct checkpoint *checkpoint;
    bool *used; // per tensor of the files
    size_t missing;
    char first_missing[128];
};

static void check_present(struct check *check, const struct part *part) {
    size_t index;
    if (find_index(check->checkpoint, part->name, &index))
        check->used[index] = true;
    else if (check->missing++ == 0)
        snprintf(check->first_missing, sizeof check->first_missing, "%s", part->name);
}

static int report_missing(const struct check *check, struct error *error) {
    const char *hint =
        strcmp(check->first_missing, check->checkpoint->config.family->head) == 0
            ? "; \"tie_word_embeddings\" is not true, so the embedding does not stand in for it"
            : "";
    if (check->missing == 1)
        return error_set(error, ERROR_MODEL, "%s: tensor \"%s\" is missing%s", check->checkpoint->folder,
                         check->first_missing, hint);
    return error_set(error, ERROR_MODEL, "%s: %zu tensors are missing, first: \"%s\"",
                     check->checkpoint->folder, check->missing, check->first_missing);
}

// What files may hold for no purpose: a tied lm_head, and the rotary frequencies that old versions saved.
static bool is_harmless(const struct checkpoint *checkpoint, size_t index) {
    const char *name = checkpoint->names[index];
    size_t length = strlen(name), tail = strlen("rotary_emb.inv_freq");
    if (length >= tail && strcmp(name + length - tail, "rotary_emb.inv_freq") == 0) return true;
    return checkpoint->config.text.tie_embeddings && strcmp(name, checkpoint->config.family->head) == 0;
}

static void describe_unused(const struct check *check, struct warnings *warnings) {
    const struct checkpoint *checkpoint = check->checkpoint;
    size_t unused = 0, first = 0;
    for (size_t i = 0; i < safetensors_count(checkpoint->weights); i++)
        if (!check->used[i] && !is_harmless(checkpoint, i) && unused++ == 0) first = i;
    if (unused)
        warnings_add(warnings, "%s: %zu tensor%s not used, first: \"%.120s\"", checkpoint->folder, unused,
                     unused == 1 ? " is" : "s are", safetensors_name(checkpoint->weights, first));
}

int checkpoint_check(const struct checkpoint *checkpoint, struct warnings *warnings, struct error *error) {
    struct check check = {.checkpoint = checkpoint};
    size_t count;
    struct part *parts = parts_list(&checkpoint->config, NULL, NULL, &count, error);
    if (!parts) return -1;
    check.used =
        memory_new(safetensors_count(checkpoint->weights), sizeof *check.used, "tensor names", error);
    int result = check.used ? 0 : -1;
    for (size_t i = 0; result == 0 && i < count; i++) check_present(&check, &parts[i]);
    if (result == 0 && check.missing) result = report_missing(&check, error);
    for (size_t i = 0; result == 0 && i < count; i++)
        if (!checkpoint_tensor(checkpoint, parts[i].name, parts[i].dims, parts[i].shape, error)) result = -1;
    free(parts);
    if (!check.used) return -1;
    describe_unused(&check, warnings);
    config_keys_check(checkpoint->folder, checkpoint->config.family, warnings);
    size_t copied = safetensors_copied(checkpoint->weights);
    if (copied)
        warnings_add(warnings,
                     "%s: weights do not lie at multiples of their types' sizes (as MLX writes them); %.2f "
                     "GB of them are "
                     "copied into memory instead of mapped",
                     checkpoint->folder, (double)copied / 1e9);
    free(check.used);
    return result;
}
