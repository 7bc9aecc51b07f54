// Subcommands: the table, and what they share.
#ifndef GLOBE_CLI_COMMAND_H
#define GLOBE_CLI_COMMAND_H

#include "base/error.h"

// argv[0] is the command's own name. Returns the exit status (enum error_code). Results go to stdout,
// everything else to stderr through base/log.h.
struct command {
    const char *name;
    const char *summary; // one line of `globe --help`
    int (*run)(int argc, char **argv);
};

extern const struct command commands[]; // in the order of `globe --help`, ended by a NULL name

const struct command *command_find(const char *name); // NULL when there is none
// Runs argv[0]; an unknown name is reported with the nearest one that exists.
int command_dispatch(int argc, char **argv);

// Reports an error on stderr and returns its code as the exit status.
int command_fail(const struct error *error);

#endif
