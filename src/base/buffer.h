// A growing byte buffer for building texts. An allocation failure is remembered, so that callers check once.
#ifndef GLOBE_BASE_BUFFER_H
#define GLOBE_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data; // always NUL-terminated when not NULL
    size_t length;
    size_t capacity;
    bool failed;
};

void buffer_add(struct buffer *buffer, const void *data, size_t length);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_clear(struct buffer *buffer); // length 0, memory kept
void buffer_free(struct buffer *buffer);
// Hands the text over (free() it) and empties the buffer; NULL if an allocation failed.
char *buffer_take(struct buffer *buffer);

#endif
