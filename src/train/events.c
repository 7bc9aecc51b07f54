#include "train/events.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"

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

// ---- reading --------------------------------------------------------------------------------------------

static uint64_t little_endian(const unsigned char *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

// *at moves behind the number; false when the bytes end before it.
static bool take_varint(const unsigned char *data, size_t length, size_t *at, uint64_t *value) {
    *value = 0;
    for (unsigned shift = 0; shift < 64 && *at < length; shift += 7) {
        unsigned char byte = data[(*at)++];
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

// Field 2 of an Event, 0 when it has none; false when it is no message.
static bool find_step(const unsigned char *data, size_t length, uint64_t *step) {
    *step = 0;
    for (size_t at = 0; at < length;) {
        uint64_t key, value = 0;
        if (!take_varint(data, length, &at, &key)) return false;
        enum wire wire = (enum wire)(key & 7);
        if (wire == WIRE_VARINT || wire == WIRE_BYTES) {
            if (!take_varint(data, length, &at, &value)) return false;
        } else if (wire != WIRE_64 && wire != WIRE_32) {
            return false;
        }
        uint64_t size = wire == WIRE_BYTES ? value : wire == WIRE_64 ? 8 : wire == WIRE_32 ? 4 : 0;
        if (size > length - at) return false;
        at += (size_t)size;
        if (key >> 3 == 2 && wire == WIRE_VARINT) *step = value;
    }
    return true;
}

size_t events_length_until(const void *data, size_t length, uint64_t step) {
    const unsigned char *bytes = data;
    size_t at = 0;
    while (length - at >= 16) { // length, its sum, the sum of the record
        uint64_t size = little_endian(bytes + at, 8), found;
        if (masked_crc(bytes + at, 8) != little_endian(bytes + at + 8, 4) || size > length - at - 16) break;
        const unsigned char *record = bytes + at + 12;
        if (masked_crc(record, (size_t)size) != little_endian(record + size, 4) ||
            !find_step(record, (size_t)size, &found) || found > step)
            break;
        at += 16 + (size_t)size;
    }
    return at;
}

static int cut_file(const char *path, uint64_t step, bool *cut, struct error *error) {
    struct file_map map;
    struct error ignored;
    if (file_map_open(&map, path, &ignored)) return 0; // empty: nothing to take away
    size_t length = map.size, kept = events_length_until(map.data, map.size, step);
    file_map_close(&map);
    if (kept == length) return 0;
    *cut = true;
    if (truncate(path, (off_t)kept)) return error_set_errno(error, path, "cannot cut");
    return 0;
}

static int cut_files(const char *folder, uint64_t step, bool *cut, struct error *error) {
    DIR *directory = opendir(folder);
    if (!directory) return error_set_errno(error, folder, "cannot list");
    int result = 0;
    // cppcheck-suppress readdirCalled ; nobody else reads this stream
    for (struct dirent *entry; result == 0 && (entry = readdir(directory));) {
        if (strncmp(entry->d_name, "events.out.tfevents.", 20) != 0) continue;
        char *path = file_join(folder, entry->d_name, error);
        result = path ? cut_file(path, step, cut, error) : -1;
        free(path);
    }
    closedir(directory);
    return result;
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

// Event: 7 session_log. SessionLog: 1 status, START. From this step on earlier events do not count.
static int write_restart(struct events *events, uint64_t step, struct error *error) {
    static const unsigned char start[] = {1 << 3 | WIRE_VARINT, 1};
    struct buffer event = {0};
    add_double(&event, 1, wall_time());
    add_key(&event, 2, WIRE_VARINT);
    add_varint(&event, step);
    add_bytes(&event, 7, start, sizeof start);
    int result = write_record(events, &event, error);
    buffer_free(&event);
    return result;
}

int events_open(struct events *events, const char *folder, uint64_t step, struct error *error) {
    static const char version[] = "brain.Event:2";
    char host[65] = "localhost";
    struct buffer path = {0}, event = {0};
    bool cut = false;
    *events = (struct events){0};
    if (cut_files(folder, step, &cut, error)) return -1;
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
    if (result == 0 && (step || cut)) result = write_restart(events, step + 1, error);
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
