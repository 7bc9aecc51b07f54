#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const char *log_name = "globe";
static enum log_level threshold = LOG_INFO;
static char status_line[512]; // what is on the terminal's last line now

void log_set_name(const char *name) {
    log_name = name;
}

void log_set_level(enum log_level level) {
    threshold = level;
}

enum log_level log_get_level(void) {
    return threshold;
}

bool log_is_terminal(void) {
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
}

int log_columns(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static bool use_colour(void) {
    const char *no_color = getenv("NO_COLOR"); // https://no-color.org: any value but the empty one
    return log_is_terminal() && !(no_color && no_color[0]);
}

static void write_line(enum log_level level, const char *message) {
    static const struct {
        const char *word, *colour;
    } styles[] = {{"", "\033[1;31m"}, {"warning: ", "\033[1;33m"}, {"", ""}, {"debug: ", "\033[2m"}};
    const char *colour = use_colour() ? styles[level].colour : "";
    const char *plain = colour[0] ? "\033[0m" : "";

    pthread_mutex_lock(&mutex);
    if (status_line[0]) fputs("\r\033[K", stderr);
    fprintf(stderr, "%s%s: %s%s%s\n", colour, log_name, styles[level].word, plain, message);
    if (status_line[0]) fputs(status_line, stderr);
    fflush(stderr);
    pthread_mutex_unlock(&mutex);
}

static void log_message(enum log_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void log_message(enum log_level level, const char *format, va_list args) {
    if (level > threshold) return;
    struct error line; // error_set() makes outside text safe to print
    char message[sizeof line.message];
    vsnprintf(message, sizeof message, format, args);
    error_set(&line, ERROR_NONE, "%s", message);
    write_line(level, line.message);
}

void log_error(const char *format, ...) {
    va_list args;
    va_start(args, format);
    log_message(LOG_ERROR, format, args);
    va_end(args);
}

void log_warning(const char *format, ...) {
    va_list args;
    va_start(args, format);
    log_message(LOG_WARNING, format, args);
    va_end(args);
}

void log_info(const char *format, ...) {
    va_list args;
    va_start(args, format);
    log_message(LOG_INFO, format, args);
    va_end(args);
}

void log_debug(const char *format, ...) {
    va_list args;
    va_start(args, format);
    log_message(LOG_DEBUG, format, args);
    va_end(args);
}

void log_status(const char *text) {
    if (!log_is_terminal()) return;
    pthread_mutex_lock(&mutex);
    if (text[0] || status_line[0]) fprintf(stderr, "\r\033[K%s", text);
    snprintf(status_line, sizeof status_line, "%s", text);
    fflush(stderr);
    pthread_mutex_unlock(&mutex);
}
