// What a frozen vision tower says about pictures that come again in every epoch: samples are kept whole, with
// the tower's output in the place of their patches, up to a limit of memory.
#ifndef GLOBE_TRAIN_FEATURES_H
#define GLOBE_TRAIN_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/model.h"
#include "train/sample.h"

struct features;

struct features_entry {
    struct sample sample; // without patches
    struct matrix embeds; // [rows, hidden] F32 in host memory; data NULL for a row without pictures
};

// For a data set of `rows` rows; a limit of 0 keeps nothing.
struct features *features_open(size_t rows, size_t limit_bytes, struct error *error);
void features_close(struct features *features);

bool features_has(const struct features *features, size_t row); // from any thread; once true, always true
const struct features_entry *features_get(const struct features *features, size_t row);

// Runs the tower and takes the sample over, if there is room: *kept says whether it did. The main thread
// only.
int features_add(struct features *features, size_t row, struct sample *sample, struct model *model,
                 bool *kept, struct error *error);

#endif
