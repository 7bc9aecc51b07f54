#include "locate/endpoint_trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"

enum { LARGEST_BUNDLE = 16 << 20 };

// A file in which libcurl would find nothing fails every request; it is better to hear of it at once.
static int check_file(const char *path, const char *name, struct error *error) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        error_set_errno(error, path, "cannot read the certificates");
        return error_prefix(error, "%s", name);
    }
    char *text = memory_new(LARGEST_BUNDLE, 1, "certificates", error);
    size_t length = text ? fread(text, 1, LARGEST_BUNDLE, file) : 0;
    fclose(file);
    bool found = text && (memmem(text, length, "BEGIN CERTIFICATE", 17) ||
                          memmem(text, length, "BEGIN TRUSTED CERTIFICATE", 25) ||
                          memmem(text, length, "BEGIN X509 CERTIFICATE", 22));
    bool failed = !text;
    free(text);
    if (found || failed) return failed ? -1 : 0;
    return error_set(error, ERROR_INPUT,
                     "%s: %s: holds no certificate (PEM: \"-----BEGIN CERTIFICATE-----\")", name, path);
}

static int take(struct endpoint_trust *trust, const char *path, const char *name, struct error *error) {
    struct stat about;
    if (stat(path, &about)) {
        error_set_errno(error, path, "cannot read the certificates");
        return error_prefix(error, "%s", name);
    }
    if (S_ISDIR(about.st_mode)) {
        trust->folder = path;
        return 0;
    }
    trust->file = path;
    return check_file(path, name, error);
}

int endpoint_trust_find(struct endpoint_trust *trust, const char *wanted, struct error *error) {
    static const char *const names[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"};
    *trust = (struct endpoint_trust){0};
    if (wanted) return take(trust, wanted, "--ca-file", error);
    for (size_t i = 0; i < sizeof names / sizeof *names && !trust->file && !trust->folder; i++) {
        const char *path = getenv(names[i]);
        if (path && *path && take(trust, path, names[i], error)) return -1;
    }
    const char *folder = getenv("SSL_CERT_DIR"); // may be a list, as OpenSSL has it
    if (folder && *folder && !trust->folder) trust->folder = folder;
    return 0;
}

bool endpoint_trust_apply(const struct endpoint_trust *trust, CURL *easy) {
    long verify = trust->everybody ? 0 : 1;
    CURLcode codes[] = {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify),
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2 * verify),
        trust->file ? curl_easy_setopt(easy, CURLOPT_CAINFO, trust->file) : CURLE_OK,
        trust->folder ? curl_easy_setopt(easy, CURLOPT_CAPATH, trust->folder) : CURLE_OK,
        trust->file ? curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, trust->file) : CURLE_OK,
        trust->folder ? curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, trust->folder) : CURLE_OK,
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] != CURLE_OK) return false;
    return true;
}
