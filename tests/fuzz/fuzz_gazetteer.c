// Any bytes as a gazetteer: opened or refused, and what was opened answers or refuses. The input is laid over a
// small good gazetteer in pieces of (offset, length, bytes), so that most of it stays readable.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "geo/gazetteer.h"
#include "geo/gazetteer_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *read_good(size_t *length) {
    struct gazetteer_build_report report;
    struct gazetteer_build_options options = {.folder = "tests/data/geo/dump"};
    char path[] = "/tmp/fuzz-gazetteer-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0) abort();
    close(fd);
    char *bytes = gazetteer_build(&options, path, &report, NULL)
                      ? NULL
                      : file_read(path, (size_t)1 << 24, length, NULL);
    unlink(path);
    return bytes;
}

static void try_file(const char *path) {
    static struct gazetteer_answer answer;
    static struct gazetteer_neighbour near[8];
    struct gazetteer_info info;
    struct gazetteer *gazetteer = gazetteer_open(path, NULL);
    if (!gazetteer) return;
    struct gazetteer_query query = {.city = "Westhavn, West", .country = "Belmora"};
    if (!gazetteer_lookup(gazetteer, &query, &answer, NULL))
        for (int i = 0; i < answer.count; i++)
            if (sphere_check(answer.candidates[i].place.at, NULL)) abort();
    gazetteer_lookup_text(gazetteer, "somewhere in Free Belmora", &answer, NULL);
    int count = gazetteer_nearest(gazetteer, (struct point){1, 1}, 8, 0, near, NULL);
    for (int i = 0; i < count; i++)
        if (sphere_check(near[i].place.at, NULL)) abort();
    gazetteer_get_info(gazetteer, &info, NULL);
    gazetteer_check(gazetteer, NULL);
    gazetteer_close(gazetteer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char *good, path[] = "/tmp/fuzz-gazetteer-XXXXXX";
    static size_t length;
    static int fd = -1;
    if (!good) {
        log_set_level(LOG_ERROR);
        good = read_good(&length);
        fd = mkstemp(path);
    }
    if (!good || fd < 0) return 0; // not run from the source folder
    char *bytes = malloc(length);
    if (!bytes) return 0;
    memcpy(bytes, good, length);
    for (size_t at = 0; at + 4 < size;) {
        size_t offset = ((size_t)data[at] << 16 | (size_t)data[at + 1] << 8 | data[at + 2]) % length;
        size_t count = data[at + 3] % 16 + 1;
        at += 4;
        for (size_t i = 0; i < count && at < size && offset + i < length; i++)
            bytes[offset + i] = (char)data[at++];
    }
    if (pwrite(fd, bytes, length, 0) == (ssize_t)length) try_file(path);
    free(bytes);
    return 0;
}
