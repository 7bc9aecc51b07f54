#include "train/events.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"

uint32_t events_crc32c(const void *data, size_t length) {
    const unsigned char *bytes = data;
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < length; i++) { // bit by bit: a few hundred bytes a step
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0x82F63B78u & (0u - (crc & 1u)));
    }
    return ~crc;
}

static uint32_t masked_crc(const void *data, size_t length) {
    uint32_t crc = events_crc32c(data, length);
    return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

// ---- protobuf -------------------------------------------------------------------------------------------

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static void add_varint(struct buffer *buffer, uint64_t value) {
    unsigned char bytes[10];
    size_t count = 0;
    do {
        bytes[count] = (unsigned char)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        value >>= 7;
        count++;
    } while (value);
    buffer_add(buffer, bytes, count);
}

static void add_little_endian(struct buffer *buffer, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++)
        buffer_add(buffer, &(unsigned char){(unsigned char)(value >> (8 * i))}, 1);
}

static void add_key(struct buffer *buffer, unsigned field, enum wire wire) {
    add_varint(buffer, field << 3 | (unsigned)wire);
}

static void add_bytes(struct buffer *buffer, unsigned field, const void *data, size_t length) {
    add_key(buffer, field, WIRE_BYTES);
    add_varint(buffer, length);
    buffer_add(buffer, data, length);
}

static void add_double(struct buffer *buffer, unsigned field, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_key(buffer, field, WIRE_64);
    add_little_endian(buffer, bits, sizeof bits);
}

static void add_float(struct buffer *buffer, unsigned field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_key(buffer, field, WIRE_32);
    add_little_endian(buffer, bits, sizeof bits);
}

// Event: 1 wall_time, 2 step, 3 file_version, 5 summary. Summary: 1 value. Value: 1 tag, 2 simple_value.
static void add_summary(struct buffer *event, const struct event_scalar *scalars, size_t count) {
    struct buffer summary = {0}, value = {0};
    for (size_t i = 0; i < count; i++) {
        buffer_clear(&value);
        add_bytes(&value, 1, scalars[i].tag, strlen(scalars[i].tag));
        add_float(&value, 2, scalars[i].value);
        add_bytes(&summary, 1, value.data, value.length);
    }
    add_bytes(event, 5, summary.data, summary.length);
    event->failed |= summary.failed || value.failed;
    buffer_free(&summary);
    buffer_free(&value);
}

// ---- the file -------------------------------------------------------------------------------------------

static int write_record(struct events *events, const struct buffer *event, struct error *error) {
    struct buffer record = {0};
    add_little_endian(&record, event->length, 8);
    add_little_endian(&record, masked_crc(record.data, 8), 4);
    buffer_add(&record, event->data, event->length);
    add_little_endian(&record, masked_crc(event->data, event->length), 4);
    int result = 0;
    if (event->failed || record.failed)
        result = error_set(error, ERROR_MEMORY, "%s: out of memory", events->path);
    else if (fwrite(record.data, 1, record.length, events->file) != record.length || fflush(events->file))
        result = error_set_errno(error, events->path, "cannot write");
    buffer_free(&record);
    return result;
}

static double wall_time(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

int events_open(struct events *events, const char *folder, struct error *error) {
    static const char version[] = "brain.Event:2";
    char host[65] = "localhost";
    struct buffer path = {0}, event = {0};
    *events = (struct events){0};
    if (gethostname(host, sizeof host - 1)) host[0] = 0;
    buffer_format(&path, "%s/events.out.tfevents.%.0f.%s.%d", folder, wall_time(), host, (int)getpid());
    events->path = buffer_take(&path);
    if (!events->path) return error_set(error, ERROR_MEMORY, "%s: out of memory", folder);
    events->file = fopen(events->path, "ab");
    if (!events->file) {
        error_set_errno(error, events->path, "cannot write");
        events_close(events);
        return -1;
    }
    add_double(&event, 1, wall_time());
    add_bytes(&event, 3, version, sizeof version - 1);
    int result = write_record(events, &event, error);
    buffer_free(&event);
    if (result) events_close(events);
    return result;
}

int events_add(struct events *events, uint64_t step, const struct event_scalar *scalars, size_t count,
               struct error *error) {
    if (!events->file) return 0;
    struct buffer event = {0};
    add_double(&event, 1, wall_time());
    add_key(&event, 2, WIRE_VARINT);
    add_varint(&event, step);
    add_summary(&event, scalars, count);
    int result = write_record(events, &event, error);
    buffer_free(&event);
    return result;
}

void events_close(struct events *events) {
    if (events->file) fclose(events->file);
    free(events->path);
    *events = (struct events){0};
}
