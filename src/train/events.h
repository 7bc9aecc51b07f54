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

// A new file "events.out.tfevents.TIME.HOST.PID" in the folder, which must exist. What earlier files say of
// steps beyond `step` is taken away: a resumed run says it again. A restart mark tells TensorBoards that are
// already looking.
int events_open(struct events *events, const char *folder, uint64_t step, struct error *error);
int events_add(struct events *events, uint64_t step, const struct event_scalar *scalars, size_t count,
               struct error *error);
void events_close(struct events *events);

// How many bytes of an event file's start are whole records of steps up to `step`.
size_t events_length_until(const void *data, size_t length, uint64_t step);

// CRC-32C (Castagnoli), as in iSCSI; exposed for tests.
uint32_t events_crc32c(const void *data, size_t length);

#endif
