#include "train/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/journal.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "train/events.h"

enum { MAX_FILE = 1 << 30, MAX_VALUES = 32 };

struct metrics {
    struct journal journal;
    struct events events;
};

static bool is_kept(const char *line, size_t length, uint64_t step) {
    json_t *object = json_loadb(line, length, 0, NULL);
    const json_t *number = json_object_get(object, "step");
    bool kept = json_is_integer(number) && json_integer_value(number) >= 0 &&
                (uint64_t)json_integer_value(number) <= step;
    json_decref(object);
    return kept;
}

static int drop_later_lines(const char *path, uint64_t step, struct error *error) {
    size_t length;
    if (!file_exists(path)) return 0;
    char *text = file_read(path, MAX_FILE, &length, error);
    if (!text) return -1;
    size_t kept = 0;
    for (char *line = text, *end; (end = memchr(line, '\n', (size_t)(text + length - line)));
         line = end + 1) {
        size_t size = (size_t)(end - line) + 1;
        if (!is_kept(line, size, step)) continue;
        memmove(text + kept, line, size);
        kept += size;
    }
    int result = kept == length ? 0 : file_write(path, text, kept, error);
    free(text);
    return result;
}

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

// Only whole lines are left.
static int pass_over(void *context, const char *line, size_t length, size_t offset, size_t number,
                     struct error *error) {
    (void)context, (void)line, (void)length, (void)offset, (void)number, (void)error;
    return 0;
}

static bool is_torn(const char *tail, size_t length) {
    (void)tail, (void)length;
    return true;
}

struct metrics *metrics_open(const char *folder, uint64_t step, bool tensorboard, struct error *error) {
    struct metrics *metrics = memory_new(1, sizeof *metrics, "metrics", error);
    if (!metrics) return NULL;
    char *path = file_join(folder, "metrics.jsonl", error);
    struct journal_mark mark;
    int result = path ? drop_later_lines(path, step, error) : -1;
    if (result == 0) result = journal_read(&mark, path, pass_over, NULL, is_torn, "a line of metrics", error);
    if (result == 0) result = journal_open(&metrics->journal, path, &mark, error);
    free(path);
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
    char tags[MAX_VALUES][64];
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
    int result = line.failed ? error_set(error, ERROR_MEMORY, "%s: out of memory", metrics->journal.path)
                             : journal_add(&metrics->journal, line.data, line.length, error);
    buffer_free(&line);
    return result ? result : events_add(&metrics->events, step, scalars, count, error);
}

void metrics_close(struct metrics *metrics) {
    struct error error = {0};
    if (!metrics) return;
    if (journal_close(&metrics->journal, &error)) log_error("%s", error.message);
    events_close(&metrics->events);
    free(metrics);
}
