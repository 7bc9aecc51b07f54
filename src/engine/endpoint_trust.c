#include "engine/endpoint_trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PIECE = 65536, LARGEST_BUNDLE = 16 << 20 };

static int cannot_read(const char *path, const char *name, struct error *error) {
    error_set_errno(error, path, "cannot read the certificates");
    return error_prefix(error, "%s", name);
}

static int read_file(struct buffer *text, const char *path, const char *name, struct error *error) {
    FILE *file = fopen(path, "rb");
    if (!file) return cannot_read(path, name, error);
    char piece[PIECE];
    size_t length;
    while (text->length < LARGEST_BUNDLE && (length = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_add(text, piece, length);
    bool failed = ferror(file);
    if (failed) cannot_read(path, name, error);
    fclose(file);
    return failed ? -1 : 0;
}

// A file in which libcurl would find nothing fails every request; it is better to hear of it at once.
static int add_file(struct endpoint_trust *trust, const char *path, const char *name, struct error *error) {
    static const char *const marks[] = {"BEGIN CERTIFICATE", "BEGIN TRUSTED CERTIFICATE",
                                        "BEGIN X509 CERTIFICATE"};
    struct buffer text = {0};
    bool found = false;
    int result = read_file(&text, path, name, error);
    for (size_t i = 0; i < sizeof marks / sizeof *marks && text.length; i++)
        found = found || memmem(text.data, text.length, marks[i], strlen(marks[i]));
    if (result == 0 && !text.failed && !found)
        result = error_set(error, ERROR_INPUT,
                           "%s: %s: holds no certificate (PEM: \"-----BEGIN CERTIFICATE-----\")", name, path);
    if (result == 0 && found) {
        buffer_add(&trust->bundle, text.data, text.length);
        buffer_add_text(&trust->bundle, "\n");
    }
    if (result == 0 && (text.failed || trust->bundle.failed))
        result = error_set(error, ERROR_MEMORY, "%s: %s: not enough memory", name, path);
    buffer_free(&text);
    return result;
}

static int take(struct endpoint_trust *trust, const char *path, const char *name, struct error *error) {
    struct stat about;
    if (stat(path, &about)) return cannot_read(path, name, error);
    if (!S_ISDIR(about.st_mode)) return add_file(trust, path, name, error);
    trust->folder = path;
    return 0;
}

int endpoint_trust_find(struct endpoint_trust *trust, const char *wanted, struct error *error) {
    static const char *const names[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"};
    const char *paths[] = {NULL, NULL, NULL};
    *trust = (struct endpoint_trust){0};
    int result = wanted ? take(trust, wanted, "--ca-file", error) : 0;
    for (size_t i = 0; i < 3 && !wanted && result == 0; i++) {
        paths[i] = getenv(names[i]);
        bool again = false;
        for (size_t k = 0; k < i; k++) again = again || (paths[i] && paths[k] && !strcmp(paths[i], paths[k]));
        if (paths[i] && *paths[i] && !again) result = take(trust, paths[i], names[i], error);
    }
    const char *folder = wanted ? NULL : getenv("SSL_CERT_DIR"); // may be a list, as OpenSSL has it
    if (folder && *folder && !trust->folder) trust->folder = folder;
    if (result) endpoint_trust_free(trust);
    return result;
}

bool endpoint_trust_apply(const struct endpoint_trust *trust, CURL *easy) {
    long verify = trust->everybody ? 0 : 1;
    struct curl_blob bundle = {trust->bundle.data, trust->bundle.length, CURL_BLOB_NOCOPY};
    CURLcode codes[] = {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify),
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2 * verify),
        bundle.len ? curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &bundle) : CURLE_OK,
        bundle.len ? curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO_BLOB, &bundle) : CURLE_OK,
        trust->folder ? curl_easy_setopt(easy, CURLOPT_CAPATH, trust->folder) : CURLE_OK,
        trust->folder ? curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, trust->folder) : CURLE_OK,
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] != CURLE_OK) return false;
    return true;
}

void endpoint_trust_free(struct endpoint_trust *trust) {
    buffer_free(&trust->bundle);
    *trust = (struct endpoint_trust){0};
}
