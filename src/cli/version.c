// globe version
#include <jansson.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/options.h"

#if defined(__x86_64__)
static const char architecture[] = "x86-64";
#elif defined(__aarch64__)
static const char architecture[] = "aarch64";
#else
static const char architecture[] = "other";
#endif

#if defined(__clang__)
static const char compiler[] = "clang " __clang_version__;
#else
static const char compiler[] = "gcc " __VERSION__;
#endif

int command_version(int argc, char **argv) {
    const struct usage usage = {
        .command = "version",
        .description = "Shows the version of globe, how it was built, and the libraries that it runs with.",
    };
    struct operands none;
    int status;
    if (!options_parse(&usage, argc, argv, &none, &status)) return status;
    printf("globe %s\n", GLOBE_VERSION);
    printf("build: %s, %s, %s\n", GLOBE_BUILD, compiler, architecture);
    printf("jansson: %s\n", jansson_version_str());
    return ERROR_NONE;
}
