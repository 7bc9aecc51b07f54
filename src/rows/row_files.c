#include "rows/row_files.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/memory.h"
#include "rows/shard.h"

enum { MOST_OF_A_PIPE = 1 << 30 };

struct source {
    char *path, *folder;
    bool is_shard;
    struct file_map map;
    char *copy; // of a pipe, which cannot be mapped
};

struct place {
    size_t source;
    size_t offset, length;       // of a JSONL line
    size_t line;                 // from 1
    struct shard_sample *sample; // of a shard
};

struct row_files {
    struct source *sources;
    size_t source_count;
    struct place *places;
    size_t count, capacity;
};

// ---- cutting into rows ----------------------------------------------------------------------------------

static int add_place(struct row_files *files, struct place place, struct error *error) {
    if (files->count == files->capacity) {
        size_t capacity = files->capacity ? files->capacity * 2 : 256;
        struct place *places = memory_grow(files->places, capacity, sizeof *places, "data set", error);
        if (!places) return -1;
        files->places = places;
        files->capacity = capacity;
    }
    files->places[files->count++] = place;
    return 0;
}

static void free_place(struct place *place) {
    if (place->sample) free(place->sample->key);
    free(place->sample);
}

static int find_lines(struct row_files *files, size_t source, struct error *error) {
    const struct file_map *map = &files->sources[source].map;
    const char *text = map->data, *end = text + map->size;
    if (map->size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3;
    for (size_t line = 1; text < end; line++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        if (!stop) stop = end;
        size_t length = (size_t)(stop - text), blank = 0;
        while (blank < length && strchr(" \t\r", text[blank]) && text[blank]) blank++;
        struct place place = {.source = source,
                              .offset = (size_t)(text - (const char *)map->data),
                              .length = length,
                              .line = line};
        if (blank < length && add_place(files, place, error)) return -1;
        text = stop + 1;
    }
    return 0;
}

struct finder {
    struct row_files *files;
    size_t source;
};

static int take_sample(void *context, const struct shard_sample *sample, struct error *error) {
    struct finder *finder = context;
    struct place place = {.source = finder->source,
                          .sample = memory_new(1, sizeof *sample, "data set", error)};
    if (!place.sample) return -1;
    *place.sample = *sample;
    place.sample->key = memory_copy_string(sample->key, strlen(sample->key), error);
    if (place.sample->key && add_place(finder->files, place, error) == 0) return 0;
    free_place(&place);
    return -1;
}

// A pipe (`globe eval <(head rows.jsonl)`) is read to its end.
static int read_pipe(struct source *source, struct error *error) {
    struct buffer text = {0};
    char piece[1 << 16];
    FILE *file = fopen(source->path, "re");
    if (!file) return error_set_errno(error, source->path, "cannot open");
    size_t got;
    while (text.length <= MOST_OF_A_PIPE && (got = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_add(&text, piece, got);
    int result = ferror(file) ? error_set_errno(error, source->path, "cannot read") : 0;
    fclose(file);
    if (result == 0 && text.length > MOST_OF_A_PIPE)
        result = error_set(error, ERROR_LIMIT, "%s: more than 1 GB from a pipe", source->path);
    source->map.size = text.length;
    source->map.data = source->copy = buffer_take(&text);
    if (result == 0 && !source->copy)
        result = error_set(error, ERROR_INPUT, "%s: the file is empty", source->path);
    return result ? -1 : 0;
}

static int open_source(struct source *source, struct error *error) {
    struct stat status;
    if (!source->is_shard && stat(source->path, &status) == 0 && S_ISFIFO(status.st_mode))
        return read_pipe(source, error);
    return file_map_open(&source->map, source->path, error);
}

static int add_source(struct row_files *files, const char *path, struct error *error) {
    struct source *sources =
        memory_grow(files->sources, files->source_count + 1, sizeof *sources, "data set", error);
    if (!sources) return -1;
    files->sources = sources;
    size_t number = files->source_count++;
    struct source *source = &sources[number];
    *source = (struct source){.is_shard = strstr(path, ".tar") != NULL || strstr(path, ".tgz") != NULL};
    source->path = memory_copy_string(path, strlen(path), error);
    source->folder = file_folder(path, error);
    if (!source->path || !source->folder || open_source(source, error)) return -1;
    struct finder finder = {files, number};
    return source->is_shard ? shard_visit(&source->map, source->path, take_sample, &finder, error)
                            : find_lines(files, number, error);
}

static int add_path(struct row_files *files, const char *path, struct error *error) {
    glob_t found;
    if (file_exists(path) || !strpbrk(path, "*?[")) return add_source(files, path, error);
    if (glob(path, 0, NULL, &found) || found.gl_pathc == 0)
        return error_set(error, ERROR_INPUT, "%s: no file matches", path);
    int result = 0;
    for (size_t i = 0; i < found.gl_pathc && result == 0; i++)
        result = add_source(files, found.gl_pathv[i], error);
    globfree(&found);
    return result;
}

struct row_files *row_files_open(char *const *paths, size_t count, struct error *error) {
    struct row_files *files = memory_new(1, sizeof *files, "data set", error);
    for (size_t i = 0; files && i < count; i++) {
        if (add_path(files, paths[i], error) == 0) continue;
        row_files_close(files);
        return NULL;
    }
    return files;
}

void row_files_close(struct row_files *files) {
    if (!files) return;
    for (size_t i = 0; i < files->count; i++) free_place(&files->places[i]);
    for (size_t i = 0; i < files->source_count; i++) {
        struct source *source = &files->sources[i];
        if (source->copy)
            free(source->copy);
        else
            file_map_close(&source->map);
        free(source->path);
        free(source->folder);
    }
    free(files->places);
    free(files->sources);
    free(files);
}

size_t row_files_count(const struct row_files *files) {
    return files->count;
}

void row_files_describe(const struct row_files *files, size_t row, char *text, size_t size) {
    const struct place *place = &files->places[row];
    const char *path = files->sources[place->source].path;
    if (place->sample)
        snprintf(text, size, "%s:%s", path, place->sample->key);
    else
        snprintf(text, size, "%s:%zu", path, place->line);
}

// ---- one row --------------------------------------------------------------------------------------------

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t length) { // FNV-1a
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

uint64_t row_files_hash(const struct row_files *files, size_t row) {
    const struct place *place = &files->places[row];
    const struct source *source = &files->sources[place->source];
    const uint64_t start = UINT64_C(0xcbf29ce484222325);
    if (!place->sample)
        return hash_bytes(start, (const char *)source->map.data + place->offset, place->length);
    struct error ignored;
    char *text = shard_read(&source->map, source->path, &place->sample->text, &ignored);
    uint64_t hash = text ? hash_bytes(start, text, place->sample->text.size) : start;
    free(text);
    return hash_bytes(hash, place->sample->key, strlen(place->sample->key));
}

static int read_sample(const struct source *source, const struct shard_sample *sample,
                       const struct row_options *options, struct row *out, struct row_notes *notes,
                       struct error *error) {
    if (sample->text.header == SIZE_MAX) return error_set(error, ERROR_INPUT, "no .json and no .txt");
    if (sample->text.size > ROW_MAX_SIZE)
        return error_set(error, ERROR_LIMIT, "%zu bytes, more than the %d of a row", sample->text.size,
                         (int)ROW_MAX_SIZE);
    if (options->truth && !sample->is_json)
        return error_set(error, ERROR_INPUT, "a .txt says nothing of its pictures: a .json is needed");
    char *text = shard_read(&source->map, source->path, &sample->text, error);
    if (!text) return -1;
    int result = sample->is_json ? row_read(out, text, sample->text.size, options, notes, error)
                                 : row_from_text(&out->chat, text, options->images, error);
    free(text);
    if (result || sample->is_json) return result;
    if (options->chat == ROW_CHAT_QUESTION) chat_drop_last(&out->chat);
    out->answered = options->chat != ROW_CHAT_QUESTION;
    return 0;
}

int row_files_read(const struct row_files *files, size_t row, struct row_options options, struct row *out,
                   struct row_notes *notes, struct error *error) {
    const struct place *place = &files->places[row];
    const struct source *source = &files->sources[place->source];
    *out = (struct row){0};
    options.images = place->sample ? (int)place->sample->image_count : ROW_OWN_IMAGES;
    if (place->sample) return read_sample(source, place->sample, &options, out, notes, error);
    return row_read(out, (const char *)source->map.data + place->offset, place->length, &options, notes,
                    error);
}

json_t *row_files_json(const struct row_files *files, size_t row) {
    const struct place *place = &files->places[row];
    const struct source *source = &files->sources[place->source];
    struct error ignored;
    if (!place->sample)
        return json_loadb((const char *)source->map.data + place->offset, place->length, 0, NULL);
    if (!place->sample->is_json) return NULL;
    char *text = shard_read(&source->map, source->path, &place->sample->text, &ignored);
    json_t *json = text ? json_loadb(text, place->sample->text.size, 0, NULL) : NULL;
    free(text);
    return json;
}

// ---- pictures -------------------------------------------------------------------------------------------

bool row_files_in_shard(const struct row_files *files, size_t row) {
    return files->places[row].sample != NULL;
}

char *row_files_picture_path(const struct row_files *files, size_t row, const char *name,
                             struct error *error) {
    const struct place *place = &files->places[row];
    if (!place->sample) return file_join(files->sources[place->source].folder, name, error);
    error_set(error, ERROR_INPUT, "%s: pictures of a shard have no path of their own here: unpack it",
              files->sources[place->source].path);
    return NULL;
}

int row_files_picture(const struct row_files *files, size_t row, const char *name,
                      struct row_picture *picture, struct error *error) {
    const struct place *place = &files->places[row];
    const struct source *source = &files->sources[place->source];
    *picture = (struct row_picture){0};
    if (place->sample) {
        const struct shard_member *member = &place->sample->images[strtoul(name, NULL, 10)];
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

void row_picture_close(struct row_picture *picture) {
    file_map_close(&picture->map);
    free(picture->copy);
    *picture = (struct row_picture){0};
}

// ---- keys that nothing is known of ----------------------------------------------------------------------

void row_unknown_add(struct row_unknown *unknown, const struct row_notes *notes, size_t row) {
    for (size_t n = 0; n < notes->count; n++) {
        size_t k = 0;
        while (k < unknown->count && strcmp(unknown->keys[k].key, notes->keys[n]) != 0) k++;
        if (k == ROW_MOST_UNKNOWN) continue;
        if (k == unknown->count) {
            unknown->count++;
            memcpy(unknown->keys[k].key, notes->keys[n], sizeof unknown->keys[k].key);
            unknown->keys[k].rows = 0;
            unknown->keys[k].first = row;
        }
        unknown->keys[k].rows++;
        if (row < unknown->keys[k].first) unknown->keys[k].first = row;
    }
}

// The one with the least first row that has not been told, or SIZE_MAX.
static size_t next_unknown(const struct row_unknown *unknown, const bool *told) {
    size_t best = SIZE_MAX;
    for (size_t k = 0; k < unknown->count; k++) {
        if (told[k]) continue;
        bool before = best == SIZE_MAX || unknown->keys[k].first < unknown->keys[best].first ||
                      (unknown->keys[k].first == unknown->keys[best].first &&
                       strcmp(unknown->keys[k].key, unknown->keys[best].key) < 0);
        if (before) best = k;
    }
    return best;
}

void row_unknown_report(struct row_unknown *unknown, const struct row_files *files) {
    bool told[ROW_MOST_UNKNOWN] = {false};
    for (size_t k; (k = next_unknown(unknown, told)) != SIZE_MAX; told[k] = true) {
        char place[256];
        size_t rows = unknown->keys[k].rows;
        row_files_describe(files, unknown->keys[k].first, place, sizeof place);
        log_warning("%s: the key \"%s\" is not known and changes nothing (%zu row%s)", place,
                    unknown->keys[k].key, rows, rows == 1 ? " has it" : "s have it");
    }
}
