#include "train/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

// Streams of random numbers: epochs count from 0, the rest is out of their way.
static const uint64_t split_stream = UINT64_C(1) << 62, bucket_streams = UINT64_C(1) << 61;

size_t order_steps(const struct order *order) {
    return order->rows / order->batch + (order->rows % order->batch != 0);
}

// Fisher and Yates: `count` items of `size` bytes.
static void shuffle(void *items, size_t count, size_t size, uint64_t seed, uint64_t stream) {
    struct random random;
    unsigned char *bytes = items;
    random_start(&random, seed, stream);
    for (size_t i = count; i > 1; i--) {
        unsigned char *a = bytes + (i - 1) * size, *b = bytes + random_below(&random, i) * size;
        for (size_t k = 0; k < size; k++) {
            unsigned char byte = a[k];
            a[k] = b[k];
            b[k] = byte;
        }
    }
}

struct measured {
    size_t length, place, row;
};

static int by_length(const void *a, const void *b) {
    const struct measured *left = a, *right = b;
    if (left->length != right->length) return left->length < right->length ? -1 : 1;
    return left->place < right->place ? -1 : left->place > right->place;
}

// One window: sorted by length, cut into steps, the full steps in a random order again.
static void sort_window(const struct order *order, uint64_t stream, const size_t *lengths, size_t *rows,
                        size_t count, struct measured *space) {
    for (size_t i = 0; i < count; i++) space[i] = (struct measured){lengths[rows[i]], i, rows[i]};
    qsort(space, count, sizeof *space, by_length);
    for (size_t i = 0; i < count; i++) rows[i] = space[i].row;
    if (order->shuffle) shuffle(rows, count / order->batch, order->batch * sizeof *rows, order->seed, stream);
}

int order_epoch(const struct order *order, uint64_t epoch, const size_t *lengths, size_t *sequence,
                struct error *error) {
    for (size_t i = 0; i < order->rows; i++) sequence[i] = i;
    if (order->shuffle) shuffle(sequence, order->rows, sizeof *sequence, order->seed, epoch);
    if (!order->bucket_steps) return 0;
    size_t window = order->batch * order->bucket_steps;
    if (window > order->rows) window = order->rows;
    struct measured *space = memory_new(window, sizeof *space, "the order of rows", error);
    if (!space) return -1;
    for (size_t first = 0; first < order->rows; first += window) {
        size_t rest = order->rows - first, count = rest < window ? rest : window;
        sort_window(order, bucket_streams + (epoch << 32) + first, lengths, sequence + first, count, space);
    }
    free(space);
    return 0;
}

static int ascending(const void *a, const void *b) {
    const size_t *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

int order_split(size_t count, size_t held, uint64_t seed, size_t *sequence, struct error *error) {
    if (held > count)
        return error_set(error, ERROR_INTERNAL, "%zu of %zu rows cannot be held out", held, count);
    for (size_t i = 0; i < count; i++) sequence[i] = i;
    if (!held) return 0;
    shuffle(sequence, count, sizeof *sequence, seed, split_stream);
    qsort(sequence, count - held, sizeof *sequence, ascending);
    qsort(sequence + count - held, held, sizeof *sequence, ascending);
    return 0;
}
