// Ctrl-C, SIGTERM and SIGHUP ask a long job to stop: it polls, finishes what must be whole (a checkpoint, a
// line of output) and returns ERROR_INTERRUPTED. Whoever cannot wait presses again.
#ifndef GLOBE_BASE_SIGNALS_H
#define GLOBE_BASE_SIGNALS_H

#include <stdbool.h>

#include "base/error.h"

// From now on the first SIGINT, SIGTERM or SIGHUP sets the flag, and the second ends the process at once with
// status 130. System calls that block are interrupted (EINTR). A broken pipe, SIGQUIT and the like end the
// process as ever. Whichever ends it, what is noted in base/temporary.h is removed first. SIGHUP and SIGQUIT
// stay ignored when they were (nohup).
void signals_catch(void);

bool signals_interrupted(void); // safe and cheap from any thread
// 0, or -1 with ERROR_INTERRUPTED when the flag is set.
int signals_check(struct error *error);

#endif
