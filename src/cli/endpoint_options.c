#include "cli/endpoint_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { LONGEST_KEY = 16384 };

struct endpoint_settings endpoint_settings_default(void) {
    return (struct endpoint_settings){.concurrency = 16, .retries = 4, .timeout = 300, .patience = 30};
}

// The key as it stands in the file, without white space around it. What is not a key is refused where it is
// used; here it must only be short enough to be one.
static int read_key(struct endpoint_settings *settings, struct error *error) {
    const char *path = settings->key_file;
    FILE *file = fopen(path, "rb");
    if (!file) return error_set_errno(error, path, "cannot read the key");
    char text[LONGEST_KEY + 1];
    size_t length = fread(text, 1, sizeof text, file), start = 0;
    int failed = ferror(file);
    if (failed) error_set_errno(error, path, "cannot read the key");
    fclose(file);
    if (failed) return -1;
    if (length > LONGEST_KEY || memchr(text, 0, length))
        return error_set(error, ERROR_INPUT, "%s: is no file with a key", path);
    while (length && strchr(" \t\r\n", text[length - 1])) length--;
    while (start < length && strchr(" \t\r\n", text[start])) start++;
    if (start == length) return error_set(error, ERROR_INPUT, "%s: holds no key", path);
    for (size_t i = start; i < length; i++)
        if (text[i] < '!' || text[i] > '~')
            return error_set(error, ERROR_INPUT,
                             "%s: holds more than one key: expected one line of letters, digits and signs",
                             path);
    settings->key = memory_copy_string(text + start, length - start, error);
    return settings->key ? 0 : -1;
}

int endpoint_settings_apply(struct endpoint_settings *settings, struct endpoint_options *options,
                            struct error *error) {
    options->url = settings->url;
    options->concurrency = (size_t)settings->concurrency;
    options->retries = (int)settings->retries;
    options->timeout = settings->timeout;
    options->patience = settings->patience;
    options->ca_file = settings->ca_file;
    options->key_file = settings->key_file;
    options->insecure = settings->insecure;
    options->api_key = getenv("GLOBE_API_KEY");
    const char *lonely = settings->key_file   ? "--api-key-file"
                         : settings->ca_file  ? "--ca-file"
                         : settings->insecure ? "--insecure"
                                              : NULL;
    if (lonely && !settings->url) return error_set(error, ERROR_USAGE, "%s goes with --endpoint URL", lonely);
    if (settings->ca_file && settings->insecure)
        return error_set(error, ERROR_USAGE, "one of --ca-file and --insecure, not both");
    if (!settings->key_file) return 0;
    if (read_key(settings, error)) return -1;
    options->api_key = settings->key;
    return 0;
}

void endpoint_settings_free(struct endpoint_settings *settings) {
    free(settings->key);
    settings->key = NULL;
}
