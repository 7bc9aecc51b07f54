#include "cli/bench_shape.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/temporary.h"
#include "model/random_checkpoint.h"

const char *const bench_shapes[] = {"tiny", "3b", "7b", "72b", NULL};

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw) {
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

int bench_on_shape(struct model_arguments *model, const char *shape, int layers,
                   int (*run)(void *context, const struct model_arguments *model, const char *name,
                              struct error *error),
                   void *context, struct error *error) {
    char folder[512], name[64];
    if (model->folder) return run(context, model, model->folder, error);
    const char *root = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/globe-bench-XXXXXX", root && *root ? root : "/tmp");
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
    int failed = random_checkpoint_write(&random, folder, error);
    if (!failed) failed = run(context, model, name, error);
    model->folder = NULL;
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    temporary_forget(noted);
    return failed ? -1 : 0;
}
