// A hash table from names to numbers, for tensors and other things found by name.
#ifndef GLOBE_BASE_NAME_MAP_H
#define GLOBE_BASE_NAME_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

// Start from {0}. The names belong to the caller and must outlive the map.
struct name_map {
    struct name_map_slot {
        const char *name; // NULL: free
        size_t value;
    } * slots;
    size_t capacity; // a power of two, or 0
    size_t count;
};

// The name must not be in the map yet.
int name_map_add(struct name_map *map, const char *name, size_t value, struct error *error);
// *value is set only when the name is found; it may be NULL.
bool name_map_find(const struct name_map *map, const char *name, size_t *value);
void name_map_free(struct name_map *map);

#endif
