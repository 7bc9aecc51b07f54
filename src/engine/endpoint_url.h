// The address of an endpoint: what requests go to, and what may be shown of it.
#ifndef GLOBE_ENGINE_ENDPOINT_URL_H
#define GLOBE_ENGINE_ENDPOINT_URL_H

#include <stdbool.h>

#include "base/error.h"
#include "engine/endpoint_words.h"

struct endpoint_url {
    char *address; // with user name, password and query, where the user gave them
    char *shown;   // without them: for messages
    bool open;     // http to another machine: whoever carries the packets can read them
    bool secure;   // https
};

// "/chat/completions" is added to the path unless it ends so; an empty path becomes "/v1/chat/completions".
// Of another interface of the same server ("/v1/models", "/v1/completions") the last part is replaced. Only
// http and https; ERROR_USAGE otherwise.
int endpoint_url_make(struct endpoint_url *url, const char *text, struct error *error);
// Adds the password and the values of the query.
int endpoint_url_secrets(const struct endpoint_url *url, struct endpoint_secrets *secrets);
void endpoint_url_free(struct endpoint_url *url);
// The same address without user name, password, query and fragment, in new memory; NULL when it is none.
char *endpoint_url_show(const char *address);

#endif
