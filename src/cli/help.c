// globe help [COMMAND]
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/options.h"

static void print_overview(void) {
    printf("globe finds out where photos were taken, and says why.\n\n"
           "Usage: globe COMMAND [options] [arguments]\n\nCommands:\n");
    for (const struct command *command = commands; command->name; command++)
        printf("  %-12s %s\n", command->name, command->summary);
    printf("\n'globe help COMMAND' or 'globe COMMAND --help' shows the options of a command.\n");
}

int command_help(int argc, char **argv) {
    const struct usage usage = {
        .command = "help",
        .arguments = "[COMMAND]",
        .at_most = 1,
        .description = "Lists the commands, or shows the options of one of them.",
        .examples = "globe help\nglobe help version\n",
    };
    struct operands operands;
    int status;
    if (!options_parse(&usage, argc, argv, &operands, &status)) return status;
    if (operands.count == 0) {
        print_overview();
        return ERROR_NONE;
    }
    static char flag[] = "--help";
    char *words[] = {operands.values[0], flag, NULL};
    return command_dispatch(2, words);
}
