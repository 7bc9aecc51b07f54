// The rows of one rank on their way to the model: loaded in the background, features from the cache.
#ifndef GLOBE_TRAIN_FEED_H
#define GLOBE_TRAIN_FEED_H

#include <stddef.h>

#include "base/error.h"
#include "train/dataset.h"
#include "train/features.h"
#include "train/loader.h"

struct feed {
    const struct dataset *dataset;
    struct features *features; // NULL: the vision tower is trained, so nothing can be kept
    struct model *model;
    size_t threads;
    size_t *rows; // of the loader
    struct loader *loader;
};

struct feed_row {
    size_t row; // of the data set
    const struct sample *sample;
    struct matrix embeds; // data NULL: the model is to compute them
    struct sample own;    // when it is not in the cache
};

// From now on these rows (copied), in this order; what was started before is dropped.
int feed_start(struct feed *feed, const size_t *rows, size_t count, struct error *error);
void feed_stop(struct feed *feed);
// The next row. On failure row->row is set, the row is passed over, and the feed goes on.
int feed_next(struct feed *feed, struct feed_row *row, struct error *error);
// A row out of turn. The main thread only.
int feed_load(struct feed *feed, size_t row, struct feed_row *loaded, struct error *error);
void feed_release(struct feed_row *row);

#endif
