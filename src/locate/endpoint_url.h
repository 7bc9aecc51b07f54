// The address of an endpoint: what requests go to, and what may be shown of it.
#ifndef GLOBE_LOCATE_ENDPOINT_URL_H
#define GLOBE_LOCATE_ENDPOINT_URL_H

#include <stdbool.h>

#include "base/error.h"

struct endpoint_url {
    char *address; // with user name, password and query, where the user gave them
    char *shown;   // without them: for messages
    bool open;     // http to another machine: whoever carries the packets can read them
};

// "/chat/completions" is added to the path unless it ends so; an empty path becomes "/v1/chat/completions".
// Only http and https; ERROR_USAGE otherwise.
int endpoint_url_make(struct endpoint_url *url, const char *text, struct error *error);
void endpoint_url_free(struct endpoint_url *url);
// The same address without user name, password, query and fragment, in new memory; NULL when it is none.
char *endpoint_url_show(const char *address);

#endif
