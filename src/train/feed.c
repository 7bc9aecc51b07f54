#include "train/feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int load(const void *context, size_t row, struct sample *sample, struct error *error) {
    const struct feed *feed = context;
    return dataset_load(feed->dataset, row, sample, error);
}

static bool skip(const void *context, size_t row) {
    const struct feed *feed = context;
    return feed->features && features_has(feed->features, row);
}

int feed_start(struct feed *feed, const size_t *rows, size_t count, struct error *error) {
    const struct loader_source source = {.load = load, .skip = skip, .context = feed};
    feed_stop(feed);
    feed->rows = memory_new(count + 1, sizeof *rows, "the order of rows", error);
    if (!feed->rows) return -1;
    memcpy(feed->rows, rows, count * sizeof *rows);
    feed->loader = loader_start(&source, feed->rows, count, feed->threads, 2 * feed->threads, error);
    return feed->loader ? 0 : -1;
}

void feed_stop(struct feed *feed) {
    loader_stop(feed->loader);
    free(feed->rows);
    feed->loader = NULL;
    feed->rows = NULL;
}

static void use_entry(struct feed_row *row, const struct features_entry *entry) {
    row->sample = &entry->sample;
    row->embeds = entry->embeds;
}

// The features of a row, kept from now on or known already.
static int settle(struct feed *feed, struct feed_row *row, struct error *error) {
    if (feed->features && !features_has(feed->features, row->row)) {
        bool kept;
        if (features_add(feed->features, row->row, &row->own, feed->model, &kept, error)) {
            feed_release(row);
            return -1;
        }
    }
    if (feed->features && features_has(feed->features, row->row))
        use_entry(row, features_get(feed->features, row->row));
    else
        row->sample = &row->own;
    return 0;
}

int feed_next(struct feed *feed, struct feed_row *row, struct error *error) {
    *row = (struct feed_row){0};
    if (loader_next(feed->loader, &row->row, &row->own, error)) return -1;
    return settle(feed, row, error);
}

int feed_load(struct feed *feed, size_t row, struct feed_row *loaded, struct error *error) {
    *loaded = (struct feed_row){.row = row};
    if (!skip(feed, row) && load(feed, row, &loaded->own, error)) return -1;
    return settle(feed, loaded, error);
}

void feed_release(struct feed_row *row) {
    sample_free(&row->own);
    *row = (struct feed_row){.row = row->row};
}
