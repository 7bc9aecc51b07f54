#include "support.h"

#include <ftw.h>
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
