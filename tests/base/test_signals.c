#include "support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/signals.h"

static void the_first_signal_is_noted(void **state) {
    (void)state;
    struct error error;
    signals_catch();
    assert_false(signals_interrupted());
    assert_ok(signals_check(&error), error);
    raise(SIGTERM);
    assert_true(signals_interrupted());
    assert_error(signals_check(&error), error, ERROR_INTERRUPTED, "interrupted");
}

static int status_after(int first, int second) {
    pid_t child = fork();
    if (child == 0) {
        signals_catch();
        raise(first);
        if (second) raise(second);
        _exit(signals_interrupted() ? 7 : 8);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void the_second_ends_the_process(void **state) {
    (void)state;
    assert_int_equal(status_after(SIGINT, 0), 7);
    assert_int_equal(status_after(SIGINT, SIGINT), 130);
    assert_int_equal(status_after(SIGTERM, SIGINT), 130);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_ends_the_process), // first: its children must start without the flag
        cmocka_unit_test(the_first_signal_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
