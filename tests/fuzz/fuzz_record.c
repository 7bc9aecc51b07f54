// Any bytes as a line of results: what is accepted is a whole verdict, which can be written and read again.
#include <stdlib.h>
#include <string.h>

#include "locate/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct record record, again;
    struct error error = {0};
    if (record_read(&record, (const char *)data, size, "record", &error)) {
        if (error.code != ERROR_INPUT || !error.message[0] || record.json || record.verdict.photo) abort();
        return 0;
    }
    if (!record.verdict.photo || !record.model || !record.version) abort();
    struct buffer line = {0};
    const struct writer_options options = {.precision = record.precision, .model = record.model};
    if (verdict_to_json(&record.verdict, &options, &line, &error)) abort();
    if (record_read(&again, line.data, line.length, "again", &error)) abort();
    if (again.verdict.outcome != record.verdict.outcome) abort();
    record_free(&again);
    record_free(&record);
    buffer_free(&line);
    return 0;
}
