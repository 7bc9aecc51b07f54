#include "base/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "base/temporary.h"

static atomic_int received; // lock-free, so a signal handler may touch it

static void on_signal(int number) {
    (void)number;
    if (!atomic_exchange(&received, 1)) return;
    temporary_remove_all();
    _exit(ERROR_INTERRUPTED);
}

// The signal then does what it does: it was reset when the handler was entered.
static void on_end(int number) {
    temporary_remove_all();
    raise(number);
}

static void catch (int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

// Whoever starts us with a signal ignored (nohup) wants it so. Not SIGINT: shells ignore it for what they put
// into the background, which is still to be stopped by it.
static bool is_ignored(int number) {
    struct sigaction now;
    return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void signals_catch(void) {
    static const int ends[] = {SIGPIPE, SIGQUIT, SIGABRT, SIGBUS};
    catch (SIGINT, on_signal, 0);
    catch (SIGTERM, on_signal, 0);
    if (!is_ignored(SIGHUP)) catch (SIGHUP, on_signal, 0);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (!is_ignored(ends[i])) catch (ends[i], on_end, (int)(SA_RESETHAND | SA_NODEFER));
    signal(SIGXFSZ,
           SIG_IGN); // a file that may not grow is an error of the write, which is told and cleaned up
}

bool signals_interrupted(void) {
    return atomic_load_explicit(&received, memory_order_relaxed) != 0;
}

int signals_check(struct error *error) {
    return signals_interrupted() ? error_set(error, ERROR_INTERRUPTED, "interrupted") : 0;
}
