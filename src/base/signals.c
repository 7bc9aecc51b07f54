#include "base/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

static atomic_int received; // lock-free, so a signal handler may touch it

static void on_signal(int number) {
    (void)number;
    if (atomic_exchange(&received, 1)) _exit(ERROR_INTERRUPTED);
}

void signals_catch(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool signals_interrupted(void) {
    return atomic_load_explicit(&received, memory_order_relaxed) != 0;
}

int signals_check(struct error *error) {
    return signals_interrupted() ? error_set(error, ERROR_INTERRUPTED, "interrupted") : 0;
}
