// The options that every command with a reward model of locatability has.
#ifndef GLOBE_CLI_LOCATABILITY_OPTIONS_H
#define GLOBE_CLI_LOCATABILITY_OPTIONS_H

#include "cli/options.h"
#include "engine/engine.h"

struct locatability_settings {
    const char *where; // an adapter, or a server's URL; NULL: nobody is asked
    const char *model; // the server's name for it
};

// *adapter, or options->url and what goes with it; of --endpoint's settings the model of the reward has its limits, and
// never its key: that is GLOBE_LOCATABILITY_API_KEY of the environment. ERROR_USAGE for a server without --reward-model.
int locatability_settings_apply(const struct locatability_settings *settings, const char *option,
                                const struct endpoint_options *like, const char **adapter,
                                struct endpoint_options *options, struct error *error);

#endif
