// A growing list of token ids.
#ifndef GLOBE_TEXT_IDS_H
#define GLOBE_TEXT_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ids {
    int32_t *data;
    size_t count;
    size_t capacity;
};

int ids_add(struct ids *ids, int32_t id, struct error *error);
void ids_free(struct ids *ids);

#endif
