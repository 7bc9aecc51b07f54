#include "base/installed.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static char *program_folder(void) {
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) return NULL;
    path[length] = 0;
    return file_folder(path, NULL);
}

static char *join_existing(const char *folder, const char *between, const char *name, struct error *error) {
    char *inner = folder ? file_join(folder, between, error) : NULL;
    char *path = inner ? file_join(inner, name, error) : NULL;
    char *real = path && file_exists(path) ? realpath(path, NULL) : NULL; // without the ".."
    free(inner);
    free(path);
    return real;
}

char *installed_find(const char *name, struct error *error) {
    char *program = program_folder(), *found = NULL;
    const struct {
        const char *folder, *between;
    } places[] = {
        {program, ""},
        {program, ".."},
        {program, "../share/globe"},
#ifdef GLOBE_SHARE_DIR
        {GLOBE_SHARE_DIR, ""},
#endif
        {".", ""},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places && !found; i++)
        found = join_existing(places[i].folder, places[i].between, name, error);
    free(program);
    if (!found)
        error_set(error, ERROR_INPUT, "%s: not found beside the program or in the current folder", name);
    return found;
}
