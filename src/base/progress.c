#include "base/progress.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

static enum progress_mode mode = PROGRESS_AUTO;
static double line_interval = 10; // seconds

static const double bar_interval = 0.1; // seconds between two pictures of the bar

struct progress {
    pthread_mutex_t mutex;
    const char *title;
    const char *unit;
    uint64_t done;
    uint64_t total;
    bool bar;
    double started; // seconds, monotonic
    double shown;
    char note[128];
};

void progress_configure(enum progress_mode new_mode, double seconds) {
    mode = new_mode;
    line_interval = seconds;
}

struct progress *progress_start(const char *title, const char *unit, uint64_t total) {
    if (mode == PROGRESS_QUIET) return NULL;
    struct progress *progress = calloc(1, sizeof *progress);
    if (!progress) return NULL; // the job itself can go on without
    pthread_mutex_init(&progress->mutex, NULL);
    progress->title = title;
    progress->unit = unit;
    progress->total = total;
    progress->bar = mode == PROGRESS_AUTO && log_is_terminal();
    progress->started = clock_seconds();
    progress->shown = progress->bar ? 0 : progress->started; // the bar at once, a line only after a while
    return progress;
}

// "1:02:03" or "2:03".
static void format_duration(double seconds, char *text, size_t size) {
    unsigned long whole = seconds < 0 ? 0 : seconds > 1e8 ? 100000000 : (unsigned long)(seconds + 0.5);
    if (whole >= 3600)
        snprintf(text, size, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, size, "%lu:%02lu", whole / 60, whole % 60);
}

// "3 of 270 photos, 1.50/s, 2:58 left, NOTE"
static void format_numbers(const struct progress *progress, double time, char *text, size_t size) {
    double elapsed = time - progress->started;
    double rate = elapsed > 0 ? (double)progress->done / elapsed : 0;
    char duration[32];
    bool complete = progress->total && progress->done >= progress->total;
    bool estimate = progress->total && rate > 0 && !complete;
    format_duration(estimate ? (double)(progress->total - progress->done) / rate : elapsed, duration,
                    sizeof duration);
    char amount[64];
    if (progress->total)
        snprintf(amount, sizeof amount, "%llu of %llu", (unsigned long long)progress->done,
                 (unsigned long long)progress->total);
    else
        snprintf(amount, sizeof amount, "%llu", (unsigned long long)progress->done);
    snprintf(text, size, "%s %s, %.*f/s, %s%s%s%s", amount, progress->unit, rate < 10 ? 2 : 0, rate, duration,
             estimate ? " left" : "", progress->note[0] ? ", " : "", progress->note);
}

// Ends the text at `columns` characters at most, never inside one. Notes are short texts of one column a
// character.
static void cut_to_columns(char *text, int columns) {
    for (char *s = text; *s; s++)
        if ((*s & 0xC0) != 0x80 && columns-- <= 0) {
            *s = 0;
            return;
        }
}

// "locating [=====>    ] 3 of 270 photos, ..."
static void show_bar(const struct progress *progress, const char *numbers) {
    enum { WIDTH = 24 };
    char bar[WIDTH + 4] = "";
    if (progress->total) {
        uint64_t done = progress->done < progress->total ? progress->done : progress->total;
        int full = (int)((double)done / (double)progress->total * WIDTH);
        bar[0] = '[';
        memset(bar + 1, '=', (size_t)full);
        memset(bar + 1 + full, ' ', (size_t)(WIDTH - full));
        if (full < WIDTH) bar[1 + full] = '>';
        memcpy(bar + 1 + WIDTH, "] ", 3);
    }
    char line[480];
    snprintf(line, sizeof line, "%s %s%s", progress->title, bar, numbers);
    cut_to_columns(line, log_columns() - 1);
    log_status(line);
}

static void show(struct progress *progress, double time) {
    char numbers[320];
    format_numbers(progress, time, numbers, sizeof numbers);
    if (progress->bar)
        show_bar(progress, numbers);
    else
        log_info("%s: %s", progress->title, numbers);
    progress->shown = time;
}

void progress_add(struct progress *progress, uint64_t steps) {
    if (!progress) return;
    pthread_mutex_lock(&progress->mutex);
    progress->done += steps;
    double time = clock_seconds();
    if (time - progress->shown >= (progress->bar ? bar_interval : line_interval)) show(progress, time);
    pthread_mutex_unlock(&progress->mutex);
}

void progress_note(struct progress *progress, const char *format, ...) {
    if (!progress) return;
    pthread_mutex_lock(&progress->mutex);
    va_list args;
    va_start(args, format);
    vsnprintf(progress->note, sizeof progress->note, format, args);
    va_end(args);
    struct error line; // error_set() makes outside text safe to print
    error_set(&line, ERROR_NONE, "%s", progress->note);
    snprintf(progress->note, sizeof progress->note, "%.*s", (int)sizeof progress->note - 1, line.message);
    pthread_mutex_unlock(&progress->mutex);
}

void progress_finish(struct progress *progress) {
    if (!progress) return;
    if (progress->bar)
        log_status("");
    else
        show(progress, clock_seconds());
    pthread_mutex_destroy(&progress->mutex);
    free(progress);
}
