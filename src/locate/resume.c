#include "locate/resume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/signals.h"
#include "photo/source.h"

enum { TAIL_LOOK = 16 };

// ---- whose file -----------------------------------------------------------------------------------------

// {"photo": or a beginning of it. Blanks may be anywhere, as jq leaves them out.
static bool begins_record(const char *text, size_t length, bool whole) {
    static const char wanted[] = "{\"photo";
    size_t found = 0;
    for (size_t i = 0; i < length && wanted[found]; i++) {
        if (text[i] == ' ' && found <= 1) continue;
        if (text[i] != wanted[found]) return false;
        found++;
    }
    return !whole || !wanted[found];
}

static bool is_own(const char *start, size_t length) {
    return begins_record(start, length, true) && strstr(start, "\"outcome\":");
}

const struct output_kind resume_kind = {"the JSON lines of globe locate or globe eval", is_own};

// What is left of a line that was cut off: the beginning of a record, or, after a power failure, zeros.
static bool is_torn_record(const char *tail, size_t length) {
    size_t zeros = 0;
    while (zeros < length && !tail[zeros]) zeros++;
    if (zeros == length) return true;
    return zeros == 0 && begins_record(tail, length < TAIL_LOOK ? length : TAIL_LOOK, false);
}

// ---- reading --------------------------------------------------------------------------------------------

static int add_entry(struct resume *resume, const char *photo, const struct resume_entry *found,
                     struct error *error) {
    size_t at;
    if (name_map_find(&resume->by_photo, photo, &at)) {
        struct resume_entry *entry = &resume->entries[at];
        resume->repeats = true;
        if (found->failed && !entry->failed) return 0; // an answer is not lost to a later failure
        entry->offset = found->offset;
        entry->length = found->length;
        entry->line = found->line;
        entry->failed = found->failed;
        entry->modified = found->modified;
        entry->hint_known = found->hint_known;
        memcpy(entry->photo_sha256, found->photo_sha256, sizeof entry->photo_sha256);
        memcpy(entry->hint_sha256, found->hint_sha256, sizeof entry->hint_sha256);
        return 0;
    }
    if (resume->count == resume->capacity) {
        size_t capacity = resume->capacity ? 2 * resume->capacity : 64;
        struct resume_entry *grown = memory_grow(resume->entries, capacity, sizeof *grown, "records", error);
        if (!grown) return -1;
        resume->entries = grown;
        resume->capacity = capacity;
    }
    struct resume_entry *entry = &resume->entries[resume->count];
    *entry = *found;
    entry->photo = memory_copy_string(photo, strlen(photo), error);
    if (!entry->photo) return -1;
    return name_map_add(&resume->by_photo, entry->photo, resume->count++, error);
}

static int refuse_settings(const char *name, const char *different, struct error *error) {
    return error_set(
        error, ERROR_INPUT,
        "%s: was made with other settings (%.200s): use the same, a new file, or --force to mix them", name,
        different);
}

static int compare_settings(struct resume *resume, const struct record *record,
                            const struct resume_options *options, const char *name, struct error *error) {
    if (!options->provenance || options->mix) return 0;
    if (!record->provenance) {
        resume->unsigned_records++;
        return 0;
    }
    struct buffer different = {0};
    provenance_compare(options->provenance, record->provenance, &different);
    int result = 0;
    if (different.failed)
        result = error_set(error, ERROR_MEMORY, "%s: out of memory", name);
    else if (different.length)
        result = refuse_settings(name, different.data, error);
    buffer_free(&different);
    return result;
}

struct reading {
    struct resume *resume;
    const struct resume_options *options;
};

static int take_line(void *context, const char *line, size_t length, size_t offset, size_t number,
                     struct error *error) {
    const struct reading *reading = context;
    struct resume *resume = reading->resume;
    char name[sizeof error->message];
    snprintf(name, sizeof name, "%s: line %zu", resume->path, number);
    struct record record;
    if (record_read(&record, line, length, name, error)) return -1;
    int result = compare_settings(resume, &record, reading->options, name, error);
    struct resume_entry found = {
        .offset = offset,
        .length = length,
        .line = number,
        .failed = record.verdict.outcome == VERDICT_FAILED,
        .modified = json_integer_value(json_object_get(record.provenance, "photo_modified"))};
    snprintf(found.photo_sha256, sizeof found.photo_sha256, "%s",
             record.verdict.photo_sha256 ? record.verdict.photo_sha256 : "");
    const char *hint = record.verdict.hint_sha256;
    found.hint_known = json_object_get(record.provenance, "hint_sha256") != NULL;
    snprintf(found.hint_sha256, sizeof found.hint_sha256, "%s", hint ? hint : "");
    if (result == 0) result = add_entry(resume, record.verdict.photo, &found, error);
    record_free(&record);
    return result;
}

int resume_read(struct resume *resume, const char *path, const struct resume_options *options,
                struct error *error) {
    *resume = (struct resume){.path = memory_copy_string(path, strlen(path), error)};
    struct reading reading = {resume, options};
    if (!resume->path) return -1;
    if (journal_read(&resume->mark, path, take_line, &reading, is_torn_record,
                     "a record of globe locate --jsonl", error) == 0)
        return 0;
    resume_free(resume);
    return -1;
}

void resume_free(struct resume *resume) {
    for (size_t i = 0; i < resume->count; i++) free(resume->entries[i].photo);
    free(resume->entries);
    free(resume->path);
    name_map_free(&resume->by_photo);
    *resume = (struct resume){0};
}

// ---- the records ----------------------------------------------------------------------------------------

static int read_entry(const struct resume *resume, const struct resume_entry *entry, FILE *file,
                      struct record *record, struct error *error) {
    char *line = memory_new(entry->length + 1, 1, "record", error);
    int result = line ? 0 : -1;
    if (result == 0 && (fseeko(file, (off_t)entry->offset, SEEK_SET) ||
                        fread(line, 1, entry->length, file) != entry->length))
        result = error_set(error, ERROR_IO, "%s: cannot be read again", resume->path);
    if (result == 0) result = record_read(record, line, entry->length, resume->path, error);
    if (result == 0) record->line = entry->line;
    free(line);
    return result;
}

static int compare_offsets(const void *a, const void *b) {
    const struct resume_entry *one = *(struct resume_entry *const *)a,
                              *other = *(struct resume_entry *const *)b;
    return one->offset < other->offset ? -1 : one->offset > other->offset;
}

// Those to be handed over, in the order of the file. free() the list.
static struct resume_entry **choose(const struct resume *resume, const struct photo_list *list, size_t *count,
                                    struct error *error) {
    struct resume_entry **chosen = memory_new(resume->count + 1, sizeof *chosen, "records", error);
    bool *wanted = memory_new(resume->count + 1, sizeof *wanted, "records", error);
    *count = 0;
    for (size_t i = 0; wanted && list && i < list->count; i++) {
        size_t at;
        if (name_map_find(&resume->by_photo, list->paths[i], &at)) wanted[at] = true;
    }
    for (size_t i = 0; chosen && wanted && i < resume->count; i++)
        if (!resume->entries[i].failed && !resume->entries[i].changed && (!list || wanted[i]))
            chosen[(*count)++] = &resume->entries[i];
    bool failed = !wanted;
    free(wanted);
    if (chosen && !failed) {
        qsort(chosen, *count, sizeof(struct resume_entry *), compare_offsets);
        return chosen;
    }
    free(chosen);
    return NULL;
}

int resume_each(const struct resume *resume, const struct photo_list *list,
                int (*each)(void *context, const struct record *record, struct error *error), void *context,
                struct error *error) {
    if (resume->count == 0) return 0;
    size_t count;
    struct resume_entry **chosen = choose(resume, list, &count, error);
    FILE *file = chosen ? fopen(resume->path, "re") : NULL;
    int result = chosen ? 0 : -1;
    if (chosen && !file) result = error_set_errno(error, resume->path, "cannot open");
    for (size_t i = 0; result == 0 && i < count; i++) {
        struct record record;
        result = read_entry(resume, chosen[i], file, &record, error);
        if (result == 0) {
            result = each(context, &record, error);
            record_free(&record);
        }
    }
    if (file) fclose(file);
    free(chosen);
    return result;
}

// ---- what is done ---------------------------------------------------------------------------------------

static bool lacks_evidence(const struct record *record) {
    const struct verdict *verdict = &record->verdict;
    if (record->precision == PRECISION_COUNTRY) return false; // which names none
    if (!json_is_true(json_object_get(record->provenance, "explain"))) return true;
    if (json_is_string(json_object_get(record->json, "evidence_error"))) return true;
    if (verdict->evidence && !file_exists(verdict->evidence)) return true;
    for (size_t i = 0; i < verdict->clue_count; i++)
        if (verdict->clues[i].evidence && !file_exists(verdict->clues[i].evidence)) return true;
    return false;
}

struct lacking {
    const struct resume *resume;
    bool *entries;
};

static int note_lacking(void *context, const struct record *record, struct error *error) {
    struct lacking *lacking = context;
    size_t at;
    (void)error;
    if (lacks_evidence(record) && name_map_find(&lacking->resume->by_photo, record->verdict.photo, &at))
        lacking->entries[at] = true;
    return 0;
}

static char **identify_records(const struct resume *resume, struct name_map *files, struct error *error) {
    char **identities = memory_new(resume->count + 1, sizeof *identities, "records", error);
    int result = identities ? 0 : -1;
    for (size_t i = 0; result == 0 && i < resume->count; i++) {
        identities[i] = photo_source_identity(resume->entries[i].photo, error);
        result = identities[i] ? 0 : -1;
        if (result == 0 && !name_map_find(files, identities[i], NULL))
            result = name_map_add(files, identities[i], i, error);
    }
    if (result == 0) return identities;
    for (size_t i = 0; identities && i < resume->count; i++) free(identities[i]);
    free(identities);
    return NULL;
}

static int take_name(const struct resume *resume, const struct name_map *files, char **path,
                     struct error *error) {
    size_t at;
    if (name_map_find(&resume->by_photo, *path, NULL)) return 0;
    char *identity = photo_source_identity(*path, error);
    if (!identity) return -1;
    bool known = name_map_find(files, identity, &at);
    free(identity);
    if (!known) return 0;
    const char *photo = resume->entries[at].photo;
    char *name = memory_copy_string(photo, strlen(photo), error);
    if (!name) return -1;
    free(*path);
    *path = name;
    return 0;
}

int resume_take_names(const struct resume *resume, struct photo_list *list, struct error *error) {
    struct name_map files = {0};
    char **identities = identify_records(resume, &files, error);
    int result = identities ? 0 : -1;
    for (size_t i = 0; result == 0 && i < list->count; i++)
        result = take_name(resume, &files, &list->paths[i], error);
    for (size_t i = 0; identities && i < resume->count; i++) free(identities[i]);
    free(identities);
    name_map_free(&files);
    return result;
}

int resume_check_hints(const struct resume *resume, const struct photo_list *list, struct folder_hints *hints,
                       struct error *error) {
    size_t at;
    for (size_t i = 0; i < list->count; i++) {
        if (!name_map_find(&resume->by_photo, list->paths[i], &at)) continue;
        const struct resume_entry *entry = &resume->entries[at];
        if (entry->failed || !entry->hint_known) continue;
        const struct folder_hint *hint = folder_hints_find(hints, entry->photo, error);
        if (!hint) return -1;
        if (strcmp(hint->sha256, entry->hint_sha256) == 0) continue;
        char name[sizeof error->message], different[400];
        snprintf(name, sizeof name, "%s: line %zu", resume->path, entry->line);
        snprintf(different, sizeof different, "the hint of %.150s, %s", entry->photo,
                 !hint->sha256[0]         ? "now none"
                 : !entry->hint_sha256[0] ? "was none"
                                          : "now another one");
        return refuse_settings(name, different, error);
    }
    return 0;
}

int resume_drop_changed(struct resume *resume, const struct photo_list *list, size_t *changed,
                        struct error *error) {
    size_t at;
    *changed = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!name_map_find(&resume->by_photo, list->paths[i], &at)) continue;
        struct resume_entry *entry = &resume->entries[at];
        if (signals_check(error)) return -1;
        if (entry->failed || entry->changed) continue;
        entry->changed = provenance_photo_differs(entry->photo, entry->modified, entry->photo_sha256);
        *changed += entry->changed;
    }
    return 0;
}

int resume_drop(const struct resume *resume, struct photo_list *list, bool explain, size_t *dropped,
                struct error *error) {
    struct lacking lacking = {resume, memory_new(resume->count + 1, sizeof(bool), "records", error)};
    *dropped = 0;
    if (!lacking.entries) return -1;
    int result = explain ? resume_each(resume, list, note_lacking, &lacking, error) : 0;
    size_t kept = 0, at;
    for (size_t i = 0; result == 0 && i < list->count; i++) {
        bool done = name_map_find(&resume->by_photo, list->paths[i], &at) && !resume->entries[at].failed &&
                    !resume->entries[at].changed && !lacking.entries[at];
        if (done) {
            free(list->paths[i]);
            ++*dropped;
        } else {
            list->paths[kept++] = list->paths[i];
        }
    }
    if (result == 0) list->count = kept;
    free(lacking.entries);
    return result;
}

// ---- one record of each ---------------------------------------------------------------------------------

static int copy_entries(const struct resume *resume, struct resume_entry **entries, size_t count, FILE *from,
                        FILE *to, struct error *error) {
    char *line = NULL;
    size_t capacity = 0;
    int result = 0;
    for (size_t i = 0; result == 0 && i < count; i++) {
        if (fseeko(from, (off_t)entries[i]->offset, SEEK_SET) ||
            getline(&line, &capacity, from) != (ssize_t)entries[i]->length)
            result = error_set(error, ERROR_IO, "%s: cannot be read again", resume->path);
        else if (fwrite(line, 1, entries[i]->length, to) != entries[i]->length)
            result = error_set_errno(error, resume->path, "cannot write");
    }
    free(line);
    return result;
}

static int rewrite(const struct resume *resume, struct error *error) {
    struct resume_entry **entries = memory_new(resume->count, sizeof *entries, "records", error);
    struct file_writer writer;
    if (!entries) return -1;
    for (size_t i = 0; i < resume->count; i++) entries[i] = &resume->entries[i];
    qsort(entries, resume->count, sizeof(struct resume_entry *), compare_offsets);
    FILE *file = fopen(resume->path, "re");
    int result = file ? file_writer_open(&writer, resume->path, error)
                      : error_set_errno(error, resume->path, "cannot open");
    if (result == 0) {
        result = copy_entries(resume, entries, resume->count, file, writer.stream, error);
        if (result == 0)
            result = file_writer_commit(&writer, error);
        else
            file_writer_abandon(&writer);
    }
    if (file) fclose(file);
    free(entries);
    return result;
}

int resume_tidy(const char *path, struct error *error) {
    struct resume resume;
    if (resume_read(&resume, path, &(struct resume_options){0}, error)) return -1;
    int result = resume.repeats ? rewrite(&resume, error) : 0;
    resume_free(&resume);
    return result;
}
