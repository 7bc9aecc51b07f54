#include "train/run_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/output.h"
#include "train/settings.h"

// ---- making it ------------------------------------------------------------------------------------------

// mkdir -p; *made is how much of the path was there before: the length of its longest part that was.
static int make_folders(const char *path, size_t *there, struct error *error) {
    char *copy = memory_copy_string(path, strlen(path), error);
    struct stat status;
    int result = copy ? 0 : -1;
    *there = 0;
    for (char *at = copy ? copy + 1 : NULL; result == 0; at++) {
        char c = *at;
        if (c != '/' && c != 0) continue;
        *at = 0;
        if (mkdir(copy, 0777) == 0) {
            ; // ours
        } else if (errno != EEXIST) {
            result = error_set_errno(error, copy, "cannot make the folder");
        } else if (stat(copy, &status) || !S_ISDIR(status.st_mode)) {
            result = error_set(error, ERROR_INPUT, "%s: cannot make the folder: a file of that name is there",
                               copy);
        } else {
            *there = (size_t)(at - copy);
        }
        *at = c;
        if (!c) break;
    }
    free(copy);
    return result;
}

int run_folder_make(const char *folder, struct error *error) {
    size_t there;
    return make_folders(folder, &there, error);
}

// The part of `path` beyond its first `there` bytes, innermost first; what others use by now stays.
static void remove_folders(const char *path, size_t there) {
    struct error ignored;
    char *copy = memory_copy_string(path, strlen(path), &ignored);
    if (!copy) return;
    for (size_t length = strlen(copy); length > there; length--) {
        if (copy[length] != 0 && copy[length] != '/') continue;
        copy[length] = 0;
        rmdir(copy);
    }
    free(copy);
}

static const char check_name[] = ".globe-check";

// A file of one byte, written and removed.
static int try_to_write(const char *folder, struct error *error) {
    char *path = file_join(folder, check_name, error);
    struct file_writer writer;
    int result = path ? file_writer_open(&writer, path, error) : -1;
    if (result == 0 && (putc(0, writer.stream) == EOF || fflush(writer.stream)))
        result = error_set_errno(error, folder, "cannot write into");
    if (result == 0) file_writer_abandon(&writer);
    free(path);
    return result;
}

// ---- what is there --------------------------------------------------------------------------------------

// A recipe as settings_read writes it.
static bool is_own_recipe(const char *path) {
    struct error ignored;
    char *text = file_read(path, SETTINGS_MAX_FILE, NULL, &ignored);
    bool own = text && strncmp(text, "model:\n  # ", 11) == 0 && strstr(text, "\nrun:\n  # ");
    free(text);
    return own;
}

// Files of these names are replaced or cut by a run.
static int check_contents(const char *folder, struct error *error) {
    static const char *const names[] = {"recipe.yaml", "metrics.jsonl", "completions.jsonl",
                                        "tensorboard", "last",          "best"};
    char *recipe = file_join(folder, names[0], error);
    if (!recipe) return -1;
    bool own = is_own_recipe(recipe);
    free(recipe);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat status;
        char *path = file_join(folder, names[i], error);
        if (!path) return -1;
        bool there = lstat(path, &status) == 0;
        bool fits = i < 3    ? S_ISREG(status.st_mode)
                    : i == 3 ? S_ISDIR(status.st_mode)
                             : S_ISLNK(status.st_mode);
        int result = 0;
        if (there && (!own || !fits))
            result = error_set(error, ERROR_INPUT,
                               "%s: was not written by a training run and would be replaced; choose another "
                               "run.folder",
                               path);
        else if (there && i < 4 && access(path, W_OK))
            result = error_set_errno(error, path, "cannot write");
        free(path);
        if (result) return -1;
    }
    return 0;
}

int run_folder_check(const char *folder, struct error *error) {
    size_t there = 0;
    if (file_is_directory(folder) && check_contents(folder, error)) return -1;
    int result = make_folders(folder, &there, error);
    if (result == 0) result = try_to_write(folder, error);
    remove_folders(folder, there);
    return result;
}

// ---- the lock -------------------------------------------------------------------------------------------

int run_folder_lock(const char *folder, int *lock, struct error *error) {
    *lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0) return error_set_errno(error, folder, "cannot open");
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0) return 0;
    bool taken = errno == EWOULDBLOCK;
    close(*lock);
    *lock = -1;
    if (taken) return error_set(error, ERROR_INPUT, "%s: another globe is training into this folder", folder);
    log_warning("%s: cannot be locked: %s", folder, strerror(errno));
    return 0;
}

void run_folder_tidy(const char *folder) {
    static const char *const names[] = {check_name, "recipe.yaml", "metrics.jsonl"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = file_join(folder, names[i], NULL);
        if (path) output_remove_left_over(path);
        free(path);
    }
}

// ---- the recipe -----------------------------------------------------------------------------------------

int run_folder_write_recipe(const char *folder, const char *recipe, struct error *error) {
    char *path = file_join(folder, "recipe.yaml", error);
    int result = path ? file_write(path, recipe, strlen(recipe), error) : -1;
    free(path);
    return result;
}

// The next "  name: value" of a complete recipe, with the section that it stands in; false at the end.
struct line {
    const char *section, *name, *value;
    int section_length, name_length, value_length;
};

static bool next_line(const char **text, struct line *line) {
    while (**text) {
        const char *at = *text, *end = strchr(at, '\n');
        if (!end) end = at + strlen(at);
        *text = *end ? end + 1 : end;
        const char *colon = memchr(at, ':', (size_t)(end - at));
        if (!colon || strncmp(at, "  #", 3) == 0) continue;
        if (*at != ' ') {
            line->section = at, line->section_length = (int)(colon - at);
        } else {
            line->name = at + 2, line->name_length = (int)(colon - at - 2);
            line->value = colon + 2 > end ? end : colon + 2;
            line->value_length = (int)(end - line->value);
            return true;
        }
    }
    return false;
}

static bool same(const char *a, int a_length, const char *b, int b_length) {
    return a && b && a_length == b_length && strncmp(a, b, (size_t)a_length) == 0;
}

void run_folder_compare_recipe(const char *folder, const char *recipe, struct buffer *differences) {
    struct error ignored;
    char *path = file_join(folder, "recipe.yaml", &ignored);
    char *old = path && file_exists(path) ? file_read(path, SETTINGS_MAX_FILE, NULL, &ignored) : NULL;
    struct line is = {0};
    for (const char *now = recipe; old && next_line(&now, &is);) {
        struct line was = {0};
        const char *then = old;
        while (next_line(&then, &was) &&
               !(same(was.section, was.section_length, is.section, is.section_length) &&
                 same(was.name, was.name_length, is.name, is.name_length)))
            was.value = NULL;
        if (was.value && !same(was.value, was.value_length, is.value, is.value_length))
            buffer_format(differences, "%s%.*s.%.*s was %.*s and is %.*s now",
                          differences->length ? ", " : "", is.section_length, is.section, is.name_length,
                          is.name, was.value_length, was.value, is.value_length, is.value);
    }
    free(old);
    free(path);
}
