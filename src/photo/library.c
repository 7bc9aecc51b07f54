#include "photo/library.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <vips/vips.h>

#include "photo/formats.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
// A busy batch must not keep the one that failed waiting.
static pthread_rwlock_t lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static int failed_to_start;

// For the thread that runs alone: libpng's reasons come as warnings only.
static bool alone;
static char last_warning[LIBRARY_REASON];
static pthread_mutex_t warning_lock = PTHREAD_MUTEX_INITIALIZER;

// Warnings ("... marker in JPEG ignored") would go to stderr, where only our own messages belong.
static void keep_warning(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data) {
    (void)domain, (void)level, (void)data;
    if (!alone || strstr(message, "error in tile")) return; // which libvips adds, and says nothing
    pthread_mutex_lock(&warning_lock);
    snprintf(last_warning, sizeof last_warning, "%s", message);
    pthread_mutex_unlock(&warning_lock);
}

static void start(void) {
    g_log_set_handler("VIPS",
                      G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG,
                      keep_warning, NULL);
    failed_to_start = vips_init("globe");
    if (failed_to_start) return;
    vips_block_untrusted_set(TRUE);
    formats_unblock();
    vips_cache_set_max(0); // operations are kept by buffer address, which the next photo may share
    vips_concurrency_set(1);
}

static bool says_cut_short(const char *text) {
    static const char *const signs[] = {"Premature end of input", // libjpeg
                                        "not enough data",        // libpng
                                        "Unexpected end of",      // libnsgif, libheif
                                        "bad seek", // libtiff, libheif: an offset beyond the end
                                        "IO error during reading",
                                        "bytes, expected", // libtiff, in a strip
                                        "Can not read TIFF directory"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strstr(text, signs[i])) return true;
    return false;
}

// The line of libvips' text that tells most: the first, except that libjpeg's complaints come before the
// error.
static const char *best_line(const char *text) {
    const char *next;
    while (strstr(text, "Corrupt JPEG data") && (next = strchr(text, '\n')) && next[1]) text = next + 1;
    return text;
}

static void take_reason(char reason[LIBRARY_REASON]) {
    const char *text = vips_error_buffer();
    if (!*text || strstr(text, "libpng read error")) text = *last_warning ? last_warning : "unreadable";
    bool cut_short = says_cut_short(text);
    const char *line = best_line(text), *colon = strstr(line, ": ");
    // "VipsJpeg: ..." names the part that speaks; "IDAT: CRC error" is worth keeping.
    if (text != last_warning && colon && colon < line + strcspn(line, " \n")) line = colon + 2;
    snprintf(reason, LIBRARY_REASON, "%.*s", (int)strcspn(line, "\n"), line);
    if (cut_short) snprintf(reason, LIBRARY_REASON, "%s", LIBRARY_CUT_SHORT);
    vips_error_clear();
}

int library_run(library_work *work, void *state, char reason[LIBRARY_REASON], struct error *error) {
    reason[0] = 0;
    pthread_once(&once, start);
    if (failed_to_start) return error_set(error, ERROR_INTERNAL, "libvips does not start");
    pthread_rwlock_rdlock(&lock);
    int result = work(state, error);
    pthread_rwlock_unlock(&lock);
    if (result > 0) {
        pthread_rwlock_wrlock(&lock);
        vips_error_clear();
        last_warning[0] = 0;
        alone = true;
        result = work(state, error);
        alone = false;
        if (result > 0) take_reason(reason);
        pthread_rwlock_unlock(&lock);
    }
    vips_thread_shutdown(); // libvips' caches of this thread, which may be about to end
    return result;
}
