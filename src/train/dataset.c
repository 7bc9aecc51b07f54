#include "train/dataset.h"

#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "photo/decode.h"
#include "rows/row.h"
#include "rows/shard.h"

enum { PROBLEMS_SHOWN = 5, MOST_UNKNOWN = 32 };

struct source {
    char *path, *folder;
    bool is_shard;
    struct file_map map;
};

struct row {
    size_t source;
    size_t offset, length;       // of a JSONL line
    size_t line;                 // from 1
    struct shard_sample *sample; // of a shard
    struct sample_size size;
    uint64_t content; // of the row's text
    char *problem;
};

// A key that nothing is known of, in how many rows, and the first of them.
struct unknown_key {
    char key[ROW_NOTE_SIZE];
    size_t rows, first;
};

struct dataset {
    const struct model *model;
    struct dataset_options options;
    struct source *sources;
    size_t source_count;
    struct row *rows;
    size_t count, capacity;
    struct dataset_report report;
    struct unknown_key unknown[MOST_UNKNOWN];
    size_t unknown_count;
};

// ---- rows -----------------------------------------------------------------------------------------------

static int add_row(struct dataset *dataset, struct row row, struct error *error) {
    if (dataset->count == dataset->capacity) {
        size_t capacity = dataset->capacity ? dataset->capacity * 2 : 256;
        struct row *rows = memory_grow(dataset->rows, capacity, sizeof *rows, "data set", error);
        if (!rows) return -1;
        dataset->rows = rows;
        dataset->capacity = capacity;
    }
    dataset->rows[dataset->count++] = row;
    return 0;
}

static void free_row(struct row *row) {
    if (row->sample) free(row->sample->key);
    free(row->sample);
    free(row->problem);
}

static int find_lines(struct dataset *dataset, size_t source, struct error *error) {
    const struct file_map *map = &dataset->sources[source].map;
    const char *text = map->data, *end = text + map->size;
    if (map->size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3;
    for (size_t line = 1; text < end; line++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        if (!stop) stop = end;
        size_t length = (size_t)(stop - text), blank = 0;
        while (blank < length && strchr(" \t\r", text[blank]) && text[blank]) blank++;
        struct row row = {.source = source,
                          .offset = (size_t)(text - (const char *)map->data),
                          .length = length,
                          .line = line};
        if (blank < length && add_row(dataset, row, error)) return -1;
        text = stop + 1;
    }
    return 0;
}

struct finder {
    struct dataset *dataset;
    size_t source;
};

static int take_sample(void *context, const struct shard_sample *sample, struct error *error) {
    struct finder *finder = context;
    struct row row = {.source = finder->source, .sample = memory_new(1, sizeof *sample, "data set", error)};
    if (!row.sample) return -1;
    *row.sample = *sample;
    row.sample->key = memory_copy_string(sample->key, strlen(sample->key), error);
    if (row.sample->key && add_row(finder->dataset, row, error) == 0) return 0;
    free_row(&row);
    return -1;
}

static int find_rows(struct dataset *dataset, size_t source, struct error *error) {
    struct source *from = &dataset->sources[source];
    struct finder finder = {dataset, source};
    if (file_map_open(&from->map, from->path, error)) return -1;
    return from->is_shard ? shard_visit(&from->map, from->path, take_sample, &finder, error)
                          : find_lines(dataset, source, error);
}

// ---- one row --------------------------------------------------------------------------------------------

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t length) { // FNV-1a
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

static int parse_sample(const struct source *source, const struct shard_sample *sample, struct chat *chat,
                        struct row_notes *notes, struct error *error) {
    if (sample->text.header == SIZE_MAX) return error_set(error, ERROR_INPUT, "no .json and no .txt");
    if (sample->text.size > ROW_MAX_SIZE)
        return error_set(error, ERROR_LIMIT, "%zu bytes, more than the %d of a row", sample->text.size,
                         (int)ROW_MAX_SIZE);
    char *text = shard_read(&source->map, source->path, &sample->text, error);
    if (!text) return -1;
    int images = (int)sample->image_count;
    int result = sample->is_json ? row_parse(chat, text, sample->text.size, images, notes, error)
                                 : row_from_text(chat, text, images, error);
    free(text);
    return result;
}

static int parse_row(const struct dataset *dataset, const struct row *row, struct chat *chat,
                     struct row_notes *notes, struct error *error) {
    const struct source *source = &dataset->sources[row->source];
    if (row->sample) return parse_sample(source, row->sample, chat, notes, error);
    return row_parse(chat, (const char *)source->map.data + row->offset, row->length, ROW_OWN_IMAGES, notes,
                     error);
}

// A picture's bytes: mapped from its own file, or copied out of the shard.
struct picture {
    struct file_map map;
    char *copy;
    const void *data;
    size_t length;
};

static int open_picture(struct picture *picture, const struct dataset *dataset, const struct row *row,
                        const char *name, struct error *error) {
    const struct source *source = &dataset->sources[row->source];
    *picture = (struct picture){0};
    if (row->sample) {
        const struct shard_member *member = &row->sample->images[strtoul(name, NULL, 10)];
        picture->data = picture->copy = shard_read(&source->map, source->path, member, error);
        picture->length = member->size;
        return picture->copy ? 0 : -1;
    }
    char *path = file_join(source->folder, name, error);
    int result = path ? file_map_open(&picture->map, path, error) : -1;
    free(path);
    picture->data = picture->map.data;
    picture->length = picture->map.size;
    return result;
}

static void close_picture(struct picture *picture) {
    file_map_close(&picture->map);
    free(picture->copy);
}

// Calls `use` for every picture of the chat in order.
static int visit_pictures(const struct dataset *dataset, const struct row *row, const struct chat *chat,
                          int (*use)(void *context, const struct picture *picture, const char *name,
                                     struct error *error),
                          void *context, struct error *error) {
    for (size_t i = 0; i < chat->count; i++)
        for (size_t j = 0; j < chat->messages[i].part_count; j++) {
            const struct chat_part *part = &chat->messages[i].parts[j];
            struct picture picture;
            if (part->kind != CHAT_IMAGE) continue;
            if (open_picture(&picture, dataset, row, part->text, error)) return -1;
            int result = use(context, &picture, part->text, error);
            close_picture(&picture);
            if (result) return -1;
        }
    return 0;
}

struct sizes {
    size_t widths[CHAT_MAX_IMAGES], heights[CHAT_MAX_IMAGES], count;
};

static int measure_picture(void *context, const struct picture *picture, const char *name,
                           struct error *error) {
    struct sizes *sizes = context;
    struct photo_facts facts;
    if (photo_measure_buffer(picture->data, picture->length, name, &facts, error)) return -1;
    sizes->widths[sizes->count] = facts.stored_width / facts.shrink;
    sizes->heights[sizes->count++] = facts.stored_height / facts.shrink;
    return 0;
}

// What the row says; whose bytes its pictures have is not looked at.
static uint64_t hash_row(const struct dataset *dataset, const struct row *row) {
    const struct source *source = &dataset->sources[row->source];
    const uint64_t start = UINT64_C(0xcbf29ce484222325);
    if (!row->sample) return hash_bytes(start, (const char *)source->map.data + row->offset, row->length);
    struct error ignored;
    char *text = shard_read(&source->map, source->path, &row->sample->text, &ignored);
    uint64_t hash = text ? hash_bytes(start, text, row->sample->text.size) : start;
    free(text);
    return hash_bytes(hash, row->sample->key, strlen(row->sample->key));
}

static int measure_row(const struct dataset *dataset, struct row *row, struct row_notes *notes,
                       struct error *error) {
    struct chat chat;
    struct sizes sizes = {.count = 0};
    if (parse_row(dataset, row, &chat, notes, error)) return -1;
    int result = visit_pictures(dataset, row, &chat, measure_picture, &sizes, error);
    if (result == 0)
        result = sample_measure(&row->size, dataset->model, &chat, sizes.widths, sizes.heights, sizes.count,
                                error);
    chat_free(&chat);
    row->content = hash_row(dataset, row);
    if (result == 0 && row->size.before_learnt + 1 > dataset->options.max_length &&
        dataset->options.too_long == RECIPE_TOO_LONG_TRUNCATE)
        return error_set(error, ERROR_LIMIT,
                         "%zu tokens stand before what is to be learnt, data.max_length is %zu",
                         row->size.before_learnt, dataset->options.max_length);
    return result;
}

// ---- all rows -------------------------------------------------------------------------------------------

static void keep_notes(struct dataset *dataset, const struct row_notes *notes, size_t row) {
    for (size_t n = 0; n < notes->count; n++) {
        size_t k = 0;
        while (k < dataset->unknown_count && strcmp(dataset->unknown[k].key, notes->keys[n]) != 0) k++;
        if (k == MOST_UNKNOWN) continue;
        struct unknown_key *unknown = &dataset->unknown[k];
        if (k == dataset->unknown_count) {
            dataset->unknown_count++;
            *unknown = (struct unknown_key){.first = row};
            memcpy(unknown->key, notes->keys[n], sizeof unknown->key);
        }
        unknown->rows++;
        if (row < unknown->first) unknown->first = row;
    }
}

static int by_first_row(const void *a, const void *b) {
    const struct unknown_key *left = a, *right = b;
    if (left->first != right->first) return left->first < right->first ? -1 : 1;
    return strcmp(left->key, right->key);
}

static void report_notes(struct dataset *dataset) {
    qsort(dataset->unknown, dataset->unknown_count, sizeof *dataset->unknown, by_first_row);
    for (size_t k = 0; k < dataset->unknown_count; k++) {
        const struct unknown_key *unknown = &dataset->unknown[k];
        char place[256];
        dataset_describe(dataset, unknown->first, place, sizeof place);
        log_warning("%s: the key \"%s\" is not known and changes nothing (%zu row%s)", place, unknown->key,
                    unknown->rows, unknown->rows == 1 ? " has it" : "s have it");
    }
}

// A named critical section would be a global name in libglobe.a.
static pthread_mutex_t notes_lock = PTHREAD_MUTEX_INITIALIZER;

// Only what is wrong with the row itself makes it a bad one. That memory or the disk failed says nothing of it: a run
// that left it out would silently train on other rows than the one beside it.
static bool is_of_the_row(const struct error *error) {
    return error->code == ERROR_INPUT || error->code == ERROR_LIMIT;
}

static int measure_rows(struct dataset *dataset, struct error *error) {
    struct error failure = {0};
    struct progress *progress = progress_start("reading the data set", "rows", dataset->count);
#pragma omp parallel for num_threads(model_facts(dataset->model)->threads) schedule(dynamic, 16)
    for (size_t i = 0; i < dataset->count; i++) {
        struct row *row = &dataset->rows[i];
        struct error own = {0};
        struct row_notes notes = {.count = 0};
        bool failed = measure_row(dataset, row, &notes, &own) != 0, fatal = failed && !is_of_the_row(&own);
        if (failed && !fatal) {
            row->problem = memory_copy_string(own.message, strlen(own.message), &own);
            fatal = !row->problem;
        }
        if (notes.count || fatal) {
            pthread_mutex_lock(&notes_lock);
            keep_notes(dataset, &notes, i);
            if (fatal) failure = own;
            pthread_mutex_unlock(&notes_lock);
        }
        progress_add(progress, 1);
    }
    progress_finish(progress);
    report_notes(dataset);
    if (!failure.code) return 0;
    if (error) *error = failure;
    return -1;
}

static bool is_too_long(const struct dataset *dataset, const struct row *row) {
    return row->size.prompt + row->size.completion > dataset->options.max_length;
}

static int stop_at(const struct dataset *dataset, size_t i, const char *why, struct error *error) {
    char place[256];
    dataset_describe(dataset, i, place, sizeof place);
    return error_set(error, ERROR_INPUT, "%s: %s", place, why);
}

// Whether the row stays. Says on stderr why not, for the first few.
static int judge_row(struct dataset *dataset, size_t i, bool *keep, struct error *error) {
    const struct row *row = &dataset->rows[i];
    struct dataset_report *report = &dataset->report;
    char text[200];
    *keep = false;
    if (row->problem) {
        if (dataset->options.bad_rows == RECIPE_BAD_ROWS_STOP)
            return stop_at(dataset, i, row->problem, error);
        dataset_describe(dataset, i, text, sizeof text);
        if (report->bad++ < PROBLEMS_SHOWN) log_warning("%s: %s", text, row->problem);
    } else if (is_too_long(dataset, row) && dataset->options.too_long != RECIPE_TOO_LONG_TRUNCATE) {
        snprintf(text, sizeof text, "%zu tokens, data.max_length is %zu",
                 row->size.prompt + row->size.completion, dataset->options.max_length);
        if (dataset->options.too_long == RECIPE_TOO_LONG_ERROR) return stop_at(dataset, i, text, error);
        report->deleted++;
    } else {
        report->truncated += is_too_long(dataset, row);
        *keep = true;
    }
    return 0;
}

static int judge_rows(struct dataset *dataset, struct error *error) {
    struct dataset_report *report = &dataset->report;
    report->rows = dataset->count;
    size_t kept = 0;
    int result = 0;
    for (size_t i = 0; i < dataset->count; i++) {
        bool keep = false;
        if (result == 0) result = judge_row(dataset, i, &keep, error);
        if (keep)
            dataset->rows[kept++] = dataset->rows[i];
        else
            free_row(&dataset->rows[i]);
    }
    dataset->count = report->kept = kept;
    return result;
}

static int report_rows(const struct dataset *dataset, const char *first_path, struct error *error) {
    const struct dataset_report *report = &dataset->report;
    if (report->bad)
        log_warning("%zu of %zu rows cannot be used and are left out", report->bad, report->rows);
    if (report->deleted)
        log_warning("%zu of %zu rows are longer than data.max_length (%zu tokens) and are left out",
                    report->deleted, report->rows, dataset->options.max_length);
    if (report->truncated)
        log_warning("%zu of %zu rows are cut to data.max_length (%zu tokens)", report->truncated,
                    report->rows, dataset->options.max_length);
    if (report->kept) return 0;
    return error_set(error, ERROR_INPUT, "%s: no usable row (%zu bad, %zu too long)", first_path, report->bad,
                     report->deleted);
}

// ---- opening --------------------------------------------------------------------------------------------

static int add_source(struct dataset *dataset, const char *path, struct error *error) {
    struct source *sources =
        memory_grow(dataset->sources, dataset->source_count + 1, sizeof *sources, "data set", error);
    if (!sources) return -1;
    dataset->sources = sources;
    struct source *source = &sources[dataset->source_count++];
    *source = (struct source){.is_shard = strstr(path, ".tar") != NULL || strstr(path, ".tgz") != NULL};
    source->path = memory_copy_string(path, strlen(path), error);
    source->folder = file_folder(path, error);
    return source->path && source->folder ? find_rows(dataset, dataset->source_count - 1, error) : -1;
}

static int add_path(struct dataset *dataset, const char *path, struct error *error) {
    glob_t found;
    if (file_exists(path) || !strpbrk(path, "*?[")) return add_source(dataset, path, error);
    if (glob(path, 0, NULL, &found) || found.gl_pathc == 0)
        return error_set(error, ERROR_INPUT, "%s: no file matches", path);
    int result = 0;
    for (size_t i = 0; i < found.gl_pathc && result == 0; i++)
        result = add_source(dataset, found.gl_pathv[i], error);
    globfree(&found);
    return result;
}

struct dataset *dataset_open(char *const *paths, size_t count, const struct dataset_options *options,
                             const struct model *model, struct error *error) {
    struct dataset *dataset = memory_new(1, sizeof *dataset, "data set", error);
    if (!dataset) return NULL;
    dataset->options = *options;
    dataset->model = model;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) result = add_path(dataset, paths[i], error);
    if (result == 0) result = measure_rows(dataset, error);
    if (result == 0) result = judge_rows(dataset, error);
    if (result == 0) result = report_rows(dataset, count ? paths[0] : "data", error);
    if (result == 0) return dataset;
    dataset_close(dataset);
    return NULL;
}

void dataset_close(struct dataset *dataset) {
    if (!dataset) return;
    for (size_t i = 0; i < dataset->count; i++) free_row(&dataset->rows[i]);
    for (size_t i = 0; i < dataset->source_count; i++) {
        file_map_close(&dataset->sources[i].map);
        free(dataset->sources[i].path);
        free(dataset->sources[i].folder);
    }
    free(dataset->rows);
    free(dataset->sources);
    free(dataset);
}

// ---- what it holds --------------------------------------------------------------------------------------

const struct dataset_report *dataset_report(const struct dataset *dataset) {
    return &dataset->report;
}

size_t dataset_count(const struct dataset *dataset) {
    return dataset->count;
}

size_t dataset_tokens(const struct dataset *dataset, size_t row) {
    const struct sample_size *size = &dataset->rows[row].size;
    size_t tokens = size->prompt + size->completion;
    return tokens < dataset->options.max_length ? tokens : dataset->options.max_length;
}

size_t dataset_patches(const struct dataset *dataset, size_t row) {
    return dataset->rows[row].size.patches;
}

uint64_t dataset_identity(const struct dataset *dataset) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < dataset->count; i++) {
        const struct row *row = &dataset->rows[i];
        const uint64_t facts[] = {row->content, row->size.prompt, row->size.completion};
        hash = hash_bytes(hash, facts, sizeof facts);
    }
    return hash;
}

void dataset_describe(const struct dataset *dataset, size_t row, char *text, size_t size) {
    const struct row *entry = &dataset->rows[row];
    const char *path = dataset->sources[entry->source].path;
    if (entry->sample)
        snprintf(text, size, "%s:%s", path, entry->sample->key);
    else
        snprintf(text, size, "%s:%zu", path, entry->line);
}

// ---- loading --------------------------------------------------------------------------------------------

struct pictures {
    struct image images[CHAT_MAX_IMAGES];
    size_t count;
};

static int decode_picture(void *context, const struct picture *picture, const char *name,
                          struct error *error) {
    struct pictures *pictures = context;
    struct image *image = &pictures->images[pictures->count];
    if (photo_decode_buffer(image, picture->data, picture->length, name, NULL, NULL, error)) return -1;
    pictures->count++;
    return 0;
}

int dataset_load(const struct dataset *dataset, size_t row, struct sample *sample, struct error *error) {
    const struct row *entry = &dataset->rows[row];
    struct chat chat;
    struct pictures pictures = {.count = 0};
    char place[256];
    *sample = (struct sample){0};
    int result = parse_row(dataset, entry, &chat, NULL, error);
    if (result == 0) {
        result = visit_pictures(dataset, entry, &chat, decode_picture, &pictures, error);
        if (result == 0)
            result = sample_build(sample, dataset->model, &chat, pictures.images, pictures.count,
                                  dataset->options.max_length, error);
        for (size_t p = 0; p < pictures.count; p++) image_free(&pictures.images[p]);
        chat_free(&chat);
    }
    if (result == 0) return 0;
    dataset_describe(dataset, row, place, sizeof place);
    return error_prefix(error, "%s", place);
}
