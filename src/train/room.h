// Whether a run fits into this machine, said before it starts.
#ifndef GLOBE_TRAIN_ROOM_H
#define GLOBE_TRAIN_ROOM_H

#include <stddef.h>

#include "base/error.h"
#include "model/training.h"

// Bytes of memory that can be had now: MemAvailable, or what the control group leaves; 0: unknown.
size_t room_available(void);
// What a control group of the kernel still allows, by the files in its folder; 0: no limit is known.
size_t room_of_group(const char *folder);

struct room_need {
    size_t model;     // training_memory: values, gradients, activations of the longest pass
    size_t optimizer; // moments, and the buffers of ranks
    size_t features;  // cache
    size_t caches;    // keys and values of what is generated; 0: nothing is
};
// ERROR_MEMORY with all numbers when `ranks` such processes on this machine need more than there is.
int room_check(const struct room_need *need, int ranks, size_t available, struct error *error);

#endif
