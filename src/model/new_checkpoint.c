#include "model/new_checkpoint.h"

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
#include "base/temporary.h"
#include "model/checkpoint_files.h"
#include "model/parts.h"

static const size_t SHARD_BYTES = 5000000000;

// ---- the plan: which tensor goes into which shard -------------------------------------------------------

static void plan_tensor(struct new_checkpoint *checkpoint, const struct part *part) {
    struct new_tensor *planned = &checkpoint->tensors[checkpoint->count++];
    *planned = (struct new_tensor){.part = *part, .tensor = {.dtype = checkpoint->dtype, .dims = part->dims}};
    memcpy(planned->tensor.shape, part->shape, (size_t)part->dims * sizeof *part->shape);
    size_t bytes = tensor_bytes(&planned->tensor),
           limit = checkpoint->shard_bytes ? checkpoint->shard_bytes : SHARD_BYTES;
    if (checkpoint->count == 1 || (checkpoint->shard_used && checkpoint->shard_used + bytes > limit)) {
        checkpoint->shard_count++;
        checkpoint->shard_used = 0;
    }
    planned->shard = checkpoint->shard_count - 1;
    checkpoint->shard_used += bytes;
    checkpoint->bytes += bytes;
    checkpoint->parameters += tensor_count(&planned->tensor);
}

int new_checkpoint_plan(struct new_checkpoint *checkpoint, const struct model_config *config,
                        struct error *error) {
    if (checkpoint->dtype != DTYPE_BF16 && checkpoint->dtype != DTYPE_F32)
        return error_set(error, ERROR_USAGE, "random weights of type %s, expected BF16 or F32",
                         dtype_name(checkpoint->dtype));
    size_t count;
    struct part *parts = parts_list(config, NULL, NULL, &count, error);
    checkpoint->tensors = parts ? memory_new(count, sizeof *checkpoint->tensors, "tensor list", error) : NULL;
    for (size_t i = 0; checkpoint->tensors && i < count; i++) plan_tensor(checkpoint, &parts[i]);
    free(parts);
    return checkpoint->tensors ? 0 : -1;
}

// ---- the folder -----------------------------------------------------------------------------------------

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

static int check_room(const struct new_checkpoint *checkpoint, struct error *error) {
    struct statvfs disk;
    if (statvfs(checkpoint->folder, &disk))
        return error_set_errno(error, checkpoint->folder, "cannot look at the disk");
    double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    double needed = (double)checkpoint->bytes * 1.001 + (64 << 20); // headers, tokenizer, a little air
    if (needed > free_bytes)
        return error_set(error, ERROR_IO, "%s: %.1f GB needed, but the disk has only %.1f GB free",
                         checkpoint->folder, needed / 1e9, free_bytes / 1e9);
    return 0;
}

int new_checkpoint_open(struct new_checkpoint *checkpoint, struct error *error) {
    checkpoint->made = mkdir(checkpoint->folder, 0777) == 0;
    if (!checkpoint->made) {
        if (errno != EEXIST) return error_set_errno(error, checkpoint->folder, "cannot make the folder");
        if (check_empty(checkpoint->folder, error)) return -1;
    }
    if (check_room(checkpoint, error) == 0) {
        checkpoint->noted =
            temporary_note(checkpoint->folder, checkpoint->made ? TEMPORARY_FOLDER : TEMPORARY_CONTENTS) + 1;
        return 0;
    }
    if (checkpoint->made) rmdir(checkpoint->folder);
    return -1;
}

static void name_shard(const struct new_checkpoint *checkpoint, size_t shard, char *name, size_t size) {
    if (checkpoint->shard_count == 1)
        snprintf(name, size, "model.safetensors");
    else
        snprintf(name, size, "model-%05zu-of-%05zu.safetensors", shard + 1, checkpoint->shard_count);
}

static void remove_file(const char *folder, const char *name) {
    char *path = file_join(folder, name, NULL);
    if (path) unlink(path);
    free(path);
}

void new_checkpoint_remove(const struct new_checkpoint *checkpoint) {
    static const char *const names[] = {"config.json",
                                        "generation_config.json",
                                        "preprocessor_config.json",
                                        "chat_template.json",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "vocab.json",
                                        "merges.txt",
                                        "model.safetensors.index.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) remove_file(checkpoint->folder, names[i]);
    for (size_t shard = 0; shard < checkpoint->shard_count; shard++) {
        char name[64];
        name_shard(checkpoint, shard, name, sizeof name);
        remove_file(checkpoint->folder, name);
    }
    if (checkpoint->made) rmdir(checkpoint->folder);
}

void new_checkpoint_free(struct new_checkpoint *checkpoint) {
    temporary_forget(checkpoint->noted - 1);
    free(checkpoint->tensors);
    checkpoint->tensors = NULL;
}

// ---- the weights ----------------------------------------------------------------------------------------

struct writing {
    const struct new_checkpoint *checkpoint;
    struct safetensors_source (*source)(void *context, size_t index);
    void *context;
};

static int add_tensors(const struct writing *writing, size_t shard, struct safetensors_writer *writer,
                       struct error *error) {
    if (safetensors_writer_metadata(writer, "format", "pt", error)) return -1;
    for (size_t i = 0; i < writing->checkpoint->count; i++) {
        const struct new_tensor *planned = &writing->checkpoint->tensors[i];
        if (planned->shard != shard) continue;
        struct safetensors_source source = writing->source(writing->context, i);
        if (safetensors_writer_add_source(writer, planned->part.name, &planned->tensor, source, error))
            return -1;
    }
    return 0;
}

static int write_shard(const struct writing *writing, size_t shard, struct error *error) {
    char name[64];
    name_shard(writing->checkpoint, shard, name, sizeof name);
    char *path = file_join(writing->checkpoint->folder, name, error);
    struct safetensors_writer *writer = safetensors_writer_new(error);
    int result = -1;
    if (path && writer && add_tensors(writing, shard, writer, error) == 0)
        result = safetensors_writer_save(writer, path, error);
    safetensors_writer_free(writer);
    free(path);
    return result;
}

static int write_index(const struct new_checkpoint *checkpoint, struct error *error) {
    json_t *map = json_object();
    for (size_t i = 0; i < checkpoint->count; i++) {
        char name[64];
        name_shard(checkpoint, checkpoint->tensors[i].shard, name, sizeof name);
        if (json_object_set_new(map, checkpoint->tensors[i].part.name, json_string(name))) {
            json_decref(map);
            map = NULL;
        }
    }
    json_t *index = json_pack("{s:{s:I}, s:o}", "metadata", "total_size", (json_int_t)checkpoint->bytes,
                              "weight_map", map);
    return checkpoint_write_json(checkpoint->folder, "model.safetensors.index.json", index, error);
}

int new_checkpoint_write(const struct new_checkpoint *checkpoint,
                         struct safetensors_source (*source)(void *context, size_t index), void *context,
                         struct error *error) {
    struct writing writing = {checkpoint, source, context};
    for (size_t shard = 0; shard < checkpoint->shard_count; shard++)
        if (write_shard(&writing, shard, error)) return -1;
    return checkpoint->shard_count > 1 ? write_index(checkpoint, error) : 0;
}
