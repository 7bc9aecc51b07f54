#include "text/ids.h"

#include <stdlib.h>

#include "base/memory.h"

int ids_add(struct ids *ids, int32_t id, struct error *error) {
    if (ids->count == ids->capacity) {
        size_t capacity = ids->capacity ? ids->capacity * 2 : 64;
        int32_t *data = memory_grow(ids->data, capacity, sizeof *data, "token ids", error);
        if (!data) return -1;
        ids->data = data;
        ids->capacity = capacity;
    }
    ids->data[ids->count++] = id;
    return 0;
}

void ids_free(struct ids *ids) {
    free(ids->data);
    *ids = (struct ids){0};
}
