#include "tensor/device.h"

#include <stdarg.h>
#include <stdio.h>

int device_check(struct device *device, struct error *error) {
    if (!device->error.code) return 0;
    error_set(error, device->error.code, "%s", device->error.message);
    device->error = (struct error){0};
    return -1;
}

void device_fail(struct device *device, enum error_code code, const char *format, ...) {
    if (device->error.code) return;
    char message[256];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    error_set(&device->error, code, "%s: %s", device->operations->name, message);
}

void device_close(struct device *device) {
    if (device) device->operations->free(device);
}
