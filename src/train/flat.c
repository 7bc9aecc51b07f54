#include "train/flat.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

// FNV-1a
static uint64_t hash(uint64_t state, const void *data, size_t size) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) state = (state ^ bytes[i]) * 0x100000001b3u;
    return state;
}

int flat_open(struct flat *flat, struct device *device, struct parameter *const *parameters, size_t count,
              struct error *error) {
    *flat = (struct flat){
        .device = device, .parameters = parameters, .count = count, .identity = 0xcbf29ce484222325u};
    flat->starts = memory_new(count + 1, sizeof *flat->starts, "parameters", error);
    if (!flat->starts) return -1;
    for (size_t i = 0; i < count; i++) {
        const struct parameter *parameter = parameters[i];
        uint64_t size = parameter->count;
        flat->starts[i] = flat->total;
        flat->total += parameter->count;
        flat->identity = hash(flat->identity, parameter->name, strlen(parameter->name) + 1);
        flat->identity = hash(flat->identity, &size, sizeof size);
    }
    flat->starts[count] = flat->total;
    return 0;
}

void flat_close(struct flat *flat) {
    free(flat->starts);
    *flat = (struct flat){0};
}

struct flat_segment flat_segment_at(const struct flat *flat, size_t position, size_t limit) {
    size_t low = 0, high = flat->count; // starts[low] <= position < starts[high]
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (flat->starts[middle] <= position)
            low = middle;
        else
            high = middle;
    }
    size_t rest = flat->starts[low + 1] - position;
    return (struct flat_segment){.parameter = flat->parameters[low],
                                 .offset = position - flat->starts[low],
                                 .count = rest < limit ? rest : limit};
}

struct matrix flat_matrix(struct flat_segment segment, enum flat_array array) {
    float *data = array == FLAT_VALUE ? segment.parameter->value : segment.parameter->gradient;
    return matrix_of(data + segment.offset, DTYPE_F32, 1, segment.count);
}

void flat_read(const struct flat *flat, enum flat_array array, size_t start, size_t count, float *to) {
    size_t done = 0;
    while (done < count && start + done < flat->total) {
        struct flat_segment segment = flat_segment_at(flat, start + done, count - done);
        device_download(flat->device, to + done, flat_matrix(segment, array));
        done += segment.count;
    }
    memset(to + done, 0, (count - done) * sizeof *to);
}

void flat_write(const struct flat *flat, enum flat_array array, size_t start, size_t count,
                const float *from) {
    for (size_t done = 0; done < count && start + done < flat->total;) {
        struct flat_segment segment = flat_segment_at(flat, start + done, count - done);
        device_upload(flat->device, flat_matrix(segment, array), from + done);
        done += segment.count;
    }
}
