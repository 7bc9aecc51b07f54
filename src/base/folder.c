#include "base/folder.h"

#include <errno.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw) {
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

int folder_remove(const char *path, struct error *error) {
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
        return error_set_errno(error, path, "cannot remove");
    return 0;
}

char *folder_make_temporary(const char *path, struct error *error) {
    static atomic_uint serial;
    struct buffer name = {0};
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--; // "new-folder/"
    int failed;
    do {
        buffer_clear(&name);
        buffer_format(&name, "%.*s.%ld-%u.tmp", (int)length, path, (long)getpid(),
                      atomic_fetch_add(&serial, 1));
        failed = name.failed || mkdir(name.data, 0777);
    } while (failed && !name.failed && errno == EEXIST);
    if (!failed) return buffer_take(&name);
    if (name.failed)
        error_set(error, ERROR_MEMORY, "%s: not enough memory", path);
    else
        error_set_errno(error, path, "cannot make the folder");
    buffer_free(&name);
    return NULL;
}
