#include "cli/bench_shape.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/log.h"
#include "base/temporary.h"
#include "model/random_checkpoint.h"

const char *const bench_shapes[] = {"tiny", "3b", "7b", "72b", NULL};

// ---- what a killed run left -----------------------------------------------------------------------------

static const char prefix[] = "globe-bench-";
enum { SETTLED = 60 }; // seconds: a younger folder may not be locked yet

// Gigabytes of weights that nobody has locked any more, in a folder of our own.
static bool is_left_over(const char *folder, int *lock) {
    struct stat status;
    *lock = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *lock >= 0 && fstat(*lock, &status) == 0 && status.st_uid == geteuid() &&
           time(NULL) - status.st_mtime >= SETTLED && flock(*lock, LOCK_EX | LOCK_NB) == 0;
}

static void remove_left_overs(const char *root) {
    DIR *list = opendir(root);
    char folder[512];
    // cppcheck-suppress readdirCalled ; nobody else reads this stream
    for (struct dirent *entry; list && (entry = readdir(list));) {
        int lock, length = snprintf(folder, sizeof folder, "%s/%s", root, entry->d_name);
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1) != 0 || length >= (int)sizeof folder) continue;
        if (is_left_over(folder, &lock)) folder_remove(folder, NULL);
        if (lock >= 0) close(lock);
    }
    if (list) closedir(list);
}

// ---- the benchmark --------------------------------------------------------------------------------------

int bench_on_shape(struct model_arguments *model, const char *shape, int layers,
                   int (*run)(void *context, const struct model_arguments *model, const char *name,
                              struct error *error),
                   void *context, struct error *error) {
    char folder[512], name[64];
    if (model->folder) return run(context, model, model->folder, error);
    const char *root = getenv("TMPDIR");
    if (!root || !*root) root = "/tmp";
    remove_left_overs(root);
    snprintf(folder, sizeof folder, "%s/%sXXXXXX", root, prefix);
    if (!mkdtemp(folder)) return error_set_errno(error, folder, "cannot make a folder");
    const struct random_checkpoint random = {.shape = shape,
                                             .dtype = model->type == MODEL_TYPE_F32 ? DTYPE_F32 : DTYPE_BF16,
                                             .layers = layers,
                                             .seed = 1};
    if (layers)
        snprintf(name, sizeof name, "%s with %d layers", shape, layers);
    else
        snprintf(name, sizeof name, "%s", shape);
    log_info("writing random weights of the %s shape to %s", name, folder);
    model->folder = folder;
    int noted = temporary_note(folder, TEMPORARY_FOLDER);
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC); // ends with the process
    if (lock >= 0) (void)flock(lock, LOCK_EX | LOCK_NB);
    int failed = random_checkpoint_write(&random, folder, error);
    if (!failed) failed = run(context, model, name, error);
    model->folder = NULL;
    folder_remove(folder, NULL);
    if (lock >= 0) close(lock);
    temporary_forget(noted);
    return failed ? -1 : 0;
}
