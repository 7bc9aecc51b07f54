#include "train/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/qwen_tensors.h"

static size_t read_meminfo(const char *key) {
    FILE *file = fopen("/proc/meminfo", "r");
    char line[200];
    size_t kilobytes = 0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0) kilobytes = strtoull(line + strlen(key), NULL, 10);
    if (file) fclose(file);
    return kilobytes * 1024;
}

static size_t read_size(const char *path) { // 0 also for "max"
    FILE *file = fopen(path, "r");
    char text[64] = "";
    if (file && !fgets(text, sizeof text, file)) text[0] = 0;
    if (file) fclose(file);
    return strtoull(text, NULL, 10);
}

size_t room_available(void) {
    size_t available = read_meminfo("MemAvailable:");
    size_t limit = read_size("/sys/fs/cgroup/memory.max"), used = read_size("/sys/fs/cgroup/memory.current");
    if (limit && limit > used && (!available || limit - used < available)) available = limit - used;
    return available;
}

struct counter {
    const struct training_options *options;
    size_t values;
};

static bool ends_with(const char *name, const char *end) {
    size_t length = strlen(name), size = strlen(end);
    return length >= size && strcmp(name + length - size, end) == 0;
}

// An estimate where options->lora_targets is a pattern of the user's: as many as without one.
static size_t adapter_values(const struct training_options *options, const char *name, const size_t *shape) {
    bool adapted = strncmp(name, "model.layers.", 13) == 0 && ends_with(name, "_proj.weight");
    return adapted ? (size_t)options->lora_rank * (shape[0] + shape[1]) : 0;
}

static int count_tensor(void *context, const char *name, int dims, const size_t *shape) {
    struct counter *counter = context;
    const struct training_options *options = counter->options;
    size_t count = 1;
    for (int i = 0; i < dims; i++) count *= shape[i];
    bool merger = strncmp(name, "visual.merger.", 14) == 0, vision = strncmp(name, "visual.", 7) == 0;
    if (options->lora_rank)
        counter->values += adapter_values(options, name, shape);
    else if (merger ? options->train_merger : vision ? options->train_vision : options->train_text)
        counter->values += count;
    return 0;
}

size_t room_trained_values(const struct qwen *qwen, const struct training_options *options) {
    struct counter counter = {.options = options};
    qwen_tensors_visit(qwen->config, count_tensor, &counter);
    return counter.values;
}

int room_check(const struct room_need *need, int ranks, size_t available, struct error *error) {
    const double gb = 1e9;
    double each = (double)need->model + (double)need->optimizer + (double)need->features;
    double total = each * ranks;
    if (!available || total <= (double)available) return 0;
    char times[40] = "";
    if (ranks > 1) snprintf(times, sizeof times, " for each of %d ranks", ranks);
    return error_set(error, ERROR_MEMORY,
                     "this run needs %.2f GB%s (%.2f model, gradients and activations, %.2f optimiser, %.2f "
                     "features), but %.2f GB are free: smaller batch.micro_rows, data.max_length, "
                     "data.feature_cache_mb or lora.rank make it smaller",
                     each / gb, times, (double)need->model / gb, (double)need->optimizer / gb,
                     (double)need->features / gb, (double)available / gb);
}
