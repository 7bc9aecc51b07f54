#include "support.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static void assert_holds(const char *path, const char *text) {
    struct error error;
    size_t length;
    char *data = file_read(path, 1000, &length, &error);
    assert_got(data, error);
    assert_string_equal(data, text);
    assert_int_equal(length, strlen(text));
    free(data);
}

static int count_entries(const char *folder) {
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory));) count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

// A fresh folder inside the test's own.
static const char *new_folder(const char *name) {
    const char *folder = test_temporary("%s", name);
    assert_int_equal(mkdir(folder, 0777), 0);
    return folder;
}

static void reading_refuses_what_is_not_a_file(void **state) {
    (void)state;
    struct error error;
    assert_null(file_read(test_temporary("missing"), 10, NULL, &error));
    test_check_error(&error, ERROR_INPUT, "missing: cannot open", __FILE__, __LINE__);
    assert_null(file_read(new_folder("folder"), 10, NULL, &error));
    test_check_error(&error, ERROR_INPUT, "is a folder", __FILE__, __LINE__);
    const char *pipe = test_temporary("pipe");
    assert_int_equal(mkfifo(pipe, 0666), 0);
    assert_null(file_read(pipe, 10, NULL, &error)); // and does not wait for a writer
    test_check_error(&error, ERROR_INPUT, "not a regular file", __FILE__, __LINE__);
    const char *large = test_temporary("large");
    test_write(large, "12345678901", 11);
    assert_null(file_read(large, 10, NULL, &error));
    test_check_error(&error, ERROR_LIMIT, "11 bytes", __FILE__, __LINE__);
}

static void unreadable_files_are_an_input_error(void **state) {
    (void)state;
    if (geteuid() == 0) skip(); // root reads everything
    struct error error;
    const char *path = test_temporary("secret");
    test_write(path, "x", 1);
    assert_int_equal(chmod(path, 0), 0);
    assert_null(file_read(path, 10, NULL, &error));
    test_check_error(&error, ERROR_INPUT, "secret: cannot open", __FILE__, __LINE__);
}

static void reading_keeps_every_byte(void **state) {
    (void)state;
    struct error error;
    const char *path = test_temporary("bytes");
    test_write(path, "a\0b\xFF", 4);
    size_t length;
    char *data = file_read(path, 4, &length, &error);
    assert_got(data, error);
    assert_int_equal(length, 4);
    assert_memory_equal(data, "a\0b\xFF", 5);
    free(data);
    test_write(path, "", 0);
    assert_holds(path, "");
}

static void mapping_shows_the_file(void **state) {
    (void)state;
    struct error error;
    struct file_map map;
    const char *path = test_temporary("mapped");
    test_write(path, "0123456789", 10);
    assert_ok(file_map_open(&map, path, &error), error);
    assert_int_equal(map.size, 10);
    assert_memory_equal(map.data, "0123456789", 10);
    file_map_close(&map);
    assert_null(map.data);
    file_map_close(&map); // harmless
    test_write(path, "", 0);
    assert_error(file_map_open(&map, path, &error), error, ERROR_INPUT, "empty");
    assert_error(file_map_open(&map, test_temporary("gone"), &error), error, ERROR_INPUT,
                 "gone: cannot open");
}

static void writing_replaces_whole_files(void **state) {
    (void)state;
    struct error error;
    const char *folder = new_folder("write");
    const char *path = test_temporary("write/out");
    assert_ok(file_write(path, "first", 5, &error), error);
    assert_holds(path, "first");
    assert_int_equal(chmod(path, 0640), 0);
    assert_ok(file_write(path, "second", 6, &error), error);
    assert_holds(path, "second");
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_int_equal(count_entries(folder), 1);
}

static void the_old_file_stays_until_commit(void **state) {
    (void)state;
    struct error error;
    const char *folder = new_folder("commit");
    const char *path = test_temporary("commit/out");
    test_write(path, "old", 3);
    struct file_writer writer;
    assert_ok(file_writer_open(&writer, path, &error), error);
    fputs("new", writer.stream);
    fflush(writer.stream);
    assert_holds(path, "old");
    file_writer_abandon(&writer);
    assert_holds(path, "old");
    assert_int_equal(count_entries(folder), 1);
    assert_ok(file_writer_open(&writer, path, &error), error);
    fputs("new", writer.stream);
    assert_ok(file_writer_commit(&writer, &error), error);
    assert_holds(path, "new");
    assert_int_equal(count_entries(folder), 1);
}

// A file size limit behaves like a full disk: the write fails half-way.
static void a_full_disk_leaves_the_old_file(void **state) {
    (void)state;
    struct error error;
    const char *folder = new_folder("full");
    const char *path = test_temporary("full/out");
    test_write(path, "old", 3);
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    static char large[100000];
    int result = file_write(path, large, sizeof large, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_error(result, error, ERROR_IO, "out: cannot write: ");
    assert_holds(path, "old");
    assert_int_equal(count_entries(folder), 1);
}

static void devices_are_written_to_and_not_replaced(void **state) {
    (void)state;
    struct error error;
    // Through links, so that a mistake here cannot harm the machine's own devices when root runs the tests.
    const char *full = test_temporary("full-device"), *null = test_temporary("null-device");
    assert_int_equal(symlink("/dev/full", full), 0);
    assert_int_equal(symlink("/dev/null", null), 0);
    assert_error(file_write(full, "x", 1, &error), error, ERROR_IO, "cannot write: No space left");
    assert_ok(file_write(null, "x", 1, &error), error);
    struct stat status;
    assert_int_equal(lstat(null, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(stat("/dev/null", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
}

static void links_stay_links(void **state) {
    (void)state;
    struct error error;
    const char *target = test_temporary("target"), *link = test_temporary("link");
    test_write(target, "old", 3);
    assert_int_equal(symlink("target", link), 0);
    assert_ok(file_write(link, "new", 3, &error), error);
    assert_holds(target, "new");
    struct stat status;
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
}

static void impossible_destinations_are_named(void **state) {
    (void)state;
    struct error error;
    assert_error(file_write(test_temporary("no/such/folder/out"), "x", 1, &error), error, ERROR_INPUT,
                 "folder/out: cannot write");
    const char *folder = new_folder("destination");
    assert_error(file_write(folder, "x", 1, &error), error, ERROR_INPUT, "is a folder");
    test_write(test_temporary("plain"), "x", 1);
    assert_error(file_write(test_temporary("plain/out"), "x", 1, &error), error, ERROR_INPUT, "cannot write");
}

static void paths_are_taken_apart_and_joined(void **state) {
    (void)state;
    static const struct {
        const char *folder, *name, *joined;
    } joins[] = {{"a", "b", "a/b"}, {"a/b", "c/d", "a/b/c/d"}, {"a", "/b", "/b"}};
    static const struct {
        const char *path, *folder;
    } folders[] = {{"a/b/c", "a/b"}, {"c", "."}, {"/c", "/"}, {"/", "/"}};
    struct error error;
    for (size_t i = 0; i < 3; i++) {
        char *joined = file_join(joins[i].folder, joins[i].name, &error);
        assert_got(joined, error);
        assert_string_equal(joined, joins[i].joined);
        free(joined);
    }
    for (size_t i = 0; i < 4; i++) {
        char *folder = file_folder(folders[i].path, &error);
        assert_got(folder, error);
        assert_string_equal(folder, folders[i].folder);
        free(folder);
    }
    assert_true(file_exists("/") && file_is_directory("/"));
    assert_false(file_exists(test_temporary("nothing")) || file_is_directory(test_temporary("nothing")));
    test_write(test_temporary("something"), "x", 1);
    assert_true(file_exists(test_temporary("something")));
    assert_false(file_is_directory(test_temporary("something")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_refuses_what_is_not_a_file),
        cmocka_unit_test(unreadable_files_are_an_input_error),
        cmocka_unit_test(reading_keeps_every_byte),
        cmocka_unit_test(mapping_shows_the_file),
        cmocka_unit_test(writing_replaces_whole_files),
        cmocka_unit_test(the_old_file_stays_until_commit),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test(devices_are_written_to_and_not_replaced),
        cmocka_unit_test(links_stay_links),
        cmocka_unit_test(impossible_destinations_are_named),
        cmocka_unit_test(paths_are_taken_apart_and_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
