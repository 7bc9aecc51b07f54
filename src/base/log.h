// Messages for people, on stderr: one line each, with the program's name and the level in front. This file
// owns the terminal: a status line (the progress bar) is taken away before a message and put back after it.
#ifndef GLOBE_BASE_LOG_H
#define GLOBE_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

// What stands in front of every message: "globe" at first, then "globe locate". The text is not copied.
void log_set_name(const char *name);
// Messages above this level are dropped. LOG_INFO at first.
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

// "globe locate: MESSAGE", "globe locate: warning: MESSAGE", ... Control characters in the message are
// replaced and it is cut after 479 bytes. Coloured on a terminal unless NO_COLOR is set. Thread-safe.
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Whether stderr is a terminal that understands escape sequences, and its width in columns (80 when unknown).
bool log_is_terminal(void);
int log_columns(void);

// Shows `text` (no line break, shorter than the terminal is wide) as the status line; "" removes it. Only on
// terminals. Remove it before writing to stdout, which may be the same terminal.
void log_status(const char *text);

#endif
