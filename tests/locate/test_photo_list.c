// Which photos: folders and lists.
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "locate/photo_list.h"

static void touch(const char *path) {
    test_write(path, "x", 1);
}

static void make_folder(const char *name) {
    assert_int_equal(mkdir(test_temporary("%s", name), 0755), 0);
}

// The paths of the list, without `root` in front, one after the other.
static void assert_paths(const struct photo_list *list, const char *root, const char *expected) {
    char all[4096] = "";
    for (size_t i = 0; i < list->count; i++) {
        const char *path = list->paths[i];
        size_t skip = strncmp(path, root, strlen(root)) == 0 ? strlen(root) : 0;
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s|", path + skip);
    }
    assert_string_equal(all, expected);
}

static void test_add(void **state) {
    (void)state;
    struct photo_list list = {0};
    struct error error;
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "photo %d", i);
        assert_ok(photo_list_add(&list, name, &error), error);
    }
    assert_int_equal(list.count, 1000);
    assert_string_equal(list.paths[0], "photo 0");
    assert_string_equal(list.paths[999], "photo 999");
    photo_list_free(&list);
    assert_int_equal(list.count, 0);
    photo_list_free(&list);
}

static void test_files_are_taken_as_they_are(void **state) {
    (void)state;
    struct photo_list list = {0};
    struct error error;
    assert_ok(photo_list_expand(&list, "no such file.txt", false, &error), error);
    assert_ok(photo_list_expand(&list, "", true, &error), error);
    assert_paths(&list, "", "no such file.txt||");
    photo_list_free(&list);
}

static void test_folders(void **state) {
    (void)state;
    char root[256];
    make_folder("album");
    snprintf(root, sizeof root, "%s", test_temporary("album"));
    const char *const files[] = {"b.JPG",     "a.jpeg",      "c.png",       "d.webp",    "e.heic",
                                 "f.HeIf",    "g.avif",      "h.tif",       "i.tiff",    "j.gif",
                                 "notes.txt", ".hidden.jpg", "jpg",         "k.jpg.xmp", "l.jpg.",
                                 "._a.jpeg",  ".jpg",        "spaced .png", "n\xFF.jpg"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) touch(test_temporary("album/%s", files[i]));
    make_folder("album/sub");
    make_folder("album/sub/deeper");
    make_folder("album/.thumbnails");
    make_folder("album/folder.jpg");
    touch(test_temporary("album/sub/deeper/z.png"));
    touch(test_temporary("album/sub/y.png"));
    touch(test_temporary("album/.thumbnails/t.png"));
    assert_int_equal(symlink("../../album", test_temporary("album/sub/loop")), 0);
    assert_int_equal(symlink("..", test_temporary("album/sub/up")), 0);
    assert_int_equal(symlink("../c.png", test_temporary("album/sub/link.png")), 0);
    assert_int_equal(symlink("nowhere", test_temporary("album/sub/dangling.png")), 0);

    struct error error; // not initialised: only a failure may look at it
    memset(&error, 0x7F, sizeof error);
    struct photo_list list = {0};
    assert_ok(photo_list_expand(&list, root, false, &error), error);
    assert_paths(&list, root,
                 "/a.jpeg|/b.JPG|/c.png|/d.webp|/e.heic|/f.HeIf|/g.avif|/h.tif|/i.tiff|/j.gif|/n\xFF.jpg|/"
                 "spaced .png|");
    photo_list_free(&list);
    // Links to folders are not followed, so loops do not matter; links to pictures, also dangling ones, are
    // taken.
    assert_ok(photo_list_expand(&list, root, true, &error), error);
    assert_paths(
        &list, root,
        "/a.jpeg|/b.JPG|/c.png|/d.webp|/e.heic|/f.HeIf|/g.avif|/h.tif|/i.tiff|/j.gif|/n\xFF.jpg|/spaced .png|"
        "/sub/dangling.png|/sub/deeper/z.png|/sub/link.png|/sub/y.png|");
    photo_list_free(&list);
    // A link that is given by name is followed.
    assert_ok(photo_list_expand(&list, test_temporary("album/sub/loop"), false, &error), error);
    assert_int_equal(list.count, 12);
    photo_list_free(&list);
    // So are a slash at the end and the folder's own hidden name.
    assert_ok(photo_list_expand(&list, test_temporary("album/.thumbnails/"), false, &error), error);
    assert_int_equal(list.count, 1);
    photo_list_free(&list);
}

static void test_folders_that_will_not_do(void **state) {
    (void)state;
    struct error error = {0};
    struct photo_list list = {0};
    make_folder("bare");
    const char *root = test_temporary("bare");
    make_folder("bare/sub");
    assert_error(photo_list_expand(&list, root, false, &error), error, ERROR_INPUT,
                 "no pictures in this folder (-r");
    assert_error(photo_list_expand(&list, root, true, &error), error, ERROR_INPUT,
                 "no pictures in this folder");
    assert_null(strstr(error.message, "-r"));
    touch(test_temporary("bare/sub/a.jpg"));
    assert_ok(photo_list_expand(&list, root, true, &error), error);
    if (geteuid() != 0) { // root may read everything
        chmod(root, 0);
        assert_error(photo_list_expand(&list, root, true, &error), error, ERROR_INPUT,
                     "cannot read the folder");
        chmod(root, 0755);
    }
    photo_list_free(&list);
}

static void test_deep_folders(void **state) {
    (void)state;
    char path[600];
    make_folder("deep");
    snprintf(path, sizeof path, "%s", test_temporary("deep"));
    for (int i = 0; i < 80; i++) {
        size_t used = strlen(path);
        snprintf(path + used, sizeof path - used, "/d");
        assert_int_equal(mkdir(path, 0755), 0);
        char file[700];
        snprintf(file, sizeof file, "%s/p.jpg", path);
        touch(file);
    }
    struct error error;
    struct photo_list list = {0};
    assert_ok(photo_list_expand(&list, test_temporary("deep"), true, &error), error);
    assert_int_equal(list.count, 64); // no deeper, and that is said
    assert_int_equal(list.problems, 1);
    photo_list_free(&list);
}

static void note_problem(void *context, const struct error *error) {
    struct error *last = context;
    *last = *error;
}

static void test_bad_folders_below_do_not_stop_the_rest(void **state) {
    (void)state;
    struct error error = {0}, last = {0};
    make_folder("mixed");
    make_folder("mixed/closed");
    make_folder("mixed/listed");
    make_folder("mixed/open");
    make_folder("mixed/empty");
    touch(test_temporary("mixed/a.jpg"));
    touch(test_temporary("mixed/closed/b.jpg"));
    touch(test_temporary("mixed/listed/c.jpg"));
    touch(test_temporary("mixed/open/d.jpg"));
    assert_int_equal(symlink("loop.jpg", test_temporary("mixed/loop.jpg")), 0);
    assert_int_equal(mkfifo(test_temporary("mixed/pipe.jpg"), 0666), 0);
    struct photo_list list = {.on_problem = note_problem, .context = &last};
    bool root_runs_this = geteuid() == 0; // and reads everything
    chmod(test_temporary("mixed/closed"), 0);
    chmod(test_temporary("mixed/listed"), 0444); // its names may be read, and nothing else
    const char *root = test_temporary("mixed");
    chmod(test_temporary("%s", ""), 0755);
    if (root_runs_this) assert_int_equal(seteuid(65534), 0);
    bool reached = access(root, R_OK | X_OK) == 0;
    if (reached) assert_ok(photo_list_expand(&list, root, true, &error), error);
    if (root_runs_this) assert_int_equal(seteuid(0), 0);
    if (!reached) skip();
    assert_paths(&list, root, "/a.jpg|/listed/c.jpg|/loop.jpg|/open/d.jpg|/pipe.jpg|");
    assert_int_equal(list.problems, 1);
    assert_non_null(strstr(last.message, "mixed/closed: cannot read the folder"));
    photo_list_free(&list);
    chmod(test_temporary("mixed/closed"), 0755);
    chmod(test_temporary("mixed/listed"), 0755);
}

static const char *write_text(const char *name, const char *text, size_t length) {
    const char *path = test_temporary("%s", name);
    test_write(path, text, length);
    return path;
}

#define WRITE(name, literal) write_text(name, literal, sizeof(literal) - 1)

static void test_lists(void **state) {
    (void)state;
    struct error error = {0};
    struct photo_list list = {0};
    assert_ok(photo_list_read(&list, WRITE("list", "a.jpg\r\n\n\r\n b c.jpg \nd.jpg"), false, false, &error),
              error);
    assert_paths(&list, "", "a.jpg| b c.jpg |d.jpg|");
    photo_list_free(&list);
    assert_ok(photo_list_read(&list,
                              WRITE("marked", "\xEF\xBB\xBF"
                                              "a.jpg\n\xEF\xBB\xBF"
                                              "b.jpg\n"),
                              false, false, &error),
              error);
    assert_paths(&list, "",
                 "a.jpg|\xEF\xBB\xBF"
                 "b.jpg|");
    photo_list_free(&list);
    assert_ok(photo_list_read(&list, WRITE("empty", ""), false, false, &error), error);
    assert_int_equal(list.count, 0);
    assert_error(photo_list_read(&list, WRITE("nul", "a.jpg\nb\0.jpg\n"), false, false, &error), error,
                 ERROR_INPUT, "NUL byte");
    photo_list_free(&list);
    assert_error(photo_list_read(&list, test_data("images/photo_a.jpg"), false, false, &error), error,
                 ERROR_INPUT, "NUL byte");
    photo_list_free(&list);
    assert_error(photo_list_read(&list, "/nowhere/list", false, false, &error), error, ERROR_INPUT,
                 "/nowhere/list: cannot open");
    assert_error(photo_list_read(&list, test_temporary("%s", ""), false, false, &error), error, ERROR_INPUT,
                 "Is a directory");
    photo_list_free(&list);
}

static void test_standard_input(void **state) {
    (void)state;
    struct error error = {0};
    struct photo_list list = {0};
    assert_non_null(freopen(WRITE("input", "x.jpg\ny.jpg\n"), "r", stdin));
    assert_ok(photo_list_read(&list, "-", false, false, &error), error);
    assert_paths(&list, "", "x.jpg|y.jpg|");
    assert_ok(photo_list_read(&list, "-", false, false, &error), error); // at its end, and still open
    assert_int_equal(list.count, 2);
    photo_list_free(&list);
}

static void test_lists_of_anything(void **state) {
    (void)state;
    struct photo_list list = {0};
    struct error error = {0};
    const char *path = WRITE("list0", "a\nb.jpg\0\0\r c.jpg\0\xEF\xBB\xBF"
                                      "d.jpg");
    assert_ok(photo_list_read(&list, path, true, false, &error), error);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.paths[0], "a\nb.jpg");
    assert_string_equal(list.paths[1], "\r c.jpg");
    assert_string_equal(list.paths[2], "\xEF\xBB\xBF"
                                       "d.jpg");
    photo_list_free(&list);
}

static void test_folders_in_lists(void **state) {
    (void)state;
    struct photo_list list = {0};
    struct error error = {0};
    char text[2048];
    snprintf(text, sizeof text, "x.jpg\n%s\n%s\ny.jpg\n", test_data("images"), test_data("grpo"));
    const char *path = test_temporary("folders");
    test_write(path, text, strlen(text));
    assert_ok(photo_list_read(&list, path, false, false, &error), error);
    assert_true(list.count > 4);
    assert_string_equal(list.paths[0], "x.jpg");
    assert_string_equal(list.paths[list.count - 1], "y.jpg");
    assert_int_equal(list.problems, 1); // the folder without pictures; the rest goes on
    photo_list_free(&list);
}

enum { TOLD = 1024 };

static void note(void *context, const char *photo, const char *first) {
    char *all = context;
    size_t root = strlen(test_temporary("%s", "")), used = strlen(all);
    snprintf(all + used, TOLD - used, "%s=%s|", photo + root, first + root);
}

static void each_file_is_done_once(void **state) {
    (void)state;
    struct photo_list list = {0};
    struct error error;
    char told[TOLD] = "";
    size_t dropped;
    make_folder("once");
    touch(test_temporary("once/a.jpg"));
    touch(test_temporary("once/b.jpg")); // the same bytes, but another file
    assert_int_equal(symlink(test_temporary("once"), test_temporary("also")), 0);
    assert_int_equal(symlink("a.jpg", test_temporary("once/l.jpg")), 0);
    assert_int_equal(link(test_temporary("once/a.jpg"), test_temporary("once/h.jpg")), 0);
    static const char *const names[] = {"once/a.jpg", "once/./a.jpg", "also/a.jpg", "once/b.jpg",
                                        "once/l.jpg", "once/h.jpg",   "once/gone",  "also/b.jpg",
                                        "once/gone",  "once/a.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_ok(photo_list_add(&list, test_temporary("%s", names[i]), &error), error);
    assert_ok(photo_list_drop_repeats(&list, note, told, &dropped, &error), error);
    assert_paths(&list, test_temporary("%s", ""), "once/a.jpg|once/b.jpg|once/gone|");
    assert_int_equal(dropped, 7);
    assert_string_equal(told, "once/./a.jpg=once/a.jpg|also/a.jpg=once/a.jpg|once/l.jpg=once/a.jpg|"
                              "once/h.jpg=once/a.jpg|also/b.jpg=once/b.jpg|once/gone=once/gone|"
                              "once/a.jpg=once/a.jpg|");
    photo_list_free(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_files_are_taken_as_they_are),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_folders_that_will_not_do),
        cmocka_unit_test(test_deep_folders),
        cmocka_unit_test(test_bad_folders_below_do_not_stop_the_rest),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_lists_of_anything),
        cmocka_unit_test(test_folders_in_lists),
        cmocka_unit_test(test_standard_input),
        cmocka_unit_test(each_file_is_done_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
