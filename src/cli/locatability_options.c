#include "cli/locatability_options.h"

#include <stdlib.h>
#include <string.h>

int locatability_settings_apply(const struct locatability_settings *settings, const char *option,
                                const struct endpoint_options *like, const char **adapter,
                                struct endpoint_options *options, struct error *error) {
    const char *where = settings->where;
    bool remote = where && (strncmp(where, "http://", 7) == 0 || strncmp(where, "https://", 8) == 0);
    *adapter = remote ? NULL : where;
    *options = *like;
    options->url = remote ? where : NULL;
    options->model = settings->model;
    options->api_key = getenv("GLOBE_LOCATABILITY_API_KEY");
    options->key_file = NULL;
    if (remote && !settings->model)
        return error_set(
            error, ERROR_USAGE,
            "%s %s: a server needs the name by which it knows the reward model (--reward-model NAME)", option,
            where);
    if (!remote && settings->model)
        return error_set(error, ERROR_USAGE, "--reward-model goes with %s URL", option);
    return 0;
}
