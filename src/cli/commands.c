// One line per subcommand; each lives in the file of its name.
#include "cli/command.h"

#include <stddef.h>

int command_help(int argc, char **argv);
int command_version(int argc, char **argv);

const struct command commands[] = {
    {"help", "Show what globe or one of its commands can do", command_help},
    {"version", "Show the version, and how this program was built", command_version},
    {NULL, NULL, NULL},
};
