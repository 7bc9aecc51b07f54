#include "cli/command.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/suggest.h"

const struct command *command_find(const char *name) {
    for (const struct command *command = commands; command->name; command++)
        if (strcmp(command->name, name) == 0) return command;
    return NULL;
}

static int report_unknown(const char *name) {
    struct suggestion suggestion;
    suggest_start(&suggestion, name);
    for (const struct command *command = commands; command->name; command++)
        suggest_offer(&suggestion, command->name);
    if (suggestion.best)
        log_error("there is no command '%s'; did you mean '%s'?", name, suggestion.best);
    else
        log_error("there is no command '%s'; 'globe --help' lists them", name);
    return ERROR_USAGE;
}

int command_dispatch(int argc, char **argv) {
    const struct command *command = command_find(argv[0]);
    if (!command) return report_unknown(argv[0]);
    static char name[64];
    snprintf(name, sizeof name, "globe %s", command->name);
    log_set_name(name);
    return command->run(argc, argv);
}

int command_fail(const struct error *error) {
    log_error("%s", error->message);
    return error->code;
}
