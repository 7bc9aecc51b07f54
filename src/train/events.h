// TensorBoard event files: TFRecord frames (length, masked CRC-32C, data, masked CRC-32C) around protobuf
// Event messages with scalar summaries.
#ifndef GLOBE_TRAIN_EVENTS_H
#define GLOBE_TRAIN_EVENTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct events {
    FILE *file; // NULL: everything is dropped
    char *path;
};

struct event_scalar {
    const char *tag;
    float value;
};

// A new file "events.out.tfevents.TIME.HOST.PID" in the folder, which must exist.
int events_open(struct events *events, const char *folder, struct error *error);
int events_add(struct events *events, uint64_t step, const struct event_scalar *scalars, size_t count,
               struct error *error);
void events_close(struct events *events);

// CRC-32C (Castagnoli), as in iSCSI; exposed for tests.
uint32_t events_crc32c(const void *data, size_t length);

#endif
