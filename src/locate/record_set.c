#include "locate/record_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/name_map.h"
#include "base/signals.h"

enum { MOST_NOTICES = 8, NAME_SIZE = 320 };

struct source {
    const char *name; // for messages
    FILE *file;
};

// Where the last record of a photo stands.
struct entry {
    char *photo;
    size_t source, line;
    long at;
};

struct record_set {
    struct source *sources;
    size_t source_count;
    struct entry *entries;
    struct name_map by_photo;
    struct record_set_counts counts;
    struct record_set_events events;
    char noticed[MOST_NOTICES][64]; // keys and versions that were told already
    size_t notices;
};

// ---- lines ----------------------------------------------------------------------------------------------

// The next line without its end; 0, or 1 at the end of the file, or -1. One that is longer than any record is
// cut, so that a file without lines does not fill the memory.
static int read_line(const struct source *source, struct buffer *line, struct error *error) {
    char block[4096];
    size_t used = 0;
    int c;
    buffer_clear(line);
    while ((c = getc_unlocked(source->file)) != EOF && c != '\n') {
        block[used++] = (char)c;
        if (used < sizeof block) continue;
        if (line->length <= RECORD_LIMIT) buffer_add(line, block, used);
        used = 0;
    }
    if (line->length <= RECORD_LIMIT) buffer_add(line, block, used);
    if (line->failed) return error_set(error, ERROR_MEMORY, "%s: not enough memory", source->name);
    if (ferror(source->file)) return error_set_errno(error, source->name, "cannot read");
    return c == EOF && line->length == 0 ? 1 : 0;
}

static bool is_blank(const struct buffer *line) {
    for (size_t i = 0; i < line->length; i++)
        if (!strchr(" \t\r", line->data[i])) return false;
    return true;
}

// ---- what people should know ----------------------------------------------------------------------------

static bool is_new(struct record_set *set, const char *what) {
    for (size_t i = 0; i < set->notices; i++)
        if (strncmp(set->noticed[i], what, sizeof set->noticed[i] - 1) == 0) return false;
    if (set->notices == MOST_NOTICES) return false;
    snprintf(set->noticed[set->notices++], sizeof set->noticed[0], "%s", what);
    return true;
}

// "0.10.2" after "0.9".
static bool is_newer(const char *version) {
    int theirs[3] = {0}, ours[3] = {0};
    // NOLINTBEGIN(cert-err34-c): a number too large to read makes a version that is only told of
    if (sscanf(version, "%d.%d.%d", &theirs[0], &theirs[1], &theirs[2]) < 2) return false;
    if (sscanf(GLOBE_VERSION, "%d.%d.%d", &ours[0], &ours[1], &ours[2]) < 2) return false;
    // NOLINTEND(cert-err34-c)
    for (int i = 0; i < 3; i++)
        if (theirs[i] != ours[i]) return theirs[i] > ours[i];
    return false;
}

static void tell(struct record_set *set, const struct record *record, const char *name) {
    char message[640];
    if (!set->events.on_notice) return;
    if (record->unknown && is_new(set, record->unknown)) {
        snprintf(message, sizeof message,
                 "%s: this version does not know \"%.60s\": it is in the JSON output and nowhere else", name,
                 record->unknown);
        set->events.on_notice(set->events.context, message);
    }
    if (is_newer(record->version) && is_new(set, record->version)) {
        snprintf(message, sizeof message, "%s: written by globe %.40s, which is newer than this one (%s)",
                 name, record->version, GLOBE_VERSION);
        set->events.on_notice(set->events.context, message);
    }
}

static void report_broken(struct record_set *set, const struct buffer *line, const char *name,
                          const struct error *error) {
    char message[sizeof error->message + 80];
    set->counts.broken++;
    if (!set->events.on_broken) return;
    bool array = line->length && line->data[0] == '[' && set->counts.lines == 1;
    snprintf(message, sizeof message, "%s%s", array ? name : error->message,
             array ? ": a JSON array; a report is made of the lines that --jsonl writes" : "");
    set->events.on_broken(set->events.context, message);
}

// ---- the index ------------------------------------------------------------------------------------------

static int index_record(struct record_set *set, const struct record *record, const struct entry *where,
                        struct error *error) {
    size_t found;
    if (name_map_find(&set->by_photo, record->verdict.photo, &found)) {
        char *photo = set->entries[found].photo;
        set->entries[found] = *where;
        set->entries[found].photo = photo;
        set->counts.repeats++;
        return 0;
    }
    size_t count = set->counts.records;
    if ((count & (count - 1)) == 0 || !set->entries) { // a power of two: full
        struct entry *grown =
            memory_grow(set->entries, count ? 2 * count : 1, sizeof *grown, "list of records", error);
        if (!grown) return -1;
        set->entries = grown;
    }
    struct entry *entry = &set->entries[count];
    *entry = *where;
    entry->photo = memory_copy_string(record->verdict.photo, strlen(record->verdict.photo), error);
    if (!entry->photo) return -1;
    set->counts.records++;
    return name_map_add(&set->by_photo, entry->photo, count, error);
}

static void name_line(char name[NAME_SIZE], const struct source *source, size_t line) {
    snprintf(name, NAME_SIZE, "%.280s: line %zu", source->name, line);
}

static int index_line(struct record_set *set, const struct buffer *line, const struct entry *where,
                      struct error *error) {
    char name[NAME_SIZE];
    struct record record;
    struct error why = {0};
    if (is_blank(line)) return 0;
    name_line(name, &set->sources[where->source], where->line);
    set->counts.lines++;
    if (record_read(&record, line->data, line->length, name, &why)) {
        if (why.code == ERROR_MEMORY) return error_set(error, why.code, "%s", why.message);
        report_broken(set, line, name, &why);
        return 0;
    }
    tell(set, &record, name);
    int result = index_record(set, &record, where, error);
    record_free(&record);
    return result;
}

static int index_source(struct record_set *set, size_t number, struct error *error) {
    const struct source *source = &set->sources[number];
    struct buffer line = {0};
    struct entry where = {.source = number};
    int result;
    do {
        where.at = ftell(source->file);
        where.line++;
        result = where.at < 0 ? error_set_errno(error, source->name, "cannot read")
                              : read_line(source, &line, error);
        if (result == 0) result = index_line(set, &line, &where, error);
        if (result == 0) result = signals_check(error);
    } while (result == 0);
    buffer_free(&line);
    return result < 0 ? -1 : 0;
}

// Pipes can be read once only.
static FILE *keep_stream(FILE *stream, const char *name, struct error *error) {
    FILE *kept = tmpfile();
    char block[1 << 16];
    size_t length;
    bool failed = !kept;
    while (!failed && (length = fread(block, 1, sizeof block, stream)) > 0)
        failed = fwrite(block, 1, length, kept) != length;
    if (!failed && !ferror(stream) && fflush(kept) == 0 && fseek(kept, 0, SEEK_SET) == 0) return kept;
    error_set_errno(error, name, "cannot keep a copy");
    if (kept) fclose(kept);
    return NULL;
}

static int open_source(struct source *source, const char *path, struct error *error) {
    bool input = strcmp(path, "-") == 0;
    source->name = input ? "standard input" : path;
    FILE *file = input ? stdin : fopen(path, "r");
    if (!file) return error_set_errno(error, path, "cannot open");
    source->file = file;
    errno = 0;
    if (!input && fseek(file, 0, SEEK_END) == 0 && fseek(file, 0, SEEK_SET) == 0) return 0;
    source->file = keep_stream(file, source->name, error);
    if (!input) fclose(file);
    return source->file ? 0 : -1;
}

struct record_set *record_set_open(const char *const *paths, size_t count,
                                   const struct record_set_events *events, struct error *error) {
    struct record_set *set = memory_new(1, sizeof *set, "list of records", error);
    if (!set) return NULL;
    if (events) set->events = *events;
    set->sources = memory_new(count, sizeof *set->sources, "list of records", error);
    int result = set->sources ? 0 : -1;
    for (size_t i = 0; result == 0 && i < count; i++) {
        set->source_count = i + 1;
        result = open_source(&set->sources[i], paths[i], error);
    }
    for (size_t i = 0; result == 0 && i < count; i++) result = index_source(set, i, error);
    if (result == 0) return set;
    record_set_free(set);
    return NULL;
}

struct record_set_counts record_set_count(const struct record_set *set) {
    return set->counts;
}

int record_set_each(struct record_set *set,
                    int (*on_record)(void *context, const struct record *record, struct error *error),
                    void *context, struct error *error) {
    struct buffer line = {0};
    int result = 0;
    for (size_t i = 0; result == 0 && i < set->counts.records; i++) {
        const struct entry *entry = &set->entries[i];
        const struct source *source = &set->sources[entry->source];
        char name[NAME_SIZE];
        struct record record = {0};
        name_line(name, source, entry->line);
        clearerr(source->file);
        if (fseek(source->file, entry->at, SEEK_SET))
            result = error_set_errno(error, source->name, "cannot read");
        if (result == 0 && read_line(source, &line, error)) result = -1;
        if (result == 0 && (!line.data || record_read(&record, line.data, line.length, name, error) ||
                            strcmp(record.verdict.photo, entry->photo) != 0))
            result = error_set(error, ERROR_INPUT, "%s: the file has changed meanwhile", name);
        if (result == 0) result = on_record(context, &record, error);
        if (result == 0) result = signals_check(error);
        record_free(&record);
    }
    buffer_free(&line);
    return result;
}

void record_set_free(struct record_set *set) {
    if (!set) return;
    for (size_t i = 0; set->sources && i < set->source_count; i++)
        if (set->sources[i].file && set->sources[i].file != stdin) fclose(set->sources[i].file);
    for (size_t i = 0; set->entries && i < set->counts.records; i++) free(set->entries[i].photo);
    free(set->sources);
    free(set->entries);
    name_map_free(&set->by_photo);
    free(set);
}
