// The options that every command with an endpoint has.
#ifndef GLOBE_CLI_ENDPOINT_OPTIONS_H
#define GLOBE_CLI_ENDPOINT_OPTIONS_H

#include "cli/options.h"
#include "engine/engine.h"

struct endpoint_settings {
    const char *url, *ca_file, *key_file;
    int64_t concurrency, retries;
    double timeout, patience;
    bool insecure;
    char *key; // of key_file
};

struct endpoint_settings endpoint_settings_default(void);
// Into *options, whose model and max_pixels are the caller's: with them goes the key, of --api-key-file or of
// GLOBE_API_KEY (no other variable: a key goes only where it was meant to go). The settings must outlive the
// options. ERROR_INPUT for a file that is no key, ERROR_USAGE for options of an endpoint without one.
int endpoint_settings_apply(struct endpoint_settings *settings, struct endpoint_options *options,
                            struct error *error);
void endpoint_settings_free(struct endpoint_settings *settings);

// Entries for an option table.
#define ENDPOINT_OPTIONS(e)                                                                             \
    option_string("endpoint", 'e', "URL", &(e).url,                                                     \
                  "Ask an OpenAI-compatible server; --model is its name for the model"),                \
        option_integer("concurrency", 0, "N", &(e).concurrency, 1, 256,                                 \
                       "Requests in flight with --endpoint"),                                           \
        option_integer("retries", 0, "N", &(e).retries, 0, 100, "Per request with --endpoint"),         \
        option_number("timeout", 0, "S", &(e).timeout, 1, 86400, "Seconds per answer with --endpoint"), \
        option_number("patience", 0, "S", &(e).patience, 0, 86400,                                      \
                      "Seconds a server may be out of reach before the rest is given up"),              \
        option_string("api-key-file", 0, "FILE", &(e).key_file,                                         \
                      "The endpoint's key (else GLOBE_API_KEY of the environment)"),                    \
        option_string("ca-file", 0, "FILE", &(e).ca_file,                                               \
                      "Certificates (PEM) to trust for https instead of the system's"),                 \
        option_flag("insecure", 0, &(e).insecure, "Do not verify the endpoint's certificate")

#endif
