#include "train/optimizer.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

enum { BUCKET = 1 << 20 }; // values of each rank in one exchange

// Parts are equal but for the last; rounded so that a cache line has one owner.
static size_t part_size(const struct optimizer *optimizer) {
    size_t ranks = (size_t)optimizer->parallel->ranks;
    return ((optimizer->flat.total + ranks - 1) / ranks + 15) / 16 * 16;
}

int optimizer_open(struct optimizer *optimizer, struct parameter *const *parameters, size_t count,
                   const struct optimizer_settings *settings, const struct parallel *parallel,
                   struct error *error) {
    *optimizer = (struct optimizer){.settings = *settings, .parallel = parallel};
    if (flat_open(&optimizer->flat, parameters, count, error)) return -1;
    size_t total = optimizer->flat.total, part = part_size(optimizer);
    size_t first = part * (size_t)parallel->rank;
    optimizer->first = first < total ? first : total;
    optimizer->count = total - optimizer->first < part ? total - optimizer->first : part;
    optimizer->m = memory_new(optimizer->count + 1, sizeof(float), "the optimiser's moments", error);
    optimizer->v = memory_new(optimizer->count + 1, sizeof(float), "the optimiser's moments", error);
    if (parallel->ranks > 1)
        optimizer->bucket = memory_new_aligned((size_t)parallel->ranks + 1, BUCKET * sizeof(float),
                                               "the buffer for exchanges between ranks", error);
    if (optimizer->m && optimizer->v && (parallel->ranks == 1 || optimizer->bucket)) return 0;
    optimizer_close(optimizer);
    return -1;
}

void optimizer_close(struct optimizer *optimizer) {
    flat_close(&optimizer->flat);
    free(optimizer->m);
    free(optimizer->v);
    free(optimizer->bucket);
    *optimizer = (struct optimizer){0};
}

// Every part's next values side by side, [ranks, size], to or from the bucket. The last bucket of a part must
// not reach into the next part, so its own length is given.
static size_t bucket_length(size_t done, size_t part) {
    return part - done < BUCKET ? part - done : BUCKET;
}

static int sum_gradients(struct optimizer *optimizer, struct error *error) {
    const struct parallel *parallel = optimizer->parallel;
    size_t ranks = (size_t)parallel->ranks, part = part_size(optimizer);
    float *own = optimizer->bucket ? optimizer->bucket + ranks * BUCKET : NULL;
    for (size_t done = 0; ranks > 1 && done < part; done += BUCKET) {
        size_t length = bucket_length(done, part);
        for (size_t r = 0; r < ranks; r++)
            flat_read(&optimizer->flat, FLAT_GRADIENT, r * part + done, length,
                      optimizer->bucket + r * length);
        if (parallel_reduce_scatter(parallel, optimizer->bucket, own, length, error)) return -1;
        flat_write(&optimizer->flat, FLAT_GRADIENT, (size_t)parallel->rank * part + done, length, own);
    }
    return 0;
}

static int gather_values(struct optimizer *optimizer, struct error *error) {
    const struct parallel *parallel = optimizer->parallel;
    size_t ranks = (size_t)parallel->ranks, part = part_size(optimizer);
    float *own = optimizer->bucket ? optimizer->bucket + ranks * BUCKET : NULL;
    for (size_t done = 0; ranks > 1 && done < part; done += BUCKET) {
        size_t length = bucket_length(done, part);
        flat_read(&optimizer->flat, FLAT_VALUE, (size_t)parallel->rank * part + done, length, own);
        if (parallel_all_gather(parallel, own, optimizer->bucket, length, error)) return -1;
        for (size_t r = 0; r < ranks; r++)
            flat_write(&optimizer->flat, FLAT_VALUE, r * part + done, length, optimizer->bucket + r * length);
    }
    return 0;
}

static int gradient_norm(const struct optimizer *optimizer, double scale, double *norm, struct error *error) {
    double sum = 0;
    for (size_t done = 0; done < optimizer->count;) {
        struct flat_segment segment =
            flat_segment_at(&optimizer->flat, optimizer->first + done, optimizer->count - done);
        sum += adamw_square_sum(segment.parameter->gradient + segment.offset, segment.count);
        done += segment.count;
    }
    if (parallel_sum(optimizer->parallel, &sum, 1, error)) return -1;
    *norm = sqrt(sum) * scale;
    return 0;
}

static void update_part(struct optimizer *optimizer, struct adamw_step step) {
    for (size_t done = 0; done < optimizer->count;) {
        struct flat_segment segment =
            flat_segment_at(&optimizer->flat, optimizer->first + done, optimizer->count - done);
        step.decay = adamw_decays(optimizer->settings.decay, segment.parameter->name);
        adamw_update(&optimizer->settings.adamw, &step, segment.parameter->value + segment.offset,
                     segment.parameter->gradient + segment.offset, optimizer->m + done, optimizer->v + done,
                     segment.count);
        done += segment.count;
    }
}

int optimizer_step(struct optimizer *optimizer, double rate, double scale, struct optimizer_report *report,
                   struct error *error) {
    *report = (struct optimizer_report){0};
    if (sum_gradients(optimizer, error) || gradient_norm(optimizer, scale, &report->norm, error)) return -1;
    report->skipped = !isfinite(report->norm);
    if (report->skipped) return 0;
    optimizer->steps++;
    update_part(optimizer, (struct adamw_step){
                               .rate = rate,
                               .scale = scale * adamw_clip(report->norm, optimizer->settings.max_grad_norm),
                               .number = optimizer->steps});
    return gather_values(optimizer, error);
}
