// Messages, the status line and progress, as they arrive on stderr: in a file, and on a (pseudo-)terminal.
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/progress.h"

static int real_stderr = -1, captured = -1;
static char text[65536];

static void capture(int fd) {
    fflush(stderr);
    real_stderr = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    captured = fd;
}

static void capture_in_file(void) {
    capture(open(test_temporary("stderr"), O_RDWR | O_CREAT | O_TRUNC, 0666));
}

static void restore(void) {
    fflush(stderr);
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(captured);
}

// What was written to stderr since capture_in_file().
static const char *written(void) {
    fflush(stderr);
    ssize_t length = pread(captured, text, sizeof text - 1, 0);
    restore();
    text[length > 0 ? length : 0] = 0;
    return text;
}

static int reset(void **state) {
    (void)state;
    log_set_name("globe");
    log_set_level(LOG_INFO);
    progress_configure(PROGRESS_AUTO, 10);
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    return 0;
}

static void messages_have_name_and_level(void **state) {
    (void)state;
    capture_in_file();
    log_error("%s: broken", "a.jpg");
    log_set_name("globe locate");
    log_warning("odd");
    log_info("fine");
    log_debug("unseen");
    log_set_level(LOG_DEBUG);
    log_debug("seen");
    log_set_level(LOG_ERROR);
    log_warning("unseen");
    log_error("line\nbreak\033[2J");
    assert_string_equal(written(), "globe: a.jpg: broken\n"
                                   "globe locate: warning: odd\n"
                                   "globe locate: fine\n"
                                   "globe locate: debug: seen\n"
                                   "globe locate: line break?[2J\n");
}

static void files_get_plain_lines(void **state) {
    (void)state;
    progress_configure(PROGRESS_AUTO, 0);
    capture_in_file();
    struct progress *progress = progress_start("locating", "photos", 4);
    progress_add(progress, 1);
    progress_note(progress, "%s", "b\033.jpg");
    progress_add(progress, 3);
    progress_finish(progress);
    const char *all = written();
    assert_null(strchr(all, '\r'));
    assert_null(strchr(all, '\033'));
    assert_int_equal(strncmp(all, "globe: locating: 1 of 4 photos, ", 32), 0);
    assert_non_null(strstr(all, " left\n")); // time left, while there is something left
    const char *last = strstr(all, "globe: locating: 4 of 4 photos, ");
    assert_non_null(last);
    assert_non_null(strstr(last, ", b?.jpg\n"));
    assert_null(strstr(last, " left"));
}

static void lines_are_occasional(void **state) {
    (void)state;
    progress_configure(PROGRESS_LINES, 1000);
    capture_in_file();
    struct progress *progress = progress_start("reading", "rows", 0);
    for (int i = 0; i < 1000; i++) progress_add(progress, 2);
    progress_finish(progress);
    const char *all = written();
    assert_int_equal(strncmp(all, "globe: reading: 2000 rows, ", 27), 0);
    assert_ptr_equal(strchr(all, '\n'), all + strlen(all) - 1); // the last line is the only one
}

static void quiet_says_nothing(void **state) {
    (void)state;
    progress_configure(PROGRESS_QUIET, 0);
    capture_in_file();
    struct progress *progress = progress_start("locating", "photos", 4);
    progress_add(progress, 4);
    progress_note(progress, "note");
    progress_finish(progress);
    assert_null(progress);
    assert_string_equal(written(), "");
}

static void *add_many(void *progress) {
    for (int i = 0; i < 10000; i++) progress_add(progress, 1);
    return NULL;
}

static void threads_may_add(void **state) {
    (void)state;
    progress_configure(PROGRESS_LINES, 1000);
    capture_in_file();
    struct progress *progress = progress_start("counting", "steps", 40000);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, add_many, progress);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    progress_finish(progress);
    assert_non_null(strstr(written(), "40000 of 40000 steps"));
}

// Reads what came to the other end of the terminal.
static void read_terminal(int master) {
    size_t length = 0;
    fcntl(master, F_SETFL, O_NONBLOCK);
    for (ssize_t n; (n = read(master, text + length, sizeof text - 1 - length)) > 0;) length += (size_t)n;
    text[length] = 0;
}

static int open_terminal(unsigned short columns) {
    int master, slave;
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    capture(slave);
    return master;
}

static void terminals_get_a_bar_that_goes_away(void **state) {
    (void)state;
    int master = open_terminal(100);
    struct progress *progress = progress_start("locating", "photos", 4);
    progress_add(progress, 2);
    log_warning("odd");
    progress_finish(progress);
    fflush(stderr);
    read_terminal(master);
    restore();
    close(master);
    const char *bar = "\r\033[Klocating [============>           ] 2 of 4 photos";
    assert_int_equal(strncmp(text, bar, strlen(bar)), 0);
    const char *message =
        strstr(text, "\r\033[K\033[1;33mglobe: warning: \033[0modd\r\nlocating ["); // bar again
    assert_non_null(message);
    assert_string_equal(text + strlen(text) - 4, "\r\033[K"); // nothing stays
}

static void bars_fit_narrow_terminals(void **state) {
    (void)state;
    int master = open_terminal(20);
    struct progress *progress = progress_start("locating", "photos", 4);
    progress_add(progress, 2);
    fflush(stderr);
    read_terminal(master);
    progress_finish(progress);
    restore();
    close(master);
    assert_string_equal(text, "\r\033[Klocating [=========");
}

static void no_color_and_dumb_terminals_are_respected(void **state) {
    (void)state;
    int master = open_terminal(80);
    setenv("NO_COLOR", "1", 1);
    log_warning("one");
    setenv("NO_COLOR", "", 1);
    setenv("TERM", "dumb", 1);
    log_warning("two");
    log_status("unseen");
    fflush(stderr);
    read_terminal(master);
    restore();
    close(master);
    assert_string_equal(text, "globe: warning: one\r\nglobe: warning: two\r\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(messages_have_name_and_level, reset),
        cmocka_unit_test_setup(files_get_plain_lines, reset),
        cmocka_unit_test_setup(lines_are_occasional, reset),
        cmocka_unit_test_setup(quiet_says_nothing, reset),
        cmocka_unit_test_setup(threads_may_add, reset),
        cmocka_unit_test_setup(terminals_get_a_bar_that_goes_away, reset),
        cmocka_unit_test_setup(bars_fit_narrow_terminals, reset),
        cmocka_unit_test_setup(no_color_and_dumb_terminals_are_respected, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
