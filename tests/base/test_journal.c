// Files of lines that grow: what is read of them, what is cut, and what is left alone.
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/journal.h"

struct seen {
    size_t lines, bytes, last_offset;
};

static int count(void *context, const char *line, size_t length, size_t offset, size_t number,
                 struct error *error) {
    struct seen *seen = context;
    assert_int_equal(number, ++seen->lines);
    assert_int_equal(offset, seen->bytes);
    assert_int_equal(line[length - 1], '\n');
    seen->bytes += length;
    if (line[0] == '!') return error_set(error, ERROR_INPUT, "line %zu is bad", number);
    return 0;
}

static bool begins_with_brace(const char *tail, size_t length) {
    return length > 0 && tail[0] == '{';
}

static int read_all(const char *path, struct journal_mark *mark, struct seen *seen, struct error *error) {
    *seen = (struct seen){0};
    return journal_read(mark, path, count, seen, begins_with_brace, "a line of ours", error);
}

static void expect_text(const char *path, const char *want) {
    struct error error = {0};
    char *text = file_read(path, 1000, NULL, &error);
    assert_got(text, error);
    assert_string_equal(text, want);
    free(text);
}

static void test_grows(void **state) {
    (void)state;
    struct error error = {0};
    const char *path = test_temporary("grows.jsonl");
    struct journal_mark mark;
    struct journal journal;
    struct seen seen;
    assert_ok(read_all(path, &mark, &seen, &error), error); // there is none
    assert_ok(journal_open(&journal, path, &mark, &error), error);
    assert_ok(journal_add(&journal, "{\"a\":1}", 7, &error), error);
    expect_text(path, "{\"a\":1}\n"); // before it is closed
    assert_ok(journal_close(&journal, &error), error);
    assert_ok(journal_close(&journal, &error), error);
    test_write(path, "{\"a\":1}\n{\"b\":", 13); // killed in the second line
    assert_ok(read_all(path, &mark, &seen, &error), error);
    assert_int_equal(mark.keep, 8);
    assert_int_equal(mark.size, 13);
    assert_int_equal(seen.lines, 1);
    assert_ok(journal_open(&journal, path, &mark, &error), error);
    assert_ok(journal_add(&journal, "{\"c\":3}", 7, &error), error);
    assert_ok(journal_close(&journal, &error), error);
    expect_text(path, "{\"a\":1}\n{\"c\":3}\n");
    assert_ok(journal_open(&journal, path, NULL, &error), error); // starts anew
    assert_ok(journal_close(&journal, &error), error);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 0);
}

static void test_heals(void **state) {
    (void)state;
    struct error error = {0};
    const char *path = test_temporary("torn.jsonl");
    struct journal_mark mark;
    struct seen seen;
    test_write(path, "{}\n{\"b", 6);
    assert_ok(read_all(path, &mark, &seen, &error), error);
    assert_ok(journal_heal(path, &mark, &error), error);
    expect_text(path, "{}\n");
}

static void test_leaves_alone(void **state) {
    (void)state;
    struct error error = {0};
    const char *path = test_temporary("other.txt");
    struct journal_mark mark;
    struct journal journal;
    struct seen seen;
    test_write(path, "{}\nmy notes", 11);
    assert_error(read_all(path, &mark, &seen, &error), error, ERROR_INPUT,
                 "line 2: not a line of ours, so the file is left as it is");
    test_write(path, "{}\n! \n{}\n", 9);
    assert_error(read_all(path, &mark, &seen, &error), error, ERROR_INPUT, "line 2 is bad");
    assert_int_equal(seen.lines, 2);
    assert_error(read_all(test_temporary("."), &mark, &seen, &error), error, ERROR_INPUT, "Is a directory");
    test_write(path, "{}\n", 3);
    error = (struct error){0};
    assert_ok(read_all(path, &mark, &seen, &error), error);
    test_write(path, "{}\n{}\n", 6); // somebody else, meanwhile
    assert_error(journal_open(&journal, path, &mark, &error), error, ERROR_INPUT,
                 "was changed by somebody else since it was read");
    assert_null(journal.stream);
    expect_text(path, "{}\n{}\n");
    assert_int_equal(journal_open(&journal, test_temporary("no/such/folder"), NULL, &error), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_grows), cmocka_unit_test(test_heals),
                                       cmocka_unit_test(test_leaves_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
