// What stands in the table of commands for a part that this build does without (cmake/dependencies.cmake).
#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"

int command_left_out(int argc, char **argv) {
    (void)argc;
    struct error error = {0};
    error_set(
        &error, ERROR_USAGE,
        "this globe was built without it: run \"make full\" in the sources, or see docs/building.md for the "
        "libraries that %s needs",
        argv[0]);
    return command_fail(&error);
}
