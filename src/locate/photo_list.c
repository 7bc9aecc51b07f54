#include "locate/photo_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "photo/decode.h"

int photo_list_add(struct photo_list *list, const char *path, struct error *error) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        char **grown = memory_grow(list->paths, capacity, sizeof *grown, "photo list", error);
        if (!grown) return -1;
        list->paths = grown;
        list->capacity = capacity;
    }
    char *copy = memory_copy_string(path, strlen(path), error);
    if (!copy) return -1;
    list->paths[list->count++] = copy;
    return 0;
}

void photo_list_free(struct photo_list *list) {
    for (size_t i = 0; i < list->count; i++) free(list->paths[i]);
    free(list->paths);
    *list = (struct photo_list){0};
}

enum { MAX_DEPTH = 64 };

static int add_folder(struct photo_list *list, const char *folder, bool recursive, int depth,
                      struct error *error);

static int add_entry(struct photo_list *list, const char *folder, const char *name, bool recursive, int depth,
                     struct error *error) {
    if (name[0] == '.') return 0;
    char *path = file_join(folder, name, error);
    if (!path) return -1;
    struct stat status;
    int result = 0;
    if (lstat(path, &status) == 0) { // else it has gone meanwhile
        if (S_ISDIR(status.st_mode) && recursive && depth < MAX_DEPTH)
            result = add_folder(list, path, true, depth + 1, error);
        else if (!S_ISDIR(status.st_mode) && photo_has_picture_ending(name))
            result = photo_list_add(list, path, error);
    }
    free(path);
    return result;
}

static int add_folder(struct photo_list *list, const char *folder, bool recursive, int depth,
                      struct error *error) {
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort), result = 0;
    if (count < 0) return error_set_errno(error, folder, "cannot read the folder");
    for (int i = 0; i < count; i++) {
        if (result == 0) result = add_entry(list, folder, entries[i]->d_name, recursive, depth, error);
        free(entries[i]);
    }
    free(entries);
    return result;
}

int photo_list_expand(struct photo_list *list, const char *path, bool recursive, struct error *error) {
    if (!file_is_directory(path)) return photo_list_add(list, path, error);
    size_t before = list->count;
    if (add_folder(list, path, recursive, 0, error)) return -1;
    if (list->count == before)
        return error_set(error, ERROR_INPUT, "%s: no pictures in this folder%s", path,
                         recursive ? "" : " (-r looks in the folders below it, too)");
    return 0;
}

// Windows' editors put a byte order mark in front of UTF-8.
static const char *skip_mark(const char *line) {
    return strncmp(line, "\xEF\xBB\xBF", 3) == 0 ? line + 3 : line;
}

int photo_list_read(struct photo_list *list, const char *path, struct error *error) {
    bool input = strcmp(path, "-") == 0;
    FILE *file = input ? stdin : fopen(path, "r");
    if (!file) return error_set_errno(error, path, "cannot open");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    int result = 0;
    bool first = true;
    while (result == 0 && (length = getline(&line, &capacity, file)) >= 0) {
        while (length && (line[length - 1] == '\n' || line[length - 1] == '\r')) line[--length] = 0;
        if (strlen(line) != (size_t)length)
            result = error_set(error, ERROR_INPUT, "%s: not a list of paths: it holds a NUL byte", path);
        else if (length)
            result = photo_list_add(list, first ? skip_mark(line) : line, error);
        first = false;
    }
    if (result == 0 && ferror(file)) result = error_set_errno(error, path, "cannot read");
    free(line);
    if (!input) fclose(file);
    return result;
}

// ---- resume ----

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Collects the photos of one finished line.
static int note_line(struct photo_list *done, const char *line, size_t length, const char *results,
                     size_t number, struct error *error) {
    char name[sizeof error->message];
    snprintf(name, sizeof name, "%s: line %zu", results, number);
    json_t *object = json_read_buffer(line, length, name, error);
    const char *photo = NULL, *outcome = NULL;
    int result = object ? 0 : -1;
    if (result == 0) result = json_get_string(object, "photo", &photo, name, error);
    if (result == 0) result = json_get_string(object, "outcome", &outcome, name, error);
    if (result == 0 && (!photo || !outcome))
        result = error_set(error, ERROR_INPUT, "%s: not a verdict of globe locate --jsonl", name);
    if (result == 0 && strcmp(outcome, "failed") != 0) result = photo_list_add(done, photo, error);
    json_decref(object);
    return result;
}

static int read_done(struct photo_list *done, const char *results, size_t *keep, struct error *error) {
    FILE *file = fopen(results, "r");
    if (!file && errno == ENOENT) return 0;
    if (!file) return error_set_errno(error, results, "cannot open");
    char *line = NULL;
    size_t capacity = 0, number = 0;
    ssize_t length;
    int result = 0;
    while (result == 0 && (length = getline(&line, &capacity, file)) > 0 && line[length - 1] == '\n') {
        result = note_line(done, line, (size_t)length, results, ++number, error);
        *keep += (size_t)length;
    }
    if (result == 0 && ferror(file)) result = error_set_errno(error, results, "cannot read");
    free(line);
    fclose(file);
    return result;
}

int photo_list_resume(struct photo_list *list, const char *results, size_t *keep, size_t *dropped,
                      struct error *error) {
    struct photo_list done = {0};
    *keep = *dropped = 0;
    int result = read_done(&done, results, keep, error);
    if (result == 0 && done.count) {
        qsort(done.paths, done.count, sizeof *done.paths, compare_texts);
        size_t kept = 0;
        for (size_t i = 0; i < list->count; i++) {
            if (bsearch(&list->paths[i], done.paths, done.count, sizeof *done.paths, compare_texts)) {
                free(list->paths[i]);
                ++*dropped;
            } else {
                list->paths[kept++] = list->paths[i];
            }
        }
        list->count = kept;
    }
    photo_list_free(&done);
    return result;
}
