#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static void files_are_parsed(void **state) {
    (void)state;
    struct error error;
    const char *path = test_temporary("good.json");
    test_write(path, "{\"a\": [1, 2]}", 13);
    json_t *root = json_read_file(path, 1000, &error);
    assert_got(root, error);
    assert_int_equal(json_array_size(json_object_get(root, "a")), 2);
    json_decref(root);
}

static void bad_files_say_where(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "the file is empty"},
        {"{", "not valid JSON at line 1"},
        {"{\"a\":\n tru}", "not valid JSON at line 2"},
        {"[1] x", "not valid JSON"},
        {"\"\xFF\"", "not valid JSON"},
        {"{\"a\" 1}", "not valid JSON"},
        {"[1e999]", "not valid JSON"},
    };
    struct error error;
    const char *path = test_temporary("bad.json");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_write(path, cases[i].text, strlen(cases[i].text));
        assert_null(json_read_file(path, 1000, &error));
        test_check_error(&error, ERROR_INPUT, cases[i].message, __FILE__, __LINE__);
        test_check_error(&error, ERROR_INPUT, "bad.json: ", __FILE__, __LINE__);
    }
    test_write(path, "[1, 2, 3]", 9);
    assert_null(json_read_file(path, 8, &error));
    test_check_error(&error, ERROR_LIMIT, "bad.json: 9 bytes", __FILE__, __LINE__);
}

static void depth_is_limited(void **state) {
    (void)state;
    enum { DEPTH = 1000000 };
    char *text = malloc(DEPTH);
    assert_non_null(text);
    memset(text, '[', DEPTH);
    struct error error;
    assert_null(json_read_buffer(text, DEPTH, "deep", &error));
    test_check_error(&error, ERROR_INPUT, "deep: not valid JSON", __FILE__, __LINE__);
    free(text);
}

static json_t *sample(void) {
    static const char text[] = "{\"n\":5,\"x\":1.5,\"b\":true,\"s\":\"text\",\"o\":{},\"l\":[],\"z\":null}";
    struct error error;
    json_t *root = json_read_buffer(text, sizeof text - 1, "sample", &error);
    assert_got(root, error);
    return root;
}

static void typed_access_gives_values(void **state) {
    (void)state;
    struct error error;
    json_t *root = sample();
    int64_t n = 0;
    double x = 0;
    bool b = false;
    const char *s = NULL;
    assert_ok(json_get_integer(root, "n", 5, 5, &n, "sample", &error), error);
    assert_ok(json_get_number(root, "x", 0, 2, &x, "sample", &error), error);
    assert_ok(json_get_boolean(root, "b", &b, "sample", &error), error);
    assert_ok(json_get_string(root, "s", &s, "sample", &error), error);
    assert_int_equal(n, 5);
    assert_true(x == 1.5 && b);
    assert_string_equal(s, "text");
    assert_ok(json_get_number(root, "n", 0, 9, &x, "sample", &error), error); // 5 is a number, too
    assert_true(x == 5);
    json_decref(root);
}

static void missing_and_null_leave_the_value(void **state) {
    (void)state;
    struct error error;
    json_t *root = sample();
    static const char *const keys[] = {"nowhere", "z"};
    for (int i = 0; i < 2; i++) {
        int64_t n = 77;
        double x = 7.5;
        bool b = true;
        const char *s = "kept";
        assert_ok(json_get_integer(root, keys[i], 0, 1, &n, "sample", &error), error);
        assert_ok(json_get_number(root, keys[i], 0, 1, &x, "sample", &error), error);
        assert_ok(json_get_boolean(root, keys[i], &b, "sample", &error), error);
        assert_ok(json_get_string(root, keys[i], &s, "sample", &error), error);
        assert_true(n == 77 && x == 7.5 && b);
        assert_string_equal(s, "kept");
    }
    json_decref(root);
}

static void wrong_types_and_ranges_are_named(void **state) {
    (void)state;
    struct error error;
    json_t *root = sample();
    int64_t n = 1;
    double x = 1;
    bool b = true;
    const char *s = "kept";
    assert_error(json_get_integer(root, "s", 0, 9, &n, "cfg", &error), error, ERROR_INPUT,
                 "cfg: \"s\" is a string, expected an integer");
    assert_error(json_get_integer(root, "x", 0, 9, &n, "cfg", &error), error, ERROR_INPUT,
                 "is a number, expected an integer");
    assert_error(json_get_integer(root, "n", 6, 9, &n, "cfg", &error), error, ERROR_INPUT,
                 "\"n\" is 5, expected 6 to 9");
    assert_error(json_get_integer(root, "n", 0, 4, &n, "cfg", &error), error, ERROR_INPUT, "expected 0 to 4");
    assert_error(json_get_number(root, "o", 0, 1, &x, "cfg", &error), error, ERROR_INPUT, "is an object");
    assert_error(json_get_number(root, "x", 0, 1, &x, "cfg", &error), error, ERROR_INPUT,
                 "\"x\" is 1.5, expected 0 to 1");
    assert_error(json_get_boolean(root, "n", &b, "cfg", &error), error, ERROR_INPUT, "true or false");
    assert_error(json_get_string(root, "l", &s, "cfg", &error), error, ERROR_INPUT, "is a list");
    assert_error(json_get_string(root, "b", &s, "cfg", &error), error, ERROR_INPUT, "is true");
    assert_true(n == 1 && x == 1 && b);
    assert_string_equal(s, "kept");
    json_decref(root);
}

static void a_pointer_is_no_json(void **state) {
    (void)state;
    static const char text[] = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
    struct error error;
    assert_error(!json_read_buffer(text, sizeof text - 1, "rows.jsonl:1", &error), error, ERROR_INPUT,
                 "rows.jsonl:1: a Git LFS pointer, not the file itself");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pointer_is_no_json),
        cmocka_unit_test(files_are_parsed),
        cmocka_unit_test(bad_files_say_where),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(typed_access_gives_values),
        cmocka_unit_test(missing_and_null_leave_the_value),
        cmocka_unit_test(wrong_types_and_ranges_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
