// Added tokens ("<|im_end|>"): the longest one that stands at a place of a text.
#ifndef GLOBE_TEXT_ADDED_H
#define GLOBE_TEXT_ADDED_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// A trie: the children of a node are a linked list. Node 0 is the root.
struct added_node {
    int32_t id; // of the token that ends here, or -1
    uint32_t child, sibling;
    unsigned char byte;
};

struct added {
    struct added_node *nodes;
    uint32_t count, capacity;
    uint32_t first[256]; // the root's child for each byte, 0 when none
};

// Start from {0}. Adding the same text again is ERROR_MODEL, naming `name`.
int added_insert(struct added *added, const char *text, size_t length, int32_t id, const char *name,
                 struct error *error);
void added_free(struct added *added);

// The longest token at the beginning of text[0, length): its length, 0 when there is none.
size_t added_match(const struct added *added, const char *text, size_t length, int32_t *id);
// The first place of text[0, length) where a token begins (`length` when nowhere), and the longest one there.
size_t added_search(const struct added *added, const char *text, size_t length, size_t *match, int32_t *id);

#endif
