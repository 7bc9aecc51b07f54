// Writing a checkpoint that did not exist before: the list of its tensors, the folder, the shards. What the
// numbers are is the caller's business.
//
//     struct new_checkpoint checkpoint = {.folder = "model", .dtype = DTYPE_BF16};
//     if (!new_checkpoint_plan(&checkpoint, &config, &error) && !new_checkpoint_open(&checkpoint, &error) &&
//         (write_small_files(...) || new_checkpoint_write(&checkpoint, get_source, context, &error)))
//         new_checkpoint_remove(&checkpoint);
//     new_checkpoint_free(&checkpoint);
#ifndef GLOBE_MODEL_NEW_CHECKPOINT_H
#define GLOBE_MODEL_NEW_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/config.h"
#include "model/parts.h"
#include "model/safetensors.h"

struct new_tensor {
    struct part part;
    struct tensor tensor; // the same shape, in the type of the file; without data
    size_t shard;
};

struct new_checkpoint {
    // Filled in by the caller.
    const char *folder;
    enum dtype dtype;   // of all tensors
    size_t shard_bytes; // largest file; 0: 5 GB, as transformers saves
    // Filled in by the plan.
    struct new_tensor *tensors;
    size_t count;
    size_t parameters, bytes; // of all tensors
    size_t shard_count, shard_used;
    bool made; // the folder was not there before
    int noted; // its number + 1 in base/temporary.h: what is not finished goes when a signal ends the process
};

int new_checkpoint_plan(struct new_checkpoint *checkpoint, const struct model_config *config,
                        struct error *error);
// Makes the folder, which must not exist or be empty (ERROR_USAGE). ERROR_IO when the disk has not enough
// room.
int new_checkpoint_open(struct new_checkpoint *checkpoint, struct error *error);
// Writes model.safetensors, or shards with their index. `source` gives the bytes of one tensor; what its
// context points to must last until this returns.
int new_checkpoint_write(const struct new_checkpoint *checkpoint,
                         struct safetensors_source (*source)(void *context, size_t index), void *context,
                         struct error *error);
// Removes the files of a checkpoint from the folder, and the folder if it was made: after a failure.
void new_checkpoint_remove(const struct new_checkpoint *checkpoint);
void new_checkpoint_free(struct new_checkpoint *checkpoint);

#endif
