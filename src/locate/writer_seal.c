// Whether a sidecar is still as it was written: people and their programs edit sidecars, and what they did is
// not to be lost when a batch is resumed.
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "locate/writer_internal.h"

static const char start[] = "<" WRITER_SEAL ">", end[] = "</" WRITER_SEAL ">";
enum { DIGITS = HASH_TEXT - 1 };

// Where the digits stand, or NULL.
static const char *find_seal(const char *packet, size_t length) {
    const char *at = memmem(packet, length, start, sizeof start - 1);
    if (!at) return NULL;
    at += sizeof start - 1;
    if ((size_t)(packet + length - at) < DIGITS + sizeof end - 1) return NULL;
    return memcmp(at + DIGITS, end, sizeof end - 1) == 0 ? at : NULL;
}

static int hash_packet(const char *packet, size_t length, const char *seal, char text[HASH_TEXT],
                       struct error *error) {
    static const char zeros[DIGITS + 1] = "0000000000000000000000000000000000000000000000000000000000000000";
    struct hash *hash = hash_new(error);
    hash_add(hash, packet, (size_t)(seal - packet));
    hash_add(hash, zeros, DIGITS);
    hash_add(hash, seal + DIGITS, (size_t)(packet + length - seal) - DIGITS);
    return hash_end(hash, text, error);
}

int writer_seal(struct buffer *packet, struct error *error) {
    char text[HASH_TEXT];
    const char *seal = find_seal(packet->data, packet->length);
    if (!seal) return error_set(error, ERROR_INTERNAL, "a sidecar without room for its seal");
    if (hash_packet(packet->data, packet->length, seal, text, error)) return -1;
    memcpy(packet->data + (seal - packet->data), text, DIGITS);
    return 0;
}

bool writer_is_sealed(const char *packet, size_t length) {
    char text[HASH_TEXT];
    const char *seal = find_seal(packet, length);
    return seal && hash_packet(packet, length, seal, text, NULL) == 0 && memcmp(seal, text, DIGITS) == 0;
}
