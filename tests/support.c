#include "support.h"

#include <dirent.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char ring[8][1024];
static int next_ring;
static char folder[256];

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw) {
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

static void remove_folder(void) {
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((format(printf, 2, 0))) static const char *place(const char *root, const char *format,
                                                               va_list args) {
    char *out = ring[next_ring++ % 8];
    int n = snprintf(out, sizeof ring[0], "%s/", root);
    vsnprintf(out + n, sizeof ring[0] - (size_t)n, format, args);
    return out;
}

const char *test_data(const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *path = place(TEST_DATA, format, args);
    va_end(args);
    return path;
}

const char *golden_data(const char *format, ...) {
    const char *root = getenv("GLOBE_TEST_DATA");
    va_list args;
    va_start(args, format);
    const char *path = place(root && *root ? root : TEST_DATA, format, args);
    va_end(args);
    return path;
}

static int is_case(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

void golden_each_case(const char *model, void (*check)(const char *model, const char *name)) {
    struct dirent **entries;
    int count = scandir(golden_data("%s/cases", model), &entries, is_case, alphasort);
    if (count <= 0) fail_msg("%s: no golden cases", golden_data("%s/cases", model));
    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 5] = 0;
        check(model, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

void test_stop(const char *what, const char *file, int line) {
    print_error("%s\n", what);
    _fail(file, line);
    abort(); // cmocka has gone on elsewhere
}

void test_check_near(double value, double expected, double tolerance, const char *what, const char *file,
                     int line) {
    if (fabs(value - expected) <= tolerance) return;
    print_error("%s is %.9g, not %.9g: off by %.3g, %.3g allowed\n", what, value, expected,
                fabs(value - expected), tolerance);
    _fail(file, line);
}

const char *test_temporary(const char *format, ...) {
    if (!folder[0]) {
        const char *root = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/globe-test-XXXXXX", root ? root : "/tmp");
        if (!mkdtemp(folder)) abort();
        atexit(remove_folder);
    }
    va_list args;
    va_start(args, format);
    const char *path = place(folder, format, args);
    va_end(args);
    return path;
}

void test_write(const char *path, const void *data, size_t length) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, length, f), length);
    assert_int_equal(fclose(f), 0);
}

void test_check_error(const struct error *error, enum error_code code, const char *text, const char *file,
                      int line) {
    if (error->code != code || !strstr(error->message, text)) {
        print_error("%s:%d: expected error %d with \"%s\", got %d \"%s\"\n", file, line, (int)code, text,
                    (int)error->code, error->message);
        fail();
    }
}
