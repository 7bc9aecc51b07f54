#include "text/added.h"

#include <stdlib.h>

#include "base/memory.h"

enum { MAX_NODES = 64 * 1024 * 1024 };

static uint32_t new_node(struct added *added, unsigned char byte, struct error *error) {
    if (added->count == added->capacity) {
        uint32_t capacity = added->capacity ? added->capacity * 2 : 256;
        struct added_node *nodes = NULL;
        if (capacity <= MAX_NODES)
            nodes = memory_grow(added->nodes, capacity, sizeof *nodes, "added tokens", error);
        else
            error_set(error, ERROR_LIMIT, "the added tokens are too long altogether");
        if (!nodes) return 0;
        added->nodes = nodes;
        added->capacity = capacity;
        if (!added->count) added->nodes[added->count++] = (struct added_node){.id = -1};
    }
    added->nodes[added->count] = (struct added_node){.id = -1, .byte = byte};
    return added->count++;
}

static uint32_t find_child(const struct added *added, uint32_t node, unsigned char byte) {
    if (node == 0) return added->first[byte];
    uint32_t child = added->nodes[node].child;
    while (child && added->nodes[child].byte != byte) child = added->nodes[child].sibling;
    return child;
}

int added_insert(struct added *added, const char *text, size_t length, int32_t id, const char *name,
                 struct error *error) {
    uint32_t node = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        uint32_t child = find_child(added, node, byte);
        if (!child) {
            child = new_node(added, byte, error);
            if (!child) return -1;
            if (node == 0) {
                added->first[byte] = child;
            } else {
                added->nodes[child].sibling = added->nodes[node].child;
                added->nodes[node].child = child;
            }
        }
        node = child;
    }
    if (node == 0 || added->nodes[node].id >= 0)
        return error_set(error, ERROR_MODEL, "%s: the added token \"%s\" is %s", name, text,
                         node ? "there twice" : "empty");
    added->nodes[node].id = id;
    return 0;
}

void added_free(struct added *added) {
    free(added->nodes);
    *added = (struct added){0};
}

size_t added_match(const struct added *added, const char *text, size_t length, int32_t *id) {
    size_t longest = 0;
    uint32_t node = 0;
    for (size_t i = 0; i < length; i++) {
        node = find_child(added, node, (unsigned char)text[i]);
        if (!node) break;
        if (added->nodes[node].id >= 0) {
            longest = i + 1;
            *id = added->nodes[node].id;
        }
    }
    return longest;
}

size_t added_search(const struct added *added, const char *text, size_t length, size_t *match, int32_t *id) {
    *match = 0;
    for (size_t i = 0; i < length; i++) {
        if (!added->first[(unsigned char)text[i]]) continue;
        *match = added_match(added, text + i, length - i, id);
        if (*match) return i;
    }
    return length;
}
