// For tests of what computes on a device: looking at device memory, and running a whole test on another
// device.
#ifndef GLOBE_TESTS_SUPPORT_DEVICE_H
#define GLOBE_TESTS_SUPPORT_DEVICE_H

#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "tensor/device.h"

// The device that tests run on (`isa` of device_open_cpu): NULL, or what GLOBE_TEST_DEVICE says, "guard" for
// one whose memory only operations can touch.
static inline const char *test_isa(void) {
    return getenv("GLOBE_TEST_DEVICE");
}

enum { HOST_COPIES = 8 };
static float *host_copies[HOST_COPIES];

static inline void free_host_copies(void) {
    for (int i = 0; i < HOST_COPIES; i++) free(host_copies[i]);
}

// `count` F32 values of device memory on the host, in a ring of eight: the ninth call takes the first one's
// place.
static inline float *on_host(struct device *device, const float *data, size_t count) {
    static int next;
    struct error error = {0};
    if (next == 0 && !host_copies[0]) atexit(free_host_copies);
    float **copy = &host_copies[next++ % HOST_COPIES];
    free(*copy);
    *copy = malloc((count + 1) * sizeof **copy);
    assert_non_null(*copy);
    device_download(device, *copy, matrix_of((void *)(uintptr_t)data, DTYPE_F32, 1, count));
    assert_ok(device_check(device, &error), error);
    return *copy;
}

// The other way.
static inline void to_device(struct device *device, float *data, const float *values, size_t count) {
    struct error error = {0};
    device_upload(device, matrix_of(data, DTYPE_F32, 1, count), values);
    assert_ok(device_check(device, &error), error);
}

#endif
