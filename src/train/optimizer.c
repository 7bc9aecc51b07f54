#include "train/optimizer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

enum { BUCKET = 1 << 20 }; // values of each rank in one exchange

// Parts are equal but for the last; rounded so that a cache line has one owner.
static size_t part_size(const struct optimizer *optimizer) {
    size_t ranks = (size_t)optimizer->parallel->ranks;
    return ((optimizer->flat.total + ranks - 1) / ranks + 15) / 16 * 16;
}

static float *new_moments(struct optimizer *optimizer, struct error *error) {
    float *moments = device_allocate(optimizer->flat.device, (optimizer->count + 1) * sizeof *moments,
                                     DEVICE_DENSE, "the optimiser's moments", error);
    if (moments) device_clear(optimizer->flat.device, matrix_of(moments, DTYPE_F32, 1, optimizer->count + 1));
    return moments;
}

int optimizer_open(struct optimizer *optimizer, struct device *device, struct parameter *const *parameters,
                   size_t count, const struct optimizer_settings *settings, const struct parallel *parallel,
                   struct error *error) {
    *optimizer = (struct optimizer){.settings = *settings, .parallel = parallel};
    if (flat_open(&optimizer->flat, device, parameters, count, error)) return -1;
    size_t total = optimizer->flat.total, part = part_size(optimizer);
    size_t first = part * (size_t)parallel->rank;
    optimizer->first = first < total ? first : total;
    optimizer->count = total - optimizer->first < part ? total - optimizer->first : part;
    optimizer->m = new_moments(optimizer, error);
    optimizer->v = new_moments(optimizer, error);
    optimizer->norm =
        device_allocate(device, sizeof *optimizer->norm, DEVICE_DENSE, "the gradient's norm", error);
    if (parallel->ranks > 1)
        optimizer->bucket = memory_new_aligned((size_t)parallel->ranks + 1, BUCKET * sizeof(float),
                                               "the buffer for exchanges between ranks", error);
    if (optimizer->m && optimizer->v && optimizer->norm && (parallel->ranks == 1 || optimizer->bucket))
        return 0;
    optimizer_close(optimizer);
    return -1;
}

void optimizer_close(struct optimizer *optimizer) {
    if (optimizer->flat.device) {
        device_release(optimizer->flat.device, optimizer->m);
        device_release(optimizer->flat.device, optimizer->v);
        device_release(optimizer->flat.device, optimizer->norm);
    }
    flat_close(&optimizer->flat);
    free(optimizer->bucket);
    *optimizer = (struct optimizer){0};
}

// Every part's next values side by side, [ranks, size], to or from the bucket. The last bucket of a part must
// not reach into the next part, so its own length is given.
static size_t bucket_length(size_t done, size_t part) {
    return part - done < BUCKET ? part - done : BUCKET;
}

struct matrix optimizer_moments(const struct optimizer *optimizer, const float *moments, size_t first,
                                size_t count) {
    assert(first + count <= optimizer->count);
    return matrix_of((void *)(uintptr_t)(moments + first), DTYPE_F32, 1, count);
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
    struct device *device = optimizer->flat.device;
    const struct matrix total = matrix_of(optimizer->norm, DTYPE_F64, 1, 1);
    double sum = 0;
    device_clear(device, total);
    for (size_t done = 0; done < optimizer->count;) {
        struct flat_segment segment =
            flat_segment_at(&optimizer->flat, optimizer->first + done, optimizer->count - done);
        device_square_sum(device, total, flat_matrix(segment, FLAT_GRADIENT));
        done += segment.count;
    }
    device_download(device, &sum, total);
    if (device_check(device, error) || parallel_sum(optimizer->parallel, &sum, 1, error)) return -1;
    *norm = sqrt(sum) * scale;
    return 0;
}

static void update_part(struct optimizer *optimizer, struct adamw_step step) {
    for (size_t done = 0; done < optimizer->count;) {
        struct flat_segment segment =
            flat_segment_at(&optimizer->flat, optimizer->first + done, optimizer->count - done);
        step.decay = adamw_decays(optimizer->settings.decay, segment.parameter->name);
        const struct adamw_factors factors = adamw_factors(&optimizer->settings.adamw, &step);
        device_adamw(optimizer->flat.device, &factors, flat_matrix(segment, FLAT_VALUE),
                     flat_matrix(segment, FLAT_GRADIENT),
                     optimizer_moments(optimizer, optimizer->m, done, segment.count),
                     optimizer_moments(optimizer, optimizer->v, done, segment.count));
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
    return device_check(optimizer->flat.device, error) ? -1 : gather_values(optimizer, error);
}
