#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/memory.h"

enum { DIGEST = 32, PIECE = 1 << 18 };

struct hash {
    EVP_MD_CTX *context;
    bool failed;
};

struct hash *hash_new(struct error *error) {
    struct hash *hash = memory_new(1, sizeof *hash, "hash", error);
    if (!hash) return NULL;
    hash->context = EVP_MD_CTX_new();
    if (hash->context && EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL)) return hash;
    EVP_MD_CTX_free(hash->context);
    free(hash);
    error_set(error, ERROR_MEMORY, "SHA-256 cannot be had");
    return NULL;
}

void hash_add(struct hash *hash, const void *data, size_t length) {
    if (hash && !EVP_DigestUpdate(hash->context, data, length)) hash->failed = true;
}

int hash_end(struct hash *hash, char text[HASH_TEXT], struct error *error) {
    unsigned char digest[DIGEST];
    text[0] = 0;
    if (!hash) return -1;
    bool failed = hash->failed || !EVP_DigestFinal_ex(hash->context, digest, NULL);
    EVP_MD_CTX_free(hash->context);
    free(hash);
    if (failed) return error_set(error, ERROR_INTERNAL, "SHA-256 failed");
    for (int i = 0; i < DIGEST; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return 0;
}

int hash_bytes(const void *data, size_t length, char text[HASH_TEXT], struct error *error) {
    struct hash *hash = hash_new(error);
    hash_add(hash, data, length);
    return hash_end(hash, text, error);
}

static int add_file(struct hash *hash, int fd, const char *path, struct error *error) {
    char *piece = memory_new(PIECE, 1, path, error);
    ssize_t got = piece ? 1 : -1;
    while (got > 0) {
        do got = read(fd, piece, PIECE);
        while (got < 0 && errno == EINTR);
        if (got < 0) error_set_errno(error, path, "cannot read");
        if (got > 0) hash_add(hash, piece, (size_t)got);
    }
    free(piece);
    return got < 0 ? -1 : 0;
}

int hash_file(const char *path, char text[HASH_TEXT], struct error *error) {
    struct stat status;
    text[0] = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return error_set_errno(error, path, "cannot open");
    int result = fstat(fd, &status) || !S_ISREG(status.st_mode)
                     ? error_set(error, ERROR_INPUT, "%s: not a regular file", path)
                     : 0;
    struct hash *hash = result == 0 ? hash_new(error) : NULL;
    if (!hash) result = -1;
    if (result == 0) result = add_file(hash, fd, path, error);
    close(fd);
    if (hash && hash_end(hash, text, error)) result = -1;
    if (result) text[0] = 0;
    return result;
}
