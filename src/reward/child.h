// A child process that is asked in lines and answers in lines. Private to reward/.
#ifndef GLOBE_REWARD_CHILD_H
#define GLOBE_REWARD_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

struct child {
    pid_t pid; // 0: none runs
    int to, from;
    struct buffer answer; // what has come so far
};

// Runs `command` by /bin/sh in a process group of its own; its standard error is ours. ERROR_IO when it cannot.
int child_start(struct child *child, const char *command, struct error *error);

// Writes the question, a line with its line feed, and waits for one line, which stays in child->answer without its end until
// the next call. ERROR_NETWORK: the child ended (the message says how), or said nothing for `seconds`; ERROR_INPUT: a line of
// more than `most` bytes, or more than one line; ERROR_INTERRUPTED.
int child_ask(struct child *child, const char *question, size_t length, double seconds, size_t most,
              struct error *error);

// Closes its input and waits for so many seconds; what has not ended then is ended, with all of its group. Nothing to do when
// none runs.
void child_stop(struct child *child, double patience);

#endif
