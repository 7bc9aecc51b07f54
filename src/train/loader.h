// Samples made ready in the background, handed out in a given order whatever thread was faster.
#ifndef GLOBE_TRAIN_LOADER_H
#define GLOBE_TRAIN_LOADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "train/sample.h"

struct loader;

// Makes the sample of one row; called from several threads. `skip` says that the sample is known already and
// need not be made.
struct loader_source {
    int (*load)(const void *context, size_t row, struct sample *sample, struct error *error);
    bool (*skip)(const void *context, size_t row);
    const void *context;
};

// `rows` [count] must outlive the loader. At most `ahead` samples wait.
struct loader *loader_start(const struct loader_source *source, const size_t *rows, size_t count,
                            size_t threads, size_t ahead, struct error *error);
// The next one: 0 with *row and *sample, which is the caller's (empty when it was skipped); -1 with the error
// of that row, after which the next call goes on with the row behind it.
int loader_next(struct loader *loader, size_t *row, struct sample *sample, struct error *error);
void loader_stop(struct loader *loader); // also before all are taken

#endif
