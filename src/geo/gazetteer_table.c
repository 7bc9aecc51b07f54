// Reading tables of tab-separated columns, one row a line.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <utf8proc.h>

#include "geo/gazetteer_draft.h"

int table_open(struct table_reader *table, const char *path, struct error *error) {
    *table = (struct table_reader){.path = path};
    table->stream = fopen(path, "rbe");
    return table->stream ? 0 : error_set_errno(error, path, "cannot open");
}

void table_close(struct table_reader *table) {
    if (table->stream) fclose(table->stream);
    free(table->line);
    *table = (struct table_reader){0};
}

int table_error(const struct table_reader *table, struct error *error, const char *what, const char *value) {
    return error_set(error, ERROR_INPUT, "%s:%zu: %s \"%.60s\"", table->path, table->number, what, value);
}

static int check_text(const struct table_reader *table, size_t length, struct error *error) {
    if (strlen(table->line) != length) return table_error(table, error, "NUL byte after", table->line);
    const uint8_t *at = (const uint8_t *)table->line, *end = at + length;
    while (at < end) {
        int32_t c;
        utf8proc_ssize_t step = utf8proc_iterate(at, end - at, &c);
        if (step <= 0) return table_error(table, error, "invalid UTF-8 in", table->line);
        at += step;
    }
    return 0;
}

int table_next(struct table_reader *table, struct error *error) {
    for (;;) {
        errno = 0;
        ssize_t length = getline(&table->line, &table->capacity, table->stream);
        if (length < 0) {
            if (errno) return error_set_errno(error, table->path, "cannot read");
            return 0;
        }
        table->number++;
        while (length > 0 && (table->line[length - 1] == '\n' || table->line[length - 1] == '\r')) length--;
        table->line[length] = 0;
        if (length == 0 || table->line[0] == '#') continue;
        if (check_text(table, (size_t)length, error)) return -1;
        break;
    }
    table->count = 0;
    const int most = (int)(sizeof table->columns / sizeof *table->columns);
    for (char *at = table->line; at && table->count < most;) {
        table->columns[table->count++] = at;
        at = strchr(at, '\t');
        if (at) *at++ = 0;
    }
    return 1;
}

int table_integer(const struct table_reader *table, int column, int64_t *value, struct error *error) {
    const char *text = table->columns[column];
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || errno || number < 0)
        return table_error(table, error, "expected a whole number >= 0, found", text);
    *value = number;
    return 0;
}

int table_degrees(const struct table_reader *table, int column, double limit, double *value,
                  struct error *error) {
    const char *text = table->columns[column];
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end || !isfinite(*value) || fabs(*value) > limit)
        return table_error(table, error, "expected degrees, found", text);
    return 0;
}
