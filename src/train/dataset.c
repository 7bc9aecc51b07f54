#include "train/dataset.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "photo/decode.h"
#include "rows/row_files.h"

enum { PROBLEMS_SHOWN = 5 };

struct entry {
    size_t row; // of the files
    struct sample_size size;
    uint64_t content; // of the row's text
    char *problem;
};

struct dataset {
    const struct model *model;
    struct dataset_options options;
    struct row_files *files;
    struct entry *entries;
    size_t count;
    struct dataset_report report;
    struct row_unknown unknown;
};

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t length) { // FNV-1a
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++)
        hash =
            (hash ^ bytes[i]) * 0x100000001b3u; // NOLINT(clang-analyzer-core.UndefinedBinaryOperatorResult)
    return hash;
}

// ---- one row --------------------------------------------------------------------------------------------

static int read_row(const struct dataset *dataset, size_t row, struct row *out, struct row_notes *notes,
                    struct error *error) {
    if (dataset->options.reward.on)
        return reward_rows_read(&dataset->options.reward, dataset->files, row, out, notes, error);
    bool asked = dataset->options.answer > 0;
    const struct row_options options = {.chat = asked ? ROW_CHAT_QUESTION : ROW_CHAT_LEARNT, .truth = asked};
    return row_files_read(dataset->files, row, options, out, notes, error);
}

// Calls `use` for every picture of the chat in order.
static int visit_pictures(const struct dataset *dataset, size_t row, const struct chat *chat,
                          int (*use)(void *context, const struct row_picture *picture, const char *name,
                                     struct error *error),
                          void *context, struct error *error) {
    for (size_t i = 0; i < chat->count; i++)
        for (size_t j = 0; j < chat->messages[i].part_count; j++) {
            const struct chat_part *part = &chat->messages[i].parts[j];
            struct row_picture picture;
            if (part->kind != CHAT_IMAGE) continue;
            if (row_files_picture(dataset->files, row, part->text, &picture, error)) return -1;
            int result = use(context, &picture, part->text, error);
            row_picture_close(&picture);
            if (result) return -1;
        }
    return 0;
}

struct sizes {
    size_t widths[CHAT_MAX_IMAGES], heights[CHAT_MAX_IMAGES], count;
};

static int measure_picture(void *context, const struct row_picture *picture, const char *name,
                           struct error *error) {
    struct sizes *sizes = context;
    struct photo_facts facts;
    if (photo_measure_buffer(picture->data, picture->length, name, &facts, error)) return -1;
    sizes->widths[sizes->count] = facts.stored_width / facts.shrink;
    sizes->heights[sizes->count++] = facts.stored_height / facts.shrink;
    return 0;
}

static int measure_row(const struct dataset *dataset, struct entry *entry, struct row_notes *notes,
                       struct error *error) {
    struct row row;
    struct sizes sizes = {.count = 0};
    if (read_row(dataset, entry->row, &row, notes, error)) return -1;
    int result = visit_pictures(dataset, entry->row, &row.chat, measure_picture, &sizes, error);
    if (result == 0)
        result = dataset->options.answer
                     ? sample_measure_question(&entry->size, dataset->model, &row.chat, sizes.widths,
                                               sizes.heights, sizes.count, dataset->options.answer, error)
                     : sample_measure(&entry->size, dataset->model, &row.chat, sizes.widths, sizes.heights,
                                      sizes.count, error);
    row_free(&row);
    entry->content = row_files_hash(dataset->files, entry->row);
    if (result == 0 && entry->size.before_learnt + 1 > dataset->options.max_length &&
        dataset->options.too_long == RECIPE_TOO_LONG_TRUNCATE)
        return error_set(error, ERROR_LIMIT,
                         "%zu tokens stand before what is to be learnt, data.max_length is %zu",
                         entry->size.before_learnt, dataset->options.max_length);
    return result;
}

// ---- all rows -------------------------------------------------------------------------------------------

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
        struct entry *entry = &dataset->entries[i];
        struct error own = {0};
        struct row_notes notes = {.count = 0};
        bool failed = measure_row(dataset, entry, &notes, &own) != 0, fatal = failed && !is_of_the_row(&own);
        if (failed && !fatal) {
            entry->problem = memory_copy_string(own.message, strlen(own.message), &own);
            fatal = !entry->problem;
        }
        if (notes.count || fatal) {
            pthread_mutex_lock(&notes_lock);
            row_unknown_add(&dataset->unknown, &notes, entry->row);
            if (fatal) failure = own;
            pthread_mutex_unlock(&notes_lock);
        }
        progress_add(progress, 1);
    }
    progress_finish(progress);
    row_unknown_report(&dataset->unknown, dataset->files);
    if (!failure.code) return 0;
    if (error) *error = failure;
    return -1;
}

static bool is_too_long(const struct dataset *dataset, const struct entry *entry) {
    return entry->size.prompt + entry->size.completion > dataset->options.max_length;
}

static int stop_at(const struct dataset *dataset, size_t i, const char *why, struct error *error) {
    char place[256];
    dataset_describe(dataset, i, place, sizeof place);
    return error_set(error, ERROR_INPUT, "%s: %s", place, why);
}

// Whether the row stays. Says on stderr why not, for the first few.
static int judge_row(struct dataset *dataset, size_t i, bool *keep, struct error *error) {
    const struct entry *entry = &dataset->entries[i];
    struct dataset_report *report = &dataset->report;
    char text[200];
    *keep = false;
    if (entry->problem) {
        if (dataset->options.bad_rows == RECIPE_BAD_ROWS_STOP)
            return stop_at(dataset, i, entry->problem, error);
        dataset_describe(dataset, i, text, sizeof text);
        if (report->bad++ < PROBLEMS_SHOWN) log_warning("%s: %s", text, entry->problem);
    } else if (is_too_long(dataset, entry) && dataset->options.too_long != RECIPE_TOO_LONG_TRUNCATE) {
        snprintf(text, sizeof text, "%zu tokens, data.max_length is %zu",
                 entry->size.prompt + entry->size.completion, dataset->options.max_length);
        if (dataset->options.too_long == RECIPE_TOO_LONG_ERROR) return stop_at(dataset, i, text, error);
        report->deleted++;
    } else {
        report->truncated += is_too_long(dataset, entry);
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
            dataset->entries[kept++] = dataset->entries[i];
        else
            free(dataset->entries[i].problem);
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

static int find_rows(struct dataset *dataset, char *const *paths, size_t count, struct error *error) {
    dataset->files = row_files_open(paths, count, error);
    if (!dataset->files) return -1;
    size_t rows = row_files_count(dataset->files);
    dataset->entries = memory_new(rows + 1, sizeof *dataset->entries, "data set", error);
    if (!dataset->entries) return -1;
    for (; dataset->count < rows; dataset->count++) dataset->entries[dataset->count].row = dataset->count;
    return 0;
}

struct dataset *dataset_open(char *const *paths, size_t count, const struct dataset_options *options,
                             const struct model *model, struct error *error) {
    struct dataset *dataset = memory_new(1, sizeof *dataset, "data set", error);
    if (!dataset) return NULL;
    dataset->options = *options;
    dataset->model = model;
    int result = find_rows(dataset, paths, count, error);
    if (result == 0) result = measure_rows(dataset, error);
    if (result == 0) result = judge_rows(dataset, error);
    if (result == 0) result = report_rows(dataset, count ? paths[0] : "data", error);
    if (result == 0) return dataset;
    dataset_close(dataset);
    return NULL;
}

void dataset_close(struct dataset *dataset) {
    if (!dataset) return;
    for (size_t i = 0; i < dataset->count; i++) free(dataset->entries[i].problem);
    free(dataset->entries);
    row_files_close(dataset->files);
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
    const struct sample_size *size = &dataset->entries[row].size;
    size_t tokens = size->prompt + size->completion;
    return tokens < dataset->options.max_length ? tokens : dataset->options.max_length;
}

size_t dataset_patches(const struct dataset *dataset, size_t row) {
    return dataset->entries[row].size.patches;
}

uint64_t dataset_identity(const struct dataset *dataset) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < dataset->count; i++) {
        const struct entry *entry = &dataset->entries[i];
        const uint64_t facts[] = {entry->content, entry->size.prompt,
                                  dataset->options.answer ? 0 : entry->size.completion};
        hash = hash_bytes(hash, facts, sizeof facts);
    }
    return hash;
}

void dataset_describe(const struct dataset *dataset, size_t row, char *text, size_t size) {
    row_files_describe(dataset->files, dataset->entries[row].row, text, size);
}

// ---- loading --------------------------------------------------------------------------------------------

struct pictures {
    struct image images[CHAT_MAX_IMAGES];
    size_t count;
};

static int decode_picture(void *context, const struct row_picture *picture, const char *name,
                          struct error *error) {
    struct pictures *pictures = context;
    struct image *image = &pictures->images[pictures->count];
    if (photo_decode_buffer(image, picture->data, picture->length, name, NULL, NULL, error)) return -1;
    pictures->count++;
    return 0;
}

// The last of the user's words: what the answer is to.
static char *question_of(const struct chat *chat, struct error *error) {
    struct buffer text = {0};
    for (size_t i = 0; i < chat->count; i++) {
        const struct chat_message *message = &chat->messages[i];
        if (strcmp(message->role, "user") != 0) continue;
        buffer_free(&text);
        for (size_t p = 0; p < message->part_count; p++)
            if (message->parts[p].kind == CHAT_TEXT) buffer_add_text(&text, message->parts[p].text);
    }
    buffer_add_text(&text, "");
    if (!text.failed) return buffer_take(&text);
    buffer_free(&text);
    error_set(error, ERROR_MEMORY, "row: out of memory");
    return NULL;
}

static int find_pictures(struct asked *asked, const struct dataset *dataset, size_t row,
                         struct error *error) {
    size_t count = 0;
    const struct chat *chat = &asked->row.chat;
    asked->pictures = memory_new(CHAT_MAX_IMAGES + 1, sizeof *asked->pictures, "row", error);
    if (!asked->pictures) return -1;
    for (size_t i = 0; i < chat->count; i++)
        for (size_t p = 0; p < chat->messages[i].part_count; p++) {
            const struct chat_part *part = &chat->messages[i].parts[p];
            struct error ignored; // those of a shard have no path
            if (part->kind != CHAT_IMAGE) continue;
            asked->pictures[count] = row_files_picture_path(dataset->files, row, part->text, &ignored);
            if (asked->pictures[count]) count++;
        }
    return 0;
}

// Takes the row over.
static int take_question(struct sample *sample, const struct dataset *dataset, size_t row, struct row *read,
                         struct error *error) {
    struct asked *asked = memory_new(1, sizeof *asked, "row", error);
    if (!asked) return -1;
    sample->asked = asked;
    asked->row = *read;
    *read = (struct row){0};
    row_files_describe(dataset->files, row, asked->place, sizeof asked->place);
    asked->question = question_of(&asked->row.chat, error);
    if (!asked->question || find_pictures(asked, dataset, row, error)) return -1;
    asked->json = row_files_json(dataset->files, row);
    return 0;
}

static int build_sample(struct sample *sample, const struct dataset *dataset, size_t row, struct row *read,
                        const struct pictures *pictures, struct error *error) {
    const struct dataset_options *options = &dataset->options;
    if (!options->answer)
        return sample_build(sample, dataset->model, &read->chat, pictures->images, pictures->count,
                            options->max_length, error);
    if (sample_build_question(sample, dataset->model, &read->chat, pictures->images, pictures->count,
                              options->max_length, options->answer, error))
        return -1;
    if (take_question(sample, dataset, row, read, error) == 0) return 0;
    sample_free(sample);
    return -1;
}

int dataset_load(const struct dataset *dataset, size_t row, struct sample *sample, struct error *error) {
    const struct entry *entry = &dataset->entries[row];
    struct row read;
    struct pictures pictures = {.count = 0};
    char place[256];
    *sample = (struct sample){0};
    int result = read_row(dataset, entry->row, &read, NULL, error);
    if (result == 0) {
        result = visit_pictures(dataset, entry->row, &read.chat, decode_picture, &pictures, error);
        if (result == 0) result = build_sample(sample, dataset, entry->row, &read, &pictures, error);
        for (size_t p = 0; p < pictures.count; p++) image_free(&pictures.images[p]);
        row_free(&read);
    }
    if (result == 0) return 0;
    dataset_describe(dataset, row, place, sizeof place);
    return error_prefix(error, "%s", place);
}
