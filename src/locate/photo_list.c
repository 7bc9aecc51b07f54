#include "locate/photo_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/name_map.h"
#include "photo/decode.h"
#include "photo/source.h"

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

// A folder or an entry that cannot be had: told and counted, and the rest goes on. Only memory ends it all.
static int go_on(struct photo_list *list, struct error *error) {
    if (error->code == ERROR_MEMORY) return -1;
    list->problems++;
    if (list->on_problem) list->on_problem(list->context, error);
    return 0;
}

static int add_below(struct photo_list *list, const char *path, int depth, struct error *error) {
    struct error inner = {0};
    int result = depth < MAX_DEPTH
                     ? add_folder(list, path, true, depth + 1, &inner)
                     : error_set(&inner, ERROR_INPUT, "%s: more than %d folders deep", path, (int)MAX_DEPTH);
    if (result == 0 || go_on(list, &inner) == 0) return 0;
    *error = inner;
    return -1;
}

static int add_entry(struct photo_list *list, const char *folder, const char *name, bool recursive, int depth,
                     struct error *error) {
    if (name[0] == '.') return 0;
    char *path = file_join(folder, name, error);
    if (!path) return -1;
    struct stat status;
    int result = 0;
    bool known = lstat(path, &status) == 0;
    if (known && S_ISDIR(status.st_mode)) {
        if (recursive) result = add_below(list, path, depth, error);
    } else if (photo_has_picture_ending(name) && (known || errno != ENOENT)) { // else it has gone meanwhile
        result = photo_list_add(list, path, error);      // if nobody may look at it, the batch says so
    } else if (!known && errno != ENOENT && recursive) { // a folder, for all that is known
        struct error inner = {0};
        error_set_errno(&inner, path, "cannot look at it");
        result = go_on(list, &inner);
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
    size_t before = list->count, problems = list->problems;
    if (add_folder(list, path, recursive, 0, error)) return -1;
    if (list->count == before && list->problems == problems)
        return error_set(error, ERROR_INPUT, "%s: no pictures in this folder%s", path,
                         recursive ? "" : " (-r looks in the folders below it, too)");
    return 0;
}

// Windows' editors put a byte order mark in front of UTF-8.
static const char *skip_mark(const char *line) {
    return strncmp(line, "\xEF\xBB\xBF", 3) == 0 ? line + 3 : line;
}

static int read_entry(struct photo_list *list, const char *path, bool recursive, struct error *error) {
    struct error inner = {0};
    if (photo_list_expand(list, path, recursive, &inner) == 0 || go_on(list, &inner) == 0) return 0;
    *error = inner;
    return -1;
}

int photo_list_read(struct photo_list *list, const char *path, bool null_ends, bool recursive,
                    struct error *error) {
    bool input = strcmp(path, "-") == 0;
    FILE *file = input ? stdin : fopen(path, "r");
    if (!file) return error_set_errno(error, path, "cannot open");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    int result = 0;
    bool first = true;
    while (result == 0 && (length = getdelim(&line, &capacity, null_ends ? 0 : '\n', file)) >= 0) {
        if (null_ends && length && line[length - 1] == 0) length--;
        while (!null_ends && length && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            line[--length] = 0;
        if (strlen(line) != (size_t)length)
            result = error_set(
                error, ERROR_INPUT,
                "%s: it holds a NUL byte: a list of paths that end with one needs --null or --list0", path);
        else if (first && file_check_pointer(path, line, (size_t)length, error))
            result = -1;
        else if (length)
            result = read_entry(list, first && !null_ends ? skip_mark(line) : line, recursive, error);
        first = false;
    }
    if (result == 0 && ferror(file)) result = error_set_errno(error, path, "cannot read");
    free(line);
    if (!input) fclose(file);
    return result;
}

// ---- each file once -------------------------------------------------------------------------------------

static int keep_first(struct photo_list *list, struct name_map *known, char **identities,
                      void (*on_repeat)(void *context, const char *photo, const char *first), void *context,
                      struct error *error) {
    size_t kept = 0, first;
    for (size_t i = 0; i < list->count; i++) {
        char *identity = photo_source_identity(list->paths[i], error);
        if (!identity) return -1; // the list is about to be freed
        if (name_map_find(known, identity, &first)) {
            if (on_repeat) on_repeat(context, list->paths[i], list->paths[first]);
            free(identity);
            free(list->paths[i]);
            list->paths[i] = NULL;
            continue;
        }
        identities[kept] = identity;
        if (name_map_add(known, identity, kept, error)) return -1;
        if (kept != i) {
            list->paths[kept] = list->paths[i];
            list->paths[i] = NULL;
        }
        kept++;
    }
    list->count = kept;
    return 0;
}

int photo_list_drop_repeats(struct photo_list *list,
                            void (*on_repeat)(void *context, const char *photo, const char *first),
                            void *context, size_t *dropped, struct error *error) {
    struct name_map known = {0};
    size_t before = list->count;
    char **identities = memory_new(before + 1, sizeof *identities, "photo list", error);
    *dropped = 0;
    if (!identities) return -1;
    int result = keep_first(list, &known, identities, on_repeat, context, error);
    if (result == 0) *dropped = before - list->count;
    for (size_t i = 0; i < before; i++) free(identities[i]);
    free(identities);
    name_map_free(&known);
    return result;
}
