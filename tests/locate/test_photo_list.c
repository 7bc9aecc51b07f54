// Which photos: folders, lists, and what an earlier run has done.
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
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
    assert_int_equal(list.count, 64); // no deeper
    photo_list_free(&list);
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
    assert_ok(photo_list_read(&list, WRITE("list", "a.jpg\r\n\n\r\n b c.jpg \nd.jpg"), &error), error);
    assert_paths(&list, "", "a.jpg| b c.jpg |d.jpg|");
    photo_list_free(&list);
    assert_ok(photo_list_read(&list,
                              WRITE("marked", "\xEF\xBB\xBF"
                                              "a.jpg\n\xEF\xBB\xBF"
                                              "b.jpg\n"),
                              &error),
              error);
    assert_paths(&list, "",
                 "a.jpg|\xEF\xBB\xBF"
                 "b.jpg|");
    photo_list_free(&list);
    assert_ok(photo_list_read(&list, WRITE("empty", ""), &error), error);
    assert_int_equal(list.count, 0);
    assert_error(photo_list_read(&list, WRITE("nul", "a.jpg\nb\0.jpg\n"), &error), error, ERROR_INPUT,
                 "NUL byte");
    photo_list_free(&list);
    assert_error(photo_list_read(&list, test_data("images/photo_a.jpg"), &error), error, ERROR_INPUT,
                 "NUL byte");
    photo_list_free(&list);
    assert_error(photo_list_read(&list, "/nowhere/list", &error), error, ERROR_INPUT,
                 "/nowhere/list: cannot open");
    assert_error(photo_list_read(&list, test_temporary("%s", ""), &error), error, ERROR_INPUT,
                 "Is a directory");
    photo_list_free(&list);
}

static void test_standard_input(void **state) {
    (void)state;
    struct error error = {0};
    struct photo_list list = {0};
    assert_non_null(freopen(WRITE("input", "x.jpg\ny.jpg\n"), "r", stdin));
    assert_ok(photo_list_read(&list, "-", &error), error);
    assert_paths(&list, "", "x.jpg|y.jpg|");
    assert_ok(photo_list_read(&list, "-", &error), error); // at its end, and still open
    assert_int_equal(list.count, 2);
    photo_list_free(&list);
}

// ---- resume ----

static struct photo_list letters(void) {
    struct photo_list list = {0};
    struct error error;
    const char *const names[] = {"a", "b", "c", "d", "b"};
    for (size_t i = 0; i < 5; i++) assert_ok(photo_list_add(&list, names[i], &error), error);
    return list;
}

#define LINE(photo, outcome) "{\"photo\": \"" photo "\", \"outcome\": \"" outcome "\", \"tokens\": 3}\n"

// Resumes the letters from these results.
static void assert_resumed(const char *results, const char *left, size_t kept, size_t gone) {
    struct error error = {0};
    size_t keep = 99, dropped = 99;
    struct photo_list list = letters();
    assert_ok(photo_list_resume(&list, results, &keep, &dropped, &error), error);
    assert_paths(&list, "", left);
    assert_int_equal(keep, kept);
    assert_int_equal(dropped, gone);
    photo_list_free(&list);
}

static void test_resume(void **state) {
    (void)state;
    assert_resumed("/nowhere/results.jsonl", "a|b|c|d|b|", 0, 0);
    assert_resumed(WRITE("none.jsonl", ""), "a|b|c|d|b|", 0, 0);
    static const char some[] = LINE("b", "placed") LINE("d", "no_answer") LINE("elsewhere", "placed");
    assert_resumed(write_text("some.jsonl", some, sizeof some - 1), "a|c|", sizeof some - 1, 3);
    static const char all[] =
        LINE("a", "placed") LINE("b", "abstained") LINE("c", "not_locatable") LINE("d", "placed");
    assert_resumed(write_text("all.jsonl", all, sizeof all - 1), "", sizeof all - 1, 5);
}

static void test_resume_tries_failed_ones_again(void **state) {
    (void)state;
    static const char text[] = LINE("a", "failed") LINE("b", "failed") LINE("b", "placed");
    assert_resumed(write_text("failed.jsonl", text, sizeof text - 1), "a|c|d|", sizeof text - 1, 2);
}

static void test_resume_cuts_off_half_a_line(void **state) {
    (void)state;
    static const char whole[] = LINE("a", "placed");
    static const char cut[] = LINE("a", "placed") "{\"photo\": \"b\", \"outc";
    assert_resumed(write_text("cut.jsonl", cut, sizeof cut - 1), "b|c|d|b|", sizeof whole - 1, 1);
    // Even when what is there could be a whole object: its line end is missing.
    static const char unended[] = LINE("a", "placed") "{\"photo\": \"b\", \"outcome\": \"placed\"}";
    assert_resumed(write_text("unended.jsonl", unended, sizeof unended - 1), "b|c|d|b|", sizeof whole - 1, 1);
    assert_resumed(WRITE("only.jsonl", "{\"pho"), "a|b|c|d|b|", 0, 0);
}

static void test_resume_refuses_other_files(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"a\": 1}\n", "line 1: not a verdict of globe locate --jsonl"},
        {LINE("a", "placed") "{\"photo\": \"b\"}\n", "line 2: not a verdict"},
        {LINE("a", "placed") "not JSON\n", "line 2: not valid JSON"},
        {LINE("a", "placed") "\n" LINE("b", "placed"), "not valid JSON"},
        {"[]\n", "line 1: not a verdict"},
        {"7\n", "line 1: not a verdict"},
        {"\"photo\"\n", "line 1: not a verdict"},
        {"{\"photo\": 7, \"outcome\": \"placed\"}\n", "line 1: \"photo\" is a number"},
        {"{\"photo\": \"a\", \"outcome\": [1]}\n", "\"outcome\" is a list"},
        {"{\"photo\": \"a\", \"outcome\": null}\n", "line 1: not a verdict"},
        {"photo,outcome\n", "not valid JSON"},
        {"[\n{\"photo\": \"a\"}\n]\n", "not valid JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        size_t keep, dropped;
        struct photo_list list = letters();
        const char *path = write_text("other.jsonl", cases[i].text, strlen(cases[i].text));
        assert_error(photo_list_resume(&list, path, &keep, &dropped, &error), error, ERROR_INPUT,
                     cases[i].message);
        assert_non_null(strstr(error.message, "other.jsonl"));
        assert_int_equal(list.count, 5);
        photo_list_free(&list);
    }
    struct error error = {0};
    size_t keep, dropped;
    struct photo_list list = letters();
    assert_error(photo_list_resume(&list, test_temporary("%s", ""), &keep, &dropped, &error), error,
                 ERROR_INPUT, "Is a directory");
    assert_error(photo_list_resume(&list, test_data("images/photo_a.jpg"), &keep, &dropped, &error), error,
                 ERROR_INPUT, "photo_a.jpg");
    photo_list_free(&list);
}

static void test_resume_of_a_large_batch(void **state) {
    (void)state;
    enum { MANY = 100000 };
    const char *path = test_temporary("large.jsonl");
    FILE *file = fopen(path, "w");
    struct photo_list list = {0};
    struct error error = {0};
    char name[64];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "/archive/%d/photo %d.jpg", i % 97, i);
        assert_ok(photo_list_add(&list, name, &error), error);
        if (i % 10)
            fprintf(file, "{\"photo\": \"%s\", \"outcome\": \"placed\", \"answer\": \"%0200d\"}\n", name, i);
    }
    assert_int_equal(fclose(file), 0);
    size_t keep, dropped;
    clock_t start = clock();
    assert_ok(photo_list_resume(&list, path, &keep, &dropped, &error), error);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 30); // seconds even when watched by sanitizers
    assert_int_equal(dropped, MANY - MANY / 10);
    assert_int_equal(list.count, MANY / 10);
    assert_string_equal(list.paths[1], "/archive/10/photo 10.jpg");
    photo_list_free(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_files_are_taken_as_they_are),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_folders_that_will_not_do),
        cmocka_unit_test(test_deep_folders),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_resume_tries_failed_ones_again),
        cmocka_unit_test(test_resume_cuts_off_half_a_line),
        cmocka_unit_test(test_resume_refuses_other_files),
        cmocka_unit_test(test_resume_of_a_large_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
