// What must not outlive the process.
#include "support.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/signals.h"
#include "base/temporary.h"

static void end_child(int number, bool twice) {
    pid_t child = fork();
    if (child == 0) {
        struct error error;
        struct file_writer writer;
        signals_catch();
        mkdir(test_temporary("tree"), 0777);
        mkdir(test_temporary("tree/below"), 0777);
        test_write(test_temporary("tree/a"), "x", 1);
        test_write(test_temporary("tree/below/b"), "x", 1);
        test_write(test_temporary("kept"), "x", 1);
        temporary_note(test_temporary("tree"), TEMPORARY_FOLDER);
        temporary_forget(temporary_note(test_temporary("kept"), TEMPORARY_FILE));
        file_writer_open(&writer, test_temporary("whole"), &error);
        raise(number);
        if (twice) raise(number);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (twice)
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == ERROR_INTERRUPTED);
    else
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == number);
    assert_false(file_exists(test_temporary("tree")));
    assert_true(file_exists(test_temporary("kept")));
    assert_false(file_exists(test_temporary("whole.%d-0.tmp", (int)child)));
}

static void signals_remove_it(void **state) {
    (void)state;
    test_temporary("here"); // before the children: they use the same folder
    end_child(SIGPIPE, false);
    end_child(SIGQUIT, false);
    end_child(SIGINT, true);
    end_child(SIGTERM, true);
    end_child(SIGHUP, true);
}

static void contents_go_and_the_folder_stays(void **state) {
    (void)state;
    mkdir(test_temporary("folder"), 0777);
    for (int i = 0; i < 500; i++) test_write(test_temporary("folder/a-file-with-a-long-name-%d", i), "x", 1);
    temporary_note(test_temporary("folder"), TEMPORARY_CONTENTS);
    temporary_remove_all();
    assert_int_equal(rmdir(test_temporary("folder")), 0);
}

static void hashes(void **state) {
    (void)state;
    struct error error = {0};
    char text[HASH_TEXT], file[HASH_TEXT];
    assert_ok(hash_bytes("abc", 3, text, &error), error); // FIPS 180-4's example
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    test_write(test_temporary("abc"), "abc", 3);
    assert_ok(hash_file(test_temporary("abc"), file, &error), error);
    assert_string_equal(text, file);
    assert_error(hash_file(test_temporary("%s", ""), file, &error), error, ERROR_INPUT, "not a regular file");
    assert_string_equal(file, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_remove_it), // first: nothing is noted yet
        cmocka_unit_test(contents_go_and_the_folder_stays),
        cmocka_unit_test(hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
