#include "train/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "train/events.h"
#include "train/lines.h"

enum { MAX_VALUES = 160 };

struct metrics {
    struct lines *lines;
    struct events events;
};

static int open_events(struct metrics *metrics, const char *folder, uint64_t step, struct error *error) {
    char *path = file_join(folder, "tensorboard", error);
    int result = -1;
    if (path && mkdir(path, 0777) && errno != EEXIST)
        error_set_errno(error, path, "cannot make the folder");
    else if (path)
        result = events_open(&metrics->events, path, step, error);
    free(path);
    return result;
}

struct metrics *metrics_open(const char *folder, uint64_t step, bool tensorboard, struct error *error) {
    struct metrics *metrics = memory_new(1, sizeof *metrics, "metrics", error);
    if (!metrics) return NULL;
    metrics->lines = lines_open(folder, "metrics.jsonl", step, error);
    int result = metrics->lines ? 0 : -1;
    if (result == 0 && tensorboard) result = open_events(metrics, folder, step, error);
    if (result == 0) return metrics;
    metrics_close(metrics);
    return NULL;
}

static const char *tag_of(const char *name, char *tag, size_t size) {
    bool eval = strncmp(name, "eval_", 5) == 0;
    snprintf(tag, size, "%s/%s", eval ? "eval" : "train", eval ? name + 5 : name);
    return tag;
}

int metrics_add(struct metrics *metrics, uint64_t step, const struct metric *values, size_t count,
                struct error *error) {
    if (count > MAX_VALUES) return error_set(error, ERROR_INTERNAL, "%zu metrics in one line", count);
    struct event_scalar scalars[MAX_VALUES];
    char tags[MAX_VALUES][128];
    struct buffer line = {0};
    buffer_format(&line, "{\"step\":%llu", (unsigned long long)step);
    for (size_t i = 0; i < count; i++) {
        buffer_format(&line, ",\"%s\":", values[i].name);
        if (isfinite(values[i].value))
            buffer_format(&line, "%.9g", values[i].value);
        else
            buffer_add_text(&line, "null");
        scalars[i] =
            (struct event_scalar){tag_of(values[i].name, tags[i], sizeof tags[i]), (float)values[i].value};
    }
    buffer_add_text(&line, "}");
    int result = line.failed ? error_set(error, ERROR_MEMORY, "metrics: out of memory")
                             : lines_add(metrics->lines, line.data, line.length, error);
    buffer_free(&line);
    return result ? result : events_add(&metrics->events, step, scalars, count, error);
}

void metrics_close(struct metrics *metrics) {
    if (!metrics) return;
    lines_close(metrics->lines);
    events_close(&metrics->events);
    free(metrics);
}
