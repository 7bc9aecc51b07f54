#include "train/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
