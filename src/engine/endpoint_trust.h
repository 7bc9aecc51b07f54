// Whose certificates are believed.
#ifndef GLOBE_ENGINE_ENDPOINT_TRUST_H
#define GLOBE_ENGINE_ENDPOINT_TRUST_H

#include <stdbool.h>

#include <curl/curl.h>

#include "base/buffer.h"
#include "base/error.h"

// Zero: the system's. endpoint_trust_free() releases everything.
struct endpoint_trust {
    struct buffer bundle; // PEM; empty: the system's
    const char *folder;   // of hashed certificates, or NULL; it belongs to whoever named it
    bool everybody;       // certificates are not looked at
};

// `wanted` (a file or folder of PEM certificates; NULL: none) alone, else all files that CURL_CA_BUNDLE,
// SSL_CERT_FILE and REQUESTS_CA_BUNDLE name (one of them is often set for the whole system, and another by
// whoever runs an authority of his own), and the folder of SSL_CERT_DIR. ERROR_INPUT when what is named is not
// there or holds no certificate.
int endpoint_trust_find(struct endpoint_trust *trust, const char *wanted, struct error *error);
// The trust must outlive the handle.
bool endpoint_trust_apply(const struct endpoint_trust *trust, CURL *easy);
void endpoint_trust_free(struct endpoint_trust *trust);

#endif
