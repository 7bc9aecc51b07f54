#include "postcards/rows_journal_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/output.h"

static const char *const names[ROWS_FILES] = {"naming.jsonl", "postcards.jsonl"};

int rows_journal_name(struct rows_journal *rows, const char *folder, struct error *error) {
    for (int f = 0; f < ROWS_FILES; f++) {
        char hidden[64];
        snprintf(hidden, sizeof hidden, ".%s.part", names[f]);
        rows->paths[f] = file_join(folder, names[f], error);
        rows->growing[f] = rows->paths[f] ? file_join(folder, hidden, error) : NULL;
        if (!rows->growing[f]) return -1;
        output_remove_left_over(rows->paths[f]); // of versions that wrote them whole
    }
    return 0;
}

// ---- what an earlier run left ---------------------------------------------------------------------------

// Where the lines of a file end, up to `most` of them.
struct ends {
    size_t *list, count, capacity;
    uint64_t most;
};

static int note_end(void *context, const char *line, size_t length, size_t offset, size_t number,
                    struct error *error) {
    struct ends *ends = context;
    (void)line, (void)number;
    if (ends->count >= ends->most) return 0;
    if (ends->count == ends->capacity) {
        size_t capacity = ends->capacity ? 2 * ends->capacity : 1024;
        size_t *grown = memory_grow(ends->list, capacity, sizeof *grown, "rows", error);
        if (!grown) return -1;
        ends->list = grown;
        ends->capacity = capacity;
    }
    ends->list[ends->count++] = offset + length;
    return 0;
}

static bool is_torn(const char *tail, size_t length) { // the files are ours alone
    (void)tail, (void)length;
    return true;
}

static int count_rows(struct rows_journal *rows, uint64_t most, bool (*is_there)(void *context, uint64_t row),
                      void *context, uint64_t *kept, struct error *error) {
    struct ends ends[ROWS_FILES] = {{.most = most}, {.most = most}};
    int result = 0;
    for (int f = 0; f < ROWS_FILES && !result; f++)
        result = journal_read(&rows->marks[f], rows->growing[f], note_end, &ends[f], is_torn, "rows", error);
    size_t count = ends[0].count < ends[1].count ? ends[0].count : ends[1].count, good = 0;
    while (!result && good < count && is_there(context, good)) good++;
    for (int f = 0; f < ROWS_FILES; f++) {
        rows->marks[f].keep = good ? ends[f].list[good - 1] : 0;
        free(ends[f].list);
    }
    *kept = good;
    return result;
}

int rows_journal_open(struct rows_journal *rows, bool resume, uint64_t most,
                      bool (*is_there)(void *context, uint64_t row), void *context, uint64_t *kept,
                      struct error *error) {
    *kept = 0;
    if (resume && count_rows(rows, most, is_there, context, kept, error)) return -1;
    rows->open = true;
    for (int f = 0; f < ROWS_FILES; f++)
        if (journal_open(&rows->journals[f], rows->growing[f], resume ? &rows->marks[f] : NULL, error))
            return -1;
    return 0;
}

// ---- writing --------------------------------------------------------------------------------------------

int rows_journal_add(struct rows_journal *rows, const struct buffer texts[ROWS_FILES], struct error *error) {
    for (int f = 0; f < ROWS_FILES; f++)
        if (journal_add(&rows->journals[f], texts[f].data, texts[f].length, error)) return -1;
    return 0;
}

int rows_journal_close(struct rows_journal *rows, bool whole, struct error *error) {
    int result = 0;
    rows->open = false;
    for (int f = 0; f < ROWS_FILES; f++)
        if (journal_close(&rows->journals[f], result ? NULL : error)) result = -1;
    for (int f = 0; f < ROWS_FILES && whole && !result; f++)
        if (rename(rows->growing[f], rows->paths[f]))
            result = error_set_errno(error, rows->paths[f], "cannot be written");
    return result;
}

void rows_journal_free(struct rows_journal *rows) {
    struct error ignored;
    if (rows->open) rows_journal_close(rows, false, &ignored);
    for (int f = 0; f < ROWS_FILES; f++) {
        free(rows->paths[f]);
        free(rows->growing[f]);
    }
    *rows = (struct rows_journal){0};
}
