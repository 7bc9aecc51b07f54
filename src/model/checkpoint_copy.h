// Writing a checkpoint that is another one with some tensors changed: same files, same names, same types, so
// that whatever loads the original loads the copy.
#ifndef GLOBE_MODEL_CHECKPOINT_COPY_H
#define GLOBE_MODEL_CHECKPOINT_COPY_H

#include <stdbool.h>

#include "model/checkpoint.h"

struct checkpoint_change {
    // Whether the tensor of this published name changes.
    bool (*changes)(void *context, const char *name);
    // values [columns]: row `row` of that tensor as it is, to be changed in place; it is rounded to the
    // file's type. Rows are asked for in order.
    void (*change)(void *context, const char *name, size_t row, float *values, size_t columns);
    void *context;
    bool convert; // all weights become `type` (F32, BF16, F16), and config.json says so
    enum dtype type;
    bool may_stop; // Ctrl-C ends the copy; without, a run that is stopped saves what it has
};

// FOLDER is created if need be; each file is written whole or not at all, config.json last, so that a folder
// without it is not a checkpoint. ERROR_USAGE when FOLDER is the original's.
int checkpoint_copy(const struct checkpoint *from, const char *folder, const struct checkpoint_change *change,
                    struct error *error);

// to[i] of a `type` (F32, BF16, F16), rounded to the nearest.
void checkpoint_store(enum dtype type, char *to, size_t i, float value);

#endif
