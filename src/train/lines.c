#include "train/lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/journal.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"

enum { MAX_FILE = 1 << 30 };

struct lines {
    struct journal journal;
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

struct lines *lines_open(const char *folder, const char *name, uint64_t step, struct error *error) {
    struct lines *lines = memory_new(1, sizeof *lines, "lines", error);
    if (!lines) return NULL;
    char *path = file_join(folder, name, error);
    struct journal_mark mark;
    int result = path ? drop_later_lines(path, step, error) : -1;
    if (result == 0) result = journal_read(&mark, path, pass_over, NULL, is_torn, "a line of a run", error);
    if (result == 0) result = journal_open(&lines->journal, path, &mark, error);
    free(path);
    if (result == 0) return lines;
    lines_close(lines);
    return NULL;
}

int lines_add(struct lines *lines, const char *line, size_t length, struct error *error) {
    return journal_add(&lines->journal, line, length, error);
}

void lines_close(struct lines *lines) {
    struct error error = {0};
    if (!lines) return;
    if (journal_close(&lines->journal, &error)) log_error("%s", error.message);
    free(lines);
}
