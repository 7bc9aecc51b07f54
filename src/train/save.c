#include "train/save.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/temporary.h"

static const char prefix[] = "step-", unfinished[] = ".tmp";

// ---- folders --------------------------------------------------------------------------------------------

static int make_folder(const char *path, struct error *error) {
    return mkdir(path, 0777) ? error_set_errno(error, path, "cannot make the folder") : 0;
}

// Names in a folder are safe only after its own fsync.
static int sync_folder(const char *path, struct error *error) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd);
    if (failed) error_set_errno(error, path, "cannot flush to the disk");
    if (fd >= 0) close(fd);
    return failed ? -1 : 0;
}

static char *step_path(const char *folder, uint64_t step, const char *suffix, struct error *error) {
    char name[48];
    snprintf(name, sizeof name, "%s%" PRIu64 "%s", prefix, step, suffix);
    return file_join(folder, name, error);
}

// The step of a name "step-N", or 0.
static uint64_t step_of(const char *name) {
    if (strncmp(name, prefix, sizeof prefix - 1)) return 0;
    const char *digits = name + sizeof prefix - 1;
    size_t length = strlen(digits);
    if (length == 0 || length > 18 || strspn(digits, "0123456789") != length || digits[0] == '0') return 0;
    return strtoull(digits, NULL, 10);
}

static bool is_unfinished(const char *name) {
    size_t length = strlen(name), suffix = sizeof unfinished - 1;
    return strncmp(name, prefix, sizeof prefix - 1) == 0 && length > suffix &&
           strcmp(name + length - suffix, unfinished) == 0;
}

// ---- what there is --------------------------------------------------------------------------------------

static int descending(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left > right ? -1 : left < right;
}

// The complete checkpoints, newest first. free() *steps.
static int list_steps(const char *folder, uint64_t **steps, size_t *count, struct error *error) {
    size_t capacity = 0;
    *steps = NULL;
    *count = 0;
    DIR *directory = opendir(folder);
    if (!directory) return errno == ENOENT ? 0 : error_set_errno(error, folder, "cannot list");
    int result = 0;
    // cppcheck-suppress readdirCalled ; nobody else reads this stream
    for (struct dirent *entry; result == 0 && (entry = readdir(directory));) {
        uint64_t step = step_of(entry->d_name);
        if (!step) continue;
        if (*count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            uint64_t *grown = memory_grow(*steps, capacity, sizeof *grown, "checkpoints", error);
            if (grown)
                *steps = grown;
            else
                result = -1;
        }
        if (result == 0) (*steps)[(*count)++] = step;
    }
    closedir(directory);
    if (*count) qsort(*steps, *count, sizeof **steps, descending);
    return result;
}

int save_find_newest(const char *folder, uint64_t *step, struct error *error) {
    uint64_t *steps;
    size_t count;
    int result = list_steps(folder, &steps, &count, error);
    *step = count ? steps[0] : 0;
    free(steps);
    return result;
}

int save_load(const char *folder, uint64_t step, struct train_state *state, struct optimizer *optimizer,
              struct error *error) {
    char *path = step_path(folder, step, "/trainer", error);
    int result = path ? state_read(state, optimizer, path, error) : -1;
    if (result == 0 && state->step != step)
        result = error_set(error, ERROR_MODEL, "%s: holds step %" PRIu64, path, state->step);
    free(path);
    return result;
}

int save_clean(const char *folder, struct error *error) {
    DIR *directory = opendir(folder);
    if (!directory) return errno == ENOENT ? 0 : error_set_errno(error, folder, "cannot list");
    int result = 0;
    // cppcheck-suppress readdirCalled ; nobody else reads this stream
    for (struct dirent *entry; result == 0 && (entry = readdir(directory));) {
        if (!is_unfinished(entry->d_name)) continue;
        char *path = file_join(folder, entry->d_name, error);
        result = path ? folder_remove(path, error) : -1;
        free(path);
    }
    closedir(directory);
    return result;
}

// Never under its good name: a removal that is cut short must not look like a checkpoint.
static int remove_step(const char *folder, uint64_t step, struct error *error) {
    char *path = step_path(folder, step, "", error), *away = step_path(folder, step, ".old.tmp", error);
    int result = -1;
    if (path && away) {
        result =
            rename(path, away) ? error_set_errno(error, path, "cannot remove") : folder_remove(away, error);
    }
    free(path);
    free(away);
    return result;
}

static int prune(const struct save *save, uint64_t best, struct error *error) {
    uint64_t *steps;
    size_t count;
    int result = list_steps(save->folder, &steps, &count, error);
    for (size_t i = save->keep_last; result == 0 && i < count; i++)
        if (!save->keep_best || steps[i] != best) result = remove_step(save->folder, steps[i], error);
    free(steps);
    return result;
}

// RUN/NAME -> step-N. A convenience: file systems without links do without. A file of that name is not ours.
static void link_step(const char *folder, const char *name, uint64_t step) {
    char target[48];
    struct error ignored;
    struct stat status;
    snprintf(target, sizeof target, "%s%" PRIu64, prefix, step);
    char *link = file_join(folder, name, &ignored),
         *temporary = step_path(folder, step, ".link.tmp", &ignored);
    bool ours = link && (lstat(link, &status) || S_ISLNK(status.st_mode));
    if (ours && temporary && symlink(target, temporary) == 0 && rename(temporary, link)) unlink(temporary);
    free(link);
    free(temporary);
}

// ---- saving ---------------------------------------------------------------------------------------------

static int start_folder(const char *path, const char *trainer, struct error *error) {
    return folder_remove(path, error) || make_folder(path, error) || make_folder(trainer, error) ? -1 : 0;
}

static int write_recipe(const struct save *save, const char *path, struct error *error) {
    if (!save->recipe) return 0;
    char *file = file_join(path, "recipe.yaml", error);
    int result = file ? file_write(file, save->recipe, strlen(save->recipe), error) : -1;
    free(file);
    return result;
}

static int write_all(const struct save *save, const struct train_state *state,
                     const struct optimizer *optimizer, const char *path, const char *trainer,
                     struct error *error) {
    if (state_write(state, optimizer, trainer, error)) return -1;
    if (save->parallel->rank) return 0;
    return write_recipe(save, trainer, error) || save->write_model(save->context, path, error) ? -1 : 0;
}

// From here on the checkpoint exists.
static int publish(const struct save *save, const struct train_state *state, const char *path,
                   const char *trainer, const char *final, struct error *error) {
    if (sync_folder(trainer, error) || sync_folder(path, error)) return -1;
    if (file_exists(final) && remove_step(save->folder, state->step, error)) return -1;
    if (rename(path, final)) return error_set_errno(error, final, "cannot rename to");
    if (sync_folder(save->folder, error)) return -1;
    link_step(save->folder, "last", state->step);
    if (state->best_step) {
        char *best = step_path(save->folder, state->best_step, "", error);
        if (best && file_exists(best)) link_step(save->folder, "best", state->best_step);
        free(best);
    }
    return prune(save, state->best_step, error);
}

static int save_to(const struct save *save, const struct train_state *state,
                   const struct optimizer *optimizer, const char *path, const char *trainer,
                   const char *final, struct error *error) {
    const struct parallel *parallel = save->parallel;
    bool first = parallel->rank == 0;
    int noted = first ? temporary_note(path, TEMPORARY_FOLDER) : -1;
    int result = first ? start_folder(path, trainer, error) : 0;
    if (parallel_agree(parallel, result, error)) {
        temporary_forget(noted);
        return -1;
    }
    result = write_all(save, state, optimizer, path, trainer, error);
    if (parallel_agree(parallel, result, error)) {
        struct error ignored;
        if (first) folder_remove(path, &ignored); // give back what space there is
        temporary_forget(noted);
        return -1;
    }
    result = first ? publish(save, state, path, trainer, final, error) : 0;
    temporary_forget(noted);
    return parallel_agree(parallel, result, error);
}

int save_checkpoint(const struct save *save, const struct train_state *state,
                    const struct optimizer *optimizer, struct error *error) {
    char *path = step_path(save->folder, state->step, unfinished, error);
    char *final = step_path(save->folder, state->step, "", error);
    char *trainer = path ? file_join(path, "trainer", error) : NULL;
    int result = -1;
    if (path && trainer && final) result = save_to(save, state, optimizer, path, trainer, final, error);
    if (result) error_prefix(error, "the checkpoint of step %" PRIu64 " was not saved", state->step);
    free(path);
    free(trainer);
    free(final);
    return result;
}
