// Ctrl-C and SIGTERM ask a long job to stop: it polls, finishes what must be whole (a checkpoint, a line of
// output) and returns ERROR_INTERRUPTED. Whoever cannot wait presses again.
#ifndef GLOBE_BASE_SIGNALS_H
#define GLOBE_BASE_SIGNALS_H

#include <stdbool.h>

#include "base/error.h"

// From now on the first SIGINT or SIGTERM sets the flag, and the second ends the process at once with status
// 130. System calls that block are interrupted (EINTR).
void signals_catch(void);

bool signals_interrupted(void); // safe and cheap from any thread
// 0, or -1 with ERROR_INTERRUPTED when the flag is set.
int signals_check(struct error *error);

#endif
