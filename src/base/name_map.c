#include "base/name_map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

// FNV-1a, 64 bits.
static uint64_t hash(const char *name) {
    uint64_t value = 0xCBF29CE484222325u;
    for (; *name; name++) value = (value ^ (unsigned char)*name) * 0x100000001B3u;
    return value ^ value >> 32;
}

// The slot that holds the name, or the free one where it belongs.
static struct name_map_slot *slot_of(const struct name_map *map, const char *name) {
    size_t at = (size_t)hash(name);
    for (;; at++) {
        struct name_map_slot *slot = &map->slots[at & (map->capacity - 1)];
        if (!slot->name || strcmp(slot->name, name) == 0) return slot;
    }
}

static int grow(struct name_map *map, struct error *error) {
    struct name_map bigger = {.capacity = map->capacity ? map->capacity * 2 : 64, .count = map->count};
    bigger.slots = memory_new(bigger.capacity, sizeof *bigger.slots, "names", error);
    if (!bigger.slots) return -1;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].name) *slot_of(&bigger, map->slots[i].name) = map->slots[i];
    free(map->slots);
    *map = bigger;
    return 0;
}

int name_map_add(struct name_map *map, const char *name, size_t value, struct error *error) {
    if (map->count * 2 >= map->capacity && grow(map, error)) return -1;
    *slot_of(map, name) = (struct name_map_slot){name, value};
    map->count++;
    return 0;
}

bool name_map_find(const struct name_map *map, const char *name, size_t *value) {
    if (!map->count) return false;
    const struct name_map_slot *slot = slot_of(map, name);
    if (slot->name && value) *value = slot->value;
    return slot->name != NULL;
}

void name_map_free(struct name_map *map) {
    free(map->slots);
    *map = (struct name_map){0};
}
