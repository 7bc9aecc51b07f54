// What all devices share: the sticky error, and the list of the memory that is held.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tensor/device_internal.h"

int device_check(struct device *device, struct error *error) {
    device_finish(device);
    if (!device->error.code) return 0;
    error_set(error, device->error.code, "%s", device->error.message);
    if (!device->lost) device->error = (struct error){0};
    return -1;
}

__attribute__((format(printf, 3, 0))) static void remember(struct device *device, enum error_code code,
                                                           const char *format, va_list args) {
    char message[256];
    vsnprintf(message, sizeof message, format, args);
    error_set(&device->error, code, "%s: %s", device->operations->name, message);
}

void device_fail(struct device *device, enum error_code code, const char *format, ...) {
    if (device->error.code) return;
    va_list args;
    va_start(args, format);
    remember(device, code, format, args);
    va_end(args);
}

void device_lose(struct device *device, enum error_code code, const char *format, ...) {
    if (device->lost) return;
    va_list args;
    va_start(args, format);
    remember(device, code, format, args);
    va_end(args);
    device->lost = true;
}

int device_set_exact(struct device *device, bool exact, struct error *error) {
    if (exact && !device->operations->exact)
        return error_set(error, ERROR_USAGE, "this device (%s) cannot compute exactly", device->description);
    device->exact = exact;
    return 0;
}

bool device_can_train(const struct device *device) {
    return device->operations->linear_backward != NULL;
}

void device_close(struct device *device) {
    if (!device) return;
    while (device->block_count) device_release(device, device->blocks[device->block_count - 1].data);
    free(device->blocks);
    device->operations->free(device);
}

// ---- memory

static int check_alive(const struct device *device, struct error *error) {
    return device->lost ? error_set(error, device->error.code, "%s", device->error.message) : 0;
}

// Room for one more block in the list.
static int make_room(struct device *device, struct error *error) {
    if (device->block_count < device->block_room) return 0;
    size_t room = device->block_room ? 2 * device->block_room : 64;
    void *grown = memory_grow(device->blocks, room, sizeof *device->blocks, "list of device memory", error);
    if (!grown) return -1;
    device->blocks = grown;
    device->block_room = room;
    return 0;
}

static void *keep(struct device *device, struct device_block block, const char *what, struct error *error) {
    if (!block.data)
        error_set(error, ERROR_MEMORY, "%s: out of memory (%zu bytes asked for)", what, block.bytes);
    else
        device->blocks[device->block_count++] = block;
    return block.data;
}

void *device_allocate(struct device *device, size_t bytes, enum device_memory kind, const char *what,
                      struct error *error) {
    struct device_block block = {.bytes = bytes ? bytes : 1, .kind = kind};
    if (check_alive(device, error) || make_room(device, error)) return NULL;
    block.data = device->operations->allocate(device, block.bytes, kind);
    return keep(device, block, what, error);
}

void *device_adopt(struct device *device, const void *host, size_t bytes, struct error *error) {
    struct device_block block = {.bytes = bytes, .host = host};
    if (check_alive(device, error) || make_room(device, error)) return NULL;
    for (size_t i = 0; i < device->block_count; i++)
        if (device->blocks[i].host == host && device->blocks[i].bytes == bytes) return device->blocks[i].data;
    block.data = device->operations->adopt(device, host, bytes);
    return keep(device, block, "weights", error);
}

void device_release(struct device *device, void *block) {
    if (!block) return;
    for (size_t i = device->block_count; i-- > 0;) { // what was taken last goes first
        if (device->blocks[i].data != block) continue;
        device->operations->release(device, &device->blocks[i]);
        device->blocks[i] = device->blocks[--device->block_count];
        return;
    }
    device_fail(device, ERROR_INTERNAL, "a block that this device does not hold was released");
}

size_t device_memory_held(const struct device *device) {
    size_t bytes = 0;
    for (size_t i = 0; i < device->block_count; i++)
        if (!device->blocks[i].host) bytes += device->blocks[i].bytes;
    return bytes;
}

struct weight weight_of(struct matrix values) {
    return (struct weight){.values = values, .format = WEIGHT_PLAIN};
}
