// Hints of folders: the nearest one counts, and one that cannot be read is no missing one.
#include "support.h"

#include <string.h>
#include <sys/stat.h>

#include "locate/folder_hints.h"

static void put(const char *path, const char *text) {
    test_write(path, text, strlen(text));
}

static int make_folders(void **state) {
    (void)state;
    static const char *const folders[] = {"trip", "trip/day1", "trip/day1/raw", "trip/day2", "other"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        mkdir(test_temporary("%s", folders[i]), 0700);
    put(test_temporary("trip/globe-hint.txt"), "A trip to\nthe Balkans\n");
    put(test_temporary("trip/day2/globe-hint.txt"), "\xEF\xBB\xBF"
                                                    "Near Kotor.\r\n");
    return 0;
}

static const char *ask(struct folder_hints *hints, const char *photo) {
    struct error error = {0};
    const struct folder_hint *found = folder_hints_find(hints, photo, &error);
    assert_got(found, error);
    return found ? found->text.text : NULL;
}

static void the_nearest_counts(void **state) {
    (void)state;
    struct folder_hints hints = {.file = "globe-hint.txt", .prompt = "globe"};
    const char *first = ask(&hints, test_temporary("trip/day1/a.jpg"));
    assert_non_null(strstr(first, "What is known about the photo: A trip to the Balkans"));
    assert_ptr_equal(ask(&hints, test_temporary("trip/day1/b.jpg")), first);
    assert_non_null(strstr(ask(&hints, test_temporary("trip/day1/raw/a.jpg")), "the Balkans"));
    const char *second = ask(&hints, test_temporary("trip/day2/a.jpg"));
    assert_non_null(strstr(second, ": Near Kotor."));
    assert_null(strstr(second, "Balkans"));
    assert_null(strstr(ask(&hints, test_temporary("other/a.jpg")), "What is known"));
    assert_null(strstr(ask(&hints, "no-folder.jpg"), "What is known"));
    folder_hints_free(&hints);
}

static void the_hint_of_all_photos_comes_first(void **state) {
    (void)state;
    struct folder_hints hints = {.file = "globe-hint.txt", .prompt = "globe", .hint = "In summer."};
    assert_non_null(strstr(ask(&hints, test_temporary("trip/day2/a.jpg")), "photo: In summer. Near Kotor."));
    assert_non_null(strstr(ask(&hints, test_temporary("other/a.jpg")), "photo: In summer."));
    folder_hints_free(&hints);
}

static void what_is_no_hint(void **state) {
    (void)state;
    struct folder_hints hints = {.file = "globe-hint.txt", .prompt = "globe"};
    static const struct {
        const char *text;
        size_t length;
        const char *says;
    } wrong[] = {{"\xFF\xFE"
                  "A",
                  3, "not UTF-8"},
                 {"a\0b", 3, "not UTF-8"},
                 {NULL, FOLDER_HINT_LIMIT + 1, "globe-hint.txt"}};
    static char large[FOLDER_HINT_LIMIT + 1];
    memset(large, 'a', sizeof large);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error error = {0};
        test_write(test_temporary("other/globe-hint.txt"), wrong[i].text ? wrong[i].text : large,
                   wrong[i].length);
        int result = folder_hints_find(&hints, test_temporary("other/a.jpg"), &error) ? 0 : -1;
        assert_true(result);
        if (!strstr(error.message, wrong[i].says)) fail_msg("%s", error.message);
        assert_non_null(strstr(error.message, "globe-hint.txt"));
    }
    folder_hints_free(&hints);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_nearest_counts),
                                       cmocka_unit_test(the_hint_of_all_photos_comes_first),
                                       cmocka_unit_test(what_is_no_hint)};
    return cmocka_run_group_tests(tests, make_folders, NULL);
}
