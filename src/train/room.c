#include "train/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The number after a word at the start of a line ("MemAvailable: 123 kB"), or 0.
static size_t read_line(const char *path, const char *word) {
    FILE *file = fopen(path, "r");
    char line[200];
    size_t value = 0, length = strlen(word);
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, word, length) == 0) value = strtoull(line + length, NULL, 10);
    if (file) fclose(file);
    return value;
}

static size_t read_size(const char *folder, const char *name) { // 0 also for "max"
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return read_line(path, "");
}

// What a control group counts as used holds the files that were read lately, which the kernel gives back on demand: a
// data set that has just been looked at must not look like memory that is gone.
size_t room_of_group(const char *folder) {
    static const char *const names[][4] = {
        {"memory.max", "memory.current", "inactive_file ", "active_file "},
        {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ", "total_active_file "},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[300];
        size_t limit = read_size(folder, names[i][0]), used = read_size(folder, names[i][1]);
        if (!limit) continue;
        snprintf(path, sizeof path, "%s/memory.stat", folder);
        size_t files = read_line(path, names[i][2]) + read_line(path, names[i][3]);
        used = used > files ? used - files : 0;
        return limit > used ? limit - used : 1;
    }
    return 0;
}

size_t room_available(void) {
    static const char *const groups[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/memory"}; // versions 2 and 1
    size_t available = read_line("/proc/meminfo", "MemAvailable:") * 1024;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        size_t left = room_of_group(groups[i]);
        if (left && (!available || left < available)) available = left;
    }
    return available;
}

int room_check(const struct room_need *need, int ranks, size_t available, struct error *error) {
    const double gb = 1e9;
    double each =
        (double)need->model + (double)need->optimizer + (double)need->features + (double)need->caches;
    double total = each * ranks;
    if (!available || total <= (double)available) return 0;
    char times[40] = "", caches[60] = "";
    if (ranks > 1) snprintf(times, sizeof times, " for each of %d ranks", ranks);
    if (need->caches)
        snprintf(caches, sizeof caches, ", %.2f keys and values of rollouts", (double)need->caches / gb);
    return error_set(error, ERROR_MEMORY,
                     "this run needs %.2f GB%s (%.2f model, gradients and activations, %.2f optimiser, %.2f "
                     "features%s), but %.2f GB are free: smaller batch.micro_rows, data.max_length, "
                     "data.feature_cache_mb%s or lora.rank make it smaller",
                     each / gb, times, (double)need->model / gb, (double)need->optimizer / gb,
                     (double)need->features / gb, caches, (double)available / gb,
                     need->caches ? ", grpo.rollout_prompts, grpo.num_generations" : "");
}
