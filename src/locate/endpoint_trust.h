// Whose certificates are believed.
#ifndef GLOBE_LOCATE_ENDPOINT_TRUST_H
#define GLOBE_LOCATE_ENDPOINT_TRUST_H

#include <stdbool.h>

#include <curl/curl.h>

#include "base/error.h"

struct endpoint_trust {
    const char *file, *folder; // NULL: the system's; they belong to whoever named them
    bool everybody;            // certificates are not looked at
};

// `wanted` (a file or folder of PEM certificates; NULL: none), else the first of CURL_CA_BUNDLE,
// SSL_CERT_FILE, REQUESTS_CA_BUNDLE that is set and not empty, and SSL_CERT_DIR beside them. ERROR_INPUT when
// what is named is not there or holds no certificate.
int endpoint_trust_find(struct endpoint_trust *trust, const char *wanted, struct error *error);
bool endpoint_trust_apply(const struct endpoint_trust *trust, CURL *easy);

#endif
